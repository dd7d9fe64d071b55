//! Group commit: many who wait, one write and one sync.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::watch;

use super::layout::Position;
use super::open::{OpenReport, find_end, lock};
use super::writer::{LogOptions, OpenSegment, Writer};
use super::{DiskFile, LogError};

/// What to call when a record is on the disk, or will not be. Runs on the log's thread and must be short.
pub type Done = Box<dyn FnOnce(Result<Stored, LogError>) + Send>;

/// A record to append.
pub struct Append {
    /// What stays for as long as the segment.
    pub public: Vec<u8>,
    /// What may be purged earlier.
    pub private: Option<Vec<u8>>,
    /// Who waits.
    pub done: Done,
}

impl std::fmt::Debug for Append {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Append").field("bytes", &self.public.len()).finish_non_exhaustive()
    }
}

/// Where a record has been stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its first byte.
    pub position: Position,
    /// Its number.
    pub sequence: u64,
    /// Its time, in milliseconds since 1970.
    pub time_ms: i64,
}

/// Most records and bytes that are written together.
const BATCH_RECORDS_MAX: usize = 4096;
const BATCH_BYTES_MAX: usize = 4 << 20;

/// A log that is open for appending. Cheap to share; the last one that goes away closes it.
#[derive(Debug)]
pub struct Log {
    sender: Option<Sender<Append>>,
    durable: watch::Receiver<Position>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the last commit failed.
    is_failing: AtomicBool,
    /// Records of the last commit.
    batch_records: AtomicUsize,
}

impl Log {
    /// Opens the log of a directory, mends its end and starts its thread. `now_ms` tells the time.
    ///
    /// Reads the last segment whole.
    ///
    /// # Errors
    /// Another process writes it, or the system refuses.
    pub fn open(
        options: LogOptions,
        now_ms: impl Fn() -> i64 + Send + 'static,
    ) -> Result<(Self, OpenReport), LogError> {
        Self::open_with(options, now_ms, Box::new(DiskFile::open))
    }

    /// The same, with files of another kind.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_with(
        options: LogOptions,
        now_ms: impl Fn() -> i64 + Send + 'static,
        open: OpenSegment,
    ) -> Result<(Self, OpenReport), LogError> {
        let held = lock(&options.dir)?;
        let (end, path, report) = find_end(&options.dir)?;
        let (sender, receiver) = bounded(options.queue_records_max);
        let (told, durable) = watch::channel(end.position);
        let state = Arc::new(State::default());
        let writer = Writer::new(options, open, end, path);
        let mut committer = Committer { writer, receiver, told, state: Arc::clone(&state), _held: held };
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || committer.run(&now_ms));
        let thread = thread
            .map_err(|e| LogError::Io { path: "the log's thread".to_owned(), problem: e.to_string() })?;
        Ok((Self { sender: Some(sender), durable, state, thread: Some(thread) }, report))
    }

    /// Hands a record to the log. Records of one thread keep their order. Never blocks.
    ///
    /// # Errors
    /// [`LogError::Full`] or [`LogError::Closed`]; whoever waits is told so, too.
    pub fn append(&self, append: Append) -> Result<(), LogError> {
        let Some(sender) = &self.sender else {
            (append.done)(Err(LogError::Closed));
            return Err(LogError::Closed);
        };
        let (error, append) = match sender.try_send(append) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(append)) => (LogError::Full, append),
            Err(TrySendError::Disconnected(append)) => (LogError::Closed, append),
        };
        (append.done)(Err(error.clone()));
        Err(error)
    }

    /// Hands a record to the log, waiting for room.
    ///
    /// # Errors
    /// [`LogError::Closed`]; nobody has been told anything then.
    pub fn append_blocking(&self, append: Append) -> Result<(), LogError> {
        let Some(sender) = &self.sender else { return Err(LogError::Closed) };
        sender.send(append).map_err(|_| LogError::Closed)
    }

    /// Appends a record and waits until it is on the disk.
    ///
    /// # Errors
    /// The record is not in the log.
    pub fn append_and_wait(&self, public: Vec<u8>, private: Option<Vec<u8>>) -> Result<Stored, LogError> {
        let (tell, told) = bounded(1);
        let done: Done = Box::new(move |result| {
            // Whoever asked waits below.
            let _ = tell.send(result);
        });
        self.append_blocking(Append { public, private, done })?;
        told.recv().unwrap_or(Err(LogError::Closed))
    }

    /// The end of what is on the disk, for followers.
    pub fn durable(&self) -> watch::Receiver<Position> {
        self.durable.clone()
    }

    /// Records that wait.
    pub fn queued(&self) -> usize {
        self.sender.as_ref().map_or(0, Sender::len)
    }

    /// Whether the last attempt to write failed.
    pub fn is_failing(&self) -> bool {
        self.state.is_failing.load(Ordering::Acquire)
    }

    /// Records that the last commit wrote together.
    pub fn batch_records(&self) -> usize {
        self.state.batch_records.load(Ordering::Relaxed)
    }
}

impl Drop for Log {
    /// Writes what waits and ends the thread.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The log's thread.
struct Committer {
    writer: Writer,
    receiver: Receiver<Append>,
    told: watch::Sender<Position>,
    state: Arc<State>,
    _held: File,
}

impl Committer {
    fn run(&mut self, now_ms: &impl Fn() -> i64) {
        let mut waiting = Vec::new();
        while let Ok(first) = self.receiver.recv() {
            let result = self.write_batch(first, now_ms(), &mut waiting);
            self.state.is_failing.store(result.is_err(), Ordering::Release);
            self.state.batch_records.store(waiting.len(), Ordering::Relaxed);
            // Followers first: whoever is told that a record is there may look for it.
            if result.is_ok() {
                self.told.send_replace(self.writer.durable());
            }
            for (done, stored) in waiting.drain(..) {
                done(result.clone().and(stored));
            }
        }
    }

    /// Stages what waits, and commits it. `waiting` gets who is to be told, with the place of their record.
    fn write_batch(
        &mut self,
        first: Append,
        now_ms: i64,
        waiting: &mut Vec<(Done, Result<Stored, LogError>)>,
    ) -> Result<(), LogError> {
        let begun = self.writer.begin(now_ms);
        let mut next = Some(first);
        while let Some(Append { public, private, done }) = next {
            let stored =
                begun.clone().and_then(|()| self.writer.stage(now_ms, (&public, private.as_deref())));
            waiting.push((done, stored));
            let has_room = waiting.len() < BATCH_RECORDS_MAX && self.writer.batch_bytes() < BATCH_BYTES_MAX;
            next = if has_room { self.receiver.try_recv().ok() } else { None };
        }
        begun.and_then(|()| self.writer.commit())
    }
}
