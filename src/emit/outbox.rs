//! From the log to those who act on decisions: in the order of the log, at least once.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::lag::SinkLag;
use crate::model::{Decision, Verdict};
use crate::store::entry::{Entry, Review};
use crate::store::log::{LogError, Position, Reader};

/// Which decisions a sink gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that change something: verdicts other than `pass`, proposals, what takes such a decision back, what people decided.
    Flagged,
    /// All.
    All,
}

/// One decision on its way out. It has no word of the author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The decision's id, by which a receiver knows what it has had already.
    pub id: String,
    /// The author's account; events of one account keep their order.
    pub account: String,
    /// Number of the record.
    pub sequence: u64,
    /// When it was written, milliseconds since 1970.
    pub time_ms: i64,
    /// Behind the record.
    pub end: Position,
    /// The event as JSON.
    pub body: Vec<u8>,
}

/// The body of an event.
#[derive(Debug, Serialize)]
struct Body<'a> {
    id: &'a str,
    sequence: u64,
    time_ms: i64,
    account: &'a str,
    decision: &'a Decision,
    /// Which decision a person has looked at, and why this one holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<&'a Review>,
}

/// Reads the events of a log as they become durable.
#[derive(Debug)]
pub struct Outbox {
    reader: Reader,
    durable: watch::Receiver<Position>,
    which: Which,
}

/// What came next.
#[derive(Debug)]
pub enum Next {
    /// A decision.
    Event(Event),
    /// Nothing more for now.
    Idle,
    /// The log has been closed.
    Closed,
}

impl Outbox {
    /// The events from a place on. `durable` tells how far the log is on the disk.
    pub fn at(dir: &Path, position: Position, durable: watch::Receiver<Position>, which: Which) -> Self {
        Self { reader: Reader::at(dir, position), durable, which }
    }

    /// How far the log has been read.
    pub fn position(&self) -> Position {
        self.reader.position()
    }

    /// The next event that is on the disk. Does not wait. Damaged places are passed over; `qingliu log --verify` names them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn poll(&mut self) -> Result<Next, LogError> {
        let is_closed = self.durable.has_changed().is_err();
        let limit = *self.durable.borrow_and_update();
        loop {
            let found = match self.reader.read_until(limit) {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(if is_closed { Next::Closed } else { Next::Idle }),
                Err(LogError::Damaged(_)) => continue,
                Err(e) => return Err(e),
            };
            let (entry, review) = match serde_json::from_slice(&found.record.public) {
                Ok(Entry::Decision(entry)) => (*entry, None),
                Ok(Entry::Outcome(outcome)) => (outcome.entry, Some(outcome.review)),
                _ => continue,
            };
            let decision = &entry.decision;
            if self.which == Which::Flagged && !changes_something(decision) && review.is_none() {
                continue;
            }
            let (sequence, time_ms) = (found.record.sequence, found.record.time_ms);
            let (id, account, review) = (&entry.id, &entry.account, review.as_ref());
            let body = Body { id, sequence, time_ms, account, decision, review };
            // Our own types have string keys and finite numbers: this does not fail.
            let body = serde_json::to_vec(&body).unwrap_or_default();
            return Ok(Next::Event(Event {
                id: entry.id,
                account: entry.account,
                sequence,
                time_ms,
                end: found.end,
                body,
            }));
        }
    }

    /// Waits until more of the log is on the disk, or it has been closed.
    pub async fn wait(&mut self) {
        // An error says that the log has been closed, which `poll` tells.
        let _ = self.durable.changed().await;
    }
}

/// Whether somebody has to act on a decision: it holds something back, proposes something, or takes such a decision back.
fn changes_something(decision: &Decision) -> bool {
    let withdraws = decision.follow_up.as_ref().is_some_and(|follow_up| follow_up.withdraws);
    decision.verdict != Verdict::Pass || !decision.proposals.is_empty() || withdraws
}

/// How far a sink has come: a small file that is replaced whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(PathBuf);

impl Cursor {
    /// The cursor of a sink.
    pub fn new(dir: &Path, sink: &str) -> Self {
        Self(dir.join(format!("{sink}.cursor")))
    }

    /// Reads it; nothing if there is none yet.
    ///
    /// # Errors
    /// It cannot be read or is damaged.
    pub fn read<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        match fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Writes it, so that after a crash the old or the new one is there.
    ///
    /// # Errors
    /// The disk is full …
    pub fn write<T: Serialize>(&self, state: &T) -> io::Result<()> {
        if let Some(dir) = self.0.parent() {
            fs::create_dir_all(dir)?;
        }
        let temporary = self.0.with_extension("cursor.new");
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(state)?)?;
        file.sync_data()?;
        fs::rename(&temporary, &self.0)
    }
}

/// Decisions as lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonlSink {
    /// The file; `.zst` and `.gz` are compressed.
    pub path: PathBuf,
    /// Which decisions.
    pub which: Which,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct JsonlCursor {
    position: Position,
    bytes: u64,
}

/// Lines that are committed together, at most.
const JSONL_BATCH_MAX: usize = 1000;

/// Writes events to a file until the log is closed: each once, whatever happens in between, since the file is cut back to
/// what the cursor knows.
///
/// # Errors
/// The file cannot be written, or is shorter than the cursor says.
pub async fn run_jsonl(
    sink: JsonlSink,
    (log, state): (&Path, &Path),
    durable: watch::Receiver<Position>,
    lag: &SinkLag,
) -> io::Result<()> {
    let cursor = Cursor::new(state, "jsonl");
    let from: JsonlCursor = cursor.read()?.unwrap_or_default();
    let mut output = crate::store::Output::open(&sink.path)?;
    output.restart_at(from.bytes)?;
    let mut outbox = Outbox::at(log, from.position, durable, sink.which);
    let (mut lines, mut oldest_ms) = (0, None);
    loop {
        let next = outbox.poll().map_err(io::Error::other)?;
        if let Next::Event(event) = &next {
            output.write(&event.body)?;
            output.write(b"\n")?;
            lines += 1;
            oldest_ms = oldest_ms.or(Some(event.time_ms));
        }
        let is_idle = !matches!(next, Next::Event(_));
        if lines > 0 && (is_idle || lines >= JSONL_BATCH_MAX) {
            let bytes = output.commit()?;
            cursor.write(&JsonlCursor { position: outbox.position(), bytes })?;
            (lines, oldest_ms) = (0, None);
        }
        lag.set(oldest_ms, lines);
        match next {
            Next::Event(_) => {}
            Next::Idle => outbox.wait().await,
            Next::Closed => return Ok(()),
        }
    }
}
