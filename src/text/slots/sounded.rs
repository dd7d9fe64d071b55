//! Numbers that hold few digits or none: every digit by its sound (`伊散舞霸霸尔灵灵伊寺留`), in parts too, or the number in
//! words (`四千零六万零七十`).

use super::chars::{Buffer, Chars};
use super::digits::{self, Number, is_mobile};
use super::parts::{self, Digits};
use super::words::WordKind;
use super::{Collector, Search, SlotKind};
use crate::text::folded::SymbolRange;

/// Digits of a mobile number.
const MOBILE_DIGITS: u32 = 11;
/// Most characters that sound like digits beside the number, in one run with it.
const STRAY_MAX: u32 = 2;
/// Most digits and numerals in such a number; one with more must begin and end as other numbers do.
const REAL_DIGITS_MAX: usize = 4;
/// Longest run that is read, in dense characters.
const RUN_CHARS_MAX: u32 = 24;
/// Most separators between two digits.
const GAP_SYMBOLS_MAX: u32 = 2;
/// Longest number in words, in symbols, and its largest value.
const WORDS_SYMBOLS_MAX: usize = 24;
const WORDS_VALUE_MAX: u64 = 99_999_999_999;

/// Adds mobile numbers of which eleven characters in a row sound like digits. No announcement is needed: hardly another
/// text has so many of these characters in a row, and they must make a mobile number.
///
/// O(symbols / 11) where there are no such runs: eleven in a row cover every eleventh character.
pub(super) fn find_into(search: &Search<'_>, out: &mut Collector<'_>) {
    let text = search.chars.text;
    let mut at = MOBILE_DIGITS - 1;
    while let Some(c) = text.dense_char(at) {
        if search.words.sound(c).is_none() && value(search, at).is_none() {
            at += MOBILE_DIGITS;
            continue;
        }
        let run = run_around(search, at);
        if let Some(number) = mobile_in(search, &run) {
            digits::push(search.chars, &number, out);
        }
        at = run.end + MOBILE_DIGITS - 1;
    }
}

/// The digit that a dense character stands for or sounds like.
fn value(search: &Search<'_>, index: u32) -> Option<u8> {
    let c = search.chars.text.dense_char(index)?;
    let symbol = search.chars.text.from_dense(index, index + 1).start as usize;
    search.chars.numeral(symbol).or_else(|| search.words.sound(c))
}

/// The dense characters around one that sound like digits, few separators between them.
fn run_around(search: &Search<'_>, index: u32) -> std::ops::Range<u32> {
    let text = search.chars.text;
    let touch = |left: u32| {
        let range = text.from_dense(left, left + 2);
        let is_near = range.len() <= GAP_SYMBOLS_MAX + 2;
        is_near && (range.start + 1..range.end - 1).all(|at| search.chars.is_separator(at as usize))
    };
    let (mut start, mut end) = (index, index + 1);
    while start > 0 && index - start < RUN_CHARS_MAX && value(search, start - 1).is_some() && touch(start - 1)
    {
        start -= 1;
    }
    while end - index < RUN_CHARS_MAX && value(search, end).is_some() && touch(end - 1) {
        end += 1;
    }
    start..end
}

/// The mobile number at the start or at the end of a run.
fn mobile_in(search: &Search<'_>, run: &std::ops::Range<u32>) -> Option<Number> {
    let text = search.chars.text;
    let stray = run.len().checked_sub(MOBILE_DIGITS as usize)?;
    if stray > STRAY_MAX as usize {
        return None;
    }
    [run.start, run.end - MOBILE_DIGITS].into_iter().find_map(|first| {
        let mut canonical = Buffer::new();
        for digit in (first..first + MOBILE_DIGITS).filter_map(|index| value(search, index)) {
            canonical.push_digit(digit);
        }
        let SymbolRange { start, end } = text.from_dense(first, first + MOBILE_DIGITS);
        let (start, end) = (start as usize, end as usize);
        let real = (start..end).filter(|at| search.chars.numeral(*at).is_some()).count();
        let number = Number { kind: SlotKind::Phone, canonical, start, end, is_read_as: true };
        (real <= REAL_DIGITS_MAX && is_mobile(canonical.as_str())).then_some(number)
    })
}

/// The mobile number in parts whose first one begins at a symbol, some digits by sound: `前面幺吧溜 中间灵灵儿儿 最后伞伞寺寺`.
pub(super) fn in_parts(search: &Search<'_>, start: usize) -> Option<Number> {
    let (chars, words) = (search.chars, search.words);
    let reach = start.saturating_sub(RUN_CHARS_MAX as usize);
    let lead = (reach..start).find_map(|at| {
        let is_part = matches!(words.at(chars, at).map(|found| found.kind), Some(WordKind::Part(_)));
        is_part.then(|| parts::lead(chars, words, at, Digits::BySound)).flatten()
    })?;
    let first = lead.start;
    let accept =
        |whole: &parts::Assembled| (whole.is_firm && is_mobile(whole.value.as_str())).then_some(whole.value);
    let (canonical, end) = parts::assemble(chars, words, lead, Digits::BySound, accept)?;
    (first <= start && start < end).then_some(Number {
        kind: SlotKind::Phone,
        canonical,
        start: first,
        end,
        is_read_as: true,
    })
}

/// A number in words with units, ten thousand or more, and one past its last symbol: `四千零六万零七十` is 40060070.
pub(super) fn in_words(chars: Chars<'_>, start: usize) -> Option<(Buffer, usize)> {
    let (mut whole, mut section, mut digit, mut at) = (0_u64, 0_u64, None, start);
    let mut has_myriads = false;
    while at - start < WORDS_SYMBOLS_MAX {
        let unit = match chars.at(at) {
            '十' | '拾' => 10,
            '百' | '佰' => 100,
            '千' | '仟' => 1000,
            '万' => 10_000,
            '亿' => 100_000_000,
            _ => match chars.numeral(at) {
                // Two digits side by side are no number in words, but for a zero in front.
                Some(value) if digit.is_none_or(|before| before == 0) => {
                    digit = Some(u64::from(value));
                    at += 1;
                    continue;
                }
                Some(_) => return None,
                None => break,
            },
        };
        if unit < 10_000 {
            section += digit.take().unwrap_or(1) * unit;
        } else {
            whole = (whole + section + digit.take().unwrap_or(0)).checked_mul(unit)?;
            (section, has_myriads) = (0, true);
        }
        if whole.max(section) > WORDS_VALUE_MAX {
            return None;
        }
        at += 1;
    }
    let total = whole + section + digit.unwrap_or(0);
    if !has_myriads || total > WORDS_VALUE_MAX || chars.class(at).is_han() {
        return None;
    }
    let mut number = Buffer::new();
    let mut scale = 10_000_000_000_u64;
    while scale > 0 {
        let digit = u8::try_from(total / scale % 10).unwrap_or(0);
        if number.len() > 0 || digit > 0 {
            number.push_digit(digit);
        }
        scale /= 10;
    }
    Some((number, at))
}
