//! Tables of lines by number that cost what is used.
//!
//! A line is what a table reads and writes at once, a cache line mostly. As long as few lines were ever written, they stand in the
//! order of their first use behind an index; when a quarter was, all are laid out in the order of their numbers. Nothing that is read
//! or written depends on that.

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Deserialize, Serialize, Serializer};

/// Tables of so many lines are laid out from the start.
const LAID_OUT_LINES: usize = 64;
/// A table is laid out when one line in so many is in use.
const SPARSE_PART: usize = 4;
/// Lines of a table at most.
const LINES_MAX: usize = 1 << 30;

/// A fixed number of lines, a power of two, all of which are `L::default()` at first.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Saved<L>", bound = "L: Copy + Default + Deserialize<'de>")]
pub(crate) struct Lines<L> {
    count: usize,
    /// By number, the place in `held` plus one: open addressing, at most half full. Empty once all lines are laid out.
    index: Vec<u32>,
    /// The numbers of `held`. Empty once all are laid out.
    numbers: Vec<u32>,
    held: Vec<L>,
}

impl<L: Copy + Default> Lines<L> {
    /// At least so many lines, at most 2^30. Small tables are laid out at once, others take no memory yet.
    pub(crate) fn new(count: usize) -> Self {
        let count = count.clamp(1, LINES_MAX).next_power_of_two();
        let laid_out = if count <= LAID_OUT_LINES { count } else { 0 };
        let index = if laid_out == 0 { vec![0; LAID_OUT_LINES] } else { Vec::new() };
        Self { count, index, numbers: Vec::new(), held: vec![L::default(); laid_out] }
    }

    /// How many lines there are, a power of two.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The number of a line that the low bits of a hash stand for.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the low bits are what is asked for")]
    pub(crate) fn number(&self, hash: u64) -> u32 {
        hash as u32 & (self.count - 1) as u32
    }

    /// A line, if it was ever written. O(1) expected.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&L> {
        if self.index.is_empty() {
            return self.held.get(number as usize);
        }
        self.find(number).ok().map(|place| &self.held[place])
    }

    /// A line to write to, which has to be one of [`Self::number`]. Amortised O(1); lays all lines out when a quarter is in use.
    #[inline]
    pub(crate) fn get_mut(&mut self, number: u32) -> &mut L {
        if self.index.is_empty() {
            return &mut self.held[number as usize];
        }
        match self.find(number) {
            Ok(place) => &mut self.held[place],
            Err(hole) => self.begin(number, hole),
        }
    }

    /// Where a line stands, or the entry of the index where it would be noted.
    #[inline]
    fn find(&self, number: u32) -> Result<usize, usize> {
        let mask = self.index.len() - 1;
        let mut at = home(number, mask);
        loop {
            let Some(place) = self.index[at].checked_sub(1) else { return Err(at) };
            if self.numbers[place as usize] == number {
                return Ok(place as usize);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn begin(&mut self, number: u32, hole: usize) -> &mut L {
        if (self.held.len() + 1) * SPARSE_PART > self.count {
            self.lay_out();
            return self.get_mut(number);
        }
        self.numbers.push(number);
        self.held.push(L::default());
        let place = self.held.len() - 1;
        self.index[hole] = entry(place);
        if self.held.len() * 2 > self.index.len() {
            self.widen();
        }
        &mut self.held[place]
    }

    /// Makes room for twice as many in the index.
    fn widen(&mut self) {
        let mask = self.index.len() * 2 - 1;
        self.index.clear();
        self.index.resize(mask + 1, 0);
        for (place, number) in self.numbers.iter().enumerate() {
            let mut at = home(*number, mask);
            while self.index[at] != 0 {
                at = (at + 1) & mask;
            }
            self.index[at] = entry(place);
        }
    }

    fn lay_out(&mut self) {
        let mut lines = vec![L::default(); self.count];
        for (number, line) in self.numbers.iter().zip(&self.held) {
            lines[*number as usize] = *line;
        }
        (self.index, self.numbers, self.held) = (Vec::new(), Vec::new(), lines);
    }

    /// What [`Self::memory_bytes`] is at most: all lines, or a quarter of them with its numbers and its part of the index, in vectors
    /// that may be half empty. While lines are laid out both are there for a moment.
    pub(crate) fn memory_bytes_max(count: usize) -> usize {
        let laid_out = count.max(LAID_OUT_LINES);
        laid_out * size_of::<L>() + laid_out / SPARSE_PART * 2 * 3 * size_of::<u32>()
    }

    /// Bytes on the heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        (self.index.capacity() + self.numbers.capacity()) * size_of::<u32>()
            + self.held.capacity() * size_of::<L>()
    }
}

impl<L: Copy + Default + PartialEq> Lines<L> {
    /// The numbers and the contents of all lines that differ from the default, in no order that means something.
    pub(crate) fn used(&self) -> impl Iterator<Item = (u32, &L)> + Clone {
        let number = |place: u32| self.numbers.get(place as usize).copied().unwrap_or(place);
        let lines = (0..).zip(&self.held).map(move |(place, line)| (number(place), line));
        lines.filter(|(_, line)| **line != L::default())
    }
}

/// Where the search for a number begins.
fn home(number: u32, mask: usize) -> usize {
    (number.wrapping_mul(0x9e37_79b1).rotate_left(16) as usize) & mask
}

/// An entry of the index. There are no more than 2^30 lines.
fn entry(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

/// A table as it is saved: what is in use.
#[derive(Deserialize)]
struct Saved<L> {
    count: u64,
    used: Vec<(u32, L)>,
}

struct Used<'a, L>(&'a Lines<L>);

impl<L: Copy + Default + PartialEq + Serialize> Serialize for Used<'_, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let used = self.0.used();
        let mut all = serializer.serialize_seq(Some(used.clone().count()))?;
        for line in used {
            all.serialize_element(&line)?;
        }
        all.end()
    }
}

