//! 64-bit fingerprints → all that are within a Hamming distance of another.
//!
//! A fingerprint is four blocks of sixteen bits. Of two fingerprints whose distance is at most 3, one block is equal; at a
//! distance of at most 7, one block differs in at most one bit. So the index keeps four tables, each filed under one block,
//! and looks only into the buckets of the query's blocks and of their neighbours: exact, by the pigeonhole principle.
//!
//! New fingerprints go into a *tail*, which is sealed into an immutable *segment*; segments can be saved, loaded and merged.
//!
//! Source: Manku, Jain, Das Sarma, Detecting near-duplicates for web crawling (2007); Norouzi, Punjani, Fleet, Fast exact
//! search in Hamming space with multi-index hashing (2014), proposition 2 for radii that are no multiple of four.

#![expect(
    clippy::cast_possible_truncation,
    reason = "blocks are cut out of fingerprints, and rows are fewer than SEGMENT_ROWS_MAX"
)]

mod probe;
mod saved;
mod segment;
mod tail;

pub use segment::Segment;

use probe::Probe;
use tail::Tail;

/// Blocks of a fingerprint, and tables.
const BLOCKS: usize = 4;
const BLOCK_BITS: u32 = 16;
/// Buckets of a table.
const BUCKETS: usize = 1 << BLOCK_BITS;

/// Rows of one bucket that a query looks at, the last ones. With 68 buckets, this bounds the work of a query in a segment
/// or in the tail to 1.1 million rows; a report says how many rows were left out.
pub const BUCKET_ROWS_MAX: usize = 1 << 14;
/// Fingerprints of one segment.
pub const SEGMENT_ROWS_MAX: usize = 1 << 28;
/// Segments of one index. Each query looks into all of them, and each takes 1 MiB beside its rows.
pub const SEGMENTS_MAX: usize = 64;
/// Fingerprints that an index takes before it has to be sealed, at most.
pub const TAIL_ROWS_MAX: usize = 1 << 22;

/// The largest Hamming distance that is looked for, in bits, at most [`Radius::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Radius(u32);

impl Radius {
    /// The largest one: seven bits.
    pub const MAX: Self = Self(7);

    /// A radius in bits; none above [`Radius::MAX`].
    pub const fn new(bits: u32) -> Option<Self> {
        if bits <= Self::MAX.0 { Some(Self(bits)) } else { None }
    }

    /// In bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// What a query cost, and whether it saw everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryReport {
    /// Rows that were looked at.
    pub rows: u64,
    /// Rows of buckets with more than [`BUCKET_ROWS_MAX`] rows that were not looked at. A row stands in four buckets.
    pub rows_skipped: u64,
}

impl QueryReport {
    /// Whether no row was left out, so that the answer is exact.
    pub const fn is_complete(&self) -> bool {
        self.rows_skipped == 0
    }

    const fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.rows_skipped += other.rows_skipped;
    }
}

/// An index is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FullError {
    /// The tail has to be sealed first.
    #[error("the tail of the index holds {rows} fingerprints: seal it")]
    Tail {
        /// What the tail holds.
        rows: usize,
    },
    /// The segments have to be merged first.
    #[error("the index has {SEGMENTS_MAX} segments: merge them")]
    Segments,
    /// One segment cannot hold as many rows.
    #[error("{rows} fingerprints are more than the {SEGMENT_ROWS_MAX} of one segment")]
    Rows {
        /// What it should have held.
        rows: usize,
    },
}

/// Fingerprints with a number each, searched by Hamming distance; see the module.
///
/// ```
/// use qingliu::neardup::{HammingIndex, Radius};
///
/// let mut index = HammingIndex::new(1000);
/// index.insert(0b1111, 7)?;
/// index.seal()?;
/// index.insert(0b0110, 8)?;
/// let mut found = Vec::new();
/// let report = index.query_into(0b0111, Radius::MAX, &mut found);
/// assert_eq!(found, [(7, 1), (8, 1)]);
/// assert!(report.is_complete());
/// # Ok::<(), qingliu::neardup::FullError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HammingIndex {
    segments: Vec<Segment>,
    tail: Tail,
}

impl HammingIndex {
    /// An empty index whose tail takes a number of fingerprints, at most [`TAIL_ROWS_MAX`], before it has to be sealed.
    ///
    /// Takes 2 MiB, and 32 bytes for each fingerprint in the tail.
    pub fn new(tail_rows_max: usize) -> Self {
        Self { segments: Vec::new(), tail: Tail::new(tail_rows_max.min(TAIL_ROWS_MAX)) }
    }

    /// Adds a fingerprint. O(1).
    ///
    /// # Errors
    /// The tail is full.
    pub fn insert(&mut self, fingerprint: u64, id: u32) -> Result<(), FullError> {
        self.tail.insert(fingerprint, id)
    }

    /// Makes a segment of the tail. O(tail); an empty tail makes none.
    ///
    /// # Errors
    /// There are as many segments as there may be; the tail stays.
    pub fn seal(&mut self) -> Result<(), FullError> {
        if self.tail.rows().is_empty() {
            return Ok(());
        }
        if self.segments.len() >= SEGMENTS_MAX {
            return Err(FullError::Segments);
        }
        self.segments.push(Segment::build(self.tail.rows())?);
        self.tail.clear();
        Ok(())
    }

    /// Takes over a segment, such as a loaded one.
    ///
    /// # Errors
    /// There are as many segments as there may be.
    pub fn add_segment(&mut self, segment: Segment) -> Result<(), FullError> {
        if self.segments.len() >= SEGMENTS_MAX {
            return Err(FullError::Segments);
        }
        self.segments.push(segment);
        Ok(())
    }

    /// Makes one segment of all. O(rows), and 16 bytes per row while it runs.
    ///
    /// # Errors
    /// There are more rows than one segment holds; everything stays as it was.
    pub fn merge(&mut self) -> Result<(), FullError> {
        if self.segments.len() < 2 {
            return Ok(());
        }
        let rows: Vec<(u64, u32)> = self.segments.iter().flat_map(Segment::rows).collect();
        self.segments = vec![Segment::build(&rows)?];
        Ok(())
    }

    /// Drops the segment that was sealed first. Returns the number of its rows, 0 where there is none.
    pub fn drop_oldest(&mut self) -> usize {
        if self.segments.is_empty() { 0 } else { self.segments.remove(0).len() }
    }

    /// The segments, to be saved.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Fingerprints in segments and tail.
    pub fn len(&self) -> usize {
        self.tail.rows().len() + self.segments.iter().map(Segment::len).sum::<usize>()
    }

    /// Whether there is no fingerprint.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.tail.memory_bytes() + self.segments.iter().map(Segment::memory_bytes).sum::<usize>()
    }

    /// Appends the number and the distance of every fingerprint within the radius, each insertion once, in no order of
    /// meaning but always the same.
    ///
    /// The report says what was left out. Of `n` fingerprints without skew a radius of 3 looks at `n / 16384`, 6 at
    /// `n / 1260`, of each segment.
    pub fn query_into(&self, fingerprint: u64, radius: Radius, out: &mut Vec<(u32, u32)>) -> QueryReport {
        let mut report = QueryReport::default();
        for segment in &self.segments {
            report.add(segment.query_into(fingerprint, radius, out));
        }
        report.add(self.tail.query_into(fingerprint, radius, out));
        report
    }
}

/// One block of a fingerprint.
const fn block(fingerprint: u64, table: usize) -> u16 {
    (fingerprint >> (BLOCK_BITS as usize * table)) as u16
}
