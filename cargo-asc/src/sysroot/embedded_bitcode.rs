//! The bitcode inside an object file.
//!
//! rustc puts a crate's bitcode into the section `.llvmbc` of its object and
//! takes it from there for LTO. The instrumenting linker run puts the new
//! bitcode, with the summary that thin LTO needs, into `.llvm.lto`, a section
//! that only linkers know; [`rename_for_rustc`] gives it the name and the type
//! that rustc looks for. The rest of the object stays as LLVM wrote it.

use object::elf::{self, FileHeader64, SectionHeader64};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{LittleEndian, U32, U64};
use object::{Object as _, ObjectSection as _};

/// Where rustc keeps bitcode.
const FOR_RUSTC: &str = ".llvmbc";

/// Where LLVM's pass `embed-bitcode` puts bitcode.
const FROM_LLVM: &str = ".llvm.lto";

type Header = FileHeader64<LittleEndian>;
type Section = SectionHeader64<LittleEndian>;

/// The bitcode of a crate's object; `None` when it has none.
pub(super) fn of(object: &[u8]) -> Option<&[u8]> {
    let file = object::read::elf::ElfFile64::<LittleEndian>::parse(object).ok()?;
    let bytes = file.section_by_name(FOR_RUSTC)?.data().ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

/// Makes the bitcode that LLVM embedded look like rustc's own.
///
/// The new name goes to the end of a copy of the name table, which goes to the
/// end of the file: no other byte of the object moves.
pub(super) fn rename_for_rustc(mut object: Vec<u8>) -> Result<Vec<u8>, String> {
    let places = find(&object)?;
    let names_end = places.names_offset.checked_add(places.names_length);
    let mut names = names_end
        .and_then(|end| object.get(places.names_offset..end))
        .ok_or("the name table lies outside the object")?
        .to_vec();
    let new_name = u32::try_from(names.len()).map_err(|error| error.to_string())?;
    names.extend_from_slice(FOR_RUSTC.as_bytes());
    names.push(0);
    let new_offset = object.len() as u64;

    let header = section_header(&mut object, places.bitcode_header)?;
    header.sh_name = U32::new(LittleEndian, new_name);
    header.sh_type = U32::new(LittleEndian, elf::SHT_PROGBITS);
    let header = section_header(&mut object, places.names_header)?;
    header.sh_offset = U64::new(LittleEndian, new_offset);
    header.sh_size = U64::new(LittleEndian, names.len() as u64);
    object.extend_from_slice(&names);
    Ok(object)
}

/// Byte offsets of what the renaming touches.
struct Places {
    bitcode_header: usize,
    names_header: usize,
    names_offset: usize,
    names_length: usize,
}

fn find(object: &[u8]) -> Result<Places, String> {
    let text = |error: object::Error| error.to_string();
    let header = Header::parse(object).map_err(text)?;
    let endian = header.endian().map_err(text)?;
    let sections = header.sections(endian, object).map_err(text)?;
    let names_index = header.section_strings_index(endian, object).map_err(text)?;
    let names = sections.section(names_index).map_err(text)?;
    let (bitcode_index, _) = sections
        .enumerate()
        .find(|(_, section)| {
            sections
                .section_name(endian, section)
                .is_ok_and(|name| name == FROM_LLVM.as_bytes())
        })
        .ok_or_else(|| format!("no section {FROM_LLVM}"))?;
    let header_at = |index: object::SectionIndex| {
        let offset = index.0.checked_mul(size_of::<Section>())?;
        offset.checked_add(header.e_shoff.get(endian) as usize)
    };
    let outside = "a section header lies outside the object";
    Ok(Places {
        bitcode_header: header_at(bitcode_index).ok_or(outside)?,
        names_header: header_at(names_index).ok_or(outside)?,
        names_offset: names.sh_offset(endian) as usize,
        names_length: names.sh_size(endian) as usize,
    })
}

/// The section header at a byte offset, to be changed in place.
fn section_header(object: &mut [u8], offset: usize) -> Result<&mut Section, String> {
    let bytes = object
        .get_mut(offset..)
        .ok_or("a section header lies outside the object")?;
    let (header, _) = object::pod::from_bytes_mut::<Section>(bytes)
        .map_err(|()| "a section header is cut off or misaligned")?;
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::Object;
    use object::{Architecture, BinaryFormat, Endianness, SectionKind};
    use proptest::prelude::*;

    /// An object as LLVM leaves it, with some bitcode.
    fn from_llvm(bitcode: &[u8]) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let name = FROM_LLVM.as_bytes().to_vec();
        let section = object.add_section(Vec::new(), name, SectionKind::Other);
        object.append_section_data(section, bitcode, 1);
        object.write().unwrap()
    }

    proptest! {
        #[test]
        fn bitcode_from_llvm_becomes_bitcode_for_rustc(
            bitcode in prop::collection::vec(any::<u8>(), 1..99),
        ) {
            let object = from_llvm(&bitcode);
            prop_assert_eq!(of(&object), None);
            let renamed = rename_for_rustc(object).unwrap();
            prop_assert_eq!(of(&renamed), Some(&*bitcode));
        }

        #[test]
        fn arbitrary_bytes_have_no_bitcode(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            prop_assert_eq!(of(&bytes), None);
            prop_assert!(rename_for_rustc(bytes).is_err());
        }

        #[test]
        fn a_damaged_object_is_taken_or_refused(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
            kept: prop::sample::Index,
            is_cut: bool,
        ) {
            let mut object = from_llvm(b"bitcode");
            for (place, byte) in changes {
                let place = place.index(object.len());
                object[place] = byte;
            }
            if is_cut {
                object.truncate(kept.index(object.len()));
            }
            let length = object.len();
            prop_assert!(of(&object).is_none_or(|bitcode| bitcode.len() <= length));
            match rename_for_rustc(object) {
                Ok(renamed) => prop_assert!(renamed.len() > length),
                Err(reason) => prop_assert!(!reason.is_empty()),
            }
        }
    }
}
