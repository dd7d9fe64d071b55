//! The folding table: for every code point, what it becomes and what kind of character that is.
//!
//! Built from the TSV files under `dictionaries/fold/` (see their headers for source and licence). One flat array
//! covers all planes, so that a character costs one load.

use std::collections::{HashMap, HashSet};

use super::folded::{Class, Numeral, Transforms};

/// What the fold pass does with a code point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Write the target.
    Keep,
    /// Leave it out; the transforms of the entry go to a neighbour.
    Drop,
    /// Write a string of several characters.
    Expand,
    /// A Cyrillic, Greek or other letter that looks like a Latin one: the word around it decides.
    LookAlike,
    /// May open an escape sequence.
    Escape,
    /// May open a reading in brackets.
    Bracket,
}

/// One packed table entry: 21 bits target, 3 bits class, 3 bits act, 4 bits transform number, 1 bit numeral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(u32);

/// Transforms by their number in an [`Entry`].
const TRANSFORM_BY_NUMBER: [Transforms; 11] = [
    Transforms::empty(),
    Transforms::WIDTH,
    Transforms::CASE,
    Transforms::HANT,
    Transforms::RADICAL,
    Transforms::STYLED,
    Transforms::COMPAT,
    Transforms::INVISIBLE,
    Transforms::BIDI,
    Transforms::SELECTOR,
    Transforms::COMBINING,
];

const ACTS: [Act; 6] = [Act::Keep, Act::Drop, Act::Expand, Act::LookAlike, Act::Escape, Act::Bracket];

impl Entry {
    fn new(target: u32, class: Class, act: Act, transform: Transforms) -> Self {
        let act_number = ACTS.iter().position(|a| *a == act).unwrap_or(0);
        let number = TRANSFORM_BY_NUMBER.iter().position(|t| *t == transform).unwrap_or(0);
        // Both positions are below 32 by the lengths of the arrays.
        let packed =
            (u32::try_from(act_number).unwrap_or(0) << 24) | (u32::try_from(number).unwrap_or(0) << 27);
        Self(target & 0x1F_FFFF | (u32::from(class as u8) << 21) | packed)
    }

    pub(super) fn target(self) -> char {
        char::from_u32(self.0 & 0x1F_FFFF).unwrap_or('\u{FFFD}')
    }

    pub(super) fn index(self) -> usize {
        (self.0 & 0x1F_FFFF) as usize
    }

    pub(super) fn class(self) -> Class {
        Class::from_number(self.0 >> 21 & 7)
    }

    pub(super) fn act(self) -> Act {
        ACTS[self.act_number().min(ACTS.len() - 1)]
    }

    fn act_number(self) -> usize {
        (self.0 >> 24) as usize & 7
    }

    /// Whether the pass may write the target and go on.
    pub(super) fn is_kept(self) -> bool {
        self.act_number() == 0
    }

    /// Whether the target is a Chinese or spoken numeral.
    pub(super) fn is_written_numeral(self) -> bool {
        self.0 >> 31 != 0
    }

    pub(super) fn transform(self) -> Transforms {
        TRANSFORM_BY_NUMBER[((self.0 >> 27) as usize & 0xF).min(TRANSFORM_BY_NUMBER.len() - 1)]
    }
}

