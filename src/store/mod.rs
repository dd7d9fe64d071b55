//! Files that outlive a run: bundles on disk, outputs that can be continued, checkpoints and the
//! state behind them, the log of decisions.

mod bundle_dir;
mod checkpoint;
pub mod entry;
pub mod find;
mod identity;
pub mod log;
mod output;
mod snapshot;

pub use bundle_dir::read_bundle_dir;
pub use checkpoint::{Checkpoint, CheckpointError, InputStamp};
pub use identity::FileIdentity;
pub use output::{Compression, Output};
pub use snapshot::{SnapshotError, SnapshotStamp};
