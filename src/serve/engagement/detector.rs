//! The one thread that owns the ledger: bulks in the order of the journal → scores, and decisions for the log.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::journal;
use super::scores::TargetScore;
use super::shared::{Room, Shared};
use super::silence::Silence;
use super::state::{self, Rest, StateError};
use crate::decide::ScoreRecord;
use crate::engagement::TargetKind;
use crate::engine::{Bundle, EventBatch, Ledger, Notice};
use crate::model::Decision;
use crate::serve::correlator::Books;
use crate::serve::idempotency::Key;
use crate::serve::judge::{digest, hex};
use crate::serve::metrics::Metrics;
use crate::store::entry::{DecisionEntry, TextPolicy, split};
use crate::store::log::{Append, Log, LogError, Position, Stored};
use crate::telemetry::Clock;

/// How often the clock is looked at while the stream is silent.
const TICK: Duration = Duration::from_secs(1);
/// Least time between two saved states; saving takes at most one part in [`SAVING_SHARE`] of the time.
const SAVE_EVERY: Duration = Duration::from_mins(5);
const SAVING_SHARE: u32 = 20;
/// Pause after decisions could not be recorded.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Message {
    /// A bulk that is in the journal.
    Bulk { bundle: Arc<Bundle>, batch: EventBatch, at: Position, time_ms: i64, room: Option<Room> },
    /// The clock has moved the stream; that is in the journal, too.
    Clock { bundle: Arc<Bundle>, time_s: u32, at: Position },
}

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Worker {
    /// The bundle of the start: its limits, weights and keys hold until the service stops.
    pub(super) settings: Arc<Bundle>,
    /// The bundle of the last bulk, whose policy holds for what the clock closes.
    pub(super) bundle: Arc<Bundle>,
    pub(super) data_dir: PathBuf,
    pub(super) text_policy: TextPolicy,
    pub(super) shared: Arc<Shared>,
    pub(super) log: Arc<Log>,
    pub(super) books: Arc<Books>,
    pub(super) metrics: Arc<Metrics>,
    /// None until there is an event: services without engagement pay nothing for it.
    pub(super) ledger: Option<Ledger>,
    pub(super) silence: Silence,
    /// The last record of the journal that is in the ledger.
    pub(super) applied: Option<Position>,
    /// Decisions that are in the log although the saved state does not know of them.
    pub(super) told: HashSet<Key>,
    /// Ends, or is dropped, when the service stops; none at start, where what fails is not tried again.
    pub(super) stopping: Option<Receiver<()>>,
    pub(super) saves: Saves,
}

/// When the state was saved.
#[derive(Debug)]
pub(super) struct Saves {
    clock: Clock,
    /// Up to which record.
    at: Option<Position>,
    finished: Duration,
    took: Duration,
    /// Whether a move of the stream by the clock is on its way through the journal.
    pub(super) is_clock_pending: Arc<AtomicBool>,
}

impl Saves {
    pub(super) fn new(at: Option<Position>) -> Self {
        let (finished, took) = (Duration::ZERO, Duration::ZERO);
        Self { clock: Clock::start(), at, finished, took, is_clock_pending: Arc::default() }
    }
}

/// The decisions could not be recorded and the service is stopping.
#[derive(Debug)]
pub(super) struct Unrecorded;

impl Worker {
    /// Works until the queue is closed and empty, and saves the state then. Returns what went wrong.
    pub(super) fn run(mut self, receiver: &Receiver<Message>) -> Result<(), String> {
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(message) => self.take(message).map_err(|Unrecorded| {
                    "decisions on engagement were not recorded; the next start takes them from the journal".to_owned()
                })?,
                Err(RecvTimeoutError::Timeout) => self.listen(Clock::now_ms()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let pause = SAVE_EVERY.max(self.saves.took * SAVING_SHARE);
            if self.saves.clock.elapsed().saturating_sub(self.saves.finished) >= pause && self.save().is_err()
            {
                self.metrics.log_failures.increment(1);
            }
        }
        self.save().map_err(|e| format!("the state of the engagement stream was not saved: {e}"))
    }

    /// Takes in what the journal holds.
    pub(super) fn take(&mut self, message: Message) -> Result<(), Unrecorded> {
        let settings = Arc::clone(&self.settings);
        let ledger = self.ledger.get_or_insert_with(|| Ledger::new(&settings));
        let (bundle, notices, _room) = match message {
            Message::Bulk { bundle, batch, at, time_ms, room } => {
                let notices = ledger.observe(&bundle, &batch, false);
                self.silence.heard(ledger.newest_s(), time_ms);
                self.applied = Some(at);
                (bundle, notices, room)
            }
            Message::Clock { bundle, time_s, at } => {
                let notices = ledger.advance(&bundle, time_s, false);
                self.silence.moved(ledger.newest_s());
                self.applied = Some(at);
                self.saves.is_clock_pending.store(false, Ordering::Release);
                (bundle, notices, None)
            }
        };
        self.bundle = bundle;
        // An hour has ended, or somebody looked before its end: rates may have changed.
        if !notices.is_empty() || self.shared.report().is_none() {
            self.shared.set_report(self.ledger.as_ref().map(Ledger::report));
        }
        self.tell(notices)
    }

