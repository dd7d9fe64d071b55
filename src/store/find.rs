//! Where the record of an id is, in a log of any length: an index beside each sealed segment.
//!
//! An index can always be made again from its segment and is checked against it, so that nothing is lost with it.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::entry::unhex;
use super::log::{LogError, Position, Reader, Record, SegmentName, segments};

/// The 128 bits of an id.
pub type Id = [u8; 16];

const MAGIC: [u8; 8] = *b"QLIDS\x00\x01\n";
/// Bytes before the entries: the magic, and their number.
const HEAD_BYTES: u64 = 16;
/// Bytes of an entry: the id, and the record's place in the segment.
const ENTRY_BYTES: usize = 16 + 4;
/// How a segment's index is called.
pub(super) const SUFFIX: &str = "ids";

/// The id that a record stands under: that of a decision, of an appeal or of its outcome.
pub fn id_of(record: &Record) -> Option<Id> {
    /// The part of a record that is needed for this.
    #[derive(Deserialize)]
    struct Names<'r> {
        kind: &'r str,
        #[serde(default)]
        id: &'r str,
    }
    let names: Names<'_> = serde_json::from_slice(&record.public).ok()?;
    ["decision", "outcome", "appeal"].contains(&names.kind).then(|| unhex(names.id)).flatten()
}

/// The place of the youngest record of an id. Looks into the segments from the last to the first: O(log records) reads for each
/// that has an index, the whole segment for others.
///
/// # Errors
/// A file cannot be read.
pub fn find(dir: &Path, id: &Id) -> Result<Option<Position>, LogError> {
    let all = segments(dir)?;
    for (index, segment) in all.iter().enumerate().rev() {
        let is_sealed = index + 1 < all.len();
        let offset = match looked_up(&segment.path.with_extension(SUFFIX), id) {
            Ok(offset) if is_sealed => offset,
            _ => entries(dir, segment)?.iter().rev().find(|entry| entry.0 == *id).map(|entry| entry.1),
        };
        let position = |offset: u32| Position { segment: segment.number, offset: offset.into() };
        // An index may be older than what stands in its place.
        if let Some(position) = offset.map(position).filter(|position| is_at(dir, *position, id)) {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

fn is_at(dir: &Path, position: Position, id: &Id) -> bool {
    let found = Reader::at(dir, position).read().ok().flatten();
    found.is_some_and(|found| found.position == position && id_of(&found.record).as_ref() == Some(id))
}

/// Makes the index of one sealed segment that has none, the youngest first. Says whether there was one to make.
///
/// # Errors
/// The system refuses.
pub fn index_one(dir: &Path) -> Result<bool, LogError> {
    let all = segments(dir)?;
    let sealed = all.len().saturating_sub(1);
    let missing = all[..sealed].iter().rev().find(|segment| !segment.path.with_extension(SUFFIX).exists());
    let Some(segment) = missing else { return Ok(false) };
    let mut found = entries(dir, segment)?;
    // Of records with one id, the youngest: the sort is stable, and the last of equals is kept.
    found.sort_by_key(|entry| entry.0);
    found.reverse();
    found.dedup_by_key(|entry| entry.0);
    found.reverse();
    let path = segment.path.with_extension(SUFFIX);
    write(&path, &found)
        .map_err(|e| LogError::Io { path: path.display().to_string(), problem: e.to_string() })?;
    Ok(true)
}

/// Ids and places of a segment's records in their order. What is damaged is passed over.
fn entries(dir: &Path, segment: &SegmentName) -> Result<Vec<(Id, u32)>, LogError> {
    let mut reader = Reader::at(dir, Position { segment: segment.number, offset: 0 });
    let mut entries = Vec::new();
    loop {
        match reader.read() {
            Ok(Some(found)) if found.position.segment == segment.number => {
                // A segment is far shorter than 4 GiB.
                let offset = u32::try_from(found.position.offset).ok();
                entries.extend(id_of(&found.record).zip(offset));
            }
            Err(LogError::Damaged(damage)) if damage.segment == segment.number => {}
            Ok(_) | Err(LogError::Damaged(_)) => return Ok(entries),
            Err(e) => return Err(e),
        }
    }
}

fn write(path: &Path, entries: &[(Id, u32)]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES + 16);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    for (id, offset) in entries {
        bytes.extend_from_slice(id);
        bytes.extend_from_slice(&offset.to_le_bytes());
    }
    let temporary: PathBuf = path.with_extension(format!("{SUFFIX}.new"));
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_data()?;
    fs::rename(&temporary, path)
}

/// Searches an index by halving.
fn looked_up(path: &Path, id: &Id) -> io::Result<Option<u32>> {
    let mut file = File::open(path)?;
    let mut head = [0; 16];
    file.read_exact(&mut head)?;
    let (magic, count) = head.split_at(8);
    let count = u64::from_le_bytes(count.try_into().map_err(io::Error::other)?);
    let bytes = file.metadata()?.len();
    if magic != MAGIC
        || count.checked_mul(ENTRY_BYTES as u64).and_then(|b| b.checked_add(HEAD_BYTES)) != Some(bytes)
    {
        return Err(io::Error::other("is no index"));
    }
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        file.seek(SeekFrom::Start(HEAD_BYTES + middle * ENTRY_BYTES as u64))?;
        let mut entry = [0; ENTRY_BYTES];
        file.read_exact(&mut entry)?;
        match entry[..16].cmp(id) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => {
                return Ok(Some(u32::from_le_bytes([entry[16], entry[17], entry[18], entry[19]])));
            }
        }
    }
    Ok(None)
}
