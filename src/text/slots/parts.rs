//! Numbers in parts: `前面138 中间0012 最后3456`, `前四位1234后五位56789`.

use super::chars::{Buffer, Chars};
use super::words::{Rank, WordKind, Words};
use crate::text::folded::Class;

/// Most symbols between two parts, or from the word that announces a part to the part.
const LEAD_SYMBOLS_MAX: usize = 14;
/// Most separators between two characters of a part.
const GAP_SYMBOLS_MAX: usize = 2;
/// Most parts of one number.
const PARTS_MAX: usize = 6;

/// What the digits of a part may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// Digits, numerals, Latin letters.
    Written,
    /// Characters that sound like digits as well.
    BySound,
}

impl Digits {
    fn value(self, chars: Chars<'_>, words: &Words, at: usize) -> Option<u8> {
        chars.numeral(at).or_else(|| match self {
            Self::Written => None,
            Self::BySound => words.sound(chars.at(at)),
        })
    }
}

/// What announces a part, and where the part begins.
#[derive(Clone, Copy)]
pub(super) struct Lead {
    pub(super) rank: Rank,
    /// Whether the words can hardly mean anything else: more than one character, or with a count of places.
    is_firm: bool,
    /// Places that the part is said to have.
    count: Option<u8>,
    /// First symbol of the part.
    pub(super) start: usize,
}

/// A number put together.
#[derive(Clone, Copy)]
pub(super) struct Assembled {
    pub(super) value: Buffer,
    /// One past the last symbol.
    pub(super) end: usize,
    pub(super) parts: usize,
    /// Whether every part is announced by words that can hardly mean anything else.
    pub(super) is_firm: bool,
}

/// Reads the words from an index to the part that they announce; nothing else may stand between. O(1).
pub(super) fn lead(chars: Chars<'_>, words: &Words, from: usize, digits: Digits) -> Option<Lead> {
    let (mut at, mut rank, mut count, mut is_firm) = (from, None, None, false);
    while at - from <= LEAD_SYMBOLS_MAX && !chars.is_border(at) {
        if let Some((places, len)) = chars.count(at) {
            (count, is_firm, at) = (Some(places), true, at + len);
            continue;
        }
        let word = words.at(chars, at);
        if chars.is_code(at) || word.is_none() && digits.value(chars, words, at).is_some() {
            return rank.map(|rank| Lead { rank, is_firm, count, start: at });
        }
        match word {
            Some(found) => {
                match found.kind {
                    WordKind::Part(of) => {
                        rank = Some(of);
                        is_firm |= found.len > 1;
                    }
                    WordKind::Neutral => {}
                    WordKind::Phone
                    | WordKind::Remove
                    | WordKind::Object(_)
                    | WordKind::Insert
                    | WordKind::Lower
                    | WordKind::Replace
                    | WordKind::Each
                    | WordKind::Measure
                    | WordKind::Spoken(_) => return None,
                }
                at += found.len;
            }
            None if chars.is_separator(at) || chars.class(at) == Class::Clause => at += 1,
            None => return None,
        }
    }
    None
}

/// The words in front of an index that announce what begins there. O(1).
pub(super) fn lead_before(chars: Chars<'_>, words: &Words, start: usize) -> Option<(usize, Lead)> {
    (start.saturating_sub(LEAD_SYMBOLS_MAX)..start)
        .filter(|at| matches!(words.at(chars, *at).map(|found| found.kind), Some(WordKind::Part(_))))
        .find_map(|at| {
            lead(chars, words, at, Digits::Written).filter(|lead| lead.start == start).map(|lead| (at, lead))
        })
}

/// Whether another part follows the one that begins at an index. O(1).
pub(super) fn go_on(chars: Chars<'_>, words: &Words, start: usize) -> bool {
    let end = read_part(chars, words, start, Digits::Written).1;
    lead(chars, words, end, Digits::Written).is_some()
}

/// Puts together the parts from a first one on, and hands every number so far to `accept`, which keeps what it likes;
/// the last thing that it kept is the result. O(1).
pub(super) fn assemble<T>(
    chars: Chars<'_>,
    words: &Words,
    first: Lead,
    digits: Digits,
    mut accept: impl FnMut(&Assembled) -> Option<T>,
) -> Option<(T, usize)> {
    let mut parts = [(Rank::Head, Buffer::new()); PARTS_MAX];
    let (mut next, mut found, mut is_firm) = (first, None, true);
    for number in 0..PARTS_MAX {
        let (part, end) = read_part(chars, words, next.start, digits);
        if next.count.is_some_and(|count| usize::from(count) != part.len()) {
            break;
        }
        parts[number] = (next.rank, part);
        is_firm &= next.is_firm;
        if number > 0 {
            let value = join(&parts[..=number]);
            // A part that a sentence goes on with is none (前100名), unless its length was given.
            let is_firm = is_firm && (next.count.is_some() || closes(chars, words, end));
            let assembled = Assembled { value, end, parts: number + 1, is_firm };
            found = accept(&assembled).map(|kept| (kept, end)).or(found);
        }
        match lead(chars, words, end, digits) {
            Some(lead) => next = lead,
            None => break,
        }
    }
    found
}

/// Whether the words of a number may end at an index, because no other Han character stands there.
fn closes(chars: Chars<'_>, words: &Words, index: usize) -> bool {
    let goes_on =
        words.at(chars, index).is_some_and(|word| matches!(word.kind, WordKind::Part(_) | WordKind::Neutral));
    goes_on || !chars.class(index).is_han()
}

impl Lead {
    /// A first part that no words of its own announce.
    pub(super) fn unannounced(start: usize) -> Self {
        Self { rank: Rank::Head, is_firm: true, count: None, start }
    }
}

/// The letters and digits from an index on, with few separators between.
fn read_part(chars: Chars<'_>, words: &Words, start: usize, digits: Digits) -> (Buffer, usize) {
    let (mut part, mut at, mut end, mut gap) = (Buffer::new(), start, start, 0);
    while !chars.is_border(at) {
        let kept = if chars.count(at).is_some() {
            false
        } else if let Some(value) = digits.value(chars, words, at) {
            part.push_digit(value)
        } else if chars.class(at) == Class::Latin {
            part.push(chars.at(at))
        } else if chars.is_separator(at) && gap < GAP_SYMBOLS_MAX {
            (gap, at) = (gap + 1, at + 1);
            continue;
        } else {
            false
        };
        if !kept {
            break;
        }
        (gap, at, end) = (0, at + 1, at + 1);
    }
    (part, end)
}

/// The parts in the order that their words give them.
fn join(parts: &[(Rank, Buffer)]) -> Buffer {
    let mut whole = Buffer::new();
    for rank in [Rank::Head, Rank::Middle, Rank::Tail] {
        for (_, part) in parts.iter().filter(|(of, _)| *of == rank) {
            whole.extend(part.as_str());
        }
    }
    whole
}
