//! Scores of target-hours against the truth. Knows the two files and nothing else, so that other programs can use it.

mod campaigns;
mod figures;
pub(crate) mod rank;
mod report;
pub(crate) mod scores;
pub(crate) mod truth;

pub(crate) use figures::judge;
pub(crate) use report::{json, table};
pub(crate) use scores::Scores;
pub(crate) use truth::Truth;

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
