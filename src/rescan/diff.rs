//! What an older run said, to show what a new bundle changes.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::intake::{Intake, IntakeError, Position};
use crate::model::{EvidenceKind, FollowUp, Verdict};

/// The verdict and the top label of items.
pub(super) type ByItem = HashMap<String, (Verdict, String)>;

/// The verdict and the top label of every item that an older run did not pass, and of the last decision that it set beside an earlier
/// one. About 100 bytes for each.
#[derive(Debug, Default)]
pub struct OldDecisions {
    by_item: ByItem,
    follow_ups: ByItem,
}

#[derive(Deserialize)]
struct OldDecision {
    item: String,
    verdict: Verdict,
    #[serde(default)]
    labels: Vec<OldLabel>,
    #[serde(default)]
    evidence: Vec<OldEvidence>,
    /// Set in decisions that stand beside an earlier one.
    #[serde(default)]
    follow_up: Option<FollowUp>,
}

#[derive(Deserialize)]
struct OldEvidence {
    kind: EvidenceKind,
}

impl OldDecision {
    /// Whether it speaks of an hour of a target, and not of an item.
    fn is_of_engagement(&self) -> bool {
        self.evidence.iter().any(|evidence| evidence.kind == EvidenceKind::Engagement)
            || self.follow_up.as_ref().is_some_and(|follow_up| follow_up.withdraws)
    }
}

#[derive(Deserialize)]
struct OldLabel {
    label: String,
}

impl OldDecisions {
    /// Reads a file that `rescan` wrote. Lines that are no decisions are refused, since a wrong file would show
    /// everything as changed.
    ///
    /// # Errors
    /// The file cannot be read or is not one of decisions; the message names the line.
    pub fn read(path: &Path) -> Result<Self, IntakeError> {
        let mut intake = Intake::new(vec![path.to_owned()], Position::default());
        let mut decisions = Self::default();
        while let Some(chunk) = intake.next_chunk()? {
            for (number, line) in chunk.numbered_lines() {
                let old: OldDecision = serde_json::from_slice(line).map_err(|e| IntakeError::Pattern {
                    pattern: format!("{}:{number}", path.display()),
                    problem: format!("is not a decision: {e}"),
                })?;
                if old.is_of_engagement() {
                    continue;
                }
                let label = old.labels.into_iter().next().map(|l| l.label).unwrap_or_default();
                if old.follow_up.is_some() {
                    decisions.follow_ups.insert(old.item, (old.verdict, label));
                } else if old.verdict != Verdict::Pass {
                    decisions.by_item.insert(old.item, (old.verdict, label));
                }
            }
        }
        Ok(decisions)
    }

    /// How a new judgement differs, as one line for people; nothing if it does not.
    pub(super) fn change(&self, item: &str, verdict: Verdict, label: &str) -> Option<String> {
        let (old_verdict, old_label) =
            self.by_item.get(item).map_or((Verdict::Pass, ""), |(verdict, label)| (*verdict, label.as_str()));
        let label = if verdict == Verdict::Pass { "" } else { label };
        if old_verdict == verdict && old_label == label {
            return None;
        }
        Some(format!("{}\t{} -> {}\n", one_line(item), show(old_verdict, old_label), show(verdict, label)))
    }

    /// How the last decisions that a run set beside earlier ones differ: a line for each item, in the order of their names. What only the
    /// older run has is left out where `is_part` says that `new` is not all. O(n log n).
    pub(super) fn changes_of_follow_ups(&self, new: &ByItem, is_part: bool) -> Vec<String> {
        let gone = self.follow_ups.keys().filter(|item| !is_part && !new.contains_key(*item));
        let mut items: Vec<&String> = new.keys().chain(gone).collect();
        items.sort_unstable();
        let shown = |side: Option<&(Verdict, String)>| {
            side.map_or_else(|| "none".to_owned(), |(verdict, label)| show(*verdict, label))
        };
        let changed = |item: &&String| self.follow_ups.get(*item) != new.get(*item);
        let line = |item: &String| {
            let (before, after) = (shown(self.follow_ups.get(item)), shown(new.get(item)));
            format!("{}\tfollow-up: {before} -> {after}\n", one_line(item))
        };
        items.into_iter().filter(changed).map(line).collect()
    }
}

/// An id without line ends, whatever it holds.
fn one_line(item: &str) -> String {
    item.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

fn show(verdict: Verdict, label: &str) -> String {
    if label.is_empty() { verdict.as_str().to_owned() } else { format!("{} {label}", verdict.as_str()) }
}
