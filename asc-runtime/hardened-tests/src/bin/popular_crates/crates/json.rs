//! `serde_json` and `serde`.

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Exercise;

const TEXT_BYTES_MAX: usize = 4_000;

/// A document that is parsed, changed and written.
pub(crate) struct Json {
    text: String,
}

impl Exercise for Json {
    const NAME: &'static str = "serde_json";

    fn new() -> Self {
        Self {
            text: r#"{"list":[1,2.5,"three",null,true],"nested":{"deep":[{}]}}"#.into(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let mut document: Value = serde_json::from_str(&self.text).expect("what was written");
        let list = document["list"].as_array_mut().expect("a list");
        match random.below(6) {
            0 => list.push(
                json!({ "word": word, "float": word as f64 / 3.0, "bytes": word.to_le_bytes() }),
            ),
            1 => list.reverse(),
            2 => drop(list.pop()),
            3 => {
                document["nested"][format!("key {}", word % 9)] =
                    json!([word as i64, "\u{1F600}\n"])
            }
            4 => {
                if let Some(Value::Object(nested)) = document.get_mut("nested") {
                    nested.retain(|key, _| key.len() != 5);
                }
            }
            _ => {
                return u64::from(
                    serde_json::from_str::<Map<String, Value>>("{\"broken\":").is_err(),
                );
            }
        }
        self.text = if word.is_multiple_of(2) {
            document.to_string()
        } else {
            format!("{document:#}")
        };
        if self.text.len() > TEXT_BYTES_MAX {
            *self = Self::new();
        }
        digest(&self.text)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    name: String,
    balance: i64,
    limits: Option<[u16; 3]>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Entry {
    Deposit { amount: u32 },
    Note { text: String, flag: bool },
}

/// Derived serialisation.
pub(crate) struct Typed {
    accounts: Vec<Account>,
}

impl Exercise for Typed {
    const NAME: &'static str = "serde";

    fn new() -> Self {
        Self {
            accounts: Vec::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let bytes = serde_json::to_vec(&self.accounts).expect("serialises");
        self.accounts = serde_json::from_slice(&bytes).expect("what was written");
        if let Some(account) = self.accounts.last_mut() {
            account.balance ^= word as i64;
            account.limits = (!word.is_multiple_of(3)).then_some([word as u16, 1, 2]);
            account.entries.push(Entry::Deposit {
                amount: word as u32,
            });
            account.entries.push(Entry::Note {
                text: word.to_string(),
                flag: word.is_multiple_of(2),
            });
        }
        if random.once_in(4) {
            self.accounts.push(Account {
                name: format!("\"{word}\\"),
                ..Account::default()
            });
        }
        if bytes.len() > TEXT_BYTES_MAX {
            self.accounts.clear();
        }
        digest(&bytes)
    }
}
