//! Runs of letters and digits that are text in base64 or in hexadecimal: `5Yqg5b6u5L+h` says 加微信.
//!
//! Nearly every run of letters decodes to some bytes. It is read only if these are UTF-8 and say something that people
//! hide: Han characters, a number, an address. Random letters practically never do.

use std::ops::Range;

/// Fewest bytes of a run: two Han characters in base64.
const RUN_BYTES_MIN: usize = 8;
/// Fewest bytes of a run in hexadecimal: two Han characters.
const HEX_BYTES_MIN: usize = 12;
/// Longest run that is decoded, in bytes.
const RUN_BYTES_MAX: usize = 2048;
/// Longest text that such a run holds, in bytes.
const TEXT_BYTES_MAX: usize = RUN_BYTES_MAX / 4 * 3;
/// Fewest Han characters of a hidden text.
const HAN_MIN: usize = 2;
/// Digits of a hidden number.
const DIGITS: std::ops::RangeInclusive<usize> = 5..=20;
/// Letters of the top-level domain of a hidden address.
const TOP_LEVEL_CHARS: std::ops::RangeInclusive<usize> = 2..=8;

/// Finds encoded runs; holds what the last one says.
#[derive(Debug)]
pub(super) struct Decoder {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { bytes: [0; TEXT_BYTES_MAX], len: 0 }
    }
}

impl Decoder {
    /// What the run that was found last says.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(self.bytes.get(..self.len).unwrap_or(&[])).unwrap_or("")
    }

    /// The next encoded run of a text from a byte on. O(bytes), of which only every eighth is looked at where there are
    /// no long runs of letters; asks for no memory.
    pub(super) fn next(&mut self, text: &str, from: usize) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let mut at = from + RUN_BYTES_MIN - 1;
        while at < bytes.len() {
            if !is_code(bytes[at]) {
                at += RUN_BYTES_MIN;
                continue;
            }
            let before = bytes[from..at].iter().rev().take_while(|byte| is_code(**byte)).count();
            let behind = bytes[at..].iter().take_while(|byte| is_code(**byte)).count();
            let run = at - before..at + behind;
            if let Some(found) = self.decode(bytes, run.clone()) {
                return Some(found);
            }
            at = run.end + RUN_BYTES_MIN;
        }
        None
    }

    /// Decodes a run, without what stands in front of an equals sign in it.
    fn decode(&mut self, bytes: &[u8], run: Range<usize>) -> Option<Range<usize>> {
        let piece = bytes.get(run.clone())?;
        let padding = piece.iter().rev().take_while(|byte| **byte == b'=').count();
        let body = piece.get(..piece.len() - padding)?;
        let start = body.iter().rposition(|byte| *byte == b'=').map_or(0, |place| place + 1);
        let body = body.get(start..)?;
        if !(RUN_BYTES_MIN..=RUN_BYTES_MAX).contains(&(body.len() + padding)) {
            return None;
        }
        let says = self.is_hex(body) || self.is_base64(body);
        says.then_some(run.start + start..run.end)
    }

    /// Appends bytes, as far as there is room; a run has room for what it holds.
    fn push(&mut self, bytes: &[u8]) {
        for (place, byte) in self.bytes[self.len..].iter_mut().zip(bytes) {
            *place = *byte;
            self.len += 1;
        }
    }

    fn is_base64(&mut self, body: &[u8]) -> bool {
        self.len = 0;
        for four in body.chunks(4) {
            let mut value = 0_u32;
            for byte in four {
                let Some(six) = sextet(*byte) else { return false };
                value = value << 6 | six;
            }
            value <<= 6 * (4 - four.len());
            let [_, one, two, three] = value.to_be_bytes();
            match four.len() {
                4 => self.push(&[one, two, three]),
                3 => self.push(&[one, two]),
                2 => self.push(&[one]),
                _ => return false,
            }
            // The first bytes of ordinary words are no text.
            if !is_text_start(self.bytes[0]) {
                return false;
            }
        }
        is_hidden_text(self.text())
    }

    fn is_hex(&mut self, body: &[u8]) -> bool {
        let is_even = body.len() >= HEX_BYTES_MIN && body.len().is_multiple_of(2);
        if !is_even || !body.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        self.len = 0;
        for pair in body.chunks(2) {
            let value = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
            let Some(value) = value.filter(|_| pair.len() == 2) else { return false };
            self.push(&[value]);
        }
        let text = self.text();
        !text.bytes().all(|byte| byte.is_ascii_digit()) && is_hidden_text(text)
    }
}

