//! What comes out: one explained decision per item.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scale::Verdict;
use super::span::CharSpan;

/// The decision on one item. Its JSON form is the project's stable interface: it is extended, never renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// The item's id.
    pub item: String,
    /// What is done.
    pub verdict: Verdict,
    /// Points of the top label, 0.0–1.0.
    pub score: f64,
    /// Labels with points, strongest first.
    pub labels: Vec<LabelScore>,
    /// What the decision rests on, in the order of the text.
    pub evidence: Vec<Evidence>,
    /// Neighbours of the same text; filled by the near-duplicate stage.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub near_duplicate: Option<NearDuplicate>,
    /// Proposed account measures; never carried out here.
    pub proposals: Vec<Proposal>,
    /// Articles that the verdict rests on.
    pub basis: Vec<String>,
    /// What would have to go for a milder verdict. Absent on `pass`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub counterfactual: Option<Counterfactual>,
    /// The versions that judged.
    pub versions: Versions,
    /// Named limits that this item ran into; empty for ordinary items.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub limits: Vec<String>,
    /// Why the engine ran with less than everything, or null.
    pub degraded: Option<String>,
    /// Set in a decision that stands beside an earlier one on the same item; the stronger of the two holds, unless it says
    /// that it withdraws the earlier one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub follow_up: Option<FollowUp>,
}

/// Neighbours of the same text inside the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NearDuplicate {
    /// The cluster's id.
    pub cluster: String,
    /// Posts in it, this one included.
    pub size: u64,
    /// Distinct accounts in it.
    pub accounts: u32,
    /// How much of the text is that of the nearest neighbour, 0.0–1.0.
    pub similarity: f64,
    /// `exact`, `strong` or `link`.
    pub strength: String,
    /// The nearest neighbour's item.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of: Option<String>,
    /// The template that both were filled from, slots written as `〔…〕`, where that is what links them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub template: Option<String>,
    /// Event time of the neighbour, ms since 1970, where it has left the window and was found in the archive: `size` and
    /// `accounts` count that post and this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub archived_ms: Option<i64>,
}

/// Why there is a second decision on an item. It speaks of what is new; the evidence of the first one stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FollowUp {
    /// The item that changed the light in which the earlier one stands.
    pub cause: String,
    /// The verdict before.
    pub previous: Verdict,
    /// Whether this decision takes the earlier one back: the later of the two holds then. Only statements on hours that were not
    /// over when they were made are taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdraws: bool,
}

/// Points of one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelScore {
    /// A taxonomy id.
    pub label: String,
    /// 0.0–1.0.
    pub score: f64,
}

/// What kind of thing a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A dictionary term.
    Term,
    /// A combination of terms, slots and patterns.
    Rule,
    /// A phone number, chat id, address or similar way to get in touch.
    Contact,
    /// The same text elsewhere.
    NearDuplicate,
    /// Several accounts acting as one.
    Coordination,
    /// Abnormal counts.
    Engagement,
    /// The account's name or bio.
    Profile,
    /// A statistical model.
    Model,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What kind of thing was found.
    pub kind: EvidenceKind,
    /// The label that it speaks for; `*` for all that have evidence of their own.
    pub label: String,
    /// Id of the term or rule; for contacts, the kind of contact.
    pub rule: String,
    /// Where, in the author's text.
    pub spans: Vec<CharSpan>,
    /// The author's own characters at the first span.
    pub matched: String,
    /// The disguises that were undone to see it.
    pub transforms: Vec<String>,
    /// Points, -1.0–1.0; negative for mitigating rules.
    pub weight: f64,
    /// Whether the verdict would be milder without it.
    pub necessary: bool,
    /// Particulars.
    pub detail: EvidenceDetail,
}

