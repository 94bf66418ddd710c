//! An audit that must fail: the handler writes through assembly, which carries no hooks.

use asc_runtime::asc_handler;

#[asc_handler]
fn handler(state: &mut [u8]) {
    state[0] += 1;
    // SAFETY: a live byte.
    unsafe { asc_hardened_tests::unseen::flip(&raw mut state[1], 0x81) };
}

fn main() {
    let mut state = vec![0_u8; 9];
    handler(&mut state);
    asc_hardened_tests::unseen::arm();
    #[cfg(asc)]
    {
        let ((), report) = asc_runtime::audit::audit(|| handler(&mut state));
        println!("{report}");
        assert!(!report.is_complete());
        assert_eq!(report.bytes_differing, 1);
        assert_eq!(report.differences[0].address, (&raw const state[1]).addr());
    }
}
