//! Hashes → the set of them, in order.
//!
//! Hashes spread evenly, so that a counting sort by their upper bits nearly puts them in order (Knuth, volume 3, 5.2, algorithm
//! D), and what is left to do in each bucket is done in all of them at once by odd-even transposition (5.3.4, exercise 37):
//! no branch depends on a hash.

use multiversion::multiversion;

/// Hashes above which sorting by comparisons is used: counts of one byte would not do.
const BUCKETED_MAX: usize = 255;
const BUCKETS: usize = 256;
/// Hashes in the fullest bucket beyond which comparisons are used as well: texts made to fill one bucket.
const FULLEST_MAX: u8 = 12;
/// Times this, every byte of a word becomes the sum of itself and the bytes below it.
const PREFIX_SUMS: u64 = 0x0101_0101_0101_0101;

/// A number that is as likely to be any as another.
pub(super) trait Hash: Copy + Default + Ord {
    /// Its upper eight bits.
    fn bucket(self) -> u8;
}

impl Hash for u32 {
    fn bucket(self) -> u8 {
        self.to_be_bytes()[0]
    }
}

impl Hash for u64 {
    fn bucket(self) -> u8 {
        self.to_be_bytes()[0]
    }
}

/// Replaces `out` by the hashes, sorted and each once. O(hashes) for those that spread evenly, O(hashes · log hashes) at
/// worst; no allocation once the buffer has grown.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(super) fn set_into<H: Hash>(hashes: &[H], out: &mut Vec<H>) {
    out.clear();
    let mut ends = [0_u8; BUCKETS];
    let is_few = hashes.len() <= BUCKETED_MAX;
    if is_few {
        hashes.iter().for_each(|hash| ends[usize::from(hash.bucket())] += 1);
    }
    let fullest = ends.iter().copied().max().unwrap_or(0);
    if !is_few || fullest > FULLEST_MAX {
        out.extend_from_slice(hashes);
        out.sort_unstable();
        out.dedup();
        return;
    }
    let mut before = 0;
    for eight in ends.as_chunks_mut::<8>().0 {
        let sums = u64::from_le_bytes(*eight).wrapping_mul(PREFIX_SUMS);
        *eight = sums.wrapping_add(before * PREFIX_SUMS).to_le_bytes();
        before += sums >> 56;
    }
    let mut sorted = [H::default(); BUCKETED_MAX + 1];
    for hash in hashes {
        let end = &mut ends[usize::from(hash.bucket())];
        *end = end.wrapping_sub(1);
        sorted[usize::from(*end)] = *hash;
    }
    let sorted = &mut sorted[..hashes.len()];
    // As many phases as the fullest bucket has hashes put all of them in order.
    for phase in 0..usize::from(fullest) {
        for pair in sorted.get_mut(phase & 1..).unwrap_or_default().as_chunks_mut::<2>().0 {
            let [left, right] = *pair;
            *pair = [left.min(right), left.max(right)];
        }
    }
    let Some(mut last) = sorted.first().copied() else { return };
    out.resize(sorted.len(), last);
    let (set, mut count) = (out.as_mut_slice(), 1);
    for hash in &sorted[1..] {
        set[count] = *hash;
        count += usize::from(last != *hash);
        last = *hash;
    }
    out.truncate(count);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_set_is_sorted_and_has_each_hash_once(
            spread in prop::collection::vec(any::<u64>(), 0..400),
            // All of one bucket, of which some repeat.
            crowded in prop::collection::vec(0_u64..30, 0..20),
        ) {
            let mut out = vec![7];
            for len in [spread.len(), spread.len().min(100), 0] {
                let hashes: Vec<u64> = spread[..len].iter().chain(&crowded).copied().collect();
                set_into(&hashes, &mut out);
                let want: Vec<u64> = hashes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
                prop_assert_eq!(&out, &want);
            }
        }
    }
}
