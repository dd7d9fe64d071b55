//! An append-only log: records in, bound to each other by a chain of hashes, on the disk before anybody is told.
//!
//! A directory holds *segments*, files that are only appended to; all but the last are *sealed*. One process writes, with
//! one thread and *group commit*: all records that wait are written and synced together, then all who wait are answered.
//! At start a *torn tail*, left by a crash in the middle of a write, is cut off and kept beside the segment. Damage is
//! named with segment and offset and never repaired in silence. [`Reader`] follows the log in order; [`verify`] checks every
//! checksum and the chain.

mod anchor;
mod commit;
mod layout;
mod open;
mod reader;
mod record;
mod retention;
mod verify;
mod writer;

pub use anchor::Anchor;
pub use commit::{Append, Done, Log, Stored};
pub use layout::{Position, SegmentName, segments};
pub use open::{OpenReport, TornTail};
pub use reader::{Found, Reader, read_header};
pub use record::{Digest, HEADER_BYTES, Header, RECORD_BYTES_MAX, Record};
pub use retention::{Purged, RETAIN_DAYS_MIN, purge};
pub use verify::{VerifyReport, verify, verify_against};
pub use writer::{DiskFile, LogOptions, OpenSegment, SegmentFile};

use std::io;
use std::path::Path;

/// A place of a log where something is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment} ({file}), offset {offset}: {what}")]
pub struct Damage {
    /// Number of the segment.
    pub segment: u64,
    /// Name of its file.
    pub file: String,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
}

/// Why a log cannot be opened, read or appended to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The system refuses: the disk is full, a file cannot be read …
    #[error("log {path}: {problem}")]
    Io {
        /// The file or directory.
        path: String,
        /// Why.
        problem: String,
    },
    /// Another process writes this log.
    #[error("log {0}: another process is writing it")]
    Locked(String),
    /// A record is larger than [`RECORD_BYTES_MAX`].
    #[error("record_bytes_max: a record of {0} bytes, the limit is {RECORD_BYTES_MAX}")]
    TooLarge(usize),
    /// As many records wait as are allowed to.
    #[error("queue_records_max: the log does not keep up")]
    Full,
    /// The log has been closed.
    #[error("the log is closed")]
    Closed,
    /// Something is not as it was written.
    #[error("{0}")]
    Damaged(#[from] Damage),
}

impl LogError {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io { path: path.display().to_string(), problem: error.to_string() }
    }
}
