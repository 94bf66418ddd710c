//! What a million items occupy in main memory.

use crate::comparison;
use crate::failure::Failure;
use crate::machine;
use crate::options::Options;
use crate::server::{MEMORY_MIB, Server};
use crate::summary::{MemoryRow, Summary};

/// What a server may need for an item besides its value, generously.
const OVERHEAD_BYTES: u64 = 512;

/// Fills each server, one after the other, with values of each length for which there is room.
pub(crate) fn measure(options: &Options, items: u32, summary: &mut Summary) -> Result<(), Failure> {
    for value_bytes in options.value_bytes.iter().copied() {
        if !fits(items, value_bytes) {
            continue;
        }
        let mut first = None;
        for contender in &options.servers {
            let server = Server::start(contender, 1, None)?;
            let empty_bytes = machine::resident_bytes(server.pid())?;
            comparison::fill(&server, items, value_bytes as usize)?;
            let full_bytes = machine::resident_bytes(server.pid())?;
            let added_bytes = full_bytes.saturating_sub(empty_bytes);
            let reference = *first.get_or_insert(added_bytes);
            summary.memory.push(MemoryRow {
                server: contender.name.clone(),
                value_bytes,
                items,
                empty_bytes,
                added_bytes,
                bytes_per_item: added_bytes as f64 / f64::from(items),
                ratio: added_bytes as f64 / reference as f64,
            });
        }
    }
    Ok(())
}

/// Whether no server needs to evict.
fn fits(items: u32, value_bytes: u32) -> bool {
    u64::from(items) * (u64::from(value_bytes) + OVERHEAD_BYTES) <= u64::from(MEMORY_MIB) << 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_measured_that_would_be_evicted() {
        assert!(fits(1_000_000, 1024));
        assert!(!fits(1_000_000, 4096));
    }
}
