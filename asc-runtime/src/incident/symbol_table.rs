//! What a program's file says about an address: the symbol that lies there.
//!
//! The file is external input, and an incident is reported while something is already wrong: whatever
//! the bytes are, the answer is a name or none.

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSymbol as _};

/// The symbol of the ELF file `image` that covers `address` (relative to the start of the program),
/// and how far behind the symbol's start it lies.
pub(crate) fn name_at(image: &[u8], address: u64) -> Option<(&str, u64)> {
    let file = ElfFile64::<LittleEndian>::parse(image).ok()?;
    file.symbols().find_map(|symbol| {
        let offset = address.checked_sub(symbol.address())?;
        let name = (offset < symbol.size()).then(|| symbol.name().ok())??;
        Some((name, offset))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::{Object, StandardSection, Symbol, SymbolSection};
    use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};
    use proptest::prelude::*;

    /// An ELF file with a symbol for each (start, size).
    fn file(symbols: &[(u64, u64)]) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let section = object.section_id(StandardSection::Data);
        for (index, &(value, size)) in symbols.iter().enumerate() {
            object.add_symbol(Symbol {
                name: format!("symbol_{index}").into_bytes(),
                value,
                size,
                kind: SymbolKind::Data,
                scope: SymbolScope::Linkage,
                weak: false,
                section: SymbolSection::Section(section),
                flags: SymbolFlags::None,
            });
        }
        object.write().expect("a plain object can be written")
    }

    proptest! {
        #[test]
        fn the_symbol_that_covers_an_address_is_found(
            sizes in prop::collection::vec(0_u64..9, 1..9),
            gap in 0_u64..3,
        ) {
            let mut end = 0;
            let symbols: Vec<_> = sizes
                .iter()
                .map(|&size| {
                    let start = end + gap;
                    end = start + size;
                    (start, size)
                })
                .collect();
            let image = file(&symbols);
            for address in 0..end + 2 {
                let expected = symbols
                    .iter()
                    .position(|&(start, size)| (start..start + size).contains(&address))
                    .map(|index| (format!("symbol_{index}"), address - symbols[index].0));
                let found = name_at(&image, address).map(|(name, offset)| (name.to_owned(), offset));
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn arbitrary_bytes_are_no_program(
            bytes in prop::collection::vec(any::<u8>(), 0..512),
            address: u64,
        ) {
            prop_assert_eq!(name_at(&bytes, address), None);
        }

        #[test]
        fn a_damaged_program_gives_a_name_or_none(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
            length: prop::sample::Index,
            is_cut: bool,
            address: u64,
        ) {
            let mut image = file(&[(0, 4), (4, 8), (u64::MAX - 3, 3)]);
            for (place, byte) in changes {
                let place = place.index(image.len());
                image[place] = byte;
            }
            if is_cut {
                image.truncate(length.index(image.len()));
            }
            for address in [address, address % 64] {
                if let Some((_, offset)) = name_at(&image, address) {
                    prop_assert!(offset <= address);
                }
            }
        }
    }
}
