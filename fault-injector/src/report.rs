//! What a campaign showed, plain beside hardened: as a page, as a table and as JSON.
//!
//! 1. [`campaign`] reads a result file line by line into counts and the list of its escapes.
//! 2. [`summary`] turns the counts into rates with intervals; nothing else computes a number.
//! 3. `page` writes one HTML file that needs nothing else; `terminal` writes a table.
//!
//! An *escape* is an injection that nobody was told of: a wrong reply with a valid checksum, or a
//! wrong state behind right replies.

pub mod campaign;
mod error;
mod page;
pub mod summary;
mod terminal;
mod words;

pub use error::ReportError;

use crate::program::Build;
use campaign::Campaign;
use summary::Summary;

/// The builds that stand on the hardened side.
const HARDENED: [Build; 2] = [Build::Hardened, Build::Crc];

/// Escapes of the plain build that the page lists unless told otherwise. It has tens of thousands, and
/// they are there to compare with; those of the hardened build are all listed.
pub const PLAIN_ESCAPES_MAX: usize = 200;

/// One or two campaigns, ready to be shown.
#[derive(Debug, Clone)]
pub struct Report {
    plain: Option<Campaign>,
    hardened: Option<Campaign>,
    summary: Summary,
}

impl Report {
    /// Puts a plain and a hardened campaign side by side. Either may be missing. Builds with line codes
    /// are hardened too.
    ///
    /// # Errors
    ///
    /// If both are missing, if one is not of the build it is given for, or if the two struck different
    /// targets or different requests, or differently many bits.
    pub fn new(plain: Option<Campaign>, hardened: Option<Campaign>) -> Result<Self, ReportError> {
        if plain.is_none() && hardened.is_none() {
            return Err(ReportError::nothing_given());
        }
        for (wanted, campaign) in [(&[Build::Plain][..], &plain), (&HARDENED, &hardened)] {
            if let Some(campaign) = campaign {
                campaign.require_build(wanted)?;
            }
        }
        if let (Some(plain), Some(hardened)) = (&plain, &hardened) {
            plain.require_same_requests(hardened)?;
            plain.require_same_mask(hardened)?;
        }
        let summary = Summary::new(plain.as_ref(), hardened.as_ref());
        Ok(Self {
            plain,
            hardened,
            summary,
        })
    }

    /// The numbers.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The page, with at most so many escapes of the plain build.
    pub fn html(&self, plain_escapes_max: usize) -> String {
        page::html(self, plain_escapes_max)
    }

    /// A table for terminals.
    pub fn table(&self) -> String {
        terminal::table(self)
    }

    /// The campaigns that are there, plain first, each with its numbers.
    fn campaigns(&self) -> Vec<(&Campaign, &summary::CampaignSummary)> {
        let plain = self.plain.as_ref().zip(self.summary.plain.as_ref());
        let hardened = self.hardened.as_ref().zip(self.summary.hardened.as_ref());
        plain.into_iter().chain(hardened).collect()
    }
}
