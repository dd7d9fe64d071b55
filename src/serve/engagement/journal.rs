//! What the detector is told, on the disk before anybody hears that it counts: bulks of events, and how the clock moved the stream.
//!
//! It is a log of its own beside that of decisions, with the same segments. A saved state says how far it has come; what lies
//! before is removed, so that who did what to whom is kept no longer than it takes to save the next state.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::serve::idempotency::Key;
use crate::serve::judge::{hex, unhex};
use crate::store::log::{LogError, LogOptions, Position, Reader, Record, segments};

/// Bytes of a segment; whole segments are removed.
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

/// First line of a record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Head {
    /// Lines of the engagement stream follow.
    Bulk { key: Option<(String, String)> },
    /// The stream was silent, and the clock has moved it.
    Clock { time_s: u32 },
}

/// A record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Lines of the engagement stream, with the digests of an idempotency key and of the body that came with it.
    Bulk { key: Option<(Key, Key)>, lines: String },
    /// Stream time in seconds since 1970.
    Clock(u32),
}

/// The journal's directory below a data directory.
pub(super) fn dir(data_dir: &Path) -> PathBuf {
    data_dir.join("engagement")
}

pub(super) fn options(data_dir: &Path) -> LogOptions {
    LogOptions { segment_bytes_max: SEGMENT_BYTES_MAX, ..LogOptions::new(&dir(data_dir)) }
}

/// The record of a bulk.
pub(super) fn bulk(key: Option<&(Key, Key)>, lines: &[u8]) -> Vec<u8> {
    record(&Head::Bulk { key: key.map(|(key, body)| (hex(key), hex(body))) }, lines)
}

/// The record of a silence.
pub(super) fn clock(time_s: u32) -> Vec<u8> {
    record(&Head::Clock { time_s }, &[])
}

fn record(head: &Head, lines: &[u8]) -> Vec<u8> {
    // Our own type has string keys and no floats: this does not fail.
    let mut bytes = serde_json::to_vec(head).unwrap_or_default();
    bytes.reserve(lines.len() + 1);
    bytes.push(b'\n');
    bytes.extend_from_slice(lines);
    bytes
}

/// Reads a record; none if it is of another kind.
fn read(record: &Record) -> Option<Told> {
    let text = std::str::from_utf8(&record.public).ok()?;
    let (head, lines) = text.split_once('\n')?;
    match serde_json::from_str(head).ok()? {
        Head::Clock { time_s } => Some(Told::Clock(time_s)),
        Head::Bulk { key } => {
            let key = key.and_then(|(key, body)| unhex(&key).zip(unhex(&body)));
            Some(Told::Bulk { key, lines: lines.to_owned() })
        }
    }
}

/// Gives every record behind a place to `tell`, with its own place and time. Damaged ones are counted and passed over.
pub(super) fn replay(
    data_dir: &Path,
    behind: Option<Position>,
    mut tell: impl FnMut(Told, Position, i64) -> Result<(), LogError>,
) -> Result<u64, LogError> {
    let mut reader = Reader::at(&dir(data_dir), behind.unwrap_or_default());
    let mut lost = 0;
    loop {
        match reader.read() {
            Ok(Some(found)) if Some(found.position) == behind => {}
            Ok(Some(found)) => match read(&found.record) {
                Some(told) => tell(told, found.position, found.record.time_ms)?,
                None => lost += 1,
            },
            Ok(None) => return Ok(lost),
            Err(LogError::Damaged(_)) => lost += 1,
            Err(e) => return Err(e),
        }
    }
}

/// Removes the segments before a place. One that cannot be removed is tried again the next time.
pub(super) fn forget(data_dir: &Path, before: Position) {
    let all = segments(&dir(data_dir)).unwrap_or_default();
    for segment in all.iter().filter(|segment| segment.number < before.segment) {
        let _ = fs::remove_file(&segment.path);
    }
}
