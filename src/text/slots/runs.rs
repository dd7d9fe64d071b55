//! Mobile numbers whose digits do not stand in one run: one by one between commas, with characters that sound like
//! digits, with the order to remove something written into them.

use super::SlotKind;
use super::chars::{Buffer, Chars};
use super::digits::{Number, group_at, is_mobile};
use super::words::WordKind;
use super::{Search, edits};
use crate::text::folded::{Class, SymbolRange};

/// Digits of a mobile number.
const MOBILE_DIGITS: usize = 11;
/// Most symbols between two digits of a number that is read one by one.
const LISTED_GAP_SYMBOLS_MAX: usize = 3;
/// Most separators between two digits of a number that has digits by sound.
const SOUND_GAP_SYMBOLS_MAX: usize = 2;
/// Fewest real digits of such a number; fewer are enough behind a word for a phone.
const REAL_DIGITS_MIN: usize = 7;
const ANNOUNCED_REAL_DIGITS_MIN: usize = 5;
/// Longest run of digits by sound inside such a number, and in front of it.
const SOUNDS_IN_A_ROW_MAX: usize = 2;
const SOUNDS_IN_FRONT_MAX: usize = 4;
/// Most symbols between a word for a phone and the number.
const PHONE_REACH_SYMBOLS_MAX: usize = 8;
/// Longest filler between two groups of digits, and all of them together, in symbols.
const FILLER_SYMBOLS_MAX: usize = 2;
const FILLERS_MAX: usize = 8;

/// A number whose digits stand one by one between punctuation: `1，3，8，0，0，0，0，1，2，3，4`. The whole list must be
/// the number, and must not rise, as counting does.
pub(super) fn listed(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let chars = search.chars;
    let start = first.start as usize;
    if first.len() != 1 || !matches!(chars.numeral(start), Some(1)) || has_digit_before(chars, start) {
        return None;
    }
    let (digits, end) = one_by_one(chars, start, MOBILE_DIGITS)?;
    let is_number = is_mobile(digits.as_str()) && !digits.bytes().is_sorted();
    is_number.then_some(Number { kind: SlotKind::Phone, canonical: digits, start, end, is_read_as: false })
}

/// The digits from a place on that stand one by one between separators and punctuation; nothing if one stands beside
/// another, or if there are too many.
pub(super) fn one_by_one(chars: Chars<'_>, start: usize, digits_max: usize) -> Option<(Buffer, usize)> {
    let (mut digits, mut at, mut end) = (Buffer::new(), start, start);
    while let Some(value) = chars.numeral(at) {
        if digits.len() == digits_max || chars.numeral(at + 1).is_some() {
            return None;
        }
        digits.push_digit(value);
        end = at + 1;
        at = next_digit(chars, end);
    }
    Some((digits, end))
}

/// The digit behind separators and punctuation, or a place where there is none.
fn next_digit(chars: Chars<'_>, from: usize) -> usize {
    let is_gap = |at: &usize| {
        chars.numeral(*at).is_none()
            && !chars.is_border(*at)
            && (chars.is_separator(*at) || chars.class(*at) == Class::Clause)
    };
    from + (from..from + LISTED_GAP_SYMBOLS_MAX).take_while(is_gap).count()
}

/// Whether a digit stands in front, with nothing but separators and punctuation between.
fn has_digit_before(chars: Chars<'_>, start: usize) -> bool {
    (start.saturating_sub(LISTED_GAP_SYMBOLS_MAX + 1)..start)
        .rev()
        .take_while(|at| !chars.class(*at).is_dense() || chars.numeral(*at).is_some())
        .any(|at| chars.numeral(at).is_some())
}

