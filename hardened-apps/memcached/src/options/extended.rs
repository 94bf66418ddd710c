//! `-o`: options that are named in a list.
//!
//! All names of memcached are known. Those about slabs, logs and the hash table's beginning are
//! accepted and change nothing, because there is nothing here that they could change; those
//! about TLS, storage on disk and proxying are refused.

/// Longest pause of the crawler.
const CRAWLER_SLEEP_MICROSECONDS_MAX: u32 = 1_000_000;

/// Accepted without an effect.
const WITHOUT_EFFECT: [&str; 20] = [
    "maxconns_fast",
    "hashpower",
    "no_hashexpand",
    "slab_reassign",
    "no_slab_reassign",
    "slab_automove",
    "no_slab_automove",
    "slab_automove_ratio",
    "slab_automove_window",
    "slab_automove_freeratio",
    "tail_repair_time",
    "hash_algorithm",
    "watcher_logbuf_size",
    "worker_logbuf_size",
    "slab_sizes",
    "no_chunked_items",
    "inline_ascii_resp",
    "no_inline_ascii_resp",
    "resp_obj_mem_limit",
    "read_buf_mem_limit",
];

/// The values of `-o`.
#[derive(Debug, Clone, PartialEq)]
pub struct Extended {
    /// A connection too many is told so; else it waits.
    pub maxconns_fast: bool,
    /// Whether dead items are looked for.
    pub lru_crawler: bool,
    /// Microseconds between items, as `stats settings` shows them.
    pub lru_crawler_sleep: u32,
    /// Items of a crawl, as `stats settings` shows them.
    pub lru_crawler_tocrawl: u32,
    /// Whether the LRU is segmented and balanced.
    pub lru_maintainer: bool,
    /// HOT's share.
    pub hot_lru_pct: u32,
    /// WARM's share.
    pub warm_lru_pct: u32,
    /// HOT's age.
    pub hot_max_factor: f64,
    /// WARM's age.
    pub warm_max_factor: f64,
    /// Items that live no longer are not evicted.
    pub temporary_ttl: Option<u32>,
    /// Seconds without a request after which a connection is closed; 0 never.
    pub idle_timeout: u64,
    /// The largest size class in bytes, unless `-I` is less.
    pub slab_chunk_max: u32,
    /// Whether `stats sizes` counts.
    pub track_sizes: bool,
    /// What was accepted and has no effect, with the value, for `stats settings`.
    pub without_effect: Vec<(String, String)>,
}

impl Default for Extended {
    fn default() -> Self {
        Self {
            maxconns_fast: true,
            lru_crawler: true,
            lru_crawler_sleep: 100,
            lru_crawler_tocrawl: 0,
            lru_maintainer: true,
            hot_lru_pct: 20,
            warm_lru_pct: 40,
            hot_max_factor: 0.2,
            warm_max_factor: 2.0,
            temporary_ttl: None,
            idle_timeout: 0,
            slab_chunk_max: 1 << 19,
            track_sizes: false,
            without_effect: Vec::new(),
        }
    }
}

impl Extended {
    /// Reads the lists of all `-o` in order.
    ///
    /// # Errors
    /// Names the option that is unknown or has a wrong value.
    pub fn parse(lists: &[String]) -> Result<Self, String> {
        let mut extended = Self::default();
        for option in lists.iter().flat_map(|list| list.split(',')) {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, None),
            };
            extended.set(name, value)?;
        }
        if extended.hot_lru_pct + extended.warm_lru_pct > 80 {
            return Err("hot_lru_pct + warm_lru_pct cannot be more than 80% combined".into());
        }
        Ok(extended)
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        match name {
            "modern" | "drop_privileges" | "no_drop_privileges" => {}
            "no_modern" => {
                self.lru_crawler = false;
                self.lru_maintainer = false;
                self.maxconns_fast = false;
            }
            "no_maxconns_fast" => self.maxconns_fast = false,
            "maxconns_fast" => self.maxconns_fast = true,
            "lru_crawler" => self.lru_crawler = true,
            "no_lru_crawler" => self.lru_crawler = false,
            "lru_maintainer" => self.lru_maintainer = true,
            "no_lru_maintainer" => self.lru_maintainer = false,
            "track_sizes" => self.track_sizes = true,
            "lru_crawler_sleep" => {
                self.lru_crawler_sleep = number(name, value)?;
                if self.lru_crawler_sleep > CRAWLER_SLEEP_MICROSECONDS_MAX {
                    return Err(format!(
                        "lru_crawler_sleep is at most {CRAWLER_SLEEP_MICROSECONDS_MAX} microseconds"
                    ));
                }
            }
            "lru_crawler_tocrawl" => self.lru_crawler_tocrawl = number(name, value)?,
            "hot_lru_pct" => self.hot_lru_pct = percent(name, value)?,
            "warm_lru_pct" => self.warm_lru_pct = percent(name, value)?,
            "hot_max_factor" => self.hot_max_factor = factor(name, value)?,
            "warm_max_factor" => self.warm_max_factor = factor(name, value)?,
            "temporary_ttl" => {
                self.temporary_ttl = u32::try_from(number::<i64>(name, value)?).ok();
            }
            "idle_timeout" => self.idle_timeout = number(name, value)?,
            "slab_chunk_max" => self.slab_chunk_max = number(name, value)?,
            _ if WITHOUT_EFFECT.contains(&name) => {
                let value = value.unwrap_or_default();
                self.without_effect.push((name.into(), value.into()));
            }
            _ => return Err(format!("Illegal suboption \"{name}\"")),
        }
        Ok(())
    }
}

fn number<N: std::str::FromStr>(name: &str, value: Option<&str>) -> Result<N, String> {
    let value = value.ok_or_else(|| format!("Missing argument for -o {name}=<number>"))?;
    value
        .parse()
        .map_err(|_| format!("-o {name} wants a number, not {value:?}"))
}

fn percent(name: &str, value: Option<&str>) -> Result<u32, String> {
    match number(name, value)? {
        percent @ 1..80 => Ok(percent),
        other => Err(format!("{name} must be > 1 and < 80, not {other}")),
    }
}

fn factor(name: &str, value: Option<&str>) -> Result<f64, String> {
    match number::<f64>(name, value)? {
        factor if factor > 0.0 => Ok(factor),
        other => Err(format!("{name} must be > 0, not {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<Extended, String> {
        Extended::parse(&[list.into()])
    }

    #[test]
    fn lists_are_read_in_order() {
        let extended = parse("no_modern,lru_crawler,idle_timeout=5,hashpower=20,temporary_ttl=61");
        let expected = Extended {
            lru_maintainer: false,
            maxconns_fast: false,
            idle_timeout: 5,
            temporary_ttl: Some(61),
            without_effect: vec![("hashpower".into(), "20".into())],
            ..Extended::default()
        };
        assert_eq!(extended, Ok(expected));
        assert_eq!(parse("temporary_ttl=-1").map(|e| e.temporary_ttl), Ok(None));
    }

    #[test]
    fn what_is_unknown_is_named() {
        for (list, word) in [
            ("modern,fast", "\"fast\""),
            ("ext_path=/tmp/x", "\"ext_path\""),
            ("idle_timeout", "idle_timeout"),
            ("idle_timeout=soon", "\"soon\""),
            ("hot_lru_pct=90", "90"),
            ("hot_lru_pct=60,warm_lru_pct=60", "80%"),
            ("", "\"\""),
        ] {
            let message = parse(list).expect_err("not valid");
            assert!(message.contains(word), "{message}");
        }
    }
}
