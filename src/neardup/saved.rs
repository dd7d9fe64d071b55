//! A window as bytes and back.
//!
//! The exact keys are filed again and the sets packed anew; everything else is written as it is. The checksum finds
//! damage; what it lets through is held against the rules that a window relies on.

use super::arena::Arena;
use super::compare::NARROW_GRAMS_MAX;
use super::exact::ExactTable;
use super::fingerprint::GRAMS_MAX;
use super::keys::KeyTable;
use super::minhash::PERMUTATIONS;
use super::record::{Record, Sketch};
use super::window::{Buffers, WINDOW_POSTS_MAX, Window, WindowLimits};
use crate::saved::{Format, Reader, SavedError, Writer, rule};

const FORMAT: Format = Format { magic: *b"QLNEAR\r\n", version: 1, what: "window" };
/// Counters beyond this are no window's.
const COUNTER_MAX: u64 = u64::MAX / 4;
/// Bytes of a record without its set.
const RECORD_BYTES: usize = 8 + 8 + 8 + 5 * 4 + PERMUTATIONS;

impl Window {
    /// The window as bytes, a checksum at the end. [`Window::load`] makes a window of them that answers as this one.
    /// O(posts).
    pub fn save(&self) -> Vec<u8> {
        let mut out = Writer::new(&FORMAT);
        out.u32(self.limits.posts);
        out.i64(self.limits.span_ms);
        out.i64(self.limits.late_ms);
        for counter in [self.head, self.tail, self.next_position] {
            out.u64(counter);
        }
        out.i64(self.newest_ms);
        out.u64(self.records.len() as u64);
        let mut grams = Vec::new();
        for (record, sketch) in self.records.iter().zip(&self.sketches) {
            out.u64(record.position);
            out.u64(record.exact);
            out.i64(record.last_ms);
            out.u32(record.chars);
            out.u32(record.copies);
            out.u32(u32::from(record.is_refreshed));
            out.u32(record.renewed);
            grams.clear();
            if !record.is_free() {
                self.grams.hashes_into(record.grams, &mut grams);
            }
            out.u32(u32::try_from(grams.len()).unwrap_or(u32::MAX));
            out.bytes(&sketch.0);
            for gram in &grams {
                let bytes = gram.to_be_bytes();
                out.bytes(if grams.len() > NARROW_GRAMS_MAX { &bytes } else { &bytes[..2] });
            }
        }
        for bucket in self.keys.filled() {
            out.bytes(&[u8::try_from(bucket.len()).unwrap_or(u8::MAX)]);
            bucket.iter().for_each(|entry| out.u32(*entry));
        }
        out.finish()
    }

    /// Reads what [`Window::save`] wrote. O(bytes); asks for as much memory as the window had.
    ///
    /// # Errors
    /// Bytes that are foreign, of another version, cut off, damaged or invalid.
    pub fn load(bytes: &[u8]) -> Result<Self, SavedError> {
        let mut reader = Reader::new(&FORMAT, bytes)?;
        let limits = WindowLimits {
            posts: reader.u32("the limits")?,
            span_ms: reader.i64("the limits")?,
            late_ms: reader.i64("the limits")?,
        };
        rule((1..=WINDOW_POSTS_MAX).contains(&limits.posts), "the number of posts")?;
        let posts = limits.posts as usize;
        let [head, tail, next_position] = {
            let mut counter = || reader.u64("the counters");
            [counter()?, counter()?, counter()?]
        };
        rule(tail <= head && head.max(next_position) < COUNTER_MAX, "a counter")?;
        rule(head - tail <= u64::from(limits.posts), "the number of insertions")?;
        let newest_ms = reader.i64("the newest time")?;
        let count = reader.count(RECORD_BYTES, "the posts")?;
        rule(count as u64 == head.min(u64::from(limits.posts)), "the number of records")?;
        if KeyTable::saved_bytes_min(posts) > reader.remaining() {
            return Err(SavedError::Truncated { part: "the keys" });
        }
        let mut window = Self {
            limits,
            records: Vec::with_capacity(count),
            sketches: Vec::with_capacity(count),
            grams: Arena::default(),
            keys: KeyTable::new(1),
            exact: ExactTable::new(posts),
            head,
            tail,
            next_position,
            newest_ms,
            buffers: Buffers::default(),
        };
        for _ in 0..count {
            window.load_record(&mut reader)?;
        }
        window.keys = KeyTable::load(posts, &mut reader)?;
        reader.end()?;
        Ok(window)
    }

    fn load_record(&mut self, reader: &mut Reader<'_>) -> Result<(), SavedError> {
        const PART: &str = "a post";
        let mut record = Record {
            position: reader.u64(PART)?,
            exact: reader.u64(PART)?,
            last_ms: reader.i64(PART)?,
            chars: reader.u32(PART)?,
            copies: reader.u32(PART)?,
            is_refreshed: reader.u32(PART)? != 0,
            renewed: reader.u32(PART)?,
            ..Record::default()
        };
        let count = reader.u32(PART)? as usize;
        rule(count <= GRAMS_MAX, "a set of pairs is too large")?;
        let sketch = Sketch(reader.array(PART)?);
        let mut grams = std::mem::take(&mut self.buffers.grams);
        grams.clear();
        for _ in 0..count {
            grams.push(if count > NARROW_GRAMS_MAX {
                u32::from_be_bytes(reader.array(PART)?)
            } else {
                u32::from(u16::from_be_bytes(reader.array(PART)?)) << 16
            });
        }
        rule(grams.is_sorted(), "a set of pairs is out of order")?;
        if record.is_free() {
            rule(count == 0, "a free record has pairs")?;
        } else {
            rule(record.position < self.next_position, "a position is of the future")?;
            record.grams = self.grams.push(&grams);
            let slot = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
            self.exact.insert(record.exact, slot);
        }
        self.buffers.grams = grams;
        self.records.push(record);
        self.sketches.push(sketch);
        Ok(())
    }
}
