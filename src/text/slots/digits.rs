//! Numbers in any digit alphabet, with separators: phones and bank cards.

use super::chars::{Buffer, Chars};
use super::parts::Digits;
use super::{Collector, HintKind, Search, Slot, SlotKind, edits, parts, runs, sounded};
use crate::text::folded::{FoldedText, SymbolRange, Transforms, as_u32};

/// Fewest characters that stand for digits in a number, however the others are written.
pub(super) const DIGITS_MIN: u32 = 5;
/// The same for a number whose other digits are given by sound, behind a word for a phone.
pub(super) const SOUNDED_DIGITS_MIN: u32 = 1;

/// Longest run of separators inside one number, in symbols.
const GAP_SYMBOLS_MAX: u32 = 3;
/// Longest number: a bank card.
const NUMBER_DIGITS_MAX: usize = 19;
/// Groups whose lengths are remembered.
const GROUPS_MAX: usize = 4;
/// Most symbols between a hint and a number in parts.
const HINT_REACH_SYMBOLS_MAX: u32 = 24;

/// A number that was read.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) kind: SlotKind,
    pub(super) canonical: Buffer,
    /// First symbol, and one past the last.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether more than digits and separators was read.
    pub(super) is_read_as: bool,
}

/// Adds the phone and bank-card numbers of a text, and QQ numbers in parts. O(symbols); every place is looked at
/// through windows of constant length.
pub(super) fn find_into(search: &Search<'_>, out: &mut Collector<'_>) {
    let text = search.chars.text;
    if text.numerals() < SOUNDED_DIGITS_MIN {
        return;
    }
    let has_few = text.numerals() < DIGITS_MIN;
    let mut next = next_group(text, 0);
    while let Some(first) = next {
        let is_count = first.len() == 1 && search.chars.count(first.start as usize).is_some();
        let found = match (is_count, has_few) {
            (true, _) => None,
            (false, true) => few_digits(search, first),
            (false, false) => number_at(search, first),
        };
        let Some(number) = found else {
            next = next_group(text, first.end);
            continue;
        };
        push(search.chars, &number, out);
        next = next_group(text, as_u32(number.end).max(first.end));
    }
}

/// Keeps a number.
pub(super) fn push(chars: Chars<'_>, number: &Number, out: &mut Collector<'_>) {
    let range = SymbolRange { start: as_u32(number.start), end: as_u32(number.end) };
    if out.is_free(range) {
        let read_as = if number.is_read_as { Transforms::READ_AS } else { written(chars.text, range) };
        let transforms = chars.text.transforms_of(range, true) | read_as;
        out.push(Slot {
            kind: number.kind,
            canonical: number.canonical.as_str().to_owned(),
            range,
            transforms,
        });
    }
}

/// The number that starts with a group of digits, in whatever way it is written.
fn number_at(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let edited = if search.instructions.is_empty() { None } else { edited(search, first) };
    edited
        .or_else(|| longest_number(search.chars.text, first))
        .or_else(|| if search.has_parts { in_parts(search, first) } else { None })
        .or_else(|| if search.has_parts { runs::masked(search, first) } else { None })
        .or_else(|| runs::listed(search, first))
        .or_else(|| runs::grouped(search, first))
        .or_else(|| if search.has_edits { runs::with_removal_inside(search, first) } else { None })
        .or_else(|| few_digits(search, first))
}

/// The number around a group of digits in a text that has few digits.
fn few_digits(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let by_sound = runs::sounded(search, first);
    by_sound.or_else(|| if search.has_parts { sounded::in_parts(search, first.start as usize) } else { None })
}

/// The next run of digits from a symbol on.
fn next_group(text: &FoldedText, from: u32) -> Option<SymbolRange> {
    let symbols = text.symbols();
    let is_digit = |at: &usize| symbols[*at].numeral.value().is_some();
    let start = (from as usize..symbols.len()).find(is_digit)?;
    let end = (start..symbols.len()).find(|at| !is_digit(at)).unwrap_or(symbols.len());
    Some(SymbolRange { start: as_u32(start), end: as_u32(end) })
}

