//! Connections: accepted up to a number, with time limits on what clients do, and let go in order at the end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::grpc::{Gateway, speak};
use super::listener::until_stopped;
use super::options::ServeOptions;
use super::service::Service;
use super::stall::StallGuard;
use super::tls::{Protocol, Tls};

/// Headers of one request.
const HEADERS_MAX: usize = 64;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Pause after a connection could not be accepted, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What is spoken on a listener's connections.
#[derive(Debug)]
pub(super) enum Speech {
    /// HTTP/1.1.
    Http(Router),
    /// gRPC over HTTP/2.
    Grpc(Arc<Gateway>),
}

/// What the connections of one listener share.
#[derive(Debug)]
pub(super) struct Door {
    options: ServeOptions,
    tls: Option<Arc<Tls>>,
    speech: Speech,
}

impl Door {
    pub(super) fn new(service: &Service, tls: Option<Arc<Tls>>, speech: Speech) -> Arc<Self> {
        Arc::new(Self { options: service.options().clone(), tls, speech })
    }

    /// Serves a connection until it ends.
    async fn serve(&self, stream: TcpStream, stopped: watch::Receiver<bool>) {
        let stream = StallGuard::new(stream, self.options.write_timeout);
        let Some(tls) = &self.tls else { return self.speak(stream, stopped).await };
        let protocol = match self.speech {
            Speech::Http(_) => Protocol::Http,
            Speech::Grpc(_) => Protocol::Grpc,
        };
        let shaken = timeout(self.options.header_timeout, tls.acceptor(protocol).accept(stream)).await;
        // Whoever speaks something else is let go.
        if let Ok(Ok(stream)) = shaken {
            self.speak(stream, stopped).await;
        }
    }

    async fn speak<S>(&self, stream: S, mut stopped: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = match &self.speech {
            Speech::Http(router) => router.clone(),
            Speech::Grpc(gateway) => return speak(Arc::clone(gateway), stream, stopped).await,
        };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.options.header_timeout)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX);
        let mut connection =
            pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
        tokio::select! {
            // A client that breaks off harms nobody else.
            _ = connection.as_mut() => return,
            () = until_stopped(&mut stopped) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}

/// Accepts connections until the service stops, and returns when the last of them has ended.
pub(super) async fn accept(listener: TcpListener, door: Arc<Door>, mut stopped: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(door.options.connections_max));
    // Nothing is ever sent: it is closed when the last connection has gone.
    let (open, mut all_gone) = mpsc::channel::<Infallible>(1);
    loop {
        let (place, stream) = tokio::select! {
            accepted = next(&listener, &places) => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
            () = until_stopped(&mut stopped) => break,
        };
        let (door, stopped, open) = (Arc::clone(&door), stopped.clone(), open.clone());
        tokio::spawn(async move {
            door.serve(stream, stopped).await;
            drop((place, open));
        });
    }
    drop((listener, open));
    let _: Option<Infallible> = all_gone.recv().await;
}

/// Waits for a free place, then for a connection.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(OwnedSemaphorePermit, TcpStream)> {
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
