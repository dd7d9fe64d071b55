//! Paths and handlers. Everything that they decide is in [`super::service`].

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::Action;
use super::answer::{Answer, BatchAnswer};
use super::bundles::{self, change};
use super::changes::{BundleChange, BundleState};
use super::described::{BodyProblems, KeyProblems, RoleProblems};
use super::engagement::paths::{__path_engage, __path_engagement_scores, engage, engagement_scores};
use super::metrics::Operation;
use super::problem::{Problem, ProblemCode};
use super::request::{Context, read_body};
use super::schema::{BatchSchema, ItemSchema};
use super::service::Service;

/// All paths, with their description.
pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(super::openapi::base())
        .routes(routes!(check))
        .routes(routes!(check_batch))
        .routes(routes!(explain))
        .merge(super::appeal::routes())
        .routes(routes!(engage))
        .routes(routes!(engagement_scores))
        .routes(routes!(bundle_state, reload))
        .routes(routes!(roll_back))
        .routes(routes!(bundles::try_candidate))
        .routes(routes!(bundles::set_canary))
        .routes(routes!(bundles::promote))
        .routes(routes!(bundles::abort))
        .routes(routes!(bundles::shadow))
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .routes(routes!(openapi))
        .routes(routes!(docs))
}

/// The router of a service.
pub(super) fn router(service: Arc<Service>) -> Router {
    let (router, _) = routes().split_for_parts();
    router.fallback(unknown).method_not_allowed_fallback(other_method).with_state(service)
}

/// Judge one item
///
/// Answers once the decision is in the log.
#[utoipa::path(post, path = "/v1/check", tag = "decisions", request_body = ItemSchema,
    params(
        ("idempotency-key" = Option<String>, Header, description = "The same key and body give the same answer and count once"),
        ("x-deadline-ms" = Option<u32>, Header, description = "How long the caller waits"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        BodyProblems,
        (status = 200, description = "The decision", body = Answer),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The idempotency key was used with another body"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "The body or text is too long"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
    ))]
async fn check(State(service): State<Arc<Service>>, context: Context, request: Request) -> Response {
    let begun = Instant::now();
    let id = context.request.clone();
    let delivered = async {
        context.require(Action::Check)?;
        require_json(&request)?;
        let body = read_body(&service, request.into_body()).await?;
        let _admission = service.admit_in_turn().await?;
        service.check(context, begun, body).await
    };
    let delivery = delivered.await;
    answer(&service, Operation::Check, (begun, &id), delivery)
}

/// Judge up to 100 items
///
/// Each item has its own result: a decision or a problem. With an idempotency key, each item counts under the key and its place.
#[utoipa::path(post, path = "/v1/check/batch", tag = "decisions", request_body = BatchSchema,
    params(
        ("idempotency-key" = Option<String>, Header, description = "The same key and body give the same answer and count once"),
        ("x-deadline-ms" = Option<u32>, Header, description = "How long the caller waits for the whole batch"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        BodyProblems,
        (status = 200, description = "One result for each item", body = BatchAnswer),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
    ))]
async fn check_batch(State(service): State<Arc<Service>>, context: Context, request: Request) -> Response {
    let begun = Instant::now();
    let id = context.request.clone();
    let delivered = async {
        context.require(Action::Check)?;
        require_json(&request)?;
        let body = read_body(&service, request.into_body()).await?;
        let _admission = service.admit()?;
        let batch = service.check_batch(context, body).await?;
        // Our own types have string keys and finite numbers: this does not fail.
        Ok(Bytes::from(serde_json::to_vec(&batch).unwrap_or_default()))
    };
    let delivery = delivered.await;
    answer(&service, Operation::Batch, (begun, &id), delivery)
}

/// Show a decision that was made earlier
///
/// That it was looked at, by whom and why, is in the log before it is shown.
#[utoipa::path(get, path = "/v1/explain/{decision}", tag = "decisions",
    params(
        ("decision" = String, Path, description = "The decision's id"),
        ("x-access-reason" = Option<String>, Header, description = "Why it is looked at"),
        ("x-request-id" = Option<String>, Header, description = "The request's id"),
    ),
    responses(
        RoleProblems,
        (status = 200, description = "The decision", body = Answer),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A header cannot be read"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such decision among the recent ones"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
    ))]
