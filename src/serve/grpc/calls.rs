//! The calls. Everything that they decide is in [`super::super::service`].

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::convert::{answer_of, item_json, message_of};
use super::gate::Call;
use super::status::{self, status_of};
use super::{stream, v1};
use crate::serve::answer::BatchResult;
use crate::serve::engagement::{EventRejection, EventsAnswer, Form, take};
use crate::serve::metrics::Operation;
use crate::serve::problem::{Problem, ProblemCode};
use crate::serve::request::{Context, HEADER_VALUE_BYTES_MAX, HeldBody, fit_reason, too_large};
use crate::serve::service::Service;

/// The service `qingliu.v1.Moderation`.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    pub(super) service: Arc<Service>,
    pub(super) stopped: watch::Receiver<bool>,
}

/// What the gate has found out.
pub(super) fn call_of<T>(request: &Request<T>) -> Result<Call, Status> {
    let call = request.extensions().get::<Call>().cloned();
    call.ok_or_else(|| status_of(&Problem::new(ProblemCode::Internal, "the call came past the gate")))
}

/// The same with what the message says.
pub(super) fn with(
    mut context: Context,
    key: String,
    millis: u32,
    begun: Instant,
) -> Result<Context, Problem> {
    if !key.is_empty() {
        context.key = Some(visible(key, "idempotency_key")?);
    }
    Ok(context.within((millis > 0).then_some(millis), begun))
}

/// A value under the rule that the header of its name has.
fn visible(value: String, name: &str) -> Result<String, Problem> {
    if value.len() <= HEADER_VALUE_BYTES_MAX && value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(value);
    }
    let detail = format!("{name} is 1 to {HEADER_VALUE_BYTES_MAX} visible ASCII characters");
    Err(Problem::new(ProblemCode::InvalidBody, detail).at(format!("/{name}")))
}

/// Judges one item. One that is alone waits for its turn, as over HTTP; those of a stream keep their order.
pub(super) async fn judge(
    service: &Arc<Service>,
    (context, begun): (Context, Instant),
    request: v1::CheckRequest,
    is_alone: bool,
) -> Result<v1::Answer, Problem> {
    let id = context.request.clone();
    let with_json = request.with_json;
    let judged = async {
        let context = with(context, request.idempotency_key, request.timeout_ms, begun)?;
        let body = hold(service, item_json(request.input)?)?;
        let _admission = if is_alone { service.admit_in_turn().await? } else { service.admit()? };
        answer_of(&service.check(context, begun, body).await?, with_json)
    };
    let judged = judged.await;
    service.answered(Operation::Check, (begun, &id), judged.as_ref().err());
    judged.map_err(|problem| problem.of(&id))
}

fn hold(service: &Service, json: String) -> Result<HeldBody, Problem> {
    if json.len() > service.options().body_bytes_max {
        return Err(too_large(service.options()));
    }
    HeldBody::hold(service, Bytes::from(json))
}

impl Calls {
    /// What came of a call, counted.
    fn tell<T>(
        &self,
        operation: Operation,
        (begun, id): (Instant, &str),
        result: Result<T, Problem>,
    ) -> Result<Response<T>, Status> {
        self.service.answered(operation, (begun, id), result.as_ref().err());
        result.map(Response::new).map_err(|problem| status_of(&problem.of(id)))
    }

    async fn batch(
        &self,
        context: Context,
        begun: Instant,
        request: v1::CheckBatchRequest,
    ) -> Result<v1::CheckBatchResponse, Problem> {
        let context = with(context, request.idempotency_key, request.timeout_ms, begun)?;
        let (mut items, mut bad) = (Vec::new(), Vec::new());
        for (index, item) in request.items.into_iter().enumerate() {
            match item_json(item.input) {
                Ok(json) => items.push(json),
                Err(problem) => {
                    let inside = problem.pointer.clone().unwrap_or_default();
                    let problem = problem.at(format!("/items/{index}{inside}")).of(&context.request);
                    bad.push((index, status::message_of(problem)));
                    // Keeps the place; it is refused without being judged.
                    items.push(String::new());
                }
            }
        }
        let whole = items.iter().map(String::len).sum::<usize>();
        if whole > self.service.options().body_bytes_max {
            return Err(too_large(self.service.options()));
        }
        // The items live in the task of the batch; this is their share of the memory of all bodies.
        let _share = HeldBody::reserve(&self.service, whole)?;
        let _admission = self.service.admit()?;
        let answers = self.service.check_items(context, items).await?.results.into_iter();
        let mut results = answers.map(|result| result_of(result, request.with_json)).collect::<Vec<_>>();
        for (index, problem) in bad {
            if let Some(result) = results.get_mut(index) {
                result.result = Some(v1::check_result::Result::Problem(problem));
            }
        }
        Ok(v1::CheckBatchResponse { results })
    }