/// Why a folding table is refused.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file of the set is not there.
    #[error("fold/{0}: the file is missing")]
    Missing(&'static str),
    /// A line that cannot be read.
    #[error("fold/{file}:{line}: {problem}")]
    Line {
        /// File name.
        file: &'static str,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Files that map one code point to its folded form, with the transform that this is reported as.
const MAPPING_FILES: [(&str, Transforms); 6] = [
    ("width.tsv", Transforms::WIDTH),
    ("case.tsv", Transforms::CASE),
    ("hant.tsv", Transforms::HANT),
    ("radicals.tsv", Transforms::RADICAL),
    ("styled.tsv", Transforms::STYLED),
    ("compat.tsv", Transforms::COMPAT),
];

const EXPANSION_CHARS_MAX: usize = 8;

/// What every code point folds to. 4.5 MB, of which ordinary text touches some 100 KB; immutable after building.
pub struct FoldTable {
    /// By code point.
    entries: Box<[Entry]>,
    expansions: Vec<Box<[Entry]>>,
    look_alikes: HashMap<char, char>,
    numerals: HashMap<char, u8>,
    readings: HashMap<char, Box<[u16]>>,
    syllables: HashMap<String, u16>,
}

impl std::fmt::Debug for FoldTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FoldTable").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl FoldTable {
    /// Builds the table from the texts of the TSV files, found through `file` by name. O(size of the files).
    ///
    /// # Errors
    /// A missing file or an unreadable line, with its place.
    pub fn build<'f>(file: impl Fn(&str) -> Option<&'f str>) -> Result<Self, TableError> {
        let mut table = Self::identity();
        for (name, transform) in MAPPING_FILES {
            table.read(name, &file, |table, cells| table.add_mapping(cells, transform))?;
        }
        table.read("drop.tsv", &file, Self::add_drop)?;
        table.read("lookalike.tsv", &file, Self::add_look_alike)?;
        table.read("numerals.tsv", &file, Self::add_numeral)?;
        table.read("readings.tsv", &file, Self::add_reading)?;
        let mut ordinary_chars = HashSet::new();
        table.read("ordinary.tsv", &file, |_, cells| {
            ordinary_chars.insert(parse_char(cells[0])?);
            Ok(())
        })?;
        table.mark_rare(&ordinary_chars);
        table.resolve_expansions();
        table.mark_openers();
        table.mark_numerals();
        Ok(table)
    }

    /// Feeds the rows of one file to `add`.
    fn read<'f>(
        &mut self,
        name: &'static str,
        file: &impl Fn(&str) -> Option<&'f str>,
        mut add: impl FnMut(&mut Self, &[&str]) -> Result<(), String>,
    ) -> Result<(), TableError> {
        for row in rows(name, file(name).ok_or(TableError::Missing(name))?) {
            let (line, cells) = row?;
            add(self, &cells).map_err(|problem| at(name, line, problem))?;
        }
        Ok(())
    }

    /// The entry of a code point. One load.
    #[inline]
    pub(super) fn entry(&self, c: char) -> Entry {
        self.entries[c as usize]
    }

    /// The kind of the first character that a code point folds to.
    pub(super) fn first_class(&self, c: char) -> Class {
        let entry = self.entry(c);
        match entry.act() {
            Act::Expand => self.expansion(entry).first().map_or(Class::Noise, |part| part.class()),
            Act::Keep | Act::Drop | Act::LookAlike | Act::Escape | Act::Bracket => entry.class(),
        }
    }

    /// Appends what a character folds to where its neighbours do not matter; nothing if it is dropped. O(1).
    pub fn fold_char_into(&self, c: char, out: &mut Vec<char>) {
        let entry = self.entry(c);
        match entry.act() {
            Act::Keep | Act::LookAlike | Act::Escape | Act::Bracket => out.push(entry.target()),
            Act::Drop => {}
            Act::Expand => out.extend(self.expansion(entry).iter().map(|part| part.target())),
        }
    }

    /// What an [`Act::Expand`] entry becomes.
    pub(super) fn expansion(&self, entry: Entry) -> &[Entry] {
        self.expansions.get(entry.index()).map_or(&[], |entries| entries)
    }

    /// The Latin letter or digit that a letter of another script is drawn like.
    pub(super) fn look_alike(&self, c: char) -> Option<char> {
        self.look_alikes.get(&c).copied()
    }

    /// The digit that a character stands for in the numeral reading.
    #[inline]
    pub(super) fn numeral(&self, entry: Entry) -> Numeral {
        if entry.class() == Class::Digit {
            // A digit's low four bits are its value.
            return Numeral::digit((entry.0 & 0xF) as u8);
        }
        if !entry.is_written_numeral() {
            return Numeral::NONE;
        }
        self.numerals.get(&entry.target()).map_or(Numeral::NONE, |value| Numeral::written(*value))
    }

    /// Whether `syllable` is toneless pinyin at all.
    pub(super) fn is_syllable(&self, syllable: &str) -> bool {
        self.syllables.contains_key(syllable)
    }

    /// Whether `syllable` is a toneless reading of a folded Han character.
    pub(super) fn reads_as(&self, han: char, syllable: &str) -> bool {
        match (self.readings.get(&han), self.syllables.get(syllable)) {
            (Some(readings), Some(id)) => readings.contains(id),
            _ => false,
        }
    }

    fn identity() -> Self {
        let entry = |code| {
            let class = char::from_u32(code).map_or(Class::Noise, classify);
            Entry::new(code, class, Act::Keep, Transforms::empty())
        };
        Self {
            entries: (0..=u32::from(char::MAX)).map(entry).collect(),
            expansions: Vec::new(),
            look_alikes: HashMap::new(),
            numerals: HashMap::new(),
            readings: HashMap::new(),
            syllables: HashMap::new(),
        }
    }

    fn set(&mut self, c: char, entry: Entry) {
        self.entries[c as usize] = entry;
    }

    fn add_mapping(&mut self, cells: &[&str], transform: Transforms) -> Result<(), String> {
        let [source, target, ..] = cells else { return Err("needs SOURCE and TARGET".to_owned()) };
        let (source, target) = (parse_char(source)?, parse_string(target)?);
        match target.as_slice() {
            [] => Err("TARGET is empty".to_owned()),
            [one] => {
                self.set(source, Entry::new(*one as u32, classify(*one), Act::Keep, transform));
                Ok(())
            }
            many if many.len() > EXPANSION_CHARS_MAX => {
                Err(format!("TARGET has {} characters, the limit is {EXPANSION_CHARS_MAX}", many.len()))
            }
            many => {
                let index =
                    u32::try_from(self.expansions.len()).map_err(|_| "too many expansions".to_owned())?;
                let entries =
                    many.iter().map(|c| Entry::new(*c as u32, classify(*c), Act::Keep, transform)).collect();
                self.expansions.push(entries);
                self.set(source, Entry::new(index, Class::Noise, Act::Expand, transform));
                Ok(())
            }
        }
    }

    fn add_drop(&mut self, cells: &[&str]) -> Result<(), String> {
        let [source, kind, ..] = cells else { return Err("needs SOURCE and KIND".to_owned()) };
        let transform = match *kind {
            "invisible" => Transforms::INVISIBLE,
            "bidi" => Transforms::BIDI,
            "selector" => Transforms::SELECTOR,
            "combining" => Transforms::COMBINING,
            other => return Err(format!("unknown kind {other:?}")),
        };
        let (first, last) = match source.split_once("..") {
            Some((first, last)) => (parse_char(first)?, parse_char(last)?),
            None => (parse_char(source)?, parse_char(source)?),
        };
        for c in first..=last {
            self.set(c, Entry::new(0, Class::Noise, Act::Drop, transform));
        }
        Ok(())
    }

    fn add_look_alike(&mut self, cells: &[&str]) -> Result<(), String> {
        let [source, target, ..] = cells else { return Err("needs SOURCE and TARGET".to_owned()) };
        let (source, target) = (parse_char(source)?, parse_char(target)?);
        self.look_alikes.insert(source, target);
        let plain = self.entry(source);
        if plain.act() == Act::Keep {
            let entry = Entry::new(plain.target() as u32, Class::Letter, Act::LookAlike, plain.transform());
            self.set(source, entry);
        }
        Ok(())
    }

    fn add_numeral(&mut self, cells: &[&str]) -> Result<(), String> {
        let [source, digit, ..] = cells else { return Err("needs SOURCE and DIGIT".to_owned()) };
        let digit =
            digit.parse::<u8>().ok().filter(|d| *d <= 9).ok_or_else(|| format!("{digit:?} is no digit"))?;
        self.numerals.insert(parse_char(source)?, digit);
        Ok(())
    }

    fn add_reading(&mut self, cells: &[&str]) -> Result<(), String> {
        let [source, readings, ..] = cells else { return Err("needs CHARACTER and READINGS".to_owned()) };
        let mut ids = Vec::new();
        for syllable in readings.split(',') {
            let next = u16::try_from(self.syllables.len()).map_err(|_| "too many syllables".to_owned())?;
            ids.push(*self.syllables.entry(syllable.to_owned()).or_insert(next));
        }
        self.readings.insert(parse_char(source)?, ids.into());
        Ok(())
    }

    /// Sets the class of Han characters that have no reading in the list of common ones and are not ordinary otherwise.
    fn mark_rare(&mut self, ordinary: &HashSet<char>) {
        let readings = &self.readings;
        let mark = |entry: &mut Entry| {
            let target = entry.target();
            let is_known = readings.contains_key(&target) || ordinary.contains(&target) || target == '〇';
            if entry.act() == Act::Keep && entry.class() == Class::Han && !is_known {
                *entry = Entry::new(target as u32, Class::RareHan, Act::Keep, entry.transform());
            }
        };
        self.entries.iter_mut().for_each(mark);
    }

    /// Decides look-alikes inside expansions, as the fold pass would: `㎂` is a Latin word.
    fn resolve_expansions(&mut self) {
        let look_alikes = &self.look_alikes;
        for parts in
            self.expansions.iter_mut().filter(|parts| parts.iter().any(|part| part.class() == Class::Latin))
        {
            for part in parts.iter_mut() {
                if let Some(latin) = look_alikes.get(&part.target()) {
                    *part = Entry::new(*latin as u32, classify(*latin), Act::Keep, part.transform());
                }
            }
        }
    }

    /// Sets the numeral bit of every entry whose target is one.
    fn mark_numerals(&mut self) {
        let numerals = &self.numerals;
        let mark = |entry: &mut Entry| {
            if entry.act() == Act::Keep && numerals.contains_key(&entry.target()) {
                entry.0 |= 1 << 31;
            }
        };
        self.entries.iter_mut().for_each(mark);
        self.expansions.iter_mut().flat_map(|part| part.iter_mut()).for_each(mark);
    }

    /// Routes the characters that may open an escape or a gloss off the fast path.
    fn mark_openers(&mut self) {
        for (openers, act) in
            [(&['&', '%', '\\'][..], Act::Escape), (&['(', '（', '[', '［', '【', '〔'][..], Act::Bracket)]
        {
            for opener in openers {
                let plain = self.entry(*opener);
                self.set(*opener, Entry::new(plain.target() as u32, plain.class(), act, plain.transform()));
            }
        }
    }
}

