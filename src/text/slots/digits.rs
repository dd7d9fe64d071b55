//! Numbers in any digit alphabet, with separators: phones and bank cards.

use super::{SLOTS_MAX, Slot, SlotKind, is_free};
use crate::text::folded::{Class, FoldedText, SymbolRange, Transforms, as_u32};

/// Fewest digits of anything that is looked for.
pub(super) const DIGITS_MIN: u32 = 7;

/// Longest run of separators inside one number, in symbols.
const GAP_SYMBOLS_MAX: u32 = 3;
/// Longest number: a bank card.
const NUMBER_DIGITS_MAX: usize = 19;

/// Digits next to each other.
#[derive(Clone, Copy)]
struct Group {
    range: SymbolRange,
    /// Whether the gap to the group before is small enough to be a separator.
    joined: bool,
}

/// Adds the phone and bank-card numbers of a text. O(symbols × [`NUMBER_DIGITS_MAX`]).
pub(super) fn find_into(text: &FoldedText, out: &mut Vec<Slot>) {
    let mut groups = Vec::new();
    collect_groups(text, &mut groups);
    let mut index = 0;
    while index < groups.len() && out.len() < SLOTS_MAX {
        match longest_number(text, &groups[index..]) {
            Some((kind, count, digits)) => {
                let range = SymbolRange {
                    start: groups[index].range.start,
                    end: groups[index + count - 1].range.end,
                };
                if is_free(out, range) {
                    let transforms = text.transforms_of(range, true) | written(text, range);
                    out.push(Slot { kind, canonical: digits, range, transforms });
                }
                index += count;
            }
            None => index += 1,
        }
    }
}

fn collect_groups(text: &FoldedText, groups: &mut Vec<Group>) {
    let (mut at, mut last_end, mut joined) = (0, None::<usize>, true);
    let symbols = text.symbols();
    while at < symbols.len() {
        if symbols[at].numeral.value().is_none() {
            // Separators are blanks and noise; a letter, a clause border or a long gap ends the number.
            joined &= matches!(symbols[at].class, Class::Blank | Class::Noise);
            at += 1;
            continue;
        }
        let start = at;
        while at < symbols.len() && symbols[at].numeral.value().is_some() {
            at += 1;
        }
        let near = last_end.is_some_and(|end| as_u32(start - end) <= GAP_SYMBOLS_MAX);
        groups.push(Group {
            range: SymbolRange { start: as_u32(start), end: as_u32(at) },
            joined: joined && near,
        });
        (last_end, joined) = (Some(at), true);
    }
}

/// The longest number that starts with the first group and ends with a group.
fn longest_number(text: &FoldedText, groups: &[Group]) -> Option<(SlotKind, usize, String)> {
    let mut digits = String::with_capacity(NUMBER_DIGITS_MAX);
    let mut found = None;
    for (index, group) in groups.iter().enumerate() {
        if (index > 0 && !group.joined) || digits.len() + group.range.len() as usize > NUMBER_DIGITS_MAX {
            break;
        }
        for symbol in &text.symbols()[group.range.indexes()] {
            if let Some(value) = symbol.numeral.value() {
                digits.push(char::from(b'0' + value));
            }
        }
        if let Some((kind, canonical)) = shape(&digits) {
            found = Some((kind, index + 1, canonical.to_owned()));
        }
    }
    found
}

/// What a string of digits is by its shape alone, and its canonical part.
fn shape(digits: &str) -> Option<(SlotKind, &str)> {
    let mobile = digits.strip_prefix("0086").or(digits.strip_prefix("86")).unwrap_or(digits);
    if is_mobile(mobile) {
        return Some((SlotKind::Phone, mobile));
    }
    if digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800")) {
        return Some((SlotKind::Phone, digits));
    }
    let card_prefix = digits.starts_with("62") || digits.starts_with(['4', '5']);
    if (16..=NUMBER_DIGITS_MAX).contains(&digits.len()) && card_prefix && passes_luhn(digits) {
        return Some((SlotKind::BankCard, digits));
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
