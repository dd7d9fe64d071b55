//! The run as a whole: open, resume, judge on every core, finish.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::diff::OldDecisions;
use super::pipeline::{Inspected, Work};
use super::scores::Stateful;
use super::sink::{CheckpointTarget, OrderedSink, Outputs, RunState};
use super::tally::Tally;
use super::turn::{SnapshotPlan, Turnstile};
use crate::engine::{Bundle, LedgerError, LedgerReport, Scratch, Shard, ShardError};
use crate::intake::{Intake, IntakeError};
use crate::store::{
    Checkpoint, CheckpointError, FileIdentity, InputStamp, Output, SnapshotError, SnapshotStamp,
};
use crate::telemetry::Clock;

/// What a run is asked to do.
#[derive(Debug)]
pub struct Options {
    /// Inputs in order; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// Where decisions go: a file, `-` for standard output, or nowhere.
    pub output: Option<PathBuf>,
    /// Where rejection records go.
    pub rejects: Option<PathBuf>,
    /// Where score records of the engagement stream go.
    pub scores: Option<PathBuf>,
    /// An older run to compare with; changes go to standard output.
    pub old: Option<OldDecisions>,
    /// Whether `pass` decisions are written too.
    pub all: bool,
    /// Worker threads; at least 1.
    pub threads: usize,
    /// Where the summary will go; only to see that it is none of the other files.
    pub summary: Option<PathBuf>,
    /// The file behind `old`; likewise.
    pub old_path: Option<PathBuf>,
    /// Go on from a checkpoint.
    pub resume: bool,
    /// Begin anew although there is a checkpoint.
    pub restart: bool,
    /// Time between two checkpoints; zero for one after every chunk.
    pub checkpoint_every: Duration,
}

/// Why a run failed. What was written before stays, and a checkpoint says how far it came.
#[derive(Debug, thiserror::Error)]
pub enum RescanError {
    /// An input failed.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// An output failed.
    #[error("{path}: {source}")]
    Output {
        /// The file, or the option that named it.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The checkpoint failed or does not belong to this run.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The state of the run beside the checkpoint failed.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// That state cannot be used.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// There is an unfinished run.
    #[error("{0} exists: an earlier run did not finish; --resume goes on from there, --restart begins anew")]
    Unfinished(String),
    /// An output is one of the inputs.
    #[error("{0} is named twice: it would be overwritten while it is needed")]
    SameFile(String),
    /// The engagement stream's part of it likewise.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Threads cannot be had.
    #[error("worker threads: {0}")]
    Threads(String),
}

/// What a run reports while it works and when it is done.
#[derive(Debug)]
pub struct Report {
    /// Counts over the whole run, earlier parts included.
    pub tally: Tally,
    /// Items that were judged before a resume.
    pub items_before: u64,
    /// Whether it went on from a checkpoint.
    pub resumed: bool,
    /// The windows and clusters at the end of the run.
    pub shard: Shard,
    /// What became of the engagement stream, if there was one.
    pub engagement: Option<LedgerReport>,
}

/// Judges all inputs. `progress` is called now and then with bytes read, items and rejected lines.
///
/// The output does not depend on the number of threads. Memory: per thread one chunk and its buffers, and a bounded
/// number of judged chunks that wait for an earlier one.
///
/// # Errors
/// See [`RescanError`].
pub fn run(
    bundle: &Bundle,
    options: &Options,
    clock: Clock,
    progress: &(dyn Fn(u64, u64, u64) + Sync),
) -> Result<Report, RescanError> {
    let names: Vec<String> = options.inputs.iter().map(|path| path.display().to_string()).collect();
    let outputs = [&options.output, &options.rejects, &options.summary, &options.scores];
    refuse_same_file(options.inputs.iter().chain(&options.old_path), outputs.into_iter().flatten())?;
    let mut outputs = open_outputs(options)?;
    let target = checkpoint_target(bundle, options, &outputs)?;
    let (start, resumed) = resume(options, target.as_ref(), &mut outputs)?;
    let items_before = start.tally.items;
    let intake = Intake::new(options.inputs.clone(), start.position);
    let bytes_read = intake.bytes_read();
    let stateful = match &start.snapshot {
        Some(stamp) => {
            let bytes = stamp.read(options.output.as_deref().unwrap_or(Path::new("")))?;
            Stateful::load(bundle, options.all, &bytes)?
        }
        None => Stateful::new(bundle, options.all),
    };
    let plan = target.as_ref().map(|target| SnapshotPlan {
        output: target.output.clone(),
        clock,
        every: options.checkpoint_every,
        last: start.snapshot.clone(),
        finished: clock.elapsed(),
        took: Duration::ZERO,
        is_pending: Arc::clone(&target.is_pending),
    });
    let sink = OrderedSink::new(outputs, target, start);
    let work = Work { bundle, inputs: &names, all: options.all, old: options.old.as_ref() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool = pool.map_err(|e| RescanError::Threads(e.to_string()))?;
    let line = Line { work, intake: Mutex::new(intake), turnstile: Turnstile::new(stateful, plan), sink };
    pool.broadcast(|_| line.judge_chunks(&bytes_read, progress));
    let (mut stateful, saved) = line.turnstile.finish(line.sink.wants_checkpoint());
    let saved = saved?;
    line.sink.append(&stateful.finish(bundle));
    if let Some(old) = &options.old {
        line.sink.append_changes(old, resumed);
    }
    let tally = line.sink.finish(saved)?;
    let engagement = stateful.report();
    Ok(Report { tally, items_before, resumed, shard: stateful.shard, engagement })
}

/// The stations that every chunk passes.
struct Line<'a> {
    work: Work<'a>,
    intake: Mutex<Intake>,
    turnstile: Turnstile,
    sink: OrderedSink,
}

/// Tells the others when a worker dies of a bug, so that they do not wait for its chunk for ever.
struct PanicGuard<'l>(&'l Line<'l>);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.turnstile.abort();
            self.0.sink.abort(RescanError::Threads("a worker failed; this is a bug".to_owned()));
        }
    }
}

