//! The files of a log and places in them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LogError;

/// A place in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Number of the segment, from 1; 0 is before all.
    pub segment: u64,
    /// Bytes from the start of its file.
    pub offset: u64,
}

/// A segment's file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// Number of the segment.
    pub number: u64,
    /// Its file.
    pub path: PathBuf,
}

const SUFFIX: &str = ".qlog";
/// Digits of a number in a file's name, so that names sort as numbers do.
const NUMBER_DIGITS: usize = 10;

impl SegmentName {
    /// The file of a segment that is begun at `time_ms`.
    pub(super) fn new(dir: &Path, number: u64, time_ms: i64) -> Self {
        let time = Timestamp::from_millisecond(time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = time.strftime("%Y%m%dT%H%M%SZ");
        Self { number, path: dir.join(format!("{number:0NUMBER_DIGITS$}-{time}{SUFFIX}")) }
    }

    /// The file's name without its folder.
    pub fn file(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// The segments of a log in order. Other files are passed over.
///
/// # Errors
/// The directory cannot be read, or two segments have one number.
pub fn segments(dir: &Path) -> Result<Vec<SegmentName>, LogError> {
    let failed = |e: io::Error| LogError::io(dir, &e);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(SUFFIX));
        let number = name.and_then(|name| name.split_once('-')).and_then(|(number, _)| number.parse().ok());
        found.extend(number.map(|number| SegmentName { number, path }));
    }
    found.sort();
    if let Some(pair) = found.windows(2).find(|pair| pair[0].number == pair[1].number) {
        return Err(LogError::Io {
            path: pair[1].path.display().to_string(),
            problem: format!("has the number of {}", pair[0].file()),
        });
    }
    Ok(found)
}

/// Brings new and removed names of a directory to the disk, where the system can.
pub(super) fn sync_dir(dir: &Path) {
    if let Ok(dir) = File::open(dir) {
        let _ = dir.sync_all();
    }
}
