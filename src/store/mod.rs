//! Files that outlive a run: bundles on disk, outputs that can be continued, checkpoints.

mod bundle_dir;
mod checkpoint;
mod identity;
mod output;

pub use bundle_dir::read_bundle_dir;
pub use checkpoint::{Checkpoint, CheckpointError, InputStamp};
pub use identity::FileIdentity;
pub use output::{Compression, Output};
