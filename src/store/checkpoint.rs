//! How far a run came, so that it can go on after a crash.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// A checkpoint file: written beside the output, replaced atomically, removed at the end.
///
/// `S` is the run's own state; everything else says whether the checkpoint belongs to the run that wants to resume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint<S> {
    /// The inputs in order.
    pub inputs: Vec<InputStamp>,
    /// Version of the bundle that judged.
    pub bundle: String,
    /// The options that change what is written, in a fixed spelling.
    pub options: String,
    /// Committed length of the output.
    pub output_bytes: u64,
    /// Committed length of the rejects file.
    pub rejects_bytes: u64,
    /// Committed length of the score records.
    #[serde(default)]
    pub scores_bytes: u64,
    /// Where the run stood.
    pub state: S,
}

/// What an input looked like when the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputStamp {
    /// Path as given.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Time of the last change.
    pub modified_ms: u64,
}

impl InputStamp {
    /// Reads the stamp of a file.
    ///
    /// # Errors
    /// The file is not there.
    pub fn read(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ms = modified.and_then(|age| u64::try_from(age.as_millis()).ok()).unwrap_or(0);
        Ok(Self { path: path.display().to_string(), bytes: metadata.len(), modified_ms })
    }
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Reading or writing failed.
    #[error("checkpoint {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file is not a checkpoint.
    #[error("checkpoint {path} is damaged: {problem}")]
    Damaged {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// The checkpoint belongs to another run.
    #[error("checkpoint {path} belongs to another run: {what} changed; --restart begins anew")]
    Foreign {
        /// The file.
        path: String,
        /// What differs.
        what: &'static str,
    },
}

impl<S: Serialize + for<'de> Deserialize<'de>> Checkpoint<S> {
    /// The checkpoint's place for an output.
    pub fn path_for(output: &Path) -> PathBuf {
        let mut name = output.as_os_str().to_owned();
        name.push(".checkpoint");
        PathBuf::from(name)
    }

    /// Writes the checkpoint so that after a crash either the old or the new one is there, whole.
    ///
    /// # Errors
    /// The disk is full …
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.display().to_string(), source };
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let json = serde_json::to_vec(self).map_err(|e| io(e.into()))?;
        let mut file = File::create(&temporary).map_err(io)?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&temporary, path).map_err(io)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Not every system can sync a directory; the rename itself has happened.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// Reads a checkpoint; nothing if there is none.
    ///
    /// # Errors
    /// It cannot be read or is damaged.
    pub fn read(path: &Path) -> Result<Option<Self>, CheckpointError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CheckpointError::Io { path: path.display().to_string(), source }),
        };
        let damaged = |e: serde_json::Error| CheckpointError::Damaged {
            path: path.display().to_string(),
            problem: e.to_string(),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    /// Checks that the checkpoint was made by a run over the same inputs, bundle and options.
    ///
    /// # Errors
    /// [`CheckpointError::Foreign`] with what differs.
    pub fn check(
        &self,
        path: &Path,
        inputs: &[InputStamp],
        bundle: &str,
        options: &str,
    ) -> Result<(), CheckpointError> {
        let what = if self.inputs != inputs {
            "an input"
        } else if self.bundle != bundle {
            "the bundle"
        } else if self.options != options {
            "an option"
        } else {
            return Ok(());
        };
        Err(CheckpointError::Foreign { path: path.display().to_string(), what })
    }
}
