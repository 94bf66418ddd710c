//! `replay --gdb` with a real gdb, which finds the struck process as the strike has left it.
#![cfg(feature = "injector")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use fault_injector::journal;
use fault_injector::program::{self, Build};
use fault_injector::results::{Model, Record};

const SEED: u64 = 11;

#[test]
fn gdb_finds_the_struck_process() {
    let program = program::build("planted", Build::Plain).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results.jsonl");
    let inject = || Command::new(env!("CARGO_BIN_EXE_asc-inject"));
    let run = inject()
        .args(["run", "--target", "planted", "--build", "plain"])
        .args(["--requests", "9", "--models", "register-write"])
        .args(["--injections", "4000", "--seed", &SEED.to_string()])
        .arg("--program")
        .arg(&program)
        .arg("--output")
        .arg(&results)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let (_, records) = journal::read(&results).unwrap();
    let answers = |record: &&Record| {
        record.symbol.contains("planted_never") && record.text.starts_with("mov rax")
    };
    let record = records.iter().find(answers).unwrap();
    assert_eq!(record.model, Model::RegisterWrite);

    let mut replay = inject()
        .args(["replay", "--gdb", "--id", &record.id.to_string()])
        .arg("--program")
        .arg(&program)
        .arg("--results")
        .arg(&results)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let commands = b"set confirm off\nprintf \"rax is %#lx\\n\", $rax\nbacktrace 2\nkill\nquit\n";
    replay.stdin.take().unwrap().write_all(commands).unwrap();
    let done = replay.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&done.stdout);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "this test needs gdb (Debian and Ubuntu: apt-get install gdb): {shown}\n{said}"
    );
    let struck = format!("struck rax ^ {:#x}", record.mask);
    assert!(said.contains(&struck), "{struck}: {said}");
    // The planted target numbers its requests so, and `planted_never` answers the number.
    let number = (SEED + u64::from(record.request)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let value = format!("rax is {:#x}", number ^ record.mask);
    assert!(shown.contains(&value), "{value}: {shown}\n{said}");
    assert!(shown.contains("planted_never"), "{shown}\n{said}");
}
