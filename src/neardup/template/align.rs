//! Two texts → stretches that they share, in the same order in both; but for sorting linear in their length.
//!
//! Patience alignment: pairs of characters that occur once in either text are matched, the longest ascending chain of them
//! is kept, and what lies between is aligned the same way, where more pairs are unique. Where none is and the gap is
//! small, its longest common stretch is found by dynamic programming. Not always the longest common subsequence, which
//! takes quadratic time.
//!
//! Source: the diff of Bram Cohen (patience diff); chains by patience sorting, Fredman, On computing the length of longest
//! increasing subsequences (1975).

use std::ops::Range;

use super::RUN_CHARS_MIN;
use crate::neardup::SLOT_MARK;

/// How often a gap may be divided.
const DEPTH_MAX: u32 = 8;
/// Cells of the table for a gap without a unique pair: at most 32 for each of its characters.
const GAP_CELLS_MAX: usize = 4096;

/// `first[a..a + chars]` equals `second[b..b + chars]`, without a slot mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shared {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) chars: usize,
}

/// Counts what is done: characters looked at, and cells of tables. At most
/// `DEPTH_MAX * (3 + GAP_CELLS_MAX / 128)` per character of both texts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps(pub(super) u64);

/// A stretch of both texts that is still to be aligned.
struct Gap {
    a: Range<usize>,
    b: Range<usize>,
    depth: u32,
}

/// The stretches that two texts share, ascending and disjoint in both, neighbours joined.
pub(super) fn align(first: &[char], second: &[char], steps: &mut Steps) -> Vec<Shared> {
    let mut found = Vec::new();
    let mut gaps = vec![Gap { a: 0..first.len(), b: 0..second.len(), depth: 0 }];
    while let Some(mut gap) = gaps.pop() {
        steps.0 += (gap.a.len() + gap.b.len()) as u64;
        trim(first, second, &mut gap, &mut found);
        if gap.a.is_empty() || gap.b.is_empty() || gap.depth >= DEPTH_MAX {
            continue;
        }
        let mut anchors = chain(&first[gap.a.clone()], &second[gap.b.clone()], steps);
        if anchors.is_empty() && gap.a.len() * gap.b.len() <= GAP_CELLS_MAX {
            steps.0 += (gap.a.len() * gap.b.len()) as u64;
            anchors.extend(longest(&first[gap.a.clone()], &second[gap.b.clone()]));
        }
        if anchors.is_empty() {
            continue;
        }
        let (mut a, mut b) = (gap.a.start, gap.b.start);
        for anchor in anchors {
            let anchor = Shared { a: gap.a.start + anchor.a, b: gap.b.start + anchor.b, ..anchor };
            gaps.push(Gap { a: a..anchor.a, b: b..anchor.b, depth: gap.depth + 1 });
            (a, b) = (anchor.a + anchor.chars, anchor.b + anchor.chars);
            found.push(anchor);
        }
        gaps.push(Gap { a: a..gap.a.end, b: b..gap.b.end, depth: gap.depth + 1 });
    }
    joined(found)
}

/// Takes off what both sides of a gap begin and end with.
fn trim(first: &[char], second: &[char], gap: &mut Gap, found: &mut Vec<Shared>) {
    let is_equal = |(a, b): &(&char, &char)| a == b && **a != SLOT_MARK;
    let (a, b) = (&first[gap.a.clone()], &second[gap.b.clone()]);
    let chars = a.iter().zip(b).take_while(is_equal).count();
    if chars > 0 {
        found.push(Shared { a: gap.a.start, b: gap.b.start, chars });
        (gap.a.start, gap.b.start) = (gap.a.start + chars, gap.b.start + chars);
    }
    let (a, b) = (&a[chars..], &b[chars..]);
    let chars = a.iter().rev().zip(b.iter().rev()).take_while(is_equal).count();
    if chars > 0 {
        (gap.a.end, gap.b.end) = (gap.a.end - chars, gap.b.end - chars);
        found.push(Shared { a: gap.a.end, b: gap.b.end, chars });
    }
}

