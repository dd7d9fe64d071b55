//! Reversal: somebody objects to a decision, and a person says what holds.
//!
//! Nothing that was written is changed. The outcome is a decision of its own, which names the one that it takes back, goes to
//! the sinks like any other, and may be appealed in turn; then another person has to look at it.

use std::sync::{Arc, PoisonError};

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::Action;
use super::answer::Answer;
use super::described::{BodyProblems, RoleProblems};
use super::docket::Waiting;
use super::http::require_json;
use super::judge::{digest, hex, unhex};
use super::problem::{Problem, ProblemCode};
use super::request::{Context, read_body};
use super::service::Service;
use crate::model::{Decision, FollowUp, Verdict};
use crate::store::entry::{AppealEntry, DecisionEntry, Entry, OutcomeEntry, Review, ReviewOutcome};
use crate::store::find::find;
use crate::store::log::{LogError, Position, Reader, Stored};
use crate::telemetry::Clock;

/// Longest reason, characters.
const REASON_CHARS_MAX: usize = 2000;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Waiting appeals that are shown unless more are asked for, and most that are.
const SHOWN: u16 = 100;
const SHOWN_MAX: usize = 1000;

/// Why a decision is not accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealRequest {
    /// Why, in the author's words.
    #[schema(min_length = 1, max_length = 2000, example = "这是反诈宣传，不是广告")]
    pub reason: String,
}

/// An appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appeal {
    /// Its id, 32 hexadecimal digits.
    pub id: String,
    /// The decision.
    pub decision: String,
    /// Until when it is to be answered, RFC 3339; absent where nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
}

/// An appeal that nobody has answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingAppeal {
    /// The appeal.
    #[serde(flatten)]
    pub appeal: Appeal,
    /// When it was made, RFC 3339.
    pub made: String,
    /// Whether it should have been answered by now.
    pub overdue: bool,
}

/// Appeals that wait for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingAppeals {
    /// How many there are.
    pub waiting: usize,
    /// How many of them should have been answered by now.
    pub overdue: usize,
    /// Those that are due first.
    pub appeals: Vec<WaitingAppeal>,
}

/// What holds instead of a decision.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRequest {
    /// What holds. The verdict of the decision upholds it; one that is stricter is taken only where the engine had left it to people.
    pub verdict: Verdict,
    /// Why. It goes to the sinks, for both sides to be told.
    #[schema(min_length = 1, max_length = 2000, example = "引用骗子的话来提醒别人")]
    pub reason: String,
}

/// The decision that holds, and who said so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewedAnswer {
    /// The decision.
    #[serde(flatten)]
    pub answer: Answer,
    /// Who looked at which decision, and why this one holds.
    pub review: Review,
}

impl ReviewedAnswer {
    pub(super) fn of(outcome: OutcomeEntry) -> Self {
        let OutcomeEntry { review, entry: DecisionEntry { id, request, decision, .. } } = outcome;
        Self { answer: Answer { id, request, contract: None, recheck: false, decision }, review }
    }
}

/// The paths of appeals, with their description.
pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(appeal)).routes(routes!(outcome)).routes(routes!(waiting))
}

/// Object to a decision
///
/// Once for each decision; the same objection again gets the same answer.
#[utoipa::path(post, path = "/v1/decisions/{decision}/appeal", tag = "appeals", request_body = AppealRequest,
    params(
        ("decision" = String, Path, description = "The decision's id"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        BodyProblems,
        (status = 200, description = "It is in the log", body = Appeal),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such decision"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It was appealed before, in other words"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
    ))]
async fn appeal(
    State(service): State<Arc<Service>>,
    context: Context,
    decision: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    act(service, context, (decision, request), Action::Appeal, Service::appeal).await
}

/// Say what holds instead of a decision
///
/// The outcome is a decision of its own: in the log, at the sinks, and open to appeal; then another person has to answer.
#[utoipa::path(post, path = "/v1/decisions/{decision}/outcome", tag = "appeals", request_body = OutcomeRequest,
    params(
        ("decision" = String, Path, description = "The decision's id"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        BodyProblems,
        (status = 200, description = "The decision that holds", body = ReviewedAnswer),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key may not do this, or another person has to"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such decision"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "There is another outcome already"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
    ))]
