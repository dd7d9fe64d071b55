//! What is removed with time: whole segments after their term, private parts earlier.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::LogError;
use super::layout::{SegmentName, segments, sync_dir};
use super::reader::read_header;
use super::record::{HEADER_BYTES, Parsed, erase_private, parse};
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

/// The segment through which a record says that segments were removed; none if it is another record.
pub(super) fn removed_through(public: &[u8]) -> Option<u64> {
    /// What [`due`] writes.
    #[derive(serde::Deserialize)]
    struct Note {
        kind: String,
        through_segment: u64,
    }
    // Nearly all records are something else, and reading them as JSON takes time.
    if !public.starts_with(br#"{"kind":"retention""#) {
        return None;
    }
    serde_json::from_slice::<Note>(public)
        .ok()
        .filter(|note| note.kind == "retention")
        .map(|n| n.through_segment)
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
        // What was made from it goes with it.
        let _ = fs::remove_file(segment.path.with_extension(crate::store::find::SUFFIX));
        let _ = fs::remove_file(segment.path);
    }
    sync_dir(dir);
}

/// What taking private parts out has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Records that have lost theirs.
    pub records: u64,
    /// The last segment that was looked at; 0 for none.
    pub through: u64,
    /// Why a segment stays as it is. The others were purged nevertheless.
    pub failed: Vec<LogError>,
}

/// Takes the private parts out of sealed segments, from the one of number `from` on, whose records are all older than
/// `before_ms`; links and public parts stay, the chain holds, and no place moves. May run while the log is written and read.
///
/// Each segment is written anew beside the old one, which is then replaced, so that a crash leaves the old or the new one.
/// O(bytes of these segments), one of them in memory.
///
/// # Errors
/// The directory or the header of a segment cannot be read.
pub fn purge(dir: &Path, from: u64, before_ms: i64) -> Result<Purged, LogError> {
    let all = segments(dir)?;
    let mut purged = Purged::default();
    for pair in all.windows(2).filter(|pair| pair[0].number >= from) {
        // The youngest record of a segment is as old as the next segment's header at least.
        match read_header(&pair[1]) {
            Ok(next) if next.time_ms > before_ms => break,
            Ok(_) => {}
            // Without its header the age is not known; a later one tells.
            Err(LogError::Damaged(_)) => continue,
            Err(e) => return Err(e),
        }
        match purge_segment(&pair[0]) {
            Ok(records) => purged.records += records,
            Err(e) => purged.failed.push(e),
        }
        purged.through = pair[0].number;
    }
    Ok(purged)
}

fn purge_segment(segment: &SegmentName) -> Result<u64, LogError> {
    let failed = |e: std::io::Error| LogError::io(&segment.path, &e);
    let mut bytes = fs::read(&segment.path).map_err(failed)?;
    let (mut offset, mut purged) = (HEADER_BYTES, 0);
    while let Some(rest) = bytes.get_mut(offset..).filter(|rest| !rest.is_empty()) {
        let damage = |what: &str| {
            let (file, what) = (segment.file(), what.to_owned());
            super::Damage { segment: segment.number, file, offset: offset as u64, what }
        };
        match parse(rest) {
            Parsed::Whole(record, length) => {
                if record.private.is_some() {
                    erase_private(&record, &mut rest[..length]);
                    purged += 1;
                }
                offset += length;
            }
            Parsed::Short => return Err(damage("the segment is cut off").into()),
            Parsed::Damaged(what) => return Err(damage(what).into()),
        }
    }
    if purged == 0 {
        return Ok(0);
    }
    // Two who purge at the same time write files of their own; what they write is the same.
    let temporary = segment.path.with_extension(format!("purged-{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &segment.path)
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        failed(e)
    })?;
    segment.path.parent().into_iter().for_each(sync_dir);
    Ok(purged)
}
