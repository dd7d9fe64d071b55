//! Keys of streams → slots of the window: a table with open addressing that forgets nothing until it is told to.

/// An entry is the upper 40 bits of the mixed key and a slot plus one; 0 is none.
const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// The table; linear probing, removal by shifting back (Knuth, volume 3, 6.4, algorithm R).
#[derive(Clone, Debug)]
pub(super) struct ExactTable {
    entries: Vec<u64>,
}

impl ExactTable {
    /// A table for so many keys, three quarters full then.
    pub(super) fn new(keys: usize) -> Self {
        Self { entries: vec![0; keys + keys / 3 + 16] }
    }

    pub(super) fn bytes(&self) -> usize {
        self.entries.len() * 8
    }

    /// Where a key's probes begin: its upper 32 bits, scaled to the table.
    #[allow(clippy::cast_possible_truncation, reason = "less than the length of the table")]
    fn home(&self, entry: u64) -> usize {
        (((entry >> 32) * self.entries.len() as u64) >> 32) as usize
    }

    fn next(&self, place: usize) -> usize {
        if place + 1 == self.entries.len() { 0 } else { place + 1 }
    }

    /// The entry at which a key's probes begin; whoever needs it waits for its line.
    pub(super) fn touch(&self, key: u64) -> u64 {
        self.entries.get(self.home(key)).copied().unwrap_or(0)
    }

    /// The slots under a key, and those under keys that are equal in 40 bits.
    pub(super) fn slots(&self, key: u64) -> impl Iterator<Item = u32> {
        let mut place = self.home(key);
        let walk = std::iter::from_fn(move || {
            let entry = *self.entries.get(place)?;
            place = self.next(place);
            (entry != 0).then_some(entry)
        });
        let alike = walk.take(self.entries.len()).filter(move |entry| (entry ^ key) >> SLOT_BITS == 0);
        alike.map(|entry| u32::try_from(entry & SLOT_MASK).unwrap_or(0).wrapping_sub(1))
    }

    /// Files a slot under a key. The caller never files more keys than the table was made for.
    pub(super) fn insert(&mut self, key: u64, slot: u32) {
        let entry = (key & !SLOT_MASK) | (u64::from(slot) + 1);
        let mut place = self.home(entry);
        for _ in 0..self.entries.len() {
            if self.entries[place] == 0 {
                self.entries[place] = entry;
                return;
            }
            place = self.next(place);
        }
    }

    /// Forgets a slot.
    pub(super) fn remove(&mut self, key: u64, slot: u32) {
        let entry = (key & !SLOT_MASK) | (u64::from(slot) + 1);
        let mut hole = self.home(entry);
        let mut steps = 0;
        while self.entries[hole] != entry {
            steps += 1;
            if self.entries[hole] == 0 || steps > self.entries.len() {
                return;
            }
            hole = self.next(hole);
        }
        let length = self.entries.len();
        let behind = |from: usize, to: usize| if to >= from { to - from } else { to + length - from };
        let mut place = self.next(hole);
        while self.entries[place] != 0 && place != hole {
            // An entry may move into the hole unless its home lies behind it.
            let home = self.home(self.entries[place]);
            if behind(home, place) >= behind(hole, place) {
                self.entries[hole] = self.entries[place];
                hole = place;
            }
            place = self.next(place);
        }
        self.entries[hole] = 0;
    }
}
