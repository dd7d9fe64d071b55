//! Rows of fixed size in chunks, found through a table of 32-bit entries.
//!
//! An entry is a slot and, in the bits that slots do not need, a tag of the key, so that hardly any foreign row is read. Chunks come as
//! they are needed, and rows are never moved; the table of entries doubles. What is found does not depend on its size.

use serde::{Deserialize, Serialize};

/// Rows of a chunk.
const CHUNK_ROWS: usize = 1 << 12;
/// Entries of an empty table, if it may grow to so many.
const ENTRIES_MIN: usize = 1 << 10;
/// Neighbours of which the stalest makes room.
const CANDIDATES: u32 = 8;
/// Bits of a key's hash that rows can give back.
pub(super) const HASH_BITS: u32 = 48;

/// What a table holds.
pub(super) trait Row: Copy {
    /// The hash of the row's key: [`HASH_BITS`] bits that tell rows apart.
    fn hash(&self) -> u64;
    /// How long ago the row was touched; of a few, the one with the largest makes room.
    fn staleness(&self, now_hour: u32) -> u32;
}

/// Rows by the hashes of their keys.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Table<R> {
    rows_max: u32,
    chunks: Vec<Vec<R>>,
    /// Where the search for the next row that makes room begins.
    hand: u32,
    pub(super) evicted: u64,
    #[serde(skip)]
    entries: Vec<u32>,
}

/// Spreads a key over 48 bits. Ids are keyed hashes already; the seed makes tables of different detectors independent.
pub(super) fn mix(key: u64, seed: u64) -> u64 {
    let wide = u128::from(key ^ seed) * 0xf39c_c060_5ced_c835;
    let folded = low(wide) ^ low(wide >> 64);
    let wide = u128::from(folded) * 0xd6e8_feb8_6659_fd93;
    (low(wide) ^ low(wide >> 64)) >> (64 - HASH_BITS)
}

#[allow(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
fn low(wide: u128) -> u64 {
    wide as u64
}

impl<R: Row> Table<R> {
    pub(super) fn new(rows_max: u32) -> Self {
        let mut table =
            Self { rows_max: rows_max.max(1), chunks: Vec::new(), hand: 0, evicted: 0, entries: Vec::new() };
        table.entries = vec![0; entries_for(table.rows_max as usize).min(ENTRIES_MIN)];
        table
    }

