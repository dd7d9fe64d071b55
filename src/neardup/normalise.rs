//! Folded text → the stream of characters that near-duplicates share.
//!
//! The fold pass has undone width, case, traditional script, styles and invisible characters. Here go blanks, punctuation
//! and emoji, names behind `@`, tags between `#`, emoticons in brackets, and the tail of a repost; contacts and numbers
//! leave one mark. The stream is a fixed point: read again, it stays as it is.

use std::ops::Range;

use crate::text::{Class, FoldedText, Slot, Symbol};

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
    /// Stretches of characters that stand together in the text too.
    runs: Vec<Run>,
    pub(super) is_repost: bool,
    /// The symbol at which another's words begin; beyond the end for none.
    pub(super) quote: usize,
}

/// A stretch of characters whose symbols are neighbours, or a mark.
#[derive(Clone, Copy, Debug)]
struct Run {
    first_char: u32,
    symbol: u32,
}

impl Stream {
    /// Reads a text whose slots stand in the order of the text. O(symbols); no allocation once the buffers have grown.
    pub(super) fn read(&mut self, folded: &FoldedText, slots: &[Slot]) {
        let plain = folded.plain().as_bytes();
        // A search for one byte needs no preparation.
        let tail = memchr::memchr(b'@', plain).and_then(|_| memchr::memmem::find(plain, b"//@"));
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
        self.runs.clear();
        let symbols = folded.symbols();
        let end = end.min(symbols.len());
        self.chars.reserve(end);
        let mut slots = slots.iter().peekable();
        let mut place = 0;
        while place < end {
            while slots.next_if(|slot| slot.range.end as usize <= place).is_some() {}
            let slot_start = slots.peek().map_or(end, |slot| (slot.range.start as usize).clamp(place, end));
            place += self.keep_run(folded, place..slot_start);
            if place == end {
                break;
            }
            place += match slots.peek() {
                Some(slot) if place == slot_start => {
                    self.mark(place);
                    slot.range.end as usize - place
                }
                _ => match symbols[place].class {
                    Class::Digit => {
                        self.mark(place);
                        1
                    }
                    Class::Clause | Class::Noise if strips => aside(&symbols[place..]),
                    _ => 1,
                },
            };
        }
        self.is_repost = self.is_repost || self.names_a_source(folded);
    }

    /// Keeps the letters and Han characters at the front of a range of symbols. Returns how many.
    fn keep_run(&mut self, folded: &FoldedText, range: Range<usize>) -> usize {
        let (first_char, symbol) = (self.chars.len(), range.start);
        let symbols = &folded.symbols()[range];
        let count = symbols.iter().position(|symbol| !is_kept(symbol.class)).unwrap_or(symbols.len());
        if count == 0 {
            return 0;
        }
        self.chars.extend(symbols[..count].iter().map(|symbol| symbol.folded));
        self.runs.push(Run { first_char: as_u32(first_char), symbol: as_u32(symbol) });
        let byte = |symbol: Option<&Symbol>| symbol.map_or(folded.plain().len(), |s| s.plain_start as usize);
        let bytes = byte(symbols.first())..byte(folded.symbols().get(symbol + count));
        self.text.push_str(folded.plain().get(bytes).unwrap_or(""));
        count
    }

    /// One mark, however many numbers and contacts stand together.
    fn mark(&mut self, symbol: usize) {
        if self.chars.last() != Some(&SLOT_MARK) {
            self.runs.push(Run { first_char: as_u32(self.chars.len()), symbol: as_u32(symbol) });
            self.chars.push(SLOT_MARK);
            self.text.push(SLOT_MARK);
        }
    }

    /// Whether one of the words that name a source begins at a character of the stream.
    fn names_a_source(&self, folded: &FoldedText) -> bool {
        let is_initial = |c: &char| matches!(c, '转' | 'r' | 'v');
        // Most texts have none, and a loop without a way out looks at many characters at once.
        if self.chars.iter().map(|c| u32::from(is_initial(c))).sum::<u32>() == 0 {
            return false;
        }
        let initials = self.chars.iter().enumerate().filter(|(_, c)| is_initial(c));
        let mut rests = initials.filter_map(|(place, _)| {
            let symbol = folded.symbols().get(self.symbol_of(place)? as usize)?;
            folded.plain().get(symbol.plain_start as usize..)
        });
        rests.any(|rest| ATTRIBUTIONS.iter().any(|word| rest.starts_with(word)))
    }

    /// The symbol that a character comes from; of a mark, the first.
    pub(super) fn symbol_of(&self, char_index: usize) -> Option<u32> {
        let index = as_u32(char_index);
        let behind = self.runs.partition_point(|run| run.first_char <= index);
        let run = self.runs.get(behind.checked_sub(1)?)?;
        (char_index < self.chars.len()).then_some(run.symbol + (index - run.first_char))
    }
}

fn as_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What stays in the stream as it is.
#[inline]
fn is_kept(class: Class) -> bool {
    class.is_dense() && class != Class::Digit
}

/// Letters, digits and Han characters before a symbol.
fn dense_chars(folded: &FoldedText, end: usize) -> usize {
    if end < folded.symbols().len() {
        return folded.symbols()[..end].iter().filter(|symbol| symbol.class.is_dense()).count();
    }
    let classes = [Class::Han, Class::RareHan, Class::Latin, Class::Digit, Class::Letter];
    classes.into_iter().map(|class| folded.count(class) as usize).sum()
}

/// Length of the name, tag or emoticon that begins with the first of some symbols; 1 where there is only a character.
fn aside(symbols: &[Symbol]) -> usize {
    match symbols.first().map(|symbol| symbol.folded) {
        Some('@') => name(&symbols[1..]),
        Some('#') => enclosed(&symbols[1..], '#', TAG_CHARS_MAX),
        Some('[') => enclosed(&symbols[1..], ']', EMOTICON_CHARS_MAX),
        _ => 1,
    }
}

/// `@` and the letters, digits and strokes behind it.
fn name(rest: &[Symbol]) -> usize {
    let is_name = |symbol: &&Symbol| symbol.class.is_dense() || matches!(symbol.folded, '_' | '-');
    let length = rest.iter().take(NAME_CHARS_MAX + 1).take_while(is_name).count();
    if length > NAME_CHARS_MAX { 1 } else { 1 + length }
}

/// What stands up to the next `close` on the same line.
fn enclosed(rest: &[Symbol], close: char, chars_max: usize) -> usize {
    let mut chars = rest.iter().take(chars_max + 1).map(|symbol| symbol.folded);
    match chars.position(|c| c == close || c == '\n') {
        Some(length) if length > 0 && rest[length].folded == close => length + 2,
        _ => 1,
    }
}