/// A number with characters that sound or look like digits: `138零0灵1舞34酒6`. Without a word for a phone in front it
/// must begin and end with digits and hold few others.
pub(super) fn sounded(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let (chars, words) = (search.chars, search.words);
    let group_start = first.start as usize;
    let mut start = group_start;
    while start > 0 && group_start - start < SOUNDS_IN_FRONT_MAX && words.sound(chars.at(start - 1)).is_some()
    {
        start -= 1;
    }
    let is_announced = |start: usize| is_announced(search, start);
    let announced = (start..=group_start).find(|start| is_announced(*start));
    start = announced.unwrap_or(group_start);
    let (mut digits, mut real, mut in_a_row) = (Buffer::new(), 0, 0);
    let (mut at, mut end, mut gap, mut ends_real) = (start, start, 0, false);
    while digits.len() < MOBILE_DIGITS && !chars.is_border(at) {
        if let Some(value) = chars.numeral(at) {
            digits.push_digit(value);
            (real, in_a_row, ends_real) = (real + 1, 0, true);
        } else if let Some(value) = words.sound(chars.at(at)) {
            digits.push_digit(value);
            (in_a_row, ends_real) = (in_a_row + 1, false);
            if announced.is_none() && in_a_row > SOUNDS_IN_A_ROW_MAX {
                return None;
            }
        } else if chars.is_separator(at) && gap < SOUND_GAP_SYMBOLS_MAX {
            (gap, at) = (gap + 1, at + 1);
            continue;
        } else {
            break;
        }
        (gap, at, end) = (0, at + 1, at + 1);
    }
    let enough = real >= if announced.is_some() { ANNOUNCED_REAL_DIGITS_MIN } else { REAL_DIGITS_MIN };
    let stands_alone = !chars.is_code(end) && (start == 0 || !chars.is_code(start - 1));
    let ends_well = ends_real || (announced.is_some() && !chars.class(end).is_han());
    let is_number = enough && real < digits.len() && stands_alone && ends_well && is_mobile(digits.as_str());
    is_number.then_some(Number { kind: SlotKind::Phone, canonical: digits, start, end, is_read_as: true })
}

/// Whether a word for a phone stands in front of a number.
fn is_announced(search: &Search<'_>, start: usize) -> bool {
    let (chars, words) = (search.chars, search.words);
    (start.saturating_sub(PHONE_REACH_SYMBOLS_MAX)..start).any(|at| {
        let Some(found) = words.at(chars, at).filter(|found| found.kind == WordKind::Phone) else {
            return false;
        };
        let mut next = at + found.len;
        while next < start {
            match words.at(chars, next) {
                Some(word) if matches!(word.kind, WordKind::Neutral | WordKind::Phone) => next += word.len,
                None if chars.is_separator(next) => next += 1,
                _ => return false,
            }
        }
        next == start
    })
}

/// A number into which the order to remove its fillers is written: `138去0012掉3456`.
pub(super) fn with_removal_inside(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let chars = search.chars;
    let start = first.start as usize;
    let (mut digits, mut end) = (Buffer::new(), start);
    let (mut fillers, mut filled) = (['\0'; FILLERS_MAX], 0);
    let mut group = group_at(chars, start);
    while let Some(run) = group.filter(|run| digits.len() + run.len() as usize <= MOBILE_DIGITS) {
        for value in run.indexes().filter_map(|at| chars.numeral(at)) {
            digits.push_digit(value);
        }
        end = run.end as usize;
        let is_filler = |at: &usize| chars.class(*at).is_han() && chars.numeral(*at).is_none();
        let filler = (end..=end + FILLER_SYMBOLS_MAX).take_while(is_filler).count();
        if digits.len() == MOBILE_DIGITS || filler == 0 || filled + filler > FILLERS_MAX {
            break;
        }
        for at in end..end + filler {
            fillers[filled] = chars.at(at);
            filled += 1;
        }
        group = group_at(chars, end + filler);
    }
    let says_so = search.words.removals.iter().any(|word| {
        filled >= word.len() && fillers[..filled].windows(word.len()).any(|piece| *piece == **word)
    });
    let is_number = says_so && is_mobile(digits.as_str()) && end - start < edits::RUN_SYMBOLS_MAX;
    is_number.then_some(Number { kind: SlotKind::Phone, canonical: digits, start, end, is_read_as: true })
}
