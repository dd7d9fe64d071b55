//! The stateful stage of the engagement stream: detector, names, and what was said of hours that are not over.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::bundle::Bundle;
use super::events::{EventBatch, Other};
use super::names::NameTable;
use crate::decide::{RingRecord, ScoreRecord, Standing, Statement, alert, withdrawal};
use crate::engagement::{CohortRate, Counts, Detector, Score};
use crate::model::Decision;

/// The state of the engagement stream. One owner; batches come in the order of the input.
#[derive(Debug)]
pub struct Ledger {
    detector: Detector,
    names: NameTable,
    /// Alerts on hours that are not over: start of the hour and key of the target.
    statements: BTreeMap<(u32, u64), Statement>,
    /// Decisions on targets, and those that take one back.
    decisions: u64,
    withdrawals: u64,
    scores: Vec<Score>,
}

/// What the stage says: a score record to write, a decision, or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The record.
    pub record: ScoreRecord,
    /// The decision that follows from it.
    pub decision: Option<Decision>,
}

/// What became of the engagement stream.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerReport {
    /// The detector's own counts.
    pub counts: Counts,
    /// Thresholds and rates per cohort.
    pub rates: Vec<CohortRate>,
    /// Decisions on targets.
    pub decisions: u64,
    /// Decisions that take an earlier one back.
    pub withdrawals: u64,
    /// Bytes of the tables.
    pub memory_bytes: usize,
}

/// Statements are kept for so long at most, in seconds: an hour, the lateness, and some.
const STATEMENT_AGE_MAX_S: u32 = 3 * 3600;

/// Why a saved ledger cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the saved state of the engagement stream cannot be used: {0}")]
pub struct LedgerError(String);

impl Ledger {
    /// An empty ledger with the limits of the policy.
    pub fn new(bundle: &Bundle) -> Self {
        let policy = bundle.policy.engagement();
        Self {
            detector: Detector::new(policy.config.clone()),
            names: NameTable::new(policy.names_bytes_max),
            statements: BTreeMap::new(),
            decisions: 0,
            withdrawals: 0,
            scores: Vec::new(),
        }
    }

    /// Takes a batch in. `all` asks for every record, else only those of alerts and within reach of one are given.
    pub fn observe(&mut self, bundle: &Bundle, batch: &EventBatch, all: bool) -> Vec<Notice> {
        for (key, id) in batch.names() {
            self.names.insert(key, id);
        }
        let mut done = 0;
        for (before, other) in &batch.others {
            self.detector.observe(&batch.events[done..*before], &mut self.scores);
            done = *before;
            match other {
                Other::FollowerCount(sample) => self.detector.follower_count(*sample, &mut self.scores),
                Other::Window(window) => {
                    // A refused one is among the detector's counts.
                    self.detector.register(*window);
                }
            }
        }
        self.detector.observe(&batch.events[done..], &mut self.scores);
        self.notices(bundle, all)
    }

    /// Tells the stream that time has come to `time_s`, in seconds since 1970, although no event says so. Before the first event it has
    /// no time, and nothing happens.
    pub fn advance(&mut self, bundle: &Bundle, time_s: u32, all: bool) -> Vec<Notice> {
        if self.detector.newest_s() > 0 {
            self.detector.advance(time_s, &mut self.scores);
        }
        self.notices(bundle, all)
    }

    /// Newest time of the stream that is believed, in seconds since 1970; 0 before the first event.
    pub fn newest_s(&self) -> u32 {
        self.detector.newest_s()
    }

    /// Ends the stream: what waits is counted, open hours are closed.
    pub fn finish(&mut self, bundle: &Bundle, all: bool) -> Vec<Notice> {
        self.detector.finish(&mut self.scores);
        self.notices(bundle, all)
    }

    /// Accounts that went from target to target together during the last day or so.
    pub fn rings(&self) -> Vec<RingRecord> {
        self.detector.rings().iter().map(|ring| RingRecord::of(ring, |key| self.names.name(key))).collect()
    }

