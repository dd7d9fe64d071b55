//! A segment as bytes and back, so that a long history need not be read again.
//!
//! The fingerprint of a fixed text, the number of rows, rows in each bucket of the first table, then its columns; ten bytes per
//! row. The other tables are built again, so that no bytes whatever make a segment whose search panics.

use std::io::{self, Write};

use super::{BUCKETS, SEGMENT_ROWS_MAX, Segment};
use crate::neardup::simhash::simhash_by_definition;
use crate::saved::{Format, Reader, SavedError, Stream, rule};

/// The version changes with every change of the format.
const FORMAT: Format = Format { magic: *b"QLHAMM\r\n", version: 1, what: "segment" };
/// The text whose fingerprint stands in the head. How the standard library feeds a string to a hasher is not promised to
/// stay; fingerprints of two definitions must not be compared.
const DEFINITION_TEXT: &str = "清流之中，水落石出。";

impl Segment {
    /// Writes the segment; [`Segment::load`] reads it. Ten bytes per row and 256 KiB, in blocks of 64 KiB.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn save(&self, out: impl Write) -> io::Result<()> {
        let mut out = Stream::new(&FORMAT, out)?;
        out.bytes(&definition().to_le_bytes())?;
        out.bytes(&(self.len() as u32).to_le_bytes())?;
        let counts: Vec<u32> = self.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        out.items(&counts, |count| count.to_le_bytes())?;
        out.items(&self.low, |low| low.to_le_bytes())?;
        out.items(&self.high, |high| high.to_le_bytes())?;
        out.items(&self.ids, |id| id.to_le_bytes())?;
        out.finish()
    }

    /// Reads what [`Segment::save`] wrote. O(rows): three of the four tables are built again.
    ///
    /// # Errors
    /// Bytes that are foreign, of another version or definition, cut off, damaged or invalid.
    pub fn load(bytes: &[u8]) -> Result<Self, SavedError> {
        let mut reader = Reader::new(&FORMAT, bytes)?;
        let is_ours = reader.u64("the head")? == definition();
        rule(is_ours, "the fingerprints were computed in another way: build it again from the texts")?;
        let rows = reader.u32("the head")? as usize;
        rule(rows <= SEGMENT_ROWS_MAX, "it has more rows than a segment may have")?;
        let mut starts = Vec::with_capacity(BUCKETS + 1);
        let mut end = 0_u32;
        starts.push(end);
        for count in reader.items(BUCKETS, "the buckets", u32::from_le_bytes)? {
            end = end.saturating_add(count);
            starts.push(end);
        }
        rule(end as usize == rows, "the buckets do not add up to the rows")?;
        let low = reader.items(rows, "the rows", u32::from_le_bytes)?;
        let high = reader.items(rows, "the rows", u16::from_le_bytes)?;
        let ids = reader.items(rows, "the rows", u32::from_le_bytes)?;
        reader.end()?;
        Ok(Self::of_first_table(starts, low, high, ids))
    }
}

/// What tells apart fingerprints that were computed in different ways.
fn definition() -> u64 {
    simhash_by_definition(DEFINITION_TEXT).unwrap_or(0)
}
