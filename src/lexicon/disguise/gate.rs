//! Which finds stand: what is written must be unusual, and short words need support.

use super::{DisguiseScratch, Disguises, Found, as_u32, overlap};
use crate::lexicon::scan::Hit;
use crate::lexicon::verify;
use crate::segment::Segmenter;
use crate::text::{FoldedText, SymbolRange, Transforms};

/// Distance in which other finds and hits support one.
const SUPPORT_SYMBOLS: u32 = 40;
/// Fewest letters of two syllables that may stand where nothing else is suspicious.
const LETTERS_ALONE_MIN: u32 = 5;
/// Fewest syllables of a word that may stand by its initials alone.
const INITIALS_ALONE_MIN: u32 = 4;
/// Dense characters that are tokenised on either side of a find.
const WINDOW_CHARS: usize = 4;

/// A word that may be meant by a stretch of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Find {
    pub(super) range: SymbolRange,
    /// First dense character.
    pub(super) first: u32,
    /// One past the last dense character.
    pub(super) end: u32,
    /// Number of the word.
    pub(super) word: u32,
    pub(super) transforms: Transforms,
    /// Characters of the word.
    pub(super) length: u32,
    /// Characters that are written otherwise.
    pub(super) changed: u32,
    /// Of these, how many have only a similar sound.
    pub(super) blurred: u32,
    /// Whether Latin letters or particles stand inside.
    pub(super) has_latin: bool,
    /// Whether it may well be something else: several characters are merely alike, or the letters may be a name.
    pub(super) is_vague: bool,
    /// Whether syllables are written in Latin letters, words of which nothing but syllables is made.
    pub(super) is_spelled_out: bool,
}

impl Find {
    /// Whether a find may stand where nothing else is suspicious. The limits follow from how often ordinary text sounds
    /// like a word of so many syllables: `cargo bench --bench views` prints it.
    fn stands_alone(&self) -> bool {
        match self.length {
            _ if self.transforms == Transforms::INITIALS => {
                self.changed == self.length && self.length >= INITIALS_ALONE_MIN && !self.is_vague
            }
            0..=2 => {
                let written = self.end - self.first;
                let is_split = self.transforms == Transforms::SPLIT && written > self.length;
                is_split || self.is_spelled_out && self.changed == self.length && written >= LETTERS_ALONE_MIN
            }
            3 => self.blurred == 0 && !self.is_vague && self.transforms != Transforms::REVERSED,
            _ => true,
        }
    }

    /// Whether it may stand at all.
    fn may_stand(&self) -> bool {
        match self.length {
            _ if self.transforms == Transforms::INITIALS && self.is_vague => false,
            0..=2 if self.transforms == Transforms::INITIALS => self.range.len() == self.length,
            0..=2 => self.blurred == 0 || self.blurred == 1 && self.changed == 1,
            3 => self.blurred == 0,
            _ => self.blurred * 2 <= self.length,
        }
    }

    /// Common pairs of characters that what is written may hold.
    fn common_pairs_max(&self) -> usize {
        usize::from(self.transforms == Transforms::REVERSED && self.length >= 4)
    }
}