    /// What became of the stream so far.
    pub fn report(&self) -> LedgerReport {
        LedgerReport {
            counts: self.detector.counts(),
            rates: self.detector.rates(),
            decisions: self.decisions,
            withdrawals: self.withdrawals,
            memory_bytes: self.detector.memory_bytes() + self.names.memory_bytes(),
        }
    }

    fn notices(&mut self, bundle: &Bundle, all: bool) -> Vec<Notice> {
        let standing = bundle.standing();
        let reach = bundle.policy.engagement().reach;
        let scores = std::mem::take(&mut self.scores);
        let mut notices = Vec::new();
        for score in &scores {
            let earlier = self.statements.get(&(score.hour_s, score.target));
            let is_written =
                all || score.alert || earlier.is_some() || score.score >= reach * score.threshold;
            if !is_written {
                continue;
            }
            let record = ScoreRecord::of(score, |key| self.names.name(key), bundle.versions());
            let decision = self.decide(standing, score, &record);
            notices.push(Notice { record, decision });
        }
        self.scores = scores;
        self.scores.clear();
        notices
    }

    /// The decision that a record leads to, beside what was said of the hour before.
    fn decide(&mut self, standing: Standing<'_>, score: &Score, record: &ScoreRecord) -> Option<Decision> {
        let key = (score.hour_s, score.target);
        let earlier = self.statements.get(&key);
        let decision = match earlier {
            Some(earlier) if score.is_final && !score.alert => Some(withdrawal(standing, record, earlier)),
            _ if score.alert => alert(standing, record, earlier),
            _ => None,
        };
        self.decisions += u64::from(decision.is_some());
        let is_withdrawn =
            decision.as_ref().is_some_and(|d| d.follow_up.as_ref().is_some_and(|f| f.withdraws));
        self.withdrawals += u64::from(is_withdrawn);
        if score.is_final {
            self.statements.remove(&key);
        } else if let (Some(decision), true) = (&decision, score.alert) {
            let mut families =
                self.statements.remove(&key).map(|earlier| earlier.families).unwrap_or_default();
            families.extend(&score.families);
            families.sort_unstable();
            families.dedup();
            self.statements.insert(key, Statement { families, verdict: decision.verdict });
            // A target that was forgotten never closes its hour.
            let oldest = score.at_s.saturating_sub(STATEMENT_AGE_MAX_S);
            while self.statements.first_key_value().is_some_and(|((hour, _), _)| *hour < oldest) {
                self.statements.pop_first();
            }
        }
        decision
    }

    /// Writes the whole state, for [`Self::load`]; the caller guards it against damage.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let detector = self.detector.save().map_err(io::Error::other)?;
        out.write_all(&(detector.len() as u64).to_le_bytes())?;
        out.write_all(&detector)?;
        self.names.write_to(out)?;
        for number in [self.decisions, self.withdrawals] {
            out.write_all(&number.to_le_bytes())?;
        }
        postcard::to_io(&self.statements, out).map(|_| ()).map_err(io::Error::other)
    }

    /// A ledger that goes on where the saved one stood, with the same scores.
    ///
    /// # Errors
    /// The bytes are damaged, of another version or of another policy.
    pub fn load(bundle: &Bundle, bytes: &[u8]) -> Result<Self, LedgerError> {
        let policy = bundle.policy.engagement();
        let cut_off = || LedgerError("it is cut off".to_owned());
        let (length, rest) = bytes.split_first_chunk().ok_or_else(cut_off)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut_off())?;
        let (detector, mut rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        let detector =
            Detector::load(policy.config.clone(), detector).map_err(|e| LedgerError(e.to_string()))?;
        let names = NameTable::load(policy.names_bytes_max, &mut rest)
            .ok_or_else(|| LedgerError("its names are cut off or of another policy".to_owned()))?;
        let (decisions, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
        let (withdrawals, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
        let statements = postcard::from_bytes(rest).map_err(|e| LedgerError(e.to_string()))?;
        Ok(Self {
            detector,
            names,
            statements,
            decisions: u64::from_le_bytes(*decisions),
            withdrawals: u64::from_le_bytes(*withdrawals),
            scores: Vec::new(),
        })
    }
}
