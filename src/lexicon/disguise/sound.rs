//! The text as it sounds: one symbol per syllable, whether it is written in Han or in Latin letters.

use super::as_u32;
use super::tables::{DIGITS, DisguiseTables, Syllable};
use crate::text::{Class, FoldedText};

/// Symbols of syllable classes stand here, in the private use area; Latin letters stand for themselves.
const SYLLABLES: std::ops::RangeInclusive<u32> = 0xE000..=0xF8FF;

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

/// Whether a character is read together with its neighbours.
fn is_letter(c: char) -> bool {
    c.is_ascii_lowercase() || is_zhuyin(c) || is_foreign(c)
}

/// The usual reading of a character that is read by itself; digits are read as their words.
fn sound_of(tables: &DisguiseTables, c: char) -> Syllable {
    match DIGITS.get((c as usize).wrapping_sub('0' as usize)) {
        Some(digit) => tables.usual(*digit),
        None => tables.usual(c),
    }
}

/// What the view shows of a character. Letters and the symbols of syllables stand for themselves.
pub(super) fn shown(tables: &DisguiseTables, c: char) -> char {
    let is_symbol = SYLLABLES.contains(&u32::from(c));
    match sound_of(tables, c) {
        0 => c,
        _ if is_symbol || is_letter(c) => c,
        syllable => symbol_of(tables.class(syllable)),
    }
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
    /// Whether the text has no letters, so that each dense character is a unit and [`shown`] makes its symbol. Most
    /// texts are such, and need neither list.
    is_plain: bool,
    units: Vec<Unit>,
    symbols: Vec<char>,
    letters: Vec<u8>,
    zhuyin: Vec<char>,
    syllables: Vec<(usize, Syllable)>,
}

/// The symbol of a class of syllables.
pub(super) fn symbol_of(class: Syllable) -> char {
    char::from_u32(SYLLABLES.start() + u32::from(class)).unwrap_or('\0')
}

impl SoundView {
    /// Makes the view of a text. O(characters), O(1) for a text without letters.
    pub(super) fn fill(&mut self, tables: &DisguiseTables, text: &FoldedText) {
        self.units.clear();
        self.symbols.clear();
        self.is_plain = text.count(Class::Latin) + text.count(Class::Letter) == 0;
        if !self.is_plain {
            self.read(tables, text);
        }
    }

    /// The symbols, if they are not those that [`shown`] makes of the dense characters.
    pub(super) fn symbols(&self) -> Option<&[char]> {
        (!self.is_plain).then_some(&self.symbols)
    }

    /// The units of a range of symbols.
    pub(super) fn units<'v>(
        &'v self,
        tables: &'v DisguiseTables,
        text: &'v FoldedText,
        symbols: std::ops::Range<u32>,
    ) -> impl Iterator<Item = Unit> + 'v {
        symbols.map_while(move |index| {
            if !self.is_plain {
                return self.units.get(index as usize).copied();
            }
            let syllable = sound_of(tables, text.dense_char(index)?);
            Some(Unit { first: index, end: index + 1, syllable, is_latin: false })
        })
    }

    fn read(&mut self, tables: &DisguiseTables, text: &FoldedText) {
        let (mut word_start, mut end) = (0, 0);
        for (index, c) in (0_u32..).zip(text.dense_chars()) {
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
            let syllable = sound_of(tables, c);
            self.push(Unit { first: index, end: index + 1, syllable, is_latin: false }, shown(tables, c));
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::FoldTable;

    proptest! {
        #[test]
        fn a_text_without_letters_reads_the_same_with_and_without_a_list(text in "[微信乐能嫩0-9，。 x]{0,24}") {
            let readings = "微\twei\n信\txin\n乐\tle,yue\n能\tneng\n嫩\tnen\n零\tling\n一\tyi\n";
            let tables = DisguiseTables::parse(|name| (name == "readings.tsv").then_some(readings))
                .expect("the readings can be read");
            let table = FoldTable::build(|_| Some("")).expect("empty files are tables");
            let mut folded = FoldedText::default();
            folded.fold(&table, &text);
            let (mut view, mut listed) = (SoundView::default(), SoundView::default());
            view.fill(&tables, &folded);
            listed.read(&tables, &folded);
            prop_assert_eq!(view.symbols().is_none(), !text.contains('x'));
            let shown_symbols: Vec<char> = folded.dense_chars().map(|c| shown(&tables, c)).collect();
            let symbols = view.symbols().map_or(shown_symbols, <[char]>::to_vec);
            let again: Vec<char> = symbols.iter().map(|c| shown(&tables, *c)).collect();
            prop_assert_eq!(&symbols, &listed.symbols);
            prop_assert_eq!(&symbols, &again, "a view is shown as it is");
            let units = |view: &SoundView| -> Vec<(u32, u32, Syllable, bool)> {
                let all = view.units(&tables, &folded, 0..as_u32(symbols.len()));
                all.map(|unit| (unit.first, unit.end, unit.syllable, unit.is_latin)).collect()
            };
            prop_assert_eq!(units(&view), units(&listed));
        }
    }

    #[test]
    fn a_text_without_latin_and_other_letters_has_no_letter_that_is_read_with_its_neighbours() {
        for c in '\0'..=char::MAX {
            let class = crate::text::class_of(c);
            if is_letter(c) && class.is_dense() {
                assert!(matches!(class, Class::Latin | Class::Letter), "{c:?}");
            }
        }
    }
}
