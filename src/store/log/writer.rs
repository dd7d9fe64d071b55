//! The one writer: records → a batch → the last segment.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::layout::{Position, SegmentName, sync_dir};
use super::record::{Digest, HEADER_BYTES, Header, RECORD_BYTES_MAX, SALT_BYTES, encode_into};
use super::retention::{self, RETAIN_DAYS_MIN};
use super::{LogError, Stored};

/// Where a log lies and when it begins a new segment.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The directory; it is made when it is not there.
    pub dir: PathBuf,
    /// A segment that has reached this size is sealed.
    pub segment_bytes_max: u64,
    /// A segment of this age is sealed, in milliseconds.
    pub segment_ms_max: i64,
    /// Sealed segments are removed after so many days; less than [`RETAIN_DAYS_MIN`] counts as that.
    pub retain_days: u32,
    /// Records that may wait for the disk.
    pub queue_records_max: usize,
}

impl LogOptions {
    /// Segments of 64 MiB or a day, kept for as long as must be.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            segment_bytes_max: 64 << 20,
            segment_ms_max: 24 * 60 * 60 * 1000,
            retain_days: RETAIN_DAYS_MIN,
            queue_records_max: 1 << 16,
        }
    }
}

/// What the writer needs of a file; tests put one in between that fails.
pub trait SegmentFile: Send {
    /// Appends all of the bytes.
    ///
    /// # Errors
    /// The disk is full …; part of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything is on the disk.
    ///
    /// # Errors
    /// It may not be.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to a length and goes on from there.
    ///
    /// # Errors
    /// The system refuses.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

/// Opens a file for appending, making it if it is not there.
pub type OpenSegment = Box<dyn FnMut(&Path) -> io::Result<Box<dyn SegmentFile>> + Send>;

/// A file of the system.
#[derive(Debug)]
pub struct DiskFile(File);

impl DiskFile {
    /// Opens or makes a file.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open(path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Box::new(Self(file)))
    }
}

impl SegmentFile for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)?;
        self.0.seek(SeekFrom::Start(bytes)).map(|_| ())
    }
}

/// The end of a log: where the next record goes and what it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) position: Position,
    /// Sequence of the last record; 0 before the first.
    pub(super) sequence: u64,
    pub(super) link: Digest,
    /// When the last segment was begun.
    pub(super) begun_ms: i64,
}

/// Appends batches of records. What [`Self::commit`] has returned for is on the disk; everything else may be gone.
pub(super) struct Writer {
    options: LogOptions,
    open: OpenSegment,
    /// The last segment; none before the first record, or when its end has to be found again after a failure.
    file: Option<Box<dyn SegmentFile>>,
    path: PathBuf,
    /// The end of what is on the disk.
    durable: End,
    /// The end with the batch.
    staged: End,
    batch: Vec<u8>,
    /// Whether the next batch goes into a new segment whatever the size of the last.
    must_rotate: bool,
    /// Segments that the record in this batch says will be removed.
    expired: Vec<SegmentName>,
}

impl Writer {
    /// A writer that goes on at `end`, in the file at `path`; without a path it begins a new segment.
    pub(super) fn new(options: LogOptions, open: OpenSegment, end: End, path: Option<PathBuf>) -> Self {
        let must_rotate = path.is_none();
        let path = path.unwrap_or_default();
        let (batch, expired) = (Vec::new(), Vec::new());
        Self { options, open, file: None, path, durable: end, staged: end, batch, must_rotate, expired }
    }

    /// The end of what is on the disk.
    pub(super) fn durable(&self) -> Position {
        self.durable.position
    }

    /// Makes ready for a batch: mends what a failure left and begins a new segment when it is time.
    ///
    /// # Errors
    /// The disk is full …; nothing is staged.
    pub(super) fn begin(&mut self, now_ms: i64) -> Result<(), LogError> {
        self.batch.clear();
        self.expired.clear();
        let End { position, begun_ms, .. } = self.durable;
        let is_old = now_ms.saturating_sub(begun_ms) >= self.options.segment_ms_max
            && position.offset > HEADER_BYTES as u64;
        if self.must_rotate || is_old || position.offset >= self.options.segment_bytes_max {
            self.rotate(now_ms)?;
        } else if self.file.is_none() {
            self.file = Some(self.reopen().map_err(|e| LogError::io(&self.path, &e))?);
        }
        self.staged = self.durable;
        if let Some((expired, note)) = retention::due(&self.options, now_ms, position.segment) {
            self.stage(now_ms, (&note, None))?;
            self.expired = expired;
        }
        Ok(())
    }

