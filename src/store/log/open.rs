//! Finding the end of a log at start, and mending what a crash has left there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::layout::{Position, SegmentName, segments, sync_dir};
use super::reader::read_header;
use super::record::{HEADER_BYTES, Parsed, parse, resync};
use super::writer::End;
use super::{Damage, LogError};

/// What was found when a log was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Sequence of the last record; 0 for an empty log.
    pub records: u64,
    /// What a crash had left at the end, cut off now.
    pub torn: Option<TornTail>,
    /// Damage in the last segment. It stays as it is; a new segment has been begun.
    pub damage: Vec<Damage>,
}

/// Bytes at the end of a log that were no record. They were moved into a file of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where they began.
    pub place: Damage,
    /// How many.
    pub bytes: u64,
    /// Where they are now.
    pub kept: PathBuf,
}

/// Name of the file that says who writes.
const LOCK_FILE: &str = "LOCK";

/// Locks a directory for one writer, for as long as the file lives.
pub(super) fn lock(dir: &Path) -> Result<File, LogError> {
    let failed = |e: io::Error| LogError::io(dir, &e);
    // Authors' words stand in it.
    private_dir(dir).map_err(failed)?;
    let file = File::create(dir.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(LogError::Locked(dir.display().to_string())),
        // A file system without locks refuses in other ways, and is not locked.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Makes a directory, and those above it, for nobody but its owner; one that is there stays as it is.
fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// The end of the log in a directory, and the file to go on in; none if a new segment has to be begun.
pub(super) fn find_end(dir: &Path) -> Result<(End, Option<PathBuf>, OpenReport), LogError> {
    let mut report = OpenReport::default();
    let mut all = segments(dir)?;
    while let Some(last) = all.pop() {
        let bytes = fs::read(&last.path).map_err(|e| LogError::io(&last.path, &e))?;
        let header = match read_header(&last) {
            Ok(header) => Some(header),
            Err(LogError::Damaged(damage)) => {
                if resync(&bytes, 1).is_none() {
                    // A crash while the segment was begun: it has no record yet.
                    report.torn = Some(cut(&last, &bytes, (0, "the segment was not begun"))?);
                    fs::remove_file(&last.path).map_err(|e| LogError::io(&last.path, &e))?;
                    continue;
                }
                report.damage.push(damage);
                None
            }
            Err(e) => return Err(e),
        };
        let (sequence, link) =
            header.map_or((0, [0; 32]), |header| (header.first.saturating_sub(1), header.link));
        let position = Position { segment: last.number, offset: HEADER_BYTES as u64 };
        let mut end = End { position, sequence, link, begun_ms: header.map_or(0, |header| header.time_ms) };
        walk(&last, &bytes, &mut end, &mut report)?;
        report.records = end.sequence;
        // What is damaged stays as it is: nothing is written behind it.
        let path = report.damage.is_empty().then_some(last.path);
        return Ok((end, path, report));
    }
    let end = End { position: Position::default(), sequence: 0, link: [0; 32], begun_ms: 0 };
    Ok((end, None, report))
}

/// Walks over the records of the last segment to its end, naming damage and cutting off a torn tail.
fn walk(last: &SegmentName, bytes: &[u8], end: &mut End, report: &mut OpenReport) -> Result<(), LogError> {
    let mut offset = HEADER_BYTES;
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        let what = match parse(rest) {
            Parsed::Whole(record, length) => {
                (end.sequence, end.link) = (record.sequence, record.link);
                offset += length;
                end.position.offset = offset as u64;
                continue;
            }
            Parsed::Short => "the last record is not whole",
            Parsed::Damaged(what) => what,
        };
        let Some(length) = resync(rest, end.sequence) else {
            report.torn = Some(cut(last, rest, (offset, what))?);
            break;
        };
        let (segment, file) = (last.number, last.file());
        report.damage.push(Damage { segment, file, offset: offset as u64, what: what.to_owned() });
        offset += length;
    }
    Ok(())
}

/// Moves the tail of a segment, `bytes` from `offset` on, into a file beside it.
fn cut(segment: &SegmentName, bytes: &[u8], (offset, what): (usize, &str)) -> Result<TornTail, LogError> {
    let kept = segment.path.with_extension(format!("cut-at-{offset}"));
    let write = || -> io::Result<()> {
        let mut file = File::create(&kept)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let segment = File::options().write(true).open(&segment.path)?;
        segment.set_len(offset as u64)?;
        segment.sync_all()
    };
    write().map_err(|e| LogError::io(&segment.path, &e))?;
    segment.path.parent().into_iter().for_each(sync_dir);
    let place = Damage {
        segment: segment.number,
        file: segment.file(),
        offset: offset as u64,
        what: what.to_owned(),
    };
    Ok(TornTail { place, bytes: bytes.len() as u64, kept })
}