fn is_code(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// The value of a character of base64, of the alphabet for addresses too (RFC 4648, sections 4 and 5).
fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Whether a hidden text may begin with a byte: printable ASCII, or the first byte of a Han character or of Chinese
/// punctuation.
fn is_text_start(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | 0xE3..=0xE9 | 0xEF)
}

/// Whether a decoded text is what people hide: Han characters, a number, an address.
fn is_hidden_text(text: &str) -> bool {
    let is_han = |c: char| matches!(c, '\u{3400}'..='\u{9FFF}');
    let is_sign = |c: char| {
        c.is_ascii_graphic() || matches!(c, ' ' | '\n' | '\u{3000}'..='\u{303F}' | '\u{FF00}'..='\u{FF65}')
    };
    let han = text.chars().filter(|c| is_han(*c)).count();
    if han > 0 {
        return han >= HAN_MIN && text.chars().all(|c| is_han(c) || is_sign(c));
    }
    let is_number = DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || is_address(text)
}

/// Whether a text is a host name, with a scheme or a path or without.
fn is_address(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or("");
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let Some((names, top)) = host.rsplit_once('.') else { return false };
    let is_top = TOP_LEVEL_CHARS.contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_lowercase());
    is_top && names.split('.').all(is_label) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Base64 as RFC 4648 writes it, without padding: the reference for the decoder.
    fn encode(text: &str) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> =
            text.bytes().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
        let value = |six: &[u8]| (0..6).fold(0, |all, at| all << 1 | usize::from(*six.get(at).unwrap_or(&0)));
        bits.chunks(6).map(|six| char::from(ALPHABET[value(six)])).collect()
    }

    fn found(text: &str) -> Option<(String, String)> {
        let mut decoder = Decoder::default();
        let run = decoder.next(text, 0)?;
        Some((text[run].to_owned(), decoder.text().to_owned()))
    }

    #[test]
    fn hidden_texts_numbers_and_addresses_are_read() {
        for text in [
            "微信",
            "加微信 abc",
            "裸聊，加我",
            "13788990011",
            "lucky77.example.com",
            "https://a.example.cn/x?y=1",
        ] {
            let code = encode(text);
            for written in [code.clone(), format!("打开 {code}== 看"), format!("v={code}。")] {
                assert_eq!(
                    found(&written),
                    found(&code)
                        .map(|(run, said)| { (if written.contains("==") { run + "==" } else { run }, said) })
                );
                assert_eq!(found(&written).map(|(_, said)| said).as_deref(), Some(text), "{written}");
            }
        }
        assert_eq!(found("e58aa0e5beaee4bfa1").map(|(_, said)| said).as_deref(), Some("加微信"));
    }

    #[test]
    fn ordinary_words_and_codes_are_left_alone() {
        for text in [
            "facebook",
            "aGVsbG8gd29ybGQ=",
            "d41d8cd98f00b204e9800998ecf8427e",
            "13812345678",
            "6222021234567890123",
            "https://www.example.com/abcdefgh/ijklmnop",
            "SGVsbG8sV29ybGQ",
            "________",
            "========",
            "今天天气不错",
            "31333831323334353637",
            "JQ5Yaw5q",
            "",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_found_is_found_at_every_place() {
        let code = encode("加微信");
        for before in 0..20 {
            let text = "，".repeat(before) + &" ".repeat(before % 3) + &code + &"。".repeat(before % 5);
            assert_eq!(found(&text), Some((code.clone(), "加微信".to_owned())), "{text}");
        }
    }
}
