//! The pairs of characters of the posts in a window, one behind the other in blocks that are given back when empty.

use std::collections::VecDeque;

use super::compare::{self, Marked, NARROW_GRAMS_MAX, Overlap, overlap_narrow};

/// Sixteen-bit numbers in a block: the largest set fits.
const BLOCK: usize = 1 << 16;
/// Sets begin at multiples of this.
const UNIT: usize = 4;
const UNITS: u32 = 1 << 14;
/// Numbers of blocks wrap here; far fewer are alive at once.
const BLOCKS: u32 = u32::MAX / UNITS + 1;

/// Where a set stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SetAt {
    at: u32,
    count: u16,
    is_wide: bool,
}

#[derive(Clone, Debug, Default)]
struct Block {
    numbers: Vec<u16>,
    sets: u32,
}

/// Sets of hashes: short ones in the upper 16 bits of each hash, long ones whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Arena {
    blocks: VecDeque<Block>,
    /// Number of the first block, modulo [`BLOCKS`].
    first: u32,
    /// Numbers of all sets.
    live: usize,
}

/// Numbers that a set takes.
fn needed(count: usize, is_wide: bool) -> usize {
    (count << u32::from(is_wide)).next_multiple_of(UNIT)
}

impl Arena {
    pub(super) fn bytes(&self) -> usize {
        let numbers: usize = self.blocks.iter().map(|block| block.numbers.capacity()).sum();
        numbers * 2 + self.blocks.capacity() * size_of::<Block>()
    }

    /// Bytes of the sets that are kept, without what lies between them.
    pub(super) fn live_bytes(&self) -> usize {
        self.live * 2
    }

    /// Keeps a sorted set of at most `GRAMS_MAX` hashes.
    #[allow(clippy::cast_possible_truncation, reason = "upper and lower halves; sets and blocks are bounded")]
    pub(super) fn push(&mut self, grams: &[u32]) -> SetAt {
        let is_wide = grams.len() > NARROW_GRAMS_MAX;
        let needed = needed(grams.len(), is_wide);
        let has_room = |block: &Block| block.numbers.len() + needed <= BLOCK;
        if !self.blocks.back().is_some_and(has_room) {
            self.blocks.push_back(Block { numbers: Vec::with_capacity(BLOCK), sets: 0 });
        }
        let number = self.first.wrapping_add(self.blocks.len() as u32 - 1) % BLOCKS;
        let Some(block) = self.blocks.back_mut() else { return SetAt::default() };
        let at = number * UNITS + (block.numbers.len() / UNIT) as u32;
        let end = block.numbers.len() + needed;
        if is_wide {
            block.numbers.extend(grams.iter().flat_map(|gram| [(*gram >> 16) as u16, *gram as u16]));
        } else {
            block.numbers.extend(grams.iter().map(|gram| (*gram >> 16) as u16));
        }
        block.numbers.resize(end, 0);
        block.sets += 1;
        self.live += needed;
        SetAt { at, count: grams.len() as u16, is_wide }
    }

    fn index_of(&self, set: SetAt) -> usize {
        ((set.at / UNITS).wrapping_sub(self.first) % BLOCKS) as usize
    }

    fn numbers(&self, set: SetAt) -> &[u16] {
        let start = (set.at % UNITS) as usize * UNIT;
        let count = usize::from(set.count) << u32::from(set.is_wide);
        self.blocks.get(self.index_of(set)).and_then(|b| b.numbers.get(start..start + count)).unwrap_or(&[])
    }

    /// Lets go of a set.
    pub(super) fn drop_set(&mut self, set: SetAt) {
        let index = self.index_of(set);
        let last = self.blocks.len().saturating_sub(1);
        let Some(block) = self.blocks.get_mut(index) else { return };
        block.sets = block.sets.saturating_sub(1);
        self.live = self.live.saturating_sub(needed(usize::from(set.count), set.is_wide));
        if block.sets == 0 && index < last {
            block.numbers = Vec::new();
        }
        while self.blocks.len() > 1 && self.blocks.front().is_some_and(|block| block.sets == 0) {
            self.blocks.pop_front();
            self.first = (self.first + 1) % BLOCKS;
        }
    }

    /// Moves a set behind all others.
    pub(super) fn renew(&mut self, set: SetAt, scratch: &mut Vec<u32>) -> SetAt {
        self.hashes_into(set, scratch);
        self.drop_set(set);
        self.push(scratch)
    }

    /// The hashes of a set; of a short one, their upper 16 bits.
    pub(super) fn hashes_into(&self, set: SetAt, out: &mut Vec<u32>) {
        out.clear();
        let numbers = self.numbers(set);
        if set.is_wide {
            let (pairs, _) = numbers.as_chunks::<2>();
            out.extend(pairs.iter().map(|[high, low]| u32::from(*high) << 16 | u32::from(*low)));
        } else {
            out.extend(numbers.iter().map(|high| u32::from(*high) << 16));
        }
    }

    /// Number of hashes in a set.
    pub(super) fn len(set: SetAt) -> usize {
        usize::from(set.count)
    }

    /// The ends of a set; whoever needs it waits for their lines.
    pub(super) fn touch(&self, set: SetAt) -> u16 {
        let numbers = self.numbers(set);
        numbers.first().copied().unwrap_or(0) ^ numbers.last().copied().unwrap_or(0)
    }

    /// What a sorted set, whose hashes are marked, shares with one that is kept here.
    pub(super) fn overlap(
        &self,
        (grams, marked): (&[u32], &Marked),
        set: SetAt,
        scratch: &mut Vec<u32>,
    ) -> Overlap {
        if !set.is_wide {
            return overlap_narrow(grams, marked, self.numbers(set));
        }
        self.hashes_into(set, scratch);
        compare::overlap(grams, scratch)
    }
}
