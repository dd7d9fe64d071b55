//! Counts of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scores::EngagementSummary;
use crate::model::Verdict;

/// What a run, or a part of it, has done. Adding parts in any order gives the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Items judged.
    pub items: u64,
    /// Lines that were not items.
    pub rejected: u64,
    /// Bytes of text in the items.
    pub text_bytes: u64,
    /// Items per verdict, in the order of [`Verdict::ALL`].
    pub verdicts: [u64; 4],
    /// Items other than `pass` per top label.
    pub labels: BTreeMap<String, u64>,
    /// Decisions whose verdict or top label differs from an older run, when one was given; of those beside others the last of an item.
    pub changed: u64,
    /// Decisions that stand beside those on earlier items.
    #[serde(default)]
    pub follow_ups: u64,
    /// Items that came too late, in event time, to be kept for later ones.
    #[serde(default)]
    pub late: u64,
    /// Events of the engagement stream.
    #[serde(default)]
    pub events: u64,
    /// Follower counts and registered windows.
    #[serde(default)]
    pub engagement_records: u64,
}

impl Tally {
    /// Counts an item under its top label.
    pub(super) fn count_label(&mut self, label: &str) {
        match self.labels.get_mut(label) {
            Some(count) => *count += 1,
            None => {
                self.labels.insert(label.to_owned(), 1);
            }
        }
    }

    /// Adds another part.
    pub fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.rejected += other.rejected;
        self.text_bytes += other.text_bytes;
        self.changed += other.changed;
        self.follow_ups += other.follow_ups;
        self.late += other.late;
        self.events += other.events;
        self.engagement_records += other.engagement_records;
        for (sum, part) in self.verdicts.iter_mut().zip(other.verdicts) {
            *sum += part;
        }
        for (label, count) in &other.labels {
            *self.labels.entry(label.clone()).or_default() += count;
        }
    }
}

/// The summary of a whole run, as `--summary` writes it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Items judged.
    pub posts: u64,
    /// Lines that were not items.
    pub rejected: u64,
    /// Items per verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Items other than `pass` per top label.
    pub labels: BTreeMap<String, u64>,
    /// Decisions that an older run made otherwise, or not; only with `--diff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    /// Decisions that stand beside those on earlier items.
    pub follow_ups: u64,
    /// Items that came too late to be kept: they were compared with earlier ones, later ones are not compared with them.
    pub late: u64,
    /// Events of the engagement stream.
    pub events: u64,
    /// Follower counts and registered windows.
    pub engagement_records: u64,
    /// What became of the engagement stream; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement: Option<EngagementSummary>,
    /// Bytes of text.
    pub text_bytes: u64,
    /// Worker threads.
    pub threads: usize,
    /// Wall time of judging, without loading the bundle. After `--resume`, of this part only.
    pub seconds: f64,
    /// Items of this part per second.
    pub posts_per_second: f64,
    /// Loading and compiling the bundle.
    pub load_seconds: f64,
    /// Most memory that the process had resident.
    pub peak_memory_bytes: Option<u64>,
    /// Version of the bundle.
    pub bundle: String,
    /// Version of the program.
    pub engine: String,
    /// Whether this run went on from a checkpoint.
    pub resumed: bool,
}

impl Summary {
    /// Items per verdict with their names.
    pub fn named_verdicts(tally: &Tally) -> BTreeMap<&'static str, u64> {
        Verdict::ALL.into_iter().map(Verdict::as_str).zip(tally.verdicts).collect()
    }
}
