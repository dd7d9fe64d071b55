//! Folds and matches in one pass: a text goes in as raw bytes, every occurrence of every term comes out.
//!
//! A character costs one table load that decodes to a *symbol* (the number of the folded character), one bit of a
//! bitmap that says whether two neighbouring symbols are the *anchor* of some term, and, at the few places where they
//! are, one bit that says whether the symbol beside them fits as well. Only what is left is compared with terms. A
//! term's anchor is its rarest pair of symbols, so that ordinary text rarely meets one, whether there are a thousand
//! terms or a million. Nothing depends on the number of terms but the size of the bitmaps and tables.
//!
//! The hits equal those of an automaton over the folded text, hit for hit; `tests/scanner.rs` holds that against
//! aho-corasick and against naive search.
//!
//! Sources: bitmap filters in front of hashed verification as in Wu and Manber, *A fast algorithm for multi-pattern
//! searching* (1994); rarest inner literals as in ripgrep's literal extraction.
#![expect(
    clippy::cast_possible_truncation,
    reason = "texts and tables have fewer than 2^32 symbols, which is checked where they come in; halves are cut on purpose"
)]

mod build;
mod rarity;
mod saved;
mod search;
mod symbols;

pub use build::ScannerError;
pub use rarity::Bigrams;
pub use search::{ScanBuffer, TermHit};
pub use symbols::SymbolStream;

use symbols::SymbolMap;

/// An index of terms over folded text. Immutable; searched by any number of threads.
///
/// Some 25 MB for a million terms of two to six characters, 3 MB for a hundred thousand, beside 150 KB for the map of
/// characters.
#[derive(Clone)]
pub struct Scanner {
    map: SymbolMap,
    /// Whether two symbols may be an anchor.
    anchors: PairFilter,
    /// By hash of the anchor.
    buckets: Vec<Bucket>,
    /// The terms, bucket by bucket, each as an [`Entry`] says.
    entries: Vec<u16>,
    /// Buckets with so many entries that they are searched in halves: first entry, place in `crowds`; in order.
    crowded: Vec<(u32, u32)>,
    /// Each crowded bucket: its number of entries, then where they stand.
    crowds: Vec<u32>,
    singles: Singles,
    terms: usize,
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("terms", &self.len()).finish_non_exhaustive()
    }
}

impl Scanner {
    /// Number of terms.
    pub fn len(&self) -> usize {
        self.terms
    }

    /// Whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads each character as another one from now on, so that a search through a view is a search in the text itself.
    ///
    /// `shows` gives what the view shows of a character of the basic plane; those of the other planes stay what they
    /// are. O(characters of the basic plane).
    #[must_use]
    pub(super) fn through(mut self, shows: impl Fn(char) -> char) -> Self {
        self.map.look_through(shows);
        self
    }

    /// Bytes of all tables.
    pub fn memory_bytes(&self) -> usize {
        let map = &self.map;
        2 * (map.bmp.len() + map.pages.len() + map.astral.len() + map.expanded.len() + self.entries.len())
            + 8 * (map.expansions.len()
                + self.crowded.len()
                + self.singles.terms.len()
                + self.singles.set.len())
            + 8 * (self.buckets.len() + self.anchors.words.len())
            + 4 * self.crowds.len()
    }
}

/// The terms whose anchors share a hash. 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    /// Its first entry.
    first: u32,
    /// Hashes of the symbols that stand beside the anchors, one bit each: [`right_of`] an anchor, or [`left_of`] one
    /// that ends its term. All bits, where an anchor is a whole term; none, where there is no term.
    beside: u32,
}

/// The terms of one symbol.
#[derive(Clone, Debug)]
struct Singles {
    /// Symbol and term, in order.
    terms: Vec<(u16, u32)>,
    /// Their symbols, one bit each: 8 KiB, of which a text touches little.
    set: Box<[u64; SYMBOLS / 64]>,
}

/// Numbers that a symbol can have.
const SYMBOLS: usize = 1 << 16;

impl Singles {
    /// `terms` stand in order.
    fn new(terms: Vec<(u16, u32)>) -> Self {
        let mut set = Box::new([0; SYMBOLS / 64]);
        for (symbol, _) in &terms {
            set[usize::from(symbol / 64)] |= 1 << (symbol % 64);
        }
        Self { terms, set }
    }

    /// Whether a symbol is a term.
    #[inline]
    fn has(&self, symbol: u16) -> bool {
        self.set[usize::from(symbol / 64)] >> (symbol % 64) & 1 != 0
    }

