//! The cached sysroot: built once, checked each time, built again when damaged.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use support::{cargo_asc, stderr, stdout, succeed, sysroot};

/// A cache of its own.
struct Cache {
    directory: tempfile::TempDir,
}

impl Cache {
    fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A cache with what the shared one holds.
    fn filled() -> Self {
        let cache = Self::empty();
        let (sysroot, _) = sysroot();
        let entry = sysroot.parent().unwrap();
        succeed(
            Command::new("cp")
                .arg("-a")
                .arg(entry)
                .arg(cache.directory.path()),
        );
        cache
    }

    fn command(&self) -> Command {
        let mut command = cargo_asc();
        command
            .env("ASC_CACHE_DIR", self.directory.path())
            .arg("asc");
        command
    }

    /// Asks for the sysroot; what it said and where the sysroot is.
    fn ensure(&self, arguments: &[&str]) -> (String, PathBuf) {
        let output = succeed(self.command().args(["sysroot", "--print"]).args(arguments));
        (stderr(&output), PathBuf::from(stdout(&output).trim()))
    }

    /// What the doctor finds, without building anything.
    fn diagnosis(&self) -> String {
        let table = stdout(&succeed(self.command().arg("doctor")));
        let line = table
            .lines()
            .find(|line| line.starts_with("instrumented standard library"));
        line.unwrap().to_owned()
    }
}

/// An entry whose toolchain is gone, last used this many days ago.
fn useless_entry(cache: &Cache, days_unused: u64) -> PathBuf {
    let name = format!("1.0.0-{days_unused:09}-0123456789abcdef-0123456789abcdef");
    let entry = cache.directory.path().join(name);
    fs::create_dir(&entry).unwrap();
    let lock = fs::File::create(entry.with_added_extension("lock")).unwrap();
    let age = Duration::from_secs(days_unused * 24 * 60 * 60);
    lock.set_modified(SystemTime::now() - age).unwrap();
    entry
}

const BUILT: &str = "instrumenting the standard library";

fn libraries(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/lib")
}

fn library(sysroot: &Path, name: &str) -> PathBuf {
    fs::read_dir(libraries(sysroot))
        .unwrap()
        .map(|item| item.unwrap().path())
        .find(|path| {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            file.starts_with(&format!("lib{name}-")) && file.ends_with(".rlib")
        })
        .unwrap()
}

/// One test, because each step takes the state the one before left.
#[test]
fn a_damaged_sysroot_is_built_again_and_a_sound_one_is_not() {
    let cache = Cache::filled();
    let useless = [2, 0].map(|days| useless_entry(&cache, days));
    let (said, sysroot) = cache.ensure(&[]);
    assert_eq!(said, "");
    assert!(useless[0].exists());

    let core = library(&sysroot, "core");
    let sound = fs::read(&core).unwrap();
    let mut damaged = sound.clone();
    *damaged.last_mut().unwrap() ^= 0x10;
    fs::write(&core, damaged).unwrap();
    assert!(cache.diagnosis().contains("damaged: sysroot/lib"));
    let (said, _) = cache.ensure(&[]);
    assert!(
        said.contains("damaged") && said.contains("libcore-"),
        "{said}"
    );
    assert!(said.contains(BUILT), "{said}");
    // The same toolchain and the same pipeline give the same bytes.
    assert!(fs::read(&core).unwrap() == sound);
    assert!(cache.diagnosis().contains("sound"));
    assert!(!useless[0].exists() && useless[1].exists(), "{said}");
    let leftovers = fs::read_dir(cache.directory.path()).unwrap();
    let leftovers: Vec<_> = leftovers.map(|item| item.unwrap().file_name()).collect();
    assert!(
        !leftovers
            .iter()
            .any(|name| name.to_string_lossy().starts_with('.')),
        "{leftovers:?}"
    );

    for file in ["libasc_inert.a", "manifest.json"] {
        fs::remove_file(sysroot.parent().unwrap().join(file)).unwrap();
        assert!(
            cache.diagnosis().contains(&format!("damaged: {file}")),
            "{}",
            cache.diagnosis()
        );
    }
}

#[test]
fn two_builders_at_once_build_once() {
    let cache = Cache::empty();
    let said: Vec<String> = thread::scope(|scope| {
        let builders: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| cache.ensure(&[]).0))
            .collect();
        builders
            .into_iter()
            .map(|builder| builder.join().unwrap())
            .collect()
    });
    assert_eq!(
        said.iter().filter(|said| said.contains(BUILT)).count(),
        1,
        "{said:?}"
    );
}

/// The instrumented rlibs stand under the names of the original ones, and the
/// shared standard library, which has no hooks, is not there.
#[test]
fn the_sysroot_has_the_shape_of_the_toolchains() {
    let (ours, _) = sysroot();
    let printed = stdout(&succeed(Command::new("rustc").args(["--print", "sysroot"])));
    let theirs = PathBuf::from(printed.trim());
    let names = |sysroot: &Path| -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(libraries(sysroot))
            .unwrap()
            .map(|item| item.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| !name.ends_with(".so"))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&ours), names(&theirs));
    for name in ["core", "alloc", "std"] {
        let (ours, theirs) = (library(&ours, name), library(&theirs, name));
        assert!(!ours.is_symlink());
        assert_eq!(exported(&ours), exported(&theirs), "{name}");
    }
}

/// The symbols an rlib defines for others.
fn exported(rlib: &Path) -> Vec<String> {
    symbols(rlib, |symbol| {
        use object::ObjectSymbol;
        symbol.is_definition() && symbol.is_global()
    })
}

fn symbols(rlib: &Path, wanted: impl Fn(&object::read::Symbol<'_, '_>) -> bool) -> Vec<String> {
    use object::{Object, ObjectSymbol};
    let bytes = fs::read(rlib).unwrap();
    let archive = object::read::archive::ArchiveFile::parse(&*bytes).unwrap();
    let mut names = Vec::new();
    for member in archive.members() {
        let member = member.unwrap().data(&*bytes).unwrap().to_vec();
        let Ok(object) = object::File::parse(&*member) else {
            continue;
        };
        let found = object.symbols().filter(|symbol| wanted(symbol));
        names.extend(found.map(|symbol| symbol.name().unwrap().to_owned()));
    }
    names.sort();
    names
}

/// Weak references take no wrapper from an archive, so each of them that is
/// wrapped must be asked for by name; see `wrapped_symbols.rs`.
#[test]
fn the_weak_references_of_the_standard_library_are_known() {
    use object::ObjectSymbol;
    const ASKED_FOR: [&str; 2] = ["__cxa_thread_atexit_impl", "getrandom"];
    const WRAPPED: &str = include_str!("../src/wrapped_symbols.rs");
    let (sysroot, _) = sysroot();
    let weak = symbols(&library(&sysroot, "std"), |symbol| {
        symbol.is_weak() && symbol.is_undefined()
    });
    let wrapped: Vec<&String> = weak
        .iter()
        .filter(|name| WRAPPED.contains(&format!("\"{name}\"")))
        .collect();
    assert_eq!(wrapped, ASKED_FOR);
}
