use std::collections::HashMap;

use asc_runtime::asc_handler;

/// Counts a word.
#[asc_handler]
pub fn count<'a>(words: &'a mut HashMap<String, u64>, word: &str) -> &'a mut u64 {
    let count = words.entry(word.to_owned()).or_default();
    *count += 1;
    count
}

#[asc_handler]
fn clear(words: &mut HashMap<String, u64>) {
    words.clear();
}
