//! Bytes in, folded text out, with the way back to every original byte.
//!
//! [`FoldTable`] is built once per bundle from the generated tables; [`FoldedText`] is a reused buffer that one pass
//! over an item's texts fills: the *plain* view (folded, everything kept), the *dense* view (letters, digits and Han
//! only), and for each folded symbol the byte range that it came from and the disguises that were undone.
//! [`SlotFinder`] then reads contacts and addresses out of it.

mod bidi;
mod encoded;
mod escape;
mod fold;
mod folded;
mod gloss;
mod rewrite;
mod slots;
mod squeezed;
mod table;
mod transforms;

pub use folded::{Class, FoldedText, Numeral, Symbol, SymbolRange};
pub use rewrite::Edit;
pub use slots::{Hint, HintKind, Slot, SlotData, SlotDataError, SlotFinder, SlotKind};
pub use squeezed::Squeezed;
pub use table::{FoldTable, TableError};
pub use transforms::Transforms;

pub(crate) use table::classify as class_of;
