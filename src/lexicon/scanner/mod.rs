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

mod build;
mod rarity;
mod saved;
mod search;
mod symbols;

pub use build::ScannerError;
pub use rarity::Bigrams;
pub use saved::SavedError;
pub use search::{ScanBuffer, TermHit};
pub use symbols::SymbolStream;

use symbols::SymbolMap;

/// An index of terms over folded text. Immutable; searched by any number of threads.
///
/// 25 to 30 MB for a million terms of two to six characters, 3 MB for a hundred thousand, beside 150 KB for the map of
/// characters.
#[derive(Clone)]
pub struct Scanner {
    map: SymbolMap,
    /// Whether two symbols may be an anchor.
    anchors: PairFilter,
    /// By hash of the anchor.
    buckets: Vec<Bucket>,
    entries: Vec<Entry>,
    /// Symbols of all terms.
    arena: Vec<u16>,
    /// Per entry, the first symbol of its term in the arena.
    places: Vec<u32>,
    /// Buckets with so many entries that they are searched in halves: first entry and number, in order.
    crowded: Vec<(u32, u32)>,
    /// Terms of one symbol: symbol and term, in order.
    singles: Vec<(u16, u32)>,
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("terms", &self.len()).finish_non_exhaustive()
    }
}

impl Scanner {
    /// Number of terms.
    pub fn len(&self) -> usize {
        self.entries.len() + self.singles.len()
    }

    /// Whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all tables.
    pub fn memory_bytes(&self) -> usize {
        let map = &self.map;
        2 * (map.bmp.len() + map.pages.len() + map.astral.len() + map.expanded.len() + self.arena.len())
            + 8 * (map.expansions.len() + self.crowded.len() + self.singles.len())
            + 8 * (self.buckets.len() + self.anchors.words.len())
            + 4 * self.places.len()
            + size_of::<Entry>() * self.entries.len()
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

/// A term in the bucket of its anchor. Entries of one bucket stand together, in order of `before`, `len`, symbols and
/// term. 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// Four symbols of the term around its anchor, the first one lowest; zeros behind shorter terms.
    window: u64,
    /// Number of the term.
    term: u32,
    /// Symbols of the term in front of the window.
    window_start: u8,
    /// Symbols of the window in front of the anchor, 0–2.
    in_window: u8,
    /// Number of symbols.
    len: u8,
    /// [`LAST`], [`CROWDED`], [`LONG`].
    flags: u8,
}

/// The last entry of its bucket.
const LAST: u8 = 1;
/// The first entry of a bucket that is searched in halves.
const CROWDED: u8 = 2;
/// A term that is longer than its window.
const LONG: u8 = 4;
/// Symbols of an entry's window.
const WINDOW: usize = 4;

impl Entry {
    /// Symbols of the term in front of its anchor.
    #[inline]
    fn before(&self) -> usize {
        usize::from(self.window_start) + usize::from(self.in_window)
    }
}

/// A set of pairs of symbols: none is missed, few that are not in it are found.
#[derive(Clone, Debug)]
struct PairFilter {
    words: Vec<u64>,
}

/// Bits of the filter per pair: one in seventeen of other pairs is found.
const FILTER_BITS: usize = 16;

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
    ((hash >> 32) * len as u64 >> 32) as usize
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
