//! Normalised text → `SimHash`-64 of its set of character pairs.
//!
//! The value is *defined* by the stream function of the `simhash` crate, see [`simhash_by_definition`]; [`simhash`] computes
//! the same value in a fraction of the time. A fingerprint is a compact secondary key, for archives and for exchange:
//! texts that were edited are often further apart than any radius that can be searched, and recall must not rest on it.

#![expect(clippy::cast_possible_truncation, reason = "what is cast is a length below five or a shifted hash")]

/// Planes of the counters. They count to 2^31 - 1, where the signed numbers of the crate end too; a text with more distinct
/// grams has more than two gigabytes, and its value is not defined.
const PLANES: usize = 31;
/// Hashes that are added to the counters in one step.
const BLOCK: usize = 8;
/// Planes that a block fills before it ripples: a block is eight ones.
const BLOCK_PLANES: usize = 3;
/// Slots of the gram table that one gram may try. Grams beyond are sorted, so that no text makes the table slow.
const PROBES_MAX: usize = 8;
/// Fewest slots of the gram table.
const TABLE_SLOTS_MIN: usize = 64;
/// Longest gram that fills one word of `SipHash`: seven bytes and the length, of which the crate's stream adds one.
const SHORT_BYTES_MAX: u32 = 6;

/// Buffers of [`simhash()`], to be used again for the next text.
#[derive(Clone, Debug, Default)]
pub struct SimhashScratch {
    /// Open addressing, 0 is free.
    table: Vec<u64>,
    /// Distinct short grams, as the word that is hashed.
    words: Vec<u64>,
    /// Grams that are long or found the table full, repeats included.
    rest: Vec<[char; 2]>,
}

/// The 64-bit `SimHash` of the set of character pairs of a normalised text; none for a text without a pair.
///
/// A bit is set where more than half of the distinct pairs have it in their hash; a tie is 0. Equal to
/// [`simhash_by_definition`]. Repeated pairs count once, so that one repeated syllable does not drown the rest.
///
/// O(characters) expected; O(n log n) for a text that is made against the table. Allocates only until the scratch has the
/// size of the longest text.
///
/// Source: Charikar, Similarity estimation techniques from rounding algorithms (2002); counters as planes of bits with
/// carry-save adders after Warren, Hacker's Delight, chapter 5; `SipHash`-2-4 after Aumasson and Bernstein (2012).
///
/// ```
/// use qingliu::neardup::{SimhashScratch, simhash};
///
/// let mut scratch = SimhashScratch::default();
/// let (one, other) = (simhash("今天的包子真好吃", &mut scratch), simhash("今天的包子真好", &mut scratch));
/// assert!(one.zip(other).is_some_and(|(one, other)| (one ^ other).count_ones() < 20));
/// assert_eq!(simhash("好", &mut scratch), None);
/// ```
pub fn simhash(normalised: &str, scratch: &mut SimhashScratch) -> Option<u64> {
    distinct_grams(normalised, scratch);
    let mut counters = Counters::default();
    let (blocks, singles) = scratch.words.as_chunks::<BLOCK>();
    for block in blocks {
        counters.add_block(&block.map(sip_of_word));
    }
    singles.iter().for_each(|word| counters.add(sip_of_word(*word), 0));
    scratch.rest.iter().for_each(|gram| counters.add(sip_of_gram(*gram), 0));
    let grams = scratch.words.len() + scratch.rest.len();
    // More than half, rounded down, is more than half: a tie is not.
    (grams > 0).then(|| counters.above(grams / 2))
}

/// What [`simhash()`] computes, by the stream function of the `simhash` crate (`SipHash` features).
///
/// O(n log n); allocates. For checks: this decides what a fingerprint is.
pub fn simhash_by_definition(normalised: &str) -> Option<u64> {
    let starts: Vec<usize> = normalised.char_indices().map(|(start, _)| start).collect();
    let ends = starts.iter().skip(2).copied().chain([normalised.len()]);
    // A text of fewer than two characters has no pair; the crate would answer 0 for all of them.
    let pairs = starts.len().saturating_sub(1);
    let mut grams: Vec<&str> =
        starts.iter().zip(ends).take(pairs).filter_map(|(start, end)| normalised.get(*start..end)).collect();
    grams.sort_unstable();
    grams.dedup();
    (!grams.is_empty()).then(|| ::simhash::simhash_stream(grams.into_iter()))
}

/// Fills `words` and `rest` with every pair once.
fn distinct_grams(text: &str, scratch: &mut SimhashScratch) {
    let SimhashScratch { table, words, rest } = scratch;
    words.clear();
    rest.clear();
    let slots = (2 * text.chars().count()).next_power_of_two().max(TABLE_SLOTS_MIN);
    table.clear();
    table.resize(slots, 0);
    let shift = 64 - slots.trailing_zeros();
    let mut chars = text.chars();
    let Some(mut before) = chars.next() else { return };
    let mut encoded = utf8(before);
    for c in chars {
        let next = utf8(c);
        match short_word(encoded, next) {
            Some(word) => match insert(table, shift, word) {
                Insert::New => words.push(word),
                Insert::Known => {}
                Insert::Full => rest.push([before, c]),
            },
            None => rest.push([before, c]),
        }
        (before, encoded) = (c, next);
    }
    rest.sort_unstable();
    rest.dedup();
}

/// What became of a gram.
enum Insert {
    New,
    Known,
    /// All slots that it may try hold others. Nothing is ever taken out, so that its repeats fare the same.
    Full,
}