async fn explain(
    State(service): State<Arc<Service>>,
    context: Context,
    decision: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Response {
    let begun = Instant::now();
    let id = context.request.clone();
    let delivered = async {
        context.require(Action::Explain)?;
        let Ok(Path(decision)) = decision else {
            return Err(Problem::new(ProblemCode::NotFound, "an id is 32 hexadecimal digits"));
        };
        let _admission = service.admit()?;
        let shared = Arc::clone(&service);
        // Waits for the disk.
        let shown = tokio::task::spawn_blocking(move || shared.explain(&context, &decision)).await;
        shown.unwrap_or_else(|e| Err(Problem::new(ProblemCode::Internal, e.to_string()))).map(Bytes::from)
    };
    let delivery = delivered.await;
    answer(&service, Operation::Explain, (begun, &id), delivery)
}

/// Which bundle judges
#[utoipa::path(get, path = "/v1/bundles", tag = "bundles", responses(
    RoleProblems,
    (status = 200, description = "The bundles", body = BundleState),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "A header cannot be read"),
))]
async fn bundle_state(State(service): State<Arc<Service>>, context: Context) -> Response {
    let state = context.require(Action::Bundles).map(|()| service.bundle_state());
    state.map_or_else(Problem::into_response, |state| axum::Json(state).into_response())
}

/// Read the bundle directory anew
///
/// It is checked and compiled beside the traffic, and taken only if nothing is wrong with it.
#[utoipa::path(post, path = "/v1/bundles", tag = "bundles", request_body = BundleChange, responses(
    BodyProblems,
    (status = 200, description = "It was taken", body = BundleState),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "The bundle was not taken; the one before judges on"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
))]
async fn reload(State(service): State<Arc<Service>>, context: Context, request: Request) -> Response {
    change(service, context, request, Service::reload).await
}

/// Bring the bundle before back
#[utoipa::path(post, path = "/v1/bundles/rollback", tag = "bundles", request_body = BundleChange, responses(
    BodyProblems,
    (status = 200, description = "It judges again", body = BundleState),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "There is none before"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "No capacity, stopping, or the log is not available"),
))]
async fn roll_back(State(service): State<Arc<Service>>, context: Context, request: Request) -> Response {
    change(service, context, request, Service::roll_back).await
}

/// Whether the process is alive
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "It is", body = String)))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// What readiness says.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// Whether requests are served.
    ready: bool,
    /// What is in the way: `draining`, `log_unavailable`, `correlator_gone`, `engagement_gone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Whether requests are served
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "They are", body = Readiness),
    (status = 503, description = "They are not", body = Readiness),
))]
async fn readyz(State(service): State<Arc<Service>>) -> Response {
    let reason = service.readiness().err();
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let readiness = Readiness { ready: reason.is_none(), reason: reason.map(str::to_owned) };
    (status, axum::Json(readiness)).into_response()
}

/// Counters, in the form that Prometheus reads
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    RoleProblems,
    (status = 200, description = "Counters, gauges and histograms", body = String, content_type = "text/plain"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "A header cannot be read"),
))]
async fn metrics(State(service): State<Arc<Service>>, context: Context) -> Response {
    if let Err(problem) = context.require(Action::Metrics) {
        return problem.into_response();
    }
    let text = service.metrics().render(&service.levels());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses(
    KeyProblems,
    (status = 200, description = "The OpenAPI document", body = serde_json::Value),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "A header cannot be read"),
))]
async fn openapi(context: Context) -> Response {
    if let Err(problem) = context.require(Action::Describe) {
        return problem.into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], super::openapi::openapi_json()).into_response()
}

/// A page to try it
#[utoipa::path(get, path = "/docs", tag = "operation", responses(
    KeyProblems,
    (status = 200, description = "The page", body = String, content_type = "text/html"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "A header cannot be read"),
))]
async fn docs(context: Context) -> Response {
    if let Err(problem) = context.require(Action::Describe) {
        return problem.into_response();
    }
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(include_str!("page.html"))).into_response()
}

async fn unknown(context: Context) -> Problem {
    Problem::new(ProblemCode::NotFound, "no such path; /openapi.json lists all").of(&context.request)
}

async fn other_method(context: Context) -> Problem {
    Problem::new(ProblemCode::MethodNotAllowed, "/openapi.json lists the methods").of(&context.request)
}

/// What the body is declared as, without parameters. A compressed one is refused: a small body could become any size.
pub(super) fn media_type(request: &Request) -> Result<&str, Problem> {
    let encodings = request.headers().get_all(header::CONTENT_ENCODING);
    if encodings.iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let detail = "content-encoding: bodies are taken as they are, not compressed";
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail));
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim())
}

/// A page of another site can make a browser send text, but not JSON.
pub(super) fn require_json(request: &Request) -> Result<(), Problem> {
    if media_type(request)?.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::UnsupportedMediaType, "content-type: application/json is missing"))
}

pub(super) fn answer(
    service: &Service,
    operation: Operation,
    (begun, id): (Instant, &str),
    delivery: Result<Bytes, Problem>,
) -> Response {
    service.answered(operation, (begun, id), delivery.as_ref().err());
    match delivery {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let Ok(id) = HeaderValue::from_str(id) {
                headers.insert("x-request-id", id);
            }
            response
        }
        Err(problem) => problem.of(id).into_response(),
    }
}
