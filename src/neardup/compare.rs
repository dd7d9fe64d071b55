//! How much two sets of pairs share, and what that is called.

use serde::{Deserialize, Serialize};

use super::fingerprint::{GRAMS_MAX, PASSAGE_CHARS_MIN};

/// How near two texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Near enough to group posts; ordinary texts with a stock phrase in common are as near.
    Link,
    /// Near enough to count: unrelated texts hardly ever are.
    Strong,
    /// The same stream.
    Exact,
}

impl Strength {
    /// The identifier that decisions use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Strong => "strong",
            Self::Exact => "exact",
        }
    }
}

/// What two sets share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overlap {
    /// Jaccard index |A∩B| / |A∪B|, 0 for empty sets.
    pub similarity: f32,
    /// Containment |A∩B| / min(|A|, |B|), 0 for empty sets.
    pub containment: f32,
}

/// Pairs in a saved set beyond which the hashes are kept whole instead of in 16 bits.
pub(super) const NARROW_GRAMS_MAX: usize = 1_024;

/// Sets of more than this ratio are compared by searching the larger one.
const FAR_RATIO: usize = 16;

/// What two sorted sets of hashes share, O(|A| + |B|). Sets of [`GRAMS_MAX`] hashes are taken for samples of larger ones,
/// and compared where both are whole.
pub fn overlap(left: &[u32], right: &[u32]) -> Overlap {
    let bound = |set: &[u32]| if set.len() >= GRAMS_MAX { set.last().copied() } else { None };
    let last = bound(left).unwrap_or(u32::MAX).min(bound(right).unwrap_or(u32::MAX));
    let whole = |set: &[u32]| set.partition_point(|hash| *hash <= last);
    let (left, right) = (&left[..whole(left)], &right[..whole(right)]);
    of_counts(common(left, right), left.len(), right.len())
}

/// The upper 16 bits of the hashes of a set, as bits: what other sets share with it is counted without steps of which each
/// waits for the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    words: Vec<u64>,
    /// Whether two of the hashes have the same upper bits.
    repeats: bool,
}

/// Words of 64 bits that the upper halves of hashes need.
const MARK_WORDS: usize = (1 << 16) / 64;

impl Marked {
    /// Marks a set; nothing may be marked before. O(hashes).
    pub(super) fn mark(&mut self, hashes: &[u32]) {
        self.words.resize(MARK_WORDS, 0);
        for hash in hashes {
            let (word, bit) = (&mut self.words[(hash >> 22) as usize], 1 << (hash >> 16 & 63));
            self.repeats |= *word & bit != 0;
            *word |= bit;
        }
    }

    /// Takes the marks of a set off again.
    pub(super) fn clear(&mut self, hashes: &[u32]) {
        hashes.iter().for_each(|hash| self.words[(hash >> 22) as usize] = 0);
        self.repeats = false;
    }

    fn holds(&self, high: u16) -> bool {
        self.words.get(usize::from(high >> 6)).is_some_and(|word| word >> (high & 63) & 1 != 0)
    }
}

/// What a set, which is marked, shares with one kept in the upper 16 bits of each hash. Kept sets are short, so that few unequal hashes are
/// equal in these bits; against a long text there are more of them, and what chance gives on average is taken off.
#[allow(clippy::cast_precision_loss, reason = "sets of at most 2^15 hashes")]
pub(super) fn overlap_narrow(left: &[u32], marked: &Marked, right: &[u16]) -> Overlap {
    let mut shared = common_marked(left, marked, right) as f32;
    if left.len() > NARROW_GRAMS_MAX {
        // A hash of `right` that is not in `left` meets one there with this probability.
        let chance = 1.0 - (-(left.len() as f32) / 65_536.0).exp();
        shared = (shared - right.len() as f32 * chance).max(0.0) / (1.0 - chance);
    }
    of_shared(shared.min(left.len().min(right.len()) as f32), left.len(), right.len())
}

/// Elements in both of two sorted sets, without a branch that depends on them.
fn common(left: &[u32], right: &[u32]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i], right[j]);
        count += usize::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    count
}

