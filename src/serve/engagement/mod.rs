//! Engagement events: bulks in, acknowledged once they are on the disk; alerts become decisions.
//!
//! ```text
//! bulk ─► lines ─► journal ─► detector ─► log ─► outbox
//!          bulk     on disk    one thread
//!                     └─► answer
//! ```
//! The journal is what survives a crash: at start the state that was saved last is taken up, and what the journal holds beyond it is
//! told to the detector again. Decisions have ids that follow from what they say, so that none is made twice.

mod bulk;
mod detector;
mod journal;
pub(super) mod paths;
mod scores;
mod shared;
mod silence;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use axum::body::Bytes;
use crossbeam_channel::{Sender, bounded};

pub(super) use bulk::Form;
pub use bulk::{EventRejection, EventsAnswer};
pub(super) use paths::take;
pub use scores::{TargetScore, TargetScores};

use self::detector::{Message, Saves, Unrecorded, Worker};
use self::journal::Told;
use self::shared::Shared;
use self::silence::Silence;
use self::state::Stamp;
use super::correlator::Books;
use super::idempotency::{Claim, Deliver, Delivery, Key, Keys};
use super::judge::{digest, unhex};
use super::listener::ServeError;
use super::metrics::Metrics;
use super::options::ServeOptions;
use super::problem::{Problem, ProblemCode};
use super::recall::first_since;
use super::request::Context;
use crate::engagement::CohortRate;
use crate::engine::Bundle;
use crate::store::log::{Log, LogError, Position, Reader, Stored};
use crate::telemetry::Clock;

/// Messages beside bulks: the clock's.
const MESSAGES_SPARE: usize = 8;

/// The engagement stream of a service.
#[derive(Debug)]
pub(super) struct Engagement {
    settings: Arc<Bundle>,
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
    thread: Mutex<Option<JoinHandle<Result<(), String>>>>,
    stop: Mutex<Option<Sender<()>>>,
}

impl Engagement {
    /// Takes up the saved state, tells the detector again what the journal holds beyond it, and starts its thread. The second value
    /// says what was lost.
    pub(super) fn start(
        options: &ServeOptions,
        bundle: &Arc<Bundle>,
        parts: (Arc<Log>, Arc<Books>, Arc<Metrics>),
    ) -> Result<(Self, String), ServeError> {
        let (journal, _) = Log::open(journal::options(&options.data_dir), Clock::now_ms)?;
        let mut worker = Worker::new(options, bundle, parts);
        let (shared, metrics) = (Arc::clone(&worker.shared), Arc::clone(&worker.metrics));
        let lost = worker.recover(options)?;
        let (sender, receiver) = bounded(shared.bulks_max() + MESSAGES_SPARE);
        let (stop, stopping) = bounded(1);
        worker.stopping = Some(stopping);
        let run = move || worker.run(&receiver);
        let thread = thread::Builder::new().name("engagement".to_owned()).spawn(run);
        let thread = thread.map_err(|e| ServeError::Start(e.to_string()))?;
        shared.open(journal, sender);
        let (thread, stop) = (Mutex::new(Some(thread)), Mutex::new(Some(stop)));
        Ok((Self { settings: Arc::clone(bundle), shared, metrics, thread, stop }, lost))
    }