/// The group of digits that starts at a symbol, cut where it is too long for a number. O(1).
pub(super) fn group_at(chars: Chars<'_>, start: usize) -> Option<SymbolRange> {
    let end = (start..=start + NUMBER_DIGITS_MAX).take_while(|at| chars.numeral(*at).is_some()).last()? + 1;
    Some(SymbolRange { start: as_u32(start), end: as_u32(end) })
}

/// The run of digits behind a group, if only a few separators stand between them.
fn joined_group(chars: Chars<'_>, group: SymbolRange) -> Option<SymbolRange> {
    let end = group.end as usize;
    let is_gap = |at: &usize| chars.numeral(*at).is_none() && chars.is_separator(*at);
    let length = (end..=end + GAP_SYMBOLS_MAX as usize).take_while(is_gap).count();
    group_at(chars, end + length).filter(|_| length <= GAP_SYMBOLS_MAX as usize)
}

/// The longest number that starts with a group and ends with one.
fn longest_number(text: &FoldedText, first: SymbolRange) -> Option<Number> {
    let chars = Chars { text };
    let (mut digits, mut lengths, mut count) = (Buffer::new(), [0_usize; GROUPS_MAX], 0);
    let (mut group, mut found) = (Some(first), None);
    while let Some(run) = group.filter(|run| digits.len() + run.len() as usize <= NUMBER_DIGITS_MAX) {
        for value in run.indexes().filter_map(|at| chars.numeral(at)) {
            digits.push_digit(value);
        }
        if let Some(length) = lengths.get_mut(count) {
            *length = run.len() as usize;
        }
        count += 1;
        if let Some((kind, canonical)) = shape(&digits).filter(|_| !is_date(&digits, lengths)) {
            let (start, end) = (first.start as usize, run.end as usize);
            found = Some(Number { kind, canonical, start, end, is_read_as: false });
        }
        group = joined_group(chars, run);
    }
    found
}

/// Whether groups of digits begin with a date (1998-06-05) or with times of day (17:30 18:00).
fn is_date(digits: &Buffer, lengths: [usize; GROUPS_MAX]) -> bool {
    let two = |from: usize, len: usize| {
        let piece = digits.as_str().get(from..from + len).and_then(|piece| piece.parse::<u32>().ok());
        piece.unwrap_or(u32::MAX)
    };
    match lengths {
        [4, month @ 1..=2, day @ 1..=2, _] => {
            (1..=12).contains(&two(4, month)) && (1..=31).contains(&two(4 + month, day))
        }
        [2, 2, 2, 2] => two(0, 2) < 24 && two(2, 2) < 60 && two(4, 2) < 24 && two(6, 2) < 60,
        _ => false,
    }
}

/// The number that starts with a group, after what the words around it ask for.
fn edited(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let chars = search.chars;
    let edits = edits::Edits::around(chars, search.instructions, first.start as usize);
    if edits.is_empty() {
        return None;
    }
    let start = first.start as usize;
    let (mut at, mut gap, mut digits, mut found) = (start, 0, Buffer::new(), None);
    while at - start < edits::RUN_SYMBOLS_MAX && !edits.ends_at(at) && !chars.is_border(at) {
        let swapped = edits.swapped(chars.at(at)).filter(char::is_ascii_digit);
        if edits.skips(chars, at) {
            at += 1;
            continue;
        }
        let is_digit = swapped.is_some() || chars.numeral(at).is_some();
        if let Some(c) = swapped {
            digits.push(c);
        } else if let Some(value) = chars.numeral(at) {
            digits.push_digit(value);
        } else if chars.is_separator(at) && gap < GAP_SYMBOLS_MAX {
            gap += 1;
        } else {
            break;
        }
        at += 1;
        if is_digit {
            gap = 0;
            let phone = edits.apply(&digits).as_ref().and_then(shape);
            let phone = phone.filter(|(kind, _)| *kind == SlotKind::Phone && chars.numeral(at).is_none());
            if let Some((kind, canonical)) = phone {
                found = Some(Number { kind, canonical, start, end: at, is_read_as: true });
            }
        }
    }
    found
}