async fn outcome(
    State(service): State<Arc<Service>>,
    context: Context,
    decision: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    act(service, context, (decision, request), Action::Review, Service::review).await
}

/// How many appeals are asked for.
#[derive(Debug, Deserialize)]
struct WaitingQuery {
    #[serde(default)]
    limit: Option<u16>,
}

/// Show the appeals that wait
///
/// Those that are due first. Ids and times only: why somebody objects is shown with the decision.
#[utoipa::path(get, path = "/v1/appeals", tag = "appeals",
    params(
        ("limit" = Option<u16>, Query, description = "How many are shown", minimum = 1, maximum = 1000),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        RoleProblems,
        (status = 200, description = "The appeals", body = WaitingAppeals),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "The query or a header cannot be read"),
    ))]
async fn waiting(
    State(service): State<Arc<Service>>,
    context: Context,
    query: Result<Query<WaitingQuery>, QueryRejection>,
) -> Response {
    let shown = context.require(Action::Docket).and_then(|()| {
        let query = query.map_err(|e| Problem::new(ProblemCode::InvalidBody, e.body_text()))?;
        let limit = usize::from(query.limit.unwrap_or(SHOWN));
        if (1..=SHOWN_MAX).contains(&limit) {
            return Ok(service.waiting_appeals(limit));
        }
        let detail = format!("limit is 1 to {SHOWN_MAX}, not {limit}");
        Err(Problem::new(ProblemCode::InvalidBody, detail))
    });
    match shown {
        Ok(shown) => axum::Json(shown).into_response(),
        Err(problem) => problem.of(&context.request).into_response(),
    }
}

/// Reads the body and does what was asked on a thread that may wait for the disk.
async fn act<B: DeserializeOwned + Send + 'static, T: Serialize + Send + 'static>(
    service: Arc<Service>,
    context: Context,
    (decision, request): (Result<Path<String>, PathRejection>, Request),
    action: Action,
    how: impl FnOnce(&Service, &Context, &str, &B) -> Result<T, Problem> + Send + 'static,
) -> Response {
    let id = context.request.clone();
    let done = async {
        context.require(action)?;
        require_json(&request)?;
        let body = read_body(&service, request.into_body()).await?;
        let asked: B = serde_json::from_slice(&body.bytes)
            .map_err(|e| Problem::new(ProblemCode::InvalidBody, e.to_string()))?;
        let Ok(Path(decision)) = decision else {
            return Err(Problem::new(ProblemCode::NotFound, "an id is 32 hexadecimal digits"));
        };
        let admission = service.admit()?;
        let done = tokio::task::spawn_blocking(move || {
            let done = how(&service, &context, &decision, &asked);
            drop(admission);
            done
        });
        done.await.unwrap_or_else(|e| Err(Problem::new(ProblemCode::Internal, e.to_string())))
    };
    match done.await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(problem) => problem.of(&id).into_response(),
    }
}

fn check_reason(reason: &str) -> Result<(), Problem> {
    let chars = reason.chars().count();
    if reason.trim().is_empty() || chars > REASON_CHARS_MAX {
        let detail =
            format!("reason_chars_max: a reason has 1 to {REASON_CHARS_MAX} characters, not {chars}");
        return Err(Problem::new(ProblemCode::InvalidBody, detail).at("/reason"));
    }
    Ok(())
}

/// A time as it is shown, RFC 3339.
fn written(ms: i64) -> Option<String> {
    Timestamp::from_millisecond(ms).ok().map(|time| time.to_string())
}

fn unavailable(e: &impl ToString) -> Problem {
    Problem::new(ProblemCode::LogUnavailable, e.to_string())
}

/// The id of what is said on a decision. There is one of each kind.
fn id_on(kind: &[u8], decision: &str) -> String {
    hex(&digest(&[kind, decision.as_bytes()]))
}

