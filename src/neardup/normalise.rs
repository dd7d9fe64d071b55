//! Folded text → the stream of characters that near-duplicates share.
//!
//! The fold pass has undone width, case, traditional script, styles and invisible characters. Here go blanks, punctuation
//! and emoji, names behind `@`, tags between `#`, emoticons in brackets, and the tail of a repost; contacts and numbers
//! leave one mark. The stream is a fixed point: read again, it stays as it is.

use std::str::Chars;

use crate::text::{Class, FoldedText, Slot};

/// What stands in the stream for a contact or a number. A digit, since no other is left, so that the stream is text that
/// reads as itself.
pub const SLOT_MARK: char = '0';

/// Longest name behind `@`, in characters; longer ones are text.
const NAME_CHARS_MAX: usize = 30;
/// Longest tag between two `#`.
const TAG_CHARS_MAX: usize = 32;
/// Longest emoticon between brackets.
const EMOTICON_CHARS_MAX: usize = 6;
/// The head of a repost with fewer characters is not its own text: the tail is read too.
const HEAD_CHARS_MIN: usize = 2;
/// Names and tags are read as text where they leave less than one in so many characters, so that nobody hides a text in
/// them.
const KEPT_SHARE: usize = 4;
/// What says that a text is somebody else's, besides `//@`.
const ATTRIBUTIONS: [&str; 5] = ["转发自", "转自", "转发微博", "repost", "via@"];
const VIA: &str = "via @";

/// The stream of one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) text: String,
    pub(super) chars: Vec<char>,
    /// The symbol of each character; of a mark, the first.
    pub(super) symbols: Vec<u32>,
    pub(super) is_repost: bool,
}

impl Stream {
    /// Reads a text whose slots stand in the order of the text. O(symbols); no allocation once the buffers have grown.
    pub(super) fn read(&mut self, folded: &FoldedText, slots: &[Slot]) {
        let tail = folded.plain().find("//@");
        let end = tail.map_or(usize::MAX, |byte| {
            folded.symbols().partition_point(|symbol| (symbol.plain_start as usize) < byte)
        });
        self.is_repost = tail.is_some();
        self.read_until(folded, slots, end, true);
        let mut last = end;
        if tail.is_some() && self.chars.len() < HEAD_CHARS_MIN {
            last = usize::MAX;
            self.read_until(folded, slots, last, true);
        }
        let dense = folded.symbols().iter().take(last).filter(|symbol| symbol.class.is_dense()).count();
        if self.chars.len() * KEPT_SHARE < dense {
            let wrapped = self.chars.len();
            self.read_until(folded, slots, last, false);
            // Marks are short for what they replace: only text that stood in names and tags counts.
            if wrapped * KEPT_SHARE >= self.chars.len() {
                self.read_until(folded, slots, last, true);
            }
        }
        self.text.clear();
        self.text.extend(&self.chars);
    }

    fn read_until(&mut self, folded: &FoldedText, slots: &[Slot], end: usize, strips: bool) {
        self.chars.clear();
        self.symbols.clear();
        let mut walk = Walk { folded, chars: folded.plain().chars(), index: 0 };
        let mut slots = slots.iter().peekable();
        while walk.index < end {
            let Some(c) = walk.chars.clone().next() else { break };
            let place = walk.index;
            while slots.next_if(|slot| (slot.range.end as usize) <= place).is_some() {}
            if let Some(slot) = slots.peek().filter(|slot| slot.range.start as usize <= place) {
                self.mark(place);
                walk.skip(slot.range.end as usize - place);
                continue;
            }
            match walk.class() {
                Class::Han | Class::RareHan | Class::Latin | Class::Letter => {
                    if matches!(c, '转' | 'r' | 'v') && walk.is_attribution() {
                        self.is_repost = true;
                    }
                    self.keep(c, place);
                    walk.skip(1);
                }
                Class::Digit => {
                    self.mark(place);
                    walk.skip(1);
                }
                Class::Blank => walk.skip(1),
                Class::Clause | Class::Noise => {
                    let length = if strips { walk.aside(c) } else { 1 };
                    walk.skip(length);
                }
            }
        }
    }

    fn keep(&mut self, c: char, symbol: usize) {
        self.chars.push(c);
        self.symbols.push(u32::try_from(symbol).unwrap_or(u32::MAX));
    }

    /// One mark, however many numbers and contacts stand together.
    fn mark(&mut self, symbol: usize) {
        if self.chars.last() != Some(&SLOT_MARK) {
            self.keep(SLOT_MARK, symbol);
        }
    }
}

/// A place in the plain view.
struct Walk<'t> {
    folded: &'t FoldedText,
    chars: Chars<'t>,
    /// The symbol of the next character.
    index: usize,
}

impl Walk<'_> {
    fn class(&self) -> Class {
        self.class_at(self.index)
    }

    fn class_at(&self, index: usize) -> Class {
        self.folded.symbols().get(index).map_or(Class::Noise, |symbol| symbol.class)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.chars.next();
        }
        self.index += count;
    }

    fn is_attribution(&self) -> bool {
        let rest = self.chars.as_str();
        ATTRIBUTIONS.iter().any(|word| rest.starts_with(word)) || rest.starts_with(VIA)
    }

    /// Length of the name, tag or emoticon that begins here with `c`; 1 where it is only a character.
    fn aside(&self, c: char) -> usize {
        match c {
            '@' => self.name(),
            '#' => self.enclosed('#', TAG_CHARS_MAX),
            '[' => self.enclosed(']', EMOTICON_CHARS_MAX),
            _ => 1,
        }
    }

    /// `@` and the letters, digits and strokes behind it.
    fn name(&self) -> usize {
        let rest = self.chars.as_str().chars().skip(1).take(NAME_CHARS_MAX + 1);
        let places = self.index + 1..;
        let length = rest
            .zip(places)
            .take_while(|(c, place)| self.class_at(*place).is_dense() || matches!(c, '_' | '-'))
            .count();
        if length > NAME_CHARS_MAX { 1 } else { 1 + length }
    }

    /// What stands up to the next `close` on the same line.
    fn enclosed(&self, close: char, chars_max: usize) -> usize {
        let rest = self.chars.as_str().chars().skip(1).take(chars_max + 1);
        for (length, c) in rest.enumerate() {
            if c == close && length > 0 {
                return length + 2;
            }
            if c == close || c == '\n' {
                break;
            }
        }
        1
    }
}
