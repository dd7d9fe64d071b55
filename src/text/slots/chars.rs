//! Random access to the folded characters.

use crate::text::folded::{Class, FoldedText, as_u32};

/// A folded text, by character.
#[derive(Clone, Copy)]
pub(super) struct Chars<'t> {
    pub(super) text: &'t FoldedText,
}

impl Chars<'_> {
    /// The character at an index, a line break behind the end.
    pub(super) fn at(self, index: usize) -> char {
        self.text.char_at(as_u32(index)).unwrap_or('\n')
    }

    /// The kind of the character at an index; behind the end, that of a line break.
    pub(super) fn class(self, index: usize) -> Class {
        self.text.symbols().get(index).map_or(Class::Clause, |s| s.class)
    }

    /// The digit that the character stands for.
    pub(super) fn numeral(self, index: usize) -> Option<u8> {
        self.text.symbols().get(index)?.numeral.value()
    }

    /// Whether the character is a numeral written as a word: `八`, `幺`.
    pub(super) fn is_written(self, index: usize) -> bool {
        self.text.symbols().get(index).is_some_and(|s| s.numeral.is_written())
    }

    /// Whether the text or a field of it ends here.
    pub(super) fn is_border(self, index: usize) -> bool {
        self.text.symbols().get(index).is_none_or(|s| s.source_end == 0)
    }

    /// Blanks, symbols, emoji and punctuation inside a clause.
    pub(super) fn is_separator(self, index: usize) -> bool {
        matches!(self.class(index), Class::Blank | Class::Noise)
    }

    /// Whether a host label may hold the character.
    pub(super) fn is_host(self, index: usize) -> bool {
        matches!(self.class(index), Class::Latin | Class::Digit) || self.at(index) == '-'
    }

    /// Whether the character stands for a digit or is a Latin letter.
    pub(super) fn is_code(self, index: usize) -> bool {
        self.class(index) == Class::Latin || self.numeral(index).is_some()
    }

    /// Whether a date with separators begins at an index: `2024-11-21`, `1998.6.5`.
    pub(super) fn is_date(self, index: usize) -> bool {
        let number = |from: usize, len: usize| {
            (from..from + len).try_fold(0, |value, at| Some(value * 10 + u32::from(self.numeral(at)?)))
        };
        // One or two digits, and the place behind them.
        let short = |from: usize| {
            let len = 1 + usize::from(self.numeral(from + 1).is_some());
            number(from, len).map(|value| (value, from + len))
        };
        let is_sign = |at: usize| matches!(self.at(at), '-' | '/' | '.' | '年' | '月');
        let day =
            |from: usize| short(from).is_some_and(|(day, end)| day <= 31 && self.numeral(end).is_none());
        number(index, 4).is_some_and(|year| (1900..2100).contains(&year))
            && is_sign(index + 4)
            && short(index + 5).is_some_and(|(month, end)| month <= 12 && is_sign(end) && day(end + 1))
    }

    /// Length of a count of places at an index: `四位`, `3位`, `四个数`; and the count.
    pub(super) fn count(self, index: usize) -> Option<(u8, usize)> {
        let value = self.numeral(index)?;
        match self.at(index + 1) {
            '位' => Some((value, 2)),
            '个' if matches!(self.at(index + 2), '数' | '字') => Some((value, 3)),
            _ => None,
        }
    }
}

/// A short piece of ASCII on the stack: what is read may turn out to be no contact.
#[derive(Clone, Copy)]
pub(super) struct Buffer {
    bytes: [u8; Self::BYTES_MAX],
    len: usize,
}

impl Buffer {
    /// Longest piece.
    pub(super) const BYTES_MAX: usize = 40;

    pub(super) const fn new() -> Self {
        Self { bytes: [0; Self::BYTES_MAX], len: 0 }
    }

    /// Appends a character; returns false when it is not ASCII or there is no room.
    pub(super) fn push(&mut self, c: char) -> bool {
        let (Ok(byte), true) = (u8::try_from(c), self.len < Self::BYTES_MAX && c.is_ascii()) else {
            return false;
        };
        self.bytes[self.len] = byte;
        self.len += 1;
        true
    }

    /// Appends a digit.
    pub(super) fn push_digit(&mut self, value: u8) -> bool {
        self.push(char::from(b'0' + value % 10))
    }

    pub(super) fn extend(&mut self, text: &str) -> bool {
        text.chars().all(|c| self.push(c))
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// The characters; all are ASCII.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }

    /// Without the characters of a range.
    pub(super) fn without(&self, range: std::ops::Range<usize>) -> Self {
        let mut out = Self::new();
        for (_, byte) in self.bytes().iter().enumerate().filter(|(place, _)| !range.contains(place)) {
            out.push(char::from(*byte));
        }
        out
    }
}
