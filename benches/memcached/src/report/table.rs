//! The results as text.

use std::fmt::Write as _;

use crate::summary::{Ratio, Row, Spread, Summary};

/// All tables; each line ends in LF.
pub(crate) fn render(summary: &Summary) -> String {
    let mut text = String::new();
    let mut append = |part: Result<String, std::fmt::Error>| {
        text.push_str(&part.expect("a String takes everything"));
    };
    append(throughput(summary));
    append(memcaslap(summary));
    append(memory(summary));
    text
}

fn throughput(summary: &Summary) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let Some(first) = summary.rows.first() else {
        return Ok(text);
    };
    writeln!(
        text,
        "{} connections, {} keys, {} rounds of {} s; median (min .. max) of the ratios within each round",
        summary.connections, summary.keys, summary.rounds_wanted, summary.seconds_per_round
    )?;
    write!(
        text,
        "-t bytes pattern      server        kops/s  s/Mop  user  busy   p50 us   p99 us p99.9 us"
    )?;
    for ratio in &first.ratios {
        let heading = format!("to {}", ratio.to);
        write!(text, "  {heading:<20}  s/Mop")?;
    }
    writeln!(text, "  rounds")?;
    for row in &summary.rows {
        render_row(&mut text, row)?;
    }
    Ok(text)
}

fn render_row(text: &mut String, row: &Row) -> std::fmt::Result {
    write!(
        text,
        "{:>2} {:>5} {:<12} {:<12} {:>7.1} {:>6.2} {:>5.2} {:>5.2} {:>8.0} {:>8.0} {:>8.0}",
        row.threads,
        row.value_bytes,
        row.pattern.name(),
        row.server,
        row.operations_per_second.median / 1e3,
        row.server_seconds_per_million.median,
        row.user_seconds_per_million,
        row.server_processors,
        row.p50_microseconds,
        row.p99_microseconds,
        row.p999_microseconds,
    )?;
    for ratio in &row.ratios {
        let Ratio {
            throughput,
            server_seconds,
            ..
        } = ratio;
        write!(
            text,
            "  {:<20}  {:>5.2}",
            spread(throughput),
            server_seconds.median
        )?;
    }
    writeln!(text, "  {} (-{})", row.rounds, row.rounds_discarded)
}

fn memcaslap(summary: &Summary) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for row in &summary.memcaslap {
        writeln!(
            text,
            "memcaslap, {} B: {:<12} {:>7.1} kops/s  to {}: {}",
            row.value_bytes,
            row.server,
            row.operations_per_second.median / 1e3,
            summary.servers[0],
            spread(&row.ratio),
        )?;
    }
    Ok(text)
}

fn memory(summary: &Summary) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for row in &summary.memory {
        writeln!(
            text,
            "memory, {} items of {} B: {:<12} empty {:>6.1} MB, items {:>7.1} MB, {:>6.0} B each, to {}: {:.3}",
            row.items,
            row.value_bytes,
            row.server,
            row.empty_bytes as f64 / 1e6,
            row.added_bytes as f64 / 1e6,
            row.bytes_per_item,
            summary.servers[0],
            row.ratio,
        )?;
    }
    Ok(text)
}

fn spread(spread: &Spread) -> String {
    let Spread { median, min, max } = spread;
    format!("{median:.3} ({min:.2} .. {max:.2})")
}
