//! What an earlier article says of a later one, put on top of the decision on its content.

use super::coordination::{Standing, raise, rounded};
use crate::model::{CharSpan, CopiedDetail, Decision, Evidence, EvidenceDetail, EvidenceKind, Verdict};
use crate::originals::Copied;

/// The label and the rule of a finding.
const LABEL: &str = "copied_original";

/// Adds a copied original to the decision on an article that was published at `time_ms`. `fields` names the item's fields.
///
/// The verdict becomes no milder and the finding proposes nothing: who copied from whom is for people to say.
pub fn amend_copied(
    standing: Standing<'_>,
    copied: &Copied,
    fields: &[String],
    time_ms: Option<i64>,
    decision: &mut Decision,
) {
    let own_verdict = standing.policy.coordination.copied_original;
    if own_verdict == Verdict::Pass {
        return;
    }
    let spans = copied.passages.iter().filter_map(|passage| {
        let field = fields.get(usize::from(passage.field))?.clone();
        Some(CharSpan { field, start: passage.start as usize, end: passage.end as usize })
    });
    let detail = CopiedDetail {
        finding: LABEL.to_owned(),
        of: copied.of.clone(),
        account: copied.account.clone(),
        contained: rounded(copied.contained),
        share: rounded(copied.share),
        share_of_original: rounded(copied.share_of_original),
        longest_passage_chars: copied.longest_passage_chars,
    };
    let evidence = Evidence {
        kind: EvidenceKind::NearDuplicate,
        label: LABEL.to_owned(),
        rule: LABEL.to_owned(),
        spans: spans.collect(),
        matched: String::new(),
        transforms: Vec::new(),
        weight: rounded(copied.contained),
        necessary: own_verdict > decision.verdict,
        detail: EvidenceDetail { copied: Some(detail), ..EvidenceDetail::default() },
    };
    raise(standing, evidence, own_verdict, time_ms, decision);
}
