//! What the other posts say of this one: near-duplicates and coordination, put on top of the decision on its content.

use super::articles::Articles;
use super::policy::Policy;
use crate::coordination::{Assessment, Family, Member, Outcome, Raised, Tier, cluster_name};
use crate::model::{
    Action, CoordinationDetail, Counterfactual, Decision, Evidence, EvidenceDetail, EvidenceKind,
    FamilyDetail, FollowUp, LabelScore, NearDuplicate, Proposal, Target, Taxonomy, Verdict, Versions,
};

/// The label that clusters of accounts speak for.
const LABEL: &str = "coordination";
/// Items that are named as examples of a family.
const EXAMPLES_MAX: usize = 5;

/// The tables that decisions are written from.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Verdicts of the tiers.
    pub policy: &'a Policy,
    /// Labels.
    pub taxonomy: &'a Taxonomy,
    /// Legal basis.
    pub articles: &'a Articles,
    /// What judges.
    pub versions: &'a Versions,
}

/// Who wrote an item, as far as a measure is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The account's id; empty when unknown.
    pub id: &'a str,
    /// Its key.
    pub key: Option<u64>,
    /// Whether it is a verified organisation.
    pub is_organisation: bool,
}

/// Adds what the neighbours say to the decision on an item of `author`, published at `time_ms`.
///
/// The verdict becomes no milder. Evidence of coordination enters from the tier of less reach on.
pub fn amend(
    standing: Standing<'_>,
    outcome: &Outcome,
    author: Author<'_>,
    time_ms: Option<i64>,
    decision: &mut Decision,
) {
    if let Some(near) = near_duplicate(outcome) {
        decision.near_duplicate = Some(near);
    }
    if let Some(assessment) = outcome.assessment.as_ref().filter(|a| a.tier > Tier::Note) {
        add(standing, (outcome, assessment), author, time_ms, decision);
    }
}

/// The decision that stands beside the one on an earlier post because its cluster has risen. `cause` is the item that
/// made it rise. None where the verdict and the proposals stay as they were.
pub fn follow_up(
    standing: Standing<'_>,
    outcome: &Outcome,
    raised: &Raised,
    cause: &str,
) -> Option<Decision> {
    let Raised { member, from } = raised;
    let assessment = outcome.assessment.as_ref()?;
    let before = member.content.max(verdict_of(standing.policy, *from));
    let mut decision = Decision {
        item: member.item.clone(),
        verdict: before,
        score: 0.0,
        labels: Vec::new(),
        evidence: Vec::new(),
        near_duplicate: near_duplicate(outcome).map(|near| NearDuplicate {
            similarity: rounded(f64::from(member.similarity)),
            strength: member.strength.as_str().to_owned(),
            of: None,
            template: None,
            archived_ms: None,
            ..near
        }),
        proposals: Vec::new(),
        basis: Vec::new(),
        counterfactual: None,
        versions: standing.versions.clone(),
        limits: Vec::new(),
        degraded: None,
        follow_up: Some(FollowUp { cause: cause.to_owned(), previous: before, withdraws: false }),
    };
    let Member { account, account_key, is_organisation, time_ms, .. } = member;
    let author = Author { id: account, key: *account_key, is_organisation: *is_organisation };
    add(standing, (outcome, assessment), author, Some(*time_ms), &mut decision);
    (decision.verdict > before || !decision.proposals.is_empty()).then_some(decision)
}

fn near_duplicate(outcome: &Outcome) -> Option<NearDuplicate> {
    let near = outcome.near.as_ref()?;
    Some(NearDuplicate {
        cluster: cluster_name(outcome.cluster),
        size: outcome.posts,
        accounts: outcome.accounts,
        similarity: rounded(f64::from(near.similarity)),
        strength: near.strength.as_str().to_owned(),
        of: near.of.clone(),
        template: near.template.clone(),
        archived_ms: near.archived_ms,
    })
}

fn verdict_of(policy: &Policy, tier: Tier) -> Verdict {
    match tier {
        Tier::Note => Verdict::Pass,
        Tier::LimitReach => policy.coordination.limit_reach,
        Tier::Review => policy.coordination.review,
        Tier::Account => policy.coordination.account,
    }
}

fn add(
    standing: Standing<'_>,
    (outcome, assessment): (&Outcome, &Assessment),
    author: Author<'_>,
    time_ms: Option<i64>,
    decision: &mut Decision,
) {
    let own_verdict = verdict_of(standing.policy, assessment.tier);
    let evidence = evidence(outcome, assessment, author, own_verdict > decision.verdict);
    let own_basis = raise(standing, evidence, own_verdict, time_ms, decision);
    let is_proposed = decision.proposals.iter().any(|proposal| proposal.target.id == author.id);
    if let Some(reasons) = reasons(assessment, author).filter(|_| !is_proposed) {
        decision.proposals.push(Proposal {
            target: Target { kind: "account".to_owned(), id: author.id.to_owned() },
            action: Action::LimitFunction,
            reasons,
            basis: own_basis,
        });
    }
}

