//! The book builds, and everything it points to exists.

use std::fs;
use std::path::{Path, PathBuf};

use asc_guides::CHAPTERS;
use mdbook_driver::MDBook;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn builds_with_every_chapter() {
    let target = tempfile::tempdir().unwrap();
    let mut book = MDBook::load(folder()).unwrap();
    book.config.build.build_dir = target.path().to_owned();
    book.build().unwrap();
    for chapter in CHAPTERS {
        let name = Path::new(chapter).with_extension("html");
        let page = target.path().join(name.file_name().unwrap());
        let html = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page:?}: {error}"));
        assert!(html.contains("<main>"), "{page:?} is empty");
    }
}

#[test]
fn every_file_is_a_chapter() {
    let summary = fs::read_to_string(folder().join("src/SUMMARY.md")).unwrap();
    let mut found = 0;
    for file in fs::read_dir(folder().join("src")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name != "SUMMARY.md" {
            assert!(CHAPTERS.contains(&format!("src/{name}").as_str()), "{name}");
            assert!(
                summary.contains(&format!("({name})")),
                "{name} is not in the summary"
            );
            found += 1;
        }
    }
    assert_eq!(found, CHAPTERS.len());
}

#[test]
fn links_lead_somewhere() {
    for chapter in CHAPTERS {
        let text = fs::read_to_string(folder().join(chapter)).unwrap();
        for event in Parser::new(&text) {
            if let Event::Start(Tag::Link { dest_url, .. }) = event {
                let file = dest_url.split('#').next().unwrap();
                let outside = dest_url.contains("://");
                let target = folder().join("src").join(file);
                assert!(outside || target.exists(), "{chapter}: {dest_url}");
            }
        }
    }
}

/// What is not run proves nothing.
#[test]
fn rust_code_is_run() {
    let mut blocks = 0;
    for chapter in CHAPTERS {
        let text = fs::read_to_string(folder().join(chapter)).unwrap();
        for event in Parser::new(&text) {
            if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) = event {
                assert!(
                    !language.is_empty(),
                    "{chapter}: a block without a language"
                );
                assert!(
                    !language.contains("ignore"),
                    "{chapter}: a block that is not compiled"
                );
                blocks += usize::from(language.starts_with("rust"));
            }
        }
    }
    assert!(blocks >= CHAPTERS.len(), "{blocks} blocks of code");
}
