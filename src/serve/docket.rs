//! Appeals that wait for an answer, by when they are due.
//!
//! The log has them all. What waits is noted now and then beside how far the log had come, so that a start need not read the log from
//! its beginning; a note that is lost costs only that.

use std::collections::{BTreeSet, HashMap};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::judge::{hex, unhex};
use super::options::ServeOptions;
use super::problem::{Problem, ProblemCode};
use super::service::Service;
use super::upkeep::DAY_MS;
use crate::emit::Cursor;
use crate::store::entry::Entry;
use crate::store::find::Id;
use crate::store::log::{Found, LogError, Position, Reader};
use crate::telemetry::Clock;

/// Most appeals that wait at once.
const WAITING_MAX: usize = 1_000_000;
/// How records begin that an appeal is made or answered by.
const KINDS: [&[u8]; 2] = [br#"{"kind":"appeal""#, br#"{"kind":"outcome""#];

/// An appeal that waits. Made first, answered first where nothing is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    /// When it is due, or was made where nothing was promised; milliseconds since 1970.
    rank_ms: i64,
    made_ms: i64,
    /// The decision that is objected to. There is one appeal of each.
    decision: Id,
    is_promised: bool,
}

impl Waiting {
    fn new(decision: Id, made_ms: i64, due_ms: Option<i64>) -> Self {
        Self { rank_ms: due_ms.unwrap_or(made_ms), made_ms, decision, is_promised: due_ms.is_some() }
    }

    pub(super) fn decision(&self) -> String {
        hex(&self.decision)
    }

    pub(super) fn made_ms(&self) -> i64 {
        self.made_ms
    }

    pub(super) fn due_ms(&self) -> Option<i64> {
        self.is_promised.then_some(self.rank_ms)
    }

    pub(super) fn is_overdue(&self, now_ms: i64) -> bool {
        self.due_ms().is_some_and(|due_ms| due_ms < now_ms)
    }
}

/// What is noted.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Noted {
    /// How far the log was read.
    through: Position,
    /// Decision, when the appeal was made, and when it is due.
    waiting: Vec<(String, i64, Option<i64>)>,
}

/// All appeals that wait. Adding and answering one takes O(log of them).
#[derive(Debug)]
pub(super) struct Docket {
    by_rank: BTreeSet<Waiting>,
    by_decision: HashMap<Id, Waiting>,
    /// How far the log had come at the last note.
    noted: Position,
    /// Appeals of records that the log no longer has cannot be answered.
    retain_ms: i64,
}

impl Docket {
    /// What was noted, and what the log says since. O(records since).
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn open(options: &ServeOptions) -> Result<Self, LogError> {
        let mut docket = Self {
            by_rank: BTreeSet::new(),
            by_decision: HashMap::new(),
            noted: Position::default(),
            retain_ms: i64::from(options.log.retain_days).saturating_mul(DAY_MS),
        };
        // Without a note the whole log is read.
        let noted: Noted = cursor(options).read().ok().flatten().unwrap_or_default();
        for (decision, made_ms, due_ms) in noted.waiting {
            docket.add(&decision, made_ms, due_ms);
        }
        docket.read_on(Reader::at(&options.log.dir, noted.through))?;
        Ok(docket)
    }