/// Elements of `right` that are in `left`, each as often as it is in both; where `left` is far larger, as often as it is in
/// `right`.
fn common_marked(left: &[u32], marked: &Marked, right: &[u16]) -> usize {
    let (mut distinct, mut again, mut last) = (0, 0, None);
    for high in right {
        let (is_held, is_again) = (marked.holds(*high), last == Some(*high));
        distinct += usize::from(is_held && !is_again);
        again += usize::from(is_held && is_again);
        last = Some(*high);
    }
    if left.len() > right.len() * FAR_RATIO {
        return distinct + again;
    }
    // What stands twice in one set counts twice only where it does in the other too.
    if again > 0 && marked.repeats { common_narrow(left, right) } else { distinct }
}

/// The same by walking through both.
fn common_narrow(left: &[u32], right: &[u16]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i] >> 16, u32::from(right[j]));
        count += usize::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    count
}

#[allow(clippy::cast_precision_loss, reason = "sets of at most 2^15 hashes")]
fn of_counts(shared: usize, left: usize, right: usize) -> Overlap {
    of_shared(shared as f32, left, right)
}

#[allow(clippy::cast_precision_loss, reason = "sets of at most 2^15 hashes")]
fn of_shared(shared: f32, left: usize, right: usize) -> Overlap {
    let smaller = left.min(right) as f32;
    if smaller == 0.0 {
        return Overlap::default();
    }
    let union = left as f32 + right as f32 - shared;
    Overlap { similarity: (shared / union).min(1.0), containment: (shared / smaller).min(1.0) }
}

/// Length below which only texts that are nearly equal are linked, and none but copies count.
pub(super) const TINY_CHARS: u32 = 10;
/// Jaccard index that links two texts, by the length of the shorter.
const LINK: [(u32, f32); 2] = [(TINY_CHARS, 0.8), (u32::MAX, 0.4)];
/// Jaccard index that counts.
const STRONG: [(u32, f32); 4] = [(TINY_CHARS, f32::INFINITY), (20, 0.8), (40, 0.7), (u32::MAX, 0.6)];
/// Share of the shorter text that is in the longer one where it counts as contained.
const CONTAINED: f32 = 0.7;
/// The same, where that counts as strong.
const CONTAINED_STRONG: f32 = 0.85;
/// Sets of no more than this ratio are of one kind: one of two versions of a text, not an article that quotes a post.
const RATIO_MAX: u32 = 3;

/// What a pair of texts is called, or nothing; and whether the shorter is contained in the longer. A length is given in
/// characters, but is at most five fourths of the number of different pairs: what repeats itself says no more than once.
pub(super) fn judge(shared: Overlap, left_chars: u32, right_chars: u32) -> Option<(Strength, bool)> {
    let shorter = left_chars.min(right_chars);
    let limit = |steps: &[(u32, f32)]| {
        steps.iter().find(|(below, _)| shorter < *below).map_or(1.0, |(_, limit)| *limit)
    };
    let can_hold = shorter as usize >= PASSAGE_CHARS_MIN;
    let is_contained = can_hold && shared.containment >= CONTAINED;
    let is_like = left_chars.max(right_chars) <= shorter.saturating_mul(RATIO_MAX);
    let is_strong = shared.similarity >= limit(&STRONG)
        || (can_hold && is_like && shared.containment >= CONTAINED_STRONG);
    if is_strong {
        Some((Strength::Strong, is_contained))
    } else if is_contained || shared.similarity >= limit(&LINK) {
        Some((Strength::Link, is_contained))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_count_what_two_sets_share(
            // Few upper halves, so that they repeat.
            left in prop::collection::btree_set((0_u32..40, 0_u32..4), 0..80),
            right in prop::collection::vec(0_u16..40, 0..80),
        ) {
            let left: Vec<u32> = left.into_iter().map(|(high, low)| high << 16 | low).collect();
            let mut right = right;
            right.sort_unstable();
            let mut marked = Marked::default();
            for _ in 0..2 {
                marked.mark(&left);
                let count = |high: u16| left.iter().filter(|hash| *hash >> 16 == u32::from(high)).count();
                let want: usize = if left.len() > right.len() * FAR_RATIO {
                    right.iter().filter(|high| count(**high) > 0).count()
                } else {
                    right.chunk_by(|a, b| a == b).map(|same| same.len().min(count(same[0]))).sum()
                };
                prop_assert_eq!(common_marked(&left, &marked, &right), want);
                marked.clear(&left);
                prop_assert!(marked.words.iter().all(|word| *word == 0));
            }
        }
    }
}