    /// The terms that a symbol is.
    fn of(&self, symbol: u16) -> impl Iterator<Item = u32> + '_ {
        let start = self.terms.partition_point(|(s, _)| *s < symbol);
        self.terms[start..].iter().take_while(move |(s, _)| *s == symbol).map(|(_, term)| *term)
    }
}

/// A term in the bucket of its anchor, as it stands in [`Scanner::entries`]: three numbers, then its symbols. Whatever a
/// comparison needs is thus in one or two cache lines, which with a million terms are not in any near cache. Entries of
/// one bucket stand together, in order of `before`, `len`, symbols and term.
#[derive(Clone, Copy)]
struct Entry<'e> {
    /// Number of symbols in the upper eight bits, symbols in front of the anchor in the lower ones.
    shape: u16,
    /// Lower half of the number of the term.
    low: u16,
    /// Upper half of the number of the term, [`LAST`], [`CROWDED`].
    high: u16,
    /// The first four symbols; what stands behind the term, where it has fewer.
    window: [u16; WINDOW],
    /// The symbols and all that stands behind.
    rest: &'e [u16],
}

/// Numbers in front of the symbols of an entry.
const HEAD: usize = 3;
/// The last entry of its bucket.
const LAST: u16 = 1 << 15;
/// The first entry of a bucket that is searched in halves.
const CROWDED: u16 = 1 << 14;
/// Terms have numbers below this.
const TERMS_MAX: usize = 1 << 30;
/// Symbols that are compared at once.
const WINDOW: usize = 4;

impl<'e> Entry<'e> {
    /// The entry at a place; none behind the last one.
    #[inline]
    fn at(entries: &'e [u16], place: usize) -> Option<Self> {
        let rest = entries.get(place..)?;
        let [shape, low, high, a, b, c, d] = *rest.first_chunk()?;
        Some(Self { shape, low, high, window: [a, b, c, d], rest: &rest[HEAD..] })
    }

    /// Symbols in front of the anchor.
    #[inline]
    fn before(&self) -> usize {
        usize::from(self.shape & 0xFF)
    }

    #[inline]
    fn len(&self) -> usize {
        usize::from(self.shape >> 8)
    }

    #[inline]
    fn term(&self) -> u32 {
        u32::from(self.low) | u32::from(self.high & !(LAST | CROWDED)) << 16
    }

    /// Empty where the symbols are cut off, which no scanner has.
    #[inline]
    fn symbols(&self) -> &'e [u16] {
        self.rest.get(..self.len()).unwrap_or(&[])
    }

    /// Whether it is alone in its bucket and not longer than its window.
    #[inline]
    fn is_regular(&self) -> bool {
        self.high & (LAST | CROWDED) == LAST && self.len() <= WINDOW
    }
}

/// A set of pairs of symbols: none is missed, few that are not in it are found.
#[derive(Clone, Debug)]
struct PairFilter {
    words: Vec<u64>,
}

/// Bits of the filter per pair: one in twenty-five of other pairs is found. With 16 bits a search for a
/// hundred thousand rare terms takes 7 % longer, with 32 as long.
const FILTER_BITS: usize = 24;

impl PairFilter {
    fn new(pairs: usize) -> Self {
        Self { words: vec![0; (pairs * FILTER_BITS / 64).max(1 << 8)] }
    }

    fn insert(&mut self, hash: u64) {
        let word = scale(hash, self.words.len());
        self.words[word] |= 1 << (hash >> 26 & 63);
    }

    /// 1 if the pair with this hash may be in the set.
    #[inline]
    fn get(&self, hash: u64) -> u64 {
        self.words[scale(hash, self.words.len())] >> (hash >> 26 & 63) & 1
    }
}

/// Maps a hash to a number below `len` without a division (Lemire, *Fast random integer generation in an interval*,
/// 2019).
#[inline]
fn scale(hash: u64, len: usize) -> usize {
    // Below `len`, which is below 2^32.
    (((hash >> 32) * len as u64) >> 32) as usize
}

/// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4) with the golden ratio: the high bits count.
#[inline]
fn hash(left: u16, right: u16) -> u64 {
    (u64::from(left) | u64::from(right) << 16).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Bit of a symbol behind an anchor.
#[inline]
fn right_of(symbol: u16) -> u32 {
    u32::from(symbol) & 31
}

/// Bit of a symbol in front of an anchor.
#[inline]
fn left_of(symbol: u16) -> u32 {
    u32::from(symbol) >> 2 & 31
}