impl Disguises {
    /// Keeps the finds that stand, of those that overlap the longest word.
    pub(super) fn keep_plausible(
        &self,
        text: &FoldedText,
        found: Found<'_>,
        segmenter: &Segmenter,
        scratch: &mut DisguiseScratch,
    ) {
        let DisguiseScratch { finds, kept, boundaries, weighed, .. } = scratch;
        let Found { hits, slots, words, innocent } = found;
        let is_written = |find: &Find| {
            slots.iter().any(|slot| overlap(slot.range, find.range))
                || innocent.iter().any(|(phrase, _)| overlap(*phrase, find.range))
                || hits.iter().any(|hit| {
                    overlap(hit.range, find.range) && hit.range.len() >= find.length.min(find.range.len())
                })
        };
        let is_even =
            |find: &Find| find.is_spelled_out || verify::is_uniform(text, find.range, find.end - find.first);
        finds.retain(|find| find.may_stand() && is_even(find) && !is_written(find));
        let near = |a: SymbolRange, b: SymbolRange| {
            let (a_end, b_end) =
                (a.end.saturating_add(SUPPORT_SYMBOLS), b.end.saturating_add(SUPPORT_SYMBOLS));
            !overlap(a, b) && a.start < b_end && b.start < a_end
        };
        // A short word needs something that speaks for the same category.
        let is_supported = |find: &Find, finds: &[Find]| {
            let roots = self.words[find.word as usize].roots;
            let speaks = |hit: &Hit| self.roots.terms[hit.term as usize] & roots != 0;
            let agrees = |other: &Find| self.words[other.word as usize].roots & roots != 0;
            hits.iter().any(|hit| speaks(hit) && near(hit.range, find.range))
                || words.iter().any(|(atom, range)| {
                    self.roots.atoms[*atom as usize] & roots != 0 && near(*range, find.range)
                })
                || finds.iter().any(|other| agrees(other) && near(other.range, find.range))
        };
        // Support costs less than tokenising, so that it is asked for first.
        let mut index = 0;
        while let Some(find) = finds.get(index).copied() {
            let is_possible = (find.stands_alone() || is_supported(&find, finds))
                && self.is_unusual(text, &find, segmenter, (boundaries, weighed));
            if is_possible {
                index += 1;
            } else {
                finds.swap_remove(index);
            }
        }
        finds.sort_unstable_by_key(|find| {
            let shape_first = find.transforms == Transforms::SOUND;
            (std::cmp::Reverse(find.length), find.blurred, find.changed, shape_first, find.range, find.word)
        });
        kept.clear();
        for find in &*finds {
            let is_free = kept.iter().all(|other| !overlap(other.range, find.range));
            if is_free && (find.stands_alone() || is_supported(find, finds)) {
                kept.push(*find);
            }
        }
        kept.sort_unstable_by_key(|find| find.range);
        std::mem::swap(finds, kept);
    }

    /// Whether what is written at a find is not ordinary text: no pair of its characters is common, and no changed
    /// character belongs to a word of its own.
    fn is_unusual(
        &self,
        text: &FoldedText,
        find: &Find,
        segmenter: &Segmenter,
        (boundaries, weighed): (&mut Vec<u32>, &mut u32),
    ) -> bool {
        if find.is_spelled_out {
            return true;
        }
        if find.has_latin {
            return verify::is_latin_word(text, find.range);
        }
        let written = || (find.first..find.end).filter_map(|index| text.dense_char(index));
        let common = super::common_pairs(&self.bigrams, written(), self.word(find));
        if common > find.common_pairs_max() {
            return false;
        }
        if common > 0 {
            return true;
        }
        let (window, start) =
            text.dense_window(find.first as usize..find.end as usize, WINDOW_CHARS, WINDOW_CHARS);
        *weighed += 1;
        segmenter.boundaries_into(window, boundaries);
        let is_aligned = find.end - find.first == find.length;
        let word = self.word(find);
        (0..find.end - find.first).zip(written()).all(|(offset, c)| {
            let is_kept = is_aligned && word.get(offset as usize) == Some(&c);
            let byte = text.dense_byte(find.first + offset) - start;
            is_kept || stands_alone(boundaries, byte, c)
        })
    }
}

/// Whether letters are neither part of a name or an address nor laughter: `@abcd`, `abcd_01`, `hhhh`.
pub(super) fn are_plain_initials(text: &FoldedText, range: SymbolRange) -> bool {
    let joins = |index: Option<u32>| {
        let c = index.and_then(|index| text.char_at(index));
        c.is_some_and(|c| matches!(c, '@' | '#' | '_' | '-' | '.' | '/'))
    };
    let letters = text.plain_of(range).as_bytes();
    let is_varied = letters.windows(3).all(|three| three[0] != three[1] || three[1] != three[2]);
    let has_vowel = letters.iter().any(|letter| matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u'));
    is_varied && !has_vowel && !joins(range.start.checked_sub(1)) && !joins(Some(range.end))
}

/// Whether a character is a token of its own.
fn stands_alone(boundaries: &[u32], byte: usize, c: char) -> bool {
    let has = |byte: usize| boundaries.binary_search(&as_u32(byte)).is_ok();
    has(byte) && has(byte + c.len_utf8())
}
