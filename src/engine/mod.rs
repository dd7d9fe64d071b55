//! The order of the stages. Only this module knows it.
//!
//! [`Bundle::load`] turns files into one immutable version of everything that judges. [`inspect`] runs the stateless
//! stages on any thread with a lent [`Scratch`]; [`evaluate`] adds the decision. [`correlate`] runs the stateful stages over
//! the [`Trace`] of each item, in order, with one owner of the [`Shard`]; [`amend_decision`] adds what they say.

mod bundle;
mod clock;
mod correlate;
mod embedded;
mod evaluate;
mod inspect;

pub use bundle::{Bundle, BundleError};
pub use correlate::{Correlated, Shard, ShardError, Trace, amend_decision, correlate};
pub use embedded::{embedded_files, is_bundle_file, samples};
pub use evaluate::{Outcome, decision, evaluate, is_plain, plain_decision};
pub use inspect::{Findings, Scratch, inspect};
