//! What an older run said, to show what a new bundle changes.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::intake::{Intake, IntakeError, Position};
use crate::model::Verdict;

/// The verdict and the top label of every item that an older run did not pass. About 100 bytes per such item.
#[derive(Debug, Default)]
pub struct OldDecisions {
    by_item: HashMap<String, (Verdict, String)>,
}

#[derive(Deserialize)]
struct OldDecision {
    item: String,
    verdict: Verdict,
    #[serde(default)]
    labels: Vec<OldLabel>,
    /// Set in decisions that stand beside an earlier one.
    #[serde(default)]
    follow_up: Option<serde::de::IgnoredAny>,
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
        let mut by_item = HashMap::new();
        while let Some(chunk) = intake.next_chunk()? {
            for (number, line) in chunk.numbered_lines() {
                let old: OldDecision = serde_json::from_slice(line).map_err(|e| IntakeError::Pattern {
                    pattern: format!("{}:{number}", path.display()),
                    problem: format!("is not a decision: {e}"),
                })?;
                if old.verdict != Verdict::Pass && old.follow_up.is_none() {
                    let label = old.labels.into_iter().next().map(|l| l.label).unwrap_or_default();
                    by_item.insert(old.item, (old.verdict, label));
                }
            }
        }
        Ok(Self { by_item })
    }

    /// How a new judgement differs, as one line for people; nothing if it does not.
    pub(super) fn change(&self, item: &str, verdict: Verdict, label: &str) -> Option<String> {
        let (old_verdict, old_label) =
            self.by_item.get(item).map_or((Verdict::Pass, ""), |(verdict, label)| (*verdict, label.as_str()));
        let label = if verdict == Verdict::Pass { "" } else { label };
        if old_verdict == verdict && old_label == label {
            return None;
        }
        // One line per item, whatever its id holds.
        let item: String = item.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
        Some(format!("{item}\t{} -> {}\n", show(old_verdict, old_label), show(verdict, label)))
    }
}

fn show(verdict: Verdict, label: &str) -> String {
    if label.is_empty() { verdict.as_str().to_owned() } else { format!("{} {label}", verdict.as_str()) }
}
