//! When an item dies by its age.
//!
//! Times are Unix seconds. [`NEVER`] is 0, as in the protocol.

/// The item lives until it is evicted.
pub(crate) const NEVER: u32 = 0;
/// A time before anything was stored.
const LONG_AGO: u32 = 1;
/// Longer times in the protocol are absolute: 30 days.
const RELATIVE_SECONDS_MAX: i32 = 60 * 60 * 24 * 30;

/// The time that a client means by `exptime`: 0 never, negative already over, up to 30 days from
/// now, and a Unix time beyond.
pub(crate) fn expires_at(exptime: i32, now: u32) -> u32 {
    match exptime {
        0 => NEVER,
        i32::MIN..0 => LONG_AGO,
        1..=RELATIVE_SECONDS_MAX => now.saturating_add(exptime as u32),
        _ => exptime as u32,
    }
}

/// The same for a time of the binary protocol, which has no sign.
pub(crate) fn expires_at_unsigned(exptime: u32, now: u32) -> u32 {
    i32::try_from(exptime).map_or(exptime, |exptime| expires_at(exptime, now))
}

/// Seconds that an item with this time has left; -1 for ever.
pub(crate) fn seconds_left(expires_at: u32, now: u32) -> i64 {
    if expires_at == NEVER {
        -1
    } else {
        i64::from(expires_at) - i64::from(now)
    }
}

/// Whether an item with this time is dead.
#[inline]
pub(crate) fn is_over(expires_at: u32, now: u32) -> bool {
    expires_at != NEVER && expires_at <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 1_700_000_000;

    #[test]
    fn times_are_relative_up_to_thirty_days() {
        assert_eq!(expires_at(RELATIVE_SECONDS_MAX, NOW), NOW + 2_592_000);
        assert_eq!(expires_at(RELATIVE_SECONDS_MAX + 1, NOW), 2_592_001);
        assert_eq!(expires_at(i32::MAX, NOW), i32::MAX as u32);
        assert_eq!(expires_at(0, NOW), NEVER);
    }

    #[test]
    fn an_item_dies_in_its_last_second() {
        assert!(!is_over(NEVER, NOW));
        assert!(!is_over(expires_at(1, NOW), NOW));
        assert!(is_over(expires_at(1, NOW), NOW + 1));
        assert!(is_over(expires_at(-1, NOW), NOW));
        assert!(is_over(expires_at(i32::MIN, NOW), NOW));
        assert!(is_over(expires_at(RELATIVE_SECONDS_MAX + 1, NOW), NOW));
    }
}
