//! The engagement stream of a run: its lines, its state beside that of the posts, its records, its part of the summary.

use std::io::{self, Write};

use serde::Serialize;

use super::pipeline::Judged;
use super::run::RescanError;
use crate::emit::{write_decision, write_record};
use crate::engagement::{CohortRate, Counts};
use crate::engine::{Bundle, EventBatch, Ledger, LedgerReport, Notice, Shard, ShardError};
use crate::model::{EventLine, ItemError};

/// The state of all stages that have one.
#[derive(Debug)]
pub(super) struct Stateful {
    pub(super) shard: Shard,
    /// None until there is an event: runs over posts pay nothing for it.
    ledger: Option<Ledger>,
    /// Whether every record is asked for.
    all: bool,
}

impl Stateful {
    pub(super) fn new(bundle: &Bundle, all: bool) -> Self {
        Self { shard: Shard::new(bundle), ledger: None, all }
    }

    /// Takes the engagement stream of a chunk in.
    pub(super) fn observe(&mut self, bundle: &Bundle, events: &EventBatch) -> Vec<Notice> {
        if events.is_empty() {
            return Vec::new();
        }
        self.ledger.get_or_insert_with(|| Ledger::new(bundle)).observe(bundle, events, self.all)
    }

    /// Ends the stream: closes open hours and names rings.
    pub(super) fn finish(&mut self, bundle: &Bundle) -> Judged {
        let mut judged = Judged::default();
        let Some(ledger) = &mut self.ledger else { return judged };
        write_notices(ledger.finish(bundle, self.all), &mut judged);
        for ring in ledger.rings() {
            write_record(&ring, &mut judged.scores);
        }
        judged
    }

    pub(super) fn report(&self) -> Option<LedgerReport> {
        self.ledger.as_ref().map(Ledger::report)
    }

    pub(super) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let mut ledger = Vec::new();
        if let Some(full) = &self.ledger {
            full.write_to(&mut ledger)?;
        }
        out.write_all(&(ledger.len() as u64).to_le_bytes())?;
        out.write_all(&ledger)?;
        drop(ledger);
        self.shard.write_to(out)
    }

    pub(super) fn load(bundle: &Bundle, all: bool, bytes: &[u8]) -> Result<Self, RescanError> {
        let (ledger, shard) = parts(bytes)?;
        let ledger = if ledger.is_empty() { None } else { Some(Ledger::load(bundle, ledger)?) };
        Ok(Self { shard: Shard::load(shard)?, ledger, all })
    }
}

/// The saved ledger, empty for none, and the saved shard.
fn parts(bytes: &[u8]) -> Result<(&[u8], &[u8]), ShardError> {
    let (length, rest) = bytes.split_first_chunk().ok_or_else(ShardError::cut_off)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| ShardError::cut_off())?;
    rest.split_at_checked(length).ok_or_else(ShardError::cut_off)
}

/// The state of the posts in the snapshot of a run.
///
/// # Errors
/// The bytes are damaged or of another version.
pub fn shard_of_snapshot(bytes: &[u8]) -> Result<Shard, ShardError> {
    Shard::load(parts(bytes)?.1)
}

/// Reads a line of the engagement stream into a batch.
pub(super) fn read_event(bundle: &Bundle, line: &str, events: &mut EventBatch) -> Result<(), ItemError> {
    let line = EventLine::from_json(line)?;
    events.push(bundle.policy.engagement(), &line)
}

/// Puts records and decisions into words.
pub(super) fn write_notices(notices: Vec<Notice>, judged: &mut Judged) {
    for Notice { record, decision } in notices {
        write_record(&record, &mut judged.scores);
        if let Some(decision) = decision {
            write_decision(&decision, &mut judged.decisions);
        }
    }
}

/// The engagement stream in the summary of a run.
#[derive(Clone, Debug, Serialize)]
pub struct EngagementSummary {
    /// What became of the events: late ones, those far ahead, scored hours, alerts, what made room.
    #[serde(flatten)]
    pub counts: Counts,
    /// Decisions on targets.
    pub decisions: u64,
    /// Decisions that take an earlier one back, because the whole hour gives no alert.
    pub withdrawals: u64,
    /// The share of target-hours that should reach their threshold.
    pub requested_rate: f64,
    /// The share that did, over all cohorts.
    pub realised_rate: f64,
    /// The same per cohort, with its threshold.
    pub cohorts: Vec<CohortRate>,
    /// Bytes of the tables.
    pub memory_bytes: usize,
}

impl EngagementSummary {
    /// The summary of a report.
    pub fn of(report: &LedgerReport) -> Self {
        let rates = &report.rates;
        let rows: u64 = rates.iter().map(|cohort| cohort.rows).sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people; counts stay far below 2^52")]
        let mean = |rate: fn(&CohortRate) -> f64| {
            rates.iter().map(|cohort| rate(cohort) * cohort.rows as f64).sum::<f64>() / (rows.max(1) as f64)
        };
        Self {
            counts: report.counts,
            decisions: report.decisions,
            withdrawals: report.withdrawals,
            requested_rate: mean(|cohort| cohort.requested_rate),
            realised_rate: mean(|cohort| cohort.realised_rate),
            cohorts: rates.clone(),
            memory_bytes: report.memory_bytes,
        }
    }
}
