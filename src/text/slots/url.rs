//! Web and e-mail addresses, defanged ones too: `baidu点com`, `t。me/x`, `hxxp://a[.]b`.

use super::chars::{Buffer, Chars};
use super::words::Words;
use super::{Collector, Slot, SlotKind};
use crate::text::folded::{Class, SymbolRange, Transforms, as_u32};

/// Longest address that is read, in symbols.
const ADDRESS_SYMBOLS_MAX: usize = 256;
/// Most labels of a host name.
const LABELS_MAX: usize = 8;
/// Length of a top-level domain in which digits may stand for letters: shorter ones are version numbers.
const RESTORED_CHARS_MIN: usize = 3;
const RESTORED_CHARS_MAX: usize = 16;
/// Longest word for an at sign, in symbols.
const SPOKEN_AT_SYMBOLS_MAX: usize = 5;
/// Letters and digits of a share code.
const SHARE_CODE_CHARS: std::ops::RangeInclusive<usize> = 8..=14;
/// Hosts whose paths are Telegram names, and paths that are none.
const TELEGRAM_HOSTS: [&str; 3] = ["t.me", "telegram.me", "telegram.dog"];
const TELEGRAM_PATHS: [&str; 5] = ["joinchat", "addlist", "addstickers", "proxy", "share"];

/// A dot, plainly written or not.
struct Dot {
    /// Symbols that it takes.
    len: usize,
    defanged: bool,
}

