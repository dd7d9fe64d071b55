//! Tables and state as bytes and back: magic, version, numbers with the low byte first, CRC-32 of all that stands before it.
//!
//! The checksum finds damage. Whatever it lets through has to be held against the rules that its reader relies on.

use std::io::{self, Write};

/// Bytes that are put together before they are written to a stream.
const CHUNK_BYTES: usize = 1 << 16;

/// Why bytes are nothing that was saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// The bytes are something else.
    #[error("these bytes are no saved {what}")]
    Foreign {
        /// What was expected.
        what: &'static str,
    },
    /// Saved by another version of the program.
    #[error("saved in format {found}, this program reads format {expected}")]
    Version {
        /// The format of the bytes.
        found: u32,
        /// The format that can be read.
        expected: u32,
    },
    /// The bytes end too early or too late.
    #[error("what was saved is incomplete: {part} is cut off")]
    Truncated {
        /// The part that is not whole.
        part: &'static str,
    },
    /// A byte has changed.
    #[error("what was saved is damaged: its checksum is wrong")]
    Damaged,
    /// A number cannot be.
    #[error("what was saved is invalid: {problem}")]
    Invalid {
        /// The rule that is broken.
        problem: &'static str,
    },
}

/// Fails with `problem` unless a rule holds.
pub(crate) fn rule(holds: bool, problem: &'static str) -> Result<(), SavedError> {
    if holds { Ok(()) } else { Err(SavedError::Invalid { problem }) }
}

/// A kind of saved bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u32,
    pub(crate) what: &'static str,
}

/// Puts numbers together in memory.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(format: &Format) -> Self {
        let mut writer = Self(format.magic.to_vec());
        writer.bytes(&format.version.to_le_bytes());
        writer
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn f32(&mut self, value: f32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let sum = crc32fast::hash(&self.0);
        self.u32(sum);
        self.0
    }
}

/// Writes large tables without holding them twice.
pub(crate) struct Stream<W> {
    out: W,
    sum: crc32fast::Hasher,
}

impl<W: Write> Stream<W> {
    pub(crate) fn new(format: &Format, out: W) -> io::Result<Self> {
        let mut stream = Self { out, sum: crc32fast::Hasher::new() };
        stream.bytes(&format.magic)?;
        stream.bytes(&format.version.to_le_bytes())?;
        Ok(stream)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }

    /// Items without their number, in blocks of 64 KiB.
    pub(crate) fn items<T, const N: usize>(
        &mut self,
        items: &[T],
        bytes: impl Fn(&T) -> [u8; N],
    ) -> io::Result<()> {
        let mut block = Vec::with_capacity(CHUNK_BYTES);
        for chunk in items.chunks(CHUNK_BYTES / N) {
            block.clear();
            chunk.iter().for_each(|item| block.extend_from_slice(&bytes(item)));
            self.bytes(&block)?;
        }
        Ok(())
    }

    /// The number of items, and the items.
    pub(crate) fn table<T, const N: usize>(
        &mut self,
        items: &[T],
        bytes: impl Fn(&T) -> [u8; N],
    ) -> io::Result<()> {
        self.bytes(&(items.len() as u64).to_le_bytes())?;
        self.items(items, bytes)
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        let sum = self.sum.finalize();
        self.out.write_all(&sum.to_le_bytes())?;
        self.out.flush()
    }
}

/// Takes numbers apart.
#[derive(Debug)]
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// Checks the head and the checksum. O(bytes).
    pub(crate) fn new(format: &Format, bytes: &'b [u8]) -> Result<Self, SavedError> {
        let body = bytes.strip_prefix(&format.magic).ok_or(SavedError::Foreign { what: format.what })?;
        let mut reader = Self(body);
        let found = reader.u32("the head")?;
        if found != format.version {
            return Err(SavedError::Version { found, expected: format.version });
        }
        let (summed, sum) = bytes.split_last_chunk().ok_or(SavedError::Truncated { part: "the tail" })?;
        let (rest, _) = reader.0.split_last_chunk::<4>().ok_or(SavedError::Truncated { part: "the tail" })?;
        if crc32fast::hash(summed) != u32::from_le_bytes(*sum) {
            return Err(SavedError::Damaged);
        }
        Ok(Self(rest))
    }

    /// Bytes that are left.
    pub(crate) fn remaining(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], SavedError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(SavedError::Truncated { part })?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u32(&mut self, part: &'static str) -> Result<u32, SavedError> {
        self.array(part).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, part: &'static str) -> Result<u64, SavedError> {
        self.array(part).map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self, part: &'static str) -> Result<i64, SavedError> {
        self.array(part).map(i64::from_le_bytes)
    }

    pub(crate) fn f32(&mut self, part: &'static str) -> Result<f32, SavedError> {
        self.array(part).map(f32::from_le_bytes)
    }

    /// A number of items of at least `bytes_each`, of which all must still be there: nothing is asked of the heap for
    /// items that the bytes do not hold.
    pub(crate) fn count(&mut self, bytes_each: usize, part: &'static str) -> Result<usize, SavedError> {
        let count = usize::try_from(self.u64(part)?).map_err(|_| SavedError::Truncated { part })?;
        let needed = count.checked_mul(bytes_each);
        if needed.is_none_or(|needed| needed > self.remaining()) {
            return Err(SavedError::Truncated { part });
        }
        Ok(count)
    }

    /// The next `count` items.
    pub(crate) fn items<T, const N: usize>(
        &mut self,
        count: usize,
        part: &'static str,
        read: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, SavedError> {
        let items = count.checked_mul(N).and_then(|bytes| self.0.split_at_checked(bytes));
        let (items, rest) = items.ok_or(SavedError::Truncated { part })?;
        self.0 = rest;
        Ok(items.as_chunks().0.iter().map(|item| read(*item)).collect())
    }

    /// A number of items, and the items.
    pub(crate) fn table<T, const N: usize>(
        &mut self,
        part: &'static str,
        read: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, SavedError> {
        let count = self.count(N, part)?;
        self.items(count, part, read)
    }

    pub(crate) fn end(&self) -> Result<(), SavedError> {
        if self.0.is_empty() { Ok(()) } else { Err(SavedError::Truncated { part: "what stands behind it" }) }
    }
}
