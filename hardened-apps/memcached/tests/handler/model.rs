//! memcached in its simplest form: a map, and every reply spelled out.

use std::collections::HashMap;

const RELATIVE_SECONDS_MAX: i64 = 60 * 60 * 24 * 30;

/// A request, understood.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Get {
        keys: Vec<u8>,
        with_cas: bool,
        exptime: Option<i64>,
    },
    Store {
        verb: &'static str,
        key: u8,
        flags: u32,
        exptime: i64,
        data: Vec<u8>,
        noreply: bool,
    },
    Cas {
        key: u8,
        right: bool,
        data: Vec<u8>,
        noreply: bool,
    },
    Delete {
        key: u8,
        noreply: bool,
    },
    Arithmetic {
        verb: &'static str,
        key: u8,
        delta: u64,
        noreply: bool,
    },
    Touch {
        key: u8,
        exptime: i64,
        noreply: bool,
    },
    FlushAll {
        delay: i64,
        noreply: bool,
    },
    Wait {
        seconds: u32,
    },
}

#[derive(Debug, Clone)]
struct Item {
    data: Vec<u8>,
    flags: u32,
    dies_at: Option<i64>,
    stored_at: i64,
    cas: u64,
}

/// The map and the flushes.
#[derive(Debug, Default)]
pub(crate) struct Model {
    items: HashMap<u8, Item>,
    flush_at: Option<i64>,
    last_cas: u64,
}

/// The key with this number; number 0 is a key of the greatest length.
pub(crate) fn key_text(key: u8) -> String {
    if key == 0 {
        "k".repeat(250)
    } else {
        format!("key{key}")
    }
}

impl Model {
    /// The bytes of the request, and the bytes of the reply.
    pub(crate) fn execute(&mut self, request: &Request, now: u32) -> (Vec<u8>, Vec<u8>) {
        let now = i64::from(now);
        self.forget_the_dead(now);
        let (line, reply, noreply) = match request {
            Request::Get {
                keys,
                with_cas,
                exptime,
            } => self.get(keys, *with_cas, *exptime, now),
            Request::Store {
                verb,
                key,
                flags,
                exptime,
                data,
                noreply,
            } => {
                let line = store_line(verb, *key, *flags, *exptime, data, "", *noreply);
                (
                    line,
                    self.store(verb, *key, *flags, *exptime, data, now),
                    *noreply,
                )
            }
            Request::Cas {
                key,
                right,
                data,
                noreply,
            } => self.cas(*key, *right, data, *noreply, now),
            Request::Delete { key, noreply } => {
                let deleted = self.items.remove(key).is_some();
                let reply = if deleted {
                    "DELETED\r\n"
                } else {
                    "NOT_FOUND\r\n"
                };
                (
                    line(&format!("delete {}", key_text(*key)), *noreply),
                    reply.into(),
                    *noreply,
                )
            }
            Request::Arithmetic {
                verb,
                key,
                delta,
                noreply,
            } => {
                let text = format!("{verb} {} {delta}", key_text(*key));
                (
                    line(&text, *noreply),
                    self.arithmetic(verb, *key, *delta, now),
                    *noreply,
                )
            }
            Request::Touch {
                key,
                exptime,
                noreply,
            } => {
                let text = format!("touch {} {exptime}", key_text(*key));
                let found = self
                    .items
                    .get_mut(key)
                    .map(|item| item.dies_at = dies_at(*exptime, now));
                let reply = if found.is_some() {
                    "TOUCHED\r\n"
                } else {
                    "NOT_FOUND\r\n"
                };
                (line(&text, *noreply), reply.into(), *noreply)
            }
            Request::FlushAll { delay, noreply } => {
                self.flush_at = dies_at(*delay, now).filter(|time| *delay > 0 && *time > now);
                if self.flush_at.is_none() {
                    self.items.clear();
                }
                if *delay <= 0 {
                    // It uses up a unique identifier.
                    self.last_cas += 1;
                }
                (
                    line(&format!("flush_all {delay}"), *noreply),
                    "OK\r\n".into(),
                    *noreply,
                )
            }
            Request::Wait { .. } => (Vec::new(), String::new().into(), false),
        };
        (line, if noreply { Vec::new() } else { reply.0 })
    }

    fn forget_the_dead(&mut self, now: i64) {
        if let Some(time) = self.flush_at.filter(|time| *time <= now) {
            self.items.retain(|_, item| item.stored_at >= time);
            self.flush_at = None;
        }
        self.items
            .retain(|_, item| item.dies_at.is_none_or(|time| time > now));
    }