/// The longest chain of pairs that occur once in either text, ascending in both; neighbours joined.
fn chain(first: &[char], second: &[char], steps: &mut Steps) -> Vec<Shared> {
    steps.0 += 2 * (first.len() + second.len()) as u64;
    // Pairs with their places, those of the first text in front of those of the second.
    let mut places: Vec<([char; 2], bool, usize)> = Vec::with_capacity(first.len() + second.len());
    places.extend(pairs(first).map(|(a, pair)| (pair, false, a)));
    places.extend(pairs(second).map(|(b, pair)| (pair, true, b)));
    places.sort_unstable();
    let unique = places.chunk_by(|one, other| one.0 == other.0).filter_map(|same| match same {
        [(_, false, a), (_, true, b)] => Some((*a, *b)),
        _ => None,
    });
    let mut matches: Vec<(usize, usize)> = unique.collect();
    matches.sort_unstable();
    let mut chain: Vec<Shared> = Vec::new();
    for (a, b) in ascending(&matches) {
        match chain.last_mut() {
            Some(last) if a - last.a == b - last.b && a <= last.a + last.chars => {
                last.chars = a - last.a + 2;
            }
            Some(last) if a < last.a + last.chars || b < last.b + last.chars => {}
            _ => chain.push(Shared { a, b, chars: 2 }),
        }
    }
    chain
}

/// Pairs without a slot mark and where they start.
fn pairs(text: &[char]) -> impl Iterator<Item = (usize, [char; 2])> {
    let pairs = text.windows(2).map(|pair| [pair[0], pair[1]]).enumerate();
    pairs.filter(|(_, pair)| !pair.contains(&SLOT_MARK))
}

/// A longest subsequence that ascends in the second place, of matches that ascend in the first. O(n log n).
fn ascending(matches: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the match with the least end; for each match, the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::new();
    for (index, (_, b)) in matches.iter().enumerate() {
        let length = ends.partition_point(|end| matches[*end].1 < *b);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut chain = Vec::new();
    let mut next = ends.last().copied();
    while let Some(index) = next {
        chain.push(matches[index]);
        next = before[index];
    }
    chain.reverse();
    chain
}

/// The longest stretch that two short texts share, the first of equals; none shorter than a run.
fn longest(first: &[char], second: &[char]) -> Option<Shared> {
    let mut best = Shared { a: 0, b: 0, chars: 0 };
    // How long the shared stretch is that ends at each character of the second text.
    let mut lengths = vec![0; second.len() + 1];
    for (a, char) in first.iter().enumerate() {
        for b in (0..second.len()).rev() {
            let is_equal = *char == second[b] && *char != SLOT_MARK;
            let chars = if is_equal { lengths[b] + 1 } else { 0 };
            lengths[b + 1] = chars;
            if chars > best.chars {
                best = Shared { a: a + 1 - chars, b: b + 1 - chars, chars };
            }
        }
    }
    (best.chars >= RUN_CHARS_MIN).then_some(best)
}

/// Sorted, and neighbours in both texts as one.
fn joined(mut found: Vec<Shared>) -> Vec<Shared> {
    found.sort_unstable();
    found.dedup_by(|next, last| {
        let is_next = next.a == last.a + last.chars && next.b == last.b + last.chars;
        last.chars += if is_next { next.chars } else { 0 };
        is_next
    });
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shared(first: &str, second: &str) -> Vec<String> {
        let (first, second): (Vec<char>, Vec<char>) = (first.chars().collect(), second.chars().collect());
        let found = align(&first, &second, &mut Steps::default());
        found.iter().map(|shared| first[shared.a..shared.a + shared.chars].iter().collect()).collect()
    }

    #[test]
    fn what_stays_is_found_between_what_changes() {
        assert_eq!(shared("加我甲乙领取福利", "加我丙领取福利"), ["加我", "领取福利"]);
        assert_eq!(shared("一0二三四", "一0二三五四"), ["一", "二三", "四"]);
        assert_eq!(shared("甲天天天天", "乙天天天天天"), ["天天天天"]);
        assert_eq!(shared("甲乙", "丙丁"), [""; 0]);
    }

    proptest! {
        #[test]
        fn shared_stretches_are_equal_ascending_and_bounded_in_steps(
            first in "[一-七0]{0,300}",
            second in "[一-七0]{0,300}",
        ) {
            let (first, second): (Vec<char>, Vec<char>) = (first.chars().collect(), second.chars().collect());
            let mut steps = Steps::default();
            let (mut a, mut b) = (0, 0);
            for found in align(&first, &second, &mut steps) {
                prop_assert!(found.a >= a && found.b >= b && found.chars > 0);
                (a, b) = (found.a + found.chars, found.b + found.chars);
                prop_assert_eq!(&first[found.a..a], &second[found.b..b]);
                prop_assert!(!first[found.a..a].contains(&SLOT_MARK));
            }
            let limit = u64::from(DEPTH_MAX + 1) * (3 + GAP_CELLS_MAX as u64 / 128) * (first.len() + second.len()) as u64;
            prop_assert!(steps.0 <= limit, "{} > {limit}", steps.0);
        }
    }
}
