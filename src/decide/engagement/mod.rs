//! Alerts of the engagement stage → decisions on the target; score records.
//!
//! Nothing here sanctions: an alert leads to review at most and proposes what people decide on. Its words say that counts are
//! unusual compared with similar targets, and nothing of anybody's intent.

mod explain;
mod record;
mod statement;
mod words;

pub use explain::score_page;
pub use record::{ActorShare, CoTargetRecord, Remainder, Replay, RingRecord, ScoreRecord};
pub use statement::{Statement, alert, withdrawal};
