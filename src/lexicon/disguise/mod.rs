//! Words in disguise: a folded text and what was found in it go in, the words that it means come out.
//!
//! Words are looked for by their *sound* (薇信, weixin, 微xin), by their *shape* (徽信), split into parts (微亻言),
//! from back to front, with repeated characters, and with letters or particles put between (加a微b信). Most of what is
//! found this way is ordinary text: of two syllables nearly every seventh post has some. A find stands only if what is
//! written there is *unusual*: no pair of its characters is common, none belongs to an ordinary word; and the shorter it
//! is, the more support it needs from what else the text says. The text is then restored and judged as any other,
//! with the disguise noted on every character.

mod gate;
mod layout;
mod loose;
mod parts;
mod sound;
mod tables;
mod template;
mod variants;

pub use tables::DisguiseTables;

use std::collections::HashMap;

use super::index::Roots;
use super::rule::AtomId;
use super::scan::Hit;
use super::scanner::{Bigrams, ScanBuffer, Scanner, TermHit};
use super::verify;
use crate::segment::Segmenter;
use crate::text::{Edit, FoldedText, Slot, SymbolRange, Transforms};
use gate::Find;
use loose::Alike;
use parts::MainParts;
use sound::SoundView;
use tables::CharSet;

/// Characters of the words that are looked for in disguise.
const WORD_CHARS: std::ops::RangeInclusive<usize> = 2..=8;
/// Han characters of them; the others are digits.
const HAN_MIN: usize = 2;
/// Fewest characters of a word that frequent characters may stand for by their shape, and from where on a character is
/// frequent: 4 · log2(occurrences per million pairs).
const PLAIN_WORD_CHARS_MIN: u32 = 4;
const FREQUENT_MIN: u8 = 28;
/// Most finds that are weighed in one text.
const FINDS_MAX: usize = 4096;
/// Most places of one text that sound like a word; most are that word as it is written.
const SOUND_HITS_MAX: usize = 1 << 18;

/// Another spelling of a word, that is searched for like a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelling {
    word: u32,
    transforms: Transforms,
}

/// A word that is looked for in disguise.
struct Word {
    chars: Box<[char]>,
    /// Level-one labels that it may speak for, one bit each.
    roots: u32,
}

impl Word {
    fn has_digit(&self) -> bool {
        self.chars.iter().any(char::is_ascii_digit)
    }
}

/// Finds words in disguise. Built once per bundle.
pub(super) struct Disguises {
    tables: DisguiseTables,
    bigrams: Bigrams,
    alike: Alike,
    /// The characters of the words without digits: what is put between others, or repeated, matters beside these only.
    in_words: CharSet,
    words: Vec<Word>,
    /// Level-one labels that the terms of the lexicon and the rules may speak for.
    roots: Roots,
    parts: MainParts,
    by_sound: Listed,
    by_parts: Listed,
}

/// Spellings with a scanner of their own.
struct Listed {
    scanner: Scanner,
    /// Per term of the scanner, its word.
    words: Vec<u32>,
}

impl Listed {
    /// Lists the spellings of words in a view, which shows each character of a text as another one; of words that are
    /// spelled alike `choose` says which is meant.
    fn build(
        words: &[Word],
        choose: impl Fn(u32, u32) -> u32,
        (spellings, shows): (impl Fn(&[char]) -> Vec<String>, impl Fn(char) -> char),
    ) -> Result<Self, String> {
        let mut meant: HashMap<String, u32> = HashMap::new();
        for (number, word) in (0..).zip(words) {
            for spelling in spellings(&word.chars) {
                let best = meant.entry(spelling).or_insert(number);
                if *best != number {
                    *best = choose(*best, number);
                }
            }
        }
        let mut listed: Vec<(String, u32)> = meant.into_iter().collect();
        listed.sort_unstable();
        let texts = listed.iter().map(|(text, _)| text.as_str());
        let scanner = Scanner::build(texts, &Bigrams::default(), |c, out| out.push(c));
        let scanner = scanner.map_err(|e| e.to_string())?.through(shows);
        Ok(Self { scanner, words: listed.into_iter().map(|(_, word)| word).collect() })
    }
}

impl std::fmt::Debug for Disguises {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disguises").field("words", &self.words.len()).finish_non_exhaustive()
    }
}

/// What [`Disguises::build`] makes of the keys of a lexicon.
pub(super) struct Prepared {
    pub(super) disguises: Disguises,
    /// The number of the word that each key is.
    pub(super) words_of_keys: Vec<Option<u32>>,
    /// Other spellings of the words, to be searched for with the keys.
    pub(super) spellings: Vec<(String, Spelling)>,
}

