//! The report against campaigns whose every number is known, and against files that are none.
#![cfg(feature = "injector")]

mod numbers;
mod page;
mod refusals;
mod synthetic;

use fault_injector::report::Report;
use fault_injector::report::campaign::Campaign;
use fault_injector::results::{Outcome, Record};
use roxmltree::{Document, Node, ParsingOptions};

use synthetic::Synthetic;

/// Every random draw of this file follows from it.
const SEED: u64 = 3;

const INJECTIONS: u64 = 4_000;

fn read(synthetic: &Synthetic) -> Campaign {
    let file = format!("{}.jsonl", synthetic.header.build);
    Campaign::from_lines(&file, synthetic.lines().as_bytes()).unwrap()
}

fn pair() -> (Synthetic, Synthetic) {
    println!("seed {SEED}");
    (
        synthetic::campaign("plain", INJECTIONS, SEED),
        synthetic::campaign("hardened", INJECTIONS, SEED + 1),
    )
}

fn report(plain: Option<&Synthetic>, hardened: Option<&Synthetic>) -> Report {
    Report::new(plain.map(read), hardened.map(read)).unwrap()
}

fn parsed(html: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(html, options).unwrap_or_else(|error| panic!("{error}"))
}

fn words(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect()
}

fn by_id<'a, 'input>(document: &'a Document<'input>, id: &str) -> Option<Node<'a, 'input>> {
    document
        .descendants()
        .find(|node| node.attribute("id") == Some(id))
}

fn is_escape(record: &&Record) -> bool {
    matches!(record.outcome, Outcome::Sdc | Outcome::LatentSdc)
}
