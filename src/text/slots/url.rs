//! Web and e-mail addresses, defanged ones too: `baidu点com`, `t。me/x`, `hxxp://a[.]b`.

use super::{Collector, Slot, SlotFinder, SlotKind};
use crate::text::folded::{Class, FoldedText, SymbolRange, Transforms, as_u32};

/// Longest address that is read, in symbols.
const ADDRESS_SYMBOLS_MAX: usize = 256;
/// Most labels of a host name.
const LABELS_MAX: usize = 8;

/// A dot, plainly written or not.
struct Dot {
    /// Symbols that it takes.
    len: usize,
    defanged: bool,
}

/// Adds the addresses of a text. O(symbols).
pub(super) fn find_into(finder: &SlotFinder, text: &FoldedText, out: &mut Collector<'_>) {
    let chars = Chars { text };
    let (mut at, mut floor) = (0, 0);
    while at < text.symbols().len() {
        let may_be_dot = at > floor && chars.is_host(at - 1) && dot_at(&chars, at).is_some();
        let is_scheme = chars.at(at) == ':' && chars.at(at + 1) == '/' && chars.at(at + 2) == '/';
        let found = if is_scheme {
            behind_scheme(finder, &chars, at, floor)
        } else if may_be_dot {
            around_dot(finder, &chars, at, floor)
        } else {
            None
        };
        match found {
            Some(slot) => {
                at = slot.range.end as usize;
                floor = at;
                out.push(slot);
            }
            None => at += 1,
        }
    }
}

/// Random access to the folded characters.
struct Chars<'t> {
    text: &'t FoldedText,
}

impl Chars<'_> {
    /// The character at an index, a line break behind the end.
    fn at(&self, index: usize) -> char {
        self.text.char_at(as_u32(index)).unwrap_or('\n')
    }

    fn class(&self, index: usize) -> Class {
        self.text.symbols().get(index).map_or(Class::Clause, |s| s.class)
    }

    /// Whether a host label may hold the character.
    fn is_host(&self, index: usize) -> bool {
        matches!(self.class(index), Class::Latin | Class::Digit) || self.at(index) == '-'
    }
}

/// The dot at an index: `.`, `。`, 点, `[.]`, `(点)`, with at most one blank on either side of a defanged one.
fn dot_at(chars: &Chars<'_>, index: usize) -> Option<Dot> {
    let mut at = index;
    let mut bracketed = false;
    if chars.class(at) == Class::Blank {
        at += 1;
    }
    if matches!(chars.at(at), '[' | '(' | '{' | '【') {
        bracketed = true;
        at += 1;
    }
    let defanged = match chars.at(at) {
        '.' => at != index,
        '。' | '点' | '點' | '·' | '丶' => true,
        _ => return None,
    };
    at += 1;
    if bracketed {
        if !matches!(chars.at(at), ']' | ')' | '}' | '】') {
            return None;
        }
        at += 1;
    }
    if chars.class(at) == Class::Blank && (defanged || at - index > 1) {
        at += 1;
    }
    Some(Dot { len: at - index, defanged })
}

/// An address whose first dot stands at `dot_index`.
fn around_dot(finder: &SlotFinder, chars: &Chars<'_>, dot_index: usize, floor: usize) -> Option<Slot> {
    let mut start = dot_index;
    while start > floor && dot_index - start < ADDRESS_SYMBOLS_MAX && chars.is_host(start - 1) {
        start -= 1;
    }
    let host = read_host(finder, chars, start, false)?;
    if start > floor && chars.at(start - 1) == '@' {
        return email(chars, start, &host, floor);
    }
    Some(finish(chars, start, host))
}

/// An address behind `://`; its host may be a number or end in an unknown domain.
fn behind_scheme(finder: &SlotFinder, chars: &Chars<'_>, colon: usize, floor: usize) -> Option<Slot> {
    let mut start = colon;
    while start > floor && colon - start < 6 && chars.class(start - 1) == Class::Latin {
        start -= 1;
    }
    let host = read_host(finder, chars, colon + 3, true)?;
    Some(finish(chars, start, host))
}

