//! Dictionary files in, term hits and rule hits out.
//!
//! [`Lexicon::load`] reads term and rule files, folds every term with the same table as the texts, and indexes them: the
//! scanner over the dense view, and a small automaton over the plain view for the few keys that contain blanks or
//! symbols. Loading may fail and says where; searching never fails. Each raw hit is then verified: gaps, word boundaries,
//! exemptions. Rules look only at hits. Words in disguise are found beside that; a text that holds some is restored
//! ([`Lexicon::find_disguised`]) and scanned once more.

mod compile;
mod disguise;
mod evaluate;
mod format;
mod gate;
mod index;
mod lint;
mod pattern;
mod plain;
mod problem;
mod rule;
mod scan;
mod scanner;
mod verify;

pub use compile::{Exemption, Lexicon, LoadContext, Term};
pub use disguise::DisguiseTables;
pub use format::{Mode, Origin, SourceFile};
pub use problem::{Level, Problem};
pub(crate) use problem::{parse_toml, suggestion};
pub use rule::{Rule, RuleHit};
pub use scan::{Hit, Matches, ScanScratch};
pub use scanner::{Bigrams, ScanBuffer, Scanner, ScannerError, SymbolStream, TermHit};
