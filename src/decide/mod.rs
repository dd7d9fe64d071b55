//! Findings → decision, by integer arithmetic.
//!
//! [`Policy`] is the checked form of `policy.toml`, [`Articles`] of `articles.toml`. [`decide`] adds up the evidence per
//! level-one label inside passages, with a cap per family, compares with the thresholds of the surface and the credit
//! tier, and finds out which evidence was necessary. The same findings give the same decision, bit for bit.

mod articles;
mod coordination;
mod counterfactual;
mod engagement;
mod engagement_policy;
mod evidence;
mod explain;
mod originals;
mod policy;
mod score;

pub use articles::{Article, Articles, Instrument};
pub use coordination::{Author, Standing, amend, follow_up};
pub use engagement::{
    ActorShare, CoTargetRecord, Remainder, Replay, RingRecord, ScoreRecord, Statement, alert, score_page,
    withdrawal,
};
pub use engagement_policy::Engagement;
pub use evidence::{Piece, collect_into};
pub use explain::{Language, counterfactual, headline, is_invisible, sentence};
pub use originals::amend_copied;
pub use policy::{Limits, NearDuplicates, OriginalArticles, Policy, Thresholds};
pub use score::{Judgement, decide};
