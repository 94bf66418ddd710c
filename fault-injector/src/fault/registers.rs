//! General-purpose and vector registers, and flags.

use rand::RngExt as _;

use super::{Strike, Struck};
use crate::code::operands::{Part, Vector, name, slot};
use crate::failure::Result;
use crate::tracer::{Tracee, vectors};
use crate::walk::step;

const FLAG_NAMES: [(u32, &str); 7] = [
    (0, "cf"),
    (2, "pf"),
    (4, "af"),
    (6, "zf"),
    (7, "sf"),
    (10, "df"),
    (11, "of"),
];

impl Strike<'_> {
    pub(super) fn register_read(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let Some(part) = self.choose(&self.site.facts.reads.clone()) else {
            return Ok(Struck::nothing());
        };
        self.flip_register(copy, part)
    }

    pub(super) fn register_write(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let Some(part) = self.choose(&self.site.facts.writes.clone()) else {
            return Ok(Struck::nothing());
        };
        step(copy, &self.site.facts)?;
        if copy.has_ended() {
            return Ok(Struck::nothing());
        }
        self.registers = copy.registers()?;
        self.flip_register(copy, part)
    }

    fn flip_register(&mut self, copy: &Tracee, part: Part) -> Result<Struck> {
        let mask = self.mask.draw(part.bits, &mut self.random);
        if let Some(slot) = slot(&mut self.registers, part.register) {
            *slot ^= mask << part.shift;
        }
        copy.set_registers(&self.registers)?;
        Ok(Struck {
            place: name(part.register),
            mask,
        })
    }

    /// Before the instruction if it reads the register, after it if it writes it.
    pub(super) fn vector_register(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let facts = &self.site.facts;
        let read = facts.vector_reads.iter().map(|vector| (*vector, false));
        let written = facts.vector_writes.iter().map(|vector| (*vector, true));
        let places: Vec<(Vector, bool)> = read.chain(written).collect();
        let Some((vector, after)) = self.choose(&places) else {
            return Ok(Struck::nothing());
        };
        if after {
            step(copy, facts)?;
            if copy.has_ended() {
                return Ok(Struck::nothing());
            }
        }
        let lane = self.random.random_range(0..vector.lanes.max(1));
        let mask = self.mask.draw(64, &mut self.random);
        vectors::flip(copy, vector.number, lane, mask)?;
        Ok(Struck {
            place: format!("{}[{lane}]", name(vector.register)),
            mask,
        })
    }

    pub(super) fn flags(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let Some(bit) = self.choose(&self.site.facts.flags.clone()) else {
            return Ok(Struck::nothing());
        };
        self.registers.eflags ^= 1 << bit;
        copy.set_registers(&self.registers)?;
        let flag = FLAG_NAMES.iter().find(|(number, _)| *number == bit);
        Ok(Struck {
            place: flag.map_or("?", |(_, name)| name).to_owned(),
            mask: 1,
        })
    }
}
