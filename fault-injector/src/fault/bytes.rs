//! The bytes of an instruction, for one execution or for good.

use rand::RngExt as _;

use super::{Strike, Struck};
use crate::failure::Result;
use crate::tracer::Tracee;

impl Strike<'_> {
    pub(super) fn instruction(&mut self, copy: &mut Tracee, once: bool) -> Result<Struck> {
        let address = self.site.address;
        let length = self.site.facts.instruction.len();
        let byte = self.random.random_range(0..length);
        let mask = self.mask.draw(8, &mut self.random);
        let mut bytes = vec![0; length];
        copy.read(address, &mut bytes)?;
        let original = bytes[byte];
        copy.write(address + byte as u64, &[original ^ mask as u8])?;
        if once {
            copy.step()?;
            if !copy.has_ended() {
                copy.write(address + byte as u64, &[original])?;
            }
        }
        Ok(Struck {
            place: format!("byte {byte} of the instruction"),
            mask,
        })
    }
}
