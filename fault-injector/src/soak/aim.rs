//! Which instructions of handlers a soak strikes.

use clap::ValueEnum;

use crate::code::operands::address;
use crate::profile::Site;
use crate::results::Zone;
use crate::tracer::Registers;

/// As far from the stack pointer a thread's stack may reach.
const STACK_BYTES: u64 = 8 << 20;

/// Which instructions of handlers are struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Aim {
    /// All, those of the runtime included.
    Everything,
    /// The program's own stores to anything but the stack. Hardly any such fault crashes or leaves recovery in
    /// doubt, so that servers live long.
    Stores,
}

impl Aim {
    pub(super) fn allows(self, site: &Site, registers: &Registers) -> bool {
        match self {
            Self::Everything => true,
            Self::Stores => {
                site.place.zone == Zone::Application && stores_elsewhere(site, registers)
            }
        }
    }
}

/// Whether the instruction stores, and nothing of it to the stack.
fn stores_elsewhere(site: &Site, registers: &Registers) -> bool {
    let written = &site.facts.memory_writes;
    !written.is_empty()
        && written.iter().all(|place| {
            address(registers, place)
                .is_some_and(|address| address.abs_diff(registers.rsp) > STACK_BYTES)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::facts::{Facts, INSTRUCTION_BYTES_MAX};
    use crate::code::place::Place;

    const LOAD: [u8; 3] = [0x48, 0x8B, 0x08]; // mov rcx, [rax]
    const ADD: [u8; 3] = [0x48, 0x01, 0xC8]; // add rax, rcx
    const STORE: [u8; 3] = [0x48, 0x89, 0x08]; // mov [rax], rcx
    const PUSH: [u8; 1] = [0x50]; // push rax
    const STACK: u64 = 0x7FFF_0000_0000;
    const HEAP: u64 = 0x5555_0000_0000;

    fn allowed(instruction: &[u8], zone: Zone, rax: u64) -> bool {
        let mut bytes = [0x90; INSTRUCTION_BYTES_MAX];
        bytes[..instruction.len()].copy_from_slice(instruction);
        let site = Site {
            address: 0,
            facts: Facts::decode(0, &bytes).unwrap(),
            place: Place {
                address: 0,
                symbol: String::new(),
                line: String::new(),
                zone,
                handler: true,
            },
        };
        // SAFETY: a structure of integers, of which any bytes are a value.
        let mut registers: Registers = unsafe { std::mem::zeroed() };
        (registers.rsp, registers.rax) = (STACK, rax);
        assert!(Aim::Everything.allows(&site, &registers));
        Aim::Stores.allows(&site, &registers)
    }

    #[test]
    fn stores_are_what_writes_memory_other_than_the_stack() {
        assert!(allowed(&STORE, Zone::Application, HEAP));
        assert!(!allowed(&STORE, Zone::Application, STACK + 64));
        assert!(!allowed(&STORE, Zone::Runtime, HEAP));
        assert!(!allowed(&PUSH, Zone::Application, HEAP));
    }

    #[test]
    fn what_writes_no_memory_is_no_store() {
        for instruction in [LOAD, ADD] {
            assert!(!allowed(&instruction, Zone::Application, HEAP));
        }
    }
}
