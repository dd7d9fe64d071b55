//! Mobile numbers whose digits do not stand in one run: one by one between commas, with characters that sound like
//! digits, with the order to remove something written into them.

use super::SlotKind;
use super::chars::{Buffer, Chars};
use super::digits::{Number, group_at, is_mobile};
use super::words::{Rank, WordKind};
use super::{Search, edits, parts};
use crate::text::folded::{Class, SymbolRange};

/// Digits of a mobile number.
const MOBILE_DIGITS: usize = 11;
/// Most symbols between two digits of a number that is read one by one.
const LISTED_GAP_SYMBOLS_MAX: usize = 3;
/// Most separators between two digits of a number that has digits by sound.
const SOUND_GAP_SYMBOLS_MAX: usize = 2;
/// Fewest real digits of such a number; fewer are enough behind a word for a phone.
const REAL_DIGITS_MIN: usize = 7;
const ANNOUNCED_REAL_DIGITS_MIN: usize = 2;
/// Fewest real digits of such a number that ends with a digit by sound, and is not announced.
const UNANNOUNCED_REAL_DIGITS_MIN: usize = 9;
/// Longest run of digits by sound inside such a number, and in front of it.
const SOUNDS_IN_A_ROW_MAX: usize = 2;
const SOUNDS_IN_FRONT_MAX: usize = 4;
/// Most symbols between a word for a phone and the number.
const PHONE_REACH_SYMBOLS_MAX: usize = 8;
/// How mobile numbers are grouped.
const MOBILE_GROUPS: [u32; 3] = [3, 4, 4];
/// Longest filler between two groups of digits, in symbols, and the characters of all of them together.
const FILLER_SYMBOLS_MAX: usize = 6;
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
    let (group_start, group_end) = (first.start as usize, first.end as usize);
    // Most groups are followed by something else.
    if words.sound(chars.at(group_end)).is_none() && !chars.is_separator(group_end) {
        return None;
    }
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
    let may_end_by_sound = announced.is_some() || real >= UNANNOUNCED_REAL_DIGITS_MIN;
    let ends_well = ends_real || (may_end_by_sound && !chars.class(end).is_han());
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

/// A number into which the order to remove its fillers is written: `138去0012掉3456`, `138(删)0012(删)3456`.
pub(super) fn with_removal_inside(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let chars = search.chars;
    let start = first.start as usize;
    let (mut digits, mut end) = (Buffer::new(), start);
    let (mut fillers, mut filled, mut all_say_so) = (['\0'; FILLERS_MAX], 0, true);
    let mut group = group_at(chars, start);
    while let Some(run) = group.filter(|run| digits.len() + run.len() as usize <= MOBILE_DIGITS) {
        push_digits(chars, run, &mut digits);
        end = run.end as usize;
        if digits.len() == MOBILE_DIGITS {
            break;
        }
        let filler_start = filled;
        let mut next = end;
        while chars.numeral(next).is_none() && next - end < FILLER_SYMBOLS_MAX && !chars.is_border(next) {
            if chars.class(next).is_han() {
                *fillers.get_mut(filled)? = chars.at(next);
                filled += 1;
            } else if !chars.is_separator(next) {
                return None;
            }
            next += 1;
        }
        let filler = &fillers[filler_start..filled];
        all_say_so &= search.words.removals.iter().any(|word| **word == *filler);
        group = group_at(chars, next).filter(|_| !filler.is_empty());
    }
    let together = &fillers[..filled];
    let holds = |word: &[char]| word.len() > 1 && together.windows(word.len()).any(|piece| piece == word);
    let says_so = filled > 0 && (all_say_so || search.words.removals.iter().any(|word| holds(word)));
    let is_number = says_so && is_mobile(digits.as_str()) && end - start < edits::RUN_SYMBOLS_MAX;
    is_number.then_some(Number { kind: SlotKind::Phone, canonical: digits, start, end, is_read_as: true })
}

/// A number whose usual three groups stand between punctuation: `电话138，0012，3456`. It is announced as a phone, or
/// all of it is written in words.
pub(super) fn grouped(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let chars = search.chars;
    let (start, mut end) = (first.start as usize, first.start as usize);
    let mut digits = Buffer::new();
    for (number, len) in MOBILE_GROUPS.into_iter().enumerate() {
        let at = if number == 0 { start } else { next_digit(chars, end) };
        let run = group_at(chars, at).filter(|run| run.len() == len && (number == 0 || at > end))?;
        push_digits(chars, run, &mut digits);
        end = run.end as usize;
    }
    let in_words = || (start..end).all(|at| chars.is_written(at) || chars.numeral(at).is_none());
    let is_phone = is_mobile(digits.as_str()) && (is_announced(search, start) || in_words());
    let (canonical, end) = with_sum(chars, digits, end);
    is_phone.then_some(Number { kind: SlotKind::Phone, canonical, start, end, is_read_as: false })
}

/// A number and where it ends, after one digit that is to be added to it: `6610+1` means 6611.
pub(super) fn with_sum(chars: Chars<'_>, number: Buffer, end: usize) -> (Buffer, usize) {
    let sign = chars.at(end);
    let operand = chars.numeral(end + 1).filter(|_| chars.numeral(end + 2).is_none());
    let (Some(operand), '+' | '-') = (operand, sign) else { return (number, end) };
    let Ok(value) = number.as_str().parse::<u64>() else { return (number, end) };
    let operand = u64::from(operand);
    let sum = if sign == '+' { value.checked_add(operand) } else { value.checked_sub(operand) };
    let mut out = Buffer::new();
    match sum.map(|sum| format!("{sum:0width$}", width = number.len())) {
        Some(text) if text.len() == number.len() && out.extend(&text) => (out, end + 2),
        _ => (number, end),
    }
}

/// A number with its middle masked, which is given behind it: `138****3456 中间是0012`.
pub(super) fn masked(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let (chars, words) = (search.chars, search.words);
    let (mask, start) = (first.end as usize, first.start as usize);
    let mask_end = mask + MOBILE_GROUPS[1] as usize;
    let is_mask = |at: usize| matches!(chars.at(at), '*' | '_' | '-' | '.' | 'x' | '?' | '#');
    if first.len() != MOBILE_GROUPS[0] || !(mask..mask_end).all(is_mask) {
        return None;
    }
    let last = group_at(chars, mask_end).filter(|run| run.len() == MOBILE_GROUPS[2])?;
    let lead = parts::lead(chars, words, last.end as usize, parts::Digits::Written)
        .filter(|lead| lead.rank == Rank::Middle)?;
    let middle = group_at(chars, lead.start).filter(|run| run.len() == MOBILE_GROUPS[1])?;
    let mut digits = Buffer::new();
    for run in [first, middle, last] {
        push_digits(chars, run, &mut digits);
    }
    let end = middle.end as usize;
    let number = Number { kind: SlotKind::Phone, canonical: digits, start, end, is_read_as: true };
    is_mobile(digits.as_str()).then_some(number)
}

fn push_digits(chars: Chars<'_>, run: SymbolRange, digits: &mut Buffer) {
    for value in run.indexes().filter_map(|at| chars.numeral(at)) {
        digits.push_digit(value);
    }
}
