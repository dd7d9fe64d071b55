//! Tables of bounded size that forget by themselves: each entry carries the time of its last touch, nothing is ever swept.

use serde::{Deserialize, Serialize};

use crate::lines::Lines;

/// Entries that share a cache line.
const LINE: usize = 16;
/// Older than this an entry says nothing, in hours. Its clock has eight bits: what is eleven days old and more looks younger again.
const PAIR_HOURS: u8 = 168;
/// A read counts for so many hours.
const READ_HOURS: u8 = 48;

/// What an actor did at a target, as far as it is remembered. Bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "four facts that are asked for one by one")]
pub(super) struct Touch {
    /// Read it within two days.
    pub(super) has_read: bool,
    /// Acted on it within a week: a regular.
    pub(super) has_acted: bool,
    /// Read it in this hour.
    pub(super) read_now: bool,
    /// Acted on it in this hour.
    pub(super) acted_now: bool,
}

/// A cache line of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[repr(align(64))]
struct Line([u32; LINE]);

/// Lines for so many entries.
fn line_count(entries_max: u32, line: usize) -> usize {
    (entries_max as usize / line).next_power_of_two().max(4)
}

/// Where a tag stands in a line, which it does once at most. All entries are compared at once: written so that four lanes do it.
fn own_place(line: &[u32; LINE], tag: u32) -> Option<usize> {
    let mut found = 0;
    for (place, entry) in (FOUND..).zip(line) {
        found |= if entry & TAG_BITS == tag { place } else { 0 };
    }
    (found != 0).then_some((found ^ FOUND) as usize)
}

/// Stands above the bits of a place.
const FOUND: u32 = 16;
/// Bits of an entry that hold its tag.
const TAG_BITS: u32 = 0xffff_f000;

/// The place and the age of the stalest entry of a full line.
fn stalest(line: &[u32; LINE], now: u8) -> (usize, u32) {
    let mut stalest = 0;
    for (place, entry) in (0..).zip(line) {
        let age = u32::from(now).wrapping_sub(entry >> 4) & 0xff;
        stalest = stalest.max(age << 4 | place);
    }
    ((stalest & 15) as usize, stalest >> 4)
}

/// Pairs with four bits and the hour of the last touch: 20 bits of tag, 8 of hour, 4 of flags; 0 is empty. With 16 entries in
/// a line a foreign pair is taken for one's own about once in 65,000 look-ups. A full line loses its stalest entry.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PairTable {
    lines: Lines<Line>,
    /// Entries of this hour or the one before that made room.
    pub(super) evicted: u64,
}

#[allow(clippy::cast_possible_truncation, reason = "parts of a hash, low bits of an hour")]
impl PairTable {
    pub(super) fn new(entries_max: u32) -> Self {
        Self { lines: Lines::new(line_count(entries_max, LINE)), evicted: 0 }
    }

    /// Reads a line, so that it is there when it is needed.
    #[inline]
    pub(super) fn peek(&self, hash: u64) -> u32 {
        self.lines.get(self.lines.number(hash)).map_or(0, |line| line.0[0])
    }

    /// The tag never is 0, so that no entry is.
    fn tag(hash: u64) -> u32 {
        ((hash >> 40) as u32 | 1) << 12 & 0xffff_f000 | u32::from(hash >> 40 == 0) << 12
    }

    /// What the entry of `hash` held, with its age in hours, and puts what `change` makes of it there.
    pub(super) fn update(&mut self, hash: u64, hour: u32, change: impl FnOnce(Option<(u8, u8)>) -> u8) {
        let (at, tag, now) = (self.lines.number(hash), Self::tag(hash), hour as u8);
        let line = &mut self.lines.get_mut(at).0;
        if let Some(own) = own_place(line, tag) {
            let entry = &mut line[own & (LINE - 1)];
            let age = now.wrapping_sub((*entry >> 4) as u8);
            let old = (age <= PAIR_HOURS).then_some((*entry as u8 & 15, age));
            *entry = tag | u32::from(now) << 4 | u32::from(change(old) & 15);
            return;
        }
        // Lines fill from their end, and no entry ever empties again.
        let empty = line.iter().fold(0_u32, |empty, entry| empty + u32::from(*entry == 0)) as usize;
        let place = empty.checked_sub(1).unwrap_or_else(|| {
            let (place, age) = stalest(line, now);
            self.evicted = self.evicted.saturating_add(u64::from(age < 2));
            place
        });
        line[place & (LINE - 1)] = tag | u32::from(now) << 4 | u32::from(change(None) & 15);
    }

    /// Notes that an actor read or acted on a target; gives what was remembered before.
    pub(super) fn touch(&mut self, hash: u64, hour: u32, is_read: bool) -> Touch {
        let mut before = Touch::default();
        self.update(hash, hour, |old| {
            let (flags, age) = old.unwrap_or((0, 0));
            before = Touch {
                has_read: flags & 1 != 0 && age <= READ_HOURS,
                has_acted: flags & 2 != 0,
                read_now: age == 0 && flags & 4 != 0,
                acted_now: age == 0 && flags & 8 != 0,
            };
            let now = if age == 0 { flags & 0b1100 } else { 0 };
            u8::from(before.has_read) | flags & 0b10 | now | if is_read { 0b101 } else { 0b1010 }
        });
        before
    }

    /// Whether an actor read a target within two days; changes nothing.
    pub(super) fn has_read(&self, hash: u64, hour: u32) -> bool {
        let (tag, now) = (Self::tag(hash), hour as u8);
        let line = self.lines.get(self.lines.number(hash));
        let own =
            line.map_or(0, |Line(line)| own_place(line, tag).map_or(0, |place| line[place & (LINE - 1)]));
        own & 1 != 0 && now.wrapping_sub((own >> 4) as u8) <= READ_HOURS
    }

