//! Keys of bands and passages → slots of the window: buckets of one cache line that forget their oldest entries.
//!
//! Banding after Indyk and Motwani (1998); Broder et al. (1998) for `MinHash`. All bands share one table. A look-up reads
//! one line and follows no chain; nothing is ever removed: entries of posts that are gone are pushed out, and until then
//! lead to a post that the comparison refuses.

use multiversion::multiversion;

use super::fingerprint::Fingerprint;
use super::minhash::{PERMUTATIONS, mix64};
use crate::saved::{Reader, SavedError, rule};

/// Entries per bucket, 64 bytes.
const WAYS: usize = 16;
/// Entries of one tag per bucket: a stock phrase or a flood does not push other posts out of the bucket. The oldest stays
/// as their representative.
const ALIKE_MAX: usize = 8;
/// One in so many hot insertions replaces the representative.
const REPRESENTATIVE_TURNS: u32 = 64;
/// Live entries per bucket that the size of the table aims at.
const FILL: usize = 11;

/// Keys that are looked up together.
const KEYS_AT_ONCE: usize = 32;

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const TAG_MASK: u64 = 0xFF;

/// Entries that an average post makes.
const KEYS_PER_POST: usize = 21;

/// Which keys a text gets, by its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bands {
    /// Twelve bands of five minima: meets texts that are nearly equal.
    Tiny,
    /// Twenty-one bands of three minima.
    Ordinary,
}

impl Bands {
    const fn shape(self) -> (usize, usize, u64) {
        match self {
            Self::Tiny => (12, 5, 0x5449),
            Self::Ordinary => (21, 3, 0x4F52),
        }
    }

    /// Appends the keys of a text's bands.
    pub(super) fn keys_into(self, minima: &[u32; PERMUTATIONS], keys: &mut Vec<u64>) {
        let (count, rows, salt) = self.shape();
        for (band, rows) in minima.chunks_exact(rows).take(count).enumerate() {
            let mut key = salt << 8 | band as u64;
            for row in rows {
                key = (key ^ u64::from(*row)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
            }
            keys.push(mix64(key));
        }
    }
}

/// Appends the keys of a text's passages: all of a long text, the smallest few of a post, which are in every text that
/// holds the post.
pub(super) fn passage_keys_into(print: &Fingerprint, keys: &mut Vec<u64>) {
    let count = if print.chars > LONG_CHARS { usize::MAX } else { SHORT_PASSAGES };
    keys.extend(print.passages.iter().take(count).map(|key| mix64(0x5041_5353 << 32 | u64::from(*key))));
}

/// Texts of more characters are filed under all their passages.
const LONG_CHARS: u32 = 200;
/// Passages under which a shorter text is filed.
const SHORT_PASSAGES: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket([u32; WAYS]);

/// Whether an entry has a tag. That of an empty one is no tag.
#[inline]
fn is_alike(entry: u32, tag: u32) -> bool {
    // One comparison: 0 is no slot.
    (entry ^ tag).wrapping_sub(1) < SLOT_MASK
}

/// Entries of a bucket that have a tag.
#[inline]
fn alike(bucket: &Bucket, tag: u32) -> usize {
    bucket.0.iter().map(|entry| u32::from(is_alike(*entry, tag))).sum::<u32>() as usize
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "less than the number of buckets")]
fn home(buckets: &[Bucket], key: u64) -> usize {
    (((key >> 32) * buckets.len() as u64) >> 32) as usize
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "eight bits")]
fn tag(key: u64) -> u32 {
    ((key & TAG_MASK) as u32) << SLOT_BITS
}

/// See [`KeyTable::find_into`]. A bucket is one vector.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn find_into(buckets: &[Bucket], keys: &[u64], slots: &mut Vec<u32>) -> u8 {
    let mut hot = 0_u8;
    for keys in keys.chunks(KEYS_AT_ONCE) {
        // A branch that depends on a line that is still to come holds up all lines behind it, so that first all
        // buckets are counted, and then those are read that have something.
        let mut found = 0_u32;
        for (place, key) in keys.iter().enumerate() {
            let alike = alike(&buckets[home(buckets, *key)], tag(*key));
            found |= u32::from(alike > 0) << place;
            hot = hot.saturating_add(u8::from(alike >= ALIKE_MAX));
        }
        while found > 0 {
            let key = keys[found.trailing_zeros() as usize];
            let (bucket, tag) = (&buckets[home(buckets, key)].0, tag(key));
            slots.extend(bucket.iter().filter(|e| is_alike(**e, tag)).map(|e| (e & SLOT_MASK) - 1));
            found &= found - 1;
        }
    }
    hot
}

