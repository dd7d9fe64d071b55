//! Text that a direction control shows from back to front.
//!
//! Behind U+202E (right-to-left override) every character is shown to the left of the one before, until U+202C ends it
//! or the paragraph does (Unicode Standard Annex 9, rule X5a). A reader sees 四件套 where 套件四 is written. The other
//! controls leave the order of Han characters and Latin letters alone.

use super::folded::{Class, FoldedText, Transforms};

/// The right-to-left override.
pub(super) const OVERRIDE: char = '\u{202E}';
const POP: char = '\u{202C}';
/// Further embeddings and overrides, which U+202C ends first.
const NESTED: [char; 3] = ['\u{202A}', '\u{202B}', '\u{202D}'];

/// The stretch at hand that is shown backward.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backward {
    /// Its first symbol.
    first: Option<usize>,
    /// How many further controls are open inside.
    nested: usize,
}

impl Backward {
    /// Notes an invisible character that stands behind the symbols of `out`.
    pub(super) fn see(&mut self, c: char, out: &mut FoldedText) {
        match (c, self.first) {
            (OVERRIDE, None) => *self = Self { first: Some(out.symbols.len()), nested: 0 },
            (POP, Some(_)) if self.nested > 0 => self.nested -= 1,
            (POP, Some(_)) => self.close(out),
            (_, Some(_)) if c == OVERRIDE || NESTED.contains(&c) => self.nested += 1,
            _ => {}
        }
    }

    /// Ends the stretch: its symbols are put into the order in which they are seen, paragraph by paragraph. O(symbols).
    pub(super) fn close(&mut self, out: &mut FoldedText) {
        let Some(first) = self.first.take() else { return };
        if out.symbols.len() < first + 2 {
            return;
        }
        let mut saved = std::mem::take(&mut out.saved_run);
        saved.clear();
        for symbol in &out.symbols[first..] {
            saved.extend(out.plain[symbol.plain_start as usize..].chars().next().map(|c| (c, *symbol)));
        }
        out.truncate(first);
        for line in saved.chunk_by(|(left, _), (right, _)| *left != '\n' && *right != '\n') {
            let (Some((_, head)), Some((_, tail))) = (line.first(), line.last()) else { continue };
            let source = head.source_start as usize..tail.source_end as usize;
            for (c, symbol) in line.iter().rev() {
                let undone = if line.len() > 1 && symbol.class != Class::Blank {
                    Transforms::BIDI | Transforms::REVERSED
                } else {
                    Transforms::empty()
                };
                out.push(*c, symbol.class, symbol.numeral, source.clone(), symbol.transforms | undone);
            }
        }
        out.saved_run = saved;
    }
}
