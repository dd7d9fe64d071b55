//! The bundle directory, looked at every few seconds: once it has changed and come to rest, it is taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::changes::BundleChange;
use super::service::Service;

/// Deepest folder of a bundle that is watched.
const DEPTH_MAX: usize = 8;

/// What a directory looked like: its files with length and time.
pub(super) type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl Service {
    /// Looks whether the directory has changed and come to rest since the last look, and takes it then.
    pub(super) fn watch_bundle(&self) {
        let Some(dir) = self.options().bundle_dir.as_deref() else { return };
        if !self.options().bundles.is_watched {
            return;
        }
        let found = stamp(dir);
        {
            let mut state = self.reloader().lock();
            let is_at_rest = state.seen == found;
            if found == state.taken || !is_at_rest {
                state.seen = found;
                return;
            }
        }
        let author = "watch".to_owned();
        let reason = "the directory has changed".to_owned();
        // A refusal is in the state, the log and the metrics.
        let _ = self.reload(BundleChange { author, reason, ..BundleChange::default() });
    }
}

/// What a directory looks like now. What cannot be read is left out; reading the bundle will tell.
pub(super) fn stamp(dir: &Path) -> Stamp {
    let mut stamp = Vec::new();
    walk(dir, DEPTH_MAX, &mut stamp);
    stamp.sort();
    stamp
}

fn walk(dir: &Path, depth: usize, stamp: &mut Stamp) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        // Follows links: a directory of a bundle may be replaced by moving one.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, stamp);
            }
        } else {
            stamp.push((path, metadata.len(), metadata.modified().ok()));
        }
    }
}
