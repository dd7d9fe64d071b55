//! What one text is reduced to.

use super::minhash::{self, PERMUTATIONS, mix32, mix64};
use super::normalise::Stream;
use crate::text::{FoldedText, Slot};

/// Most pairs of characters that are kept of one text: the smallest hashes, which are a fair sample of all.
pub const GRAMS_MAX: usize = 32_768;
/// Most passage keys that are kept of one text, the smallest.
pub const PASSAGES_MAX: usize = 4_096;

/// Texts of at least this many characters are looked for inside other texts, and others in them.
pub(super) const PASSAGE_CHARS_MIN: usize = 40;
/// One in so many places gets a passage key; which, its hash decides, so that the same passage has the same keys in
/// every text.
const PASSAGE_RATE: u32 = 6;

/// What one text is reduced to. Buffers are reused.
#[derive(Clone, Debug, PartialEq)]
pub struct Fingerprint {
    /// Key of the normalised stream, contacts and numbers as marks. The function is fixed, so that keys of different
    /// versions compare. Without meaning for an empty stream.
    pub exact: u64,
    /// Characters of the stream.
    pub chars: u32,
    /// Hashes of the pairs of neighbouring characters, a set: sorted, distinct, at most [`GRAMS_MAX`].
    pub grams: Vec<u32>,
    /// `MinHash` signature of the pairs; all ones for none.
    pub minima: [u32; PERMUTATIONS],
    /// Keys of stretches of eight characters, about every sixth, of texts of at least 40 characters: sorted, distinct,
    /// at most [`PASSAGES_MAX`].
    pub passages: Vec<u32>,
    /// Whether the text says that it is somebody else's: `//@`, 转发自, `via @`, `repost`.
    pub is_repost: bool,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self {
            exact: 0,
            chars: 0,
            grams: Vec::new(),
            minima: [u32::MAX; PERMUTATIONS],
            passages: Vec::new(),
            is_repost: false,
        }
    }
}

impl Fingerprint {
    /// Whether nothing is left of the text. Such a fingerprint matches nothing, not even another one.
    pub fn is_empty(&self) -> bool {
        self.chars == 0
    }
}

/// Makes fingerprints; one per thread, buffers are reused.
#[derive(Clone, Debug, Default)]
pub struct Fingerprinter {
    stream: Stream,
    /// In the order of the text.
    grams: Vec<u32>,
    /// A number for each stretch of eight characters.
    stretches: Vec<u32>,
}

impl Fingerprinter {
    /// One with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the fingerprint of a folded text and its slots, which stand in the order of the text.
    ///
    /// O(symbols), about a microsecond for 100 characters; no allocation once the buffers have grown.
    pub fn read_into(&mut self, text: &FoldedText, slots: &[Slot], out: &mut Fingerprint) {
        self.stream.read(text, slots);
        minhash::grams_into(&self.stream.chars, &mut self.grams);
        minhash::passages_into(&self.grams, &mut self.stretches);
        self.finish_into(out);
        self.passages_into(&mut out.passages);
    }

    /// The stream of the last text, [`SLOT_MARK`](super::SLOT_MARK) for contacts and numbers.
    pub fn normalised(&self) -> &str {
        &self.stream.text
    }

    /// The symbol of the last text at which another's words begin, behind `//@`; beyond the end for none.
    pub fn quote_start(&self) -> u32 {
        u32::try_from(self.stream.quote).unwrap_or(u32::MAX)
    }

    /// The symbol of the folded text that a character of the stream comes from; of a mark, the first of them.
    pub fn symbol_of(&self, char_index: usize) -> Option<u32> {
        self.stream.symbol_of(char_index)
    }

    fn finish_into(&mut self, out: &mut Fingerprint) {
        out.exact = stream_key(&self.stream.chars);
        out.chars = u32::try_from(self.stream.chars.len()).unwrap_or(u32::MAX);
        out.is_repost = self.stream.is_repost;
        self.set_into(out);
    }

    /// The set of pairs and its signature.
    fn set_into(&mut self, out: &mut Fingerprint) {
        minhash::minima_into(&self.grams, &mut out.minima);
        set_into(&self.grams, &mut out.grams);
        out.grams.truncate(GRAMS_MAX);
    }

