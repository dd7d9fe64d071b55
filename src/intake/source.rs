//! All inputs of a run, one after the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::chunk::{Chunk, Position};
use super::csv::CsvRows;
use super::jsonl::JsonLines;
use super::parquet::ParquetRows;

/// Why an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Opening or reading failed; everything before the failure was delivered.
    #[error("{path}: {source}")]
    Io {
        /// The input.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A pattern that is malformed or matches nothing.
    #[error("{pattern}: {problem}")]
    Pattern {
        /// As given.
        pattern: String,
        /// Why.
        problem: String,
    },
}

/// Turns paths and patterns into a list of inputs; `-` is standard input. Matches of a pattern come sorted.
///
/// # Errors
/// A path that does not exist, a directory, a pattern without match.
pub fn expand_inputs(patterns: &[String]) -> Result<Vec<PathBuf>, IntakeError> {
    let mut inputs = Vec::new();
    for pattern in patterns {
        let problem = |problem: String| IntakeError::Pattern { pattern: pattern.clone(), problem };
        let path = PathBuf::from(pattern);
        if pattern == "-" || path.is_file() {
            inputs.push(path);
            continue;
        }
        if path.is_dir() {
            return Err(problem(
                "is a directory; name files or use a pattern such as DIR/*.jsonl".to_owned(),
            ));
        }
        if path.exists() {
            inputs.push(path);
            continue;
        }
        if !pattern.contains(['*', '?', '[']) {
            return Err(problem("no such file".to_owned()));
        }
        let before = inputs.len();
        let matches = glob::glob(pattern).map_err(|e| problem(e.to_string()))?;
        inputs.extend(matches.filter_map(Result::ok).filter(|path| path.is_file()));
        if inputs.len() == before {
            return Err(problem("no file matches".to_owned()));
        }
    }
    Ok(inputs)
}

/// Reads the inputs in order, chunk by chunk.
pub struct Intake {
    inputs: Vec<PathBuf>,
    reader: Option<Format>,
    position: Position,
    sequence: u64,
    read: Arc<AtomicU64>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake")
            .field("inputs", &self.inputs)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

enum Format {
    Json(JsonLines),
    Csv(Box<CsvRows>),
    Parquet(Box<ParquetRows>),
}

impl Intake {
    /// Reads `inputs` from `position` on.
    pub fn new(inputs: Vec<PathBuf>, position: Position) -> Self {
        Self { inputs, reader: None, position, sequence: 0, read: Arc::default() }
    }

    /// Bytes of the files read so far, compressed as they are; shared, for a progress bar.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// The next chunk over all inputs; nothing at the end.
    ///
    /// # Errors
    /// An input that cannot be opened or read. Nothing is read after that.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, IntakeError> {
        let chunk = self.read_chunk();
        if chunk.is_err() {
            // The worker that asks next must not go on with the next input.
            self.reader = None;
            self.position.input = self.inputs.len();
        }
        chunk
    }

    fn read_chunk(&mut self) -> Result<Option<Chunk>, IntakeError> {
        while let Some(path) = self.inputs.get(self.position.input).cloned() {
            let failed = |source| IntakeError::Io {
                path: path.display().to_string(),
                source: explained(&path, source),
            };
            if self.reader.is_none() {
                self.reader = Some(self.open(&path).map_err(failed)?);
            }
            let chunk = match &mut self.reader {
                Some(Format::Json(lines)) => lines.next(),
                Some(Format::Csv(rows)) => rows.next(),
                Some(Format::Parquet(rows)) => rows.next(),
                None => Ok(None),
            };
            if let Some(mut chunk) = chunk.map_err(failed)? {
                chunk.sequence = self.sequence;
                self.sequence += 1;
                self.position = chunk.end;
                return Ok(Some(chunk));
            }
            self.reader = None;
            self.position = Position { input: self.position.input + 1, offset: 0, lines: 0 };
        }
        Ok(None)
    }

    fn open(&self, path: &Path) -> io::Result<Format> {
        let (name, position) = (path.display().to_string(), self.position);
        let stem = name.strip_suffix(".zst").or(name.strip_suffix(".gz")).unwrap_or(&name);
        let extension =
            Path::new(stem).extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        if extension == "parquet" {
            return ParquetRows::open(path, name, position).map(|rows| Format::Parquet(Box::new(rows)));
        }
        let mut reader = self.bytes(path)?;
        refuse_utf16(reader.fill_buf()?)?;
        if extension == "csv" {
            return CsvRows::open(reader, name, position).map(|rows| Format::Csv(Box::new(rows)));
        }
        JsonLines::open(reader, name, position).map(Format::Json)
    }

    /// The decompressed bytes of a file.
    fn bytes(&self, path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
        if path == Path::new("-") {
            return Ok(Box::new(BufReader::with_capacity(1 << 16, io::stdin())));
        }
        let counted = Counted { inner: File::open(path)?, read: Arc::clone(&self.read) };
        let file = BufReader::with_capacity(1 << 16, counted);
        Ok(match path.extension().and_then(|e| e.to_str()) {
            Some("zst") => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Box::new(BufReader::with_capacity(1 << 17, decoder))
            }
            Some("gz") => Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(file))),
            _ => Box::new(file),
        })
    }
}

/// What spreadsheets save as "Unicode text" would be one line that is no JSON. No UTF-8 begins so.
fn refuse_utf16(beginning: &[u8]) -> io::Result<()> {
    if beginning.starts_with(b"\xFF\xFE") || beginning.starts_with(b"\xFE\xFF") {
        let problem = "the text is UTF-16; convert it to UTF-8, for example with iconv";
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(())
}

/// Says of a fault in compressed data what it means: decoders only name what they missed.
fn explained(path: &Path, error: io::Error) -> io::Error {
    let is_compressed = path.extension().is_some_and(|e| e == "zst" || e == "gz");
    if !is_compressed || error.raw_os_error().is_some() {
        return error;
    }
    io::Error::new(error.kind(), format!("the compressed data is cut off or damaged ({error})"))
}

/// Largest back-reference window of a `.zst` input, as a power of two: 128 MiB.
const WINDOW_LOG_MAX: u32 = 27;

struct Counted {
    inner: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}