/// Adds the addresses of a text. O(symbols).
pub(super) fn find_into(words: &Words, chars: Chars<'_>, out: &mut Collector<'_>) {
    let reader = Reader { words, chars };
    let (mut at, mut floor) = (0, 0);
    while at < chars.text.symbols().len() {
        let may_be_dot = at > floor && chars.is_host(at - 1) && dot_at(chars, at).is_some();
        let is_scheme = chars.at(at) == ':' && chars.at(at + 1) == '/' && chars.at(at + 2) == '/';
        let found = if let Some(len) = share_code(chars, at) {
            let code: String = (at + 1..at + len - 1).map(|index| chars.at(index)).collect();
            Some(slot(chars, SlotKind::Url, code, at..at + len, false))
        } else if is_scheme {
            reader.behind_scheme(at, floor)
        } else if may_be_dot {
            reader.around_dot(at, floor)
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

/// Length of a share code at an index, its signs included: `￥kR7dXq2Lp￥`, which an app opens as an address.
fn share_code(chars: Chars<'_>, index: usize) -> Option<usize> {
    let sign = chars.at(index);
    if !matches!(sign, '¥' | '￥' | '$' | '€' | '£' | '₤' | '₴' | '₳' | '₰') {
        return None;
    }
    let is_code = |at: &usize| matches!(chars.class(*at), Class::Latin | Class::Digit);
    let len = (index + 1..=index + 1 + SHARE_CODE_CHARS.end()).take_while(is_code).count();
    let code = index + 1..index + 1 + len;
    let has = |class: Class| code.clone().any(|at| chars.class(at) == class);
    let is_closed = chars.at(code.end) == sign && SHARE_CODE_CHARS.contains(&len);
    (is_closed && has(Class::Latin) && has(Class::Digit)).then_some(len + 2)
}

/// What an address is read with.
#[derive(Clone, Copy)]
struct Reader<'t> {
    words: &'t Words,
    chars: Chars<'t>,
}

#[derive(Clone, Copy)]
struct Host {
    name: Name,
    end: usize,
    defanged: bool,
}

/// Where the labels of a host stand, and its top-level domain where digits stood in it for letters.
#[derive(Clone, Copy)]
struct Name {
    start: usize,
    end: usize,
    /// Start of the last label.
    last: usize,
    restored: Option<Buffer>,
}

/// An at sign in front of a host: where it begins, and where the host does.
#[derive(Clone, Copy)]
struct AtSign {
    start: usize,
    host: usize,
    /// Whether it is `@` itself.
    plain: bool,
    /// Whether it means that only in front of a host that is known for mail.
    weak: bool,
}

impl Reader<'_> {
    /// An address whose first dot stands at `dot_index`.
    fn around_dot(self, dot_index: usize, floor: usize) -> Option<Slot> {
        let chars = self.chars;
        let mut start = dot_index;
        while start > floor && dot_index - start < ADDRESS_SYMBOLS_MAX && chars.is_host(start - 1) {
            start -= 1;
        }
        let host = self.read_host(start, false)?;
        match self.at_sign(start, floor) {
            Some(sign) if sign.plain => self.email(sign, &host, floor),
            Some(sign) => {
                let host_behind = self.read_host(sign.host, false).unwrap_or(host);
                self.email(sign, &host_behind, floor).or_else(|| Some(self.finish(start, &host)))
            }
            None => Some(self.finish(start, &host)),
        }
    }

    /// The at sign in front of a host, plain or not: `@`, `#`, `(at)`, 艾特, 圈a.
    fn at_sign(self, host: usize, floor: usize) -> Option<AtSign> {
        let chars = self.chars;
        let before = |back: usize| host.checked_sub(back).filter(|at| *at >= floor);
        let last = before(1)?;
        if chars.at(last) == '@' || chars.at(last) == '#' {
            let plain = chars.at(last) == '@';
            return Some(AtSign { start: last, host, plain, weak: !plain });
        }
        if chars.at(last) == '圈' && chars.at(host) == 'a' {
            return Some(AtSign { start: last, host: host + 1, plain: false, weak: false });
        }
        (1..=SPOKEN_AT_SYMBOLS_MAX).filter_map(before).find_map(|start| {
            let (sign, len) = self.words.spoken(chars, start)?;
            let is_here = sign == '@' && start + len == host;
            is_here.then_some(AtSign { start, host, plain: false, weak: false })
        })
    }

    /// An address behind `://`; its host may be a number or end in an unknown domain.
    fn behind_scheme(self, colon: usize, floor: usize) -> Option<Slot> {
        let mut start = colon;
        while start > floor && colon - start < 6 && self.chars.class(start - 1) == Class::Latin {
            start -= 1;
        }
        let host = self.read_host(colon + 3, true)?;
        Some(self.finish(start, &host))
    }

    /// Reads labels and dots from `start`; keeps the longest prefix that ends in a known top-level domain.
    fn read_host(self, start: usize, any_domain: bool) -> Option<Host> {
        let chars = self.chars;
        let (mut at, mut labels, mut defanged, mut found) = (start, 0, false, None);
        let mut any_domain = any_domain;
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
            // Nothing but an address begins like this, whatever it ends in.
            any_domain |= labels == 1 && label == "www";
            if labels > 1 {
                let name = |restored| Name { start, end: at, last: label_start, restored };
                if self.words.is_top_level(label) {
                    found = Some((name(None), defanged));
                } else if let Some(domain) = self.restored(label) {
                    found = Some((name(Some(domain)), true));
                } else if any_domain {
                    found = Some((name(None), defanged));
                }
            }
            let Some(dot) = dot_at(chars, at) else { break };
            at += dot.len;
            defanged |= dot.defanged;
        }
        let (name, defanged) = found?;
        Some(Host { name, end: name.end, defanged })
    }

    /// The top-level domain that a label with digits in place of letters shows: `c0m`, `ne7`.
    fn restored(self, label: &str) -> Option<Buffer> {
        let has_both =
            label.bytes().any(|b| b.is_ascii_digit()) && label.bytes().any(|b| b.is_ascii_lowercase());
        if !has_both || !(RESTORED_CHARS_MIN..=RESTORED_CHARS_MAX).contains(&label.len()) {
            return None;
        }
        // 1 stands for two letters.
        ['l', 'i'].into_iter().find_map(|one| {
            let mut domain = Buffer::new();
            for c in label.chars() {
                domain.push(match c {
                    '0' => 'o',
                    '1' => one,
                    '3' => 'e',
                    '5' => 's',
                    '7' => 't',
                    other => other,
                });
            }
            self.words.is_top_level(domain.as_str()).then_some(domain)
        })
    }

    /// Appends the path and decides what kind of address it is.
    fn finish(self, start: usize, host: &Host) -> Slot {
        let chars = self.chars;
        let mut canonical = name_of(chars, &host.name);
        let (mut end, mut defanged) = (host.end, host.defanged);
        let mut at = host.end;
        while at - host.end < ADDRESS_SYMBOLS_MAX {
            let spoken = || self.words.spoken(chars, at).filter(|(_, len)| chars.is_host(at + len));
            if at == host.end && chars.at(at) != '/' && spoken().is_none_or(|(sign, _)| sign != '/') {
                break;
            }
            if is_path(chars, at) {
                canonical.push(chars.at(at));
                at += 1;
            } else if let Some((sign, len)) = spoken().filter(|(sign, _)| matches!(sign, '/' | '_' | '-')) {
                canonical.push(sign);
                defanged = true;
                at += len;
            } else {
                break;
            }
            end = at;
        }
        // What closes a sentence is not part of the address.
        let kept = closed(&canonical).len();
        end -= (canonical.len() - kept).min(end - host.end);
        canonical.truncate(kept);
        let (kind, canonical) = named(&canonical);
        slot(chars, kind, canonical, start..end, defanged)
    }

    fn email(self, sign: AtSign, host: &Host, floor: usize) -> Option<Slot> {
        let chars = self.chars;
        let mut start = sign.start;
        let is_local = |index: usize| chars.is_host(index) || matches!(chars.at(index), '.' | '_' | '+');
        while start > floor && sign.start - start < ADDRESS_SYMBOLS_MAX && is_local(start - 1) {
            start -= 1;
        }
        let domain = name_of(chars, &host.name);
        if start == sign.start || (sign.weak && !self.words.is_mail_host(&domain)) {
            return None;
        }
        let local: String = (start..sign.start).map(|index| chars.at(index)).collect();
        let defanged = host.defanged || !sign.plain;
        Some(slot(chars, SlotKind::Email, format!("{local}@{domain}"), start..host.end, defanged))
    }
}

