//! The text by its characters' main parts: 赌, 睹, 堵 and 者 are one symbol, so that a word is found of which several
//! characters have lost, gained or swapped a radical (者球, 汽仓).
//!
//! The main part of a character is the one that the fewest other characters have. A character that is itself a part
//! of others stands for itself.

use std::collections::HashMap;

use super::tables::DisguiseTables;
use super::variants::SHAPES_MAX;

/// Characters that must have a part for it to stand for them; of one that more have, nothing can be concluded.
const SHARED_BY: std::ops::RangeInclusive<usize> = 3..=60;

/// By code point of the basic plane, the symbol of a character; NUL where it stands for itself.
#[derive(Debug, Default)]
pub(super) struct MainParts {
    by_code: Vec<char>,
}

impl MainParts {
    /// Sorts characters by their main parts; rare ones like the ordinary ones that they look like. O(size of the tables).
    pub(super) fn build(tables: &DisguiseTables, ordinary: &[char]) -> Self {
        let mut shared: HashMap<char, usize> = HashMap::new();
        for (_, parts) in tables.all_splits() {
            let mut own: Vec<char> = parts.iter().flat_map(|way| way.chars()).collect();
            own.sort_unstable();
            own.dedup();
            for part in own {
                *shared.entry(part).or_default() += 1;
            }
        }
        let weight = |part: char| shared.get(&part).copied().filter(|count| SHARED_BY.contains(count));
        let mut by_code = vec!['\0'; 1 << 16];
        for (c, parts) in tables.all_splits() {
            let candidates = parts.iter().flat_map(|way| way.chars());
            let main = candidates.filter_map(|part| Some((weight(part)?, part))).min();
            let place = by_code.get_mut(c as usize);
            if let (Some(place), Some((_, part)), None) = (place, main, weight(c)) {
                *place = part;
            }
        }
        for (code, read) in (0..).zip(ordinary).filter(|(_, read)| **read != '\0') {
            let main = by_code.get(*read as usize).copied().filter(|main| *main != '\0').unwrap_or(*read);
            if let Some(place) = by_code.get_mut(code) {
                *place = main;
            }
        }
        Self { by_code }
    }

    /// The symbol of a character.
    #[inline]
    pub(super) fn of(&self, c: char) -> char {
        self.by_code.get(c as usize).copied().filter(|main| *main != '\0').unwrap_or(c)
    }

    /// Whether a character is another one without its radical or with one more, or looks much like it.
    pub(super) fn are_close(&self, tables: &DisguiseTables, written: char, meant: char) -> bool {
        self.of(meant) == written
            || self.of(written) == meant
            || tables.shapes(meant).iter().take(SHAPES_MAX).any(|c| *c == written)
    }

    /// The symbols of a word; nothing for one with digits, which have no parts.
    pub(super) fn spellings(&self, word: &[char]) -> Vec<String> {
        let has_digit = word.iter().any(char::is_ascii_digit);
        (!has_digit).then(|| word.iter().map(|c| self.of(*c)).collect()).into_iter().collect()
    }
}
