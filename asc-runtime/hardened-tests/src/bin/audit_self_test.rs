//! Audits that must fail: the handlers write through assembly, which carries no hooks.
//!
//! Eight outputs are there too. The gigabyte that each of them reserves must neither be copied nor
//! hide what happens around it or to the bytes in it.

use asc_runtime::{Output, asc_handler};

/// Outputs beside the audited handlers.
const OUTPUTS: usize = 8;
/// What an audit of this small program copies at most: far below one output's reserve.
#[cfg(asc)]
const BYTES_COMPARED_MAX: u64 = 256 << 20;

#[asc_handler]
fn strike(state: &mut [u8], stray: Stray, reply: &mut Output) {
    state[0] += 1;
    reply.write(b"struck");
    // SAFETY: a live byte; see `main`.
    unsafe { asc_hardened_tests::unseen::flip(stray.0, 0x81) };
}

/// The byte that is written without a hook.
#[derive(Clone, Copy)]
struct Stray(*mut u8);

fn main() {
    let mut state = vec![0_u8; 9];
    let mut outputs: Vec<Output> = (0..OUTPUTS).map(|_| Output::new()).collect();
    let (reply, others) = outputs.split_first_mut().expect("there are outputs");
    for other in &mut *others {
        other.write(b"said before");
    }
    let in_state = Stray(&raw mut state[1]);
    strike(&mut state, in_state, reply);
    asc_hardened_tests::unseen::arm();
    #[cfg(asc)]
    {
        let of_other = Stray(others[OUTPUTS / 2].bytes().as_ptr().cast_mut());
        for stray in [in_state, of_other] {
            let ((), report) = asc_runtime::audit::audit(|| strike(&mut state, stray, reply));
            println!("{report}");
            assert!(!report.is_complete());
            assert_eq!(report.bytes_differing, 1);
            assert_eq!(report.differences[0].address, stray.0.addr());
            assert!(report.bytes_compared < BYTES_COMPARED_MAX);
        }
    }
}
