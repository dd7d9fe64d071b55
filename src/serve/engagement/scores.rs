//! The last scores of targets, for people who ask.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decide::ScoreRecord;

/// Records that are kept, of all targets: alerts, and scores within reach of one. Some two kilobytes each.
const RECORDS_MAX: usize = 20_000;
/// Records of one target.
const RECORDS_OF_TARGET_MAX: usize = 48;

/// A score record and what followed from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TargetScore {
    /// The record, as `rescan --scores` writes it.
    #[schema(value_type = Object)]
    pub record: ScoreRecord,
    /// Id of the decision that follows from it; absent where nothing new was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

/// The last scores of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TargetScores {
    /// The target's id.
    pub target: String,
    /// Its scores, newest first; those of a post and of an account with one id stand beside each other.
    pub scores: Vec<TargetScore>,
}

/// Scores by target. What came first is forgotten first.
#[derive(Debug, Default)]
pub(super) struct Scores {
    by_target: HashMap<String, VecDeque<TargetScore>>,
    /// Targets in the order of their records.
    order: VecDeque<String>,
}

impl Scores {
    /// Remembers a record. O(1).
    pub(super) fn insert(&mut self, score: TargetScore) {
        let target = score.record.target.clone();
        let own = self.by_target.entry(target.clone()).or_default();
        own.push_back(score);
        if own.len() > RECORDS_OF_TARGET_MAX {
            own.pop_front();
        } else {
            self.order.push_back(target);
        }
        while self.order.len() > RECORDS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(own) = self.by_target.get_mut(&oldest) {
                own.pop_front();
                if own.is_empty() {
                    self.by_target.remove(&oldest);
                }
            }
        }
    }

    /// The scores of a target, newest first; none where nothing is known.
    pub(super) fn of(&self, target: &str) -> Option<TargetScores> {
        let own = self.by_target.get(target)?;
        Some(TargetScores { target: target.to_owned(), scores: own.iter().rev().cloned().collect() })
    }

    /// All of them, so that inserting them in this order gives the same again.
    pub(super) fn all(&self) -> Vec<&TargetScore> {
        let mut next: HashMap<&str, usize> = HashMap::new();
        let mut all = Vec::with_capacity(self.order.len());
        for target in &self.order {
            let place = next.entry(target).or_default();
            all.extend(self.by_target.get(target).and_then(|own| own.get(*place)));
            *place += 1;
        }
        all
    }
}