impl<L: Copy + Default + PartialEq + Serialize> Serialize for Lines<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut saved = serializer.serialize_struct("Lines", 2)?;
        saved.serialize_field("count", &(self.count as u64))?;
        saved.serialize_field("used", &Used(self))?;
        saved.end()
    }
}

impl<L: Copy + Default> TryFrom<Saved<L>> for Lines<L> {
    type Error = &'static str;

    fn try_from(saved: Saved<L>) -> Result<Self, Self::Error> {
        let count = usize::try_from(saved.count).unwrap_or(usize::MAX);
        if !count.is_power_of_two() || count > LINES_MAX {
            return Err("a table of so many lines cannot be");
        }
        let mut lines = Self::new(count);
        for (number, line) in saved.used {
            if number as usize >= count {
                return Err("a line beyond the end of its table");
            }
            *lines.get_mut(number) = line;
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_hold_what_was_written_before_and_after_they_are_laid_out_and_saved(
            bits in 0_u32..12, writes in prop::collection::vec((any::<u32>(), 1_u64..9), 0..1500), cut in 0_usize..1500,
        ) {
            let mut lines: Lines<u64> = Lines::new(1 << bits);
            let mut expected = BTreeMap::new();
            let before = lines.memory_bytes();
            for (i, (number, value)) in writes.iter().enumerate() {
                let number = lines.number(u64::from(*number));
                *lines.get_mut(number) += *value;
                *expected.entry(number).or_insert(0) += *value;
                if i == cut {
                    let bytes = postcard::to_stdvec(&lines).unwrap();
                    lines = postcard::from_bytes(&bytes).unwrap();
                }
            }
            for number in 0..1 << bits {
                let found = lines.get(number).copied().unwrap_or_default();
                prop_assert_eq!(found, expected.get(&number).copied().unwrap_or_default());
            }
            let used: BTreeMap<u32, u64> = lines.used().map(|(number, line)| (number, *line)).collect();
            prop_assert_eq!(&used, &expected);
            // A line with its number and its part of the index, each in a vector that may be half empty.
            let bound = before + (expected.len() * 2 * (8 + 4 + 8)).max(8 << bits);
            prop_assert!(lines.memory_bytes() <= bound.min(Lines::<u64>::memory_bytes_max(1 << bits)));
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(mut lines) = postcard::from_bytes::<Lines<u64>>(&bytes) {
                *lines.get_mut(lines.number(77)) += 1;
            }
        }
    }
}
