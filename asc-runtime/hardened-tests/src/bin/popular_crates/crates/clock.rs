//! `time`, asked inside handlers.

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Duration, OffsetDateTime, UtcDateTime, macros::datetime};

use crate::Exercise;

/// A moment that runs on, and one that is computed.
pub(crate) struct Time {
    seen: OffsetDateTime,
    computed: OffsetDateTime,
    text: String,
}

impl Exercise for Time {
    const NAME: &'static str = "time";

    fn new() -> Self {
        let computed = datetime!(2024-02-29 12:00 UTC);
        Self {
            seen: OffsetDateTime::now_utc(),
            computed,
            text: String::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        match random.below(4) {
            0 => {
                let now = OffsetDateTime::now_utc();
                let forward = now >= self.seen - Duration::HOUR;
                (self.seen, self.text) =
                    (now, now.format(&Rfc3339).expect("a year of four digits"));
                u64::from(forward)
            }
            1 => {
                self.computed += Duration::seconds(random.below(1_000_000) as i64);
                let text = self
                    .computed
                    .format(&Rfc2822)
                    .expect("a year of four digits");
                digest(
                    &OffsetDateTime::parse(&text, &Rfc2822)
                        .expect("what was written")
                        .date(),
                )
            }
            2 => u64::from(UtcDateTime::now().year() > 2000),
            _ => self.computed.to_julian_day() as u64,
        }
    }
}