/// Puts a piece of evidence with a verdict of its own on top of a decision, which becomes no milder, and returns the articles that it
/// rests on. The weight of the evidence is the score of its label.
pub(super) fn raise(
    standing: Standing<'_>,
    evidence: Evidence,
    own_verdict: Verdict,
    time_ms: Option<i64>,
    decision: &mut Decision,
) -> Vec<String> {
    let content = decision.verdict;
    let verdict = content.max(own_verdict);
    let index = decision.evidence.len();
    let name = evidence.label.clone();
    let label = standing.taxonomy.find(&name);
    let own_basis =
        label.map(|label| standing.articles.basis(standing.taxonomy, label, time_ms)).unwrap_or_default();
    let known = decision.labels.iter().position(|label| label.label == name);
    let known = known.map_or(0.0, |index| decision.labels.remove(index).score);
    let score = known.max(evidence.weight);
    decision.evidence.push(evidence);
    let at = decision.labels.partition_point(|label| label.score >= score);
    decision.labels.insert(at, LabelScore { label: name, score });
    if verdict > content {
        // What raised the verdict is the first label, whatever the points of the content were.
        decision.labels[..=at].rotate_right(1);
        decision.counterfactual = Some(Counterfactual { without: vec![index], verdict: content });
        decision.verdict = verdict;
        decision.score = score;
    } else if let Some(counterfactual) = &mut decision.counterfactual {
        // Without the evidence that it names, this here still stands.
        counterfactual.verdict = counterfactual.verdict.max(own_verdict);
        decision.counterfactual.take_if(|counterfactual| counterfactual.verdict >= content);
    }
    for article in &own_basis {
        if !decision.basis.contains(article) {
            decision.basis.push(article.clone());
        }
    }
    own_basis
}

/// Why a measure against the author is proposed; none where the cluster does not carry it, or where the author shows no
/// hard evidence: nobody answers for the others.
fn reasons(assessment: &Assessment, author: Author<'_>) -> Option<Vec<String>> {
    let is_proposed = author.key.is_some_and(|key| assessment.proposes(key));
    if !is_proposed || author.is_organisation {
        return None;
    }
    let own: Vec<&Family> =
        assessment.families.iter().filter(|family| author.key.is_some_and(|key| family.shows(key))).collect();
    Some(own.iter().map(|family| format!("coordination.{}", family.kind.as_str())).collect())
}

fn evidence(outcome: &Outcome, assessment: &Assessment, author: Author<'_>, is_necessary: bool) -> Evidence {
    let families = assessment.families.iter().map(|family| FamilyDetail {
        name: family.kind.as_str().to_owned(),
        evidence: rounded(family.evidence),
        k: family.k,
        n: family.n,
        expected: four_digits(family.expected),
        span_ms: family.span_ms,
        by_this_account: author.key.is_some_and(|key| family.shows(key)),
        items: family.items.iter().take(EXAMPLES_MAX).cloned().collect(),
    });
    let detail = CoordinationDetail {
        tier: assessment.tier.into(),
        cluster: cluster_name(outcome.cluster),
        posts: outcome.posts,
        accounts: outcome.accounts,
        cluster_score: rounded(assessment.score),
        rarity_bits: rounded(assessment.rarity_bits),
        families: families.collect(),
        caps: assessment.caps.iter().map(|cap| cap.as_str().to_owned()).collect(),
    };
    Evidence {
        kind: EvidenceKind::Coordination,
        label: LABEL.to_owned(),
        rule: format!("coordination.tier{}", u8::from(assessment.tier)),
        spans: Vec::new(),
        matched: String::new(),
        transforms: Vec::new(),
        weight: rounded(assessment.score),
        necessary: is_necessary,
        detail: EvidenceDetail { coordination: Some(detail), ..EvidenceDetail::default() },
    }
}

/// Four significant digits, which JSON keeps exactly. What is below a billionth is as good as nothing.
fn four_digits(value: f64) -> f64 {
    let exact = if value.abs() < 1e-9 { 0.0 } else { value };
    format!("{exact:.3e}").parse().unwrap_or(value)
}

/// Three decimals, as people read them.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_digits_are_kept_of_what_is_large_and_of_what_is_small() {
        let values = [0.114_728_654_049_408_44, 12_345.678, 0.000_012_345_678, 3.0, 1e-12, 0.0];
        let shown = values.map(|value| four_digits(value).to_string());
        assert_eq!(shown, ["0.1147", "12350", "0.00001235", "3", "0", "0"]);
    }

    proptest! {
        #[test]
        fn numbers_of_evidence_go_through_json_unchanged(value in prop_oneof![0.0_f64..1.0, 0.0_f64..1e9, 1e-12_f64..1e-6]) {
            for shown in [four_digits(value), rounded(value)] {
                let json = serde_json::to_string(&shown).expect("JSON");
                let read: f64 = serde_json::from_str(&json).expect("a number");
                prop_assert_eq!(read.to_bits(), shown.to_bits());
            }
        }
    }
}
