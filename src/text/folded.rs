//! The folded text and the way back to the original bytes.

use std::ops::Range;

pub(super) use super::transforms::Transforms;
use crate::model::ByteSpan;

/// What kind of character a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// A Han character.
    Han,
    /// A Han character that ordinary writing does not use, neither in the standard language nor in dialects.
    RareHan,
    /// `a`–`z`.
    Latin,
    /// `0`–`9`.
    Digit,
    /// Any other letter or number.
    Letter,
    /// White space inside a line.
    Blank,
    /// Punctuation that ends a clause, line breaks, and the border between two fields.
    Clause,
    /// Other punctuation, symbols, emoji.
    Noise,
}

impl Class {
    /// Whether the dense view keeps it.
    #[inline]
    pub fn is_dense(self) -> bool {
        (self as u8) <= Self::Letter as u8
    }

    /// Whether it is a Han character, rare or not.
    pub fn is_han(self) -> bool {
        matches!(self, Self::Han | Self::RareHan)
    }

    pub(super) fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Han,
            1 => Self::RareHan,
            2 => Self::Latin,
            3 => Self::Digit,
            4 => Self::Letter,
            5 => Self::Blank,
            6 => Self::Clause,
            _ => Self::Noise,
        }
    }
}

/// One character of the plain view and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    /// The folded character.
    pub folded: char,
    /// Byte offset in the plain view.
    pub plain_start: u32,
    /// First byte in the field's original text.
    pub source_start: u32,
    /// One past the last original byte, marks and readings that belong to it included.
    pub source_end: u32,
    /// What was undone to get here.
    pub transforms: Transforms,
    /// Kind of character.
    pub class: Class,
    /// The digit that it stands for, [`Numeral::NONE`] for most.
    pub numeral: Numeral,
}

/// The reading of a character as a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numeral(u8);

impl Numeral {
    /// Not a digit in any reading.
    pub const NONE: Self = Self(u8::MAX);
    const WRITTEN: u8 = 0x10;

    /// `0`–`9`, after folding.
    pub(super) fn digit(value: u8) -> Self {
        Self(value)
    }

    /// A Chinese, financial or spoken numeral.
    pub(super) fn written(value: u8) -> Self {
        Self(value | Self::WRITTEN)
    }

    /// The value, 0–9.
    pub fn value(self) -> Option<u8> {
        (self != Self::NONE).then_some(self.0 & 0xF)
    }

    /// Whether it is a word rather than a digit.
    pub fn is_written(self) -> bool {
        self != Self::NONE && self.0 & Self::WRITTEN != 0
    }
}

/// A half-open range of symbols, that is, of characters of the plain view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolRange {
    /// First symbol.
    pub start: u32,
    /// One past the last symbol.
    pub end: u32,
}

