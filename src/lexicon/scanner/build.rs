//! Terms in, tables out.

use super::rarity::Bigrams;
use super::symbols::{NONE, SYMBOL_MAX, SymbolMap};
use super::{Beside, Bitmap, CROWDED, Entry, LAST, LONG, Scanner, WINDOW, beside, hash, pair};

/// Most symbols of a term.
pub(super) const TERM_SYMBOLS_MAX: usize = 255;
/// Buckets with more entries than this are searched in halves.
const BUCKET_ENTRIES_MAX: usize = 12;

/// Why a scanner cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScannerError {
    /// Nothing of a term is left after folding: it would be everywhere.
    #[error("term {term} is empty after folding")]
    EmptyTerm {
        /// Its number, from 0.
        term: usize,
    },
    /// A term is too long.
    #[error("term {term} has {found} symbols after folding, the limit is {TERM_SYMBOLS_MAX}")]
    LongTerm {
        /// Its number, from 0.
        term: usize,
        /// Its length.
        found: usize,
    },
    /// The terms use more different characters than there are symbols.
    #[error("the terms use more than {SYMBOL_MAX} different characters")]
    TooManyCharacters,
    /// Numbers of terms and places in the tables have 32 bits.
    #[error("the terms have more than 4,294,967,295 characters together")]
    TooLarge,
}

/// A term on its way to its bucket. Sorted by anchor, then as entries of a bucket are.
#[derive(Clone, Copy)]
struct Filed {
    anchor: u32,
    before: u8,
    len: u8,
    arena: u32,
    term: u32,
}

impl Scanner {
    /// Indexes terms for texts that are folded by `fold`, which appends what one character becomes: nothing for a
    /// character that is dropped, at most eight. Terms are folded alike and numbered in order; several may fold to the
    /// same symbols, and each of them is found.
    ///
    /// O(symbols × log terms): some 60 ms for a hundred thousand terms, 0.6 s for a million.
    ///
    /// # Errors
    /// A term that is empty or too long after folding, or more terms than the tables can number.
    pub fn build<'t>(
        terms: impl IntoIterator<Item = &'t str>,
        bigrams: &Bigrams,
        fold: impl Fn(char, &mut Vec<char>),
    ) -> Result<Self, ScannerError> {
        let mut collector = Collector::new(bigrams, &fold);
        for term in terms {
            collector.add(term)?;
        }
        let Collector { numbers, arena, mut filed, mut singles, .. } = collector;
        let symbols = |f: &Filed| &arena[f.arena as usize..][..usize::from(f.len)];
        filed.sort_unstable_by(|a, b| {
            let key = |f: &Filed| (f.anchor, f.before, f.len);
            key(a).cmp(&key(b)).then_with(|| symbols(a).cmp(symbols(b))).then(a.term.cmp(&b.term))
        });
        singles.sort_unstable();
        let map = SymbolMap::new(fold, |c| numbers[c as usize]);
        Ok(Self::from_filed(map, arena, &filed, singles))
    }

    fn from_filed(map: SymbolMap, arena: Vec<u16>, filed: &[Filed], singles: Vec<(u16, u32)>) -> Self {
        let anchors = filed.chunk_by(|a, b| a.anchor == b.anchor).count();
        let mut scanner = Self {
            map,
            anchors: Bitmap::new(anchors, 15, 23),
            neighbours: Bitmap::new(filed.len(), 15, 24),
            slots: vec![0; (2 * anchors + 8).next_power_of_two()],
            entries: Vec::with_capacity(filed.len()),
            arena,
            places: filed.iter().map(|f| f.arena).collect(),
            crowded: Vec::new(),
            singles,
        };
        for bucket in filed.chunk_by(|a, b| a.anchor == b.anchor) {
            scanner.add_bucket(bucket);
        }
        scanner
    }

    fn add_bucket(&mut self, bucket: &[Filed]) {
        // The number of entries is at most that of symbols, which was checked.
        let first = self.entries.len() as u32;
        let anchor = bucket[0].anchor;
        let anchor_hash = hash(u64::from(anchor));
        self.anchors.insert(anchor_hash);
        let mask = self.slots.len() - 1;
        let mut slot = self.slot_of(anchor_hash);
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = first + 1;
        for filed in bucket {
            let (entry, neighbour) = self.entry(filed);
            self.entries.push(entry);
            self.neighbours.insert(hash(neighbour));
        }
        if bucket.len() > BUCKET_ENTRIES_MAX {
            self.entries[first as usize].flags |= CROWDED;
            self.crowded.push((first, bucket.len() as u32));
        }
        if let Some(last) = self.entries.last_mut() {
            last.flags |= LAST;
        }
    }

    /// The entry of a term and the key of its anchor with the symbol beside it.
    fn entry(&self, filed: &Filed) -> (Entry, u64) {
        let symbols = &self.arena[filed.arena as usize..][..usize::from(filed.len)];
        let before = usize::from(filed.before);
        let start = before.saturating_sub(1).min(symbols.len().saturating_sub(WINDOW));
        let window = symbols[start..].iter().take(WINDOW).rev().fold(0, |w, s| w << 16 | u64::from(*s));
        let neighbour = match (symbols.get(before + 2), before.checked_sub(1)) {
            (Some(right), _) => beside(filed.anchor, Beside::Right, *right),
            (None, Some(left)) => beside(filed.anchor, Beside::Left, symbols[left]),
            (None, None) => beside(filed.anchor, Beside::Nothing, NONE),
        };
        let entry = Entry {
            window,
            term: filed.term,
            // Both are below the length, which has eight bits.
            window_start: start as u8,
            in_window: (before - start) as u8,
            len: filed.len,
            flags: if symbols.len() > WINDOW { LONG } else { 0 },
        };
        (entry, neighbour)
    }

    /// First slot to look at for an anchor.
    #[inline]
    pub(super) fn slot_of(&self, anchor_hash: u64) -> usize {
        let shift = 64 - self.slots.len().trailing_zeros();
        // At most the number of slots.
        (anchor_hash >> shift) as usize
    }
}

