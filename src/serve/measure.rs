//! What changes slowly, and is measured every few seconds.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::service::Service;
use crate::store::log::segments;

/// Rounds after which the files of the log are counted again, and it is noted which appeals wait.
const LOG_ROUNDS: u32 = 8;

/// What was seen at the last look.
#[derive(Debug, Default)]
pub(super) struct Measured {
    rounds: AtomicU32,
    was_log_failing: AtomicBool,
}

impl Service {
    /// Bounds the memory of histograms, measures what changes slowly, and tells when the log begins or ceases to fail. Reads a
    /// directory now and then.
    pub(super) fn keep_up_metrics(&self) {
        self.metrics().upkeep();
        let measured = self.measured();
        if measured.rounds.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOG_ROUNDS) {
            let segments = segments(&self.options().log.dir).unwrap_or_default();
            let bytes = segments.iter().filter_map(|segment| std::fs::metadata(&segment.path).ok());
            self.metrics().log(segments.len(), bytes.map(|metadata| metadata.len()).sum());
            self.note_docket();
        }
        let is_failing = self.log().is_failing();
        match (measured.was_log_failing.swap(is_failing, Ordering::Relaxed), is_failing) {
            (false, true) => tracing::error!("decisions cannot be put on the disk: checks are refused"),
            (true, false) => tracing::warn!("decisions can be put on the disk again"),
            (true, true) | (false, false) => {}
        }
    }
}
