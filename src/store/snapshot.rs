//! State that is too large for a checkpoint: a file of its own, which the checkpoint names.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a checkpoint says of its snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotStamp {
    /// Which of the two files holds it: they are written in turn, so that the one that the checkpoint names stays whole.
    slot: u8,
    bytes: u64,
    crc32: u32,
}

/// A file that counts and sums what is written.
#[derive(Debug)]
pub struct Summed {
    file: BufWriter<File>,
    bytes: u64,
    sum: crc32fast::Hasher,
}

const WRITE_BYTES: usize = 1 << 20;

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What stands at the end of a snapshot: the checksum of everything before it, so that the file says by itself whether it is whole.
const SUM_BYTES: usize = 4;

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Reading or writing failed.
    #[error("snapshot {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is not the one that the checkpoint names.
    #[error("snapshot {path} is damaged; --restart begins anew")]
    Damaged {
        /// The file.
        path: String,
    },
    /// It is not whole.
    #[error("snapshot {path} is damaged or is being written; the run keeps a second one beside it")]
    Incomplete {
        /// The file.
        path: String,
    },
}

impl SnapshotStamp {
    /// Writes a snapshot beside `output`, into the file that `last` does not name, and forces it to the disk.
    ///
    /// # Errors
    /// The disk is full …
    pub fn write(
        output: &Path,
        last: Option<&Self>,
        state: impl FnOnce(&mut Summed) -> io::Result<()>,
    ) -> Result<Self, SnapshotError> {
        let slot = last.map_or(0, |last| 1 - last.slot.min(1));
        let path = path_of(output, slot);
        let written = || -> io::Result<Self> {
            let file = BufWriter::with_capacity(WRITE_BYTES, File::create(&path)?);
            let mut out = Summed { file, bytes: 0, sum: crc32fast::Hasher::new() };
            state(&mut out)?;
            let state = out.sum.clone().finalize();
            out.write_all(&state.to_le_bytes())?;
            let Summed { file, bytes, sum } = out;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            Ok(Self { slot, bytes, crc32: sum.finalize() })
        };
        written().map_err(|source| SnapshotError::Io { path: path.display().to_string(), source })
    }

    /// Reads the snapshot that the stamp names.
    ///
    /// # Errors
    /// It is not there, or not the one that was written.
    pub fn read(&self, output: &Path) -> Result<Vec<u8>, SnapshotError> {
        let path = path_of(output, self.slot);
        let mut state = fs::read(&path)
            .map_err(|source| SnapshotError::Io { path: path.display().to_string(), source })?;
        if state.len() as u64 != self.bytes || crc32fast::hash(&state) != self.crc32 {
            return Err(SnapshotError::Damaged { path: path.display().to_string() });
        }
        state.truncate(state.len().saturating_sub(SUM_BYTES));
        Ok(state)
    }

    /// Reads a snapshot by its own name, whether a checkpoint names it or not.
    ///
    /// # Errors
    /// It cannot be read, or is not whole: damaged, or being written at this moment.
    pub fn read_file(path: &Path) -> Result<Vec<u8>, SnapshotError> {
        let name = || path.display().to_string();
        let mut state = fs::read(path).map_err(|source| SnapshotError::Io { path: name(), source })?;
        let is_whole = state
            .split_last_chunk::<SUM_BYTES>()
            .is_some_and(|(state, sum)| crc32fast::hash(state) == u32::from_le_bytes(*sum));
        if !is_whole {
            return Err(SnapshotError::Incomplete { path: name() });
        }
        state.truncate(state.len().saturating_sub(SUM_BYTES));
        Ok(state)
    }

    /// Removes the snapshots beside an output, if there are any.
    ///
    /// # Errors
    /// A file is there and cannot be removed.
    pub fn forget(output: &Path) -> Result<(), SnapshotError> {
        for slot in 0..2 {
            let path = path_of(output, slot);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(SnapshotError::Io { path: path.display().to_string(), source });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

fn path_of(output: &Path, slot: u8) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(if slot == 0 { ".window-a" } else { ".window-b" });
    PathBuf::from(name)
}
