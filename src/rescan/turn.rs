//! One chunk at a time, in order, through the stages that have a state.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pipeline::Inspected;
use super::scores::Stateful;
use crate::engine::{Bundle, ITEMS_AHEAD, correlate};
use crate::store::{SnapshotError, SnapshotStamp};
use crate::telemetry::Clock;

/// Lets workers through in the order of their chunks; whoever is let through owns the shard.
#[derive(Debug)]
pub(super) struct Turnstile {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    next: u64,
    stateful: Stateful,
    is_aborted: bool,
    snapshots: Option<SnapshotPlan>,
}

/// When and where the shard is saved.
#[derive(Debug)]
pub(super) struct SnapshotPlan {
    pub(super) output: PathBuf,
    pub(super) clock: Clock,
    /// Least time between two.
    pub(super) every: Duration,
    /// The last one, and when it was finished and how long it took.
    pub(super) last: Option<SnapshotStamp>,
    pub(super) finished: Duration,
    pub(super) took: Duration,
    /// Whether no checkpoint names the last one yet: until then the one before must stay.
    pub(super) is_pending: Arc<AtomicBool>,
}

/// Saving takes at most one part in so many of the time.
const SAVING_SHARE: u32 = 20;

impl SnapshotPlan {
    fn save_when_due(&mut self, state: &Stateful) -> Result<Option<SnapshotStamp>, SnapshotError> {
        let begun = self.clock.elapsed();
        let pause = if self.every.is_zero() { self.every } else { self.every.max(self.took * SAVING_SHARE) };
        if begun.saturating_sub(self.finished) < pause || self.is_pending.load(Ordering::Acquire) {
            return Ok(None);
        }
        self.save(state).map(Some)
    }

    fn save(&mut self, state: &Stateful) -> Result<SnapshotStamp, SnapshotError> {
        let begun = self.clock.elapsed();
        self.is_pending.store(true, Ordering::Release);
        let stamp = SnapshotStamp::write(&self.output, self.last.as_ref(), |out| state.write_to(out))?;
        self.finished = self.clock.elapsed();
        self.took = self.finished.saturating_sub(begun);
        self.last = Some(stamp.clone());
        Ok(stamp)
    }
}

impl Turnstile {
    /// Chunks are counted from 0. With a plan, some of them carry the state of the shard behind them.
    pub(super) fn new(stateful: Stateful, snapshots: Option<SnapshotPlan>) -> Self {
        Self {
            state: Mutex::new(State { next: 0, stateful, is_aborted: false, snapshots }),
            moved: Condvar::new(),
        }
    }

    /// Waits for the chunks before and correlates this one. Returns false when the run has been given up.
    ///
    /// # Errors
    /// The state could not be saved.
    pub(super) fn correlate(&self, bundle: &Bundle, chunk: &mut Inspected) -> Result<bool, SnapshotError> {
        let mut state = self.lock();
        while state.next != chunk.sequence && !state.is_aborted {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_aborted {
            return Ok(false);
        }
        for items in chunk.items_mut().chunks_mut(ITEMS_AHEAD) {
            let shard = &mut state.stateful.shard;
            shard.announce(items.iter().map(|item| &item.trace));
            for item in items {
                item.correlated = correlate(bundle, shard, &item.trace, item.verdict);
            }
        }
        let State { stateful, snapshots, next, .. } = &mut *state;
        chunk.notices = stateful.observe(bundle, &chunk.events);
        let saved = snapshots.as_mut().map_or(Ok(None), |plan| plan.save_when_due(stateful));
        *next += 1;
        drop(state);
        self.moved.notify_all();
        chunk.snapshot = saved?;
        Ok(true)
    }

    /// Lets everybody go; nothing more is correlated.
    pub(super) fn abort(&self) {
        self.lock().is_aborted = true;
        self.moved.notify_all();
    }

    /// The state after the last chunk; saved, if `saves` and there is a plan.
    pub(super) fn finish(self, saves: bool) -> (Stateful, Result<Option<SnapshotStamp>, SnapshotError>) {
        let State { stateful, snapshots, .. } =
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        // All chunks are through: a checkpoint names the last one, or never will.
        let saved = snapshots.filter(|_| saves).map(|mut plan| plan.save(&stateful)).transpose();
        (stateful, saved)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