    fn read_on(&mut self, mut reader: Reader) -> Result<(), LogError> {
        while let Some(Found { record, .. }) = reader.read_whole()? {
            // Most records are decisions, which need not be read for this.
            if !KINDS.iter().any(|kind| record.public.starts_with(kind)) {
                continue;
            }
            match Entry::read(&record) {
                Ok((Entry::Appeal(appeal), _)) => self.add(&appeal.decision, record.time_ms, appeal.due_ms),
                Ok((Entry::Outcome(outcome), _)) => self.answer(&outcome.review.of),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there is room for one more.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn check_room(&self) -> Result<(), Problem> {
        if self.by_rank.len() < WAITING_MAX {
            return Ok(());
        }
        let detail = format!("appeals_waiting_max: {WAITING_MAX} appeals wait for an answer");
        Err(Problem::new(ProblemCode::Overloaded, detail))
    }

    /// An appeal is in the log.
    pub(super) fn add(&mut self, decision: &str, made_ms: i64, due_ms: Option<i64>) {
        let Some(decision) = unhex(decision) else { return };
        let waiting = Waiting::new(decision, made_ms, due_ms);
        if let Some(before) = self.by_decision.insert(decision, waiting) {
            self.by_rank.remove(&before);
        }
        self.by_rank.insert(waiting);
    }

    /// The outcome of a decision is in the log.
    pub(super) fn answer(&mut self, decision: &str) {
        if let Some(waiting) = unhex(decision).and_then(|decision| self.by_decision.remove(&decision)) {
            self.by_rank.remove(&waiting);
        }
    }

    /// Those that wait, due first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.by_rank.iter()
    }

    /// How many wait, and how many of them are overdue. O(those that should have been answered).
    pub(super) fn counts(&self, now_ms: i64) -> [usize; 2] {
        let late = self.by_rank.iter().take_while(|waiting| waiting.rank_ms < now_ms);
        [self.by_rank.len(), late.filter(|waiting| waiting.is_overdue(now_ms)).count()]
    }

    /// Drops what the log no longer has, and says what is to be noted once it has come to `through`, before which it holds no appeal and no
    /// outcome that is not known here.
    fn drop_and_note(&mut self, through: Position, now_ms: i64) -> Noted {
        let oldest_ms = now_ms.saturating_sub(self.retain_ms);
        self.by_rank.retain(|waiting| waiting.made_ms >= oldest_ms);
        self.by_decision.retain(|_, waiting| waiting.made_ms >= oldest_ms);
        let row = |waiting: &Waiting| (waiting.decision(), waiting.made_ms, waiting.due_ms());
        Noted { through, waiting: self.by_rank.iter().map(row).collect() }
    }
}

impl Service {
    /// Notes which appeals wait, unless the log stands still. What fails is tried again the next time: without a note, a start reads
    /// more of the log.
    pub(super) fn note_docket(&self) {
        // Nobody puts an appeal or an outcome into the log meanwhile.
        let _turn = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let through = *self.log().durable().borrow();
        if self.docket().noted == through {
            return;
        }
        let noted = self.docket().drop_and_note(through, Clock::now_ms());
        if cursor(self.options()).write(&noted).is_ok() {
            self.docket().noted = through;
        }
    }
}

fn cursor(options: &ServeOptions) -> Cursor {
    Cursor::new(&options.data_dir, "appeals")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docket() -> Docket {
        let (by_rank, by_decision) = (BTreeSet::new(), HashMap::new());
        Docket { by_rank, by_decision, noted: Position::default(), retain_ms: 1000 }
    }

    fn id(number: u8) -> String {
        hex(&[number; 16])
    }

    #[test]
    fn what_is_due_first_stands_first_and_what_is_promised_nothing_is_never_overdue() {
        let mut docket = docket();
        docket.add(&id(1), 0, Some(300));
        docket.add(&id(2), 10, Some(100));
        docket.add(&id(3), 50, None);
        let order: Vec<String> = docket.waiting().map(Waiting::decision).collect();
        assert_eq!(order, [id(3), id(2), id(1)]);
        assert_eq!((docket.counts(100), docket.counts(101), docket.counts(301)), ([3, 0], [3, 1], [3, 2]));
        docket.answer(&id(2));
        docket.answer(&id(9));
        docket.answer("no id");
        assert_eq!(docket.counts(301), [2, 1]);
    }

    #[test]
    fn an_appeal_that_is_read_twice_waits_once() {
        let mut docket = docket();
        docket.add(&id(1), 0, Some(300));
        docket.add(&id(1), 5, Some(200));
        assert_eq!((docket.counts(0), docket.counts(201)), ([1, 0], [1, 1]));
        docket.answer(&id(1));
        assert_eq!(docket.counts(400), [0, 0]);
    }

    #[test]
    fn what_the_log_no_longer_has_is_dropped_with_the_next_note() {
        let mut docket = docket();
        docket.add(&id(1), 0, Some(300));
        docket.add(&id(2), 900, Some(100));
        let noted = docket.drop_and_note(Position { segment: 1, offset: 7 }, 1500);
        assert_eq!(noted.waiting, [(id(2), 900, Some(100))]);
        assert_eq!(docket.counts(2000), [1, 1]);
    }
}