    /// Looks whether the stream has been silent for so long that the clock closes its hour. What comes of it goes through the
    /// journal like a bulk, so that a restart gives the same.
    pub(super) fn listen(&mut self, now_ms: i64) {
        let lateness_s = self.settings.policy.engagement().config.lateness_s;
        let is_pending = &self.saves.is_clock_pending;
        let Some(time_s) = self.silence.due(lateness_s, now_ms) else { return };
        if is_pending.swap(true, Ordering::AcqRel) {
            return;
        }
        let (pending, bundle) = (Arc::clone(is_pending), Arc::clone(&self.bundle));
        let told = self.shared.append(journal::clock(time_s), move |sender, stored| match stored {
            Ok(stored) => {
                // The queue has room for this beside all bulks; it is closed only at the end.
                let _ = sender.send(Message::Clock { bundle, time_s, at: stored.position });
            }
            Err(_) => pending.store(false, Ordering::Release),
        });
        if !told {
            is_pending.store(false, Ordering::Release);
        }
    }

    /// Remembers scores, and brings decisions to the log.
    fn tell(&mut self, notices: Vec<Notice>) -> Result<(), Unrecorded> {
        let mut entries = Vec::new();
        for Notice { record, decision } in notices {
            let id = decision.map(|decision| {
                let key = decision_key(&record, &decision);
                if !self.told.remove(&key) {
                    entries.push(entry(&record, hex(&key), decision));
                }
                hex(&key)
            });
            self.shared.scores().insert(TargetScore { record, decision: id });
        }
        self.record(entries)
    }

    /// Returns when all decisions are on the disk. Tries for as long as the service runs: nothing of the stream goes on before.
    fn record(&self, mut entries: Vec<DecisionEntry>) -> Result<(), Unrecorded> {
        while !entries.is_empty() {
            // What is said of one target keeps its order: the second waits until the first is there.
            let mut targets = HashSet::new();
            let (round, later): (Vec<_>, Vec<_>) =
                entries.into_iter().partition(|entry| targets.insert(entry.decision.item.clone()));
            let stored = self.append(&round);
            entries =
                round.into_iter().zip(stored).filter(|(_, stored)| !stored).map(|(entry, _)| entry).collect();
            let has_failed = !entries.is_empty();
            entries.extend(later);
            if has_failed {
                self.metrics.log_failures.increment(1);
                let stopping = self.stopping.as_ref().ok_or(Unrecorded)?;
                if stopping.recv_timeout(RETRY_PAUSE) != Err(RecvTimeoutError::Timeout) {
                    return Err(Unrecorded);
                }
            }
        }
        Ok(())
    }

    /// Appends decisions to the log, and tells for each whether it is on the disk.
    fn append(&self, entries: &[DecisionEntry]) -> Vec<bool> {
        let (tell, told) = bounded(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let id = digest(&[b"id", entry.id.as_bytes()]);
            let (public, private) = split(entry.clone(), None, self.text_policy);
            let (tell, books, metrics) = (tell.clone(), Arc::clone(&self.books), Arc::clone(&self.metrics));
            let done = Box::new(move |stored: Result<Stored, LogError>| {
                if let Ok(stored) = stored {
                    metrics.engagement_decisions.increment(1);
                    books.note(&id, stored);
                    let _ = tell.send(index);
                }
            });
            // Whoever is not told below is tried again.
            let _ = self.log.append_blocking(Append { public, private, done });
        }
        drop(tell);
        let mut stored = vec![false; entries.len()];
        told.iter().for_each(|index| stored[index] = true);
        stored
    }

    /// Saves the state, if there is anything new in it, and removes what the journal needs no more.
    pub(super) fn save(&mut self) -> Result<(), StateError> {
        let (Some(ledger), Some(at)) = (&self.ledger, self.applied) else { return Ok(()) };
        if self.saves.at == Some(at) {
            return Ok(());
        }
        let begun = self.saves.clock.elapsed();
        let decisions = *self.log.durable().borrow();
        let rest = Rest { keys: self.shared.keys().answered(), silence: self.silence, ..Rest::default() };
        let scores = self.shared.scores();
        let saved =
            state::save(&self.data_dir, (&self.settings, ledger), rest, scores.all(), (at, decisions));
        drop(scores);
        self.saves.finished = self.saves.clock.elapsed();
        self.saves.took = self.saves.finished.saturating_sub(begun);
        saved?;
        self.saves.at = Some(at);
        journal::forget(&self.data_dir, at);
        Ok(())
    }
}

/// The id of a decision on a target's hour: the same whenever it is made, also by a restart that goes over the same events again.
fn decision_key(record: &ScoreRecord, decision: &Decision) -> Key {
    let kind = [record.target_kind as u8];
    let withdraws = decision.follow_up.as_ref().is_some_and(|follow_up| follow_up.withdraws);
    let state = [u8::from(record.is_final), u8::from(withdraws)];
    let parts: [&[u8]; 6] = [
        b"engagement",
        &kind,
        record.target.as_bytes(),
        record.hour.as_bytes(),
        record.at.as_bytes(),
        &state,
    ];
    digest(&parts)
}

fn entry(record: &ScoreRecord, id: String, decision: Decision) -> DecisionEntry {
    let account = match record.target_kind {
        TargetKind::Account => record.target.clone(),
        TargetKind::Post | TargetKind::Other => String::new(),
    };
    let request = String::new();
    DecisionEntry { id, request, account, surface: None, key: None, body: None, decision }
}
