//! The one thread that owns the shard: items in the order of their arrival → decisions for the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use axum::body::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};

use super::answer::AnswerRef;
use super::idempotency::{Deliver, Key, Keys, Recent};
use super::judge::{digest, hex};
use super::metrics::Metrics;
use super::pressure::Pressure;
use super::problem::{Problem, ProblemCode};
use crate::coordination::Outcome;
use crate::engine::{Bundle, Shard, Trace, amend_decision, correlate};
use crate::model::{Decision, Surface};
use crate::store::entry::{DecisionEntry, TextPolicy, split};
use crate::store::log::{Append, Log, LogError, Stored};

/// How far an item has come; what a caller who cannot wait is told depends on it.
#[derive(Debug, Default)]
pub(super) struct Ticket {
    stage: Mutex<Stage>,
    /// When its answer was told, by the clock of [`Pressure`]; 0 before.
    told_us: AtomicU64,
}

/// The stages that a caller can tell apart.
#[derive(Clone, Debug, Default)]
pub(super) enum Stage {
    /// Its content has not been judged.
    #[default]
    Unjudged,
    /// Its content has been judged.
    Judged(Box<Decision>),
    /// Its answer is ready and waits for the log.
    Answered(Bytes),
}

impl Ticket {
    pub(super) fn set(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When its answer was told, by the clock of [`Pressure`]; 0 before.
    pub(super) fn told_us(&self) -> u64 {
        self.told_us.load(Ordering::Acquire)
    }
}

/// An item that was judged by its content, and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) bundle: Arc<Bundle>,
    pub(super) trace: Trace,
    pub(super) ticket: Arc<Ticket>,
    pub(super) deliver: Deliver,
    /// When it was handed over, by the clock of [`Pressure`].
    pub(super) handed_us: u64,
    pub(super) id: String,
    pub(super) request: String,
    pub(super) account: String,
    pub(super) surface: Surface,
    /// Idempotency key; none if the request has none.
    pub(super) key: Option<Key>,
    pub(super) body: Key,
    /// The item's JSON, if it is kept.
    pub(super) item: Option<String>,
}

/// What the correlating thread and those who wait share.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) keys: Mutex<Keys>,
    pub(super) decisions: Mutex<Recent>,
}

/// The thread and its queue. Nothing in the queue ends the thread.
#[derive(Debug)]
pub(super) struct Correlator {
    sender: Sender<Option<Box<Job>>>,
    thread: Mutex<Option<JoinHandle<Shard>>>,
}

struct Worker {
    shard: Shard,
    log: Arc<Log>,
    books: Arc<Books>,
    metrics: Arc<Metrics>,
    pressure: Arc<Pressure>,
    text_policy: TextPolicy,
}

impl Correlator {
    pub(super) fn start(
        shard: Shard,
        log: Arc<Log>,
        books: Arc<Books>,
        (metrics, pressure): (Arc<Metrics>, Arc<Pressure>),
        (text_policy, queue_max): (TextPolicy, usize),
    ) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(queue_max);
        let worker = Worker { shard, log, books, metrics, pressure, text_policy };
        let thread =
            thread::Builder::new().name("correlate".to_owned()).spawn(move || worker.run(&receiver))?;
        Ok(Self { sender, thread: Mutex::new(Some(thread)) })
    }

    /// Hands an item over; gives it back if the queue is full.
    pub(super) fn submit(&self, job: Box<Job>) -> Result<(), Option<Box<Job>>> {
        self.sender.try_send(Some(job)).map_err(crossbeam_channel::TrySendError::into_inner)
    }

    /// Items that wait.
    pub(super) fn queued(&self) -> usize {
        self.sender.len()
    }

    /// Whether the thread is there.
    pub(super) fn is_alive(&self) -> bool {
        self.thread().as_ref().is_some_and(|thread| !thread.is_finished())
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<Shard>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what waits, ends the thread and gives the shard back.
    pub(super) fn finish(&self) -> Option<Shard> {
        let thread = self.thread().take()?;
        // It fails only when the thread has ended.
        let _ = self.sender.send(None);
        thread.join().ok()
    }
}

impl Worker {
    fn run(mut self, receiver: &Receiver<Option<Box<Job>>>) -> Shard {
        while let Ok(Some(job)) = receiver.recv() {
            self.pressure.waited(job.handed_us);
            self.correlate(*job);
        }
        self.shard
    }

