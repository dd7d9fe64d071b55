//! Judged chunks in any order → files in input order, with checkpoints.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::diff::{ByItem, OldDecisions};
use super::pipeline::Judged;
use super::run::{RescanError, forget_checkpoint};
use super::tally::Tally;
use crate::intake::Position;
use crate::store::{Checkpoint, InputStamp, Output, SnapshotStamp};

/// Chunks that may wait for an earlier one, beyond one per worker.
const WAITING_CHUNKS_MAX: usize = 16;

/// The run's own part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct RunState {
    pub(super) position: Position,
    pub(super) tally: Tally,
    /// The windows and clusters at this position.
    pub(super) snapshot: Option<SnapshotStamp>,
}

/// Where checkpoints go, and what they say of the run.
#[derive(Debug)]
pub(super) struct CheckpointTarget {
    pub(super) path: PathBuf,
    pub(super) inputs: Vec<InputStamp>,
    pub(super) bundle: String,
    pub(super) options: String,
    /// The output that the snapshots stand beside.
    pub(super) output: PathBuf,
    /// Whether a snapshot waits to be named by a checkpoint.
    pub(super) is_pending: Arc<AtomicBool>,
}

/// The files of a run.
#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) decisions: Option<Output>,
    pub(super) rejects: Option<Output>,
    pub(super) changes: Option<Output>,
    pub(super) scores: Option<Output>,
}

/// Puts judged chunks back into order. Workers wait here when they run too far ahead, so that memory stays flat.
#[derive(Debug)]
pub(super) struct OrderedSink {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Judged>,
    outputs: Outputs,
    checkpoint: Option<CheckpointTarget>,
    done: RunState,
    /// The last of the decisions that stand beside that on an item, where an older run is compared with.
    follow_ups: ByItem,
    /// An output failed; nothing more is written.
    failure: Option<RescanError>,
    inputs_failure: Option<RescanError>,
}

