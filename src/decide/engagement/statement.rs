//! What is said of a target's hour, and what is said when the hour's end says otherwise.

use serde::{Deserialize, Serialize};

use super::record::ScoreRecord;
use crate::decide::Standing;
use crate::engagement::Family;
use crate::model::{
    Counterfactual, Decision, EngagementDetail, Evidence, EvidenceDetail, EvidenceKind, FollowUp, LabelScore,
    Proposal, Target, Verdict,
};

/// The label that alerts speak for.
const LABEL: &str = "fake_engagement";
/// Accounts that a decision names; the score record names more.
const ACTORS_MAX: usize = 10;

/// What has been said of a target's hour so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whether there was an alert, and with which families.
    pub families: Vec<Family>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The decision on a target whose hour gives an alert; none where nothing new is said beside `earlier`.
pub fn alert(standing: Standing<'_>, record: &ScoreRecord, earlier: Option<&Statement>) -> Option<Decision> {
    let is_new = earlier
        .is_none_or(|earlier| record.family_names.iter().any(|family| !earlier.families.contains(family)));
    if !is_new {
        return None;
    }
    let verdict = standing.policy.engagement().verdict;
    let basis = basis(standing, record);
    let propose = |action| Proposal {
        target: Target { kind: kind_of(record), id: record.target.clone() },
        action,
        reasons: record.family_names.iter().copied().map(reason).collect(),
        basis: basis.clone(),
    };
    let score = points(record);
    let follow_up =
        earlier.map(|earlier| FollowUp { cause: cause(record), previous: earlier.verdict, withdraws: false });
    Some(Decision {
        score,
        labels: vec![LabelScore { label: LABEL.to_owned(), score }],
        evidence: vec![evidence(record, true)],
        proposals: standing.policy.engagement().propose.iter().copied().map(propose).collect(),
        basis: basis.clone(),
        counterfactual: Some(Counterfactual { without: vec![0], verdict: Verdict::Pass }),
        follow_up,
        ..empty(standing, record, verdict)
    })
}

/// The decision that takes an alert back, because the hour as a whole gives none.
pub fn withdrawal(standing: Standing<'_>, record: &ScoreRecord, earlier: &Statement) -> Decision {
    Decision {
        score: points(record),
        evidence: vec![evidence(record, false)],
        follow_up: Some(FollowUp { cause: cause(record), previous: earlier.verdict, withdraws: true }),
        ..empty(standing, record, Verdict::Pass)
    }
}

fn empty(standing: Standing<'_>, record: &ScoreRecord, verdict: Verdict) -> Decision {
    Decision {
        item: record.target.clone(),
        verdict,
        score: 0.0,
        labels: Vec::new(),
        evidence: Vec::new(),
        near_duplicate: None,
        proposals: Vec::new(),
        basis: Vec::new(),
        counterfactual: None,
        versions: standing.versions.clone(),
        limits: Vec::new(),
        degraded: None,
        follow_up: None,
    }
}

/// What made a second statement necessary: the hour's record and its time.
fn cause(record: &ScoreRecord) -> String {
    format!("engagement_score {} {}", record.hour, record.at)
}

fn reason(family: Family) -> String {
    format!("engagement.{}", word(family))
}

/// A family's word in the interface.
fn word(family: Family) -> String {
    serde_json::to_value(family).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn kind_of(record: &ScoreRecord) -> String {
    let value = serde_json::to_value(record.target_kind).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The score on the scale of points: the threshold is half, twice the threshold is all.
fn points(record: &ScoreRecord) -> f64 {
    let share = (record.score / (2.0 * record.threshold).max(1e-9)).clamp(0.0, 1.0);
    (share * 1000.0).round() / 1000.0
}

fn basis(standing: Standing<'_>, record: &ScoreRecord) -> Vec<String> {
    let time_ms = record.hour.parse().ok().map(|time: jiff::Timestamp| time.as_millisecond());
    let label = standing.taxonomy.find(LABEL);
    label.map(|label| standing.articles.basis(standing.taxonomy, label, time_ms)).unwrap_or_default()
}

fn evidence(record: &ScoreRecord, is_necessary: bool) -> Evidence {
    let detail = EngagementDetail {
        hour: record.hour.clone(),
        at: record.at.clone(),
        is_final: record.is_final,
        events: record.events,
        engagement_score: record.score,
        threshold: record.threshold,
        families: record.family_names.iter().copied().map(word).collect(),
        burst: record.burst,
        actors: record.actors.iter().take(ACTORS_MAX).cloned().collect(),
    };
    Evidence {
        kind: EvidenceKind::Engagement,
        label: LABEL.to_owned(),
        rule: "engagement.alert".to_owned(),
        spans: Vec::new(),
        matched: String::new(),
        transforms: Vec::new(),
        weight: points(record),
        necessary: is_necessary,
        detail: EvidenceDetail { engagement: Some(detail), ..EvidenceDetail::default() },
    }
}
