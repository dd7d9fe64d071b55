//! The posts of the last while, asked for near-duplicates of the next.

use serde::{Deserialize, Serialize};

use super::arena::Arena;
use super::compare::{self, Marked, Overlap, Strength, TINY_CHARS};
use super::exact::ExactTable;
use super::fingerprint::{Fingerprint, PASSAGE_CHARS_MIN};
use super::keys::{Bands, KeyTable, passage_keys_into};
use super::record::{Record, Sketch};

/// Most posts of a window. More posts take several windows.
pub const WINDOW_POSTS_MAX: u32 = (1 << 24) - 2;
/// Most neighbours that an observation yields.
pub const NEIGHBOURS_MAX: usize = 32;
/// The position of a post that was not inserted and is no copy.
pub const NO_POSITION: u64 = u64::MAX;

/// Sets that are compared per post, those with the most promising sketches.
const CHECKS_MAX: usize = 64;
/// Sets that are compared per post because they share passages.
const PASSAGE_CHECKS_MAX: usize = 32;
/// Passages that a post must share before its set is compared, where the text has as many: one alone is often a stock
/// phrase, or another key of the same tag.
const SHARED_PASSAGES_MIN: usize = 2;
/// Slots that are looked at per post.
const CANDIDATES_MAX: usize = 16_384;
/// Minima of 64 that agree where the Jaccard index may be 0.4: 99.6 of 100 such pairs have as many.
const AGREEING_MIN: u8 = 16;
/// Records with fresh copies that one insertion spares when it makes room.
const SPARED_MAX: usize = 4;
/// A copy puts its representative in front again where more than one in so many posts of the window came since.
const RENEWAL_SHARE: u32 = 8;
/// Bytes of sets per post of the window, on average; beyond that the oldest posts leave early.
const GRAM_BYTES_PER_POST_MAX: usize = 1 << 10;
/// Posts for which a window takes room at first.
const ROOM_MIN: usize = 1 << 10;
/// Bytes of sets that every window may keep.
const GRAM_BYTES_MIN: usize = 64 << 20;

/// How much a window keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowLimits {
    /// Most posts, exact copies not counted; 1 to [`WINDOW_POSTS_MAX`], values outside are taken for the nearest.
    pub posts: u32,
    /// Posts older than the newest by more milliseconds are not found.
    pub span_ms: i64,
    /// Posts that come later than this, in milliseconds behind the newest, are looked up and not inserted.
    pub late_ms: i64,
}

/// A post of the window that is like the one observed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Neighbour {
    /// Its number.
    pub position: u64,
    /// Jaccard index of the sets of pairs, 0 to 1.
    pub similarity: f32,
    /// Share of the smaller set that is in the larger one, 0 to 1.
    pub containment: f32,
    /// How near it is.
    pub strength: Strength,
    /// Whether one of the two texts, of at least 40 characters, stands in the other for the most part.
    pub is_contained: bool,
}

/// What became of an observed post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// The post's own number; the number of its representative where it is an exact copy; else [`NO_POSITION`].
    pub position: u64,
    /// Posts with the same stream that came before it, as long as one of them was in the window.
    pub copies: u32,
    /// Whether it was inserted.
    pub is_inserted: bool,
    /// Whether it came too late to be inserted.
    pub is_late: bool,
    /// How many of its keys so many posts share that only some of them were looked at; a sign of a flood.
    pub hot_bands: u8,
}

/// The posts of the last while.
///
/// Owned by one thread. The same fingerprints and times in the same order give the same answers. About 250 bytes per
/// post that it has room for, whether it is there or not, and two bytes per character of the posts in it.
#[derive(Clone, Debug)]
pub struct Window {
    pub(super) limits: WindowLimits,
    pub(super) records: Vec<Record>,
    pub(super) sketches: Vec<Sketch>,
    pub(super) grams: Arena,
    pub(super) keys: KeyTable,
    pub(super) exact: ExactTable,
    /// Insertions so far, records that were spared included; the slot of the next is the remainder by the posts.
    pub(super) head: u64,
    /// The oldest insertion whose record has not been reused.
    pub(super) tail: u64,
    pub(super) next_position: u64,
    pub(super) newest_ms: i64,
    pub(super) buffers: Buffers,
}

/// Reused between posts.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    /// The keys of the post itself: those of its bands, so many, and those of its passages.
    pub(super) keys: Vec<u64>,
    bands: usize,
    /// Keys of the bands of the other lengths, near the border.
    pub(super) other_keys: Vec<u64>,
    slots: Vec<u32>,
    /// Slots and how promising they are.
    ranked: Vec<(u32, u32)>,
    /// The pairs of the post, while it is compared.
    marked: Marked,
    pub(super) grams: Vec<u32>,
}

