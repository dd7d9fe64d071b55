//! Terms in, tables out.

use super::rarity::Bigrams;
use super::symbols::{EXPANSION_MAX, NONE, SYMBOL_MAX, SymbolMap};
use super::{
    Bucket, CROWDED, HEAD, LAST, PairFilter, Scanner, Singles, TERMS_MAX, WINDOW, hash, left_of, right_of,
    scale,
};

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
    #[error("more than a thousand million terms, or four thousand million characters")]
    TooLarge,
}

/// A term on its way to its bucket.
#[derive(Clone, Copy)]
struct Filed {
    /// Hash of the anchor; its highest bits number the bucket.
    hash: u64,
    arena: u32,
    term: u32,
    before: u8,
    len: u8,
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
        collector.choose_anchors();
        let Collector { numbers, arena, mut filed, mut singles, .. } = collector;
        let symbols = |f: &Filed| &arena[f.arena as usize..][..usize::from(f.len)];
        filed.sort_unstable_by_key(|f| f.hash);
        let anchors = filed.chunk_by(|a, b| a.hash == b.hash).count();
        let buckets = (anchors + anchors / 2).max(1 << 8);
        for bucket in filed.chunk_by_mut(|a, b| scale(a.hash, buckets) == scale(b.hash, buckets)) {
            let shape = |f: &Filed| (f.before, f.len);
            bucket.sort_unstable_by(|a, b| {
                shape(a).cmp(&shape(b)).then_with(|| symbols(a).cmp(symbols(b))).then(a.term.cmp(&b.term))
            });
        }
        singles.sort_unstable();
        let mut scanner = Self {
            map: SymbolMap::new(fold, |c| numbers[c as usize]),
            anchors: PairFilter::new(anchors),
            buckets: vec![Bucket::default(); buckets],
            entries: Vec::with_capacity(filed.len() * HEAD + arena.len() + WINDOW),
            crowded: Vec::new(),
            crowds: Vec::new(),
            terms: filed.len() + singles.len(),
            singles: Singles::new(singles),
        };
        for bucket in filed.chunk_by(|a, b| scale(a.hash, buckets) == scale(b.hash, buckets)) {
            scanner.add_bucket(scale(bucket[0].hash, buckets), bucket, &arena);
        }
        // Every entry has a whole window.
        scanner.entries.extend([NONE; WINDOW]);
        Ok(scanner)
    }

    fn add_bucket(&mut self, number: usize, filed: &[Filed], arena: &[u16]) {
        let is_crowded = filed.len() > BUCKET_ENTRIES_MAX;
        // The number of symbols and heads was checked.
        let first = self.entries.len() as u32;
        if is_crowded {
            self.crowded.push((first, self.crowds.len() as u32));
            self.crowds.push(filed.len() as u32);
        }
        let mut beside = 0;
        for (index, filed) in filed.iter().enumerate() {
            self.anchors.insert(filed.hash);
            let symbols = &arena[filed.arena as usize..][..usize::from(filed.len)];
            let before = usize::from(filed.before);
            beside |= match (symbols.get(before + 2), before.checked_sub(1)) {
                (Some(right), _) => 1 << right_of(*right),
                (None, Some(left)) => 1 << left_of(symbols[left]),
                (None, None) => u32::MAX,
            };
            if is_crowded {
                self.crowds.push(self.entries.len() as u32);
            }
            let crowded = if is_crowded && index == 0 { CROWDED } else { 0 };
            let shape = u16::from(filed.before) | u16::from(filed.len) << 8;
            // The lower and the upper half; the latter is below the flags.
            self.entries.extend([shape, filed.term as u16, (filed.term >> 16) as u16 | crowded]);
            self.entries.extend_from_slice(symbols);
        }
        self.buckets[number] = Bucket { first, beside };
        if let Some(last) = filed.last() {
            let head = self.entries.len() - usize::from(last.len) - HEAD;
            self.entries[head + 2] |= LAST;
        }
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
    /// How many terms hold a pair, by hash.
    uses: Vec<u32>,
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
            uses: vec![0; 1 << 20],
            folded: Vec::new(),
        }
    }

    fn add(&mut self, text: &str) -> Result<(), ScannerError> {
        let term = u32::try_from(self.terms).map_err(|_| ScannerError::TooLarge)?;
        // Room for a head per term.
        let end = self.arena.len() + HEAD * self.terms + 2 * TERM_SYMBOLS_MAX;
        if u32::try_from(end).is_err() || self.terms >= TERMS_MAX {
            return Err(ScannerError::TooLarge);
        }
        // Less than that.
        let start = self.arena.len() as u32;
        self.folded.clear();
        for c in text.chars() {
            let end = self.folded.len() + EXPANSION_MAX;
            (self.fold)(c, &mut self.folded);
            self.folded.truncate(end);
        }
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
                for two in symbols.windows(2) {
                    self.uses[use_of(hash(two[0], two[1]))] += 1;
                }
                self.filed.push(Filed { hash: 0, before: 0, len, arena: start, term });
            }
        }
        self.terms += 1;
        Ok(())
    }

    /// Chooses the anchor of each term: the pair that is met least often, weighed with how many terms share it; the
    /// first one of several.
    fn choose_anchors(&mut self) {
        let mut chars = vec!['\0'; usize::from(self.last_number) + 1];
        for (number, c) in self.numbers.iter().zip('\0'..=char::MAX) {
            chars[usize::from(*number)] = c;
        }
        for filed in &mut self.filed {
            let symbols = &self.arena[filed.arena as usize..][..usize::from(filed.len)];
            let cost = |two: &[u16]| {
                let uses = self.uses[use_of(hash(two[0], two[1]))];
                self.bigrams.class(chars[usize::from(two[0])], chars[usize::from(two[1])]) + 2 * uses.ilog2()
            };
            let best = (0_u8..).zip(symbols.windows(2)).min_by_key(|(_, two)| cost(two));
            if let Some((before, two)) = best {
                (filed.before, filed.hash) = (before, hash(two[0], two[1]));
            }
        }
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
}

/// Where the uses of a pair are counted; pairs share counters where the terms have very many.
fn use_of(hash: u64) -> usize {
    // 20 bits.
    (hash >> 44) as usize
}
