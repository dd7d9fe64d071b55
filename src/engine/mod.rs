//! The order of the stages. Only this module knows it.
//!
//! [`Bundle::load`] turns files into one immutable version of everything that judges. [`inspect`] runs the stateless
//! stages on any thread with a lent [`Scratch`]; [`evaluate`] adds the decision. [`correlate`] runs the stateful stages over
//! the [`Trace`] of each item, in order, with one owner of the [`Shard`]; [`amend_decision`] adds what they say. The
//! engagement stream has a state of its own, the [`Ledger`], fed by [`EventBatch`]es in the order of the input.

mod bundle;
mod clock;
mod correlate;
mod embedded;
mod engagement;
mod evaluate;
mod events;
mod inspect;
mod names;

pub use bundle::{Bundle, BundleError};
pub use correlate::{Correlated, ITEMS_AHEAD, Shard, ShardError, Trace, amend_decision, correlate};
pub use embedded::{embedded_files, is_bundle_file, samples};
pub use engagement::{Ledger, LedgerError, LedgerReport, Notice};
pub use evaluate::{Outcome, decision, evaluate, is_plain, plain_decision};
pub use events::EventBatch;
pub use inspect::{Findings, Scratch, inspect};
