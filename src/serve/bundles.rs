//! Paths by which a bundle is tried before it judges everybody.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::access::Action;
use super::changes::{Authored, BundleChange, BundleState, CanaryChange, CandidateChange};
use super::described::{BodyProblems, RoleProblems};
use super::http::require_json;
use super::problem::{Problem, ProblemCode};
use super::reload::CHANGES_MAX;
use super::request::{Context, read_body};
use super::service::Service;
use super::shadow::ShadowReport;

/// Try a bundle
///
/// The bundle of the candidate directory is checked and compiled, and then judges a share of the items beside the live one, and a
/// share of the accounts in earnest. It takes the place of the one that was tried before.
#[utoipa::path(post, path = "/v1/bundles/candidate", tag = "bundles", request_body = CandidateChange, responses(
    BodyProblems,
    (status = 200, description = "It is being tried", body = BundleState),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "It was not taken"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Stopping, too many changes wait, or the log is not available"),
))]
pub(super) async fn try_candidate(
    State(service): State<Arc<Service>>,
    context: Context,
    request: Request,
) -> Response {
    change(service, context, request, Service::try_candidate).await
}

/// Change the share of accounts that the candidate judges
///
/// The accounts that were in stay in when the share grows.
#[utoipa::path(post, path = "/v1/bundles/canary", tag = "bundles", request_body = CanaryChange, responses(
    BodyProblems,
    (status = 200, description = "The share holds", body = BundleState),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "No bundle is being tried"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Stopping, too many changes wait, or the log is not available"),
))]
pub(super) async fn set_canary(
    State(service): State<Arc<Service>>,
    context: Context,
    request: Request,
) -> Response {
    change(service, context, request, Service::set_canary).await
}

/// Make the candidate the live bundle
///
/// It holds over a restart, until the bundle directory changes.
#[utoipa::path(post, path = "/v1/bundles/promote", tag = "bundles", request_body = BundleChange, responses(
    BodyProblems,
    (status = 200, description = "It judges", body = BundleState),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "No bundle is being tried, or another one than was expected"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Stopping, too many changes wait, or the log is not available"),
))]
pub(super) async fn promote(
    State(service): State<Arc<Service>>,
    context: Context,
    request: Request,
) -> Response {
    change(service, context, request, Service::promote).await
}

/// End the trial
///
/// The live bundle judges everybody again.
#[utoipa::path(post, path = "/v1/bundles/abort", tag = "bundles", request_body = BundleChange, responses(
    BodyProblems,
    (status = 200, description = "It is over", body = BundleState),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "No bundle is being tried, or another one than was expected"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Stopping, too many changes wait, or the log is not available"),
))]
pub(super) async fn abort(
    State(service): State<Arc<Service>>,
    context: Context,
    request: Request,
) -> Response {
    change(service, context, request, Service::abort).await
}

/// What is asked of a report.
#[derive(Debug, Deserialize)]
pub(super) struct ShadowQuery {
    #[serde(default)]
    text: bool,
}

/// How the candidate differs
///
/// Texts of examples are shown to those only who may see decisions with their evidence, and that they were shown is in the log first.
#[utoipa::path(get, path = "/v1/bundles/shadow", tag = "bundles",
    params(
        ("text" = Option<bool>, Query, description = "Whether examples show the beginning of their text, where texts are kept"),
        ("x-access-reason" = Option<String>, Header, description = "Why texts are looked at"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        RoleProblems,
        (status = 200, description = "What differs", body = ShadowReport),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "The query or a header cannot be read"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No bundle is being tried"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The log is not available"),
    ))]
pub(super) async fn shadow(
    State(service): State<Arc<Service>>,
    context: Context,
    query: Result<Query<ShadowQuery>, QueryRejection>,
) -> Response {
    let id = context.request.clone();
    let report = async {
        context.require(Action::Bundles)?;
        let query = query.map_err(|e| Problem::new(ProblemCode::InvalidBody, e.body_text()))?;
        if !query.text {
            return service.shadow_report(false);
        }
        context.require(Action::Explain)?;
        let shared = Arc::clone(&service);
        // Waits for the disk.
        let noted = tokio::task::spawn_blocking(move || shared.note_look(&context, "shadow", "")).await;
        noted.unwrap_or_else(|e| Err(Problem::new(ProblemCode::Internal, e.to_string())))?;
        service.shadow_report(true)
    };
    match report.await {
        Ok(report) => axum::Json(report).into_response(),
        Err(problem) => problem.of(&id).into_response(),
    }
}

/// Changes bundles on a thread that may take its time. Changes are let in apart from other requests: a service that is at its
/// capacity can be given the bundle before back.
pub(super) async fn change<T: DeserializeOwned + Authored + Send + 'static>(
    service: Arc<Service>,
    context: Context,
    request: Request,
    how: impl FnOnce(&Service, T) -> Result<BundleState, Problem> + Send + 'static,
) -> Response {
    let id = context.request.clone();
    let changed = async {
        context.require(Action::Bundles)?;
        require_json(&request)?;
        let body = read_body(&service, request.into_body()).await?;
        let mut change: T = serde_json::from_slice(&body.bytes)
            .map_err(|e| Problem::new(ProblemCode::InvalidBody, e.to_string()))?;
        if change.author_mut().is_empty() {
            context.caller.name().clone_into(change.author_mut());
        }
        let admission = service.admit_change()?;
        let done = tokio::task::spawn_blocking(move || {
            let changed = how(&service, change);
            drop(admission);
            changed
        });
        done.await.unwrap_or_else(|e| Err(Problem::new(ProblemCode::Internal, e.to_string())))
    };
    match changed.await {
        Ok(state) => axum::Json(state).into_response(),
        Err(problem) => problem.of(&id).into_response(),
    }
}

impl Service {
    /// Lets a change of the bundle in: they wait for each other, and few of them.
    fn admit_change(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if self.readiness() == Err("draining") {
            return Err(Problem::new(ProblemCode::Draining, "the service is stopping"));
        }
        self.reloader().admit().ok_or_else(|| {
            let detail = format!("changes_max: {CHANGES_MAX} changes of the bundle wait");
            Problem::new(ProblemCode::Overloaded, detail)
        })
    }
}
