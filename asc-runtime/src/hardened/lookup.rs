//! Functions that a program looks up by name at run time.
//!
//! Some crates (`getrandom` among them) ask the dynamic loader for a C function, so that they run
//! with older C libraries too. That passes the linker by; the loader's answer is therefore replaced
//! for everything whose answers must be recorded.

use core::ffi::{CStr, c_char, c_void};

use super::Returned;
use super::effect;
use super::sys::private_entry;

unsafe extern "C" {
    fn __real_dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    outside = look_up; inside = look_up_inside;
}

unsafe extern "C" fn look_up(library: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: the caller passes a C string, as dlsym demands.
    let wanted = unsafe { CStr::from_ptr(name) };
    let ours = effect::recorded_functions().find(|(name, _)| wanted.to_bytes() == name.as_bytes());
    // SAFETY: passed on under the caller's contract.
    let found = unsafe { __real_dlsym(library, name) };
    match ours {
        // What the C library lacks stays lacking.
        Some((_, function)) if !found.is_null() => function.cast_mut(),
        _ => found,
    }
}

unsafe extern "C" fn look_up_inside(library: *mut c_void, name: *const c_char) -> Returned {
    // SAFETY: as above.
    Returned::pointer(unsafe { look_up(library, name) }.cast())
}