    fn get(
        &mut self,
        keys: &[u8],
        with_cas: bool,
        exptime: Option<i64>,
        now: i64,
    ) -> (Vec<u8>, Reply, bool) {
        let mut text = match exptime {
            None => if with_cas { "gets" } else { "get" }.to_string(),
            Some(exptime) => format!("{} {exptime}", if with_cas { "gats" } else { "gat" }),
        };
        let mut reply = Vec::new();
        for key in keys {
            text += &format!(" {}", key_text(*key));
            let Some(item) = self.items.get_mut(key) else {
                continue;
            };
            reply.extend(
                format!(
                    "VALUE {} {} {}",
                    key_text(*key),
                    item.flags,
                    item.data.len()
                )
                .bytes(),
            );
            if with_cas {
                reply.extend(format!(" {}", item.cas).bytes());
            }
            reply.extend([b"\r\n", &item.data[..], b"\r\n"].concat());
            if let Some(exptime) = exptime {
                item.dies_at = dies_at(exptime, now);
                if item.dies_at.is_some_and(|time| time <= now) {
                    self.items.remove(key);
                }
            }
        }
        reply.extend(b"END\r\n");
        (line(&text, false), Reply(reply), false)
    }

    fn store(
        &mut self,
        verb: &str,
        key: u8,
        flags: u32,
        exptime: i64,
        data: &[u8],
        now: i64,
    ) -> Reply {
        let old = self.items.get(&key).cloned();
        let cas = self.last_cas + 1;
        let new = Item {
            data: data.into(),
            flags,
            dies_at: dies_at(exptime, now),
            stored_at: now,
            cas,
        };
        let stored = match (verb, old) {
            ("set", _) | ("add", None) | ("replace", Some(_)) => new,
            ("append", Some(old)) => Item {
                data: [&old.data, data].concat(),
                stored_at: now,
                cas,
                ..old
            },
            ("prepend", Some(old)) => Item {
                data: [data, &old.data].concat(),
                stored_at: now,
                cas,
                ..old
            },
            _ => return "NOT_STORED\r\n".into(),
        };
        self.last_cas = cas;
        self.items.insert(key, stored);
        "STORED\r\n".into()
    }

    fn cas(
        &mut self,
        key: u8,
        right: bool,
        data: &[u8],
        noreply: bool,
        now: i64,
    ) -> (Vec<u8>, Reply, bool) {
        let present = self.items.get(&key).map(|item| item.cas);
        let sent = present.unwrap_or(1) + u64::from(!right);
        let reply = match present {
            None => "NOT_FOUND\r\n".into(),
            Some(_) if !right => "EXISTS\r\n".into(),
            Some(_) => self.store("set", key, 7, 0, data, now),
        };
        (
            store_line("cas", key, 7, 0, data, &format!(" {sent}"), noreply),
            reply,
            noreply,
        )
    }

    fn arithmetic(&mut self, verb: &str, key: u8, delta: u64, now: i64) -> Reply {
        let Some(item) = self.items.get_mut(&key) else {
            return "NOT_FOUND\r\n".into();
        };
        let Some(value) = number(&item.data) else {
            return "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n".into();
        };
        let value = if verb == "incr" {
            value.wrapping_add(delta)
        } else {
            value.saturating_sub(delta)
        };
        let digits = value.to_string();
        if digits.len() > item.data.len() {
            item.stored_at = now;
        }
        item.data = format!("{digits:width$}", width = item.data.len()).into_bytes();
        self.last_cas += 1;
        item.cas = self.last_cas;
        Reply(format!("{digits}\r\n").into_bytes())
    }
}

/// The bytes of a reply.
struct Reply(Vec<u8>);

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// C's `strtoull`, as far as random data and padded numbers need it.
fn number(data: &[u8]) -> Option<u64> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = data.iter().position(|byte| !is_space(byte))?;
    let negative = data[start] == b'-';
    let signed = negative || data[start] == b'+';
    let digits = &data[start + usize::from(signed)..];
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    let ends_well = digits
        .get(end)
        .is_none_or(|byte| is_space(byte) || *byte == 0);
    let value = std::str::from_utf8(&digits[..end]).ok()?.parse().ok()?;
    (ends_well && (!negative || value == 0)).then_some(value)
}

fn dies_at(exptime: i64, now: i64) -> Option<i64> {
    match exptime {
        0 => None,
        ..0 => Some(0),
        1..=RELATIVE_SECONDS_MAX => Some(now + exptime),
        _ => Some(exptime),
    }
}

fn line(text: &str, noreply: bool) -> Vec<u8> {
    format!("{text}{}\r\n", if noreply { " noreply" } else { "" }).into_bytes()
}

fn store_line(
    verb: &str,
    key: u8,
    flags: u32,
    exptime: i64,
    data: &[u8],
    cas: &str,
    noreply: bool,
) -> Vec<u8> {
    let text = format!(
        "{verb} {} {flags} {exptime} {}{cas}",
        key_text(key),
        data.len()
    );
    [&line(&text, noreply)[..], data, b"\r\n"].concat()
}
