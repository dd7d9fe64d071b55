//! What one text is reduced to.

use super::minhash::{self, PERMUTATIONS, mix32, mix64};
use super::normalise::Stream;
use super::spread::set_into;
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
    /// Keys of those that are sampled.
    sampled: Vec<u32>,
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
        let sampled = &mut self.sampled;
        sampled.resize(self.stretches.len(), 0);
        let mut count = 0;
        for key in &self.stretches {
            sampled[count] = *key;
            count += usize::from(is_sampled(*key));
        }
        sampled.truncate(count);
        sampled.iter_mut().for_each(|key| *key = mix32(*key));
        set_into(sampled, out);
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
