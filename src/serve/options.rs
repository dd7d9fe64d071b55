//! What a service is started with. Checked: every value is usable.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::canary::Share;
use super::contract::FailureContract;
use super::tls::TlsOptions;
use crate::emit::{JsonlSink, WebhookSink};
use crate::store::entry::TextPolicy;
use crate::store::log::LogOptions;

/// Where gRPC is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcListen {
    /// Nowhere.
    Off,
    /// At the address of HTTP, one port further; a free port where that one is taken, or where HTTP has a free one too.
    Auto,
    /// There; port 0 takes a free one.
    At(SocketAddr),
}

impl GrpcListen {
    /// `auto`, `off` or an address with its port.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "off" => Some(Self::Off),
            address => address.parse().ok().map(Self::At),
        }
    }
}

/// How bundles come and go.
#[derive(Clone, Debug)]
pub struct BundleOptions {
    /// The directory that candidates are read from; none for the bundle directory itself.
    pub candidate_dir: Option<PathBuf>,
    /// Whether a changed bundle directory is taken without being asked.
    pub is_watched: bool,
    /// Whether a directory without checksums is refused.
    pub is_manifest_required: bool,
    /// Share of the items that a candidate judges beside the live bundle, where the request does not say.
    pub shadow: Share,
}

impl BundleOptions {
    /// Watched, checksums where there are some, a tenth of the items.
    pub fn shipped() -> Self {
        let shadow = Share::from_percent(10.0).unwrap_or_default();
        Self { candidate_dir: None, is_watched: true, is_manifest_required: false, shadow }
    }
}

/// Limits and places of one service.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where gRPC is served.
    pub grpc_listen: GrpcListen,
    /// Certificate and key; none for plain connections.
    pub tls: Option<TlsOptions>,
    /// Where log, keys and state lie.
    pub data_dir: PathBuf,
    /// The log.
    pub log: LogOptions,
    /// What of an author's words is kept in the log.
    pub text_policy: TextPolicy,
    /// What happens to items that were not judged in time.
    pub contract: FailureContract,
    /// Longest that a caller waits; a shorter deadline of its own counts.
    pub deadline_max: Duration,
    /// Requests inside the service; one more is refused. Where 10,000 are answered in a second, the last of 128 waits 13 ms.
    pub in_flight_max: usize,
    /// Open connections; one more waits to be accepted.
    pub connections_max: usize,
    /// Largest body, bytes.
    pub body_bytes_max: usize,
    /// Largest text that is judged on the thread of its request, bytes; longer ones go to the workers.
    pub inline_bytes_max: usize,
    /// Worker threads for long texts and batches.
    pub workers: usize,
    /// Tasks that wait for a worker.
    pub worker_queue_max: usize,
    /// Items that wait to be correlated.
    pub correlate_queue_max: usize,
    /// Engagement events that wait to be counted; one bulk that does not fit is refused.
    pub engagement_queue_max: usize,
    /// Items of one batch.
    pub batch_items_max: usize,
    /// Longest that a request's header may take, and that a connection may be idle.
    pub header_timeout: Duration,
    /// Longest that a request's body may take.
    pub body_timeout: Duration,
    /// Longest that a client may leave its answer unread.
    pub write_timeout: Duration,
    /// Longest that open requests are waited for when the service stops.
    pub drain_timeout: Duration,
    /// Idempotency keys that are remembered.
    pub idempotency_keys_max: usize,
    /// How long they are remembered.
    pub idempotency_window: Duration,
    /// The directory that bundles are read from; none for the dictionaries built into the program.
    pub bundle_dir: Option<PathBuf>,
    /// How it is replaced by another.
    pub bundles: BundleOptions,
    /// Hours within which an appeal is answered; 0 promises nothing.
    pub appeal_hours: u32,
    /// Days after which the authors' words are taken out of the log; 0 keeps them as long as the log.
    pub text_days: u32,
    /// Decisions as lines of a file.
    pub jsonl: Option<JsonlSink>,
    /// Decisions for the account sanction layer.
    pub webhook: Option<WebhookSink>,
}

impl ServeOptions {
    /// What `qingliu serve` does without configuration: loopback only, everything below `data_dir`.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            grpc_listen: GrpcListen::Auto,
            tls: None,
            data_dir: data_dir.to_owned(),
            log: LogOptions::new(&data_dir.join("log")),
            text_policy: TextPolicy::Keep,
            contract: FailureContract::shipped(),
            deadline_max: Duration::from_secs(2),
            in_flight_max: 128,
            connections_max: 4096,
            body_bytes_max: 4 << 20,
            inline_bytes_max: 8 << 10,
            workers: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            worker_queue_max: 256,
            correlate_queue_max: 4096,
            engagement_queue_max: 100_000,
            batch_items_max: 100,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(10),
            idempotency_keys_max: 1_000_000,
            idempotency_window: Duration::from_hours(24),
            bundle_dir: None,
            bundles: BundleOptions::shipped(),
            appeal_hours: 72,
            text_days: 0,
            jsonl: None,
            webhook: None,
        }
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback_only(&self) -> bool {
        let grpc = match self.grpc_listen {
            GrpcListen::Off | GrpcListen::Auto => self.listen,
            GrpcListen::At(address) => address,
        };
        self.listen.ip().is_loopback() && grpc.ip().is_loopback()
    }
}
