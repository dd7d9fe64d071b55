//! A folded text with some stretches in other words.

use super::folded::{FoldedText, SymbolRange, Transforms};
use super::table::FoldTable;

/// A stretch of symbols that means something else than it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit<'w> {
    /// What is replaced; not empty, inside one field.
    pub range: SymbolRange,
    /// What it means, in folded characters.
    pub text: &'w [char],
    /// What was undone.
    pub transforms: Transforms,
}

impl FoldedText {
    /// Fills `out` with this text after edits, which stand in order and do not overlap. O(symbols).
    ///
    /// A character that an edit leaves as it is keeps its place; the others lead back to the whole stretch.
    pub fn rewrite_into<'w>(&self, table: &FoldTable, edits: impl Iterator<Item = Edit<'w>>, out: &mut Self) {
        out.clear();
        let mut edits = edits.peekable();
        let mut field_ends = self.fields().map(|field| field.end);
        let mut field_end = field_ends.next().unwrap_or(0);
        out.begin_field();
        let mut index = 0;
        while let Some(symbol) = self.symbols().get(index as usize) {
            if index == field_end {
                // The line break between two fields.
                out.begin_field();
                field_end = field_ends.next().unwrap_or(u32::MAX);
                index += 1;
                continue;
            }
            match edits.next_if(|edit| edit.range.start <= index) {
                Some(edit) => {
                    self.write_edit(table, &edit, out);
                    index = edit.range.end.max(index + 1);
                }
                None => {
                    let c = self.char_at(index).unwrap_or('\u{FFFD}');
                    let source = symbol.source_start as usize..symbol.source_end as usize;
                    out.push(c, symbol.class, symbol.numeral, source, symbol.transforms);
                    index += 1;
                }
            }
        }
        while out.field_count() < self.field_count() {
            out.begin_field();
        }
    }

    fn write_edit(&self, table: &FoldTable, edit: &Edit<'_>, out: &mut Self) {
        let symbols = self.symbols().get(edit.range.indexes()).unwrap_or(&[]);
        let (Some(first), Some(last)) = (symbols.first(), symbols.last()) else { return };
        let is_aligned = symbols.len() == edit.text.len();
        for (offset, c) in edit.text.iter().enumerate() {
            let entry = table.entry(*c);
            let own = symbols.get(offset).filter(|_| is_aligned);
            let is_kept =
                is_aligned && self.char_at(edit.range.start + super::folded::as_u32(offset)) == Some(*c);
            let undone = if is_kept { Transforms::empty() } else { edit.transforms };
            let (source, before) = match own {
                Some(own) => (own.source_start as usize..own.source_end as usize, own.transforms),
                None => (first.source_start as usize..last.source_end as usize, Transforms::empty()),
            };
            out.push(entry.target(), entry.class(), table.numeral(entry), source, before | undone);
        }
    }
}
