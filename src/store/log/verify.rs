//! Checking a whole log.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::anchor::Anchor;
use super::layout::{SegmentName, segments};
use super::reader::read_header;
use super::record::{Digest, HEADER_BYTES, Parsed, Record, is_linked, parse, resync};
use super::retention::{hex, removed_through};
use super::{Damage, LogError};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Segments.
    pub segments: u64,
    /// Whole records.
    pub records: u64,
    /// Records whose private part has been purged.
    pub purged: u64,
    /// Bytes.
    pub bytes: u64,
    /// Sequence of the first record that is there; 0 in an empty log.
    pub first: u64,
    /// Sequence of the last record; 0 in an empty log.
    pub last: u64,
    /// Link of the last record, in hexadecimal. Noted elsewhere, it shows later whether records were cut off at the end.
    pub link: String,
    /// What is not as it was written.
    #[serde(skip)]
    pub damage: Vec<Damage>,
}

/// How far a check has come.
struct Check {
    report: VerifyReport,
    /// Link of the last record; none where it is not known: at the start, and behind damage.
    link: Option<Digest>,
    /// Sequence of the last record or of that before the first one.
    sequence: Option<u64>,
    /// Number of the last segment.
    segment: Option<u64>,
    /// Links by sequence that were noted elsewhere and not seen yet.
    anchors: BTreeMap<u64, String>,
    /// The last segment that a record says has been removed.
    removed_through: Option<u64>,
}

/// Checks all checksums, the sequence and the chain of a log. Reads every byte and hashes it, with one segment in
/// memory; may run while the log is written.
///
/// # Errors
/// A file cannot be read. Damage is no error; it is in the report.
pub fn verify(dir: &Path) -> Result<VerifyReport, LogError> {
    verify_against(dir, &[])
}

/// The same, with links that were noted earlier: records that were cut off at the end or replaced by others, a whole chain of
/// them even, are damage. Anchors of records that retention has removed say nothing.
///
/// # Errors
/// As for [`verify`].
pub fn verify_against(dir: &Path, anchors: &[Anchor]) -> Result<VerifyReport, LogError> {
    let anchors = anchors.iter().map(|anchor| (anchor.sequence, anchor.link.clone())).collect();
    let report = VerifyReport::default();
    let mut check =
        Check { report, link: None, sequence: None, segment: None, anchors, removed_through: None };
    let all = segments(dir)?;
    for (index, segment) in all.iter().enumerate() {
        check.segment(segment, index + 1 == all.len())?;
    }
    check.end(all.first().zip(all.last()));
    check.report.link = check.link.map(|link| hex(&link)).unwrap_or_default();
    Ok(check.report)
}

impl Check {
    fn segment(&mut self, segment: &SegmentName, is_last: bool) -> Result<(), LogError> {
        let bytes = fs::read(&segment.path).map_err(|e| LogError::io(&segment.path, &e))?;
        self.report.segments += 1;
        self.report.bytes += bytes.len() as u64;
        let mut complain = Complaints { segment, found: Vec::new() };
        if self.segment.is_some_and(|before| before + 1 != segment.number) {
            complain.about(0, "a segment is missing before this one");
            (self.link, self.sequence) = (None, None);
        }
        self.segment = Some(segment.number);
        match read_header(segment) {
            Ok(header) => {
                if self.link.is_some_and(|link| link != header.link) {
                    complain.about(0, "the header does not continue the chain");
                }
                if self.sequence.is_some_and(|sequence| sequence + 1 != header.first) {
                    complain.about(0, "records are missing before this segment");
                }
                (self.link, self.sequence) = (Some(header.link), Some(header.first.saturating_sub(1)));
            }
            Err(LogError::Damaged(damage)) => complain.found.push(damage),
            Err(e) => return Err(e),
        }
        self.records(&bytes, is_last, &mut complain);
        self.report.damage.append(&mut complain.found);
        Ok(())
    }

    fn records(&mut self, bytes: &[u8], is_last: bool, complain: &mut Complaints<'_>) {
        let mut offset = HEADER_BYTES;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            let what = match parse(rest) {
                Parsed::Whole(record, length) => {
                    self.record(&record, &rest[..length], offset, complain);
                    offset += length;
                    continue;
                }
                Parsed::Short => "a record is not whole",
                Parsed::Damaged(what) => what,
            };
            let found = resync(rest, self.sequence.unwrap_or(0));
            // The end of the last segment may be being written, or was torn and will be mended at the next start.
            let what = if found.is_none() && is_last && what == "a record is not whole" {
                "the last record is not whole; the next start cuts it off"
            } else {
                what
            };
            complain.about(offset, what);
            self.link = None;
            let Some(length) = found else {
                // How many records were here is not known.
                self.sequence = None;
                return;
            };
            offset += length;
        }
    }

    fn record(&mut self, record: &Record, bytes: &[u8], offset: usize, complain: &mut Complaints<'_>) {
        // Behind damage, the gap in the sequence has been explained and the link cannot be checked.
        if let Some(link) = &self.link {
            if self.sequence.is_some_and(|sequence| sequence + 1 != record.sequence) {
                complain.about(offset, "records are missing before this one");
            } else if !is_linked(record, bytes, link) {
                complain.about(offset, "the record does not continue the chain");
            }
        }
        let report = &mut self.report;
        report.records += 1;
        report.purged += u64::from(record.private.is_none() && record.private_digest != [0; 32]);
        if report.first == 0 {
            report.first = record.sequence;
        }
        report.last = record.sequence;
        (self.link, self.sequence) = (Some(record.link), Some(record.sequence));
        self.removed_through = removed_through(&record.public).max(self.removed_through);
        if self.anchors.remove(&record.sequence).is_some_and(|link| link != hex(&record.link)) {
            complain.about(offset, "the record is not the one that was anchored");
        }
    }

    /// Complains of what is not there: segments that no record says were removed, records that were anchored.
    fn end(&mut self, ends: Option<(&SegmentName, &SegmentName)>) {
        if let Some((first, _)) = ends.filter(|(first, _)| first.number > 1) {
            let mut complain = Complaints { segment: first, found: Vec::new() };
            if self.removed_through.is_none_or(|through| through + 1 < first.number) {
                complain.about(
                    0,
                    "the segments before this one are missing, and no record says that their term was over",
                );
            }
            self.report.damage.append(&mut complain.found);
        }
        for (sequence, _) in self.anchors.split_off(&self.report.first) {
            self.report.damage.push(Damage {
                segment: ends.map_or(0, |(_, last)| last.number),
                file: ends.map(|(_, last)| last.file()).unwrap_or_default(),
                offset: 0,
                what: format!("record {sequence} was anchored and is not there"),
            });
        }
    }
}

struct Complaints<'a> {
    segment: &'a SegmentName,
    found: Vec<Damage>,
}

impl Complaints<'_> {
    fn about(&mut self, offset: usize, what: &str) {
        let (segment, file) = (self.segment.number, self.segment.file());
        self.found.push(Damage { segment, file, offset: offset as u64, what: what.to_owned() });
    }
}