/// Folds terms, numbers characters and chooses anchors.
struct Collector<'a, F> {
    fold: &'a F,
    bigrams: &'a Bigrams,
    /// Number of each folded character.
    numbers: Vec<u16>,
    last_number: u16,
    arena: Vec<u16>,
    filed: Vec<Filed>,
    singles: Vec<(u16, u32)>,
    terms: usize,
    folded: Vec<char>,
}

impl<'a, F: Fn(char, &mut Vec<char>)> Collector<'a, F> {
    fn new(bigrams: &'a Bigrams, fold: &'a F) -> Self {
        Self {
            fold,
            bigrams,
            numbers: vec![NONE; char::MAX as usize + 1],
            last_number: NONE,
            arena: Vec::new(),
            filed: Vec::new(),
            singles: Vec::new(),
            terms: 0,
            folded: Vec::new(),
        }
    }

    fn add(&mut self, text: &str) -> Result<(), ScannerError> {
        let term = u32::try_from(self.terms).map_err(|_| ScannerError::TooLarge)?;
        let start = u32::try_from(self.arena.len()).map_err(|_| ScannerError::TooLarge)?;
        self.folded.clear();
        text.chars().for_each(|c| (self.fold)(c, &mut self.folded));
        let found = self.folded.len();
        let len = u8::try_from(found).map_err(|_| ScannerError::LongTerm { term: self.terms, found })?;
        for index in 0..found {
            let symbol = self.number(self.folded[index])?;
            self.arena.push(symbol);
        }
        let symbols = &self.arena[start as usize..];
        match symbols {
            [] => return Err(ScannerError::EmptyTerm { term: self.terms }),
            [one] => self.singles.push((*one, term)),
            _ => {
                let before = self.rarest_pair();
                let anchor = pair(symbols[before], symbols[before + 1]);
                // Below the length, which has eight bits.
                self.filed.push(Filed { anchor, before: before as u8, len, arena: start, term });
            }
        }
        self.terms += 1;
        Ok(())
    }

    fn number(&mut self, c: char) -> Result<u16, ScannerError> {
        let number = &mut self.numbers[c as usize];
        if *number == NONE {
            if self.last_number == SYMBOL_MAX {
                return Err(ScannerError::TooManyCharacters);
            }
            self.last_number += 1;
            *number = self.last_number;
        }
        Ok(*number)
    }

    /// Where the rarest pair of the folded term stands; the first one of several.
    fn rarest_pair(&self) -> usize {
        let frequency = |index: &usize| self.bigrams.frequency(self.folded[*index], self.folded[*index + 1]);
        (0..self.folded.len() - 1).min_by_key(frequency).unwrap_or(0)
    }
}