#[inline]
fn insert(table: &mut [u64], shift: u32, word: u64) -> Insert {
    // Multiplicative hashing, Knuth 6.4: the golden ratio.
    let first = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize;
    for probe in 0..PROBES_MAX {
        let index = (first + probe) & (table.len() - 1);
        let slot = &mut table[index];
        if *slot == word {
            return Insert::Known;
        }
        if *slot == 0 {
            *slot = word;
            return Insert::New;
        }
    }
    Insert::Full
}

/// The bytes of a character, low byte first, and their number.
#[inline]
fn utf8(c: char) -> (u32, u32) {
    let mut bytes = [0; 4];
    let length = c.encode_utf8(&mut bytes).len();
    (u32::from_le_bytes(bytes), length as u32)
}

/// The one word that `SipHash` reads for a short gram: its bytes, the 0xFF that ends a string, and the length on top. Never
/// 0, and different for different grams.
#[inline]
fn short_word((first, first_bytes): (u32, u32), (second, second_bytes): (u32, u32)) -> Option<u64> {
    let bytes = first_bytes + second_bytes;
    let text = u64::from(first) | u64::from(second) << (8 * first_bytes);
    (bytes <= SHORT_BYTES_MAX).then(|| text | 0xff << (8 * bytes) | u64::from(bytes + 1) << 56)
}

/// `SipHash`-2-4 with the key 0.
#[derive(Clone, Copy)]
struct Sip([u64; 4]);

impl Sip {
    const NEW: Self =
        Self([0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573]);

    #[inline]
    fn round(&mut self) {
        let [a, b, c, d] = &mut self.0;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }

    #[inline]
    fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    #[inline]
    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.0[0] ^ self.0[1] ^ self.0[2] ^ self.0[3]
    }
}

/// The hash of a gram of one word.
#[inline]
fn sip_of_word(word: u64) -> u64 {
    let mut sip = Sip::NEW;
    sip.absorb(word);
    sip.finish()
}

/// The hash of any gram.
fn sip_of_gram([first, second]: [char; 2]) -> u64 {
    let (first, second) = (utf8(first), utf8(second));
    if let Some(word) = short_word(first, second) {
        return sip_of_word(word);
    }
    // Seven or eight bytes, the 0xFF behind them, and the length on top of the second word.
    let bytes = first.1 + second.1;
    let end = if bytes < 8 { 0xff << (8 * bytes) } else { 0 };
    let text = u64::from(first.0) | u64::from(second.0) << (8 * first.1) | end;
    let last = if bytes < 8 { 0 } else { 0xff };
    let mut sip = Sip::NEW;
    sip.absorb(text);
    sip.absorb(last | u64::from(bytes + 1) << 56);
    sip.finish()
}

/// Sixty-four counters that stand upright: bit `i` of plane `p` is bit `p` of counter `i`.
#[derive(Default)]
struct Counters {
    planes: [u64; PLANES],
}

impl Counters {
    /// Adds `1 << plane` to the counters whose bit is set. The carry runs until no counter has one, seven planes on average.
    #[inline]
    fn add(&mut self, bits: u64, plane: usize) {
        let mut carry = bits;
        for plane in &mut self.planes[plane..] {
            if carry == 0 {
                return;
            }
            (*plane, carry) = (*plane ^ carry, *plane & carry);
        }
    }

    /// Adds eight hashes with seven adders; only what is worth eight ripples.
    #[inline]
    fn add_block(&mut self, words: &[u64; BLOCK]) {
        let [ones, twos, fours, ..] = &mut self.planes;
        let twice = [0, 2, 4, 6].map(|pair| carry_save(ones, words[pair], words[pair + 1]));
        let four_times = [0, 2].map(|pair| carry_save(twos, twice[pair], twice[pair + 1]));
        let eights = carry_save(fours, four_times[0], four_times[1]);
        self.add(eights, BLOCK_PLANES);
    }

    /// The counters that are greater than a number, as bits. Compares all of them at once, highest plane first.
    fn above(&self, number: usize) -> u64 {
        let (mut greater, mut equal) = (0, u64::MAX);
        for (index, plane) in self.planes.iter().enumerate().rev() {
            let bit = if number >> index & 1 == 1 { u64::MAX } else { 0 };
            greater |= equal & plane & !bit;
            equal &= !(plane ^ bit);
        }
        greater
    }
}

/// Adds two words to a sum and gives the carry.
#[inline]
fn carry_save(sum: &mut u64, a: u64, b: u64) -> u64 {
    let half = *sum ^ a;
    let carry = (*sum & a) | (half & b);
    *sum = half ^ b;
    carry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_count_and_compare() {
        let mut counters = Counters::default();
        // Counter i is added to i times, in blocks and one by one.
        let words: Vec<u64> = (0..64).map(|times| u64::MAX.checked_shl(times + 1).unwrap_or(0)).collect();
        let (blocks, _) = words[..56].as_chunks::<BLOCK>();
        blocks.iter().for_each(|block| counters.add_block(block));
        words[56..].iter().for_each(|word| counters.add(*word, 0));
        for number in 0..70 {
            let expected = (0..64).filter(|i| *i > number).fold(0, |bits, i| bits | 1_u64 << i);
            assert_eq!(counters.above(number), expected, "{number}");
        }
    }

    #[test]
    fn a_full_table_loses_no_gram_and_repeats_none() {
        let mut table = vec![0; 16];
        let (mut new, mut full) = (0, 0);
        for word in (1..100).chain(1..100) {
            match insert(&mut table, 60, word) {
                Insert::New => new += 1,
                Insert::Known => {}
                Insert::Full => full += 1,
            }
        }
        assert_eq!((new, full), (16, 2 * (99 - 16)), "each of those without a slot finds none twice");
    }
}
