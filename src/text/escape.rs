//! Character references, percent escapes `\uXXXX` and `%uXXXX`, one level deep; and `\/`, which is drawn like a V.

/// Longest reference that is looked at, in bytes.
const REFERENCE_BYTES_MAX: usize = 24;

/// Named references that occur in text copied out of pages.
const NAMED: [(&str, char); 10] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("zwnj", '\u{200C}'),
    ("zwj", '\u{200D}'),
    ("shy", '\u{AD}'),
    ("middot", '·'),
];

/// Decodes the escape that `text` starts with: the character, the bytes that it takes, and whether writing a
/// character this way is a disguise (named references are ordinary).
pub(super) fn decode(text: &str) -> Option<(char, usize, bool)> {
    match text.as_bytes().first()? {
        b'&' => reference(text),
        b'%' if text.as_bytes().get(1) == Some(&b'u') => unicode(text.as_bytes()),
        b'%' => percent(text.as_bytes()),
        b'\\' if text.as_bytes().get(1) == Some(&b'/') => Some(('v', 2, true)),
        b'\\' => unicode(text.as_bytes()),
        _ => None,
    }
}

fn reference(text: &str) -> Option<(char, usize, bool)> {
    let bytes = text.as_bytes();
    if bytes.get(1) == Some(&b'#') {
        return numeric_reference(bytes);
    }
    let end = bytes.iter().take(REFERENCE_BYTES_MAX).position(|b| *b == b';')?;
    let body = text.get(1..end)?;
    let (_, c) = NAMED.into_iter().find(|(name, _)| *name == body)?;
    Some((c, end + 1, false))
}

/// `&#20449;`, `&#x4fe1;`; browsers take them without the semicolon and with zeros in front as well.
fn numeric_reference(bytes: &[u8]) -> Option<(char, usize, bool)> {
    let is_hex = matches!(bytes.get(2), Some(b'x' | b'X'));
    let start = if is_hex { 3 } else { 2 };
    let radix = if is_hex { 16 } else { 10 };
    let digits = bytes.get(start..)?.iter().take(REFERENCE_BYTES_MAX);
    let length = digits.take_while(|b| char::from(**b).is_digit(radix)).count();
    let digits = std::str::from_utf8(bytes.get(start..start + length)?).ok()?;
    let code = u32::from_str_radix(digits, radix).ok()?;
    let end = start + length;
    let semicolon = usize::from(bytes.get(end) == Some(&b';'));
    Some((char::from_u32(code)?, end + semicolon, true))
}

/// One character of a run of at least two escapes; a lone `%20` is more likely a discount.
fn percent(bytes: &[u8]) -> Option<(char, usize, bool)> {
    let mut raw = [0_u8; 4];
    raw[0] = percent_byte(bytes, 0)?;
    let width = match raw[0] {
        0x20..=0x7E => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    for (index, byte) in raw.iter_mut().enumerate().take(width).skip(1) {
        *byte = percent_byte(bytes, index)?;
    }
    if width == 1 && percent_byte(bytes, 1).is_none() {
        return None;
    }
    let c = std::str::from_utf8(raw.get(..width)?).ok()?.chars().next()?;
    Some((c, width * 3, true))
}

fn percent_byte(bytes: &[u8], index: usize) -> Option<u8> {
    let escape = bytes.get(index * 3..index * 3 + 3)?;
    if escape[0] != b'%' {
        return None;
    }
    Some(hex(escape[1])? << 4 | hex(escape[2])?)
}

fn unicode(bytes: &[u8]) -> Option<(char, usize, bool)> {
    let escape = bytes.get(..6)?;
    if escape[1] != b'u' {
        return None;
    }
    let mut code = 0;
    for digit in &escape[2..] {
        code = code << 4 | u32::from(hex(*digit)?);
    }
    Some((char::from_u32(code)?, 6, true))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_decode_to_one_character_and_their_length() {
        for (text, want) in [
            ("&#20449;x", Some(('信', 8, true))),
            ("&#x4FE1;", Some(('信', 8, true))),
            ("&#20449", Some(('信', 7, true))),
            ("&#x0004FE1 信", Some(('信', 10, true))),
            ("&amp;", Some(('&', 5, false))),
            ("&nbsp;", Some((' ', 6, false))),
            ("%E5%BE%AE%E4%BF%A1", Some(('微', 9, true))),
            ("%61%62", Some(('a', 3, true))),
            ("\\u5fae", Some(('微', 6, true))),
            ("\\/信", Some(('v', 2, true))),
            ("%20off", None),
            ("%E5%BE", None),
            ("%FF%FF", None),
            ("&#;", None),
            ("&#xD800;", None),
            ("&#99999999;", None),
            ("&unknown;", None),
            ("& 信;", None),
            ("&信信信信信信;", None),
            ("\\u5f", None),
            ("\\n", None),
            ("&", None),
            ("%", None),
        ] {
            assert_eq!(decode(text), want, "{text}");
        }
    }
}