    fn passages_into(&mut self, out: &mut Vec<u32>) {
        out.clear();
        if self.stream.chars.len() < PASSAGE_CHARS_MIN {
            return;
        }
        // Which are sampled cannot be foreseen: each is written, and the next over it unless it is.
        out.resize(self.stretches.len(), 0);
        let mut count = 0;
        for key in &self.stretches {
            out[count] = *key;
            count += usize::from(is_sampled(*key));
        }
        out.truncate(count);
        out.iter_mut().for_each(|key| *key = mix32(*key));
        out.sort_unstable();
        out.dedup();
        out.truncate(PASSAGES_MAX);
    }
}

fn is_sampled(stretch: u32) -> bool {
    stretch < u32::MAX / PASSAGE_RATE
}

/// Places and keys of the passages that are sampled among all stretches of a text.
pub(super) fn passages(stretches: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    let sampled = stretches.iter().enumerate().filter(|(_, stretch)| is_sampled(**stretch));
    sampled.map(|(place, stretch)| (place, mix32(*stretch)))
}

/// Multiplies to 128 bits and folds the halves, as wyhash does (Wang Yi, final version 4).
#[allow(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
fn fold_multiply(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

const KEY: u64 = 0xA076_1D64_78BD_642F;
const STEP: u64 = 0xE703_7ED1_A0B4_28DB;

fn stream_key(chars: &[char]) -> u64 {
    let mut key = KEY ^ chars.len() as u64;
    let (pairs, rest) = chars.as_chunks::<2>();
    for [left, right] in pairs {
        key = fold_multiply(key ^ (u64::from(*left) << 32 | u64::from(*right)), STEP);
    }
    rest.iter().for_each(|c| key = fold_multiply(key ^ u64::from(*c), STEP));
    mix64(key)
}

/// Hashes above which sorting by comparisons is used: counts of one byte would not do.
const BUCKETED_MAX: usize = 255;
const BUCKETS: usize = 256;
/// Moves that putting the buckets in order may take per hash; texts made to fill one bucket take more.
const MOVES_PER_HASH_MAX: usize = 16;
/// Times this, every byte of a word becomes the sum of itself and the bytes below it.
const PREFIX_SUMS: u64 = 0x0101_0101_0101_0101;

/// Replaces `out` by the hashes, sorted and each once. They spread evenly, so that one pass by their upper bits nearly sorts
/// them.
fn set_into(hashes: &[u32], out: &mut Vec<u32>) {
    out.clear();
    if hashes.len() > BUCKETED_MAX {
        out.extend_from_slice(hashes);
        out.sort_unstable();
        out.dedup();
        return;
    }
    let bucket = |hash: u32| usize::from(hash.to_be_bytes()[0]);
    let mut ends = [0_u8; BUCKETS];
    hashes.iter().for_each(|hash| ends[bucket(*hash)] += 1);
    let mut before = 0;
    for eight in ends.as_chunks_mut::<8>().0 {
        let sums = u64::from_le_bytes(*eight).wrapping_mul(PREFIX_SUMS);
        *eight = sums.wrapping_add(before * PREFIX_SUMS).to_le_bytes();
        before += sums >> 56;
    }
    let mut sorted = [0; BUCKETED_MAX + 1];
    for hash in hashes {
        let end = &mut ends[bucket(*hash)];
        *end = end.wrapping_sub(1);
        sorted[usize::from(*end)] = *hash;
    }
    let sorted = &mut sorted[..hashes.len()];
    insert_sort(sorted);
    out.resize(sorted.len(), 0);
    let (mut count, mut last) = (0, sorted.first().map_or(0, |hash| !hash));
    for hash in sorted {
        out[count] = *hash;
        count += usize::from(last != *hash);
        last = *hash;
    }
    out.truncate(count);
}

/// Insertion sort, for what is nearly sorted; something else where that takes too long.
fn insert_sort(hashes: &mut [u32]) {
    let mut moves = hashes.len() * MOVES_PER_HASH_MAX;
    for i in 1..hashes.len() {
        let (hash, mut place) = (hashes[i], i);
        while place > 0 && hashes[place - 1] > hash {
            hashes[place] = hashes[place - 1];
            place -= 1;
        }
        hashes[place] = hash;
        moves = moves.saturating_sub(i - place);
        if moves == 0 {
            return hashes.sort_unstable();
        }
    }
}