/// An address without the punctuation at its end, brackets that it opens itself set aside.
fn closed(address: &str) -> &str {
    let is_closing = |c: char| match c {
        ']' => !address.contains('['),
        '}' => !address.contains('{'),
        _ => matches!(c, '.' | '!' | '?' | ':' | '*' | '~' | '|' | '\\'),
    };
    address.trim_end_matches(is_closing)
}

/// The kind and the canonical form of an address.
fn named(address: &str) -> (SlotKind, String) {
    let address = address.trim_end_matches('/');
    let path = TELEGRAM_HOSTS.iter().find_map(|host| address.strip_prefix(host)?.strip_prefix('/'));
    let Some(path) = path else { return (SlotKind::Url, address.to_owned()) };
    let path = path.strip_prefix("s/").unwrap_or(path);
    let name = path.split(['/', '?']).next().unwrap_or("");
    let is_name = (5..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !TELEGRAM_PATHS.contains(&name);
    (SlotKind::Telegram, if is_name { name.to_owned() } else { format!("t.me/{path}") })
}

/// The dot at an index: `.`, `。`, 点, `[.]`, `(点)`, with at most one blank on either side of a defanged one.
fn dot_at(chars: Chars<'_>, index: usize) -> Option<Dot> {
    let mut at = index;
    let mut bracketed = false;
    if chars.class(at) == Class::Blank {
        at += 1;
    }
    if matches!(chars.at(at), '[' | '(' | '{' | '【') {
        bracketed = true;
        at += 1;
    }
    let in_letters = |at: usize| ['d', 'o', 't'].into_iter().zip(at..).all(|(c, at)| chars.at(at) == c);
    let defanged = match chars.at(at) {
        '.' => at != index,
        '。' | '点' | '點' | '·' | '丶' => true,
        // (dot), or the word between two blanks.
        'd' if in_letters(at) && (bracketed || at > index && chars.class(at + 3) == Class::Blank) => {
            at += 2;
            true
        }
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

/// The labels between two places with plain dots between them. Written only once an address is known to be one, so
/// that ordinary text allocates nothing.
fn name_of(chars: Chars<'_>, host: &Name) -> String {
    let (mut name, mut at) = (String::new(), host.start);
    let end = if host.restored.is_some() { host.last } else { host.end };
    while at < end {
        if chars.is_host(at) {
            name.push(chars.at(at));
            at += 1;
        } else {
            name.push('.');
            at += dot_at(chars, at).map_or(1, |dot| dot.len);
        }
    }
    name.push_str(host.restored.as_ref().map_or("", Buffer::as_str));
    name
}

fn is_path(chars: Chars<'_>, index: usize) -> bool {
    chars.at(index).is_ascii_graphic()
        && !matches!(chars.at(index), ',' | ';' | '"' | '\'' | '<' | '>' | '(' | ')')
}

fn slot(
    chars: Chars<'_>,
    kind: SlotKind,
    canonical: String,
    range: std::ops::Range<usize>,
    defanged: bool,
) -> Slot {
    let range = SymbolRange { start: as_u32(range.start), end: as_u32(range.end) };
    let read_as = if defanged { Transforms::READ_AS } else { Transforms::empty() };
    Slot { kind, canonical, range, transforms: chars.text.transforms_of(range, false) | read_as }
}
