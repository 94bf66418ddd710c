//! Programs made of crates from crates.io, as their users write them: what an allocator must carry.
//!
//! Each takes a directory that [`generate`] has filled, and returns all that it found out, as text.

#[path = "../support/random.rs"]
mod random;

use random::Random;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use grep_regex::RegexMatcherBuilder;
use grep_searcher::sinks::UTF8;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use ignore::{WalkBuilder, WalkState};
use serde_json::{Map, Value, json};

const THREADS: usize = 2;
const DIRECTORIES: usize = 12;
const FILES: usize = 25;
const LINES: usize = 220;
const DOCUMENTS: usize = 24;
const RECORDS: usize = 150;

const WORDS: [&str; 16] = [
    "quorum",
    "commit",
    "view",
    "leader",
    "snapshot",
    "ledger",
    "vote",
    "term",
    "replica",
    "log",
    "election",
    "heartbeat",
    "Checksum",
    "naïve",
    "corruption",
    "handler",
];
const PATTERNS: [&str; 4] = [
    r"(?i)\b(check|hash)sum\b.*\bvote\b",
    r"\w+ion \d{3,}",
    r"na.ve|leader (leader|log)",
    r"term 7\d* (view|commit) \w+r\b",
];

/// A program: what it is called, and what it does.
pub(crate) type Workload = (&'static str, fn(&Path) -> String);

/// All of them.
pub(crate) const WORKLOADS: [Workload; 4] = [
    ("search, 2 threads (ignore, grep)", search),
    ("documents (serde_json)", documents),
    ("documents, 2 threads", documents_on_threads),
    ("formatter (syn, prettyplease)", format_sources),
];

/// Fills a directory: texts in subdirectories, of which some are to be ignored, and documents.
pub(crate) fn generate(directory: &Path) -> io::Result<()> {
    let mut random = Random(0x5eed_7265_6569);
    let texts = directory.join("texts");
    for number in 0..DIRECTORIES {
        let path = texts
            .join(format!("part {}", number % 4))
            .join(format!("{number}"));
        fs::create_dir_all(&path)?;
        for file in 0..FILES {
            let extension = ["txt", "md", "log"][random.below(3)];
            fs::write(path.join(format!("{file}.{extension}")), text(&mut random))?;
        }
    }
    fs::write(texts.join(".ignore"), "*.log\n/part 3/*\n!/part 3/3\n")?;
    let documents = directory.join("documents");
    fs::create_dir_all(&documents)?;
    for number in 0..DOCUMENTS {
        let records: Vec<Value> = (0..RECORDS).map(|_| record(&mut random)).collect();
        fs::write(
            documents.join(format!("{number}.json")),
            Value::from(records).to_string(),
        )?;
    }
    Ok(())
}

fn text(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..LINES {
        for _ in 0..random.below(12) {
            text.push_str(WORDS[random.below(WORDS.len())]);
            text.push(' ');
            if random.below(4) == 0 {
                text.push_str(&format!("{} ", random.below(10_000)));
            }
        }
        text.push('\n');
    }
    text
}

fn record(random: &mut Random) -> Value {
    let tags: Vec<_> = (0..random.below(6))
        .map(|_| WORDS[random.below(WORDS.len())])
        .collect();
    json!({
        "id": random.below(1 << 30),
        "name": WORDS[random.below(WORDS.len())].repeat(1 + random.below(9)),
        "tags": tags,
        "weight": random.below(1000) as f64 / 8.0,
        "nested": { "empty": [], "deep": [[{ "flag": random.below(2) == 0 }], null] },
    })
}

/// As ripgrep does it: threads walk the tree, and each has a searcher of its own.
fn search(directory: &Path) -> String {
    let mut all = Vec::new();
    for pattern in PATTERNS {
        let matcher = RegexMatcherBuilder::new()
            .line_terminator(Some(b'\n'))
            .build(pattern);
        let matcher = matcher.expect("the pattern is right");
        let found = Mutex::new(Vec::new());
        let walk = everything_in(directory.join("texts"))
            .threads(THREADS)
            .build_parallel();
        walk.run(|| {
            let (matcher, found) = (matcher.clone(), &found);
            let mut searcher = SearcherBuilder::new()
                .binary_detection(BinaryDetection::quit(0))
                .build();
            Box::new(move |entry| {
                let entry = entry.expect("the tree is readable");
                if entry.file_type().is_some_and(|kind| kind.is_file()) {
                    let lines = matches(&mut searcher, &matcher, entry.path());
                    found.lock().expect("nobody panics with it").extend(lines);
                }
                WalkState::Continue
            })
        });
        let mut found = found.into_inner().expect("nobody panics with it");
        found.sort_unstable();
        all.extend(found);
    }
    all.join("\n")
}

/// Whatever files to ignore this machine's user, or a directory above, names.
fn everything_in(directory: PathBuf) -> WalkBuilder {
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false);
    walk
}

fn matches(
    searcher: &mut Searcher,
    matcher: &grep_regex::RegexMatcher,
    path: &Path,
) -> Vec<String> {
    let mut lines = Vec::new();
    let sink = UTF8(|number, line| {
        lines.push(format!("{}:{number}:{}", path.display(), line.trim_end()));
        Ok(true)
    });
    searcher
        .search_path(matcher, path, sink)
        .expect("the file is readable");
    lines
}

/// Reads documents into trees, turns them inside out, and writes them.
fn documents(directory: &Path) -> String {
    let numbers = 0..DOCUMENTS;
    numbers.map(|number| turn(directory, number)).collect()
}

fn documents_on_threads(directory: &Path) -> String {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let numbers = (thread..DOCUMENTS).step_by(THREADS);
                scope.spawn(move || numbers.map(|number| turn(directory, number)).collect())
            })
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, String>| thread.join();
        threads
            .into_iter()
            .map(join)
            .map(|part| part.expect("no thread panics"))
            .collect()
    })
}

/// The records of a document by their names.
fn turn(directory: &Path, number: usize) -> String {
    let path = directory.join(format!("documents/{number}.json"));
    let text = fs::read_to_string(path).expect("generated before");
    let records: Vec<Map<String, Value>> = serde_json::from_str(&text).expect("generated before");
    let mut by_name = Map::new();
    for mut record in records {
        let name = record.remove("name").expect("each has one").to_string();
        let others = by_name
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()));
        others
            .as_array_mut()
            .expect("made above")
            .push(record.into());
    }
    serde_json::to_string_pretty(&by_name).expect("a tree is written")
}

/// Parses this crate's sources into syntax trees, and prints them.
fn format_sources(_: &Path) -> String {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths: Vec<_> = everything_in(sources)
        .build()
        .map(|entry| entry.expect("the tree is readable").into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    paths.sort_unstable();
    let mut printed = String::new();
    for path in paths {
        let text = fs::read_to_string(path).expect("listed just now");
        let tree = syn::parse_file(&text).expect("it was compiled");
        printed.push_str(&prettyplease::unparse(&tree));
    }
    printed
}
