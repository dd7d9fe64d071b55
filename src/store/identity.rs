//! Whether two paths mean one file.

use std::path::{Path, PathBuf};

/// What makes a file itself, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileIdentity {
    /// Device and number of an existing file: hard links are the same file.
    Number(u64, u64),
    /// The place of a file that does not exist yet.
    Place(PathBuf),
}

impl FileIdentity {
    /// The identity of a file or of the place where it would be made; nothing for standard input and output, and for
    /// devices and pipes.
    pub fn of(path: &Path) -> Option<Self> {
        if path == Path::new("-") {
            return None;
        }
        match path.metadata() {
            Ok(metadata) if metadata.is_file() => Some(Self::existing(path, &metadata)),
            Ok(_) => None,
            Err(_) => {
                let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                Some(Self::Place(folder.canonicalize().ok()?.join(path.file_name()?)))
            }
        }
    }

    #[cfg(unix)]
    fn existing(_: &Path, metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self::Number(metadata.dev(), metadata.ino())
    }

    #[cfg(not(unix))]
    fn existing(path: &Path, _: &std::fs::Metadata) -> Self {
        Self::Place(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }
}
