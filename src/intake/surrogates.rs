//! Halves of characters in JSON: `"\ud83d"`, as programs write that cut a text inside an emoji.

use memchr::memmem;

/// Bytes of one escape, `\ud83d`.
const ESCAPE: usize = 6;

/// Puts U+FFFD where an escape is half of a surrogate pair and the other half is missing, so that a text that was cut
/// inside an emoji is judged instead of rejected. Lengths and the number of characters stay. O(bytes).
pub(crate) fn mend(json: &mut [u8]) {
    let mut from = 0;
    while let Some(found) = memmem::find(&json[from..], b"\\u") {
        let at = from + found;
        from = at + 2;
        let Some(half) = half(&json[at..]) else { continue };
        let before = json[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if before % 2 == 1 {
            // The backslash is itself escaped.
            continue;
        }
        if half == Half::High && json.get(at + ESCAPE..).and_then(self::half) == Some(Half::Low) {
            from = at + 2 * ESCAPE;
            continue;
        }
        json[at..at + ESCAPE].copy_from_slice(b"\\ufffd");
        from = at + ESCAPE;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    High,
    Low,
}

/// The half that an escape at the front stands for.
fn half(json: &[u8]) -> Option<Half> {
    let [b'\\', b'u', b'd' | b'D', second, third, fourth, ..] = json else { return None };
    if !third.is_ascii_hexdigit() || !fourth.is_ascii_hexdigit() {
        return None;
    }
    match second {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Half::High),
        b'c'..=b'f' | b'C'..=b'F' => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn mended(json: &str) -> String {
        let mut bytes = json.as_bytes().to_vec();
        mend(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn halves_are_replaced_and_pairs_are_kept() {
        for (json, want) in [
            (r#""a\ud83d""#, r#""a\ufffd""#),
            (r#""\ude00\ud83d\ude00\uD83D\u0041""#, r#""\ufffd\ud83d\ude00\ufffd\u0041""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d \\\ud83d""#, r#""\\ud83d \\\ufffd""#),
            (r#""\ud83""#, r#""\ud83""#),
            (r#""\ud83d\\ude00""#, r#""\ufffd\\ude00""#),
        ] {
            assert_eq!(mended(json), want);
        }
    }

    proptest! {
        /// What JSON says of UTF-16, told by the standard library.
        #[test]
        fn the_text_is_what_lossy_utf16_decoding_gives(units in prop::collection::vec(
            prop_oneof![Just(0x5Cu16), 0xD7F0u16..0xE010, any::<u16>()], 0..24,
        )) {
            let escaped = units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
            let value: Value = serde_json::from_str(&mended(&format!("\"{escaped}\""))).unwrap();
            let want = String::from_utf16_lossy(&units);
            prop_assert_eq!(value.as_str(), Some(want.as_str()));
        }
    }
}
