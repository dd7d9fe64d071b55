//! Recent short texts, asked for one that was filled from the same template.
//!
//! Two fillings of one short template share too few pairs of characters to be found by their sets: half of each text is
//! filled. But what they share stands in stretches, in the same order. So short texts that have no neighbour are filed
//! under every stretch of [`STRETCH_CHARS`] characters; those that share stretches with a text are aligned with it, and what
//! is the same in both must be long enough, rare enough, and enough of the longer text.
//!
//! Source: shingles after Broder (1997); buckets that forget their oldest entries as in the window.

use std::hint::black_box;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::align::{Steps, align};
use super::{FIXED_CHARS_MIN, RUN_CHARS_MIN, SLOT_DISPLAY};
use crate::neardup::SLOT_MARK;
use crate::neardup::minhash::{self, gram, mix64};
use crate::neardup::spread::set_into;

/// Lengths of texts that are asked and kept, in characters. Longer fillings of one template share enough pairs.
pub const FILLING_CHARS: RangeInclusive<usize> = 12..=64;
/// Texts that are kept, at most.
pub const FILLINGS_MAX: usize = 1 << 17;
/// Characters under one key.
const STRETCH_CHARS: usize = 4;
/// Entries per bucket, one cache line.
const WAYS: usize = 8;
/// Buckets for each text that there may be.
const BUCKETS_EACH: usize = 4;
/// Buckets of a small table.
const BUCKETS_MIN: usize = 1 << 12;
/// Stretches that two texts share at least.
const SHARED_MIN: usize = 2;
/// Texts that are aligned with one, those that share most stretches, of equals the newest.
const ALIGNED_MAX: usize = 4;
/// Share of its pairs of characters that a text must have in common with another to be aligned with it, in percent.
const PAIRS_PERCENT_MIN: usize = 20;
/// Share of the runs in the longer text, at least, in percent.
const FIXED_PERCENT_MIN: usize = 42;
/// How rare the distinct pairs of the runs must be together, in thousandths of a bit.
const RARITY_MILLIBITS_MIN: u64 = 60_000;
/// Characters of the longest run, at least.
const LONGEST_RUN_MIN: usize = 4;

/// A recent text that seems to be filled from the template of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// The number that it was inserted with.
    pub position: u64,
    /// Share of the longer text that both have in common in the same order, 0.0–1.0.
    pub similarity: f32,
    /// What both share, with `〔…〕` for what differs.
    pub template: String,
}

/// The last short texts, by their stretches; see the module. Fixed memory: 256 bytes and the text for each.
///
/// Serialised as limits and texts; the table is made again and answers as before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "RawFillings", into = "RawFillings")]
pub struct Fillings {
    texts_max: usize,
    span_ms: i64,
    /// The number of the next text; its place is the remainder by `texts_max`.
    next: u32,
    rows: Vec<Row>,
    /// Entries: 32 bits of a key and the number of a text, the newest first; 0 is none.
    buckets: Vec<[u64; WAYS]>,
    /// Reused between texts.
    scratch: Scratch,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    number: u32,
    position: u64,
    time_ms: i64,
    text: String,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    read: Read,
    numbers: Vec<u32>,
    ranked: Vec<(usize, u32)>,
}

/// A text as it is looked up and filed. Most are filed after they were looked up, so that the last one is kept.
#[derive(Clone, Debug, Default)]
struct Read {
    text: String,
    /// Its characters; one more than may be of a text that is too long.
    chars: Vec<char>,
    /// Hashes of its pairs of characters, in their order.
    grams: Vec<u32>,
    stretches: Vec<u64>,
    /// Keys of its stretches, sorted, each once.
    keys: Vec<u64>,
}

/// Texts as they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFillings {
    texts_max: usize,
    span_ms: i64,
    next: u32,
    rows: Vec<Row>,
}