struct Host {
    name: String,
    end: usize,
    defanged: bool,
}

/// Reads labels and dots from `start`; keeps the longest prefix that ends in a known top-level domain.
fn read_host(finder: &SlotFinder, chars: &Chars<'_>, start: usize, any_domain: bool) -> Option<Host> {
    let (mut at, mut labels, mut defanged, mut found) = (start, 0, false, None);
    loop {
        let label_start = at;
        while chars.is_host(at) && at - start < ADDRESS_SYMBOLS_MAX {
            at += 1;
        }
        if at == label_start || labels == LABELS_MAX {
            break;
        }
        labels += 1;
        let label = chars.text.plain_of(SymbolRange { start: as_u32(label_start), end: as_u32(at) });
        if labels > 1 && (any_domain || finder.is_top_level(label)) {
            found = Some((at, defanged));
        }
        let Some(dot) = dot_at(chars, at) else { break };
        at += dot.len;
        defanged |= dot.defanged;
    }
    let (end, defanged) = found?;
    Some(Host { name: name_of(chars, start, end), end, defanged })
}

/// The labels between two places with plain dots between them. Written only once an address is known to be one, so
/// that ordinary text allocates nothing.
fn name_of(chars: &Chars<'_>, start: usize, end: usize) -> String {
    let (mut name, mut at) = (String::new(), start);
    while at < end {
        if chars.is_host(at) {
            name.push(chars.at(at));
            at += 1;
        } else {
            name.push('.');
            at += dot_at(chars, at).map_or(1, |dot| dot.len);
        }
    }
    name
}

/// Appends the path and decides what kind of address it is.
fn finish(chars: &Chars<'_>, start: usize, host: Host) -> Slot {
    let mut canonical = host.name;
    let mut end = host.end;
    if chars.at(end) == '/' {
        while end - host.end < ADDRESS_SYMBOLS_MAX && is_path(chars, end) {
            canonical.push(chars.at(end));
            end += 1;
        }
    }
    let kind = if canonical.starts_with("t.me/") || canonical.starts_with("telegram.me/") {
        SlotKind::Telegram
    } else {
        SlotKind::Url
    };
    let canonical = canonical.trim_end_matches('/').to_owned();
    slot(chars, kind, canonical, start..end, host.defanged)
}

fn is_path(chars: &Chars<'_>, index: usize) -> bool {
    chars.at(index).is_ascii_graphic()
        && !matches!(chars.at(index), ',' | ';' | '"' | '\'' | '<' | '>' | '(' | ')')
}

fn email(chars: &Chars<'_>, host_start: usize, host: &Host, floor: usize) -> Option<Slot> {
    let at_sign = host_start - 1;
    let mut start = at_sign;
    let is_local = |index: usize| chars.is_host(index) || matches!(chars.at(index), '.' | '_' | '+');
    while start > floor && at_sign - start < ADDRESS_SYMBOLS_MAX && is_local(start - 1) {
        start -= 1;
    }
    if start == at_sign {
        return None;
    }
    let local: String = (start..at_sign).map(|index| chars.at(index)).collect();
    Some(slot(chars, SlotKind::Email, format!("{local}@{}", host.name), start..host.end, host.defanged))
}

fn slot(
    chars: &Chars<'_>,
    kind: SlotKind,
    canonical: String,
    range: std::ops::Range<usize>,
    defanged: bool,
) -> Slot {
    let range = SymbolRange { start: as_u32(range.start), end: as_u32(range.end) };
    let read_as = if defanged { Transforms::READ_AS } else { Transforms::empty() };
    Slot { kind, canonical, range, transforms: chars.text.transforms_of(range, false) | read_as }
}
