//! The plain view without the blanks beside Han characters, where Chinese writing has none: the view of patterns and
//! of distances. `日 入 三 千` reads as `日入三千`, while `wx abc` keeps its blank.

use std::ops::Range;

use super::folded::{Class, FoldedText, SymbolRange, as_u32};

/// A reused buffer; equals the plain view, without a copy, for texts that have no such blanks.
#[derive(Debug, Default)]
pub struct Squeezed {
    text: String,
    /// Byte in `text` and symbol of each kept character.
    starts: Vec<(u32, u32)>,
    /// Per symbol, the number of kept characters before it.
    places: Vec<u32>,
    /// Bytes of each field in the view.
    fields: Vec<Range<usize>>,
    is_plain: bool,
}

impl Squeezed {
    /// Makes the view of a text. O(symbols).
    pub fn fill(&mut self, folded: &FoldedText) {
        self.is_plain = folded.count(Class::Blank) == 0;
        if !self.is_plain {
            self.squeeze(folded);
        }
        self.fields.clear();
        for field in folded.fields() {
            self.fields.push(self.byte(folded, field.start)..self.byte(folded, field.end));
        }
    }

    fn squeeze(&mut self, folded: &FoldedText) {
        self.text.clear();
        self.starts.clear();
        self.places.clear();
        let symbols = folded.symbols();
        let mut behind_han = false;
        // The first symbol behind the run of blanks at hand.
        let mut run_end = 0;
        for (index, (symbol, c)) in symbols.iter().zip(folded.plain().chars()).enumerate() {
            self.places.push(as_u32(self.starts.len()));
            if symbol.class == Class::Blank {
                if run_end <= index {
                    run_end = index + symbols[index..].iter().take_while(|s| s.class == Class::Blank).count();
                }
                if behind_han || symbols.get(run_end).is_some_and(|s| s.class.is_han()) {
                    continue;
                }
            } else {
                behind_han = symbol.class.is_han();
            }
            self.starts.push((as_u32(self.text.len()), as_u32(index)));
            self.text.push(c);
        }
    }

    /// The text of the view.
    pub fn text<'t>(&'t self, folded: &'t FoldedText) -> &'t str {
        if self.is_plain { folded.plain() } else { &self.text }
    }

    /// Bytes of each field in the view; the line break between two fields belongs to neither.
    pub fn fields(&self) -> &[Range<usize>] {
        &self.fields
    }

    /// Where a symbol, or the next one that is kept, begins.
    fn byte(&self, folded: &FoldedText, symbol: u32) -> usize {
        if self.is_plain {
            return folded.plain_byte(symbol);
        }
        let place = self.places.get(symbol as usize).map_or(self.starts.len(), |place| *place as usize);
        self.starts.get(place).map_or(self.text.len(), |(byte, _)| *byte as usize)
    }

    /// The symbols of a non-empty byte range of the view. O(log n).
    pub fn symbols(&self, folded: &FoldedText, bytes: Range<usize>) -> SymbolRange {
        if self.is_plain {
            return folded.from_plain(bytes);
        }
        let index = |byte: usize| self.starts.partition_point(|(start, _)| (*start as usize) < byte);
        let symbol = |index: usize| self.starts.get(index).map_or(0, |(_, symbol)| *symbol);
        SymbolRange { start: symbol(index(bytes.start)), end: symbol(index(bytes.end).saturating_sub(1)) + 1 }
    }

    /// Length of a stretch of symbols in characters of the view.
    pub fn distance(&self, start: u32, end: u32) -> u32 {
        if self.is_plain {
            return end - start;
        }
        let place =
            |symbol: u32| self.places.get(symbol as usize).copied().unwrap_or(as_u32(self.starts.len()));
        place(end) - place(start)
    }
}
