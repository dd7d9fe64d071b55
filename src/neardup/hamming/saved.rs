//! A segment as bytes and back, so that a long history need not be read again.
//!
//! Head: magic, format version, the fingerprint of a fixed text, the number of rows. Body: rows in each bucket of the first
//! table, then its columns; all numbers with the low byte first, ten bytes per row. Tail: CRC-32 of all before. The other
//! tables are built again, so that no bytes whatever make a segment whose search panics.

use std::io::{self, Write};

use super::{BUCKETS, SEGMENT_ROWS_MAX, Segment};
use crate::neardup::simhash::simhash_by_definition;

const MAGIC: [u8; 8] = *b"QLHAMM\r\n";
/// Changes with every change of the format.
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 8 + 4 + 8 + 4;
const ROW_BYTES: usize = 4 + 2 + 4;
const SUM_BYTES: usize = 4;
/// Bytes that are put together before they are written.
const CHUNK_BYTES: usize = 1 << 16;
/// The text whose fingerprint stands in the head. How the standard library feeds a string to a hasher is not promised to
/// stay; fingerprints of two definitions must not be compared.
const DEFINITION_TEXT: &str = "清流之中，水落石出。";

/// Why bytes are no segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// The bytes are something else.
    #[error("these bytes are no saved segment")]
    Foreign,
    /// Saved by another version of the program.
    #[error("the segment was saved in format {found}, this program reads format {VERSION}: build it again")]
    Version {
        /// The format of the bytes.
        found: u32,
    },
    /// Its fingerprints mean something else than ours.
    #[error("the fingerprints of the segment were computed in another way: build it again from the texts")]
    Definition,
    /// The number of bytes is not what the head says.
    #[error("the segment has {found} bytes instead of {expected}")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes there should be.
        expected: usize,
    },
    /// A byte has changed.
    #[error("the saved segment is damaged: its checksum is wrong")]
    Damaged,
    /// The tables contradict each other.
    #[error("the saved segment is invalid: {problem}")]
    Invalid {
        /// What is wrong.
        problem: &'static str,
    },
}

impl Segment {
    /// Writes the segment; [`Segment::load`] reads it. Ten bytes per row and 256 KiB, in blocks of 64 KiB.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn save(&self, out: impl Write) -> io::Result<()> {
        let mut out = Writer { out, sum: crc32fast::Hasher::new() };
        out.write(&MAGIC)?;
        out.write(&VERSION.to_le_bytes())?;
        out.write(&definition().to_le_bytes())?;
        out.write(&(self.len() as u32).to_le_bytes())?;
        let counts: Vec<u32> = self.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        out.column(&counts, u32::to_le_bytes)?;
        out.column(&self.low, u32::to_le_bytes)?;
        out.column(&self.high, u16::to_le_bytes)?;
        out.column(&self.ids, u32::to_le_bytes)?;
        let sum = out.sum.clone().finalize();
        out.out.write_all(&sum.to_le_bytes())?;
        out.out.flush()
    }

    /// Reads what [`Segment::save`] wrote. O(rows): three of the four tables are built again.
    ///
    /// # Errors
    /// Bytes that are foreign, of another version or definition, cut off, damaged or invalid.
    pub fn load(bytes: &[u8]) -> Result<Self, SegmentError> {
        let mut reader = Reader { rest: bytes.strip_prefix(&MAGIC).ok_or(SegmentError::Foreign)? };
        let short = SegmentError::Length { found: bytes.len(), expected: HEAD_BYTES };
        let version = reader.number(u32::from_le_bytes).ok_or_else(|| short.clone())?;
        if version != VERSION {
            return Err(SegmentError::Version { found: version });
        }
        let fingerprint = reader.number(u64::from_le_bytes).ok_or_else(|| short.clone())?;
        let rows = reader.number(u32::from_le_bytes).ok_or(short)? as usize;
        if rows > SEGMENT_ROWS_MAX {
            return Err(SegmentError::Invalid { problem: "it has more rows than a segment may have" });
        }
        let expected = HEAD_BYTES + 4 * BUCKETS + ROW_BYTES * rows + SUM_BYTES;
        let (summed, sum) = match bytes.split_last_chunk() {
            Some((summed, sum)) if bytes.len() == expected => (summed, u32::from_le_bytes(*sum)),
            _ => return Err(SegmentError::Length { found: bytes.len(), expected }),
        };
        if crc32fast::hash(summed) != sum {
            return Err(SegmentError::Damaged);
        }
        if fingerprint != definition() {
            return Err(SegmentError::Definition);
        }
        let mut starts = Vec::with_capacity(BUCKETS + 1);
        let mut end = 0_u32;
        starts.push(end);
        for count in reader.column(BUCKETS, u32::from_le_bytes) {
            end = end.saturating_add(count);
            starts.push(end);
        }
        if end as usize != rows {
            return Err(SegmentError::Invalid { problem: "the buckets do not add up to the rows" });
        }
        let low = reader.column(rows, u32::from_le_bytes).collect();
        let high = reader.column(rows, u16::from_le_bytes).collect();
        let ids = reader.column(rows, u32::from_le_bytes).collect();
        Ok(Self::of_first_table(starts, low, high, ids))
    }
}

/// What tells apart fingerprints that were computed in different ways.
fn definition() -> u64 {
    simhash_by_definition(DEFINITION_TEXT).unwrap_or(0)
}

struct Writer<W> {
    out: W,
    sum: crc32fast::Hasher,
}

impl<W: Write> Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }

    fn column<T: Copy, const N: usize>(&mut self, items: &[T], bytes: fn(T) -> [u8; N]) -> io::Result<()> {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        for items in items.chunks(CHUNK_BYTES / N) {
            chunk.clear();
            items.iter().for_each(|item| chunk.extend_from_slice(&bytes(*item)));
            self.write(&chunk)?;
        }
        Ok(())
    }
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn number<T, const N: usize>(&mut self, from: fn([u8; N]) -> T) -> Option<T> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(from(*bytes))
    }

    /// As many of the next numbers as there are, at most `count`.
    fn column<T, const N: usize>(
        &mut self,
        count: usize,
        from: fn([u8; N]) -> T,
    ) -> impl Iterator<Item = T> + use<'b, T, N> {
        let (column, rest) = self.rest.split_at(self.rest.len().min(N * count));
        self.rest = rest;
        let (items, _) = column.as_chunks::<N>();
        items.iter().map(move |bytes| from(*bytes))
    }
}
