//! The results as pictures: for each number of threads, throughput and processor time beside the
//! first server's.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::failure::Failure;
use crate::summary::{Row, Spread, Summary};

const SIZE: (u32, u32) = (1200, 480);
const MARGIN: u32 = 12;
const LABEL_WIDTH: u32 = 56;
const LABEL_HEIGHT: u32 = 40;
/// Share of a group's width that its bars take.
const BARS_WIDTH: f64 = 0.8;
const COLORS: [RGBColor; 6] = [
    RGBColor(120, 120, 120),
    RGBColor(31, 119, 180),
    RGBColor(214, 96, 20),
    RGBColor(44, 140, 44),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
];

/// A quantity that is drawn.
struct Quantity {
    file: &'static str,
    caption: &'static str,
    of: fn(&Row) -> Option<Spread>,
}

const QUANTITIES: [Quantity; 2] = [
    Quantity {
        file: "throughput",
        caption: "throughput beside the first server's (higher is better)",
        of: |row| row.ratios.first().map(|ratio| ratio.throughput),
    },
    Quantity {
        file: "processor-time",
        caption: "server's processor time per operation beside the first server's (lower is better)",
        of: |row| row.ratios.first().map(|ratio| ratio.server_seconds),
    },
];

/// Writes `throughput-tN.svg` and `processor-time-tN.svg` for each number of threads N.
pub(crate) fn write(summary: &Summary, directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error))?;
    let mut threads: Vec<u16> = summary.rows.iter().map(|row| row.threads).collect();
    threads.dedup();
    for threads in threads {
        let rows: Vec<&Row> = summary
            .rows
            .iter()
            .filter(|row| row.threads == threads)
            .collect();
        for quantity in &QUANTITIES {
            let path = directory.join(format!("{}-t{threads}.svg", quantity.file));
            let picture = draw(&rows, &summary.servers, quantity, threads)
                .map_err(|error| Failure::file(&path, &error))?;
            std::fs::write(&path, picture).map_err(|error| Failure::file(&path, &error))?;
        }
    }
    Ok(())
}

/// Groups of bars, one group for each load, one bar for each server.
fn draw(
    rows: &[&Row],
    servers: &[String],
    quantity: &Quantity,
    threads: u16,
) -> Result<String, String> {
    let mut picture = String::new();
    {
        let area = SVGBackend::with_string(&mut picture, SIZE).into_drawing_area();
        draw_on(&area, rows, servers, quantity, threads).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(picture)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type DrawingError<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_on<'a>(
    area: &Area<'a>,
    rows: &[&Row],
    servers: &[String],
    quantity: &Quantity,
    threads: u16,
) -> Result<(), DrawingError<'a>> {
    area.fill(&WHITE)?;
    let groups: Vec<&[&Row]> = rows.chunks(servers.len()).collect();
    let tallest = rows
        .iter()
        .filter_map(|row| (quantity.of)(row))
        .map(|spread| spread.max)
        .fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(
            format!("-t {threads}: {}", quantity.caption),
            ("sans-serif", 18),
        )
        .margin(MARGIN)
        .x_label_area_size(LABEL_HEIGHT)
        .y_label_area_size(LABEL_WIDTH)
        .build_cartesian_2d(0.0..groups.len() as f64, 0.0..tallest * 1.15)?;
    let label = |x: &f64| {
        let group = groups.get(*x as usize).and_then(|group| group.first());
        let name = |row: &&Row| format!("{} {} B", row.pattern.name(), row.value_bytes);
        // One label for each group, in its middle.
        group
            .filter(|_| x.fract() == 0.5)
            .map(name)
            .unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(2 * groups.len() + 1)
        .x_label_formatter(&label)
        .draw()?;
    let width = BARS_WIDTH / servers.len() as f64;
    for (index, server) in servers.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let bars = groups.iter().enumerate().filter_map(|(number, group)| {
            let spread = (quantity.of)(group.get(index)?)?;
            let left = number as f64 + (1.0 - BARS_WIDTH) / 2.0 + index as f64 * width;
            Some((left, spread))
        });
        let bars: Vec<(f64, Spread)> = bars.collect();
        let bar = |(left, spread): &(f64, Spread)| {
            Rectangle::new(
                [(*left, 0.0), (left + width, spread.median)],
                color.filled(),
            )
        };
        chart
            .draw_series(bars.iter().map(bar))?
            .label(server)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
        let whisker = |(left, spread): &(f64, Spread)| {
            let x = left + width / 2.0;
            PathElement::new([(x, spread.min), (x, spread.max)], BLACK)
        };
        chart.draw_series(bars.iter().map(whisker))?;
    }
    let ends = [(0.0, 1.0), (groups.len() as f64, 1.0)];
    chart.draw_series([PathElement::new(ends, BLACK)])?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Ratio;
    use crate::workload::Pattern;

    fn row(server: &str, ratio: f64) -> Row {
        let spread = Spread {
            median: ratio,
            min: ratio - 0.1,
            max: ratio + 0.1,
        };
        Row {
            threads: 3,
            pattern: Pattern::Multiget,
            value_bytes: 128,
            server: server.into(),
            rounds: 1,
            rounds_discarded: 0,
            operations_per_second: spread,
            server_seconds_per_million: spread,
            user_seconds_per_million: 1.0,
            server_processors: 1.0,
            p50_microseconds: 1.0,
            p99_microseconds: 1.0,
            p999_microseconds: 1.0,
            ratios: vec![Ratio {
                to: "stock".into(),
                throughput: spread,
                server_seconds: spread,
            }],
        }
    }

    #[test]
    fn a_chart_is_well_formed_and_names_its_servers() {
        let rows = [row("stock", 1.0), row("<own>", 1.5)];
        let rows: Vec<&Row> = rows.iter().collect();
        let servers = ["stock".to_owned(), "<own>".to_owned()];
        for quantity in &QUANTITIES {
            let picture = draw(&rows, &servers, quantity, 3).unwrap();
            let document = roxmltree::Document::parse(&picture).unwrap();
            let texts: Vec<&str> = document
                .descendants()
                .filter_map(|node| node.text())
                .map(str::trim)
                .collect();
            for text in ["stock", "<own>", "multiget 16 128 B"] {
                assert!(texts.contains(&text), "{text}: {texts:?}");
            }
            let bars = document
                .descendants()
                .filter(|node| node.attribute("fill") == Some("#1F77B4"))
                .count();
            assert_eq!(bars, 2, "a bar and its legend");
        }
    }
}