/// The number whose parts begin with a group. Eleven digits are a mobile number by themselves; fewer need a hint.
fn in_parts(search: &Search<'_>, first: SymbolRange) -> Option<Number> {
    let start = first.start as usize;
    if !parts::go_on(search.chars, search.words, start) {
        return None;
    }
    let lead = parts::lead_before(search.chars, search.words, start).map(|(_, lead)| lead);
    let lead = lead.unwrap_or(parts::Lead::unannounced(start));
    let hint = hint_before(search, start);
    let accept = |whole: &parts::Assembled| part_shape(whole, hint).map(|shape| (shape, whole.end));
    let (((kind, canonical), end), _) =
        parts::assemble(search.chars, search.words, lead, Digits::Written, accept)?;
    Some(Number { kind, canonical, start, end, is_read_as: true })
}

/// What an assembled number is behind a hint, or behind none.
pub(super) fn part_shape(whole: &parts::Assembled, hint: Option<HintKind>) -> Option<(SlotKind, Buffer)> {
    let number = whole.value;
    if !number.bytes().iter().all(u8::is_ascii_digit) {
        return None;
    }
    if is_mobile(number.as_str()) {
        let kind = if hint == Some(HintKind::Wechat) { SlotKind::Wechat } else { SlotKind::Phone };
        return Some((kind, number));
    }
    let least = if whole.parts > 2 { 5 } else { 6 };
    let is_plausible = whole.is_firm && (least..=11).contains(&number.len()) && number.bytes()[0] != b'0';
    let kind = match hint? {
        HintKind::Wechat => SlotKind::Wechat,
        HintKind::Qq => SlotKind::Qq,
        HintKind::Telegram | HintKind::InviteCode => return None,
    };
    is_plausible.then_some((kind, number))
}

/// What the nearest hint in front of a number announces. O(log hints).
fn hint_before(search: &Search<'_>, start: usize) -> Option<HintKind> {
    let start = as_u32(start);
    let behind = search.hints.partition_point(|hint| hint.range.end <= start);
    let nearest = search.hints[..behind].last()?;
    (start - nearest.range.end <= HINT_REACH_SYMBOLS_MAX).then_some(nearest.kind)
}

/// What a string of digits is by its shape alone, and its canonical part.
pub(super) fn shape(number: &Buffer) -> Option<(SlotKind, Buffer)> {
    let digits = number.as_str();
    let mobile = digits.strip_prefix("0086").or(digits.strip_prefix("86")).unwrap_or(digits);
    if is_mobile(mobile) {
        return Some((SlotKind::Phone, number.without(0..digits.len() - mobile.len())));
    }
    if digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800")) {
        return Some((SlotKind::Phone, *number));
    }
    let card_prefix = digits.starts_with("62") || digits.starts_with(['4', '5']);
    if (16..=NUMBER_DIGITS_MAX).contains(&digits.len()) && card_prefix && passes_luhn(digits) {
        return Some((SlotKind::BankCard, *number));
    }
    None
}

/// Whether eleven digits are a mobile number of the mainland.
pub(super) fn is_mobile(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.len() == 11 && bytes[0] == b'1' && matches!(bytes[1], b'3'..=b'9')
}

/// The check digit of ISO/IEC 7812.
fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0');
            if place % 2 == 1 { value * 2 - if value > 4 { 9 } else { 0 } } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The transform of reading words as digits, where a range has such.
pub(super) fn written(text: &FoldedText, range: SymbolRange) -> Transforms {
    let has_words = text.symbols()[range.indexes()].iter().any(|s| s.numeral.is_written());
    if has_words { Transforms::READ_AS } else { Transforms::empty() }
}
