//! What is removed with time: whole segments after their term, private parts earlier.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::LogError;
use super::layout::{SegmentName, segments, sync_dir};
use super::reader::read_header;
use super::record::{HEADER_BYTES, Parsed, encode_purged_into, parse};
use super::writer::LogOptions;

/// Fewest days that records are kept: six months.
pub const RETAIN_DAYS_MIN: u32 = 184;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The sealed segments whose term is over, and the record that says so. `last` is the number of the segment that is
/// written; a segment's youngest record is not younger than the header of the next one.
///
/// Looks at the two oldest segments only, unless these are due.
pub(super) fn due(options: &LogOptions, now_ms: i64, last: u64) -> Option<(Vec<SegmentName>, Vec<u8>)> {
    let days = options.retain_days.max(RETAIN_DAYS_MIN);
    let oldest_ms = now_ms.saturating_sub(i64::from(days) * DAY_MS);
    let all = segments(&options.dir).ok()?;
    let mut expired = Vec::new();
    let mut link = None;
    for pair in all.windows(2) {
        let Ok(next) = read_header(&pair[1]) else { break };
        if pair[0].number >= last || next.time_ms > oldest_ms {
            break;
        }
        expired.push(pair[0].clone());
        link = Some(next.link);
    }
    let through = expired.last()?.number;
    let note = serde_json::json!({
        "kind": "retention", "through_segment": through, "link": hex(&link?), "retain_days": days,
    });
    Some((expired, note.to_string().into_bytes()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Removes segments. One that cannot be removed is tried again with the next batch.
pub(super) fn remove(dir: &Path, expired: Vec<SegmentName>) {
    if expired.is_empty() {
        return;
    }
    for segment in expired {
        let _ = fs::remove_file(segment.path);
    }
    sync_dir(dir);
}

/// Takes the private parts out of sealed segments that were begun before `before_ms`; links and public parts stay, and the
/// chain holds. Returns how many records lost theirs. Places inside a purged segment move.
///
/// Each segment is written anew beside the old one, which is then replaced.
///
/// # Errors
/// The system refuses, or a segment is damaged; that one stays as it is.
pub fn purge(dir: &Path, before_ms: i64) -> Result<u64, LogError> {
    let all = segments(dir)?;
    let mut purged = 0;
    for pair in all.windows(2) {
        // The youngest record of a segment is as old as the next segment's header at least.
        if read_header(&pair[1])?.time_ms > before_ms {
            break;
        }
        purged += purge_segment(&pair[0])?;
    }
    Ok(purged)
}

fn purge_segment(segment: &SegmentName) -> Result<u64, LogError> {
    let failed = |e: std::io::Error| LogError::io(&segment.path, &e);
    let bytes = fs::read(&segment.path).map_err(failed)?;
    let (mut out, mut purged) = (bytes.get(..HEADER_BYTES).unwrap_or_default().to_vec(), 0);
    let mut offset = HEADER_BYTES;
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        let damage = |what: &str| {
            let (file, what) = (segment.file(), what.to_owned());
            super::Damage { segment: segment.number, file, offset: offset as u64, what }
        };
        match parse(rest) {
            Parsed::Whole(record, length) => {
                purged += u64::from(record.private.is_some());
                encode_purged_into(&record, &mut out);
                offset += length;
            }
            Parsed::Short => return Err(damage("the segment is cut off").into()),
            Parsed::Damaged(what) => return Err(damage(what).into()),
        }
    }
    if purged == 0 {
        return Ok(0);
    }
    let temporary = segment.path.with_extension("purged");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(&out)?;
        file.sync_all()?;
        fs::rename(&temporary, &segment.path)
    };
    write().map_err(failed)?;
    segment.path.parent().into_iter().for_each(sync_dir);
    Ok(purged)
}
