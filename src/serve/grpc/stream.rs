//! A stream of items: a bounded number is judged at a time, and answers come in the order of the requests.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use axum::http::HeaderMap;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use super::body::draining;
use super::calls::{Calls, judge};
use super::gate::Call;
use super::status::{message_of, status_of};
use super::{STREAM_ITEMS_MAX, v1};
use crate::serve::access::Action;
use crate::serve::listener::until_stopped;
use crate::serve::problem::{Problem, ProblemCode};
use crate::serve::request::Context;
use crate::serve::service::Service;

type Answers = mpsc::Sender<Result<v1::CheckResult, Status>>;

/// An item whose answer has not been sent.
enum Pending {
    Done(Box<v1::CheckResult>),
    /// Goes on by itself, so that a client that does not read holds no place of others.
    Running(JoinHandle<v1::CheckResult>),
}

struct Pump {
    service: Arc<Service>,
    context: Context,
    /// When the client breaks off.
    until: Option<Instant>,
    /// The metadata, by which each item is let in anew: keys end, and their rate is one of items.
    headers: HeaderMap,
    items: u64,
    open: VecDeque<Pending>,
}

/// Starts a stream.
///
/// # Errors
/// The metadata has an idempotency key: each item has its own.
pub(super) fn start(
    calls: &Calls,
    call: Call,
    request: Request<Streaming<v1::CheckRequest>>,
) -> Result<ReceiverStream<Result<v1::CheckResult, Status>>, Problem> {
    let Call { context, until, .. } = call;
    if context.key.is_some() {
        let detail = "idempotency-key: in a stream, each item has its own idempotency_key";
        return Err(Problem::new(ProblemCode::InvalidHeader, detail).of(&context.request));
    }
    let (answers, receiver) = mpsc::channel(1);
    let headers = request.metadata().as_ref().clone();
    let service = Arc::clone(&calls.service);
    let pump = Pump { service, context, until, headers, items: 0, open: VecDeque::new() };
    tokio::spawn(pump.run(request.into_inner(), answers, calls.stopped.clone()));
    Ok(ReceiverStream::new(receiver))
}

impl Pump {
    async fn run(
        mut self,
        mut requests: Streaming<v1::CheckRequest>,
        answers: Answers,
        mut stopped: watch::Receiver<bool>,
    ) {
        let until = self.until;
        let mut end: Option<Result<(), Status>> = None;
        loop {
            if let (Some(end), true) = (&end, self.open.is_empty()) {
                if let Err(status) = end {
                    // Whoever has gone away needs no reason.
                    let _ = answers.send(Err(status.clone())).await;
                }
                return;
            }
            tokio::select! {
                () = answers.closed() => return,
                result = next(&mut self.open), if !self.open.is_empty() => {
                    // Waits until the client takes it; if it never does, its connection is cut off.
                    if answers.send(Ok(result)).await.is_err() {
                        return;
                    }
                }
                message = requests.message(), if end.is_none() && self.open.len() < STREAM_ITEMS_MAX => {
                    let begun = match message {
                        Ok(Some(request)) => self.begin(request).await,
                        Ok(None) => Err(None),
                        Err(status) => Err(Some(status)),
                    };
                    end = begun.err().map(|status| status.map_or(Ok(()), Err));
                }
                () = until_stopped(&mut stopped), if end.is_none() => {
                    end = Some(Err(status_of(&draining().of(&self.context.request))));
                }
                () = at(until), if end.is_none() => {
                    end = Some(Err(Status::deadline_exceeded("grpc-timeout: the stream has had its time")));
                }
            }
        }
    }

    /// Begins with an item. What is short is handed on before this returns, so that items are correlated in their order.
    async fn begin(&mut self, request: v1::CheckRequest) -> Result<(), Option<Status>> {
        self.items += 1;
        let begun = Instant::now();
        let id = format!("{}-{}", self.context.request, self.items);
        let caller = self.service.caller(&self.headers);
        let context = match caller.and_then(|caller| caller.require(Action::Check).map(|()| caller)) {
            Ok(caller) => {
                let deadline = begun + self.context.patience;
                let deadline = self.until.map_or(deadline, |until| until.min(deadline));
                let roster = self.service.roster();
                Context { request: id, caller, deadline, roster, ..self.context.clone() }
            }
            Err(problem) if problem.code == ProblemCode::RateLimited => {
                self.open.push_back(Pending::Done(Box::new(refused(problem.of(&id)))));
                return Ok(());
            }
            Err(problem) => return Err(Some(status_of(&problem.of(&id)))),
        };
        let service = Arc::clone(&self.service);
        let mut task = Box::pin(async move {
            let judged = judge(&service, (context, begun), request, false).await;
            judged.map_or_else(refused, |answer| v1::CheckResult {
                result: Some(v1::check_result::Result::Answer(answer)),
            })
        });
        let first = poll_fn(|cx| Poll::Ready(task.as_mut().poll(cx))).await;
        self.open.push_back(match first {
            Poll::Ready(result) => Pending::Done(Box::new(result)),
            Poll::Pending => Pending::Running(tokio::spawn(task)),
        });
        Ok(())
    }
}

fn refused(problem: Problem) -> v1::CheckResult {
    v1::CheckResult { result: Some(v1::check_result::Result::Problem(message_of(problem))) }
}

/// The answer that is next in order. If this is given up while it waits, nothing is lost.
async fn next(open: &mut VecDeque<Pending>) -> v1::CheckResult {
    let lost = |e: String| refused(Problem::new(ProblemCode::Internal, e));
    let waited = match open.front_mut() {
        Some(Pending::Running(task)) => Some(task.await.unwrap_or_else(|e| lost(e.to_string()))),
        Some(Pending::Done(_)) | None => None,
    };
    match (waited, open.pop_front()) {
        (Some(result), _) => result,
        (None, Some(Pending::Done(result))) => *result,
        (None, Some(Pending::Running(_)) | None) => lost("an answer was lost on its way".to_owned()),
    }
}

async fn at(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