    /// Bits of an entry that hold a slot plus one.
    fn slot_bits(&self) -> u32 {
        u32::BITS - self.rows_max.leading_zeros()
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK_ROWS + last.len())
    }

    #[inline]
    pub(super) fn row(&self, slot: u32) -> &R {
        &self.chunks[slot as usize / CHUNK_ROWS][slot as usize % CHUNK_ROWS]
    }

    #[inline]
    pub(super) fn row_mut(&mut self, slot: u32) -> &mut R {
        &mut self.chunks[slot as usize / CHUNK_ROWS][slot as usize % CHUNK_ROWS]
    }

    #[cfg(test)]
    fn rows(&self) -> impl Iterator<Item = &R> {
        self.chunks.iter().flatten()
    }

    fn home(&self, hash: u64) -> usize {
        usize::try_from(hash).unwrap_or(0) & (self.entries.len() - 1)
    }

    /// The tag of a hash, in the place where entries have it. Its bits are above those of `home` for up to 2^28 entries.
    fn tag(&self, hash: u64) -> u32 {
        let bits = self.slot_bits();
        u32::try_from(hash >> (HASH_BITS - 20) << bits & u64::from(u32::MAX)).unwrap_or(0)
    }

    /// The first entry that a search reads. Reading many of them before they are needed lets their misses overlap.
    #[inline]
    pub(super) fn first_entry(&self, hash: u64) -> u32 {
        self.entries[self.home(hash)]
    }

    /// The slot of the first entry with the tag of a hash, which nearly always is that of its row, if there is one; else `u32::MAX`.
    /// Reads no row.
    #[inline]
    pub(super) fn likely(&self, hash: u64) -> u32 {
        let (tag, mask) = (self.tag(hash), (1_u32 << self.slot_bits()) - 1);
        let mut at = self.home(hash);
        loop {
            let entry = self.entries[at];
            if entry == 0 || entry & !mask == tag {
                return (entry & mask).wrapping_sub(1);
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// The row of a slot that may not be there.
    #[inline]
    pub(super) fn peek(&self, slot: u32) -> Option<&R> {
        self.chunks.get(slot as usize / CHUNK_ROWS)?.get(slot as usize % CHUNK_ROWS)
    }

    pub(super) fn find(&self, hash: u64) -> Option<u32> {
        let (tag, mask) = (self.tag(hash), (1_u32 << self.slot_bits()) - 1);
        let mut at = self.home(hash);
        loop {
            let entry = self.entries[at];
            if entry == 0 {
                return None;
            }
            let slot = (entry & mask) - 1;
            if entry & !mask == tag && self.row(slot).hash() == hash {
                return Some(slot);
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// The slot of a key, and whether it is new; a new one gets the row that `new` makes of the row that was there. O(1) expected,
    /// amortised over rows: `guess` is a slot to try first; the table of entries is made anew when it is three quarters full.
    pub(super) fn find_or_insert(
        &mut self,
        hash: u64,
        guess: u32,
        now_hour: u32,
        new: impl FnOnce(Option<&R>) -> R,
    ) -> (u32, bool) {
        if self.peek(guess).is_some_and(|row| row.hash() == hash) {
            return (guess, false);
        }
        if let Some(slot) = self.find(hash) {
            return (slot, false);
        }
        let slot = if self.len() < self.rows_max as usize {
            if entries_for(self.len() + 1) > self.entries.len() {
                self.file_all(self.entries.len() * 2);
            }
            self.push(new(None))
        } else {
            let slot = self.stalest(now_hour);
            let old = *self.row(slot);
            self.unfile(slot, old.hash());
            self.evicted = self.evicted.saturating_add(1);
            *self.row_mut(slot) = new(Some(&old));
            slot
        };
        self.file(slot, hash);
        (slot, true)
    }

    fn push(&mut self, row: R) -> u32 {
        let slot = u32::try_from(self.len()).unwrap_or(u32::MAX);
        if (slot as usize).is_multiple_of(CHUNK_ROWS) {
            self.chunks.push(Vec::with_capacity(CHUNK_ROWS));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(row);
        }
        slot
    }

    fn stalest(&mut self, now_hour: u32) -> u32 {
        let rows = self.rows_max;
        let candidates = (0..CANDIDATES).map(|step| (self.hand + step) % rows);
        let stalest = candidates.max_by_key(|slot| self.row(*slot).staleness(now_hour)).unwrap_or(0);
        self.hand = (self.hand + CANDIDATES) % rows;
        stalest
    }

    fn file(&mut self, slot: u32, hash: u64) {
        let mut at = self.home(hash);
        while self.entries[at] != 0 {
            at = (at + 1) & (self.entries.len() - 1);
        }
        self.entries[at] = self.tag(hash) | (slot + 1);
    }

    /// Takes an entry out and moves up those behind it that are not at home.
    fn unfile(&mut self, slot: u32, hash: u64) {
        let (last, mask) = (self.entries.len() - 1, (1_u32 << self.slot_bits()) - 1);
        let mut hole = self.home(hash);
        while self.entries[hole] & mask != slot + 1 {
            if self.entries[hole] == 0 {
                return;
            }
            hole = (hole + 1) & last;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & last;
            let Some(slot) = (self.entries[at] & mask).checked_sub(1) else { break };
            let home = self.home(self.row(slot).hash());
            // It may move if its home does not lie between the hole and its place.
            if at.wrapping_sub(home) & last >= at.wrapping_sub(hole) & last {
                self.entries[hole] = self.entries[at];
                hole = at;
            }
        }
        self.entries[hole] = 0;
    }

    /// Files all rows again, after reading them from a snapshot. False where they cannot be a table's.
    pub(super) fn restore(&mut self, rows_max: u32) -> bool {
        let full = |chunks: &[Vec<R>]| chunks.iter().all(|chunk| chunk.len() == CHUNK_ROWS);
        let whole = self
            .chunks
            .split_last()
            .is_none_or(|(last, rest)| full(rest) && !last.is_empty() && last.len() <= CHUNK_ROWS);
        if !whole
            || self.rows_max != rows_max.max(1)
            || self.len() > self.rows_max as usize
            || self.hand >= self.rows_max
        {
            return false;
        }
        self.entries =
            vec![0; entries_for(self.len()).max(entries_for(self.rows_max as usize).min(ENTRIES_MIN))];
        for slot in 0..u32::try_from(self.len()).unwrap_or(0) {
            let hash = self.row(slot).hash();
            if self.find(hash).is_some() {
                return false;
            }
            self.file(slot, hash);
        }
        true
    }

    /// Files all rows in a table of so many entries. O(rows).
    #[cold]
    fn file_all(&mut self, entries: usize) {
        self.entries.clear();
        self.entries.shrink_to_fit();
        self.entries.resize(entries, 0);
        for slot in 0..u32::try_from(self.len()).unwrap_or(0) {
            self.file(slot, self.row(slot).hash());
        }
    }

    /// What [`Self::memory_bytes`] is at most.
    pub(super) fn memory_bytes_max(rows_max: u32) -> usize {
        let rows = rows_max.max(1) as usize;
        rows.next_multiple_of(CHUNK_ROWS) * size_of::<R>() + entries_for(rows) * size_of::<u32>()
    }

    /// Bytes of rows and entries that are in use.
    pub(super) fn memory_bytes(&self) -> usize {
        self.chunks.len() * CHUNK_ROWS * size_of::<R>() + self.entries.len() * size_of::<u32>()
    }
}

/// Entries for so many rows: a power of two, at most three quarters full.
fn entries_for(rows: usize) -> usize {
    (rows * 4 / 3 + 1).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[derive(Clone, Copy, Debug, Serialize, Deserialize)]
    struct Pair(u64, u32);

    impl Row for Pair {
        fn hash(&self) -> u64 {
            self.0
        }
        fn staleness(&self, now_hour: u32) -> u32 {
            now_hour - self.1
        }
    }

    #[test]
    fn rows_are_found_as_in_a_map_while_others_make_room() {
        let mut table: Table<Pair> = Table::new(50);
        let mut map: HashMap<u64, u32> = HashMap::new();
        let mut state = 1_u64;
        for time in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few homes, so that entries stand in each other's way.
            let key = mix(state >> 58, 7) & !0xf0;
            let (slot, is_new) = table.find_or_insert(key, time % 50, time, |_| Pair(key, time));
            table.row_mut(slot).1 = time;
            assert!(!is_new || map.get(&key).is_none_or(|_| table.evicted > 0));
            assert_eq!(table.row(slot).0, key);
            map.insert(key, time);
            assert!(table.len() <= 50);
            if time % 64 == 0 {
                let live: Vec<Pair> = table.rows().copied().collect();
                for row in live {
                    let slot = table.find(row.0).map(|slot| table.row(slot).1);
                    assert_eq!(slot, map.get(&row.0).copied());
                }
            }
        }
        assert!(table.evicted > 0);
        assert!(table.restore(50));
        assert!(!table.restore(51));
    }
}
