//! The forms of the attribute itself.

mod hardening {
    pub(crate) use asc_runtime as runtime;
    pub(crate) use asc_runtime::asc_handler;

    pub(crate) mod inner {
        #[asc_runtime::asc_handler(crate = super::runtime)]
        pub(crate) fn relative(state: &mut u8) {
            *state += 1;
        }
    }
}

#[asc_runtime::asc_handler]
fn by_path(state: &mut u8) {
    *state += 1;
}

#[::asc_runtime::asc_handler()]
fn empty(state: &mut u8) {
    *state += 1;
}

#[hardening::asc_handler(crate = hardening::runtime,)]
fn renamed(state: &mut u8) {
    *state += 1;
}

#[hardening::asc_handler(crate = crate::hardening::runtime)]
fn absolute(state: &mut u8) {
    *state += 1;
}

#[cfg_attr(all(), hardening::asc_handler(crate = ::asc_runtime))]
fn conditional(state: &mut u8) {
    *state += 1;
}

fn main() {
    let mut state = 0;
    for handler in [by_path, empty, renamed, absolute, conditional, hardening::inner::relative] {
        handler(&mut state);
    }
    assert_eq!(state, 6);
}
