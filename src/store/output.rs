//! A file that is written in order, compressed by its name, and can be cut back to what was committed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Zstandard, `.zst`.
    Zstd,
    /// Gzip, `.gz`.
    Gzip,
}

impl Compression {
    /// By the file's name.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|e| e.to_str()) {
            Some("zst") => Self::Zstd,
            Some("gz") => Self::Gzip,
            _ => Self::None,
        }
    }
}

/// One compressed frame, or plain bytes.
enum Frame {
    Plain,
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

/// Level that costs less than judging does.
const ZSTD_LEVEL: i32 = 3;
/// A frame is finished and written once it holds this many compressed bytes.
const FRAME_BYTES: usize = 1 << 20;

/// An output: a file, or standard output.
pub struct Output {
    sink: BufWriter<Sink>,
    path: Option<PathBuf>,
    compression: Compression,
    frame: Frame,
    /// Bytes handed to the sink.
    bytes: u64,
}

enum Sink {
    File(File),
    Stdout(io::Stdout),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}

impl Output {
    /// Standard output, uncompressed.
    pub fn stdout() -> Self {
        Self {
            sink: BufWriter::new(Sink::Stdout(io::stdout())),
            path: None,
            compression: Compression::None,
            frame: Frame::Plain,
            bytes: 0,
        }
    }

    /// Opens a file without touching its contents and locks it against a second run.
    ///
    /// # Errors
    /// It cannot be opened for writing, or another run holds it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        // A device or a file system without locks refuses in other ways, and is not locked.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "another run is writing this file"));
        }
        let compression = Compression::of(path);
        let mut output = Self {
            sink: BufWriter::with_capacity(1 << 18, Sink::File(file)),
            path: Some(path.to_owned()),
            compression,
            frame: Frame::Plain,
            bytes: 0,
        };
        output.frame = output.new_frame()?;
        Ok(output)
    }

    /// Whether this is a regular file, which can be cut back and continued.
    pub fn is_regular(&self) -> bool {
        self.path.as_deref().is_some_and(|path| path.metadata().is_ok_and(|m| m.is_file()))
    }

    /// Cuts the file back to `bytes` and goes on from there.
    ///
    /// # Errors
    /// The file is shorter than that, or the system refuses.
    pub fn restart_at(&mut self, bytes: u64) -> io::Result<()> {
        if !self.is_regular() {
            return Ok(());
        }
        let Sink::File(file) = self.sink.get_mut() else { return Ok(()) };
        let found = file.metadata()?.len();
        if found < bytes {
            let message = format!("has {found} bytes, but its checkpoint counts {bytes}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        file.set_len(bytes)?;
        file.seek(SeekFrom::Start(bytes))?;
        self.bytes = bytes;
        Ok(())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// The disk is full, the reader went away …
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.frame {
            Frame::Plain => {
                self.sink.write_all(bytes)?;
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Frame::Zstd(encoder) => {
                encoder.write_all(bytes)?;
                if encoder.get_ref().len() >= FRAME_BYTES { self.finish_frame() } else { Ok(()) }
            }
            Frame::Gzip(encoder) => {
                encoder.write_all(bytes)?;
                if encoder.get_ref().len() >= FRAME_BYTES { self.finish_frame() } else { Ok(()) }
            }
        }
    }

    /// Brings everything written so far to the disk and returns the file's length. Compressed files get a frame
    /// border here, so that the file can be cut at this place.
    ///
    /// # Errors
    /// The disk is full …
    pub fn commit(&mut self) -> io::Result<u64> {
        self.finish_frame()?;
        self.sink.flush()?;
        if self.is_regular()
            && let Sink::File(file) = self.sink.get_ref()
        {
            file.sync_data()?;
        }
        Ok(self.bytes)
    }

    /// Writes what is left, without waiting for the disk.
    ///
    /// # Errors
    /// The disk is full …
    pub fn finish(&mut self) -> io::Result<()> {
        self.finish_frame()?;
        self.sink.flush()
    }

    fn new_frame(&self) -> io::Result<Frame> {
        Ok(match self.compression {
            Compression::None => Frame::Plain,
            Compression::Zstd => {
                Frame::Zstd(Box::new(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?))
            }
            Compression::Gzip => {
                Frame::Gzip(Box::new(GzEncoder::new(Vec::new(), flate2::Compression::default())))
            }
        })
    }

    fn finish_frame(&mut self) -> io::Result<()> {
        let next = self.new_frame()?;
        let bytes = match std::mem::replace(&mut self.frame, next) {
            Frame::Plain => return Ok(()),
            Frame::Zstd(encoder) => encoder.finish()?,
            Frame::Gzip(encoder) => encoder.finish()?,
        };
        self.sink.write_all(&bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
