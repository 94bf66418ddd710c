//! Removal of the cache entries that nobody needs any more.
//!
//! Every toolchain and every version of this program makes an entry of some
//! hundred megabytes. An entry is obsolete when its toolchain is gone or was
//! updated, or when nobody has used it for a long time. Other versions of this
//! program and other toolchains may still be in use: their entries stay.
//!
//! 1. Each use of an entry notes its time, under a shared lock ([`cache`]).
//! 2. [`remove`], after a build, takes each other entry's lock alone; one that
//!    is being used or built is left.
//! 3. Under the lock it looks at the time, so that nobody can begin to use the
//!    entry in between. A build uses its entry long after it has looked at it:
//!    the shortest time allowed is far longer than any build.
//! 4. The entry is renamed before it is deleted; nobody sees half of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{cache, manifest};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An entry whose toolchain is there is kept for this long after its last use.
const UNUSED_MAX: Duration = Duration::from_secs(30 * DAY.as_secs());

/// Everything is kept for this long: longer than a build takes.
const GRACE: Duration = DAY;

/// What directories under construction, and those being removed, begin with.
const TEMPORARY_PREFIXES: [&str; 2] = [super::WORKSHOP_PREFIX, REMOVAL_PREFIX];
const REMOVAL_PREFIX: &str = ".removing-";

/// Removes every obsolete entry in the cache `root` but `current`.
///
/// What cannot be removed stays: the next time may succeed.
pub(super) fn remove(root: &Path, current: &Path) {
    for path in directories(root).into_iter().filter(|path| path != current) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_temporary = TEMPORARY_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if is_temporary && age(fs::metadata(&path).and_then(|found| found.modified())) > GRACE {
            let _ = fs::remove_dir_all(&path);
        } else if is_entry(&name) {
            remove_entry(root, &path);
        }
    }
}

fn remove_entry(root: &Path, entry: &Path) {
    let Some(_lock) = cache::lock_if_idle(entry) else {
        return;
    };
    if !is_obsolete(entry) {
        return;
    }
    let grave = tempfile::Builder::new()
        .prefix(REMOVAL_PREFIX)
        .tempdir_in(root);
    if grave.is_ok_and(|grave| fs::rename(entry, grave.path().join("entry")).is_ok()) {
        let _ = fs::remove_file(cache::lock_path(entry));
        eprintln!(
            "cargo asc: removed an obsolete sysroot, {}",
            entry.display()
        );
    }
}

fn is_obsolete(entry: &Path) -> bool {
    let age = age(cache::last_use(entry));
    age > UNUSED_MAX || (age > GRACE && !manifest::has_its_toolchain(entry))
}

/// How long ago a time was; no time at all where it is not known or still to come.
fn age(time: std::io::Result<SystemTime>) -> Duration {
    time.ok()
        .and_then(|time| time.elapsed().ok())
        .unwrap_or_default()
}

/// `<release>-<commit>-<toolchain>-<pipeline>`, the last two as fingerprints.
fn is_entry(name: &str) -> bool {
    let is_fingerprint =
        |part: &str| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = name.rsplitn(3, '-').collect();
    parts.len() == 3 && parts[..2].iter().all(|part| is_fingerprint(part))
}

fn directories(root: &Path) -> Vec<PathBuf> {
    let Ok(items) = fs::read_dir(root) else {
        return Vec::new();
    };
    items
        .filter_map(|item| Some(item.ok()?.path()))
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::unix::fs::symlink;

    /// A cache with one entry.
    struct Cache {
        root: tempfile::TempDir,
    }

    impl Cache {
        fn with_entry(days_unused: u32, has_toolchain: bool) -> Self {
            let root = tempfile::tempdir().unwrap();
            let cache = Self { root };
            fs::create_dir(cache.entry()).unwrap();
            fs::write(cache.path("toolchain"), "").unwrap();
            symlink(cache.path("toolchain"), cache.entry().join("link")).unwrap();
            manifest::write(&cache.entry()).unwrap();
            if !has_toolchain {
                fs::remove_file(cache.path("toolchain")).unwrap();
            }
            let lock = File::create(cache::lock_path(&cache.entry())).unwrap();
            lock.set_modified(SystemTime::now() - days_unused * DAY)
                .unwrap();
            cache
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn entry(&self) -> PathBuf {
            self.path("1.0.0-0123abcd0-0123456789abcdef-0123456789abcdef")
        }

        /// Whether the entry survives.
        fn keeps(&self) -> bool {
            remove(self.root.path(), &self.path("current"));
            let has_lock = cache::lock_path(&self.entry()).exists();
            assert_eq!(
                has_lock,
                self.entry().exists(),
                "an entry goes with its lock"
            );
            self.entry().exists()
        }
    }

    #[test]
    fn what_may_be_in_use_is_kept() {
        assert!(Cache::with_entry(29, true).keeps());
        assert!(Cache::with_entry(0, false).keeps());
    }

    #[test]
    fn what_nobody_can_use_or_has_used_for_long_is_removed_without_a_trace() {
        for (days, has_toolchain) in [(2, false), (31, true)] {
            let cache = Cache::with_entry(days, has_toolchain);
            assert!(!cache.keeps());
            let left = directories(cache.root.path());
            assert!(left.is_empty(), "{left:?}");
        }
    }

    #[test]
    fn what_another_process_looks_at_or_has_just_used_is_kept() {
        let cache = Cache::with_entry(31, false);
        cache::look_and_use(&cache.entry(), || assert!(cache.keeps()));
        assert!(cache.keeps(), "the look was a use");
    }

    #[test]
    fn what_another_process_builds_is_kept() {
        let cache = Cache::with_entry(31, false);
        let lock = File::open(cache::lock_path(&cache.entry())).unwrap();
        lock.lock().unwrap();
        assert!(cache.keeps());
        drop(lock);
        assert!(!cache.keeps());
    }

    #[test]
    fn the_current_entry_and_what_is_no_entry_stay() {
        let cache = Cache::with_entry(31, false);
        remove(cache.root.path(), &cache.entry());
        assert!(cache.entry().exists());
        fs::create_dir(cache.path("programs")).unwrap();
        assert!(!cache.keeps());
        assert!(cache.path("programs").exists());
    }

    #[test]
    fn only_old_leftovers_of_builds_are_removed() {
        let cache = Cache::with_entry(0, true);
        let (old, new) = (cache.path(".building-old"), cache.path(".building-new"));
        for path in [&old, &new] {
            fs::create_dir(path).unwrap();
        }
        File::open(&old)
            .unwrap()
            .set_modified(SystemTime::now() - 2 * DAY)
            .unwrap();
        assert!(cache.keeps());
        assert!(!old.exists() && new.exists());
    }

    /// A remover that waited for nobody must not hold a lock that others can no longer find.
    #[test]
    fn a_lock_file_that_was_removed_is_made_anew() {
        let cache = Cache::with_entry(0, true);
        let path = cache::lock_path(&cache.entry());
        let removed = File::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        removed.lock().unwrap();
        let _lock = cache::lock(&cache.entry()).unwrap();
        assert!(File::open(&path).unwrap().try_lock().is_err());
    }
}
