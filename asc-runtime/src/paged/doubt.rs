//! Whether undoing a handler that announces its stores has undone all of them.
//!
//! Page mode with protection keys sees every store. A handler that announces its stores itself has no such
//! guard: one that goes elsewhere than it was announced overwrites bytes that no rollback restores,
//! and one whose announcement was jumped over, or named another place, is not undone. A struck pair
//! of runs shows traces of both, by which a healthy pair judges it:
//!
//! - *The same store changed its place in one run and not in the other.* It may have gone elsewhere, unless it
//!   changes nothing in the healthy pair either: then it was one of a wrong value.
//! - *The second run left the first run's path.* The first may lack announcements. It does not if it
//!   took the healthy path to its end; nor if it left that path with a store that was made, to a place of
//!   which the healthy path knows nothing: a wrong address or branch explains both.
//!
//! By the fault model one pair of runs is struck, so a second one in doubt cannot be judged.

use core::ops::Range;

/// A store of a first run, and whether that of the first run and of the last changed what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) place: Range<usize>,
    pub(crate) changed: [bool; 2],
}

impl Noted {
    const fn was_changed_by_one(&self) -> bool {
        self.changed[0] != self.changed[1]
    }
}

/// What a rollback may have missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// A store went elsewhere than it was announced.
    Stray,
    /// A store of the first run was not announced.
    Unannounced,
}

/// What a struck pair of runs has left open.
#[derive(Debug)]
pub(super) struct Doubt {
    stores: Vec<Noted>,
    /// So many of the stores were announced by the second run too.
    matched: usize,
    /// The second run took the path of the first to its end.
    was_followed: bool,
}

impl Doubt {
    /// The doubt that a struck pair of runs raises, if any, from the stores of the first run.
    pub(super) fn of(stores: Vec<Noted>, matched: usize, was_followed: bool) -> Option<Self> {
        let doubt = Self {
            stores,
            matched,
            was_followed,
        };
        let is_raised = !was_followed || doubt.possible_strays().next().is_some();
        is_raised.then_some(doubt)
    }

    /// What may have escaped, as long as nothing dispels it.
    pub(super) fn escape(&self) -> Escape {
        match self.possible_strays().next() {
            Some(_) => Escape::Stray,
            None => Escape::Unannounced,
        }
    }

    /// Judges the struck pair by the stores of a healthy one.
    pub(super) fn judge(&self, healthy: &[Noted]) -> Result<(), Escape> {
        let pairs = self.stores.iter().zip(healthy);
        let common = pairs
            .take_while(|(struck, healthy)| struck.place == healthy.place)
            .count();
        let has_stray = |index: usize| index >= common || healthy[index].changed[0];
        if self.possible_strays().any(has_stray) {
            return Err(Escape::Stray);
        }
        let is_complete = self.was_followed || common == healthy.len();
        if is_complete || self.is_misled(common, healthy) {
            return Ok(());
        }
        Err(Escape::Unannounced)
    }

    /// Stores after which the runs differ in whether the place has changed.
    fn possible_strays(&self) -> impl Iterator<Item = usize> {
        let matched = self.stores.iter().take(self.matched).enumerate();
        matched
            .filter(|(_, store)| store.was_changed_by_one())
            .map(|(index, _)| index)
    }

