//! The word lists of `slots.toml`: how parts of a number are announced, what is to be done with it, and which
//! characters stand for digits by their sound or shape.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::chars::Chars;
use crate::text::folded::FoldedText;

/// The file `slots.toml` of a bundle. Words are written as they read after folding: simplified, lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotData {
    top_level_domains: HashSet<String>,
    #[serde(default)]
    mail_hosts: HashSet<String>,
    /// Digit → the characters that stand for it in a number.
    #[serde(default)]
    sounds: BTreeMap<String, String>,
    /// Sign → the words that it is spoken as.
    #[serde(default)]
    spoken: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    words: RawWords,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawWords {
    phone: Vec<String>,
    head: Vec<String>,
    middle: Vec<String>,
    tail: Vec<String>,
    neutral: Vec<String>,
    remove: Vec<String>,
    han: Vec<String>,
    letters: Vec<String>,
    signs: Vec<String>,
    insert: Vec<String>,
    lower: Vec<String>,
    replace: Vec<String>,
    each: Vec<String>,
    measure: Vec<String>,
}

/// Why the data of the slots is refused.
#[derive(Debug, thiserror::Error)]
pub enum SlotDataError {
    /// A key of `sounds` that is no digit.
    #[error("sounds: {0:?} is no digit")]
    Digit(String),
    /// A key of `spoken` that is not one ASCII character.
    #[error("spoken: {0:?} is not one ASCII character")]
    Sign(String),
    /// A word without characters.
    #[error("an empty word")]
    Empty,
}

/// What a word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKind {
    /// Announces a phone number: 电话.
    Phone,
    /// The first, a middle or the last part of a number: 前面, 中间, 最后.
    Part(Rank),
    /// Stands between announcement and number: 是, 数字.
    Neutral,
    /// 去掉.
    Remove,
    /// 汉字, 字母, 符号: what is to be removed.
    Object(Filler),
    /// 加, 插入.
    Insert,
    /// 减.
    Lower,
    /// 换成.
    Replace,
    /// 元, 个人: what stands before it is an amount.
    Measure,
    /// 每位.
    Each,
    /// A sign that is spoken: 下划线, 斜杠, 艾特.
    Spoken(char),
}

/// Which part of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Head,
    Middle,
    Tail,
}

/// What an author puts between the characters of a number, to be taken out by the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filler {
    Han,
    Letters,
    Signs,
}

/// A word found in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: WordKind,
    /// Symbols.
    pub(super) len: usize,
}

#[derive(Debug)]
struct Word {
    first: char,
    rest: Box<[char]>,
    kind: WordKind,
}

/// Characters are sorted by their lowest twelve bits.
const CHARS: usize = 1 << 12;

/// A set of characters that sometimes says yes of one that is not in it. 512 bytes.
#[derive(Debug)]
struct CharSet([u64; CHARS / 64]);

impl CharSet {
    fn add(&mut self, c: char) {
        self.0[(c as usize >> 6) & 63] |= 1 << (c as usize & 63);
    }

    fn may_hold(&self, c: char) -> bool {
        self.0[(c as usize >> 6) & 63] >> (c as usize & 63) & 1 != 0
    }
}

/// All lists, ready to look up.
#[derive(Debug)]
pub(super) struct Words {
    top_level_domains: HashSet<String>,
    mail_hosts: HashSet<String>,
    /// By the lowest bits of a character, one more than the place in `lists` of the words that begin with it; 0 where
    /// there are none. A word is looked for at every symbol of many texts.
    places: Box<[u16; CHARS]>,
    /// Words whose first characters have the same lowest bits, the longest first.
    lists: Vec<Vec<Word>>,
    edit_firsts: CharSet,
    part_firsts: CharSet,
    sounds: HashMap<char, u8>,
    sound_set: CharSet,
    /// Words for removing.
    pub(super) removals: Vec<Box<[char]>>,
}

impl TryFrom<SlotData> for Words {
    type Error = SlotDataError;

    fn try_from(data: SlotData) -> Result<Self, SlotDataError> {
        let empty = || CharSet([0; CHARS / 64]);
        let mut words = Self {
            top_level_domains: data.top_level_domains,
            mail_hosts: data.mail_hosts,
            places: Box::new([0; CHARS]),
            lists: Vec::new(),
            edit_firsts: empty(),
            part_firsts: empty(),
            sounds: HashMap::new(),
            sound_set: empty(),
            removals: Vec::new(),
        };
        for (digit, chars) in data.sounds {
            let value = digit.parse::<u8>().ok().filter(|value| *value <= 9);
            let value = value.ok_or(SlotDataError::Digit(digit))?;
            for c in chars.chars() {
                words.sounds.insert(c, value);
                words.sound_set.add(c);
            }
        }
        for (sign, names) in data.spoken {
            let mut chars = sign.chars();
            let (Some(c), None) = (chars.next().filter(char::is_ascii), chars.next()) else {
                return Err(SlotDataError::Sign(sign));
            };
            words.add(names, WordKind::Spoken(c))?;
        }
        words.add_lists(data.words)?;
        for list in &mut words.lists {
            list.sort_by_key(|word| std::cmp::Reverse(word.rest.len()));
        }
        Ok(words)
    }
}

