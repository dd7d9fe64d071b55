//! Reading in order, to the end and beyond it as it moves.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::layout::{Position, SegmentName, segments};
use super::record::{HEADER_BYTES, Header, Parsed, Record, parse, resync};
use super::{Damage, LogError};

/// A record and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its first byte.
    pub position: Position,
    /// The byte behind it.
    pub end: Position,
    /// The record.
    pub record: Record,
}

/// Reads the records of a log in order. Holds one record and a buffer in memory.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    current: Option<(SegmentName, File)>,
    position: Position,
    /// Bytes of the segment from `position` on.
    buffer: Vec<u8>,
    /// Bytes of the buffer that have been read.
    consumed: usize,
    /// Sequence of the last record.
    sequence: u64,
    /// Nothing from here on is looked at.
    limit: Position,
}

/// Behind every record.
const NO_LIMIT: Position = Position { segment: u64::MAX, offset: u64::MAX };

const READ_BYTES: usize = 1 << 18;

impl Reader {
    /// A reader that begins with the first record that is there.
    pub fn new(dir: &Path) -> Self {
        Self::at(dir, Position::default())
    }

    /// A reader that goes on at a place that an earlier one has come to.
    pub fn at(dir: &Path, position: Position) -> Self {
        let (current, buffer) = (None, Vec::new());
        let dir = dir.to_owned();
        Self { dir, current, position, buffer, consumed: 0, sequence: 0, limit: NO_LIMIT }
    }

    /// The place of the next record.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next record; nothing at the end. Asked again, it looks again.
    ///
    /// Never named `next`: a reader does not end for good.
    ///
    /// # Errors
    /// [`LogError::Damaged`] with the place; the reader goes on behind it. Otherwise the system refuses.
    pub fn read(&mut self) -> Result<Option<Found>, LogError> {
        self.read_until(NO_LIMIT)
    }

    /// The next record that is whole. Damage before it is passed over: whoever opens a log is told of it, and so is whoever verifies it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn read_whole(&mut self) -> Result<Option<Found>, LogError> {
        loop {
            match self.read() {
                Err(LogError::Damaged(_)) => {}
                read => return read,
            }
        }
    }

    /// The next record before `limit`, which must be the end of a record; nothing if there is none. What stands behind the
    /// limit is not even read: as long as it is not on the disk, it may still be replaced.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_until(&mut self, limit: Position) -> Result<Option<Found>, LogError> {
        self.limit = limit;
        if self.position >= limit {
            return Ok(None);
        }
        loop {
            if self.current.is_none() && !self.open_next()? {
                return Ok(None);
            }
            match parse(&self.buffer[self.consumed..]) {
                Parsed::Whole(record, length) => {
                    let position = self.position;
                    self.skip(length);
                    self.sequence = record.sequence;
                    return Ok(Some(Found { position, end: self.position, record }));
                }
                Parsed::Short => {
                    if self.fill()? == 0 && !self.leave_segment()? {
                        // The limit is the end of a record. Without one, this may be a record that is being written; then no
                        // whole one stands behind it.
                        let is_damaged = match limit {
                            NO_LIMIT => resync(&self.buffer[self.consumed..], self.sequence).is_some(),
                            _ => self.position < limit,
                        };
                        let what = "a record is longer than what is on the disk";
                        return if is_damaged { Err(self.pass_damage(what)?.into()) } else { Ok(None) };
                    }
                }
                Parsed::Damaged(what) => return Err(self.pass_damage(what)?.into()),
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.consumed += bytes;
        self.position.offset += bytes as u64;
        if self.consumed >= READ_BYTES {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
    }

    /// Reads more of the segment; 0 at its end.
    fn fill(&mut self) -> Result<usize, LogError> {
        let Some((segment, file)) = &mut self.current else { return Ok(0) };
        let before = self.buffer.len();
        let mut room = READ_BYTES;
        if segment.number == self.limit.segment {
            let read = self.position.offset + (before - self.consumed) as u64;
            let left = self.limit.offset.saturating_sub(read);
            room = room.min(usize::try_from(left).unwrap_or(READ_BYTES));
        }
        self.buffer.resize(before + room, 0);
        let read = read_some(file, &mut self.buffer[before..]);
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        read.map_err(|e| LogError::io(&segment.path, &e))
    }

    /// Opens the segment of the position, or the first one behind it.
    fn open_next(&mut self) -> Result<bool, LogError> {
        let all = segments(&self.dir)?;
        let Some(segment) = all.into_iter().find(|s| s.number >= self.position.segment) else {
            return Ok(false);
        };
        let failed = |e: io::Error| LogError::io(&segment.path, &e);
        let mut file = File::open(&segment.path).map_err(failed)?;
        if segment.number != self.position.segment || self.position.offset < HEADER_BYTES as u64 {
            self.position = Position { segment: segment.number, offset: HEADER_BYTES as u64 };
        }
        file.seek(SeekFrom::Start(self.position.offset)).map_err(failed)?;
        self.buffer.clear();
        self.consumed = 0;
        let header = read_header(&segment);
        self.current = Some((segment, file));
        // Records behind a damaged header are read all the same.
        self.sequence = header?.first.saturating_sub(1).max(self.sequence);
        Ok(true)
    }

    /// Leaves a segment that has been read to its end for the next one, if there is one.
    fn leave_segment(&mut self) -> Result<bool, LogError> {
        let number = self.position.segment;
        if number >= self.limit.segment
            || segments(&self.dir)?.last().is_none_or(|last| last.number <= number)
        {
            return Ok(false);
        }
        // It was sealed between reading its end and finding the next one: what was appended meanwhile comes first.
        if self.fill()? > 0 {
            return Ok(true);
        }
        if self.buffer.len() > self.consumed {
            // Its length may be what is damaged: whole records may stand behind it.
            return Err(self.pass_damage("a sealed segment ends inside a record")?.into());
        }
        self.current = None;
        self.position = Position { segment: number + 1, offset: 0 };
        Ok(true)
    }

    /// Names a damaged place and goes behind it: to the next whole record, or to the end of the segment.
    fn pass_damage(&mut self, what: &str) -> Result<Damage, LogError> {
        let damage = self.damage(what);
        while self.fill()? > 0 {}
        let rest = &self.buffer[self.consumed..];
        let length = resync(rest, self.sequence).unwrap_or(rest.len());
        self.skip(length);
        Ok(damage)
    }

    fn damage(&self, what: &str) -> Damage {
        let file = self.current.as_ref().map(|(segment, _)| segment.file()).unwrap_or_default();
        let Position { segment, offset } = self.position;
        Damage { segment, file, offset, what: what.to_owned() }
    }
}

/// Reads once, going on after an interruption.
fn read_some(file: &mut File, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(into) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Reads the header of a segment.
///
/// # Errors
/// The file cannot be read, or has no header.
pub fn read_header(segment: &SegmentName) -> Result<Header, LogError> {
    let failed = |e: io::Error| LogError::io(&segment.path, &e);
    let mut bytes = [0; HEADER_BYTES];
    let mut file = File::open(&segment.path).map_err(failed)?;
    let is_short = match file.read_exact(&mut bytes) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => true,
        done => done.map(|()| false).map_err(failed)?,
    };
    let header = Header::decode(&bytes).filter(|header| !is_short && header.segment == segment.number);
    let damage = || {
        let what = "the segment has no header".to_owned();
        Damage { segment: segment.number, file: segment.file(), offset: 0, what }
    };
    header.ok_or_else(|| damage().into())
}
