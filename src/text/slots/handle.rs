//! Chat ids and codes behind the word that announces them.

use super::chars::Buffer;
use super::digits::{self, Number};
use super::edits::Edits;
use super::parts::Digits;
use super::{Collector, Hint, HintKind, Search, SlotKind, parts, runs, sounded as sounded_numbers};
use crate::text::folded::Class;

/// Most symbols between the hint and the id.
const LEAD_SYMBOLS_MAX: usize = 8;
/// Most separators between two characters of a spaced id.
const GAP_SYMBOLS_MAX: usize = 2;
/// Longest id.
const ID_CHARS_MAX: usize = 32;
/// Longest id with everything that stands in it, in symbols.
const ID_SYMBOLS_MAX: usize = 96;
/// Longest number.
const NUMBER_DIGITS_MAX: usize = 11;
/// Fewest digits of a number that stands one by one between punctuation.
const LISTED_DIGITS_MIN: usize = 6;

/// An id as it was read.
#[derive(Clone, Copy)]
struct Id {
    value: Buffer,
    start: usize,
    end: usize,
    is_read_as: bool,
}

/// Adds the id that follows a hint, if there is one. O(1).
pub(super) fn find_into(search: &Search<'_>, hint: Hint, out: &mut Collector<'_>) {
    let (start, announced) = skip_lead(search, hint.range.end as usize);
    if search.chars.is_date(start) {
        return;
    }
    let edits = Edits::around(search.chars, search.instructions, start);
    let id = read_id(search, start, &edits);
    let kind_of = |id: &Buffer| accept(hint.kind, id, announced);
    let fits = |found: Option<Id>| found.filter(|id| id.end > start && kind_of(&id.value).is_some());
    let found = fits(in_parts(search, hint.kind, start, &id, announced))
        .or_else(|| fits(edited(&id, &edits)))
        .or_else(|| fits(sounded(search, start)))
        .or_else(|| fits(Some(id)))
        .or_else(|| fits(listed(search, start)))
        .or_else(|| fits(in_words(search, start)));
    let Some(id) = found else { return };
    let Some(kind) = kind_of(&id.value) else { return };
    let canonical = if kind == SlotKind::Qq { without_zeros(&id.value) } else { id.value };
    digits::push(
        search.chars,
        &Number { kind, canonical, start: id.start, end: id.end, is_read_as: id.is_read_as },
        out,
    );
}

/// Skips 号, colons and the like; says whether one of them announced an id expressly.
fn skip_lead(search: &Search<'_>, from: usize) -> (usize, bool) {
    let chars = search.chars;
    let (mut at, mut announced) = (from, false);
    while at - from < LEAD_SYMBOLS_MAX && !chars.is_border(at) {
        match chars.at(at) {
            '号' | '码' | ':' | '+' | '=' | '@' => announced = true,
            '是' | '为' | '我' | '加' | '名' | '同' | '群' | '搜' | '联' | '系' => {}
            _ if chars.is_separator(at) => {}
            _ => match search.words.spoken(chars, at) {
                Some(('@', len)) => {
                    announced = true;
                    at += len - 1;
                }
                _ => break,
            },
        }
        at += 1;
    }
    (at, announced)
}

/// Reads Latin letters, digits and numerals with small gaps.
fn read_id(search: &Search<'_>, start: usize, edits: &Edits) -> Id {
    let chars = search.chars;
    let mut id = Buffer::new();
    let (mut at, mut end, mut gap, mut is_read_as) = (start, start, 0, false);
    // The id without numerals at its end that may belong to the sentence.
    let (mut firm_len, mut firm_end) = (0, start);
    while at - start < ID_SYMBOLS_MAX && id.len() < ID_CHARS_MAX && !chars.is_border(at) && !edits.ends_at(at)
    {
        let c = chars.at(at);
        let spoken = search.words.spoken(chars, at).filter(|(sign, _)| matches!(sign, '_' | '-'));
        let mut len = 1;
        if let Some(to) = edits.swapped(c) {
            id.push(to);
            is_read_as = true;
        } else if edits.skips(chars, at) {
            (at, is_read_as) = (at + 1, true);
            continue;
        } else if let Some(value) = chars.numeral(at) {
            id.push_digit(value);
        } else if chars.class(at) == Class::Latin || (c == '-' && gap == 0) || (c == '_' && id.len() > 0) {
            // A blank before a further word of letters ends the id: `wx abc123 hello`.
            if gap > 0 && id.len() >= 5 && id.bytes().iter().any(u8::is_ascii_lowercase) {
                break;
            }
            id.push(c);
        } else if let Some((sign, sign_len)) =
            spoken.filter(|(_, len)| id.len() > 0 && chars.is_code(at + len))
        {
            id.push(sign);
            (is_read_as, len) = (true, sign_len);
        } else if chars.is_separator(at) && c != ':' && gap < GAP_SYMBOLS_MAX {
            (gap, at) = (gap + 1, at + 1);
            continue;
        } else {
            break;
        }
        let is_firm = !chars.is_written(at);
        (gap, at) = (0, at + len);
        end = at;
        if is_firm {
            (firm_len, firm_end) = (id.len(), end);
        }
    }
    let has_letter = id.bytes().iter().any(u8::is_ascii_lowercase);
    if has_letter && id.len() == firm_len + 1 && chars.class(end).is_han() {
        // One Han numeral with a Han character behind it: 微信xiaoming一起去.
        id.truncate(firm_len);
        end = firm_end;
    }
    let trimmed = id.as_str().trim_end_matches(['-', '_']).len();
    end -= id.len() - trimmed;
    id.truncate(trimmed);
    Id { value: without_dashes(id), start, end, is_read_as }
}

