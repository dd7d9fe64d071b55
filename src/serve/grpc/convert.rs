//! Items in messages → the JSON that HTTP takes; the JSON that HTTP answers → messages.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde::Serialize;

use super::v1;
use crate::model;
use crate::serve::answer::Answer;
use crate::serve::contract::Contract;
use crate::serve::problem::{Problem, ProblemCode};

/// An item in the form that [`crate::model::Item`] reads. Keys stand in one order, so that the same message gives the same
/// bytes.
#[derive(Serialize)]
struct ItemJson<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    surface: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountJson<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    parent: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    ip: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    device: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repost: Option<RepostJson<'a>>,
}

#[derive(Serialize)]
struct AccountJson<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_tier: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
}

#[derive(Serialize)]
struct RepostJson<'a> {
    of: &'a str,
    attribution: &'a str,
}

/// The JSON of a request's item.
///
/// # Errors
/// There is none, or a number stands for no type or surface.
pub(super) fn item_json(input: Option<v1::check_request::Input>) -> Result<String, Problem> {
    let item = match input {
        Some(v1::check_request::Input::ItemJson(json)) => return Ok(json),
        Some(v1::check_request::Input::Item(item)) => item,
        None => return Err(Problem::new(ProblemCode::InvalidBody, "item or item_json is missing")),
    };
    let unknown = |what: &str, pointer: &str| {
        Problem::new(ProblemCode::InvalidBody, format!("{what} is none that is known")).at(pointer)
    };
    let kind = match v1::ItemType::try_from(item.r#type).map_err(|_| unknown("the type", "/type"))? {
        v1::ItemType::Unspecified => None,
        v1::ItemType::Post => Some("post"),
        v1::ItemType::Comment => Some("comment"),
        v1::ItemType::Profile => Some("profile"),
    };
    let surface = match v1::Surface::try_from(item.surface).map_err(|_| unknown("the surface", "/surface"))? {
        v1::Surface::Unspecified => None,
        v1::Surface::Article => Some(model::Surface::Article),
        v1::Surface::Post => Some(model::Surface::Post),
        v1::Surface::Comment => Some(model::Surface::Comment),
        v1::Surface::Profile => Some(model::Surface::Profile),
        v1::Surface::Chat => Some(model::Surface::Chat),
    };
    let account = item.account.as_ref().map(|account| AccountJson {
        id: &account.id,
        subject: &account.subject,
        kind: &account.kind,
        credit_tier: account.credit_tier,
        age_days: account.age_days,
        verified: account.verified,
    });
    let repost =
        item.repost.as_ref().map(|repost| RepostJson { of: &repost.of, attribution: &repost.attribution });
    let json = ItemJson {
        kind,
        id: &item.id,
        time: item.time_ms,
        surface: surface.map(model::Surface::as_str),
        account,
        title: &item.title,
        text: &item.text,
        fields: &item.fields,
        parent: &item.parent,
        ip: &item.ip,
        device: &item.device,
        repost,
    };
    serde_json::to_string(&json).map_err(|e| Problem::new(ProblemCode::Internal, e.to_string()))
}

/// Reads the answer that HTTP would give.
pub(super) fn answer_of(bytes: &Bytes, with_json: bool) -> Result<v1::Answer, Problem> {
    let internal = |e: String| Problem::new(ProblemCode::Internal, e);
    let answer: Answer = serde_json::from_slice(bytes).map_err(|e| internal(e.to_string()))?;
    let json = if with_json { bytes.to_vec() } else { Vec::new() };
    let json = String::from_utf8(json).map_err(|e| internal(e.to_string()))?;
    Ok(message_of(answer, json))
}

/// An answer as a message; `json` is put beside it as it is.
pub(super) fn message_of(answer: Answer, json: String) -> v1::Answer {
    let Answer { id, request, contract, recheck, decision } = answer;
    let contract = match contract {
        None => v1::Contract::Unspecified,
        Some(Contract::Open) => v1::Contract::Open,
        Some(Contract::Closed) => v1::Contract::Closed,
    };
    let follow_up = decision.follow_up.map(|follow_up| v1::FollowUp {
        cause: follow_up.cause,
        previous: verdict_of(follow_up.previous).into(),
        withdraws: follow_up.withdraws,
    });
    let labels = decision.labels.into_iter();
    v1::Answer {
        id,
        request,
        item: decision.item,
        verdict: verdict_of(decision.verdict).into(),
        score: decision.score,
        labels: labels.map(|label| v1::LabelScore { label: label.label, score: label.score }).collect(),
        evidence: decision.evidence.into_iter().map(evidence_of).collect(),
        proposals: decision.proposals.into_iter().map(proposal_of).collect(),
        basis: decision.basis,
        degraded: decision.degraded,
        contract: contract.into(),
        recheck,
        versions: Some(v1::Versions { bundle: decision.versions.bundle, engine: decision.versions.engine }),
        limits: decision.limits,
        follow_up,
        json,
    }
}

fn verdict_of(verdict: model::Verdict) -> v1::Verdict {
    match verdict {
        model::Verdict::Pass => v1::Verdict::Pass,
        model::Verdict::Limit => v1::Verdict::Limit,
        model::Verdict::Review => v1::Verdict::Review,
        model::Verdict::Block => v1::Verdict::Block,
    }
}

fn evidence_of(evidence: model::Evidence) -> v1::Evidence {
    let kind = match evidence.kind {
        model::EvidenceKind::Term => v1::EvidenceKind::Term,
        model::EvidenceKind::Rule => v1::EvidenceKind::Rule,
        model::EvidenceKind::Contact => v1::EvidenceKind::Contact,
        model::EvidenceKind::NearDuplicate => v1::EvidenceKind::NearDuplicate,
        model::EvidenceKind::Coordination => v1::EvidenceKind::Coordination,
        model::EvidenceKind::Engagement => v1::EvidenceKind::Engagement,
        model::EvidenceKind::Profile => v1::EvidenceKind::Profile,
        model::EvidenceKind::Model => v1::EvidenceKind::Model,
    };
    // Texts are far shorter than 2^32 characters.
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let spans = evidence.spans.into_iter();
    let span = |span: model::CharSpan| v1::Span {
        field: span.field,
        start: place(span.start),
        end: place(span.end),
    };
    v1::Evidence {
        kind: kind.into(),
        label: evidence.label,
        rule: evidence.rule,
        spans: spans.map(span).collect(),
        matched: evidence.matched,
        transforms: evidence.transforms,
        weight: evidence.weight,
        necessary: evidence.necessary,
    }
}

fn proposal_of(proposal: model::Proposal) -> v1::Proposal {
    // A variant without content is a string in JSON: this does not fail.
    let action = serde_json::to_value(proposal.action).ok();
    v1::Proposal {
        target_kind: proposal.target.kind,
        target_id: proposal.target.id,
        action: action.and_then(|action| action.as_str().map(str::to_owned)).unwrap_or_default(),
        reasons: proposal.reasons,
        basis: proposal.basis,
    }
}