/// What the scan found in a text as it is written.
#[derive(Clone, Copy)]
pub(super) struct Found<'s> {
    pub(super) hits: &'s [Hit],
    pub(super) slots: &'s [Slot],
    /// Words of patterns.
    pub(super) words: &'s [(AtomId, SymbolRange)],
    /// Phrases in which terms are innocent.
    pub(super) innocent: &'s [(SymbolRange, u32)],
}

/// Reused buffers.
#[derive(Debug, Default)]
pub(super) struct DisguiseScratch {
    /// Other spellings that the scan met: dense characters and spelling.
    pub(super) spelled: Vec<(u32, u32, Spelling)>,
    sound: SoundView,
    buffer: ScanBuffer,
    hits: Vec<TermHit>,
    loose: loose::Buffers,
    layout: layout::Layout,
    /// What is found; in the end what stands, in order and without overlaps.
    finds: Vec<Find>,
    kept: Vec<Find>,
    /// How many finds had to be tokenised.
    pub(super) weighed: u32,
    boundaries: Vec<u32>,
    /// Whether nothing was left out because of a limit.
    pub(super) is_complete: bool,
}

impl Disguises {
    /// Prepares the words among `keys`, the texts that the scan looks for; returns the number of the word that each key
    /// is, and their other spellings.
    pub(super) fn build<'t>(
        (tables, bigrams, segmenter): (&DisguiseTables, &Bigrams, &Segmenter),
        keys: impl Iterator<Item = (&'t str, u32)>,
        roots: Roots,
    ) -> Result<Prepared, String> {
        let is_word = |key: &str| {
            let is_han = |c: char| crate::text::class_of(c).is_han();
            WORD_CHARS.contains(&key.chars().count())
                && key.chars().all(|c| is_han(c) || c.is_ascii_digit())
                && key.chars().filter(|c| is_han(*c)).count() >= HAN_MIN
        };
        let mut words = Vec::new();
        let numbered = keys.map(|(key, own)| {
            (is_word(key) && own != 0).then(|| {
                words.push(Word { chars: key.chars().collect(), roots: own });
                as_u32(words.len() - 1)
            })
        });
        let words_of_keys: Vec<Option<u32>> = numbered.collect();
        let spellings = list_spellings(tables, bigrams, &words);
        let most_ordinary = |one: u32, other: u32| {
            let ordinary = |number: u32| {
                let chars = &words[number as usize].chars;
                (segmenter.knows(&chars.iter().collect::<String>()), commonness(bigrams, chars))
            };
            if ordinary(other) > ordinary(one) { other } else { one }
        };
        let ordinary = tables.ordinary(|c| bigrams.is_used(c));
        let parts = MainParts::build(tables, &ordinary);
        let by_sound = (|word: &[char]| sound::spellings(tables, word), |c| sound::shown(tables, c));
        let by_parts = (|word: &[char]| parts.spellings(word), |c| parts.of(c));
        let by_sound = Listed::build(&words, most_ordinary, by_sound)?;
        let by_parts = Listed::build(&words, most_ordinary, by_parts)?;
        let loose = words.iter().filter(|word| !word.has_digit());
        let in_words: CharSet = loose.flat_map(|word| word.chars.iter().copied()).collect();
        let alike = Alike::new(ordinary, &in_words);
        let (tables, bigrams) = (tables.clone(), bigrams.clone());
        let disguises = Self { tables, bigrams, alike, in_words, words, roots, parts, by_sound, by_parts };
        Ok(Prepared { disguises, words_of_keys, spellings })
    }

    /// Bytes of the tables of the scanner.
    pub(super) fn memory_bytes(&self) -> usize {
        self.by_sound.scanner.memory_bytes() + self.by_parts.scanner.memory_bytes()
    }

    /// Leaves in `scratch.finds` what has to be rewritten so that the text says what it means.
    ///
    /// `scratch.spelled` is what the same scan found in other spellings.
    /// O(text + finds); allocates nothing for texts in which nothing is found.
    pub(super) fn find_into(
        &self,
        text: &FoldedText,
        found: Found<'_>,
        (segmenter, scanner, words_of_keys): (&Segmenter, &Scanner, &[Option<u32>]),
        scratch: &mut DisguiseScratch,
    ) {
        scratch.finds.clear();
        scratch.is_complete = true;
        scratch.weighed = 0;
        self.find_spelled(text, scratch);
        self.find_by_sound(text, scratch);
        self.find_loose(text, scanner, words_of_keys, scratch);
        self.find_by_parts(text, scratch);
        if !scratch.finds.is_empty() {
            scratch.is_complete &= scratch.finds.len() <= FINDS_MAX;
            scratch.finds.truncate(FINDS_MAX);
            self.keep_plausible(text, found, segmenter, scratch);
        }
        let DisguiseScratch { layout, buffer, hits, finds, .. } = scratch;
        layout.find(text, found, layout::Words { scanner, words_of_keys }, (buffer, hits));
        if layout.blocks().next().is_some() {
            finds.retain(|find| layout.blocks().all(|(block, _)| !overlap(block, find.range)));
        }
    }