impl Window {
    /// An empty window. Asks for some 180 bytes per post of room at once.
    pub fn new(limits: WindowLimits) -> Self {
        let posts = limits.posts.clamp(1, WINDOW_POSTS_MAX);
        let limits = WindowLimits { posts, ..limits };
        Self {
            limits,
            records: Vec::new(),
            sketches: Vec::new(),
            grams: Arena::default(),
            keys: KeyTable::new(posts as usize),
            exact: ExactTable::new(posts as usize),
            head: 0,
            tail: 0,
            next_position: 0,
            newest_ms: i64::MIN,
            buffers: Buffers::default(),
        }
    }

    /// Looks a post up, then inserts it; fills `neighbours`, best first, with at most [`NEIGHBOURS_MAX`].
    ///
    /// `time_ms` is the time of the event. An exact copy of a post in the window yields that post alone and is not
    /// inserted: it makes the post as new as itself. O(1) for posts, O(keys) for long texts; no allocation but for the
    /// set of pairs.
    pub fn observe(
        &mut self,
        print: &Fingerprint,
        time_ms: i64,
        neighbours: &mut Vec<Neighbour>,
    ) -> Observation {
        neighbours.clear();
        self.newest_ms = self.newest_ms.max(time_ms);
        let is_late = time_ms < self.newest_ms.saturating_sub(self.limits.late_ms.max(0));
        let mut seen =
            Observation { position: NO_POSITION, copies: 0, is_inserted: false, is_late, hot_bands: 0 };
        if print.is_empty() {
            return seen;
        }
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.read_keys(print);
        self.touch(print, &buffers);
        let sketch = Sketch::new(&print.minima);
        if let Some(slot) = self.find_copy(print, &sketch) {
            seen = self.count_copy(slot, &buffers.keys, time_ms, seen, neighbours);
        } else {
            seen.hot_bands = self.find_neighbours(print, &sketch, &mut buffers, neighbours);
            if !is_late {
                seen.position = self.insert(print, sketch, time_ms, &mut buffers);
                seen.is_inserted = true;
            }
        }
        self.buffers = buffers;
        seen
    }

    /// Bytes that the window takes, its sets of pairs included.
    pub fn memory_bytes(&self) -> usize {
        self.index_bytes() + self.grams.bytes()
    }

    /// Bytes that the window takes beside the sets of pairs.
    pub fn index_bytes(&self) -> usize {
        self.records.capacity() * size_of::<Record>()
            + self.sketches.capacity() * size_of::<Sketch>()
            + self.keys.bytes()
            + self.exact.bytes()
    }

    /// Posts in the window, exact copies not counted.
    pub fn posts(&self) -> usize {
        usize::try_from(self.head - self.tail).unwrap_or(usize::MAX)
    }

    pub(super) fn slot_of(&self, insertion: u64) -> u32 {
        u32::try_from(insertion % u64::from(self.limits.posts)).unwrap_or(0)
    }

    /// Whether a slot holds a post that is not too old.
    fn live(&self, slot: u32) -> Option<&Record> {
        let oldest = self.newest_ms.saturating_sub(self.limits.span_ms.max(0));
        self.records.get(slot as usize).filter(|record| !record.is_free() && record.last_ms >= oldest)
    }

    /// The post with the same stream. Keys of other streams may be equal, so that the rest is compared as well.
    fn find_copy(&mut self, print: &Fingerprint, sketch: &Sketch) -> Option<u32> {
        let is_copy = |slot: &u32| {
            self.records.get(*slot as usize).is_some_and(|record| {
                record.exact == print.exact
                    && record.chars == print.chars
                    && Arena::len(record.grams) == print.grams.len()
                    && self.sketches[*slot as usize] == *sketch
            })
        };
        let slot = self.exact.slots(print.exact).find(is_copy)?;
        if self.live(slot).is_none() {
            self.free(slot);
            return None;
        }
        Some(slot)
    }

    fn count_copy(
        &mut self,
        slot: u32,
        keys: &[u64],
        time_ms: i64,
        mut seen: Observation,
        neighbours: &mut Vec<Neighbour>,
    ) -> Observation {
        let now = low_bits(self.head);
        let Some(record) = self.records.get_mut(slot as usize) else { return seen };
        seen.position = record.position;
        seen.copies = record.copies;
        neighbours.push(Neighbour {
            position: record.position,
            similarity: 1.0,
            containment: 1.0,
            strength: Strength::Exact,
            is_contained: false,
        });
        if seen.is_late {
            return seen;
        }
        record.copies = record.copies.saturating_add(1);
        record.last_ms = record.last_ms.max(time_ms);
        record.is_refreshed = true;
        if now.wrapping_sub(record.renewed) > self.limits.posts / RENEWAL_SHARE {
            record.renewed = now;
            self.keys.insert(keys, slot);
        }
        seen
    }