impl Service {
    /// Where the record of an id is: among the recent ones, or anywhere in the log.
    pub(super) fn locate(&self, id: &str) -> Result<Position, Problem> {
        self.seek(id)?
            .ok_or_else(|| Problem::new(ProblemCode::NotFound, "no decision of this id is in the log"))
    }

    fn seek(&self, id: &str) -> Result<Option<Position>, Problem> {
        let Some(bits) = unhex(id) else { return Ok(None) };
        let recent = {
            let decisions = self.books().decisions.lock().unwrap_or_else(PoisonError::into_inner);
            decisions.get(&digest(&[b"id", id.as_bytes()]))
        };
        match recent {
            Some(position) => Ok(Some(position)),
            None => find(&self.options().log.dir, &bits).map_err(|e| unavailable(&e)),
        }
    }

    fn entry_at(&self, position: Position) -> Result<Entry, Problem> {
        let found = Reader::at(&self.options().log.dir, position).read().map_err(|e| unavailable(&e))?;
        let found = found.ok_or_else(|| unavailable(&"no record"))?;
        Entry::read(&found.record).map(|(entry, _)| entry).map_err(|e| unavailable(&e))
    }

    /// The decision of an id, and who made it, if that was a person.
    fn decided(&self, id: &str) -> Result<(DecisionEntry, Option<Review>), Problem> {
        match self.entry_at(self.locate(id)?)? {
            Entry::Decision(entry) => Ok((*entry, None)),
            Entry::Outcome(outcome) => Ok((outcome.entry, Some(outcome.review))),
            _ => Err(Problem::new(ProblemCode::NotFound, "this is the id of something else")),
        }
    }

    /// Puts a record under an id of its own.
    fn put(&self, id: &str, entry: &Entry, private: Option<Vec<u8>>) -> Result<Stored, Problem> {
        let stored = self.log().append_and_wait(entry.to_bytes(), private);
        let stored = stored.map_err(|e: LogError| unavailable(&e))?;
        self.books().note(&digest(&[b"id", id.as_bytes()]), stored);
        Ok(stored)
    }

    /// Takes an objection to a decision.
    fn appeal(&self, context: &Context, decision: &str, asked: &AppealRequest) -> Result<Appeal, Problem> {
        check_reason(&asked.reason)?;
        self.decided(decision)?;
        let (id, body) = (id_on(b"appeal", decision), hex(&digest(&[asked.reason.as_bytes()])));
        let _turn = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match self.seek(&id)?.map(|position| self.entry_at(position)).transpose()? {
            Some(Entry::Appeal(earlier)) if earlier.body == body => earlier,
            Some(_) => {
                let detail = format!("appeal {id} has other words");
                return Err(Problem::new(ProblemCode::AlreadyDone, detail));
            }
            None => {
                self.docket().check_room()?;
                let (hours, now_ms) = (i64::from(self.options().appeal_hours), Clock::now_ms());
                let entry = AppealEntry {
                    id,
                    decision: decision.to_owned(),
                    who: context.caller.name().to_owned(),
                    body,
                    due_ms: (hours > 0).then(|| now_ms.saturating_add(hours * HOUR_MS)),
                    request: context.request.clone(),
                };
                // The words belong to their author, and are purged with the others.
                let private = serde_json::json!({ "item": { "reason": asked.reason } }).to_string();
                let stored =
                    self.put(&entry.id, &Entry::Appeal(entry.clone()), Some(private.into_bytes()))?;
                // A restart knows no other time than the record's.
                self.docket().add(decision, stored.time_ms, entry.due_ms);
                entry
            }
        };
        Ok(Appeal { id: entry.id, decision: entry.decision, due: entry.due_ms.and_then(written) })
    }

