//! The window over a restart: saved when the service stops in order, taken up at the next start.

use std::io;
use std::path::Path;

use crate::emit::Cursor;
use crate::engine::Shard;
use crate::store::{SnapshotError, SnapshotStamp};

/// Why a saved window is not taken up. The service begins with an empty one then.
#[derive(Debug, thiserror::Error)]
pub(super) enum WindowError {
    #[error("{0}")]
    Snapshot(#[from] SnapshotError),
    #[error("the window's stamp: {0}")]
    Stamp(#[from] io::Error),
    #[error("{0}")]
    Shard(#[from] crate::engine::ShardError),
}

/// Names of the stamp and of the snapshot below the data directory.
const STAMP: &str = "window";

/// Saves the window below a data directory. After a crash the one before is there.
///
/// Takes as long as writing it: some 300 bytes and three per character for each post.
pub(super) fn save(data_dir: &Path, shard: &Shard) -> Result<(), WindowError> {
    let stamp = Cursor::new(data_dir, STAMP);
    // A stamp that cannot be read is replaced.
    let last: Option<SnapshotStamp> = stamp.read().unwrap_or_default();
    let new = SnapshotStamp::write(&data_dir.join(STAMP), last.as_ref(), |out| shard.write_to(out))?;
    Ok(stamp.write(&new)?)
}

/// The window that was saved last; nothing if there is none.
pub(super) fn load(data_dir: &Path) -> Result<Option<Shard>, WindowError> {
    let Some(stamp) = Cursor::new(data_dir, STAMP).read::<SnapshotStamp>()? else { return Ok(None) };
    Ok(Some(Shard::load(&stamp.read(&data_dir.join(STAMP))?)?))
}