impl SymbolRange {
    /// Whether the whole of `other` lies inside, at either border too.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Number of symbols.
    pub fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(crate) fn indexes(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One dense character: its byte in the dense view and its symbol.
#[derive(Clone, Copy, Debug)]
struct DenseStart {
    byte: u32,
    symbol: u32,
    /// The character itself, so that the views of a text are made without decoding it once more.
    folded: char,
}

/// All texts of one item, folded; a buffer that is reused from item to item.
///
/// Fields stand one behind the other with a line break of class [`Class::Clause`] between them, which no hit crosses.
/// 40 bytes per character beside the two views; no allocation once the buffers have grown.
#[derive(Debug, Default)]
pub struct FoldedText {
    pub(super) plain: String,
    dense: String,
    pub(super) symbols: Vec<Symbol>,
    dense_starts: Vec<DenseStart>,
    /// First symbol of each field.
    field_starts: Vec<u32>,
    counts: [u32; 8],
    numerals: u32,
    pub(super) saved_run: Vec<(char, Symbol)>,
}

impl FoldedText {
    /// Empties the buffers and keeps their memory.
    pub fn clear(&mut self) {
        self.plain.clear();
        self.dense.clear();
        self.symbols.clear();
        self.dense_starts.clear();
        self.field_starts.clear();
        self.counts = [0; 8];
        self.numerals = 0;
    }

    /// The folded text with everything kept.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// The folded text without blanks, punctuation, symbols and emoji.
    pub fn dense(&self) -> &str {
        &self.dense
    }

    /// The characters of the dense view. No decoding: a load each.
    pub fn dense_chars(&self) -> impl ExactSizeIterator<Item = char> + Clone + '_ {
        self.dense_starts.iter().map(|dense| dense.folded)
    }

    /// The characters of the plain view.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// How many symbols of a class there are.
    pub fn count(&self, class: Class) -> u32 {
        self.counts[class as usize]
    }

    /// How many symbols can be read as a digit, counting Chinese and spoken numerals.
    pub fn numerals(&self) -> u32 {
        self.numerals
    }

    /// The folded character of a symbol.
    #[inline]
    pub fn char_at(&self, symbol: u32) -> Option<char> {
        self.symbols.get(symbol as usize).map(|symbol| symbol.folded)
    }

    /// The plain text of a range.
    pub fn plain_of(&self, range: SymbolRange) -> &str {
        let start = self.plain_byte(range.start);
        self.plain.get(start..self.plain_byte(range.end)).unwrap_or("")
    }

    pub(super) fn plain_byte(&self, symbol: u32) -> usize {
        self.symbols.get(symbol as usize).map_or(self.plain.len(), |s| s.plain_start as usize)
    }

    /// The symbols of a byte range of the plain view. O(log n).
    pub fn from_plain(&self, bytes: Range<usize>) -> SymbolRange {
        let index = |byte: usize| as_u32(self.symbols.partition_point(|s| (s.plain_start as usize) < byte));
        SymbolRange { start: index(bytes.start), end: index(bytes.end) }
    }

    /// The symbols from the first to the last of a non-empty range of dense characters. O(1).
    pub fn from_dense(&self, first: u32, end: u32) -> SymbolRange {
        let symbol = |index: u32| self.dense_starts.get(index as usize).map_or(0, |d| d.symbol);
        SymbolRange { start: symbol(first), end: symbol(end.saturating_sub(1)) + 1 }
    }

    /// A dense character. O(1).
    pub fn dense_char(&self, index: u32) -> Option<char> {
        self.dense_starts.get(index as usize).map(|dense| dense.folded)
    }

    /// Byte offset of a dense character in the dense view; the length of the view behind the last.
    pub fn dense_byte(&self, index: u32) -> usize {
        self.dense_starts.get(index as usize).map_or(self.dense.len(), |d| d.byte as usize)
    }

    /// The dense text from `before` characters ahead of a range of dense characters to `after` characters behind it,
    /// and the byte offset where that window starts. It does not reach across clause borders outside the range.
    pub fn dense_window(&self, range: Range<usize>, before: usize, after: usize) -> (&str, usize) {
        let Range { start: first, end } = range;
        let mut start = first;
        while start > 0 && first - start < before && !self.clause_between(start - 1, start) {
            start -= 1;
        }
        let mut stop = end;
        while stop > 0
            && stop < self.dense_starts.len()
            && stop - end < after
            && !self.clause_between(stop - 1, stop)
        {
            stop += 1;
        }
        let byte = |index: usize| self.dense_starts.get(index).map_or(self.dense.len(), |d| d.byte as usize);
        (self.dense.get(byte(start)..byte(stop)).unwrap_or(""), byte(start))
    }

    /// Whether clause punctuation or a field border stands between two neighbouring dense characters.
    fn clause_between(&self, left: usize, right: usize) -> bool {
        let (from, to) =
            (self.dense_starts[left].symbol as usize + 1, self.dense_starts[right].symbol as usize);
        self.symbols[from..to].iter().any(|s| s.class == Class::Clause)
    }

    /// The symbols of each field, without the line break between two fields.
    pub fn fields(&self) -> impl Iterator<Item = SymbolRange> {
        let ends = self.field_starts.iter().skip(1).map(|start| start - 1);
        let starts = self.field_starts.iter().copied();
        starts.zip(ends.chain([as_u32(self.symbols.len())])).map(|(start, end)| SymbolRange { start, end })
    }

    /// Number of fields.
    pub(super) fn field_count(&self) -> usize {
        self.field_starts.len()
    }

    /// Index of the field that a symbol belongs to.
    pub fn field_of(&self, symbol: u32) -> u16 {
        let field = self.field_starts.partition_point(|start| *start <= symbol).saturating_sub(1);
        u16::try_from(field).unwrap_or(u16::MAX)
    }

    /// The parts of a range that lie in each field, without the borders between them.
    pub fn parts_of(&self, range: SymbolRange) -> impl Iterator<Item = SymbolRange> {
        let (first, last) = (self.field_of(range.start), self.field_of(range.end.saturating_sub(1)));
        let fields = self.fields().skip(usize::from(first)).take(usize::from(last - first) + 1);
        let parts = fields.map(move |field| SymbolRange {
            start: range.start.max(field.start),
            end: range.end.min(field.end),
        });
        parts.filter(|part| part.start < part.end)
    }

    /// The original bytes of a non-empty range of symbols of one field.
    pub fn source_span(&self, range: SymbolRange) -> ByteSpan {
        let field = self.field_of(range.start);
        let symbols = self.symbols.get(range.indexes()).unwrap_or(&[]);
        let (start, end) = match (symbols.first(), symbols.last()) {
            (Some(first), Some(last)) => (first.source_start, last.source_end),
            _ => (0, 0),
        };
        ByteSpan { field, start, end }
    }

    /// Everything that was undone inside a range: all that its symbols carry, what was dropped between them, and the
    /// blanks and noise that a dense match skips.
    pub fn transforms_of(&self, range: SymbolRange, skips_noise: bool) -> Transforms {
        let mut all = Transforms::empty();
        for (index, symbol) in self.symbols.get(range.indexes()).unwrap_or(&[]).iter().enumerate() {
            if skips_noise && !symbol.class.is_dense() {
                all |= if symbol.class == Class::Blank {
                    Transforms::DROP_BLANK
                } else {
                    Transforms::DROP_NOISE
                };
                continue;
            }
            // What was dropped in front of the first character is outside of the match.
            let outside = Transforms::INVISIBLE | Transforms::BIDI;
            all |= if index == 0 { symbol.transforms - outside } else { symbol.transforms };
        }
        all
    }

    /// What was undone at each character of a range, one set per character that has any, and one per gap that a dense
    /// match skips.
    pub fn transforms_in(&self, range: SymbolRange, skips_noise: bool) -> impl Iterator<Item = Transforms> {
        let symbols = self.symbols.get(range.indexes()).unwrap_or(&[]);
        let outside = Transforms::INVISIBLE | Transforms::BIDI;
        symbols.iter().enumerate().filter_map(move |(index, symbol)| {
            if skips_noise && !symbol.class.is_dense() {
                let opens_gap = index > 0 && symbols[index - 1].class.is_dense();
                let is_noise = symbols[index..]
                    .iter()
                    .take_while(|s| !s.class.is_dense())
                    .any(|s| s.class != Class::Blank);
                let gap = if is_noise { Transforms::DROP_NOISE } else { Transforms::DROP_BLANK };
                return opens_gap.then_some(gap);
            }
            let own = if index == 0 { symbol.transforms - outside } else { symbol.transforms };
            (!own.is_empty()).then_some(own)
        })
    }

    /// Marks the border between two fields, or the start of the first.
    pub(super) fn begin_field(&mut self) {
        if !self.field_starts.is_empty() {
            self.push('\n', Class::Clause, Numeral::NONE, 0..0, Transforms::empty());
        }
        self.field_starts.push(as_u32(self.symbols.len()));
    }

    /// Appends one folded character to both views.
    #[inline]
    pub(super) fn push(
        &mut self,
        c: char,
        class: Class,
        numeral: Numeral,
        source: Range<usize>,
        transforms: Transforms,
    ) {
        let symbol = as_u32(self.symbols.len());
        self.symbols.push(Symbol {
            folded: c,
            plain_start: as_u32(self.plain.len()),
            source_start: as_u32(source.start),
            source_end: as_u32(source.end),
            transforms,
            class,
            numeral,
        });
        self.numerals += u32::from(numeral != Numeral::NONE);
        self.plain.push(c);
        self.counts[class as usize] += 1;
        if class.is_dense() {
            self.dense_starts.push(DenseStart { byte: as_u32(self.dense.len()), symbol, folded: c });
            self.dense.push(c);
        }
    }

    /// Takes back every symbol from `first` on.
    pub(super) fn truncate(&mut self, first: usize) {
        let Some(symbol) = self.symbols.get(first) else { return };
        self.plain.truncate(symbol.plain_start as usize);
        for symbol in &self.symbols[first..] {
            self.counts[symbol.class as usize] -= 1;
            self.numerals -= u32::from(symbol.numeral != Numeral::NONE);
        }
        self.symbols.truncate(first);
        let kept = self.dense_starts.partition_point(|d| (d.symbol as usize) < first);
        if let Some(dense) = self.dense_starts.get(kept) {
            self.dense.truncate(dense.byte as usize);
        }
        self.dense_starts.truncate(kept);
    }

    /// Index of the first symbol of the last field.
    pub(super) fn field_start(&self) -> usize {
        self.field_starts.last().map_or(0, |start| *start as usize)
    }
}

/// Text is bounded far below 4 GiB before it gets here; a larger offset saturates.
#[inline]
pub(super) fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
