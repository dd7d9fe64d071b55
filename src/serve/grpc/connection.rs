//! Connections that speak HTTP/2, and what becomes of a request on them.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tower::ServiceExt as _;

use super::body::LimitedBody;
use super::calls::Calls;
use super::flow::{Fate, Flow, FollowedBody, OpenRequest};
use super::health::Watch;
use super::status::status_of;
use super::v1::moderation_server::ModerationServer;
use super::{
    CONNECTION_WINDOW_BYTES, HEADER_LIST_BYTES_MAX, RESET_STREAMS_MAX, STREAM_WINDOW_BYTES, STREAMS_MAX,
    gate, v1,
};
use crate::serve::listener::until_stopped;
use crate::serve::service::Service;

/// Longest that a connection may be without a request.
const IDLE_MAX: Duration = Duration::from_mins(5);
/// Pause after which a silent client is asked whether it is there, and longest that it may take to answer.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// How often connections are looked after.
const LOOK_MIN: Duration = Duration::from_millis(10);
const LOOK_MAX: Duration = Duration::from_secs(1);

/// What all gRPC connections share.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Gateway {
    service: Arc<Service>,
    routes: Router,
    stopped: watch::Receiver<bool>,
}

impl Gateway {
    /// # Errors
    /// The compiled description cannot be read, which the tests exclude.
    pub(in crate::serve) fn new(
        service: &Arc<Service>,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, tonic_reflection::server::Error> {
        // Longer messages are refused while they come; this limit is never met.
        let most = service.options().body_bytes_max;
        let calls = Calls { service: Arc::clone(service), stopped: stopped.clone() };
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let routes = Routes::new(ModerationServer::new(calls).max_decoding_message_size(most))
            .add_service(HealthServer::new(Watch::start(service, stopped.clone())))
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        let routes = routes.prepare().into_axum_router();
        Ok(Self { service: Arc::clone(service), routes, stopped })
    }

    async fn answer(&self, request: Request<Incoming>, open: OpenRequest) -> Response<FollowedBody> {
        let (parts, body) = request.into_parts();
        let (way, call) = match gate::enter(&self.service, &parts) {
            Ok(entered) => entered,
            Err(problem) => {
                let response: Response<Body> = status_of(&problem).into_http();
                return named(response, &problem.request).map(|body| FollowedBody::new(body, open));
            }
        };
        let id = call.as_ref().map(|call| call.context.request.clone()).unwrap_or_default();
        let body = if way.is_stream {
            LimitedBody::stream(body, &self.service, (&id, self.stopped.clone()))
        } else {
            LimitedBody::single(body, &self.service, &id)
        };
        let mut request = Request::from_parts(parts, Body::new(body));
        if let Some(call) = call {
            request.extensions_mut().insert(call);
        }
        let response = match self.routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        named(response, &id).map(|body| FollowedBody::new(body, open))
    }
}

/// Says which request an answer belongs to.
fn named(mut response: Response<Body>, id: &str) -> Response<Body> {
    if let Ok(id) = HeaderValue::from_str(id)
        && !id.is_empty()
    {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// Serves a connection until it ends. Returns when its last request is done, once `stopped` is.
pub(in crate::serve) async fn speak<S>(gateway: Arc<Gateway>, stream: S, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let options = gateway.service.options();
    let (idle_max, unread_max) = ((options.header_timeout, IDLE_MAX), options.write_timeout);
    let flow = Flow::new();
    let followed = Arc::clone(&flow);
    let service = service_fn(move |request| {
        let (gateway, open) = (Arc::clone(&gateway), followed.begin());
        async move { Ok::<_, Infallible>(gateway.answer(request, open).await) }
    });
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut looks = interval((unread_max / 4).clamp(LOOK_MIN, LOOK_MAX));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_ending = false;
    loop {
        tokio::select! {
            // A client that breaks off harms nobody else.
            _ = connection.as_mut() => return,
            _ = looks.tick() => match flow.fate(idle_max, unread_max) {
                Fate::Kept => continue,
                Fate::Idle if is_ending => return,
                Fate::Idle => {}
                Fate::Stalled => return,
            },
            () = until_stopped(&mut stopped), if !is_ending => {}
        }
        is_ending = true;
        connection.as_mut().graceful_shutdown();
    }
}