impl Words {
    fn add_lists(&mut self, raw: RawWords) -> Result<(), SlotDataError> {
        self.removals = raw.remove.iter().map(|word| word.chars().collect()).collect();
        for (list, kind) in [
            (raw.phone, WordKind::Phone),
            (raw.head, WordKind::Part(Rank::Head)),
            (raw.middle, WordKind::Part(Rank::Middle)),
            (raw.tail, WordKind::Part(Rank::Tail)),
            (raw.neutral, WordKind::Neutral),
            (raw.remove, WordKind::Remove),
            (raw.han, WordKind::Object(Filler::Han)),
            (raw.letters, WordKind::Object(Filler::Letters)),
            (raw.signs, WordKind::Object(Filler::Signs)),
            (raw.insert, WordKind::Insert),
            (raw.lower, WordKind::Lower),
            (raw.replace, WordKind::Replace),
            (raw.each, WordKind::Each),
            (raw.measure, WordKind::Measure),
        ] {
            self.add(list, kind)?;
        }
        Ok(())
    }

    fn add(&mut self, list: Vec<String>, kind: WordKind) -> Result<(), SlotDataError> {
        for word in list {
            let mut chars = word.chars();
            let first = chars.next().ok_or(SlotDataError::Empty)?;
            match kind {
                WordKind::Remove | WordKind::Insert | WordKind::Lower | WordKind::Replace => {
                    self.edit_firsts.add(first);
                }
                WordKind::Part(Rank::Middle | Rank::Tail) => self.part_firsts.add(first),
                WordKind::Part(Rank::Head)
                | WordKind::Phone
                | WordKind::Neutral
                | WordKind::Object(_)
                | WordKind::Each
                | WordKind::Measure
                | WordKind::Spoken(_) => {}
            }
            let place = &mut self.places[first as usize % CHARS];
            if *place == 0 {
                self.lists.push(Vec::new());
                // One list per place at most.
                *place = u16::try_from(self.lists.len()).unwrap_or(0);
            }
            if let Some(list) = usize::from(*place).checked_sub(1).and_then(|at| self.lists.get_mut(at)) {
                list.push(Word { first, rest: chars.collect(), kind });
            }
        }
        Ok(())
    }

    /// The longest word that begins at an index. O(words with that first character).
    pub(super) fn at(&self, chars: Chars<'_>, index: usize) -> Option<Found> {
        let first = chars.at(index);
        let list = self.lists.get(usize::from(self.places[first as usize % CHARS]).checked_sub(1)?)?;
        let matches = |word: &&Word| {
            word.first == first && (index + 1..).zip(&word.rest).all(|(at, c)| chars.at(at) == *c)
        };
        let word = list.iter().find(matches)?;
        Some(Found { kind: word.kind, len: word.rest.len() + 1 })
    }

    /// The sign that is spoken at an index, and the length of the word.
    pub(super) fn spoken(&self, chars: Chars<'_>, index: usize) -> Option<(char, usize)> {
        match self.at(chars, index)? {
            Found { kind: WordKind::Spoken(sign), len } => Some((sign, len)),
            _ => None,
        }
    }

    /// The digit that a character sounds or looks like.
    pub(super) fn sound(&self, c: char) -> Option<u8> {
        if self.sound_set.may_hold(c) { self.sounds.get(&c).copied() } else { None }
    }

    pub(super) fn is_top_level(&self, label: &str) -> bool {
        self.top_level_domains.contains(label)
    }

    pub(super) fn is_mail_host(&self, host: &str) -> bool {
        self.mail_hosts.contains(host)
    }

    /// Whether words that change a number may occur, and words that announce its parts. O(symbols).
    pub(super) fn occur_in(&self, text: &FoldedText) -> (bool, bool) {
        let (mut edits, mut parts) = (false, false);
        for c in text.plain().chars() {
            edits |= self.edit_firsts.may_hold(c);
            parts |= self.part_firsts.may_hold(c);
            if edits && parts {
                break;
            }
        }
        (edits, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_cannot_be_used_are_refused_by_name() {
        for (text, want) in [
            ("top_level_domains = []", ""),
            ("top_level_domains = []\n[sounds]\n9 = \"酒\"", ""),
            ("top_level_domains = []\n[sounds]\nten = \"时\"", "sounds: \"ten\" is no digit"),
            ("top_level_domains = []\n[sounds]\n10 = \"时\"", "sounds: \"10\" is no digit"),
            (
                "top_level_domains = []\n[spoken]\n\"、\" = [\"顿号\"]",
                "spoken: \"、\" is not one ASCII character",
            ),
            ("top_level_domains = []\n[words]\nhead = [\"\"]", "an empty word"),
        ] {
            let data: SlotData = toml::from_str(text).expect("the file can be read");
            let found = Words::try_from(data).err().map_or(String::new(), |e| e.to_string());
            assert_eq!(found, want, "{text}");
        }
    }

    #[test]
    fn words_whose_first_characters_share_their_lowest_bits_are_kept_apart() {
        let (one, other) = ('\u{5E00}', '\u{6E00}');
        assert_eq!(one as usize % CHARS, other as usize % CHARS);
        let text = format!("top_level_domains = []\n[words]\nphone = [\"{one}\"]\nremove = [\"{other}去\"]");
        let words = Words::try_from(toml::from_str::<SlotData>(&text).expect("the file can be read"));
        let words = words.expect("the words can be used");
        let table = crate::text::FoldTable::build(|_| Some("")).expect("empty files are tables");
        let mut folded = FoldedText::default();
        folded.fold(&table, &format!("{one}{other}去{other}"));
        let kinds =
            (0..5).map(|at| words.at(Chars { text: &folded }, at).map(|found| (found.kind, found.len)));
        let want = [Some((WordKind::Phone, 1)), Some((WordKind::Remove, 2)), None, None, None];
        assert_eq!(kinds.collect::<Vec<_>>(), want);
    }
}
