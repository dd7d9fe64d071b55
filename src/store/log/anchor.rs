//! The end of a log, noted elsewhere: with it, records that were cut off at the end are missed.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::VerifyReport;

/// Link of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Sequence of the record.
    pub sequence: u64,
    /// Its link, 64 hexadecimal digits.
    pub link: String,
    /// When it was noted, in milliseconds since 1970.
    pub time_ms: i64,
}

/// Largest file of anchors, bytes: more than three hundred thousand of them.
const FILE_BYTES_MAX: u64 = 64 << 20;

impl Anchor {
    /// The anchor of a log's end; none for an empty log.
    pub fn of(report: &VerifyReport, time_ms: i64) -> Option<Self> {
        (report.last > 0).then(|| Self { sequence: report.last, link: report.link.clone(), time_ms })
    }

    /// Reads a file of anchors, one JSON object a line; none if there is no file yet.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn read(path: &Path) -> io::Result<Vec<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut text = String::new();
        // A device has no length and no end.
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::other(format!("is larger than {FILE_BYTES_MAX} bytes")));
        }
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
    }

    /// Appends it to a file of anchors.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&self, path: &Path) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        let mut file = File::options().create(true).append(true).open(path)?;
        file.write_all(&line)?;
        file.sync_all()
    }
}