impl Line<'_> {
    /// One worker: takes chunks until there are none.
    fn judge_chunks(&self, bytes_read: &Arc<AtomicU64>, progress: &(dyn Fn(u64, u64, u64) + Sync)) {
        let (mut scratch, mut inspected) = (Scratch::default(), Inspected::default());
        loop {
            let guard = PanicGuard(self);
            let chunk = self.intake.lock().unwrap_or_else(PoisonError::into_inner).next_chunk();
            let chunk = match chunk {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return,
                Err(e) => return self.sink.inputs_failed(e.into()),
            };
            self.work.inspect(&chunk, &mut scratch, &mut inspected);
            let is_going_on = match self.turnstile.correlate(self.work.bundle, &mut inspected) {
                Ok(is_going_on) => is_going_on && self.sink.push(self.work.finish(&mut inspected)),
                Err(e) => {
                    self.sink.abort(e.into());
                    false
                }
            };
            drop(guard);
            if !is_going_on {
                return self.turnstile.abort();
            }
            let (items, rejected) = self.sink.progress();
            progress(bytes_read.load(Ordering::Relaxed), items, rejected);
        }
    }
}

/// No file may be read and written, or written twice, in one run.
///
/// # Errors
/// [`RescanError::SameFile`] with the first that is.
pub fn refuse_same_file<'p>(
    read: impl Iterator<Item = &'p PathBuf>,
    outputs: impl Iterator<Item = &'p PathBuf>,
) -> Result<(), RescanError> {
    let read: Vec<FileIdentity> = read.filter_map(|path| FileIdentity::of(path)).collect();
    let mut written: Vec<FileIdentity> = Vec::new();
    for path in outputs {
        let Some(identity) = FileIdentity::of(path) else { continue };
        if read.contains(&identity) || written.contains(&identity) {
            return Err(RescanError::SameFile(path.display().to_string()));
        }
        written.push(identity);
    }
    Ok(())
}