/// See [`KeyTable::insert`].
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn insert(buckets: &mut [Bucket], keys: &[u64], slot: u32) {
    for key in keys {
        let (home, tag) = (home(buckets, *key), tag(*key));
        let alike = alike(&buckets[home], tag);
        let bucket = &mut buckets[home].0;
        if alike < ALIKE_MAX {
            let before = *bucket;
            bucket[1..].copy_from_slice(&before[..WAYS - 1]);
        } else {
            let leaves = usize::from(!slot.is_multiple_of(REPRESENTATIVE_TURNS));
            let mut places = (0..WAYS).rev().filter(|place| is_alike(bucket[*place], tag));
            let last = places.nth(leaves).unwrap_or(WAYS - 1);
            bucket.copy_within(..last, 1);
        }
        bucket[0] = tag | (slot + 1);
    }
}

/// The table. An entry is an 8-bit tag and a slot plus one; the newest stands first, 0 is none.
#[derive(Clone, Debug)]
pub(super) struct KeyTable {
    buckets: Vec<Bucket>,
}

impl KeyTable {
    /// A table for a window of so many posts.
    pub(super) fn new(posts: usize) -> Self {
        Self { buckets: vec![Bucket::default(); Self::buckets(posts)] }
    }

    fn buckets(posts: usize) -> usize {
        (posts * KEYS_PER_POST).div_ceil(FILL).max(64)
    }

    pub(super) fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// The first entry of each key's bucket, in one number that means nothing: whoever needs it waits for all the lines at
    /// once.
    pub(super) fn touch(&self, keys: &[u64]) -> u32 {
        keys.iter().fold(0, |sum, key| sum ^ self.buckets[home(&self.buckets, *key)].0[0])
    }

    /// Appends the slots under each key, and a few of other keys, in the order of the keys and the newest first. Returns
    /// how many of the keys are *hot*: as many posts as a bucket keeps of one key are there.
    pub(super) fn find_into(&self, keys: &[u64], slots: &mut Vec<u32>) -> u8 {
        find_into(&self.buckets, keys, slots)
    }

    /// Files a slot under keys, in place of the oldest entry of each bucket, or of the key where it has its share.
    pub(super) fn insert(&mut self, keys: &[u64], slot: u32) {
        insert(&mut self.buckets, keys, slot);
    }

    /// The entries of every bucket, without the empty ones behind the last.
    pub(super) fn filled(&self) -> impl Iterator<Item = &[u32]> {
        self.buckets.iter().map(|bucket| {
            let len = bucket.0.iter().rposition(|entry| *entry != 0).map_or(0, |last| last + 1);
            &bucket.0[..len]
        })
    }

    /// Fewest bytes that a saved table for so many posts takes: the length of every bucket.
    pub(super) fn saved_bytes_min(posts: usize) -> usize {
        Self::buckets(posts)
    }

    /// A table of saved buckets: a length and as many entries each. None may name a slot beyond `posts`.
    pub(super) fn load(posts: usize, reader: &mut Reader<'_>) -> Result<Self, SavedError> {
        const PART: &str = "the keys";
        let mut table = Self { buckets: Vec::with_capacity(Self::buckets(posts)) };
        for _ in 0..Self::buckets(posts) {
            let mut bucket = Bucket::default();
            let [len] = reader.array(PART)?;
            rule(usize::from(len) <= WAYS, "a bucket is overfull")?;
            for place in &mut bucket.0[..usize::from(len)] {
                *place = reader.u32(PART)?;
                let slot = (*place & SLOT_MASK) as usize;
                rule(slot <= posts && (slot > 0 || *place == 0), "a key leads nowhere")?;
            }
            table.buckets.push(bucket);
        }
        Ok(table)
    }
}
