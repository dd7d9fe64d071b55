//! Batch judging: files in, decisions out in input order, on every core, resumable.

mod diff;
mod pipeline;
mod run;
mod scores;
mod sink;
mod tally;
mod turn;

pub use diff::OldDecisions;
pub use run::{Options, Report, RescanError, refuse_same_file, run};
pub use scores::{EngagementSummary, shard_of_snapshot};
pub use tally::{Summary, Tally};