    /// Notes that an actor (four bits of its hash) used a device or network at a target; whether another one did within a day.
    pub(super) fn share(&mut self, hash: u64, hour: u32, actor: u8) -> bool {
        let mut is_shared = false;
        let own = actor & 15;
        self.update(hash, hour, |old| {
            is_shared = old.is_some_and(|(before, age)| before != own && age <= 24);
            own
        });
        is_shared
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.lines.memory_bytes()
    }

    /// What [`Self::memory_bytes`] is at most.
    pub(super) fn memory_bytes_max(entries_max: u32) -> usize {
        Lines::<Line>::memory_bytes_max(line_count(entries_max, LINE))
    }

    pub(super) fn is_valid(&self, entries_max: u32) -> bool {
        self.lines.count() == line_count(entries_max, LINE)
    }
}

/// Entries of a line of [`CoTable`].
const CO_LINE: usize = 8;
/// An epoch of [`CoTable`], in hours.
pub(super) const CO_EPOCH_HOURS: u32 = 12;

/// A cache line of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[repr(align(64))]
struct CoLine([u64; CO_LINE]);

/// Counts of pairs of targets: accounts that acted on both. 32 bits of tag, 16 of epoch, 16 of count. A count is halved when
/// its epoch is over, and gone when two are. A line that is full lets its smallest count shrink, so that counts are at
/// most the true ones and pairs that come back stay (Misra and Gries 1982, per line).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CoTable {
    lines: Lines<CoLine>,
}

#[allow(clippy::cast_possible_truncation, reason = "parts of a hash")]
impl CoTable {
    pub(super) fn new(entries_max: u32) -> Self {
        Self { lines: Lines::new(line_count(entries_max, CO_LINE)) }
    }

    /// Reads a line, so that it is there when it is needed.
    #[inline]
    pub(super) fn peek(&self, hash: u64) -> u64 {
        self.lines.get(self.lines.number(hash)).map_or(0, |line| line.0[0])
    }

    fn aged(entry: u64, epoch: u16) -> u16 {
        match epoch.wrapping_sub((entry >> 16) as u16) {
            0 => entry as u16,
            1 => entry as u16 / 2,
            _ => 0,
        }
    }

    /// Counts one more account of a pair; gives the count with it, 0 where there is no room.
    pub(super) fn add(&mut self, hash: u64, hour: u32) -> u16 {
        let epoch = (hour / CO_EPOCH_HOURS) as u16;
        let CoLine(line) = self.lines.get_mut(self.lines.number(hash));
        let tag = hash >> 32 << 32 | 1 << 63;
        let (mut smallest, mut count_min) = (0, u16::MAX);
        for (i, entry) in line.iter_mut().enumerate() {
            let count = Self::aged(*entry, epoch);
            if *entry >> 32 == tag >> 32 {
                let count = count.saturating_add(1);
                *entry = tag | u64::from(epoch) << 16 | u64::from(count);
                return count;
            }
            if count < count_min || i == 0 {
                (smallest, count_min) = (i, count);
            }
        }
        if count_min <= 1 {
            line[smallest] = tag | u64::from(epoch) << 16 | 1;
            return 1;
        }
        let kept = line[smallest] >> 32 << 32;
        line[smallest] = kept | u64::from(epoch) << 16 | u64::from(count_min - 1);
        0
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.lines.memory_bytes()
    }

    /// What [`Self::memory_bytes`] is at most.
    pub(super) fn memory_bytes_max(entries_max: u32) -> usize {
        Lines::<CoLine>::memory_bytes_max(line_count(entries_max, CO_LINE))
    }

    pub(super) fn is_valid(&self, entries_max: u32) -> bool {
        self.lines.count() == line_count(entries_max, CO_LINE)
    }
}

/// Cells of [`Networks`].
const NETWORKS: usize = 1 << 16;
const NETWORKS_LINE: usize = 16;
/// Actors within about a day from which on a network is one that strangers share: a carrier, a campus, an office.
pub(super) const SHARED_NETWORK_ACTORS: u16 = 60;

/// How many actors came to a network within about a day; cells with an epoch of a day, halved as those of [`CoTable`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Networks {
    cells: Lines<[(u16, u16); NETWORKS_LINE]>,
}

#[allow(clippy::cast_possible_truncation, reason = "the number of the day")]
impl Networks {
    pub(super) fn new() -> Self {
        Self { cells: Lines::new(NETWORKS / NETWORKS_LINE) }
    }

    /// The line of a network, and its place there.
    fn at(network: u32) -> (u32, usize) {
        let cell = network.wrapping_mul(0x9e37_79b1) >> 16;
        (cell / NETWORKS_LINE as u32, cell as usize % NETWORKS_LINE)
    }

    fn count(cell: (u16, u16), day: u16) -> u16 {
        match day.wrapping_sub(cell.0) {
            0 => cell.1,
            1 => cell.1 / 2,
            _ => 0,
        }
    }

    pub(super) fn arrive(&mut self, network: u32, hour: u32) {
        let day = (hour / 24) as u16;
        let (line, place) = Self::at(network);
        let cell = &mut self.cells.get_mut(line)[place];
        *cell = (day, Self::count(*cell, day).saturating_add(1));
    }

    pub(super) fn is_shared(&self, network: u32, hour: u32) -> bool {
        let (line, place) = Self::at(network);
        let cell = self.cells.get(line).map_or((0, 0), |line| line[place]);
        Self::count(cell, (hour / 24) as u16) >= SHARED_NETWORK_ACTORS
    }

    pub(super) fn is_valid(&self) -> bool {
        self.cells.count() == NETWORKS / NETWORKS_LINE
    }
}
