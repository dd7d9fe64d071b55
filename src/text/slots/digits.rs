//! Numbers in any digit alphabet, with separators: phones and bank cards.

use super::{Collector, Slot, SlotKind};
use crate::text::folded::{Class, FoldedText, SymbolRange, Transforms, as_u32};

/// Fewest digits of anything that is looked for.
pub(super) const DIGITS_MIN: u32 = 7;

/// Longest run of separators inside one number, in symbols.
const GAP_SYMBOLS_MAX: u32 = 3;
/// Longest number: a bank card.
const NUMBER_DIGITS_MAX: usize = 19;

/// Adds the phone and bank-card numbers of a text. O(symbols × [`NUMBER_DIGITS_MAX`]).
pub(super) fn find_into(text: &FoldedText, out: &mut Collector<'_>) {
    let mut next = next_group(text, 0);
    while let Some(first) = next {
        let Some((kind, end, digits)) = longest_number(text, first) else {
            next = next_group(text, first.end);
            continue;
        };
        let range = SymbolRange { start: first.start, end };
        if out.is_free(range) {
            let transforms = text.transforms_of(range, true) | written(text, range);
            out.push(Slot { kind, canonical: digits, range, transforms });
        }
        next = next_group(text, end);
    }
}

/// The next run of digits from a symbol on.
fn next_group(text: &FoldedText, from: u32) -> Option<SymbolRange> {
    let symbols = text.symbols();
    let is_digit = |at: &usize| symbols[*at].numeral.value().is_some();
    let start = (from as usize..symbols.len()).find(is_digit)?;
    let end = (start..symbols.len()).find(|at| !is_digit(at)).unwrap_or(symbols.len());
    Some(SymbolRange { start: as_u32(start), end: as_u32(end) })
}

/// The run of digits behind a group, if only a few separators stand between them.
fn joined_group(text: &FoldedText, group: SymbolRange) -> Option<SymbolRange> {
    let gap = text.symbols()[group.end as usize..].iter().take(GAP_SYMBOLS_MAX as usize + 1);
    let length = gap
        .take_while(|s| s.numeral.value().is_none() && matches!(s.class, Class::Blank | Class::Noise))
        .count();
    let next = group.end + as_u32(length);
    let is_digit = text.symbols().get(next as usize).is_some_and(|s| s.numeral.value().is_some());
    next_group(text, next).filter(|_| is_digit && length <= GAP_SYMBOLS_MAX as usize)
}

/// The longest number that starts with a group and ends with one: its kind, its end and its canonical form.
fn longest_number(text: &FoldedText, first: SymbolRange) -> Option<(SlotKind, u32, String)> {
    let (mut digits, mut length) = ([0_u8; NUMBER_DIGITS_MAX], 0);
    let (mut group, mut found) = (Some(first), None);
    while let Some(run) = group.filter(|run| length + run.len() as usize <= NUMBER_DIGITS_MAX) {
        for symbol in &text.symbols()[run.indexes()] {
            if let Some(value) = symbol.numeral.value() {
                digits[length] = b'0' + value;
                length += 1;
            }
        }
        // ASCII digits only.
        let number = std::str::from_utf8(&digits[..length]).unwrap_or("");
        if let Some((kind, canonical)) = shape(number) {
            found = Some((kind, run.end, canonical.to_owned()));
        }
        group = joined_group(text, run);
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
