//! The nouns of the project: what is judged, where evidence lies, and what comes out.
//!
//! Plain data with serialisation. No I/O, no clock, no async.

mod decision;
mod event;
mod item;
mod key;
mod label;
mod scale;
mod span;

pub use decision::{
    Action, CoordinationDetail, CopiedDetail, Counterfactual, Decision, EngagementDetail, Evidence,
    EvidenceDetail, EvidenceKind, FamilyDetail, FollowUp, LabelScore, NearDuplicate, Proposal, Target,
    Versions,
};
pub use event::{Actor, EventLine, EventTarget};
pub use item::{Account, AccountKind, Field, Item, ItemError, ItemKind, Repost};
pub use key::KeyHash;
pub use label::{Label, LabelId, Taxonomy, TaxonomyError};
pub use scale::{Milli, Severity, Surface, Verdict};
pub use span::{ByteSpan, CharSpan, to_char_spans};
