//! Connections rest after refusals that come too fast.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use tower::Service as TowerService;

use super::service::Service;
use super::stall::Rest;

/// The router on one connection.
#[derive(Clone)]
pub(super) struct Rested {
    router: Router,
    service: Arc<Service>,
    rest: Rest,
}

impl Rested {
    pub(super) fn new(router: Router, service: Arc<Service>, rest: Rest) -> Self {
        Self { router, service, rest }
    }
}

impl TowerService<Request<Incoming>> for Rested {
    type Response = Response;
    type Error = Infallible;
    type Future = Resting;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        TowerService::<Request<Incoming>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Resting {
        let answering = self.router.call(request.map(Body::new));
        Resting {
            answering: Box::pin(answering),
            service: Arc::clone(&self.service),
            rest: self.rest.clone(),
        }
    }
}

/// An answer under way.
pub(super) struct Resting {
    answering: Pin<Box<RouteFuture<Infallible>>>,
    service: Arc<Service>,
    rest: Rest,
}

impl Future for Resting {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.answering.as_mut().poll(cx));
        let is_refusal = |response: &Response| {
            matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
        };
        if response.as_ref().is_ok_and(is_refusal)
            && let Some(rest) = self.service.pressure().refused()
        {
            self.rest.set(rest);
        }
        Poll::Ready(response)
    }
}