/// The id after what the words around it ask for.
fn edited(id: &Id, edits: &Edits) -> Option<Id> {
    if edits.is_empty() {
        return None;
    }
    let value = edits.apply(&id.value)?;
    let is_read_as = id.is_read_as || value.bytes() != id.value.bytes();
    Some(Id { value, is_read_as, ..*id })
}

/// An id in parts: all behind the hint, or the first part without a word of its own.
fn in_parts(search: &Search<'_>, hint: HintKind, start: usize, id: &Id, announced: bool) -> Option<Id> {
    if !search.has_parts {
        return None;
    }
    let (chars, words) = (search.chars, search.words);
    let lead = if id.end > start {
        parts::lead(chars, words, id.end, Digits::Written)?;
        parts::Lead::unannounced(start)
    } else {
        parts::lead(chars, words, start, Digits::Written)?
    };
    let first = lead.start;
    let accept = |whole: &parts::Assembled| {
        let number = digits::part_shape(whole, Some(hint)).map(|(_, number)| number);
        let is_name = whole.is_firm && !whole.value.bytes().iter().all(u8::is_ascii_digit);
        let name = || (is_name && accept(hint, &whole.value, announced).is_some()).then_some(whole.value);
        number.or_else(name)
    };
    let (value, end) = parts::assemble(chars, words, lead, Digits::Written, accept)?;
    Some(Id { value, start: first, end, is_read_as: true })
}

/// A number with characters that sound or look like digits: `QQ：12伞四舞6七`. At least half must be digits, or the
/// whole must stand alone.
fn sounded(search: &Search<'_>, start: usize) -> Option<Id> {
    let (chars, words) = (search.chars, search.words);
    let mut value = Buffer::new();
    let (mut at, mut end, mut gap, mut real, mut real_end) = (start, start, 0, 0, start);
    let mut real_len = 0;
    while value.len() <= NUMBER_DIGITS_MAX && !chars.is_border(at) {
        if let Some(digit) = chars.numeral(at) {
            value.push_digit(digit);
            (real, real_end, real_len) = (real + 1, at + 1, value.len());
        } else if let Some(digit) = words.sound(chars.at(at)) {
            value.push_digit(digit);
        } else if chars.is_separator(at) && gap < GAP_SYMBOLS_MAX {
            (gap, at) = (gap + 1, at + 1);
            continue;
        } else {
            break;
        }
        (gap, at, end) = (0, at + 1, at + 1);
    }
    let has_inner = real < real_len || real == 0;
    if chars.class(end).is_han() || value.len() > NUMBER_DIGITS_MAX || !has_inner {
        // What stands before another word may belong to it, and so may a single sound: QQ12345吧.
        value.truncate(real_len);
        end = real_end;
    }
    let is_mixed = real < value.len() && value.len() >= 5 && !chars.is_code(end);
    let is_plausible = real * 2 >= value.len() || (value.len() > 6 && !chars.class(end).is_han());
    (is_mixed && is_plausible).then_some(Id { value, start, end, is_read_as: true })
}

/// A number whose digits stand one by one between punctuation: `QQ：3，1，4，1，5，9`. Counting is no number.
fn listed(search: &Search<'_>, start: usize) -> Option<Id> {
    let (value, end) = runs::one_by_one(search.chars, start, NUMBER_DIGITS_MAX)?;
    let is_number = value.len() >= LISTED_DIGITS_MIN && !value.bytes().is_sorted();
    is_number.then_some(Id { value, start, end, is_read_as: false })
}

/// A number in words: `QQ四千零六万零七十`.
fn in_words(search: &Search<'_>, start: usize) -> Option<Id> {
    let (value, end) = sounded_numbers::in_words(search.chars, start)?;
    Some(Id { value, start, end, is_read_as: true })
}

/// Dashes between digits separate, those beside letters belong to the id.
fn without_dashes(id: Buffer) -> Buffer {
    if id.bytes().iter().any(u8::is_ascii_lowercase) {
        return id;
    }
    let mut digits = Buffer::new();
    for byte in id.bytes().iter().filter(|byte| byte.is_ascii_digit()) {
        digits.push(char::from(*byte));
    }
    digits
}

/// A QQ number does not begin with zeros.
fn without_zeros(id: &Buffer) -> Buffer {
    let zeros = id.bytes().iter().take_while(|byte| **byte == b'0').count();
    id.without(0..zeros)
}

/// What an id is behind a hint, if its shape fits.
fn accept(hint: HintKind, id: &Buffer, announced: bool) -> Option<SlotKind> {
    let (text, bytes) = (id.as_str(), id.bytes());
    let all_digits = bytes.iter().all(u8::is_ascii_digit);
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    let starts_with_letter = text.starts_with(|c: char| c.is_ascii_lowercase());
    if all_digits && digits::is_mobile(text) {
        return Some(if hint == HintKind::Wechat { SlotKind::Wechat } else { SlotKind::Phone });
    }
    match hint {
        HintKind::Wechat => {
            let name = starts_with_letter && (5..=20).contains(&id.len()) && (has_digit || announced);
            let number = all_digits && (6..=11).contains(&id.len());
            (name || number).then_some(SlotKind::Wechat)
        }
        HintKind::Qq => {
            let significant = without_zeros(id).len();
            let least = if significant < id.len() { 6 } else { 5 };
            let number = all_digits && (least..=11).contains(&significant);
            number.then_some(SlotKind::Qq)
        }
        HintKind::Telegram => {
            let name = starts_with_letter && (5..=32).contains(&id.len()) && (has_digit || announced);
            name.then_some(SlotKind::Telegram)
        }
        HintKind::InviteCode => ((4..=12).contains(&id.len()) && has_digit).then_some(SlotKind::InviteCode),
    }
}
