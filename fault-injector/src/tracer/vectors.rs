//! A tracee's vector registers.
//!
//! They lie in the area that XSAVE writes: 16 bytes of each register in the legacy part, the next
//! 16 and 32 and the registers from 16 on in components whose places CPUID tells.

use std::arch::x86_64::__cpuid_count;

use nix::libc;

use super::Tracee;
use crate::failure::Result;

/// The register set that XSAVE writes, by its number in `elf.h`.
const NT_X86_XSTATE: libc::c_int = 0x202;
const AREA_BYTES_MAX: usize = 16384;
const STATE_BITS: usize = 512;
const LEGACY: usize = 160;
const LANE_BYTES: usize = 8;

/// A component of the area.
#[derive(Debug, Clone, Copy)]
enum Component {
    Legacy = 1,
    UpperYmm = 2,
    UpperZmm = 6,
    HighZmm = 7,
}

/// Flips the bits of `mask` in the 64-bit `lane` of vector register `number`. Says whether the
/// processor has that register.
pub fn flip(tracee: &Tracee, number: usize, lane: usize, mask: u64) -> Result<bool> {
    let mut area = vec![0; AREA_BYTES_MAX];
    let length = transfer(tracee, libc::PTRACE_GETREGSET, &mut area)?;
    let (component, offset) = place(number, lane);
    if offset + LANE_BYTES > length {
        return Ok(false);
    }
    let bit = component as u64;
    let mut bits = [0; 8];
    bits.copy_from_slice(&area[STATE_BITS..STATE_BITS + 8]);
    let present = u64::from_le_bytes(bits);
    let register = &mut area[offset..offset + LANE_BYTES];
    if present & (1 << bit) == 0 {
        // In its initial state: zeroes, whatever lies there.
        register.fill(0);
    }
    for (byte, flip) in register.iter_mut().zip(mask.to_le_bytes()) {
        *byte ^= flip;
    }
    area[STATE_BITS..STATE_BITS + 8].copy_from_slice(&(present | 1 << bit).to_le_bytes());
    transfer(tracee, libc::PTRACE_SETREGSET, &mut area[..length])?;
    Ok(true)
}

fn place(number: usize, lane: usize) -> (Component, usize) {
    if number >= 16 {
        let offset = base(Component::HighZmm) + 64 * (number - 16);
        return (Component::HighZmm, offset + LANE_BYTES * lane);
    }
    let (component, width, first) = match lane {
        0..2 => (Component::Legacy, 16, 0),
        2..4 => (Component::UpperYmm, 16, 2),
        _ => (Component::UpperZmm, 32, 4),
    };
    let offset = base(component) + width * number + LANE_BYTES * (lane - first);
    (component, offset)
}

fn base(component: Component) -> usize {
    match component {
        Component::Legacy => LEGACY,
        _ => __cpuid_count(0xD, component as u32).ebx as usize,
    }
}

fn transfer(tracee: &Tracee, request: libc::c_uint, area: &mut [u8]) -> Result<usize> {
    let mut vector = libc::iovec {
        iov_base: area.as_mut_ptr().cast(),
        iov_len: area.len(),
    };
    // SAFETY: the vector names a live buffer; the kernel stays within its length.
    let answer = unsafe {
        libc::ptrace(
            request,
            tracee.pid().as_raw(),
            NT_X86_XSTATE,
            &raw mut vector,
        )
    };
    match answer {
        -1 => Err(tracee.broken(
            "reach the vector registers",
            std::io::Error::last_os_error(),
        )),
        _ => Ok(vector.iov_len),
    }
}