/// What kind of character a folded code point is.
pub(crate) fn classify(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Latin,
        '0'..='9' => Class::Digit,
        '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}'
        | '〇' => Class::Han,
        ',' | '!' | '?' | ';' | '\n' | '\r' | '。' | '、' | '，' | '！' | '？' | '；' | '…' | '\u{2028}'
        | '\u{2029}' => Class::Clause,
        _ if c.is_whitespace() => Class::Blank,
        _ if c.is_alphanumeric() => Class::Letter,
        _ => Class::Noise,
    }
}

type Row<'t> = Result<(usize, Vec<&'t str>), TableError>;

/// The rows of a TSV file, without comments and blank lines.
fn rows<'t>(file: &'static str, text: &'t str) -> impl Iterator<Item = Row<'t>> {
    text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(
        move |(index, line)| {
            let cells: Vec<&str> = line.split('\t').collect();
            if cells.len() < 2 {
                Err(at(file, index + 1, "needs at least two columns".to_owned()))
            } else {
                Ok((index + 1, cells))
            }
        },
    )
}

fn at(file: &'static str, line: usize, problem: String) -> TableError {
    TableError::Line { file, line, problem }
}

/// One code point, written literally or as `U+XXXX`.
fn parse_char(cell: &str) -> Result<char, String> {
    let mut chars = cell.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return Ok(c);
    }
    cell.strip_prefix("U+")
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .and_then(char::from_u32)
        .ok_or_else(|| format!("{cell:?} is neither one character nor U+XXXX"))
}

/// A string, written literally or as `U+XXXX` forms with blanks between.
fn parse_string(cell: &str) -> Result<Vec<char>, String> {
    if cell.starts_with("U+") {
        cell.split(' ').map(parse_char).collect()
    } else {
        Ok(cell.chars().collect())
    }
}