    /// Fills the neighbours of a post that is no copy and whose keys were read. Returns the number of hot keys.
    fn find_neighbours(
        &self,
        print: &Fingerprint,
        sketch: &Sketch,
        buffers: &mut Buffers,
        neighbours: &mut Vec<Neighbour>,
    ) -> u8 {
        let (band_keys, passage_keys) = buffers.keys.split_at(buffers.bands);
        let slots = &mut buffers.slots;
        slots.clear();
        let mut hot = self.keys.find_into(band_keys, slots);
        hot = hot.saturating_add(self.keys.find_into(&buffers.other_keys, slots));
        slots.truncate(CANDIDATES_MAX);
        slots.sort_unstable();
        slots.dedup();
        let ranked = &mut buffers.ranked;
        self.rank_into(slots, sketch, ranked);
        best(ranked, CHECKS_MAX);
        let banded = ranked.len();
        if print.chars as usize >= PASSAGE_CHARS_MIN {
            self.rank_passages(passage_keys, slots, ranked);
            let mut kept = banded;
            for index in banded..ranked.len() {
                let other = ranked[index];
                ranked[kept] = other;
                kept += usize::from(!ranked[..banded].iter().any(|(_, slot)| *slot == other.1));
            }
            ranked.truncate(kept);
        }
        if !buffers.ranked.is_empty() {
            self.check_all(print, buffers, neighbours);
        }
        neighbours.sort_unstable_by(|a, b| {
            let by_text = b.strength.cmp(&a.strength).then(b.similarity.total_cmp(&a.similarity));
            by_text.then(b.containment.total_cmp(&a.containment)).then(b.position.cmp(&a.position))
        });
        neighbours.truncate(NEIGHBOURS_MAX);
        hot
    }

    /// Appends the slots that share passages with a text, those that share most first.
    fn rank_passages(&self, keys: &[u64], slots: &mut Vec<u32>, ranked: &mut Vec<(u32, u32)>) {
        slots.clear();
        self.keys.find_into(keys, slots);
        slots.truncate(CANDIDATES_MAX);
        slots.sort_unstable();
        let first = ranked.len();
        let needed = keys.len().min(SHARED_PASSAGES_MIN);
        for same in slots.chunk_by(|a, b| a == b).filter(|same| same.len() >= needed) {
            ranked.push((u32::try_from(same.len()).unwrap_or(u32::MAX), same[0]));
        }
        let tail = &mut ranked[first..];
        tail.sort_unstable_by(|a, b| b.cmp(a));
        ranked.truncate(first + PASSAGE_CHECKS_MAX);
    }

    /// Leaves the slots whose sketch promises something.
    fn rank_into(&self, slots: &[u32], sketch: &Sketch, ranked: &mut Vec<(u32, u32)>) {
        // Every slot is written, and the next over it unless it is kept: no branch waits for a sketch.
        ranked.clear();
        ranked.resize(slots.len(), (0, 0));
        let mut count = 0;
        for slot in slots {
            let Some(own) = self.sketches.get(*slot as usize) else { continue };
            let agreeing = own.agreeing(sketch);
            ranked[count] = (u32::from(agreeing), *slot);
            count += usize::from(agreeing >= AGREEING_MIN);
        }
        ranked.truncate(count);
    }

    /// Compares the sets of the ranked posts with that of a post.
    fn check_all(&self, print: &Fingerprint, buffers: &mut Buffers, neighbours: &mut Vec<Neighbour>) {
        let Buffers { ranked, marked, grams, .. } = buffers;
        self.touch_ranked(ranked);
        marked.mark(&print.grams);
        for (_, slot) in &*ranked {
            let Some(record) = self.live(*slot) else { continue };
            let shared = self.grams.overlap((&print.grams, marked), record.grams, grams);
            neighbours.extend(neighbour(print, record, shared));
        }
        marked.clear(&print.grams);
    }

    /// Inserts a post, whose keys were read, and returns its position.
    fn insert(&mut self, print: &Fingerprint, sketch: Sketch, time_ms: i64, buffers: &mut Buffers) -> u64 {
        self.make_room(&mut buffers.grams);
        let slot = self.slot_of(self.head);
        let position = self.next_position;
        let grams = self.grams.push(&print.grams);
        let record = Record::new(position, print, time_ms, grams, low_bits(self.head));
        self.place(slot, record, sketch);
        self.exact.insert(print.exact, slot);
        self.keys.insert(&buffers.keys, slot);
        self.head += 1;
        self.next_position += 1;
        position
    }