    /// Reads a bulk and hands it on. Whatever comes of it goes to `deliver`.
    pub(super) fn submit(
        &self,
        context: &Context,
        (form, text): (Form, &str),
        bundle: Arc<Bundle>,
        deliver: Deliver,
    ) {
        let bulk = match bulk::read(self.settings.policy.engagement(), form, text) {
            Ok(bulk) => bulk,
            Err(problem) => return send(deliver, Err(problem)),
        };
        // Our own type has string keys and no floats: this does not fail.
        let answer = Bytes::from(serde_json::to_vec(&bulk.answer).unwrap_or_default());
        let EventsAnswer { accepted, rejected, .. } = bulk.answer;
        if accepted == 0 {
            self.metrics.events(0, rejected);
            return send(deliver, Ok(answer));
        }
        let pair = key_of(context).map(|key| (key, digest(&[text.as_bytes()])));
        let Some(deliver) = self.claim(pair, deliver, &answer) else { return };
        let key = pair.map(|(key, _)| key);
        let Some(room) = self.shared.room(accepted) else {
            self.metrics.shed.increment(1);
            let detail = "engagement_queue_max: the detector does not keep up";
            return self.refuse(key, deliver, &Problem::new(ProblemCode::Overloaded, detail));
        };
        let (shared, metrics, batch) = (Arc::clone(&self.shared), Arc::clone(&self.metrics), bulk.batch);
        self.shared.append(journal::bulk(pair.as_ref(), &bulk.lines), move |sender, stored| match stored {
            Ok(Stored { position: at, time_ms, .. }) => {
                metrics.events(accepted, rejected);
                let waiting = key.map(|key| shared.keys().complete(key, at)).unwrap_or_default();
                // There is room for it; the queue is closed only behind the last bulk.
                let _ = sender.send(Message::Bulk { bundle, batch, at, time_ms, room: Some(room) });
                waiting.into_iter().chain([deliver]).for_each(|deliver| send(deliver, Ok(answer.clone())));
            }
            Err(e) => {
                let problem = problem_of(&e);
                let waiting = key.map(|key| shared.keys().abandon(&key)).unwrap_or_default();
                waiting.into_iter().chain([deliver]).for_each(|deliver| send(deliver, Err(problem.clone())));
            }
        });
    }

    /// Claims the key of a bulk; one that counts already gets the same answer again.
    fn claim(&self, pair: Option<(Key, Key)>, deliver: Deliver, answer: &Bytes) -> Option<Deliver> {
        let Some(pair) = pair else { return Some(deliver) };
        let claim = self.shared.keys().claim(pair, Clock::now_ms(), deliver);
        match claim {
            Claim::Fresh(deliver) => Some(deliver),
            Claim::Waiting => None,
            Claim::Conflict(deliver) => {
                let detail = "the first bulk with this key had another body";
                send(deliver, Err(Problem::new(ProblemCode::IdempotencyConflict, detail)));
                None
            }
            Claim::Done(deliver, _) => {
                self.metrics.replayed.increment(1);
                send(deliver, Ok(answer.clone()));
                None
            }
        }
    }

    fn refuse(&self, key: Option<Key>, deliver: Deliver, problem: &Problem) {
        let waiting = key.map(|key| self.shared.keys().abandon(&key)).unwrap_or_default();
        waiting.into_iter().chain([deliver]).for_each(|deliver| send(deliver, Err(problem.clone())));
    }

    /// Forgets the key of a bulk that a defect has lost, so that it may be sent again.
    pub(super) fn give_up(&self, context: &Context) {
        if let Some(key) = key_of(context) {
            self.shared.keys().abandon(&key);
        }
    }

    /// The last scores of a target; none where nothing is known.
    pub(super) fn scores_of(&self, target: &str) -> Option<TargetScores> {
        self.shared.scores().of(target)
    }

    /// The share of target-hours that should reach their threshold and the share that did, over all cohorts, as of the last hour that
    /// ended; none before there is one.
    pub(super) fn alarm_rates(&self) -> Option<[f64; 2]> {
        let rates = self.shared.report()?.rates;
        let rows: u64 = rates.iter().map(|cohort| cohort.rows).sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people; counts stay far below 2^52")]
        let mean = |rate: fn(&CohortRate) -> f64| {
            rates.iter().map(|cohort| rate(cohort) * cohort.rows as f64).sum::<f64>() / (rows as f64)
        };
        (rows > 0).then(|| [mean(|cohort| cohort.requested_rate), mean(|cohort| cohort.realised_rate)])
    }

    /// Lines that wait to be counted.
    pub(super) fn waiting(&self) -> usize {
        self.shared.waiting()
    }

    /// Whether the thread is there.
    pub(super) fn is_alive(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Counts what waits, saves the state and ends the thread. Returns what went wrong, empty if nothing.
    pub(super) fn finish(&self) -> String {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => String::new(),
            Some(Ok(Err(problem))) => problem,
            Some(Err(_)) => "the thread of the engagement stream was lost".to_owned(),
        }
    }
}

impl Worker {
    /// A worker that has heard nothing.
    fn new(
        options: &ServeOptions,
        bundle: &Arc<Bundle>,
        (log, books, metrics): (Arc<Log>, Arc<Books>, Arc<Metrics>),
    ) -> Self {
        let window_ms = i64::try_from(options.idempotency_window.as_millis()).unwrap_or(i64::MAX);
        let keys = Keys::new(options.idempotency_keys_max, window_ms);
        Self {
            settings: Arc::clone(bundle),
            bundle: Arc::clone(bundle),
            data_dir: options.data_dir.clone(),
            text_policy: options.text_policy,
            shared: Arc::new(Shared::new(keys, options.engagement_queue_max)),
            log,
            books,
            metrics,
            ledger: None,
            silence: Silence::default(),
            applied: None,
            told: HashSet::new(),
            stopping: None,
            saves: Saves::new(None),
        }
    }