    async fn record(
        &self,
        context: Context,
        begun: Instant,
        request: v1::RecordEngagementRequest,
    ) -> Result<v1::RecordEngagementResponse, Problem> {
        let context = with(context, request.idempotency_key, request.timeout_ms, begun)?;
        let body = hold(&self.service, request.json_lines)?;
        let _admission = self.service.admit()?;
        let answer = take(&self.service, context, Form::Lines, body).await?;
        // Our own answer can be read.
        let read = serde_json::from_slice(&answer);
        read.map(events_of).map_err(|e| Problem::new(ProblemCode::Internal, e.to_string()))
    }
}

fn events_of(answer: EventsAnswer) -> v1::RecordEngagementResponse {
    let rejection = |rejection: EventRejection| v1::EngagementRejection {
        line: rejection.line.unwrap_or_default() as u64,
        reason: rejection.reason,
    };
    v1::RecordEngagementResponse {
        accepted: answer.accepted as u64,
        rejected: answer.rejected as u64,
        rejections: answer.rejections.into_iter().map(rejection).collect(),
    }
}

fn result_of(result: BatchResult, with_json: bool) -> v1::CheckResult {
    let result = match result {
        BatchResult::Answer(answer) => {
            // Our own types have string keys and finite numbers: this does not fail.
            let json =
                if with_json { serde_json::to_string(&answer).unwrap_or_default() } else { String::new() };
            v1::check_result::Result::Answer(message_of(*answer, json))
        }
        BatchResult::Problem(problem) => v1::check_result::Result::Problem(status::message_of(problem)),
    };
    v1::CheckResult { result: Some(result) }
}

#[tonic::async_trait]
impl v1::moderation_server::Moderation for Calls {
    async fn check(&self, request: Request<v1::CheckRequest>) -> Result<Response<v1::Answer>, Status> {
        let call = call_of(&request)?;
        let judged = judge(&self.service, (call.context, call.begun), request.into_inner(), true).await;
        judged.map(Response::new).map_err(|problem| status_of(&problem))
    }

    async fn check_batch(
        &self,
        request: Request<v1::CheckBatchRequest>,
    ) -> Result<Response<v1::CheckBatchResponse>, Status> {
        let Call { context, begun, .. } = call_of(&request)?;
        let id = context.request.clone();
        let judged = self.batch(context, begun, request.into_inner()).await;
        self.tell(Operation::Batch, (begun, &id), judged)
    }

    type CheckStreamStream = ReceiverStream<Result<v1::CheckResult, Status>>;

    async fn check_stream(
        &self,
        request: Request<Streaming<v1::CheckRequest>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        let call = call_of(&request)?;
        stream::start(self, call, request).map(Response::new).map_err(|problem| status_of(&problem))
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Result<Response<v1::Answer>, Status> {
        let Call { mut context, begun, .. } = call_of(&request)?;
        let request = request.into_inner();
        let id = context.request.clone();
        let shown = async {
            if !request.reason.is_empty() {
                context.reason = fit_reason(&request.reason).ok_or_else(|| {
                    let detail = format!("reason is at most {HEADER_VALUE_BYTES_MAX} bytes in one line");
                    Problem::new(ProblemCode::InvalidBody, detail).at("/reason")
                })?;
            }
            let _admission = self.service.admit()?;
            let shared = Arc::clone(&self.service);
            // Waits for the disk.
            let shown = tokio::task::spawn_blocking(move || shared.explain(&context, &request.id)).await;
            let bytes = shown.unwrap_or_else(|e| Err(Problem::new(ProblemCode::Internal, e.to_string())))?;
            answer_of(&Bytes::from(bytes), request.with_json)
        };
        self.tell(Operation::Explain, (begun, &id), shown.await)
    }

    async fn record_engagement(
        &self,
        request: Request<v1::RecordEngagementRequest>,
    ) -> Result<Response<v1::RecordEngagementResponse>, Status> {
        let Call { context, begun, .. } = call_of(&request)?;
        let id = context.request.clone();
        let recorded = self.record(context, begun, request.into_inner()).await;
        self.tell(Operation::Engagement, (begun, &id), recorded)
    }
}
