//! Clients of gRPC: those that are made from the description, on a connection of our own making.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use qingliu::serve::grpc::v1;
use qingliu::serve::grpc::v1::check_request::Input;
use qingliu::serve::grpc::v1::moderation_client::ModerationClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic_health::pb::health_client::HealthClient;

use crate::client::Served;

/// One connection.
#[derive(Clone)]
pub(crate) struct Http2(SendRequest<Body>);

impl tower::Service<Request<Body>> for Http2 {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// A connection, and when it ends.
pub(crate) async fn speak<S>(stream: S, window_bytes: u32) -> (Http2, JoinHandle<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = Builder::new(TokioExecutor::new());
    http.initial_stream_window_size(window_bytes).initial_connection_window_size(window_bytes.max(65_535));
    let (sender, connection) = http.handshake(TokioIo::new(stream)).await.expect("HTTP/2");
    let ended = tokio::spawn(async move {
        // How it ends is for the test to say.
        let _ = connection.await;
    });
    (Http2(sender), ended)
}

/// A connection to a service.
pub(crate) async fn connect(served: &Served) -> Http2 {
    let stream = TcpStream::connect(served.grpc).await.expect("a connection");
    speak(stream, 1 << 20).await.0
}

pub(crate) fn origin() -> hyper::Uri {
    "http://test".parse().expect("an origin")
}

pub(crate) fn moderation(connection: Http2) -> ModerationClient<Http2> {
    ModerationClient::with_origin(connection, origin())
}

pub(crate) fn health(connection: Http2) -> HealthClient<Http2> {
    HealthClient::with_origin(connection, origin())
}

/// An item as JSON.
pub(crate) fn json(item: &str) -> v1::CheckRequest {
    v1::CheckRequest { input: Some(Input::ItemJson(item.to_owned())), with_json: true, ..Default::default() }
}

/// A request with metadata.
pub(crate) fn with<T>(message: T, metadata: &[(&'static str, &str)]) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse().expect("a value"));
    }
    request
}

/// The answer or the problem of a result.
pub(crate) fn result(result: v1::CheckResult) -> Result<v1::Answer, v1::Problem> {
    match result.result.expect("a result") {
        v1::check_result::Result::Answer(answer) => Ok(answer),
        v1::check_result::Result::Problem(problem) => Err(problem),
    }
}

/// The reason in a status's details, and after how many seconds another attempt makes sense.
pub(crate) fn reason(status: &tonic::Status) -> (String, Option<u64>) {
    use tonic_types::StatusExt as _;
    let details = status.get_error_details();
    let retry = details.retry_info().and_then(|retry| retry.retry_delay);
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    (reason, retry.map(|retry| retry.as_secs()))
}