impl Fillings {
    /// Keeps at most `texts_max` texts, 1 to [`FILLINGS_MAX`], which are found for `span_ms` of event time.
    pub fn new(texts_max: usize, span_ms: i64) -> Self {
        let texts_max = texts_max.clamp(1, FILLINGS_MAX);
        Self {
            texts_max,
            span_ms,
            next: 1,
            rows: Vec::new(),
            buckets: vec![[0; WAYS]; (texts_max * BUCKETS_EACH).max(BUCKETS_MIN)],
            scratch: Scratch::default(),
        }
    }

    /// Texts that are kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no text is kept.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether a normalised text of so many characters is asked and kept.
    pub fn takes(chars: usize) -> bool {
        FILLING_CHARS.contains(&chars)
    }

    /// The text that a normalised one shares most with, if it shares enough.
    ///
    /// `rarity_millibits` is as for [`learn`](super::learn). One cache line per character, and at most four alignments.
    pub fn find(
        &mut self,
        normalised: &str,
        now_ms: i64,
        rarity_millibits: impl Fn([char; 2]) -> u32,
    ) -> Option<Filled> {
        if !may_take(normalised) {
            return None;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let found = self.find_with(&mut scratch, normalised, now_ms, &rarity_millibits);
        self.scratch = scratch;
        found
    }

    fn find_with(
        &self,
        scratch: &mut Scratch,
        normalised: &str,
        now_ms: i64,
        rarity_millibits: &impl Fn([char; 2]) -> u32,
    ) -> Option<Filled> {
        let Scratch { read, numbers, ranked } = scratch;
        read.become_text(normalised);
        if !Self::takes(read.chars.len()) {
            return None;
        }
        numbers.clear();
        // Asks for every line before the first is needed, so that the waits overlap.
        self.touch(&read.keys);
        for key in &read.keys {
            let bucket = &self.buckets[self.home(*key)];
            let is_same = |entry: u64| (entry ^ *key) >> 32 == 0;
            // Most buckets have nothing, and a loop without a way out looks at several entries at once.
            if bucket.iter().map(|entry| u64::from(is_same(*entry))).sum::<u64>() == 0 {
                continue;
            }
            let same = bucket.iter().filter(|entry| is_same(**entry)).map(|entry| low(*entry));
            numbers.extend(same.filter(|number| (self.next - number) as usize <= self.texts_max));
        }
        if numbers.len() < SHARED_MIN {
            return None;
        }
        numbers.sort_unstable();
        ranked.clear();
        for same in numbers.chunk_by(|a, b| a == b).filter(|same| same.len() >= SHARED_MIN) {
            ranked.push((same.len(), same[0]));
        }
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.truncate(ALIGNED_MAX);
        if ranked.is_empty() {
            return None;
        }
        let oldest = now_ms.saturating_sub(self.span_ms.max(0));
        let rows = || ranked.iter().filter_map(|(_, number)| self.row(*number));
        black_box(rows().fold(0, |sum, row| sum ^ row.text.as_bytes().first().copied().unwrap_or(0)));
        let pairs = Pairs::of(&read.grams);
        let mut best: Option<Filled> = None;
        for row in rows().filter(|row| row.time_ms >= oldest) {
            if !pairs.are_shared_by(&row.text) {
                continue;
            }
            if let Some((similarity, template)) = shared_template(&read.chars, &row.text, rarity_millibits)
                && best.as_ref().is_none_or(|best| best.similarity < similarity)
            {
                best = Some(Filled { position: row.position, similarity, template });
            }
        }
        best
    }

    /// What two normalised texts share in the same order, its share of the longer one first; none where it is too little or
    /// too common, or where one of them is too long. Allocates.
    pub fn compare(
        first: &str,
        second: &str,
        rarity_millibits: impl Fn([char; 2]) -> u32,
    ) -> Option<(f32, String)> {
        let chars: Vec<char> = first.chars().take(FILLING_CHARS.end() + 1).collect();
        let other = second.chars().take(FILLING_CHARS.end() + 1).count();
        if !Self::takes(chars.len()) || !Self::takes(other) {
            return None;
        }
        shared_template(&chars, second, &rarity_millibits)
    }

    /// Keeps a normalised text under a number of the caller's, unless it is too short or too long. O(characters).
    pub fn insert(&mut self, normalised: &str, position: u64, time_ms: i64) {
        if !may_take(normalised) {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.read.become_text(normalised);
        if Self::takes(scratch.read.chars.len()) {
            if self.next == u32::MAX {
                *self = Self::new(self.texts_max, self.span_ms);
            }
            let row = Row { number: self.next, position, time_ms, text: normalised.to_owned() };
            self.next += 1;
            self.file(&scratch.read.keys, row.number);
            let place = self.place(row.number);
            match self.rows.get_mut(place) {
                Some(old) => *old = row,
                None => self.rows.push(row),
            }
        }
        self.scratch = scratch;
    }

    /// Reads what [`Self::find`] and [`Self::insert`] will need for a text that comes soon, so that they need not wait for it.
    /// Changes no answer. O(characters).
    pub fn announce(&mut self, normalised: &str) {
        if !may_take(normalised) {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.read.read(normalised);
        self.touch(&scratch.read.stretches);
        self.scratch = scratch;
    }

    fn touch(&self, keys: &[u64]) {
        black_box(keys.iter().fold(0, |sum, key| sum ^ self.buckets[self.home(*key)][0]));
    }

    fn file(&mut self, keys: &[u64], number: u32) {
        for key in keys {
            let home = self.home(*key);
            let bucket = &mut self.buckets[home];
            bucket.copy_within(..WAYS - 1, 1);
            bucket[0] = *key >> 32 << 32 | u64::from(number);
        }
    }

    /// The text with a number, while it is kept.
    fn row(&self, number: u32) -> Option<&Row> {
        self.rows.get(self.place(number)).filter(|row| row.number == number)
    }

    /// Where a text stands: the first number is 1.
    fn place(&self, number: u32) -> usize {
        number.wrapping_sub(1) as usize % self.texts_max
    }

    #[allow(clippy::cast_possible_truncation, reason = "less than the number of buckets")]
    fn home(&self, key: u64) -> usize {
        ((u64::from(low(key)) * self.buckets.len() as u64) >> 32) as usize
    }
}

/// Whether a text may have as many characters as are taken, by its bytes.
fn may_take(normalised: &str) -> bool {
    (*FILLING_CHARS.start()..=4 * *FILLING_CHARS.end()).contains(&normalised.len())
}

impl Read {
    /// Becomes the reading of a text, unless it is that already.
    fn become_text(&mut self, normalised: &str) {
        if self.text != normalised || self.keys.is_empty() {
            self.read(normalised);
            set_into(&self.stretches, &mut self.keys);
            normalised.clone_into(&mut self.text);
        }
    }

    /// The characters of a text, and the keys of its stretches in their order.
    fn read(&mut self, normalised: &str) {
        self.text.clear();
        self.chars.clear();
        self.chars.extend(normalised.chars().take(FILLING_CHARS.end() + 1));
        minhash::grams_into(&self.chars, &mut self.grams);
        self.stretches.clear();
        let pairs = self.grams.iter().zip(self.grams.iter().skip(STRETCH_CHARS - 2));
        self.stretches.extend(pairs.map(|(left, right)| mix64(u64::from(*left) << 32 | u64::from(*right))));
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half")]
fn low(entry: u64) -> u32 {
    entry as u32
}

/// The pairs of characters of a text: a table with open addressing, half full at most.
struct Pairs {
    /// A hash plus one; 0 is none.
    entries: [u64; PAIR_PLACES],
    count: usize,
}

const PAIR_PLACES: usize = 2 * *FILLING_CHARS.end();

impl Pairs {
    /// Those of a text that is looked up, by their hashes.
    fn of(grams: &[u32]) -> Self {
        let mut pairs = Self { entries: [0; PAIR_PLACES], count: grams.len() };
        for hash in grams {
            let place = pairs.place(*hash);
            pairs.entries[place] = u64::from(*hash) + 1;
        }
        pairs
    }

    /// Where a hash stands, or would stand.
    fn place(&self, hash: u32) -> usize {
        let mut place = hash as usize % PAIR_PLACES;
        while self.entries[place] != 0 && self.entries[place] != u64::from(hash) + 1 {
            place = (place + 1) % PAIR_PLACES;
        }
        place
    }

    /// Whether a text has enough of them; cheaper than to align both.
    fn are_shared_by(&self, text: &str) -> bool {
        let mut chars = text.chars();
        let Some(mut before) = chars.next() else { return false };
        let (mut count, mut length) = (0, 1);
        for c in chars {
            length += 1;
            count += usize::from(self.entries[self.place(gram(before, c))] != 0);
            before = c;
        }
        count * 100 >= PAIRS_PERCENT_MIN * self.count.max(length)
    }
}

/// What two short texts share in the same order: its share of the longer one, and how it looks. None where it is too
/// little or too common.
fn shared_template(
    first: &[char],
    second: &str,
    rarity_millibits: &impl Fn([char; 2]) -> u32,
) -> Option<(f32, String)> {
    let second: Vec<char> = second.chars().collect();
    let mut stretches = align(first, &second, &mut Steps::default());
    stretches.retain(|stretch| stretch.chars >= RUN_CHARS_MIN);
    let fixed: usize = stretches.iter().map(|stretch| stretch.chars).sum();
    let longest = stretches.iter().map(|stretch| stretch.chars).max().unwrap_or(0);
    let is_slot = |c: &&char| **c == SLOT_MARK;
    // A mark stands for a whole number or contact, and says nothing itself.
    let length = |text: &[char]| text.len() - text.iter().filter(is_slot).count();
    let longer = length(first).max(length(&second));
    if fixed < FIXED_CHARS_MIN || longest < LONGEST_RUN_MIN || fixed * 100 < longer * FIXED_PERCENT_MIN {
        return None;
    }
    let mut pairs: Vec<[char; 2]> = Vec::new();
    for stretch in &stretches {
        pairs.extend(first[stretch.a..stretch.a + stretch.chars].windows(2).map(|pair| [pair[0], pair[1]]));
    }
    pairs.sort_unstable();
    pairs.dedup();
    let millibits: u64 = pairs.iter().map(|pair| u64::from(rarity_millibits(*pair))).sum();
    if millibits < RARITY_MILLIBITS_MIN {
        return None;
    }
    let (mut template, mut end) = (String::new(), 0);
    for stretch in &stretches {
        template.push_str(if stretch.a > end { SLOT_DISPLAY } else { "" });
        template.extend(&first[stretch.a..stretch.a + stretch.chars]);
        end = stretch.a + stretch.chars;
    }
    template.push_str(if first.len() > end { SLOT_DISPLAY } else { "" });
    #[allow(clippy::cast_precision_loss, reason = "at most 64")]
    let similarity = fixed as f32 / longer as f32;
    Some((similarity, template))
}

impl From<Fillings> for RawFillings {
    fn from(fillings: Fillings) -> Self {
        let Fillings { texts_max, span_ms, next, rows, .. } = fillings;
        Self { texts_max, span_ms, next, rows }
    }
}

/// Why stored texts cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored texts are too many, or numbered wrongly")]
pub struct StoredFillingsError;

impl TryFrom<RawFillings> for Fillings {
    type Error = StoredFillingsError;

    fn try_from(raw: RawFillings) -> Result<Self, StoredFillingsError> {
        let mut fillings = Self::new(raw.texts_max, raw.span_ms);
        if fillings.texts_max != raw.texts_max || raw.rows.len() > raw.texts_max || raw.next == 0 {
            return Err(StoredFillingsError);
        }
        let is_placed = |(place, row): (usize, &Row)| {
            (1..raw.next).contains(&row.number) && fillings.place(row.number) == place
        };
        if !raw.rows.iter().enumerate().all(is_placed) {
            return Err(StoredFillingsError);
        }
        let mut order: Vec<&Row> = raw.rows.iter().collect();
        order.sort_unstable_by_key(|row| row.number);
        let mut read = Read::default();
        for row in order {
            read.become_text(&row.text);
            fillings.file(&read.keys, row.number);
        }
        (fillings.next, fillings.rows) = (raw.next, raw.rows);
        Ok(fillings)
    }
}
