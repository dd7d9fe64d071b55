//! One chunk at a time, in order, through the stages that have a state.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::{Bundle, Shard, correlate};

use super::pipeline::Inspected;
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
    shard: Shard,
    is_aborted: bool,
    snapshots: Option<SnapshotPlan>,
}

/// When the shard is saved.
#[derive(Debug)]
pub(super) struct SnapshotPlan {
    pub(super) clock: Clock,
    /// Least time between two.
    pub(super) every: Duration,
    /// When the last one was finished.
    pub(super) last: Duration,
    /// How long it took.
    pub(super) took: Duration,
}

/// Saving takes at most one part in so many of the time.
const SAVING_SHARE: u32 = 20;

impl SnapshotPlan {
    fn save_when_due(&mut self, shard: &Shard) -> Option<Vec<u8>> {
        let begun = self.clock.elapsed();
        let pause = if self.every.is_zero() { self.every } else { self.every.max(self.took * SAVING_SHARE) };
        if begun.saturating_sub(self.last) < pause {
            return None;
        }
        let state = shard.save();
        self.last = self.clock.elapsed();
        self.took = self.last.saturating_sub(begun);
        Some(state)
    }
}

impl Turnstile {
    /// Chunks are counted from 0. With a plan, some of them carry the state of the shard behind them.
    pub(super) fn new(shard: Shard, snapshots: Option<SnapshotPlan>) -> Self {
        Self {
            state: Mutex::new(State { next: 0, shard, is_aborted: false, snapshots }),
            moved: Condvar::new(),
        }
    }

    /// Waits for the chunks before and correlates this one: an outcome per item that does not stand alone. Returns
    /// false when the run has failed.
    pub(super) fn correlate(&self, bundle: &Bundle, chunk: &mut Inspected) -> bool {
        let mut state = self.lock();
        while state.next != chunk.sequence && !state.is_aborted {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_aborted {
            return false;
        }
        for item in &mut chunk.items {
            item.outcomes = correlate(bundle, &mut state.shard, &item.trace, item.decision.verdict);
        }
        let State { shard, snapshots, next, .. } = &mut *state;
        chunk.snapshot = snapshots.as_mut().and_then(|plan| plan.save_when_due(shard));
        *next += 1;
        drop(state);
        self.moved.notify_all();
        true
    }

    /// Lets everybody go; nothing more is correlated.
    pub(super) fn abort(&self) {
        self.lock().is_aborted = true;
        self.moved.notify_all();
    }

    /// The shard after the last chunk.
    pub(super) fn into_shard(self) -> Shard {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).shard
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