    /// Puts a record into a slot, which is the next behind the last or in use already.
    pub(super) fn place(&mut self, slot: u32, record: Record, sketch: Sketch) {
        match self.records.get_mut(slot as usize) {
            Some(place) => {
                *place = record;
                self.sketches[slot as usize] = sketch;
            }
            None => {
                if self.records.len() == self.records.capacity() {
                    // Doubled, but never beyond the window: memory is for posts that come.
                    let room = self.records.len().max(ROOM_MIN);
                    let room = room.min(self.limits.posts as usize - self.records.len()).max(1);
                    self.records.reserve_exact(room);
                    self.sketches.reserve_exact(room);
                }
                self.records.push(record);
                self.sketches.push(sketch);
            }
        }
    }

    /// Frees the slot of the next insertion. Records with fresh copies are passed by, a few at a time.
    fn make_room(&mut self, grams: &mut Vec<u32>) {
        let mut spared = 0;
        while self.head - self.tail >= u64::from(self.limits.posts) {
            let slot = self.slot_of(self.tail);
            self.tail += 1;
            let is_spared = spared < SPARED_MAX
                && self.records.len() > 1
                && self.live(slot).is_some_and(|record| record.is_refreshed);
            if is_spared {
                spared += 1;
                self.spare(slot, grams);
                self.head += 1;
            } else {
                self.free(slot);
            }
        }
        let bytes_max = (self.limits.posts as usize * GRAM_BYTES_PER_POST_MAX).max(GRAM_BYTES_MIN);
        while self.tail < self.head && self.grams.live_bytes() >= bytes_max {
            let slot = self.slot_of(self.tail);
            self.tail += 1;
            self.free(slot);
        }
    }

    /// Makes the oldest record the newest; its set moves, so that old blocks become free.
    fn spare(&mut self, slot: u32, grams: &mut Vec<u32>) {
        let Some(record) = self.records.get_mut(slot as usize) else { return };
        record.is_refreshed = false;
        record.grams = self.grams.renew(record.grams, grams);
    }

    fn free(&mut self, slot: u32) {
        let Some(record) = self.records.get_mut(slot as usize).filter(|record| !record.is_free()) else {
            return;
        };
        self.exact.remove(record.exact, slot);
        self.grams.drop_set(record.grams);
        *record = Record::default();
    }
}

/// A post that a record stands for, where their texts are alike.
fn neighbour(print: &Fingerprint, record: &Record, shared: Overlap) -> Option<Neighbour> {
    let own = length(print.chars, print.grams.len());
    let other = length(record.chars, Arena::len(record.grams));
    let (strength, is_contained) = compare::judge(shared, own, other)?;
    let Overlap { similarity, containment } = shared;
    Some(Neighbour { position: record.position, similarity, containment, strength, is_contained })
}

#[allow(clippy::cast_possible_truncation, reason = "the lower bits")]
fn low_bits(insertions: u64) -> u32 {
    insertions as u32
}

/// Characters of a text, but for those with many repeats; one pair in five repeats in ordinary texts.
fn length(chars: u32, grams: usize) -> u32 {
    chars.min(u32::try_from(grams + grams / 4 + 1).unwrap_or(u32::MAX))
}

/// Leaves the largest few, largest first.
fn best(ranked: &mut Vec<(u32, u32)>, count: usize) {
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    ranked.truncate(count);
}

/// Tiny texts link at J ≥ 0.8, and sets so alike are at most a fourth longer: up to here the other length is looked up
/// as well.
const BORDER: std::ops::Range<u32> = TINY_CHARS - TINY_CHARS / 5..TINY_CHARS + TINY_CHARS / 3;

impl Buffers {
    /// Fills in the keys under which a post is filed and looked up, and those under which it is looked up besides.
    pub(super) fn read_keys(&mut self, print: &Fingerprint) {
        self.keys.clear();
        self.other_keys.clear();
        self.bands = 0;
        // A text without pairs has no neighbours but its copies.
        if print.grams.is_empty() {
            return;
        }
        let is_tiny = print.chars < TINY_CHARS;
        let (own, other) =
            if is_tiny { (Bands::Tiny, Bands::Ordinary) } else { (Bands::Ordinary, Bands::Tiny) };
        own.keys_into(&print.minima, &mut self.keys);
        self.bands = self.keys.len();
        passage_keys_into(print, &mut self.keys);
        if BORDER.contains(&print.chars) {
            other.keys_into(&print.minima, &mut self.other_keys);
        }
    }
}