    /// The appeals that wait, due first.
    fn waiting_appeals(&self, limit: usize) -> WaitingAppeals {
        let docket = self.docket();
        let now_ms = Clock::now_ms();
        let [waiting, overdue] = docket.counts(now_ms);
        let shown = |waiting: &Waiting| {
            let decision = waiting.decision();
            WaitingAppeal {
                appeal: Appeal {
                    id: id_on(b"appeal", &decision),
                    decision,
                    due: waiting.due_ms().and_then(written),
                },
                made: written(waiting.made_ms()).unwrap_or_default(),
                overdue: waiting.is_overdue(now_ms),
            }
        };
        WaitingAppeals { waiting, overdue, appeals: docket.waiting().take(limit).map(shown).collect() }
    }

    /// Takes a person's word on a decision.
    fn review(&self, context: &Context, of: &str, asked: &OutcomeRequest) -> Result<ReviewedAnswer, Problem> {
        check_reason(&asked.reason)?;
        let (reviewed, earlier) = self.decided(of)?;
        let by = context.caller.name();
        if earlier.is_some_and(|earlier| earlier.by == by) {
            let detail = "this is the caller's own word; another person has to look at it";
            return Err(Problem::new(ProblemCode::Forbidden, detail));
        }
        let before = reviewed.decision.verdict;
        if asked.verdict > before && before != Verdict::Review {
            let detail = format!("a review makes {} no stricter", before.as_str());
            return Err(Problem::new(ProblemCode::InvalidBody, detail).at("/verdict"));
        }
        let id = id_on(b"outcome", of);
        let _turn = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(position) = self.seek(&id)? {
            return match self.entry_at(position)? {
                Entry::Outcome(there) if is_same(&there, by, asked) => Ok(ReviewedAnswer::of(*there)),
                _ => Err(Problem::new(ProblemCode::AlreadyDone, format!("outcome {id} holds"))),
            };
        }
        let appeal = id_on(b"appeal", of);
        let appeal = self.seek(&appeal)?.map(|_| appeal);
        let outcome = match asked.verdict {
            verdict if verdict == before => ReviewOutcome::Upheld,
            Verdict::Pass => ReviewOutcome::Overturned,
            Verdict::Limit | Verdict::Review | Verdict::Block => ReviewOutcome::Changed,
        };
        let review =
            Review { of: of.to_owned(), appeal, outcome, by: by.to_owned(), reason: asked.reason.clone() };
        let entry = DecisionEntry {
            id: id.clone(),
            request: context.request.clone(),
            key: None,
            body: None,
            decision: ruled(reviewed.decision, asked.verdict, outcome),
            ..reviewed
        };
        let outcome = OutcomeEntry { review, entry };
        self.put(&id, &Entry::Outcome(Box::new(outcome.clone())), None)?;
        self.docket().answer(of);
        Ok(ReviewedAnswer::of(outcome))
    }
}

fn is_same(there: &OutcomeEntry, by: &str, asked: &OutcomeRequest) -> bool {
    let is_verdict = there.entry.decision.verdict == asked.verdict;
    is_verdict && there.review.by == by && there.review.reason == asked.reason
}

/// The decision that holds after a review. The evidence of the one before stands where it is; proposals fall unless it is upheld.
fn ruled(before: Decision, verdict: Verdict, outcome: ReviewOutcome) -> Decision {
    let is_upheld = outcome == ReviewOutcome::Upheld;
    let is_cleared = outcome == ReviewOutcome::Overturned;
    let keep = |keep: bool, list: Vec<String>| if keep { list } else { Vec::new() };
    Decision {
        follow_up: Some(FollowUp {
            cause: before.item.clone(),
            previous: before.verdict,
            withdraws: !is_upheld,
        }),
        verdict,
        score: if is_cleared { 0.0 } else { before.score },
        labels: if is_cleared { Vec::new() } else { before.labels },
        evidence: Vec::new(),
        near_duplicate: None,
        proposals: if is_upheld { before.proposals } else { Vec::new() },
        basis: keep(!is_cleared, before.basis),
        counterfactual: None,
        limits: Vec::new(),
        degraded: None,
        item: before.item,
        versions: before.versions,
    }
}