    /// Whether the first run left the healthy one's path with a store that was made where it was
    /// announced.
    fn is_misled(&self, common: usize, healthy: &[Noted]) -> bool {
        self.stores.get(common).is_some_and(|store| {
            let is_foreign = |known: &Noted| {
                known.place.end <= store.place.start || store.place.end <= known.place.start
            };
            store.changed[0] && healthy.iter().all(is_foreign)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YES: [bool; 2] = [true, true];
    const NO: [bool; 2] = [false, false];
    const BY_FIRST: [bool; 2] = [true, false];
    const BY_LAST: [bool; 2] = [false, true];

    fn stores(words: &[(usize, [bool; 2])]) -> Vec<Noted> {
        let noted = words.iter().map(|&(word, changed)| Noted {
            place: word * 8..word * 8 + 8,
            changed,
        });
        noted.collect()
    }

    /// Both runs announced the same places.
    fn followed(words: &[(usize, [bool; 2])]) -> Option<Doubt> {
        Doubt::of(stores(words), words.len(), true)
    }

    /// The second run came so far.
    fn left(matched: usize, words: &[(usize, [bool; 2])]) -> Doubt {
        Doubt::of(stores(words), matched, false).expect("a path of its own raises doubt")
    }

    #[test]
    fn runs_on_one_path_that_change_the_same_places_raise_none() {
        assert!(followed(&[]).is_none());
        assert!(followed(&[(1, YES), (2, NO)]).is_none());
    }

    #[test]
    fn a_store_that_changes_nothing_in_one_run_may_be_astray() {
        let healthy = stores(&[(1, YES), (2, YES)]);
        for changed in [BY_FIRST, BY_LAST] {
            let doubt = followed(&[(1, YES), (2, changed)]).unwrap();
            assert_eq!(doubt.escape(), Escape::Stray);
            assert_eq!(doubt.judge(&healthy), Err(Escape::Stray));
            // The healthy run changes nothing either: the struck one stored a wrong value.
            assert_eq!(doubt.judge(&stores(&[(1, YES), (2, NO)])), Ok(()));
        }
    }

    #[test]
    fn a_store_astray_is_found_when_the_runs_part_behind_it() {
        let doubt = left(1, &[(1, BY_LAST), (2, BY_FIRST)]);
        assert_eq!(
            doubt.judge(&stores(&[(1, YES), (3, YES)])),
            Err(Escape::Stray)
        );
        assert_eq!(doubt.judge(&stores(&[(4, YES)])), Err(Escape::Stray));
    }

    #[test]
    fn a_first_run_on_the_healthy_path_is_complete() {
        let doubt = left(1, &[(1, YES), (2, BY_FIRST)]);
        assert_eq!(doubt.judge(&stores(&[(1, YES), (2, YES)])), Ok(()));
        // It went further.
        assert_eq!(doubt.judge(&stores(&[(1, YES)])), Ok(()));
    }

    #[test]
    fn a_lost_announcement_is_not_forgiven() {
        let healthy = stores(&[(1, YES), (2, YES), (3, YES)]);
        let lost = [
            left(0, &[(2, BY_FIRST), (3, BY_FIRST)]),
            left(1, &[(1, YES), (3, BY_FIRST)]),
            left(2, &[(1, YES), (2, YES)]),
            left(0, &[]),
        ];
        for doubt in lost {
            assert_eq!(doubt.judge(&healthy), Err(Escape::Unannounced), "{doubt:?}");
        }
        // The first of two stores to one place.
        let twice = stores(&[(1, YES), (1, YES)]);
        let doubt = left(1, &[(1, YES)]);
        assert_eq!(doubt.judge(&twice), Err(Escape::Unannounced));
    }

    #[test]
    fn an_announcement_of_another_place_is_not_forgiven() {
        let doubt = left(0, &[(7, NO), (2, BY_FIRST)]);
        let healthy = stores(&[(1, YES), (2, YES)]);
        assert_eq!(doubt.judge(&healthy), Err(Escape::Unannounced));
    }

    #[test]
    fn a_store_to_a_wrong_place_is_explained_by_itself() {
        let healthy = stores(&[(1, YES), (2, YES)]);
        assert_eq!(left(0, &[(7, BY_FIRST)]).judge(&healthy), Ok(()));
        // Unless the place is one of the healthy run's: it might be that one's own store.
        let doubt = left(0, &[(2, BY_FIRST)]);
        assert_eq!(doubt.judge(&healthy), Err(Escape::Unannounced));
    }
}
