//! The inert archive: hooks and wrapped symbols for programs without asc-runtime.
//!
//! A program that does not link asc-runtime is instrumented all the same (its
//! standard library is) and linked with the same `--wrap` options, so it needs
//! a definition for every hook and every `__wrap_X`. One archive gives both.
//!
//! A program that does link asc-runtime must never get a second definition.
//! The archive stands last, and a linker takes a member only for a name that
//! is still undefined; every wrapped symbol is a member of its own, and all
//! names are weak.

use std::fs;
use std::path::Path;
use std::process::Command;

use object::write::{Object, Relocation, StandardSection, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};

use super::archive::{self, Member};
use crate::refusal::{Cause, Refusal};
use crate::toolchain::Toolchain;
use crate::{pipeline, wrapped_symbols};

/// The archive's name in a cache entry.
pub(super) const ARCHIVE_NAME: &str = "libasc_inert.a";

/// Builds the archive at `path`.
pub(super) fn build(toolchain: &Toolchain, path: &Path, scratch: &Path) -> Result<(), Refusal> {
    let hooks = Member {
        name: "hooks.o".into(),
        bytes: compile_hooks(toolchain, scratch)?,
    };
    let mut members = vec![hooks];
    for symbol in wrapped_symbols::all() {
        let bytes = forwarder(symbol).map_err(|error| failed(&error.to_string()))?;
        members.push(Member {
            name: format!("wrap_{symbol}.o"),
            bytes,
        });
    }
    archive::write(path, members)
}

/// One object with all hooks, compiled by the plain compiler.
fn compile_hooks(toolchain: &Toolchain, scratch: &Path) -> Result<Vec<u8>, Refusal> {
    let source = scratch.join("inert_hooks.rs");
    let object = scratch.join("inert_hooks.o");
    fs::write(&source, pipeline::INERT_SOURCE)
        .map_err(|error| Refusal::file("write", &source, &error))?;
    let done = Command::new(&toolchain.rustc)
        .args([
            "--crate-name=asc_inert",
            "--crate-type=lib",
            "--edition=2024",
            "--emit=obj",
        ])
        .args([
            "-Copt-level=3",
            "-Ccodegen-units=1",
            "-Cpanic=abort",
            "-Crelocation-model=pic",
        ])
        .args([
            "-Cembed-bitcode=no",
            "-Awarnings",
            "--target",
            crate::toolchain::TARGET,
        ])
        .arg("-o")
        .args([&object, &source])
        .output()
        .map_err(|error| Refusal::program(&toolchain.rustc, &error))?;
    if !done.status.success() {
        return Err(failed(&String::from_utf8_lossy(&done.stderr)));
    }
    fs::read(&object).map_err(|error| Refusal::file("read", &object, &error))
}

/// An object whose `__wrap_X` jumps to `__real_X`.
fn forwarder(symbol: &str) -> object::write::Result<Vec<u8>> {
    // jmp rel32
    const JUMP: [u8; 5] = [0xe9, 0, 0, 0, 0];
    const OPERAND: u64 = 1;
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let text = object.section_id(StandardSection::Text);
    let offset = object.append_section_data(text, &JUMP, 16);
    let function = |name: String, section, size, weak| Symbol {
        name: name.into_bytes(),
        value: 0,
        size,
        kind: if weak {
            SymbolKind::Text
        } else {
            SymbolKind::Unknown
        },
        // What libc defines must not be hidden, what is defined here may be.
        scope: if weak {
            SymbolScope::Linkage
        } else {
            SymbolScope::Dynamic
        },
        weak,
        section,
        flags: SymbolFlags::None,
    };
    object.add_symbol(function(
        format!("__wrap_{symbol}"),
        SymbolSection::Section(text),
        JUMP.len() as u64,
        true,
    ));
    let real = object.add_symbol(function(
        format!("__real_{symbol}"),
        SymbolSection::Undefined,
        0,
        false,
    ));
    object.add_relocation(
        text,
        Relocation {
            offset: offset + OPERAND,
            symbol: real,
            addend: -4,
            flags: object::RelocationFlags::Elf {
                r_type: object::elf::R_X86_64_PLT32,
            },
        },
    )?;
    // Without this note a linker would make the stack executable.
    object.add_section(
        Vec::new(),
        b".note.GNU-stack".to_vec(),
        object::SectionKind::Other,
    );
    object.write()
}

fn failed(found: &str) -> Refusal {
    Refusal::new(
        Cause::SysrootFailed,
        "the archive of inert hooks",
        found,
        "try another stable toolchain (rustup update stable), then: cargo asc sysroot --rebuild",
    )
}
