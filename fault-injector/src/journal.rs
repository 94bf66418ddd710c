//! The results file: written as results come, whole and in order at the end.
//!
//! 1. Records are appended to `<file>.partial` behind the header, in the order they come.
//! 2. An interrupted campaign goes on from there if the header is the same.
//! 3. At the end they are sorted by number, written to the file, and the partial one goes.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::results::{Header, Record, SCHEMA};

/// A campaign's records on their way to the file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    records: BTreeMap<u64, Record>,
}

impl Journal {
    /// Begins the results file `path`, or goes on with what is left of it.
    pub fn open(path: &Path, header: &Header) -> Result<Self> {
        let partial = path.with_added_extension("partial");
        let records = match fs::read_to_string(&partial) {
            Ok(text) => left_over(&partial, &text, header)?,
            Err(_) => BTreeMap::new(),
        };
        let wanted = |error| Failure::file("to write results", &partial, error);
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(&partial)
            .map_err(wanted)?;
        let mut journal = Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            records: BTreeMap::new(),
            partial: partial.clone(),
        };
        let begun = journal.file.write_all(line(header).as_bytes());
        begun.map_err(wanted)?;
        for record in records.into_values() {
            journal.append(record)?;
        }
        Ok(journal)
    }

    /// The header with which an interrupted campaign into `path` was begun, if there is one.
    pub fn interrupted(path: &Path) -> Result<Option<Header>> {
        let partial = path.with_added_extension("partial");
        let Ok(text) = fs::read_to_string(&partial) else {
            return Ok(None);
        };
        let Some((first, _)) = text.split_once('\n') else {
            return Ok(None);
        };
        let (header, _) = parse(first).map_err(|found| broken(&partial, found))?;
        Ok(Some(header))
    }

    /// Whether injection `id` has been carried out.
    pub fn has(&self, id: u64) -> bool {
        self.records.contains_key(&id)
    }

    /// Adds a record.
    pub fn append(&mut self, record: Record) -> Result<()> {
        self.file
            .write_all(line(&record).as_bytes())
            .map_err(|error| Failure::file("to write results", &self.partial, error))?;
        self.records.insert(record.id, record);
        Ok(())
    }

    /// The records so far, by number.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// Writes the file under `header`, which may count more rounds than the one it was begun with,
    /// and returns its records.
    pub fn finish(self, header: &Header) -> Result<Vec<Record>> {
        let records: Vec<Record> = self.records.into_values().collect();
        let mut text = line(header);
        text.extend(records.iter().map(line));
        fs::write(&self.path, text)
            .map_err(|error| Failure::file("to write results", &self.path, error))?;
        fs::remove_file(&self.partial)
            .map_err(|error| Failure::file("to remove", &self.partial, error))?;
        Ok(records)
    }
}

/// Reads a results file.
pub fn read(path: &Path) -> Result<(Header, Vec<Record>)> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::file("a campaign's results", path, error))?;
    parse(&text).map_err(|found| broken(path, found))
}

/// Reads results.
///
/// # Errors
/// What is wrong, with the number of the line.
pub fn parse(text: &str) -> std::result::Result<(Header, Vec<Record>), String> {
    let mut lines = text.lines().zip(1..);
    let (first, _) = lines.next().ok_or("an empty file")?;
    let header: Header =
        serde_json::from_str(first).map_err(|error| format!("line 1 is no header: {error}"))?;
    if header.schema != SCHEMA {
        return Err(format!("format {}, not {SCHEMA}", header.schema));
    }
    let records = lines
        .map(|(line, number)| {
            serde_json::from_str(line)
                .map_err(|error| format!("line {number} is no record: {error}"))
        })
        .collect::<std::result::Result<_, String>>()?;
    Ok((header, records))
}

/// The records of an interrupted run; its last line may be cut.
fn left_over(path: &Path, text: &str, header: &Header) -> Result<BTreeMap<u64, Record>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    if whole.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (found, records) = parse(whole).map_err(|found| broken(path, found))?;
    if found != *header {
        return Err(broken(path, "another campaign's results".to_owned()));
    }
    Ok(records
        .into_iter()
        .map(|record| (record.id, record))
        .collect())
}

fn broken(path: &Path, found: String) -> Failure {
    Failure::new(
        format!("the results of a campaign in {}", path.display()),
        found,
        "name another file, or remove this one to begin again",
    )
}

fn line(value: &impl Serialize) -> String {
    // Plain structures of numbers and strings always can be written.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = r#"{"schema":1,"target":"t","build":"plain","binary_crc":1,"kernel":"k","cpu":"c","seed":1,"trace_crc":2,"requests":3,"instructions":4,"injections":1,"fault_space":[]}"#;
    const RECORD: &str = r#"{"id":0,"request":0,"instruction":0,"model":"flags","zone":"libc","address":0,"symbol":"","line":"","text":"","place":"zf","mask":1,"outcome":"masked","detail":"","requests_later":0}"#;

    #[test]
    fn errors_name_the_line() {
        let parsed = |text: String| parse(&text).map(|(_, records)| records.len());
        assert_eq!(parsed(format!("{HEADER}\n{RECORD}\n")), Ok(1));
        let error = parsed(format!("{HEADER}\n{RECORD}\n{{}}\n")).unwrap_err();
        assert!(error.contains("line 3"), "{error}");
        assert!(parsed(RECORD.to_owned()).unwrap_err().contains("line 1"));
        let later = HEADER.replace("\"schema\":1", "\"schema\":9");
        assert!(parsed(later).unwrap_err().contains("format 9"));
        assert!(parsed(String::new()).unwrap_err().contains("empty"));
    }

    #[test]
    fn another_campaign_is_not_continued() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("results");
        let (header, _) = parse(HEADER).unwrap();
        drop(Journal::open(&path, &header).unwrap());
        let mut other = header.clone();
        other.seed = 2;
        let failure = Journal::open(&path, &other).unwrap_err().to_string();
        assert!(failure.contains("another campaign"), "{failure}");
        assert!(Journal::open(&path, &header).is_ok());
    }

    proptest! {
        #[test]
        fn garbage_is_refused(text in "\\PC{0,80}", cut in 1..HEADER.len()) {
            prop_assert!(parse(&text).is_err());
            prop_assert!(parse(&HEADER[..cut]).is_err());
            let after_header = format!("{HEADER}\nx{text}");
            prop_assert!(parse(&after_header).is_err());
        }
    }
}
