//! A target's hour as it leaves: the score record, which a complaint can be judged by without anything else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engagement::{
    Cohort, Family, History, Reason, Ring, Score, Signal, TargetKind, Without, recompute, recompute_alert,
};
use crate::model::Versions;

/// One target's hour in the stable interface. Its score and its alert follow from the numbers in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "answers of a record, each with its key in the interface")]
pub struct ScoreRecord {
    /// Always `engagement_score`.
    #[serde(rename = "type")]
    pub record: String,
    /// The target's id, as it came.
    pub target: String,
    /// Its kind.
    pub target_kind: TargetKind,
    /// Start of the hour, RFC 3339.
    pub hour: String,
    /// Newest event time when this was written, RFC 3339.
    pub at: String,
    /// Whether the hour is over; else a later record may say something else.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Events of the hour.
    pub events: u32,
    /// Sum of capped, weighted evidence. A rank, no probability.
    pub score: f64,
    /// What an alert needs at least.
    pub threshold: f64,
    /// Whether people should look.
    pub alert: bool,
    /// Number of independent families that speak.
    pub families: usize,
    /// Which.
    pub family_names: Vec<Family>,
    /// Whether a burst corroborates.
    pub burst: bool,
    /// What was seen, of how many, what was expected.
    pub signals: Vec<Signal>,
    /// Accounts that carry most of the evidence, by the platform's ids.
    pub actors: Vec<String>,
    /// What each of them carries.
    pub actor_shares: Vec<ActorShare>,
    /// Marked actions by others.
    pub marked_others: u32,
    /// The other target with most accounts in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub co_target: Option<CoTargetRecord>,
    /// Whether the hour was kept out of what later hours are compared with.
    pub baseline_guarded: bool,
    /// Whether there was a past to compare with.
    pub history: History,
    /// What it was compared with.
    pub cohort: Cohort,
    /// Share of the cohort's hours that should reach the threshold.
    pub requested_rate: f64,
    /// Share that did so far.
    pub realised_rate: f64,
    /// What operators had registered for this time.
    pub registered: Vec<Reason>,
    /// What the score would be without each family that speaks.
    pub counterfactual: BTreeMap<Family, Remainder>,
    /// Hash of the detector's configuration, hexadecimal.
    pub config: String,
    /// What judged.
    pub versions: Versions,
}

/// What one listed account carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActorShare {
    /// Its share of the marked actions of the hour.
    pub share: f64,
    /// The families that its actions carry marks of.
    pub families: Vec<Family>,
}

/// The other target with most accounts in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoTargetRecord {
    /// Its id.
    pub target: String,
    /// Accounts that acted on both.
    pub actors: u32,
    /// How many chance would give.
    pub expected: f64,
}

/// What remains without a family.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remainder {
    /// The score.
    pub score: f64,
    /// Whether there would be an alert.
    pub alert: bool,
}

/// Accounts that go from target to target together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingRecord {
    /// Always `engagement_ring`.
    #[serde(rename = "type")]
    pub record: String,
    /// Ids of the accounts, each with the number of the ring's targets that it acted on.
    pub actors: Vec<(String, u32)>,
    /// Ids of the targets, each with the number of the ring's accounts that acted on it.
    pub targets: Vec<(String, u32)>,
    /// First action, RFC 3339.
    pub from: String,
    /// Last action, RFC 3339.
    pub to: String,
}

/// Whether a record says what follows from its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replay {
    /// The score that follows.
    pub score: f64,
    /// The alert that follows.
    pub alert: bool,
    /// Whether both are those of the record, the score bit for bit.
    pub matches: bool,
}

impl ScoreRecord {
    /// The record of a score; `name_of` gives the id behind a key.
    pub fn of(score: &Score, name_of: impl Fn(u64) -> String, versions: &Versions) -> Self {
        let remainder = |without: &Without| Remainder { score: without.score, alert: without.alert };
        Self {
            record: "engagement_score".to_owned(),
            target: name_of(score.target),
            target_kind: score.target_kind,
            hour: time_of(score.hour_s),
            at: time_of(score.at_s),
            is_final: score.is_final,
            events: score.events,
            score: score.score,
            threshold: score.threshold,
            alert: score.alert,
            families: score.families.len(),
            family_names: score.families.clone(),
            burst: score.burst,
            signals: score.signals.clone(),
            actors: score.actors.iter().map(|actor| name_of(actor.actor)).collect(),
            actor_shares: score
                .actors
                .iter()
                .map(|actor| ActorShare { share: actor.share, families: actor.marks.families() })
                .collect(),
            marked_others: score.marked_others,
            co_target: score.co_target.map(|other| CoTargetRecord {
                target: name_of(other.target),
                actors: other.actors,
                expected: other.expected,
            }),
            baseline_guarded: score.baseline_guarded,
            history: score.history,
            cohort: score.cohort,
            requested_rate: score.requested_rate,
            realised_rate: score.realised_rate,
            registered: score.registered.clone(),
            counterfactual: score.counterfactual.iter().map(|w| (w.family, remainder(w))).collect(),
            config: format!("{:016x}", score.config),
            versions: versions.clone(),
        }
    }

    /// Computes score and alert again from the numbers in the record alone. O(signals · √n).
    pub fn replay(&self) -> Replay {
        let score = Score {
            target: 0,
            target_kind: self.target_kind,
            hour_s: 0,
            at_s: 0,
            is_final: self.is_final,
            events: self.events,
            score: self.score,
            threshold: self.threshold,
            alert: self.alert,
            families: self.family_names.clone(),
            burst: self.burst,
            signals: self.signals.clone(),
            actors: Vec::new(),
            marked_others: self.marked_others,
            co_target: None,
            baseline_guarded: self.baseline_guarded,
            history: self.history,
            cohort: self.cohort,
            requested_rate: self.requested_rate,
            realised_rate: self.realised_rate,
            registered: self.registered.clone(),
            counterfactual: Vec::new(),
            config: 0,
        };
        let (found, alert) = (recompute(&score), recompute_alert(&score));
        let evidence_holds =
            self.signals.iter().all(|signal| signal.recompute().to_bits() == signal.evidence.to_bits());
        let matches = evidence_holds && found.to_bits() == self.score.to_bits() && alert == self.alert;
        Replay { score: found, alert, matches }
    }
}

impl RingRecord {
    /// The record of a ring.
    pub fn of(ring: &Ring, name_of: impl Fn(u64) -> String) -> Self {
        let named = |keys: &[(u64, u32)]| keys.iter().map(|(key, count)| (name_of(*key), *count)).collect();
        Self {
            record: "engagement_ring".to_owned(),
            actors: named(&ring.actors),
            targets: named(&ring.targets),
            from: time_of(ring.from_s),
            to: time_of(ring.to_s),
        }
    }
}

/// Seconds since 1970 as RFC 3339.
pub(super) fn time_of(seconds: u32) -> String {
    jiff::Timestamp::from_second(i64::from(seconds)).map_or_else(|_| String::new(), |time| time.to_string())
}
