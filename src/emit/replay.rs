//! Events that could not be delivered: put aside in a file, taken back at the next start, the oldest first.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::outbox::Event;
use crate::store::log::Position;
use crate::telemetry::Clock;

/// Most events that are taken back from the file of those put aside.
const REPLAY_EVENTS_MAX: usize = 1_000_000;

/// An event that was put aside.
#[derive(Debug, Serialize, Deserialize)]
struct Dead {
    id: String,
    account: String,
    sequence: u64,
    error: String,
    body: String,
}

/// Adds an event to the file of those put aside. When it returns, it is on the disk.
pub(super) fn put_aside(dead: &Path, event: &Event, error: &str) -> io::Result<()> {
    let Event { id, account, sequence, body, .. } = event.clone();
    let body = String::from_utf8(body).map_err(io::Error::other)?;
    let mut line = serde_json::to_vec(&Dead { id, account, sequence, error: error.to_owned(), body })?;
    line.push(b'\n');
    let mut file = File::options().create(true).append(true).open(dead)?;
    file.write_all(&line)?;
    file.sync_data()
}

/// Events of an earlier run that were put aside.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) events: VecDeque<Event>,
    /// Holds them until all have been tried.
    file: Option<PathBuf>,
}

impl Replay {
    /// Takes the file of events put aside, if there is one, in the order of the log, each event once.
    pub(super) fn begin(state: &Path, dead: &Path) -> io::Result<Self> {
        let file = state.join("webhook.replay.jsonl");
        if dead.exists() {
            if file.exists() {
                // A crash in the middle of a replay: what was put aside in it must not be overtaken by what comes later.
                join(&file, dead)?;
            } else {
                fs::rename(dead, &file)?;
            }
        }
        if !file.exists() {
            return Ok(Self { events: VecDeque::new(), file: None });
        }
        // When they were written is not known any more: they count as old as this start.
        let time_ms = Clock::now_ms();
        let mut events = Vec::new();
        for line in BufReader::new(File::open(&file)?).split(b'\n').take(REPLAY_EVENTS_MAX) {
            // A line that was cut off by a crash, in the middle of a character even, belongs to an event that the cursor has
            // not passed.
            let Ok(dead) = serde_json::from_slice::<Dead>(&line?) else { continue };
            let Dead { id, account, sequence, body, .. } = dead;
            let (end, body) = (Position::default(), body.into_bytes());
            events.push(Event { id, account, sequence, time_ms, end, body });
        }
        events.sort_by_key(|event| event.sequence);
        events.dedup_by_key(|event| event.sequence);
        Ok(Self { events: events.into(), file: Some(file) })
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), fs::remove_file)
    }
}

/// Moves the lines of one file to the end of another. After a crash they may be in both.
fn join(file: &Path, more: &Path) -> io::Result<()> {
    let mut out = File::options().append(true).open(file)?;
    // The last line may have been cut off.
    out.write_all(b"\n")?;
    io::copy(&mut File::open(more)?, &mut out)?;
    out.sync_data()?;
    fs::remove_file(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sequence: u64) -> Event {
        let (id, account, end) = (format!("e{sequence}"), "a".to_owned(), Position::default());
        Event { id, account, sequence, time_ms: 0, end, body: b"{}".to_vec() }
    }

    #[test]
    fn what_was_put_aside_in_a_replay_that_a_crash_ended_comes_before_what_is_newer() {
        let dir = tempfile::tempdir().unwrap();
        let dead = dir.path().join("webhook.dead.jsonl");
        for sequence in [1, 4] {
            put_aside(&dead, &event(sequence), "no").unwrap();
        }
        let first = Replay::begin(dir.path(), &dead).unwrap();
        assert_eq!(first.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 4]);
        // The crash: nothing is ended, one event was put aside again and a line was cut off.
        for sequence in [1, 7] {
            put_aside(&dead, &event(sequence), "no").unwrap();
        }
        let mut file = File::options().append(true).open(dir.path().join("webhook.replay.jsonl")).unwrap();
        file.write_all(b"{\"id\":\"\xe7\x9c").unwrap();
        let mut second = Replay::begin(dir.path(), &dead).unwrap();
        assert_eq!(second.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 4, 7]);
        assert!(!dead.exists());
        second.end().unwrap();
        assert!(Replay::begin(dir.path(), &dead).unwrap().events.is_empty());
    }
}