/// Particulars of a piece of evidence; absent keys do not apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceDetail {
    /// The folded form that matched, where it differs from the author's characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub folded: Option<String>,
    /// How often it occurs; absent for once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub occurrences: Option<u32>,
    /// The part of the weight that is owed to disguise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disguise: Option<f64>,
    /// Canonical value of a contact: the same contact is the same string in every post.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub canonical: Option<String>,
    /// The operator's note on the term or rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// What speaks for several accounts acting as one.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    #[schema(ignore)]
    pub coordination: Option<CoordinationDetail>,
    /// The earlier article that this one is copied from.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    #[schema(ignore)]
    pub copied: Option<CopiedDetail>,
    /// What is unusual about the counts of a target's hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub engagement: Option<EngagementDetail>,
}

/// An earlier article by another author in which a large part of this one stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CopiedDetail {
    /// `copied_original`.
    pub finding: String,
    /// The earlier item.
    pub of: String,
    /// Its author's account.
    pub account: String,
    /// Share of the smaller text that is in the other, 0.0–1.0.
    pub contained: f64,
    /// Share of this text that is in the earlier one.
    pub share: f64,
    /// Share of the earlier text that is in this one.
    pub share_of_original: f64,
    /// The longest passage that both have, in characters.
    pub longest_passage_chars: u32,
}

/// What is unusual about the counts of a target's hour, in short; the score record has every number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EngagementDetail {
    /// Start of the hour, RFC 3339.
    pub hour: String,
    /// Time of the record that this rests on, RFC 3339.
    pub at: String,
    /// Whether the hour was over.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Events of the hour.
    pub events: u32,
    /// Sum of capped evidence. A rank, no probability.
    pub engagement_score: f64,
    /// What an alert needs at least.
    pub threshold: f64,
    /// Independent families that speak.
    pub families: Vec<String>,
    /// Whether more actions than usual corroborate them.
    pub burst: bool,
    /// Accounts that carry most of the evidence.
    pub actors: Vec<String>,
}

/// What a cluster of posts has earned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CoordinationDetail {
    /// 1 less reach, 2 review, 3 account proposal.
    pub tier: u8,
    /// The cluster's id.
    pub cluster: String,
    /// Posts in it.
    pub posts: u64,
    /// Distinct accounts in it.
    pub accounts: u32,
    /// 0.0–1.0; orders clusters, decides nothing.
    pub cluster_score: f64,
    /// Rarity of the common text, bits.
    pub rarity_bits: f64,
    /// Independent families of evidence.
    pub families: Vec<FamilyDetail>,
    /// What kept the tier down.
    pub caps: Vec<String>,
}

/// One family of evidence with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FamilyDetail {
    /// Its name.
    pub name: String,
    /// −log10 of the probability of so much by chance.
    pub evidence: f64,
    /// Accounts that show it.
    pub k: u32,
    /// Out of how many.
    pub n: u32,
    /// The share that was expected.
    pub expected: f64,
    /// The span of a burst, ms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub span_ms: Option<i64>,
    /// Whether the author of this item shows it.
    pub by_this_account: bool,
    /// Items that show it, the first of them.
    pub items: Vec<String>,
}

/// A smallest set of evidence, found greedily, without which the verdict would be milder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Counterfactual {
    /// Indexes into `evidence`.
    pub without: Vec<usize>,
    /// The verdict that would remain.
    pub verdict: Verdict,
}

/// A proposed measure against an account; the account system decides and carries it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// Whom it would concern.
    pub target: Target,
    /// What is proposed.
    pub action: Action,
    /// Why.
    pub reasons: Vec<String>,
    /// Articles that it rests on.
    pub basis: Vec<String>,
}

/// Whom a proposal would concern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// `account`, `subject` or `group`; for counts, what they belong to: `account`, `post`, `other`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// The closed vocabulary of measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Tell the account.
    Warn,
    /// Take functions away for a time.
    LimitFunction,
    /// Stop updates for a time.
    SuspendUpdates,
    /// Leave actions out of a count that is shown.
    DiscountCount,
    /// Keep a target out of rankings and recommendations for a time.
    HoldFromRanking,
    /// Let a person look at a target.
    Review,
}

/// What judged an item; with the item, enough to replay the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Versions {
    /// Hash over all files of the bundle.
    pub bundle: String,
    /// Version of the program, which fixes the folding and scoring code.
    pub engine: String,
}