    /// Takes up the saved state and what the journal holds beyond it. Returns what was lost.
    fn recover(&mut self, options: &ServeOptions) -> Result<String, ServeError> {
        let mut lost = Vec::new();
        let stamp = state::stamp(&options.data_dir).unwrap_or_else(|e| {
            lost.push(e.to_string());
            None
        });
        if let Some(stamp) = &stamp {
            self.applied = Some(stamp.journal);
            match state::load(&options.data_dir, &self.settings, stamp) {
                Ok((ledger, rest, scores)) => {
                    self.silence = rest.silence;
                    for (key, body, time_ms, at) in rest.keys {
                        self.shared.keys().restore((key, body), time_ms, at);
                    }
                    scores.into_iter().for_each(|score| self.shared.scores().insert(score));
                    self.shared.set_report(Some(ledger.report()));
                    self.ledger = Some(ledger);
                    self.saves = Saves::new(Some(stamp.journal));
                }
                Err(e) => lost.push(format!("the engagement stream begins anew: {e}")),
            }
        }
        let mut has_read = false;
        let damaged = journal::replay(&options.data_dir, self.applied, |told, at, time_ms| {
            if !std::mem::replace(&mut has_read, true) {
                self.told = decisions_since(options, stamp.as_ref(), time_ms)?;
            }
            self.take_again(told, at, time_ms)
        })?;
        if damaged > 0 {
            lost.push(format!("{damaged} records of the engagement journal were lost"));
        }
        self.told.clear();
        Ok(lost.join("; "))
    }

    fn take_again(&mut self, told: Told, at: Position, time_ms: i64) -> Result<(), LogError> {
        let bundle = Arc::clone(&self.settings);
        let message = match told {
            Told::Clock(time_s) => Message::Clock { bundle, time_s, at },
            Told::Bulk { key, lines } => {
                if let Some(pair) = key {
                    self.shared.keys().restore(pair, time_ms, at);
                }
                let batch = bulk::reread(self.settings.policy.engagement(), &lines);
                Message::Bulk { bundle, batch, at, time_ms, room: None }
            }
        };
        self.take(message).map_err(|Unrecorded| LogError::Closed)
    }
}

/// Ids of the decisions that were made without being asked for since a state was saved, or since a time if none was.
fn decisions_since(
    options: &ServeOptions,
    stamp: Option<&Stamp>,
    time_ms: i64,
) -> Result<HashSet<Key>, LogError> {
    #[derive(serde::Deserialize)]
    struct Names {
        kind: String,
        #[serde(default)]
        id: String,
        #[serde(default)]
        request: String,
    }
    let from = match stamp {
        Some(stamp) => stamp.decisions,
        None => Position { segment: first_since(options, time_ms)?, offset: 0 },
    };
    let (mut reader, mut found) = (Reader::at(&options.log.dir, from), HashSet::new());
    while let Some(whole) = reader.read_whole()? {
        let Ok(names) = serde_json::from_slice::<Names>(&whole.record.public) else { continue };
        if names.kind == "decision" && names.request.is_empty() {
            found.extend(unhex(&names.id));
        }
    }
    Ok(found)
}

/// The key of a bulk, if its caller gave one.
fn key_of(context: &Context) -> Option<Key> {
    let key = context.key.as_ref()?;
    Some(digest(&[b"events", context.caller.name().as_bytes(), key.as_bytes()]))
}

fn problem_of(error: &LogError) -> Problem {
    let code = match error {
        LogError::Full => ProblemCode::Overloaded,
        LogError::TooLarge(_) => ProblemCode::TooLarge,
        LogError::Io { .. } | LogError::Locked(_) | LogError::Closed | LogError::Damaged(_) => {
            ProblemCode::LogUnavailable
        }
    };
    Problem::new(code, error.to_string())
}

/// Whoever has gone away needs no answer.
fn send(deliver: Deliver, delivery: Delivery) {
    let _ = deliver.send(delivery);
}
