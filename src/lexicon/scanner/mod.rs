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
    /// One bit per hashed anchor.
    anchors: Bitmap,
    /// One bit per hashed anchor with the symbol beside it.
    neighbours: Bitmap,
    /// Open addressing by anchor: number of the first entry of its bucket, plus one.
    slots: Vec<u32>,
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
            + 4 * (self.slots.len() + self.places.len() + self.anchors.words.len() + self.neighbours.words.len())
            + size_of::<Entry>() * self.entries.len()
    }
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
    /// The two symbols of the anchor.
    #[inline]
    fn anchor(&self) -> u32 {
        // The lower half of what is shifted.
        ((self.window >> (16 * u32::from(self.in_window))) & 0xFFFF_FFFF) as u32
    }

    /// Symbols of the term in front of its anchor.
    #[inline]
    fn before(&self) -> usize {
        usize::from(self.window_start) + usize::from(self.in_window)
    }
}

/// A set of hashes: no element is missed, some that are not in it are found.
#[derive(Clone, Debug)]
struct Bitmap {
    words: Vec<u32>,
    /// 64 less the logarithm of the number of bits.
    shift: u32,
}

impl Bitmap {
    /// Room for `elements` at about 16 bits each, between the limits given as powers of two.
    fn new(elements: usize, least: u32, most: u32) -> Self {
        let bits = (elements * 16).next_power_of_two().clamp(1 << least, 1 << most);
        Self { words: vec![0; bits / 32], shift: 64 - bits.trailing_zeros() }
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u32) {
        let bit = hash >> self.shift;
        // Bitmaps have at most 2^24 bits.
        ((bit >> 5) as usize, (bit & 31) as u32)
    }

    fn insert(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.words[word] |= 1 << bit;
    }

    /// 1 if the hash may be in the set.
    #[inline]
    fn get(&self, hash: u64) -> u32 {
        let (word, bit) = self.place(hash);
        self.words[word] >> bit & 1
    }
}

/// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4) with the golden ratio: the high bits count.
#[inline]
fn hash(key: u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Key of an anchor.
#[inline]
fn pair(left: u16, right: u16) -> u32 {
    u32::from(left) | u32::from(right) << 16
}

/// Which symbol beside its anchor a term is filed under.
#[derive(Clone, Copy, Debug)]
enum Beside {
    /// The one behind it.
    Right = 1,
    /// The one in front of it: the anchor ends the term.
    Left = 2,
    /// None: the anchor is the term.
    Nothing = 3,
}

/// Key of an anchor with the symbol beside it.
#[inline]
fn beside(anchor: u32, side: Beside, symbol: u16) -> u64 {
    u64::from(anchor) << 18 | u64::from(symbol) << 2 | side as u64
}
