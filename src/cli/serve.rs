//! `qingliu serve`.

use std::process::ExitCode;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::args::ServeArguments;
use super::config::load;
use super::{Failure, render};
use crate::config::Config;
use crate::serve::{Server, Starting};
use crate::store::log::OpenReport;

/// What the printed command asks about.
const EXAMPLE: &str = "高价收银行卡四件套，一张日结两千，加微信 abc12345";

pub(super) fn run(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    let Config { bundle, tracing, serve: mut options, .. } = load(arguments.config.as_deref())?;
    tracing.start();
    options.listen = arguments.listen.unwrap_or(options.listen);
    options.grpc_listen = arguments.grpc_listen.unwrap_or(options.grpc_listen);
    if let Some(data) = &arguments.data {
        data.clone_into(&mut options.data_dir);
        options.log.dir = data.join("log");
    }
    options.bundle_dir = arguments.bundle.clone().or(bundle);
    let starting = Starting::find(&options).map_err(Failure::run)?;
    if let Some(why) = starting.refused() {
        render::note(&format!("the bundle directory was refused, the last good bundle judges: {why}"));
    }
    let version = starting.version().to_owned();
    let data = options.data_dir.display().to_string();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::run)?;
    runtime.block_on(async {
        // From here on a signal ends the service in order.
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::run)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::run)?;
        let server = Server::bind(options, starting).await.map_err(Failure::run)?;
        report(server.report());
        let scheme = if server.is_tls() { "https" } else { "http" };
        let url = format!("{scheme}://{}", server.address());
        render::line(&format!(
            "qingliu serves {url}, bundle {version}, data in {data}; a page to try it: {url}/docs"
        ));
        render::line(&format!(
            "  curl -s {url}/v1/check -H 'content-type: application/json' -d '{{\"text\":\"{EXAMPLE}\"}}'"
        ));
        if let Some(address) = server.grpc_address() {
            let plain = if server.is_tls() { "" } else { "-plaintext " };
            render::line(&format!("  gRPC on {address}, with reflection: grpcurl {plain}{address} list"));
        }
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        server.run(stop).await.map_err(Failure::run)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Says what a crash has left.
fn report(report: &OpenReport) {
    if let Some(torn) = &report.torn {
        render::note(&format!(
            "log mended: {}; {} bytes cut off, kept in {}",
            torn.place,
            torn.bytes,
            torn.kept.display()
        ));
    }
    for damage in &report.damage {
        render::note(&format!("log damaged: {damage}; a new segment was begun"));
    }
}
