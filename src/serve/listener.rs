//! Connections: accepted up to a number, with time limits on what clients do, and let go in order at the end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics::Gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::access::KeyError;
use super::http::router;
use super::kept::Starting;
use super::options::ServeOptions;
use super::service::Service;
use super::stall::StallGuard;
use crate::emit::{run_jsonl, run_webhook};
use crate::store::log::{LogError, OpenReport};

/// Why a service cannot start or has ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The log cannot be opened or written.
    #[error("{0}")]
    Log(#[from] LogError),
    /// The keys cannot be read.
    #[error("{0}")]
    Keys(#[from] KeyError),
    /// The address cannot be listened on.
    #[error("listen {address}: {problem}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        problem: String,
    },
    /// Something that a service is made of cannot be had: threads, clocks …
    #[error("the service cannot start: {0}")]
    Start(String),
}

/// Headers of one request.
const HEADERS_MAX: usize = 64;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How often keys are read anew, metrics tidied, the bundle directory looked at.
const UPKEEP: Duration = Duration::from_secs(2);
/// A sink that has run for so long after it failed is well again.
const SINK_WELL: Duration = Duration::from_secs(10);
/// Pause after a sink failed.
const SINK_PAUSE: Duration = Duration::from_secs(2);
/// Pause after a connection could not be accepted, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A service that listens and does not serve yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    report: OpenReport,
}

impl Server {
    /// Opens the data directory and the address. Reads the keys of the last day back from the log.
    ///
    /// # Errors
    /// The address is taken, another process has the log, a file cannot be read …
    pub async fn bind(options: ServeOptions, bundle: impl Into<Starting>) -> Result<Self, ServeError> {
        let bundle: Starting = bundle.into();
        let asked = options.listen;
        let listen = |e: io::Error| ServeError::Listen { address: asked, problem: e.to_string() };
        let listener = TcpListener::bind(asked).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let started = tokio::task::spawn_blocking(move || Service::start(options, bundle));
        let (service, report) = started.await.map_err(|e| ServeError::Start(e.to_string()))??;
        Ok(Self { listener, address, service: Arc::new(service), report })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was found when the log was opened.
    pub fn report(&self) -> &OpenReport {
        &self.report
    }

    /// Serves until `stop` is done. Then new requests are refused, open ones are finished, and the log is closed.
    ///
    /// # Errors
    /// The log could not be written to its end.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self { listener, service, .. } = self;
        let (stopping, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&service), stopped.clone()));
        let upkeep = tokio::spawn(keep_up(Arc::clone(&service), stopped));
        let mut sinks = start_sinks(&service);
        stop.await;
        service.drain();
        let drain_timeout = service.options().drain_timeout;
        stopping.send_replace(true);
        if let Ok(Some(connections)) = accepting.await {
            // Whoever is not done by then is cut off.
            let _ = timeout(drain_timeout, connections.shutdown()).await;
        }
        let _ = upkeep.await;
        let finish = tokio::task::spawn_blocking(move || service.finish());
        finish.await.map_err(|e| ServeError::Start(e.to_string()))??;
        // What a receiver does not take now, it gets after the next start.
        let _ = timeout(drain_timeout, async { while sinks.join_next().await.is_some() {} }).await;
        sinks.shutdown().await;
        Ok(())
    }
}

/// Starts what follows the log. A sink that fails begins again where it was.
fn start_sinks(service: &Service) -> JoinSet<()> {
    let mut sinks = JoinSet::new();
    let options = service.options();
    let (log, state) = (options.log.dir.clone(), options.data_dir.join("outbox"));
    let durable = service.log().durable();
    if let Some(sink) = options.jsonl.clone() {
        let (log, state, durable) = (log.clone(), state.clone(), durable.clone());
        let (failing, lag) = service.metrics().sink("jsonl");
        sinks.spawn(again("jsonl", failing, move || {
            let (sink, log, state, durable) = (sink.clone(), log.clone(), state.clone(), durable.clone());
            let lag = lag.clone();
            async move { run_jsonl(sink, (&log, &state), durable, &lag).await }
        }));
    }
    if let Some(sink) = options.webhook.clone() {
        let (failing, lag) = service.metrics().sink("webhook");
        sinks.spawn(again("webhook", failing, move || {
            let (sink, log, state, durable) = (sink.clone(), log.clone(), state.clone(), durable.clone());
            let lag = lag.clone();
            async move { run_webhook(sink, (&log, &state), durable, &lag).await }
        }));
    }
    sinks
}

/// Runs a sink until it ends in order.
async fn again<F: Future<Output = io::Result<()>>>(name: &str, failing: Gauge, sink: impl Fn() -> F) {
    failing.set(0.0);
    loop {
        let mut running = pin!(sink());
        let ended = match timeout(SINK_WELL, running.as_mut()).await {
            Ok(ended) => ended,
            Err(_) => {
                failing.set(0.0);
                running.await
            }
        };
        let Err(e) = ended else { return };
        tracing::error!(sink = name, error = %e, "a sink cannot go on and begins again");
        failing.set(1.0);
        tokio::time::sleep(SINK_PAUSE).await;
    }
}

/// Reads keys anew, tidies metrics and looks after the bundle directory until the end.
async fn keep_up(service: Arc<Service>, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        let service = Arc::clone(&service);
        let _ = tokio::task::spawn_blocking(move || {
            service.reload_keys();
            service.keep_up_metrics();
            service.watch_bundle();
            service.look_after_log();
        })
        .await;
    }
}

/// Accepts connections until the end, and returns those that are open.
async fn accept(
    listener: TcpListener,
    service: Arc<Service>,
    mut stopped: watch::Receiver<bool>,
) -> Option<GracefulShutdown> {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(service.options().connections_max));
    let header_timeout = service.options().header_timeout;
    let write_timeout = service.options().write_timeout;
    let router = router(service);
    loop {
        let (place, stream) = tokio::select! {
            accepted = next(&listener, &places) => accepted?,
            _ = stopped.changed() => return Some(connections),
        };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX);
        let io = TokioIo::new(StallGuard::new(stream, write_timeout));
        let connection = http.serve_connection(io, TowerToHyperService::new(router.clone()));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off harms nobody else.
            let _ = connection.await;
            drop(place);
        });
    }
}

/// Waits for a free place, then for a connection.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::sync::OwnedSemaphorePermit, TcpStream)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers must not wait for more to send.
                let _ = stream.set_nodelay(true);
                return Some((place, stream));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}
