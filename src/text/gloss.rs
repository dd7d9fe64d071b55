//! Readings in brackets behind a Han character, as in `臺(tái)灣`.

use super::folded::Class;
use super::table::{Act, FoldTable};

/// Longest reading, in characters: `zhuang` with a combining tone mark is 7.
const GLOSS_CHARS_MAX: usize = 8;

/// The bytes of the gloss that `text` starts with, brackets included, or nothing if the brackets hold anything else.
///
/// A reading with a tone mark, or in zhuyin, counts behind any Han character; a toneless one only behind a character
/// that is read so, because brackets hold ordinary Latin words as well.
pub(super) fn length(table: &FoldTable, han: char, text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let close = match chars.next()?.1 {
        '(' => ')',
        '（' => '）',
        '[' => ']',
        '［' => '］',
        '【' => '】',
        '〔' => '〕',
        _ => return None,
    };
    let mut syllable = [0_u8; GLOSS_CHARS_MAX];
    let (mut letters, mut zhuyin, mut toned) = (0, 0, false);
    for (count, (at, c)) in chars.enumerate() {
        if c == close {
            let syllable = std::str::from_utf8(syllable.get(..letters)?).ok()?;
            let is_reading = if zhuyin > 0 {
                letters == 0
            } else {
                (toned && table.is_syllable(syllable)) || table.reads_as(han, syllable)
            };
            return is_reading.then_some(at + c.len_utf8());
        }
        if count >= GLOSS_CHARS_MAX {
            return None;
        }
        if matches!(c, '\u{3105}'..='\u{312F}' | 'ˊ' | 'ˇ' | 'ˋ' | '˙' | 'ˉ') {
            zhuyin += 1;
            continue;
        }
        let entry = table.entry(c);
        match entry.act() {
            Act::Drop => toned = true,
            Act::Keep if entry.class() == Class::Latin => {
                toned |= !c.is_ascii();
                let letter = if matches!(c, 'ü' | 'ǖ' | 'ǘ' | 'ǚ' | 'ǜ') { 'v' } else { entry.target() };
                *syllable.get_mut(letters)? = u8::try_from(letter).ok()?;
                letters += 1;
            }
            _ => return None,
        }
    }
    None
}
