//! `MinHash` over a set of hashed pairs of characters, in 32 bits.
//!
//! Broder, "On the resemblance and containment of documents" (1997), with one linear function per permutation. The
//! constants are part of every stored signature: they never change.

use multiversion::multiversion;

/// Numbers of a signature.
pub const PERMUTATIONS: usize = 64;

/// Permutations that are worked on together, so that their constants and minima stay in vector registers.
const LANES: usize = 32;

/// Factors and summands of `h(x) = a·x + b mod 2³²`; every factor is odd.
const FUNCTIONS: ([u32; PERMUTATIONS], [u32; PERMUTATIONS]) = functions();

/// Constants of `SplitMix64` (Steele, Lea, Flood 2014), started at 0.
#[allow(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
const fn functions() -> ([u32; PERMUTATIONS], [u32; PERMUTATIONS]) {
    let (mut factors, mut summands) = ([0; PERMUTATIONS], [0; PERMUTATIONS]);
    let (mut state, mut i) = (0_u64, 0);
    while i < PERMUTATIONS {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = mix64(state);
        factors[i] = mixed as u32 | 1;
        summands[i] = (mixed >> 32) as u32;
        i += 1;
    }
    (factors, summands)
}

/// The finaliser of `SplitMix64`: a bijection in which every bit depends on every bit.
pub(super) const fn mix64(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The finaliser of `MurmurHash3` for 32 bits, a bijection.
#[inline]
pub(super) const fn mix32(value: u32) -> u32 {
    let value = (value ^ (value >> 16)).wrapping_mul(0x85EB_CA6B);
    let value = (value ^ (value >> 13)).wrapping_mul(0xC2B2_AE35);
    value ^ (value >> 16)
}

/// The hash of two neighbouring characters.
#[inline]
pub const fn gram(left: char, right: char) -> u32 {
    mix32((left as u32).wrapping_mul(0x9E37_79B1).wrapping_add((right as u32).wrapping_mul(0x85EB_CA77)))
}

/// Replaces `out` by the hashes of all pairs of neighbours, in the order of the text.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(super) fn grams_into(chars: &[char], out: &mut Vec<u32>) {
    out.clear();
    let Some(rest) = chars.get(1..) else { return };
    out.resize(rest.len(), 0);
    for ((place, left), right) in out.iter_mut().zip(chars).zip(rest) {
        *place = gram(*left, *right);
    }
}

/// Characters under the key of a passage.
pub(super) const PASSAGE_CHARS: usize = 8;
/// Pairs in a passage.
const PASSAGE_GRAMS: usize = PASSAGE_CHARS - 1;

/// Replaces `out` by a number for every stretch of eight characters, by the hashes of all pairs of neighbours in order.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(super) fn passages_into(grams: &[u32], out: &mut Vec<u32>) {
    out.clear();
    if grams.len() < PASSAGE_GRAMS {
        return;
    }
    let count = grams.len() + 1 - PASSAGE_GRAMS;
    out.resize(count, 0);
    // Every other pair: together they hold all eight characters.
    let pairs = [0, 2, 4, 6].map(|offset| &grams[offset..offset + count]);
    for (place, key) in out.iter_mut().enumerate() {
        *key = pairs[0][place]
            .wrapping_mul(0x9E37_79B1)
            .wrapping_add(pairs[1][place].wrapping_mul(0x85EB_CA77))
            .wrapping_add(pairs[2][place].wrapping_mul(0xC2B2_AE3D))
            .wrapping_add(pairs[3][place].wrapping_mul(0x27D4_EB2F));
    }
}

/// The smallest value of every permutation over a set; all ones for the empty set. Repeats change nothing.
///
/// O(64 · hashes), four to eight permutations per instruction; no allocation.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(super) fn minima_into(hashes: &[u32], minima: &mut [u32; PERMUTATIONS]) {
    for (block, lanes) in minima.chunks_exact_mut(LANES).enumerate() {
        let (mut factors, mut summands, mut least) = ([0; LANES], [0; LANES], [u32::MAX; LANES]);
        factors.copy_from_slice(&FUNCTIONS.0[block * LANES..][..LANES]);
        summands.copy_from_slice(&FUNCTIONS.1[block * LANES..][..LANES]);
        for hash in hashes {
            for lane in 0..LANES {
                let value = hash.wrapping_mul(factors[lane]).wrapping_add(summands[lane]);
                least[lane] = least[lane].min(value);
            }
        }
        lanes.copy_from_slice(&least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_never_change() {
        assert_eq!((FUNCTIONS.0[0], FUNCTIONS.1[0]), (0x7B1D_CDAF, 0xE220_A839));
        assert_eq!(gram('你', '好'), 0xB105_757F);
    }

    #[test]
    fn minima_are_those_of_a_plain_loop() {
        let hashes: Vec<u32> = (0..101).map(mix32).collect();
        let mut minima = [0; PERMUTATIONS];
        minima_into(&hashes, &mut minima);
        for (i, least) in minima.iter().enumerate() {
            let values = hashes.iter().map(|x| x.wrapping_mul(FUNCTIONS.0[i]).wrapping_add(FUNCTIONS.1[i]));
            assert_eq!(Some(*least), values.min());
        }
        minima_into(&[], &mut minima);
        assert_eq!(minima, [u32::MAX; PERMUTATIONS]);
    }
}
