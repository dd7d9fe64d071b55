//! The text as it sounds: one symbol per syllable, whether it is written in Han or in Latin letters.

use super::as_u32;
use super::tables::{DIGITS, DisguiseTables, Syllable};
use crate::text::FoldedText;

/// Symbols of syllable classes stand here, in the private use area; Latin letters and digits stand for themselves.
const SYLLABLES_START: u32 = 0xE000;

/// Tone marks of zhuyin.
const TONES: [char; 4] = ['ˊ', 'ˇ', 'ˋ', '˙'];

/// Most Japanese or Korean letters in a row that are read; more are a text in that language.
const FOREIGN_CHARS_MAX: usize = 3;

fn is_zhuyin(c: char) -> bool {
    matches!(c, 'ㄅ'..='ㄯ') || TONES.contains(&c)
}

/// Kana and Hangul.
fn is_foreign(c: char) -> bool {
    matches!(c, 'ぁ'..='ヺ' | '가'..='힣')
}

/// One symbol of the view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// First dense character.
    pub(super) first: u32,
    /// One past the last dense character.
    pub(super) end: u32,
    /// The syllable; 0 for letters that spell none.
    pub(super) syllable: Syllable,
    /// Whether it is written in Latin letters or zhuyin.
    pub(super) is_latin: bool,
}

/// The view of sound; a reused buffer.
#[derive(Debug, Default)]
pub(super) struct SoundView {
    pub(super) units: Vec<Unit>,
    pub(super) symbols: Vec<char>,
    letters: Vec<u8>,
    zhuyin: Vec<char>,
    syllables: Vec<(usize, Syllable)>,
}

/// The symbol of a class of syllables.
pub(super) fn symbol_of(class: Syllable) -> char {
    char::from_u32(SYLLABLES_START + u32::from(class)).unwrap_or('\0')
}

impl SoundView {
    /// Makes the view of a text. O(characters).
    pub(super) fn fill(&mut self, tables: &DisguiseTables, text: &FoldedText) {
        self.units.clear();
        self.symbols.clear();
        let (mut word_start, mut end) = (0, 0);
        for (index, c) in (0_u32..).zip(text.dense().chars()) {
            end = index + 1;
            if c.is_ascii_lowercase() {
                if self.letters.is_empty() {
                    word_start = index;
                }
                self.letters.push(c as u8);
                continue;
            }
            self.flush(tables, text, word_start);
            if is_zhuyin(c) || is_foreign(c) {
                self.zhuyin.push(c);
                continue;
            }
            self.flush_zhuyin(tables, text, index);
            let syllable = match DIGITS.get((c as usize).wrapping_sub('0' as usize)) {
                Some(digit) => tables.usual(*digit),
                None => tables.usual(c),
            };
            let symbol = if syllable == 0 { c } else { symbol_of(tables.class(syllable)) };
            self.push(Unit { first: index, end: index + 1, syllable, is_latin: false }, symbol);
        }
        self.flush(tables, text, word_start);
        self.flush_zhuyin(tables, text, end);
    }

    /// Reads the zhuyin, or the Japanese or Korean letters, collected so far, which end in front of a dense character.
    fn flush_zhuyin(&mut self, tables: &DisguiseTables, text: &FoldedText, end: u32) {
        if self.zhuyin.is_empty() {
            return;
        }
        let zhuyin = std::mem::take(&mut self.zhuyin);
        let start = end - as_u32(zhuyin.len());
        let is_han = |index: u32| text.dense_char(index).is_some_and(|c| crate::text::class_of(c).is_han());
        let is_read = !zhuyin.iter().any(|c| is_foreign(*c))
            || zhuyin.len() <= FOREIGN_CHARS_MAX && (is_han(end) || start > 0 && is_han(start - 1));
        let mut at = 0;
        while at < zhuyin.len() {
            let read = if is_read { tables.zhuyin(&zhuyin[at..]) } else { None };
            let (length, syllable) = read.unwrap_or((1, 0));
            let tone = usize::from(zhuyin.get(at + length).is_some_and(|c| TONES.contains(c)));
            let (first, last) = (start + as_u32(at), start + as_u32(at + length + tone));
            let symbol = if syllable == 0 { zhuyin[at] } else { symbol_of(tables.class(syllable)) };
            self.push(Unit { first, end: last, syllable, is_latin: syllable != 0 }, symbol);
            at += length + tone;
        }
        self.zhuyin = zhuyin;
        self.zhuyin.clear();
    }

    fn push(&mut self, unit: Unit, symbol: char) {
        self.units.push(unit);
        self.symbols.push(symbol);
    }

    /// Reads the Latin letters collected so far, word by word; letters that stand alone are read together.
    fn flush(&mut self, tables: &DisguiseTables, text: &FoldedText, start: u32) {
        if self.letters.is_empty() {
            return;
        }
        let letters = std::mem::take(&mut self.letters);
        let touches = |index: usize| {
            let at = start + as_u32(index);
            text.from_dense(at, at + 2).len() == 2
        };
        let is_spaced = letters.len() > 2 && (0..letters.len() - 1).all(|index| !touches(index));
        let mut first = 0;
        while first < letters.len() {
            let mut end = first + 1;
            while end < letters.len() && (is_spaced || touches(end - 1)) {
                end += 1;
            }
            self.push_word(tables, &letters[first..end], start + as_u32(first));
            first = end;
        }
        self.letters = letters;
        self.letters.clear();
    }

    fn push_word(&mut self, tables: &DisguiseTables, word: &[u8], start: u32) {
        let mut syllables = std::mem::take(&mut self.syllables);
        tables.pinyin_into(word, &mut syllables);
        if syllables.is_empty() {
            for (index, letter) in (start..).zip(word) {
                let unit = Unit { first: index, end: index + 1, syllable: 0, is_latin: true };
                self.push(unit, char::from(*letter));
            }
        }
        let mut first = start;
        for (length, syllable) in &syllables {
            let end = first + as_u32(*length);
            let unit = Unit { first, end, syllable: *syllable, is_latin: true };
            self.push(unit, symbol_of(tables.class(*syllable)));
            first = end;
        }
        self.syllables = syllables;
    }
}

/// The symbols of a word in the view of sound, once per combination of readings, at most eight.
pub(super) fn spellings(tables: &DisguiseTables, word: &[char]) -> Vec<String> {
    let mut all = vec![String::new()];
    for c in word {
        let mut classes: Vec<char> = tables.readings(*c).map(|s| symbol_of(tables.class(s))).collect();
        classes.sort_unstable();
        classes.dedup();
        if classes.is_empty() {
            return Vec::new();
        }
        let more: Vec<String> =
            classes.iter().flat_map(|class| all.iter().map(move |head| format!("{head}{class}"))).collect();
        all = more;
        all.truncate(8);
    }
    all
}