    /// Opens the last segment and cuts off what was not committed.
    fn reopen(&mut self) -> io::Result<Box<dyn SegmentFile>> {
        let mut file = (self.open)(&self.path)?;
        file.cut(self.durable.position.offset)?;
        file.sync()?;
        Ok(file)
    }

    fn rotate(&mut self, now_ms: i64) -> Result<(), LogError> {
        let End { position, sequence, link, .. } = self.durable;
        let header = Header { segment: position.segment + 1, first: sequence + 1, time_ms: now_ms, link };
        let name = SegmentName::new(&self.options.dir, header.segment, now_ms);
        let mut create = || -> io::Result<Box<dyn SegmentFile>> {
            let mut file = (self.open)(&name.path)?;
            // A failed attempt may have left a part of the header.
            file.cut(0)?;
            file.append(&header.encode())?;
            file.sync()?;
            Ok(file)
        };
        match create() {
            Ok(file) => self.file = Some(file),
            Err(e) => {
                // The next attempt has another time in its name: no file of this one must stay.
                let _ = std::fs::remove_file(&name.path);
                return Err(LogError::io(&name.path, &e));
            }
        }
        sync_dir(&self.options.dir);
        self.path = name.path;
        self.must_rotate = false;
        self.durable.position = Position { segment: header.segment, offset: HEADER_BYTES as u64 };
        self.durable.begun_ms = now_ms;
        Ok(())
    }

    /// Adds a record to the batch. The private part gets its random bytes here.
    ///
    /// # Errors
    /// The record is too large, or the system has no random bytes.
    pub(super) fn stage(
        &mut self,
        now_ms: i64,
        (public, private): (&[u8], Option<&[u8]>),
    ) -> Result<Stored, LogError> {
        const OVERHEAD_BYTES: usize = 256;
        let bytes = public.len() + private.map_or(0, <[u8]>::len);
        if bytes + OVERHEAD_BYTES > RECORD_BYTES_MAX {
            return Err(LogError::TooLarge(bytes));
        }
        let private = private.map(salted).transpose()?;
        let before = self.batch.len();
        let position = self.staged.position;
        self.staged.sequence += 1;
        let sequence = self.staged.sequence;
        self.staged.link =
            encode_into(&self.staged.link, (sequence, now_ms), (public, private.as_deref()), &mut self.batch);
        self.staged.position.offset += (self.batch.len() - before) as u64;
        Ok(Stored { position, sequence, time_ms: now_ms })
    }

    /// Bytes of the batch.
    pub(super) fn batch_bytes(&self) -> usize {
        self.batch.len()
    }

    /// Brings the batch to the disk. After an error nothing of it counts, and the next [`Self::begin`] cuts off what
    /// may have been written.
    ///
    /// # Errors
    /// The disk is full …
    pub(super) fn commit(&mut self) -> Result<(), LogError> {
        let Some(file) = &mut self.file else { return Err(LogError::Closed) };
        if let Err(e) = file.append(&self.batch).and_then(|()| file.sync()) {
            // What a failed sync has left is unknown. The file is opened anew and cut before anything else is written.
            self.file = None;
            self.staged = self.durable;
            self.batch.clear();
            return Err(LogError::io(&self.path, &e));
        }
        self.durable = self.staged;
        self.batch.clear();
        retention::remove(&self.options.dir, std::mem::take(&mut self.expired));
        Ok(())
    }
}

/// A private part behind random bytes.
fn salted(private: &[u8]) -> Result<Vec<u8>, LogError> {
    let mut salted = vec![0; SALT_BYTES];
    salted.reserve_exact(private.len());
    getrandom::fill(&mut salted)
        .map_err(|e| LogError::Io { path: "random bytes".to_owned(), problem: e.to_string() })?;
    salted.extend_from_slice(private);
    Ok(salted)
}
