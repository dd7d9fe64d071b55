//! State as bytes and back: magic, version, numbers with the low byte first, CRC-32 of all that stands before it.

/// Why bytes are no saved state.
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
    #[error("the saved state is incomplete: {part} is cut off")]
    Truncated {
        /// The part that is not whole.
        part: &'static str,
    },
    /// A byte has changed.
    #[error("the saved state is damaged: its checksum is wrong")]
    Damaged,
    /// A number cannot be.
    #[error("the saved state is invalid: {problem}")]
    Invalid {
        /// The rule that is broken.
        problem: &'static str,
    },
}

/// Fails with `problem` unless a rule holds.
pub(super) fn rule(holds: bool, problem: &'static str) -> Result<(), SavedError> {
    if holds { Ok(()) } else { Err(SavedError::Invalid { problem }) }
}

/// A kind of state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) magic: [u8; 8],
    pub(super) version: u32,
    pub(super) what: &'static str,
}

/// Puts numbers together.
#[derive(Debug)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(format: &Format) -> Self {
        let mut writer = Self(format.magic.to_vec());
        writer.bytes(&format.version.to_le_bytes());
        writer
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn f32(&mut self, value: f32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let sum = crc32fast::hash(&self.0);
        self.u32(sum);
        self.0
    }
}

/// Takes numbers apart.
#[derive(Debug)]
pub(super) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// Checks the head and the checksum. O(bytes).
    pub(super) fn new(format: &Format, bytes: &'b [u8]) -> Result<Self, SavedError> {
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
    pub(super) fn remaining(&self) -> usize {
        self.0.len()
    }

    pub(super) fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], SavedError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(SavedError::Truncated { part })?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u32(&mut self, part: &'static str) -> Result<u32, SavedError> {
        self.array(part).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, part: &'static str) -> Result<u64, SavedError> {
        self.array(part).map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self, part: &'static str) -> Result<i64, SavedError> {
        self.array(part).map(i64::from_le_bytes)
    }

    pub(super) fn f32(&mut self, part: &'static str) -> Result<f32, SavedError> {
        self.array(part).map(f32::from_le_bytes)
    }

    /// A number of items of at least `bytes_each`, of which all must still be there: nothing is asked of the heap for
    /// items that the bytes do not hold.
    pub(super) fn count(&mut self, bytes_each: usize, part: &'static str) -> Result<usize, SavedError> {
        let count = usize::try_from(self.u64(part)?).map_err(|_| SavedError::Truncated { part })?;
        let needed = count.checked_mul(bytes_each);
        if needed.is_none_or(|needed| needed > self.remaining()) {
            return Err(SavedError::Truncated { part });
        }
        Ok(count)
    }

    pub(super) fn end(&self) -> Result<(), SavedError> {
        if self.0.is_empty() { Ok(()) } else { Err(SavedError::Truncated { part: "what stands behind it" }) }
    }
}
