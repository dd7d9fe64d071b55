//! The standard health service: whether requests are served, as `/readyz` says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::interval;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::WATCHERS_MAX;
use crate::serve::listener::until_stopped;
use crate::serve::service::Service;

/// How often watchers are told at most.
const LOOK: Duration = Duration::from_millis(500);

/// The services that have a state: all together, and the one that judges.
const NAMES: [&str; 2] = ["", "qingliu.v1.Moderation"];

/// Answers for one service.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    service: Arc<Service>,
    status: watch::Receiver<ServingStatus>,
    places: Arc<Semaphore>,
}

fn status_of(service: &Service) -> ServingStatus {
    if service.readiness().is_ok() { ServingStatus::Serving } else { ServingStatus::NotServing }
}

impl Watch {
    /// Starts to look after a service, until it stops.
    pub(super) fn start(service: &Arc<Service>, mut stopped: watch::Receiver<bool>) -> Self {
        let (tell, status) = watch::channel(status_of(service));
        let looked_after = Arc::clone(service);
        tokio::spawn(async move {
            let mut ticks = interval(LOOK);
            loop {
                let is_stopped = tokio::select! {
                    _ = ticks.tick() => false,
                    () = until_stopped(&mut stopped) => true,
                };
                let status = status_of(&looked_after);
                tell.send_if_modified(|told| std::mem::replace(told, status) != status);
                // With the sender go those who watch.
                if is_stopped {
                    return;
                }
            }
        });
        Self { service: Arc::clone(service), status, places: Arc::new(Semaphore::new(WATCHERS_MAX)) }
    }
}

#[tonic::async_trait]
impl Health for Watch {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !NAMES.contains(&request.get_ref().service.as_str()) {
            return Err(Status::not_found("no such service; reflection lists all"));
        }
        Ok(Response::new(HealthCheckResponse { status: status_of(&self.service).into() }))
    }

    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(Status::resource_exhausted(format!("watchers_max: {WATCHERS_MAX} clients watch")));
        };
        let is_known = NAMES.contains(&request.get_ref().service.as_str());
        let mut states = self.status.clone();
        let (tell, told) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut last = None;
            loop {
                let now = *states.borrow_and_update();
                let status = if is_known { now } else { ServingStatus::ServiceUnknown };
                let is_new = last.replace(status) != Some(status);
                if is_new && tell.send(Ok(HealthCheckResponse { status: status.into() })).await.is_err() {
                    break;
                }
                tokio::select! {
                    changed = states.changed() => if changed.is_err() {
                        break;
                    },
                    () = tell.closed() => break,
                }
            }
            drop(place);
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }
}
