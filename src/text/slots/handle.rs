//! Chat ids and codes behind the word that announces them.

use super::{Collector, Hint, HintKind, Slot, SlotKind, digits};
use crate::text::folded::{Class, FoldedText, SymbolRange, as_u32};

/// Most symbols between the hint and the id.
const LEAD_SYMBOLS_MAX: usize = 8;
/// Most separators between two characters of a spaced id.
const GAP_SYMBOLS_MAX: usize = 2;
/// Longest id.
const ID_CHARS_MAX: usize = 32;

/// Adds the id that follows a hint, if there is one. O(1).
pub(super) fn find_into(text: &FoldedText, hint: Hint, out: &mut Collector<'_>) {
    let (start, announced) = skip_lead(text, hint.range.end as usize);
    let mut canonical = String::new();
    let end = read_id(text, start, &mut canonical);
    if end == start {
        return;
    }
    let Some(kind) = accept(hint.kind, &canonical, announced) else { return };
    let range = SymbolRange { start: as_u32(start), end: as_u32(end) };
    if out.is_free(range) {
        let transforms = text.transforms_of(range, true) | digits::written(text, range);
        out.push(Slot { kind, canonical, range, transforms });
    }
}

/// Skips 号, colons and the like; says whether one of them announced an id expressly.
fn skip_lead(text: &FoldedText, from: usize) -> (usize, bool) {
    let (mut at, mut announced) = (from, false);
    while at < text.symbols().len() && at - from < LEAD_SYMBOLS_MAX {
        let symbol = text.symbols()[at];
        let c = text.char_at(as_u32(at)).unwrap_or('\n');
        match c {
            '号' | '码' | ':' | '+' | '=' | '@' => announced = true,
            '是' | '为' | '我' | '加' | '名' | '同' | '群' | '搜' | '联' | '系' => {}
            _ if matches!(symbol.class, Class::Blank | Class::Noise) => {}
            _ => break,
        }
        at += 1;
    }
    (at, announced)
}

/// Reads Latin letters, digits and numerals with small gaps into `id`; returns the place behind the last one.
fn read_id(text: &FoldedText, start: usize, id: &mut String) -> usize {
    let symbols = text.symbols();
    let (mut at, mut end, mut gap) = (start, start, 0);
    while at < symbols.len() && id.len() < ID_CHARS_MAX {
        let symbol = symbols[at];
        let c = text.char_at(as_u32(at)).unwrap_or('\n');
        if let Some(value) = symbol.numeral.value() {
            id.push(char::from(b'0' + value));
        } else if symbol.class == Class::Latin || (matches!(c, '_' | '-') && gap == 0) {
            // A blank before a further word of letters ends the id: `wx abc123 hello`.
            if gap > 0 && id.len() >= 5 && id.bytes().any(|b| b.is_ascii_lowercase()) {
                break;
            }
            id.push(c);
        } else if matches!(symbol.class, Class::Blank | Class::Noise) && c != ':' && gap < GAP_SYMBOLS_MAX {
            gap += 1;
            at += 1;
            continue;
        } else {
            break;
        }
        gap = 0;
        at += 1;
        end = at;
    }
    let trimmed = id.trim_end_matches(['-', '_']).len();
    let extra = id.len() - trimmed;
    id.truncate(trimmed);
    end - extra
}

/// What an id is behind a hint, if its shape fits.
fn accept(hint: HintKind, id: &str, announced: bool) -> Option<SlotKind> {
    let all_digits = id.bytes().all(|b| b.is_ascii_digit());
    let has_digit = id.bytes().any(|b| b.is_ascii_digit());
    let starts_with_letter = id.starts_with(|c: char| c.is_ascii_lowercase());
    if all_digits && digits::is_mobile(id) {
        return Some(if hint == HintKind::Wechat { SlotKind::Wechat } else { SlotKind::Phone });
    }
    match hint {
        HintKind::Wechat => {
            let name = starts_with_letter && (5..=20).contains(&id.len()) && (has_digit || announced);
            let number = all_digits && (6..=11).contains(&id.len());
            (name || number).then_some(SlotKind::Wechat)
        }
        HintKind::Qq => {
            let number = all_digits && (5..=11).contains(&id.len()) && !id.starts_with('0');
            number.then_some(SlotKind::Qq)
        }
        HintKind::Telegram => {
            let name = starts_with_letter && (5..=32).contains(&id.len()) && (has_digit || announced);
            name.then_some(SlotKind::Telegram)
        }
        HintKind::InviteCode => ((4..=12).contains(&id.len()) && has_digit).then_some(SlotKind::InviteCode),
    }
}
