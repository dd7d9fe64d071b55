//! Folded text → the stream of characters that near-duplicates share.
//!
//! The fold pass has undone width, case, traditional script, styles and invisible characters. Here go blanks, punctuation
//! and emoji, names behind `@`, tags between `#`, emoticons in brackets, and the tail of a repost; contacts and numbers
//! leave one mark. The stream is a fixed point: read again, it stays as it is.

use std::ops::Range;
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
const ATTRIBUTIONS: [&str; 6] = ["转发自", "转自", "转发微博", "repost", "via@", "via @"];

/// The stream of one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) text: String,
    pub(super) chars: Vec<char>,
    /// The symbol of each character; of a mark, the first.
    pub(super) symbols: Vec<u32>,
    pub(super) is_repost: bool,
    /// The symbol at which another's words begin; beyond the end for none.
    pub(super) quote: usize,
}

impl Stream {
    /// Reads a text whose slots stand in the order of the text. O(symbols); no allocation once the buffers have grown.
    pub(super) fn read(&mut self, folded: &FoldedText, slots: &[Slot]) {
        let tail = memchr::memmem::find(folded.plain().as_bytes(), b"//@");
        let end = tail.map_or(usize::MAX, |byte| {
            folded.symbols().partition_point(|symbol| (symbol.plain_start as usize) < byte)
        });
        self.is_repost = tail.is_some();
        self.quote = end;
        self.read_until(folded, slots, end, true);
        let mut last = end;
        if tail.is_some() && self.chars.len() < HEAD_CHARS_MIN {
            last = usize::MAX;
            self.read_until(folded, slots, last, true);
        }
        if self.chars.len() * KEPT_SHARE < dense_chars(folded, last) {
            let wrapped = self.chars.len();
            self.read_until(folded, slots, last, false);
            // Marks are short for what they replace: only text that stood in names and tags counts.
            if wrapped * KEPT_SHARE >= self.chars.len() {
                self.read_until(folded, slots, last, true);
            }
        }
    }

    fn read_until(&mut self, folded: &FoldedText, slots: &[Slot], end: usize, strips: bool) {
        self.text.clear();
        self.chars.clear();
        self.symbols.clear();
        let end = end.min(folded.symbols().len());
        self.chars.reserve(end);
        self.symbols.reserve(end);
        let mut walk = Walk { folded, chars: folded.plain().chars(), index: 0 };
        let mut slots = slots.iter();
        let mut slot = slots.next();
        // Where the stretch of kept characters began that is still to be copied.
        let mut kept_from = 0;
        while walk.index < end {
            let (place, byte) = (walk.index, walk.byte());
            while slot.is_some_and(|slot| slot.range.end as usize <= place) {
                slot = slots.next();
            }
            let is_slot = slot.is_some_and(|slot| slot.range.start as usize <= place);
            let class = walk.class();
            if class.is_dense() && class != Class::Digit && !is_slot {
                let Some(c) = walk.chars.next() else { break };
                walk.index += 1;
                if matches!(c, '转' | 'r' | 'v') && !self.is_repost {
                    self.is_repost = is_attribution(&folded.plain()[byte..]);
                }
                self.keep(c, place);
                continue;
            }
            self.copy(folded, kept_from..byte);
            let length = match slot {
                Some(slot) if is_slot => {
                    self.mark(place);
                    slot.range.end as usize - place
                }
                _ if class == Class::Digit => {
                    self.mark(place);
                    1
                }
                _ if class == Class::Blank || !strips => 1,
                _ => walk.aside(),
            };
            walk.skip(length);
            kept_from = walk.byte();
        }
        let stop = walk.byte().max(kept_from);
        self.copy(folded, kept_from..stop);
    }

    fn copy(&mut self, folded: &FoldedText, bytes: Range<usize>) {
        self.text.push_str(folded.plain().get(bytes).unwrap_or(""));
    }

    fn keep(&mut self, c: char, symbol: usize) {
        self.chars.push(c);
        self.symbols.push(u32::try_from(symbol).unwrap_or(u32::MAX));
    }

    /// One mark, however many numbers and contacts stand together.
    fn mark(&mut self, symbol: usize) {
        if self.chars.last() != Some(&SLOT_MARK) {
            self.keep(SLOT_MARK, symbol);
            self.text.push(SLOT_MARK);
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

fn is_attribution(rest: &str) -> bool {
    ATTRIBUTIONS.iter().any(|word| rest.starts_with(word))
}

/// Letters, digits and Han characters before a symbol.
fn dense_chars(folded: &FoldedText, end: usize) -> usize {
    if end < folded.symbols().len() {
        return folded.symbols()[..end].iter().filter(|symbol| symbol.class.is_dense()).count();
    }
    let classes = [Class::Han, Class::RareHan, Class::Latin, Class::Digit, Class::Letter];
    classes.into_iter().map(|class| folded.count(class) as usize).sum()
}

impl Walk<'_> {
    /// Where the next character begins in the plain view.
    fn byte(&self) -> usize {
        self.folded.plain().len() - self.chars.as_str().len()
    }

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

    /// Length of the name, tag or emoticon that begins here; 1 where there is only a character.
    fn aside(&self) -> usize {
        match self.chars.clone().next() {
            Some('@') => self.name(),
            Some('#') => self.enclosed('#', TAG_CHARS_MAX),
            Some('[') => self.enclosed(']', EMOTICON_CHARS_MAX),
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
