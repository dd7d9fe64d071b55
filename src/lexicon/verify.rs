//! Whether a raw hit stands: gaps, Latin boundaries, word boundaries.

use std::ops::Range;

use crate::segment::Segmenter;
use crate::text::{Class, FoldedText, SymbolRange};

/// Longest run of blanks and symbols between two characters of a hit, in symbols.
pub(super) const GAP_SYMBOLS_MAX: u32 = 8;
/// The same where all characters of a hit stand apart, its neighbours too, and there are only blanks between them.
const GAP_BLANKS_MAX: u32 = 64;
/// Dense characters that are tokenised ahead of and behind a hit.
const WINDOW_CHARS: usize = 8;

/// Whether the symbols that a dense hit skipped are separators put between its characters, rather than the ordinary
/// punctuation between two clauses.
///
/// A gap with clause punctuation counts only when the hit is separated throughout, and, for hits of two characters,
/// when its surroundings are as well (`加。微。信`). A wide gap holds only blanks, and counts only when the hit, of three characters or more, and its
/// surroundings are separated. No hit crosses the border of a field.
pub(super) fn gaps_are_allowed(text: &FoldedText, range: SymbolRange, dense_chars: u32) -> bool {
    let symbols = text.symbols();
    if range.len() == dense_chars {
        return true;
    }
    let (mut gap, mut joints, mut has_clause, mut previous_is_dense) = (0, 0, false, false);
    let (mut is_latin, mut is_wide, mut is_blank) = (true, false, true);
    for symbol in &symbols[range.indexes()] {
        if symbol.class.is_dense() {
            is_latin &= matches!(symbol.class, Class::Latin | Class::Digit);
            (gap, previous_is_dense) = (0, true);
            continue;
        }
        joints += u32::from(previous_is_dense);
        previous_is_dense = false;
        gap += 1;
        has_clause |= symbol.class == Class::Clause;
        is_blank &= symbol.class == Class::Blank;
        is_wide |= gap > GAP_SYMBOLS_MAX;
        if gap > GAP_BLANKS_MAX || (is_wide && !is_blank) {
            return false;
        }
    }
    let uniform = joints + 1 == dense_chars;
    if is_latin && !uniform {
        return false;
    }
    if !has_clause && !is_wide {
        return true;
    }
    let separated =
        |index: Option<usize>| index.and_then(|i| symbols.get(i)).is_none_or(|s| !s.class.is_dense());
    let outside = separated((range.start as usize).checked_sub(1)) && separated(Some(range.end as usize));
    if is_wide {
        // The headings of two columns stand as far apart.
        return uniform && dense_chars >= 3 && outside;
    }
    uniform && (dense_chars >= 3 || outside) && text.field_of(range.start) == text.field_of(range.end - 1)
}

/// Whether the view of patterns shows a range without a gap: only blanks are in it, all of them beside Han characters.
pub(super) fn reads_without_blanks(text: &FoldedText, range: SymbolRange) -> bool {
    let symbols = &text.symbols()[range.indexes()];
    let mut behind_han = false;
    symbols.iter().enumerate().all(|(index, symbol)| {
        if symbol.class != Class::Blank {
            behind_han = symbol.class.is_han();
            return symbol.class.is_dense();
        }
        let next = symbols[index..].iter().find(|s| s.class != Class::Blank);
        behind_han || next.is_some_and(|s| s.class.is_han())
    })
}

/// Whether a range has separators between all of its dense characters or between none.
pub(super) fn is_uniform(text: &FoldedText, range: SymbolRange, dense_chars: u32) -> bool {
    let symbols = &text.symbols()[range.indexes()];
    let joints =
        symbols.windows(2).filter(|pair| pair[0].class.is_dense() && !pair[1].class.is_dense()).count();
    joints == 0 || joints + 1 == dense_chars as usize
}

/// Whether no clause ends inside a range and no run of separators in it is long.
pub(super) fn is_one_clause(text: &FoldedText, range: SymbolRange) -> bool {
    let mut gap = 0;
    text.symbols()[range.indexes()].iter().all(|symbol| {
        gap = if symbol.class.is_dense() { 0 } else { gap + 1 };
        symbol.class != Class::Clause && gap <= GAP_SYMBOLS_MAX
    })
}

/// Fewest characters of a hit that may be split between two fields.
const SPLIT_CHARS_MIN: u32 = 3;

/// Whether a hit is split between two fields and nothing but the border is inside it: a name that ends with the first
/// half of a term, a biography that begins with the second.
pub(super) fn is_split_between_fields(text: &FoldedText, range: SymbolRange, dense_chars: u32) -> bool {
    let (first, last) = (text.field_of(range.start), text.field_of(range.end - 1));
    dense_chars >= SPLIT_CHARS_MIN && range.len() == dense_chars + u32::from(last - first) && last > first
}

/// Whether no Latin letter or digit touches the hit where it begins or ends with one.
pub(super) fn is_latin_word(text: &FoldedText, range: SymbolRange) -> bool {
    let symbols = text.symbols();
    let alphanumeric =
        |index: usize| symbols.get(index).is_some_and(|s| matches!(s.class, Class::Latin | Class::Digit));
    let (first, last) = (range.start as usize, range.end as usize - 1);
    let joined_before = alphanumeric(first) && first > 0 && alphanumeric(first - 1);
    let joined_behind = alphanumeric(last) && alphanumeric(last + 1);
    !joined_before && !joined_behind
}

/// The last tokenised window, kept because hits come in clusters.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Range<usize>,
    /// Word starts inside the window, relative to its start.
    boundaries: Vec<u32>,
    is_known: bool,
}

impl Window {
    /// Forgets the window of the item before.
    pub(super) fn clear(&mut self) {
        self.is_known = false;
    }

    /// Whether a range of dense characters begins and ends on word boundaries.
    pub(super) fn is_word(&mut self, text: &FoldedText, segmenter: &Segmenter, first: u32, end: u32) -> bool {
        let (window, start) = text.dense_window(first as usize..end as usize, WINDOW_CHARS, WINDOW_CHARS);
        let bytes = text.dense_byte(first)..text.dense_byte(end);
        let window_bytes = start..start + window.len();
        if !self.is_known || self.bytes != window_bytes {
            segmenter.boundaries_into(window, &mut self.boundaries);
            self.bytes = window_bytes;
            self.is_known = true;
        }
        let is_boundary = |byte: usize| {
            u32::try_from(byte - start).is_ok_and(|offset| self.boundaries.binary_search(&offset).is_ok())
        };
        is_boundary(bytes.start) && is_boundary(bytes.end)
    }
}
