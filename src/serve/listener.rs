//! Two listeners, one for HTTP and one for gRPC, from start to end. What becomes of a connection is in
//! [`super::accept`].

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use metrics::Gauge;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::accept::{Door, Speech, accept};
use super::access::KeyError;
use super::grpc::Gateway;
use super::http::router;
use super::kept::Starting;
use super::options::{GrpcListen, ServeOptions};
use super::service::Service;
use super::tls::Tls;
use crate::emit::{TlsError, run_jsonl, run_webhook};
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
    /// Certificates, keys or roots are not fit.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// Something that a service is made of cannot be had: threads, clocks …
    #[error("the service cannot start: {0}")]
    Start(String),
}

/// How often keys and certificates are read anew, metrics tidied, the bundle directory looked at.
const UPKEEP: Duration = Duration::from_secs(2);
/// A sink that has run for so long after it failed is well again.
const SINK_WELL: Duration = Duration::from_secs(10);
/// Pause after a sink failed.
const SINK_PAUSE: Duration = Duration::from_secs(2);

/// A service that listens and does not serve yet.
#[derive(Debug)]
pub struct Server {
    http: (TcpListener, SocketAddr),
    grpc: Option<(TcpListener, SocketAddr)>,
    tls: Option<Arc<Tls>>,
    service: Arc<Service>,
    report: OpenReport,
}

impl Server {
    /// Opens the data directory and the address. Reads the keys of the last day back from the log.
    ///
    /// # Errors
    /// An address is taken, another process has the log, a file cannot be read …
    pub async fn bind(options: ServeOptions, bundle: impl Into<Starting>) -> Result<Self, ServeError> {
        let bundle: Starting = bundle.into();
        let tls = options.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
        if let Some(webhook) = &options.webhook {
            webhook.connector()?;
        }
        let http = listen(options.listen).await?;
        let grpc = match options.grpc_listen {
            GrpcListen::Off => None,
            GrpcListen::At(address) => Some(listen(address).await?),
            GrpcListen::Auto => Some(listen_beside(options.listen).await?),
        };
        let started = tokio::task::spawn_blocking(move || Service::start(options, bundle));
        let (service, report) = started.await.map_err(|e| ServeError::Start(e.to_string()))??;
        Ok(Self { http, grpc, tls, service: Arc::new(service), report })
    }

    /// Where it listens for HTTP.
    pub fn address(&self) -> SocketAddr {
        self.http.1
    }

    /// Where it listens for gRPC; none if that is off.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().map(|(_, address)| *address)
    }

    /// Whether connections are encrypted.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
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
        let Self { http, grpc, tls, service, .. } = self;
        let (stopping, stopped) = watch::channel(false);
        let mut accepting = JoinSet::new();
        let speech = Speech::Http(router(Arc::clone(&service)));
        accepting.spawn(accept(http.0, Door::new(&service, tls.clone(), speech), stopped.clone()));
        if let Some((listener, _)) = grpc {
            let gateway = Gateway::new(&service, stopped.clone());
            let speech = Speech::Grpc(Arc::new(gateway.map_err(|e| ServeError::Start(e.to_string()))?));
            accepting.spawn(accept(listener, Door::new(&service, tls.clone(), speech), stopped.clone()));
        }
        let upkeep = tokio::spawn(keep_up(Arc::clone(&service), tls, stopped));
        let mut sinks = start_sinks(&service);
        stop.await;
        service.drain();
        let drain_timeout = service.options().drain_timeout;
        stopping.send_replace(true);
        // Whoever is not done by then is cut off.
        let _ = timeout(drain_timeout, async { while accepting.join_next().await.is_some() {} }).await;
        let _ = upkeep.await;
        let finish = tokio::task::spawn_blocking(move || service.finish());
        finish.await.map_err(|e| ServeError::Start(e.to_string()))??;
        // What a receiver does not take now, it gets after the next start.
        let _ = timeout(drain_timeout, async { while sinks.join_next().await.is_some() {} }).await;
        sinks.shutdown().await;
        Ok(())
    }
}

/// Done when the service stops, or is gone.
pub(super) async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |e: io::Error| ServeError::Listen { address, problem: e.to_string() };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// One port further, or at a free one.
async fn listen_beside(http: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let next = if http.port() == 0 { None } else { http.port().checked_add(1) };
    if let Some(port) = next
        && let Ok(found) = listen(SocketAddr::new(http.ip(), port)).await
    {
        return Ok(found);
    }
    listen(SocketAddr::new(http.ip(), 0)).await
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

/// Reads keys and certificates anew, tidies metrics and looks after the bundle directory until the end.
async fn keep_up(service: Arc<Service>, tls: Option<Arc<Tls>>, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        let (service, tls) = (Arc::clone(&service), tls.clone());
        let _ = tokio::task::spawn_blocking(move || {
            service.reload_keys();
            service.keep_up_metrics();
            service.watch_bundle();
            service.look_after_log();
            if let Some(refreshed) = tls.and_then(|tls| tls.refresh()) {
                note_certificate(&service, refreshed);
            }
        })
        .await;
    }
}

/// Puts into the log that another certificate is shown, or why not.
fn note_certificate(service: &Service, refreshed: Result<(), TlsError>) {
    let (event, reason) = match refreshed {
        Ok(()) => ("certificate", String::new()),
        Err(e) => ("certificate_refused", e.to_string()),
    };
    // If the log cannot be written, readiness says so.
    let _ = service.note(event, "watch", &reason);
}