fn open_outputs(options: &Options) -> Result<Outputs, RescanError> {
    let open = |path: &Option<PathBuf>| match path {
        None => Ok(None),
        Some(path) if path == Path::new("-") => Ok(Some(Output::stdout())),
        Some(path) => Output::open(path)
            .map(Some)
            .map_err(|source| RescanError::Output { path: path.display().to_string(), source }),
    };
    Ok(Outputs {
        decisions: open(&options.output)?,
        rejects: open(&options.rejects)?,
        changes: options.old.as_ref().map(|_| Output::stdout()),
        scores: open(&options.scores)?,
    })
}

/// Where a checkpoint would be: beside an output that is a regular file.
fn checkpoint_path(options: &Options, outputs: &Outputs) -> Option<PathBuf> {
    let is_regular = outputs.decisions.as_ref().is_some_and(Output::is_regular);
    options.output.as_deref().filter(|_| is_regular).map(Checkpoint::<RunState>::path_for)
}

/// A checkpoint is kept when the output is a regular file and every input can be read again.
fn checkpoint_target(
    bundle: &Bundle,
    options: &Options,
    outputs: &Outputs,
) -> Result<Option<CheckpointTarget>, RescanError> {
    let Some(path) = checkpoint_path(options, outputs) else { return Ok(None) };
    if options.inputs.iter().any(|input| !input.is_file()) {
        return Ok(None);
    }
    let stamp = |path: &PathBuf| {
        InputStamp::read(path)
            .map_err(|source| RescanError::Output { path: path.display().to_string(), source })
    };
    let inputs = options.inputs.iter().map(stamp).collect::<Result<_, _>>()?;
    let name =
        |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let (rejects, scores) = (name(&options.rejects), name(&options.scores));
    let (all, engine) = (options.all, &bundle.versions().engine);
    Ok(Some(CheckpointTarget {
        path,
        inputs,
        bundle: bundle.versions().bundle.clone(),
        options: format!("all={all} rejects={rejects} scores={scores} state=2 engine={engine}"),
        output: options.output.clone().unwrap_or_default(),
        is_pending: Arc::default(),
    }))
}

/// Cuts the outputs back to the checkpoint, or to nothing.
fn resume(
    options: &Options,
    target: Option<&CheckpointTarget>,
    outputs: &mut Outputs,
) -> Result<(RunState, bool), RescanError> {
    let mut found = None;
    let path = checkpoint_path(options, outputs);
    if options.restart {
        // Gone before the outputs are cut: it would not fit what is written from here on.
        if let (Some(path), Some(output)) = (&path, &options.output) {
            forget_checkpoint(path, output)?;
        }
    } else if let Some(path) = path
        && let Some(checkpoint) = Checkpoint::<RunState>::read(&path)?
    {
        if !options.resume {
            return Err(RescanError::Unfinished(path.display().to_string()));
        }
        let Some(target) = target else {
            return Err(
                CheckpointError::Foreign { path: path.display().to_string(), what: "an input" }.into()
            );
        };
        checkpoint.check(&target.path, &target.inputs, &target.bundle, &target.options)?;
        if checkpoint.state.snapshot.is_none() {
            return Err(
                CheckpointError::Foreign { path: path.display().to_string(), what: "the program" }.into()
            );
        }
        found = Some(checkpoint);
    }
    let resumed = found.is_some();
    let (bytes, state) = found.map_or(([0; 3], RunState::default()), |c| {
        ([c.output_bytes, c.rejects_bytes, c.scores_bytes], c.state)
    });
    let cut = |output: &mut Option<Output>, name: &Option<PathBuf>, bytes| match output {
        Some(output) => output.restart_at(bytes).map_err(|source| RescanError::Output {
            path: name.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            source,
        }),
        None => Ok(()),
    };
    cut(&mut outputs.decisions, &options.output, bytes[0])?;
    cut(&mut outputs.rejects, &options.rejects, bytes[1])?;
    cut(&mut outputs.scores, &options.scores, bytes[2])?;
    Ok((state, resumed))
}

/// Removes a checkpoint that is no longer wanted, and its snapshots, if there are any.
pub(super) fn forget_checkpoint(path: &Path, output: &Path) -> Result<(), RescanError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(RescanError::Output { path: path.display().to_string(), source });
        }
        Ok(()) | Err(_) => {}
    }
    Ok(SnapshotStamp::forget(output)?)
}
