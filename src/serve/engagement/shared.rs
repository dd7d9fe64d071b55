//! What the detector's thread, the journal's and those who ask share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;

use super::detector::Message;
use super::scores::Scores;
use crate::engine::LedgerReport;
use crate::serve::idempotency::Keys;
use crate::store::log::{Append, Log, LogError, Stored};

/// Bulks that wait: a smaller one counts as this part of all lines that may.
const BULKS_MAX: usize = 4096;

/// Shared state. Locks are held for the time of a look-up.
#[derive(Debug)]
pub(super) struct Shared {
    keys: Mutex<Keys>,
    scores: Mutex<Scores>,
    report: Mutex<Option<LedgerReport>>,
    line: Mutex<Option<Line>>,
    room: Arc<AtomicUsize>,
    events_max: usize,
}

/// The way of a bulk: into the journal, and from there to the detector.
#[derive(Debug)]
struct Line {
    journal: Log,
    sender: Sender<Message>,
}

/// The place of a bulk's lines among those that wait, until they have been counted.
#[derive(Debug)]
pub(super) struct Room {
    used: Arc<AtomicUsize>,
    events: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(self.events, Ordering::AcqRel);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// At most `events_max` lines wait.
    pub(super) fn new(keys: Keys, events_max: usize) -> Self {
        Self {
            keys: Mutex::new(keys),
            scores: Mutex::default(),
            report: Mutex::default(),
            line: Mutex::default(),
            room: Arc::default(),
            events_max,
        }
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, Keys> {
        lock(&self.keys)
    }

    pub(super) fn scores(&self) -> MutexGuard<'_, Scores> {
        lock(&self.scores)
    }

    pub(super) fn report(&self) -> Option<LedgerReport> {
        lock(&self.report).clone()
    }

    pub(super) fn set_report(&self, report: Option<LedgerReport>) {
        *lock(&self.report) = report;
    }

    /// Opens the way.
    pub(super) fn open(&self, journal: Log, sender: Sender<Message>) {
        *lock(&self.line) = Some(Line { journal, sender });
    }

    /// Closes the way: what has been handed over is on the disk and with the detector then, and its queue ends behind it.
    pub(super) fn close(&self) {
        let line = lock(&self.line).take();
        if let Some(Line { journal, sender }) = line {
            drop(journal);
            drop(sender);
        }
    }

    /// A place for so many lines; none if there is none.
    pub(super) fn room(&self, events: usize) -> Option<Room> {
        let events = events.max(self.events_max / BULKS_MAX);
        // From here on it is given back, whatever happens.
        let room = Room { used: Arc::clone(&self.room), events };
        let before = self.room.fetch_add(events, Ordering::AcqRel);
        (before + events <= self.events_max).then_some(room)
    }

    /// Bulks that may wait.
    pub(super) fn bulks_max(&self) -> usize {
        self.events_max / (self.events_max / BULKS_MAX).max(1)
    }

    /// Lines that wait.
    pub(super) fn waiting(&self) -> usize {
        self.room.load(Ordering::Acquire)
    }

    /// Hands a record to the journal. `done` runs on its thread once the record is on the disk or will not be; records come to
    /// it in the order of the journal. False if the way is closed; nobody is told anything then.
    pub(super) fn append(
        &self,
        public: Vec<u8>,
        done: impl FnOnce(&Sender<Message>, Result<Stored, LogError>) + Send + 'static,
    ) -> bool {
        let line = lock(&self.line);
        let Some(line) = line.as_ref() else { return false };
        let sender = line.sender.clone();
        let done = Box::new(move |stored| done(&sender, stored));
        // Where there is no room, `done` is told.
        let _ = line.journal.append(Append { public, private: None, done });
        true
    }
}
