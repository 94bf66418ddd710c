//! Numbers and names as words: the same on the page and in the terminal.

use super::campaign::Campaign;
use crate::results::{Backend, Header, Model, Record, Zone};
use crate::statistics::comparison::{Factor, PerRequest};
use crate::statistics::group::Group;
use crate::statistics::interval::Interval;
use crate::statistics::stratified::Rate;

/// Zones in the order of tables.
pub(super) const ZONES: [Zone; 4] = [Zone::Application, Zone::Runtime, Zone::Libc, Zone::Outside];

pub(super) const fn zone_name(zone: Zone) -> &'static str {
    match zone {
        Zone::Application => "application",
        Zone::Runtime => "runtime",
        Zone::Libc => "libc",
        Zone::Outside => "outside handlers",
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut words = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// Three significant digits, without an exponent where that stays readable.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    match magnitude {
        3.. => {
            let unit = 10f64.powi(magnitude - 2);
            count(((value / unit).round() * unit) as u64)
        }
        -6..=2 => format!("{value:.*}", (2 - magnitude).max(0) as usize),
        _ => format!("{value:.2e}"),
    }
}

/// A rate in percent, three significant digits, in one piece.
pub(super) fn percent(rate: f64) -> String {
    format!("{}\u{a0}%", number(rate * 100.0))
}

/// An interval of rates in percent.
pub(super) fn percents(interval: Interval) -> String {
    format!(
        "{} to {}",
        number(interval.low * 100.0),
        percent(interval.high)
    )
}

/// A rate as one reads it out: what was seen, or what it is at most.
pub(super) fn rate(rate: &Rate) -> String {
    match (rate.injections, rate.hits) {
        (0, _) => "not struck".to_owned(),
        (_, 0) => format!("below {}", percent(rate.interval.high)),
        _ => percent(rate.rate),
    }
}

/// Undetected faults per request, with their interval.
pub(super) fn per_request(value: &PerRequest) -> (String, String) {
    let interval = format!(
        "{} to {}",
        number(value.interval.low),
        number(value.interval.high)
    );
    if value.undetected == 0.0 {
        return (format!("below {}", number(value.interval.high)), interval);
    }
    (number(value.undetected), interval)
}

/// How many times less.
pub(super) fn factor(factor: &Factor) -> String {
    match (factor.estimate, factor.low > 0.0) {
        (Some(estimate), _) => format!("{}×", number(estimate)),
        (None, true) => format!("over {}×", number(factor.low)),
        (None, false) => "not known".to_owned(),
    }
}

/// The interval of a factor.
pub(super) fn factor_interval(factor: &Factor) -> String {
    match factor.high {
        Some(high) => format!("{} to {}×", number(factor.low), number(high)),
        None if factor.low > 0.0 => format!("at least {}×", number(factor.low)),
        None => "no escape in either build".to_owned(),
    }
}

/// What the target's runtime does with a struck handler.
pub(super) fn policy(header: &Header) -> &str {
    header.on_fault.as_deref().unwrap_or("the target's own")
}

/// The command that repeats one injection; with the live backend, that makes the same draws again
/// for all injections up to it.
pub(super) fn replay_command(campaign: &Campaign, record: &Record) -> String {
    let header = &campaign.header;
    if header.backend == Backend::Live {
        let mut command = format!(
            "asc-inject run --live --target {} --build {} --models {} --mask {} --seed {} --injections {} --output again.jsonl",
            quoted(&header.target),
            quoted(&header.build),
            models(header),
            header.mask.name(),
            header.seed,
            record.id + 1
        );
        if let Some(policy) = &header.on_fault {
            command += &format!(" --on-fault {}", quoted(policy));
        }
        return command;
    }
    format!(
        "asc-inject replay --results {} --id {}",
        quoted(&campaign.file),
        record.id
    )
}

/// The campaign's models, as `--models` takes them: a group where all of it was struck.
fn models(header: &Header) -> String {
    let struck = |model: &Model| {
        header
            .fault_space
            .iter()
            .any(|stratum| stratum.model == *model)
    };
    let mut names = Vec::new();
    for group in Group::ALL {
        let of_group = || {
            Model::ALL
                .into_iter()
                .filter(move |model| Group::of(*model) == group)
        };
        if of_group().all(|model| struck(&model)) {
            names.push(group.name());
        } else {
            names.extend(of_group().filter(struck).map(Model::name));
        }
    }
    names.join(",")
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+=".contains(character);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Text of a result file with everything that would act on a terminal, or turn the direction of
/// writing, made visible.
pub(super) fn visible(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            words.extend(character.escape_unicode());
        } else {
            words.push(character);
        }
    }
    words
}

fn acts(character: char) -> bool {
    let direction = matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // XML has no U+FFFE and U+FFFF.
    let no_text = matches!(character, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    character.is_control() || direction || no_text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let cases = [
            (0.0, "0"),
            (1_234_567.0, "1,230,000"),
            (999.9, "1000"),
            (38.75, "38.8"),
            (0.001_844, "0.00184"),
            (1.5e-9, "1.50e-9"),
        ];
        for (value, words) in cases {
            assert_eq!(number(value), words);
        }
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(999), "999");
    }

    #[test]
    fn a_file_name_stays_one_word_of_the_shell() {
        assert_eq!(quoted("a/b-1.jsonl"), "a/b-1.jsonl");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted("-rf"), "'-rf'");
    }

    #[test]
    fn what_acts_is_made_visible() {
        assert_eq!(visible("a\u{1b}[2J\u{202e}é"), "a\\u{1b}[2J\\u{202e}é");
    }
}