impl OrderedSink {
    pub(super) fn new(outputs: Outputs, checkpoint: Option<CheckpointTarget>, start: RunState) -> Self {
        let state = State {
            next: 0,
            waiting: BTreeMap::new(),
            outputs,
            checkpoint,
            done: start,
            follow_ups: ByItem::new(),
            failure: None,
            inputs_failure: None,
        };
        Self { state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Hands a chunk over; writes it and whatever it was holding up. Returns false when the run has failed.
    pub(super) fn push(&self, judged: Judged) -> bool {
        let mut state = self.lock();
        // The worker that holds the next chunk never waits, so the others always go on.
        while state.failure.is_none()
            && judged.sequence != state.next
            && state.waiting.len() >= WAITING_CHUNKS_MAX
        {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.failure.is_none() {
            state.waiting.insert(judged.sequence, judged);
            if let Err(failure) = state.write_ready() {
                state.failure = Some(failure);
            }
        }
        self.moved.notify_all();
        state.failure.is_none()
    }

    /// Ends the run at once; what waits is not written.
    pub(super) fn abort(&self, failure: RescanError) {
        self.lock().failure.get_or_insert(failure);
        self.moved.notify_all();
    }

    /// Notes that the inputs failed. Every chunk that was read before is still written.
    pub(super) fn inputs_failed(&self, failure: RescanError) {
        self.lock().inputs_failure.get_or_insert(failure);
    }

    /// Writes what comes after the last chunk, unless the run has failed.
    pub(super) fn append(&self, judged: &Judged) {
        let mut state = self.lock();
        if state.failure.is_none() && state.inputs_failure.is_none() {
            state.done.tally.add(&judged.tally);
            state.failure = state.outputs.write(judged).err();
        }
    }

    /// Writes how the decisions that stand beside others differ from those of an older run. `is_part` where this run began at a checkpoint.
    pub(super) fn append_changes(&self, old: &OldDecisions, is_part: bool) {
        let changes = old.changes_of_follow_ups(&self.lock().follow_ups, is_part);
        let tally = Tally { changed: changes.len() as u64, ..Tally::default() };
        self.append(&Judged { changes: changes.concat().into_bytes(), tally, ..Judged::default() });
    }

    /// Whether the inputs failed and everything before was written: then a last checkpoint is wanted.
    pub(super) fn wants_checkpoint(&self) -> bool {
        let state = self.lock();
        state.inputs_failure.is_some() && state.failure.is_none()
    }

    /// Items and rejected lines so far, for a progress bar.
    pub(super) fn progress(&self) -> (u64, u64) {
        let state = self.lock();
        (state.done.tally.items, state.done.tally.rejected)
    }

    /// Brings everything to the disk. After a success the checkpoint is removed; after a failure it says how far
    /// the run came. `snapshot` is the state behind the last chunk.
    pub(super) fn finish(self, snapshot: Option<SnapshotStamp>) -> Result<Tally, RescanError> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = state.failure.take() {
            // One output may hold what another lost: only the last checkpoint knows where they agree.
            let _ = state.outputs.finish();
            return Err(failure);
        }
        if let Some(failure) = state.inputs_failure.take() {
            // The first failure is the one to report, whatever these two say.
            if let Some(snapshot) = snapshot {
                let _ = state.write_checkpoint(snapshot);
            }
            let _ = state.outputs.finish();
            return Err(failure);
        }
        state.outputs.commit()?;
        if let Some(target) = &state.checkpoint {
            forget_checkpoint(&target.path, &target.output)?;
        }
        Ok(state.done.tally)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write_ready(&mut self) -> Result<(), RescanError> {
        while let Some(judged) = self.waiting.remove(&self.next) {
            self.outputs.write(&judged)?;
            self.follow_ups.extend(judged.follow_ups);
            self.next += 1;
            self.done.tally.add(&judged.tally);
            self.done.position = judged.end;
            if let Some(snapshot) = judged.snapshot {
                self.write_checkpoint(snapshot)?;
            }
        }
        Ok(())
    }

    /// Brings the outputs to the disk, and then says so, and where the state of the shard at this position is.
    fn write_checkpoint(&mut self, snapshot: SnapshotStamp) -> Result<(), RescanError> {
        let Some(target) = &self.checkpoint else { return Ok(()) };
        let committed = self.outputs.commit()?;
        self.done.snapshot = Some(snapshot);
        let checkpoint = Checkpoint {
            inputs: target.inputs.clone(),
            bundle: target.bundle.clone(),
            options: target.options.clone(),
            output_bytes: committed.decisions,
            rejects_bytes: committed.rejects,
            scores_bytes: committed.scores,
            state: self.done.clone(),
        };
        checkpoint.write(&target.path)?;
        target.is_pending.store(false, Ordering::Release);
        Ok(())
    }
}

/// Bytes of the files that a run can be resumed with.
struct Committed {
    decisions: u64,
    rejects: u64,
    scores: u64,
}

impl Outputs {
    fn each(&mut self) -> [(&'static str, &mut Option<Output>); 4] {
        [
            ("--out", &mut self.decisions),
            ("--rejects", &mut self.rejects),
            ("--diff", &mut self.changes),
            ("--scores", &mut self.scores),
        ]
    }

    fn write(&mut self, judged: &Judged) -> Result<(), RescanError> {
        let parts = [&judged.decisions, &judged.rejects, &judged.changes, &judged.scores];
        for ((name, output), bytes) in self.each().into_iter().zip(parts) {
            if let Some(output) = output {
                output
                    .write(bytes)
                    .map_err(|source| RescanError::Output { path: name.to_owned(), source })?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<Committed, RescanError> {
        let mut bytes = [0; 4];
        for ((name, output), bytes) in self.each().into_iter().zip(&mut bytes) {
            if let Some(output) = output {
                *bytes = output
                    .commit()
                    .map_err(|source| RescanError::Output { path: name.to_owned(), source })?;
            }
        }
        Ok(Committed { decisions: bytes[0], rejects: bytes[1], scores: bytes[3] })
    }

    fn finish(&mut self) -> Result<(), RescanError> {
        for (name, output) in self.each() {
            if let Some(output) = output {
                output.finish().map_err(|source| RescanError::Output { path: name.to_owned(), source })?;
            }
        }
        Ok(())
    }
}
