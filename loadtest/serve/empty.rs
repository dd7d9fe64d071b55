//! The empty handler on the stack of the service: axum over hyper over tokio, with the same settings of connections.
//!
//! It reads the body, as every handler of such a request has to, and answers two bytes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// Where the empty handler listens.
#[derive(Debug, clap::Args)]
pub(crate) struct EmptyArguments {
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Serves until the process is ended.
///
/// # Errors
/// The address is taken.
pub(crate) fn run(arguments: &EmptyArguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await?;
        println!("serves http://{}", listener.local_addr()?);
        let router = Router::new().route("/v1/check", post(|_body: Bytes| async { "{}" }));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(15))
                .max_headers(64)
                .max_buf_size(16 << 10);
            let connection =
                http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                // A connection that breaks off is none of ours.
                let _ = connection.await;
            });
        }
    })
}