    fn correlate(&mut self, job: Job) {
        let Stage::Judged(decision) = job.ticket.stage() else { return };
        let mut decision = *decision;
        let correlated = correlate(&job.bundle, &mut self.shard, &job.trace, decision.verdict);
        let follow_ups = amend_decision(&job.bundle, &job.trace, &correlated, &mut decision);
        let cause = job.id.clone();
        self.record(job, decision);
        for follow_up in follow_ups {
            self.record_follow_up(&cause, &correlated.outcomes, follow_up);
        }
    }

    /// Brings a decision to the log, and to the caller once it is there.
    fn record(&self, job: Job, decision: Decision) {
        let Job { ticket, deliver, id, request, account, surface, key, body, item, .. } = job;
        let answer = AnswerRef { id: &id, request: &request, decision: &decision };
        // Our own types have string keys and finite numbers: this does not fail.
        let answer = Bytes::from(serde_json::to_vec(&answer).unwrap_or_default());
        ticket.set(Stage::Answered(answer.clone()));
        self.metrics.decided(surface, &decision);
        let id_key = digest(&[b"id", id.as_bytes()]);
        let entry = DecisionEntry {
            id,
            request,
            account,
            surface: Some(surface),
            key: key.map(|key| hex(&key)),
            body: key.map(|_| hex(&body)),
            decision,
        };
        let (public, private) = split(entry, item.as_deref(), self.text_policy);
        let (books, metrics) = (Arc::clone(&self.books), Arc::clone(&self.metrics));
        let pressure = Arc::clone(&self.pressure);
        let done = Box::new(move |stored: Result<Stored, LogError>| {
            if !deliver.is_closed() {
                ticket.told_us.store(pressure.told(), Ordering::Release);
            }
            let delivery = stored.as_ref().map(|_| answer).map_err(|e| {
                metrics.log_failures.increment(1);
                Problem::new(ProblemCode::LogUnavailable, e.to_string())
            });
            books.finish(key.as_ref(), &id_key, stored.ok(), (deliver, delivery));
        });
        self.append(Append { public, private, done });
    }

    fn record_follow_up(&self, cause: &str, outcomes: &[Outcome], decision: Decision) {
        let raised = outcomes.iter().flat_map(|outcome| &outcome.raised);
        let account = raised
            .map(|raised| &raised.member)
            .find(|member| member.item == decision.item)
            .map_or_else(String::new, |member| member.account.clone());
        let parts =
            [b"follow_up", cause.as_bytes(), decision.item.as_bytes(), decision.verdict.as_str().as_bytes()];
        let id = hex(&digest(&parts));
        let id_key = digest(&[b"id", id.as_bytes()]);
        let request = String::new();
        let entry = DecisionEntry { id, request, account, surface: None, key: None, body: None, decision };
        let (public, private) = split(entry, None, self.text_policy);
        let (books, metrics) = (Arc::clone(&self.books), Arc::clone(&self.metrics));
        let done = Box::new(move |stored: Result<Stored, LogError>| match stored {
            Ok(stored) => {
                metrics.follow_ups.increment(1);
                books.note(&id_key, stored);
            }
            Err(_) => metrics.log_failures.increment(1),
        });
        self.append(Append { public, private, done });
    }

    /// Waits for room: what waits in front of the correlating thread is refused at the door in the meantime.
    fn append(&self, append: Append) {
        // The log lives longer than this thread; if it was closed nevertheless, whoever waits hears of it.
        let _ = self.log.append_blocking(append);
    }
}

impl Books {
    /// Remembers where a decision is.
    pub(super) fn note(&self, id: &Key, stored: Stored) {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).insert(*id, stored.position);
    }

    /// Tells everybody who waits for a decision, once it can be found.
    fn finish(
        &self,
        key: Option<&Key>,
        id: &Key,
        stored: Option<Stored>,
        (deliver, delivery): (Deliver, Result<Bytes, Problem>),
    ) {
        let others = key.map(|key| {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            match stored {
                Some(stored) => keys.complete(*key, stored.position),
                None => keys.abandon(key),
            }
        });
        if let Some(stored) = stored {
            self.note(id, stored);
        }
        for other in others.unwrap_or_default() {
            // Whoever has gone away needs no answer.
            let _ = other.send(delivery.clone());
        }
        let _ = deliver.send(delivery);
    }

    /// Gives up a key whose request was refused, and tells those who wait for it.
    pub(super) fn refuse(&self, key: Option<&Key>, deliver: Deliver, problem: &Problem) {
        for waiting in key.map(|key| self.abandon(key)).unwrap_or_default() {
            let _ = waiting.send(Err(problem.clone()));
        }
        let _ = deliver.send(Err(problem.clone()));
    }

    /// Gives up a key. Returns who else waits for it.
    pub(super) fn abandon(&self, key: &Key) -> Vec<Deliver> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).abandon(key)
    }
}
