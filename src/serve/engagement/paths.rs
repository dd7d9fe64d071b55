//! The paths of the engagement stream.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::{EventsAnswer, Form, TargetScores};
use crate::serve::access::Action;
use crate::serve::described::{BodyProblems, RoleProblems};
use crate::serve::http::{answer, media_type};
use crate::serve::idempotency::Delivery;
use crate::serve::metrics::Operation;
use crate::serve::problem::{Problem, ProblemCode};
use crate::serve::request::{Context, HeldBody, read_body};
use crate::serve::schema::EventSchema;
use crate::serve::service::{Service, utf8};

/// Tell what was read, liked, reposted, commented, followed
///
/// A JSON array, or JSON lines (`application/x-ndjson`), of up to 10,000 events, follower counts and registered windows. Answers once
/// the accepted lines are on the disk: they count whatever happens to the service then. Alerts become decisions of their own.
#[utoipa::path(post, path = "/v1/engagement", tag = "engagement",
    request_body(content((Vec<EventSchema> = "application/json"), (String = "application/x-ndjson"))),
    params(
        ("idempotency-key" = Option<String>, Header, description = "The same key and body count once"),
        ("x-deadline-ms" = Option<u32>, Header, description = "How long the caller waits"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        BodyProblems,
        (status = 200, description = "What was accepted, and what was not", body = EventsAnswer),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The idempotency key was used with another body"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "The body is not declared as JSON or JSON lines"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the disk is not available"),
    ))]
pub(in crate::serve) async fn engage(
    State(service): State<Arc<Service>>,
    context: Context,
    request: Request,
) -> Response {
    let begun = Instant::now();
    let id = context.request.clone();
    let delivered = async {
        context.require(Action::Engage)?;
        let form = form_of(&request)?;
        let body = read_body(&service, request.into_body()).await?;
        let _admission = service.admit()?;
        take(&service, context, form, body).await
    };
    let delivery = delivered.await;
    answer(&service, Operation::Engagement, (begun, &id), delivery)
}

/// A page of another site can make a browser send text, but neither of these.
fn form_of(request: &Request) -> Result<Form, Problem> {
    let found = media_type(request)?;
    if found.eq_ignore_ascii_case("application/json") {
        return Ok(Form::Array);
    }
    let names = ["application/x-ndjson", "application/ndjson", "application/jsonl"];
    if names.iter().any(|name| found.eq_ignore_ascii_case(name)) {
        return Ok(Form::Lines);
    }
    let detail = "content-type: application/json or application/x-ndjson is missing";
    Err(Problem::new(ProblemCode::UnsupportedMediaType, detail))
}

/// Hands a bulk over and waits for what comes of it.
pub(in crate::serve) async fn take(
    service: &Arc<Service>,
    context: Context,
    form: Form,
    body: HeldBody,
) -> Delivery {
    let text = utf8(&body.bytes)?;
    let (deliver, delivered) = oneshot::channel();
    if text.len() <= service.options().inline_bytes_max {
        service.engagement().submit(&context, (form, text), service.bundle(), deliver);
    } else {
        let (shared, bytes, of) = (Arc::clone(service), body.bytes.clone(), context.clone());
        service.hand_over(Box::new(move |_| {
            let text = std::str::from_utf8(&bytes).unwrap_or_default();
            shared.engagement().submit(&of, (form, text), shared.bundle(), deliver);
        }))?;
    }
    match timeout_at(context.deadline, delivered).await {
        Ok(Ok(delivery)) => delivery,
        Ok(Err(_)) => {
            service.engagement().give_up(&context);
            Err(Problem::new(ProblemCode::Internal, "the bulk was lost on its way"))
        }
        Err(_) => {
            let detail = "the deadline has come: the bulk may count or not; with its idempotency key it can be sent again";
            Err(Problem::new(ProblemCode::Overloaded, detail))
        }
    }
}

/// Show the last scores of a target
///
/// Alerts, and scores within reach of one. That they were looked at, by whom and why, is in the log before they are shown.
#[utoipa::path(get, path = "/v1/engagement/{target}", tag = "engagement",
    params(
        ("target" = String, Path, description = "The target's id"),
        ("x-access-reason" = Option<String>, Header, description = "Why they are looked at"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        RoleProblems,
        (status = 200, description = "The scores, newest first", body = TargetScores),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A header cannot be read"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No score of this target among the recent ones"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
    ))]
pub(in crate::serve) async fn engagement_scores(
    State(service): State<Arc<Service>>,
    context: Context,
    target: Result<Path<String>, PathRejection>,
) -> Response {
    let begun = Instant::now();
    let id = context.request.clone();
    let delivered = async {
        context.require(Action::Scores)?;
        let Ok(Path(target)) = target else {
            return Err(Problem::new(ProblemCode::NotFound, "the target's id is no UTF-8"));
        };
        let _admission = service.admit()?;
        let shared = Arc::clone(&service);
        // Waits for the disk.
        let shown = tokio::task::spawn_blocking(move || show(&shared, &context, &target)).await;
        shown.unwrap_or_else(|e| Err(Problem::new(ProblemCode::Internal, e.to_string())))
    };
    let delivery = delivered.await;
    answer(&service, Operation::Scores, (begun, &id), delivery)
}

fn show(service: &Service, context: &Context, target: &str) -> Delivery {
    let Some(scores) = service.engagement().scores_of(target) else {
        let detail = "no score of this target among the recent ones";
        return Err(Problem::new(ProblemCode::NotFound, detail));
    };
    service.note_look(context, "engagement_scores", target)?;
    // Our own types have string keys and finite numbers: this does not fail.
    Ok(Bytes::from(serde_json::to_vec(&scores).unwrap_or_default()))
}