    /// What [`Self::find_into`] left to be rewritten, in order and without overlaps.
    pub(super) fn edits<'s>(&'s self, scratch: &'s DisguiseScratch) -> impl Iterator<Item = Edit<'s>> {
        let edit =
            |find: &Find| Edit { range: find.range, text: self.word(find), transforms: find.transforms };
        let blocks = scratch.layout.blocks();
        let mut blocks =
            blocks.map(|(range, text)| Edit { range, text, transforms: Transforms::DROP_BLANK }).peekable();
        let mut finds = scratch.finds.iter().map(edit).peekable();
        std::iter::from_fn(move || match (finds.peek(), blocks.peek()) {
            (Some(find), Some(block)) if block.range < find.range => blocks.next(),
            (Some(_), _) => finds.next(),
            (None, _) => blocks.next(),
        })
    }

    fn find_spelled(&self, text: &FoldedText, scratch: &mut DisguiseScratch) {
        for (first, end, spelling) in &scratch.spelled {
            let range = text.from_dense(*first, *end);
            if verify::gaps_are_allowed(text, range, end - first) {
                let is_initials = spelling.transforms == Transforms::INITIALS;
                let word = &self.words[spelling.word as usize].chars;
                let length = as_u32(word.len());
                let kept =
                    |offset: &u32| text.dense_char(first + offset) == word.get(*offset as usize).copied();
                let is_aligned = end - first == length;
                let changed = (0..length).filter(|offset| !is_aligned || !kept(offset)).count();
                let changed = as_u32(changed);
                let find = Find {
                    range,
                    first: *first,
                    end: *end,
                    word: spelling.word,
                    transforms: spelling.transforms,
                    length,
                    changed,
                    blurred: 0,
                    has_latin: is_initials,
                    is_vague: is_initials && changed == length && !gate::are_plain_initials(text, range),
                    is_spelled_out: false,
                };
                scratch.finds.push(find);
            }
        }
    }

    fn find_by_sound(&self, text: &FoldedText, scratch: &mut DisguiseScratch) {
        let DisguiseScratch { sound, buffer, hits, finds, is_complete, .. } = scratch;
        sound.fill(&self.tables, text);
        hits.clear();
        let scanner = &self.by_sound.scanner;
        *is_complete &= match sound.symbols() {
            Some(symbols) => {
                scanner.find_in_chars_into(symbols.iter().copied(), SOUND_HITS_MAX, buffer, hits)
            }
            None => scanner.find_in_chars_into(text.dense_chars(), SOUND_HITS_MAX, buffer, hits),
        };
        for hit in &*hits {
            let units = || sound.units(&self.tables, text, hit.start..hit.end);
            let word = self.by_sound.words[hit.term as usize];
            let (Some(first), Some(end)) = (units().next(), units().last()) else { continue };
            let (first, end) = (first.first, end.end);
            let mut find = Find {
                range: text.from_dense(first, end),
                first,
                end,
                word,
                transforms: Transforms::SOUND,
                length: hit.end - hit.start,
                changed: 0,
                blurred: 0,
                has_latin: false,
                is_vague: false,
                is_spelled_out: false,
            };
            for (unit, c) in units().zip(&self.words[word as usize].chars) {
                find.is_spelled_out |= unit.is_latin;
                if unit.is_latin || text.dense_char(unit.first) != Some(*c) {
                    find.changed += 1;
                    find.blurred += u32::from(self.tables.readings(*c).all(|s| s != unit.syllable));
                }
            }
            if find.is_spelled_out {
                find.transforms |= Transforms::PINYIN;
            }
            let is_joined = if find.is_spelled_out {
                verify::is_one_clause(text, find.range)
            } else {
                verify::gaps_are_allowed(text, find.range, end - first)
            };
            if find.changed > 0 && is_joined {
                finds.push(find);
            }
        }
    }

