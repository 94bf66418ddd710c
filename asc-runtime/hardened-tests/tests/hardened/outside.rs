//! What writes to protected memory outside of handlers.

use crate::child;
use crate::paged::Paged;

const INJECTIONS: u64 = 90;
const CALLS: [&str; 4] = ["read", "recv", "getrandom", "readv"];

/// Every stray store is caught, whatever kind of page it goes to and however it is made. The program
/// looks at each incident: address, backtrace, line of source.
pub(crate) fn every_stray_store_is_caught(paged: &Paged<'_>) {
    let count = format!("count={INJECTIONS}");
    let seed = "seed=1";
    let ends = |caught| format!("stray {seed} {count}\ninjected {INJECTIONS}, caught {caught}\n");
    let printed = paged.succeed("outside", &["stray", &count, seed]);
    assert_eq!(printed, ends(INJECTIONS), "{}", paged.backend());
    println!("stray stores on {}: {printed}", paged.backend());
    // The stores are real: without page mode each goes through.
    let printed = child::succeed(&paged.plain("outside"), &["stray", &count, seed]);
    assert_eq!(printed, ends(0));
}

/// A system call into a closed page fails with `EFAULT`, writes nothing, and is explained; what the
/// explanation says works.
pub(crate) fn efault_is_explained(paged: &Paged<'_>) {
    let printed = paged.succeed("outside", &["kernel"]);
    let expected: String = CALLS
        .map(|call| {
            format!(
                "{call}: the kernel does not write into protected memory, where the buffer of 1000 bytes at \
                 ADDRESS lies: read into ordinary memory, and copy it in a handler or in `AscAlloc::protected`\n"
            )
        })
        .concat();
    assert_eq!(printed, expected, "{}", paged.backend());
    let printed = child::succeed(&paged.plain("outside"), &["kernel"]);
    assert_eq!(
        printed,
        CALLS.map(|call| format!("{call}: 1000 bytes\n")).concat()
    );
}
