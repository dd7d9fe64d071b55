//! What a request gets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::contract::Contract;
use super::problem::Problem;
use crate::model::Decision;

/// A decision with its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The decision's id, 32 hexadecimal digits. The same request under the same bundle has the same one.
    pub id: String,
    /// The request that the decision was made for.
    pub request: String,
    /// What the failure contract of the surface made of a degraded decision; absent in others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
    /// Whether the full decision follows under the same id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recheck: bool,
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
}

/// The results of a batch, one for each item, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchAnswer {
    /// The results.
    pub results: Vec<BatchResult>,
}

/// The result of one item of a batch: a decision or a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchResult {
    /// It was judged.
    Answer(Box<Answer>),
    /// It was refused; the others are not touched by that.
    Problem(Problem),
}

/// A decision as it is written out, without owning it.
#[derive(Serialize)]
pub(super) struct AnswerRef<'a> {
    pub(super) id: &'a str,
    pub(super) request: &'a str,
    #[serde(flatten)]
    pub(super) decision: &'a Decision,
}