    /// Finds words of which several characters have another radical.
    fn find_by_parts(&self, text: &FoldedText, scratch: &mut DisguiseScratch) {
        let DisguiseScratch { buffer, hits, finds, is_complete, .. } = scratch;
        hits.clear();
        *is_complete &=
            self.by_parts.scanner.find_in_chars_into(text.dense_chars(), SOUND_HITS_MAX, buffer, hits);
        for hit in &*hits {
            let word = self.by_parts.words[hit.term as usize];
            let range = text.from_dense(hit.start, hit.end);
            let written = (hit.start..hit.end).map(|index| text.dense_char(index));
            let pairs = written.flatten().zip(&self.words[word as usize].chars);
            let mut changes = pairs.filter(|(written, c)| written != *c);
            let changed = as_u32(changes.clone().count());
            let may_be = |(written, meant): (char, &char)| {
                self.parts.are_close(&self.tables, written, *meant)
                    && (hit.end - hit.start >= PLAIN_WORD_CHARS_MIN
                        || self.bigrams.frequency(written) < FREQUENT_MIN)
            };
            if changed > 0
                && changes.all(may_be)
                && verify::gaps_are_allowed(text, range, hit.end - hit.start)
            {
                finds.push(Find {
                    range,
                    first: hit.start,
                    end: hit.end,
                    word,
                    transforms: Transforms::SHAPE,
                    length: hit.end - hit.start,
                    changed,
                    blurred: 0,
                    has_latin: false,
                    is_vague: true,
                    is_spelled_out: false,
                });
            }
        }
    }

    /// Finds words with something put between their characters, or with repeated ones.
    fn find_loose(
        &self,
        text: &FoldedText,
        scanner: &Scanner,
        words_of_keys: &[Option<u32>],
        scratch: &mut DisguiseScratch,
    ) {
        let DisguiseScratch { loose, buffer, hits, finds, .. } = scratch;
        loose.for_each_view(text, (&self.alike, &self.in_words), |view, transforms| {
            hits.clear();
            scanner.find_in_chars_into(view.chars.iter().copied(), SOUND_HITS_MAX, buffer, hits);
            for hit in &*hits {
                let Some(Some(word)) = words_of_keys.get(hit.term as usize).copied() else { continue };
                if self.words[word as usize].has_digit() {
                    continue;
                }
                let Some((first, end)) = view.stretch(hit.start, hit.end) else { continue };
                let range = text.from_dense(first, end);
                let length = hit.end - hit.start;
                if verify::gaps_are_allowed(text, range, end - first) {
                    finds.push(Find {
                        range,
                        first,
                        end,
                        word,
                        transforms,
                        length,
                        changed: length,
                        blurred: 0,
                        has_latin: true,
                        is_vague: false,
                        is_spelled_out: false,
                    });
                }
            }
        });
    }

    /// The word of a find.
    fn word(&self, find: &Find) -> &[char] {
        &self.words[find.word as usize].chars
    }
}

/// The spellings of all words that are found by the scan of the lexicon.
fn list_spellings(tables: &DisguiseTables, bigrams: &Bigrams, words: &[Word]) -> Vec<(String, Spelling)> {
    let mut spellings = Vec::new();
    for (number, word) in (0..).zip(words) {
        variants::spellings(tables, &word.chars, |text, transforms| {
            let is_long_reversed = transforms == Transforms::REVERSED && word.chars.len() >= 4;
            let common_max = usize::from(is_long_reversed);
            if text.chars().ne(word.chars.iter().copied())
                && common_pairs(bigrams, text.chars(), &word.chars) <= common_max
            {
                spellings.push((text, Spelling { word: number, transforms }));
            }
        });
    }
    spellings.sort_unstable_by(|a, b| (&a.0, a.1.word).cmp(&(&b.0, b.1.word)));
    spellings.dedup_by(|a, b| (&a.0, a.1.word) == (&b.0, b.1.word));
    spellings
}

/// How many pairs of characters of another spelling often stand side by side; pairs that the word has as well do not
/// count.
fn common_pairs(bigrams: &Bigrams, written: impl Iterator<Item = char> + Clone, word: &[char]) -> usize {
    let is_kept = |left, right| word.windows(2).any(|pair| pair == [left, right]);
    let pairs = written.clone().zip(written.skip(1));
    pairs.filter(|(left, right)| bigrams.is_common(*left, *right) && !is_kept(*left, *right)).count()
}

fn commonness(bigrams: &Bigrams, word: &[char]) -> usize {
    word.windows(2).filter(|pair| bigrams.is_common(pair[0], pair[1])).count()
}

/// Texts are far shorter than 2^32.
fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The part of a range that two ranges share is not empty.
fn overlap(a: SymbolRange, b: SymbolRange) -> bool {
    a.start < b.end && b.start < a.end
}
