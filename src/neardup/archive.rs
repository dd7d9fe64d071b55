//! Posts that the window has forgotten, found by their archive keys.
//!
//! An archive key is the `SimHash`-64 of a text. Keys differ in few bits where texts differ in few places of many, so that
//! the archive finds near copies of longer texts and no more; recall must not rest on it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::hamming::{HammingIndex, Radius};
use super::simhash::{SimhashScratch, simhash};

/// Shortest text that is archived or asked for, in characters of its stream.
pub const ARCHIVE_CHARS_MIN: u32 = 40;
/// Posts of one archive, at most.
pub const ARCHIVE_POSTS_MAX: u32 = 1 << 24;
/// Bits in which the keys of a post and of an archived one differ at most.
const RADIUS: Radius = match Radius::new(3) {
    Some(radius) => radius,
    None => Radius::MAX,
};
/// The oldest posts leave in parts of so many to a full archive.
const PARTS: usize = 16;
/// Fewest posts of a part.
const PART_POSTS_MIN: usize = 1 << 10;

/// A post that was found in the archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Archived {
    /// Its item.
    pub item: String,
    /// Key of its author, none when unknown.
    pub account: Option<u64>,
    /// Its event time, ms since 1970.
    pub time_ms: i64,
    /// 1 less the share of the 64 bits that differ.
    pub similarity: f32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    key: u64,
    item: String,
    account: Option<u64>,
    time_ms: i64,
}

/// Archive keys of earlier posts, with their items; the oldest leave when it is full.
///
/// Some 34 bytes per post for the index, which takes 2 MiB besides, and 60 and the item's name for the post. Serialised as
/// rows; the index is made again and answers as before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "RawArchive", into = "RawArchive")]
pub struct Archive {
    posts_max: u32,
    /// None in an archive for no posts.
    index: Option<HammingIndex>,
    rows: VecDeque<Row>,
    /// Number of the first row, a multiple of the size of a part; numbers of later rows follow.
    first: u32,
    scratch: SimhashScratch,
    found: Vec<(u32, u32)>,
}

/// Rows as they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArchive {
    posts_max: u32,
    first: u32,
    rows: VecDeque<Row>,
}

impl Archive {
    /// Room for a number of posts, at most [`ARCHIVE_POSTS_MAX`], as whole parts; 0 for none, which takes no memory.
    pub fn new(posts_max: u32) -> Self {
        let posts_max = posts_max.min(ARCHIVE_POSTS_MAX);
        let index = (posts_max > 0).then(|| HammingIndex::new(part_posts(posts_max)));
        Self {
            posts_max,
            index,
            rows: VecDeque::new(),
            first: 0,
            scratch: SimhashScratch::default(),
            found: Vec::new(),
        }
    }

    /// Posts in it.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there is room for any post.
    pub fn is_kept(&self) -> bool {
        self.index.is_some()
    }

    /// Memory in bytes, but for the names of items.
    pub fn memory_bytes(&self) -> usize {
        let index = self.index.as_ref().map_or(0, HammingIndex::memory_bytes);
        index + self.rows.capacity() * size_of::<Row>()
    }

    /// Looks a normalised text up, then keeps it. The nearest of the earlier posts, of equals the newest.
    ///
    /// O(characters) for the key; then a look-up in each of at most sixteen segments.
    pub fn observe(
        &mut self,
        normalised: &str,
        item: &str,
        account: Option<u64>,
        time_ms: i64,
    ) -> Option<Archived> {
        self.index.as_ref()?;
        let key = simhash(normalised, &mut self.scratch)?;
        let found = self.find(key);
        self.push(Row { key, item: item.to_owned(), account, time_ms });
        found
    }

    fn find(&mut self, key: u64) -> Option<Archived> {
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        self.index.as_ref()?.query_into(key, RADIUS, &mut found);
        let nearest = found.iter().min_by_key(|(number, bits)| (*bits, std::cmp::Reverse(*number))).copied();
        self.found = found;
        let (number, bits) = nearest?;
        let row = self.rows.get(number.checked_sub(self.first)? as usize)?;
        #[allow(clippy::cast_precision_loss, reason = "at most 64 bits")]
        let similarity = 1.0 - bits as f32 / 64.0;
        Some(Archived { item: row.item.clone(), account: row.account, time_ms: row.time_ms, similarity })
    }

    fn push(&mut self, row: Row) {
        let part = part_posts(self.posts_max);
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let Some(number) = self.first.checked_add(rows).filter(|number| *number < u32::MAX) else {
            // Numbers are used up after four thousand million posts: it begins anew.
            *self = Self::new(self.posts_max);
            return;
        };
        let Some(index) = self.index.as_mut() else { return };
        if !self.rows.is_empty() && self.rows.len().is_multiple_of(part) && index.seal().is_err() {
            return;
        }
        if self.rows.len() >= PARTS * part {
            let dropped = index.drop_oldest();
            self.rows.drain(..dropped.min(self.rows.len()));
            self.first = self.first.saturating_add(u32::try_from(dropped).unwrap_or(0));
        }
        if index.insert(row.key, number).is_ok() {
            self.rows.push_back(row);
        }
    }
}

/// Posts of one part of an archive.
fn part_posts(posts_max: u32) -> usize {
    (posts_max as usize / PARTS).max(PART_POSTS_MIN)
}

impl From<Archive> for RawArchive {
    fn from(archive: Archive) -> Self {
        let Archive { posts_max, first, rows, .. } = archive;
        Self { posts_max, first, rows }
    }
}

/// Why a stored archive cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored archive has more posts than its limit")]
pub struct StoredArchiveError;

impl TryFrom<RawArchive> for Archive {
    type Error = StoredArchiveError;

    fn try_from(raw: RawArchive) -> Result<Self, StoredArchiveError> {
        let mut archive = Self::new(raw.posts_max);
        let rows_max = if archive.is_kept() { PARTS * part_posts(raw.posts_max) } else { 0 };
        if raw.posts_max > ARCHIVE_POSTS_MAX || raw.rows.len() > rows_max {
            return Err(StoredArchiveError);
        }
        archive.first = raw.first;
        raw.rows.into_iter().for_each(|row| archive.push(row));
        Ok(archive)
    }
}
