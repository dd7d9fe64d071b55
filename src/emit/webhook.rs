//! Decisions for the account sanction layer, over HTTP or HTTPS: in order for each account, at least once, signed.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::lag::SinkLag;
use super::outbox::{Cursor, Event, Next, Outbox, Which};
use super::replay::{Replay, put_aside};
use super::tls::{TlsError, client_config};
use super::url::WebhookUrl;
use crate::store::log::Position;
use crate::telemetry::Clock;

/// Decisions for a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSink {
    /// Where they go.
    pub url: WebhookUrl,
    /// How they are brought there.
    pub delivery: Delivery,
}

/// A secret. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// How events are brought to a receiver, and how hard is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Secrets that events are signed with; with two, a receiver can change from one to the other.
    pub secrets: Vec<Secret>,
    /// Which decisions.
    pub which: Which,
    /// PEM: roots that the receiver's certificate is checked against; none for those that browsers trust.
    pub ca: Option<PathBuf>,
    /// Whether addresses inside a network may be called.
    pub allow_private: bool,
    /// Attempts for one event; then it is put aside, and its account's later ones with it.
    pub attempts_max: u32,
    /// Pause after the first failed attempt; it doubles with each.
    pub backoff_first: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// Longest that one attempt may take.
    pub timeout: Duration,
}

impl Delivery {
    /// Twelve attempts within a quarter of an hour, to public addresses, without secrets yet.
    pub fn shipped() -> Self {
        Self {
            secrets: Vec::new(),
            which: Which::Flagged,
            ca: None,
            allow_private: false,
            attempts_max: 12,
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_mins(2),
            timeout: Duration::from_secs(10),
        }
    }
}

impl WebhookSink {
    /// How the receiver is called over TLS; none for a plain one.
    ///
    /// # Errors
    /// The file of roots cannot be read, or the host is no name of one.
    pub(crate) fn connector(&self) -> Result<Option<(TlsConnector, ServerName<'static>)>, TlsError> {
        if !self.url.is_https() {
            return Ok(None);
        }
        let host = self.url.bare_host();
        let name = ServerName::try_from(host.to_owned()).map_err(|e| TlsError::file(Path::new(host), &e))?;
        Ok(Some((TlsConnector::from(client_config(self.delivery.ca.as_deref())?), name)))
    }
}

/// Deliveries at the same time, each for a share of the accounts.
const LANES: usize = 8;
/// Events that wait in one lane.
const LANE_EVENTS_MAX: usize = 64;
/// Deliveries after which the cursor is written.
const CURSOR_EVERY: usize = 100;
/// Largest answer of a receiver that is read, bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What the lanes share.
struct Shared {
    sink: WebhookSink,
    /// For a receiver that is called over TLS.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Where events are put aside.
    dead: PathBuf,
    file: Mutex<()>,
    lag: SinkLag,
}

/// Delivers events until the log is closed. What was put aside in an earlier run is tried first.
///
/// # Errors
/// The log, the cursor or the file of events put aside cannot be read or written.
pub async fn run_webhook(
    sink: WebhookSink,
    (log, state): (&Path, &Path),
    durable: watch::Receiver<Position>,
    lag: &SinkLag,
) -> io::Result<()> {
    fs::create_dir_all(state)?;
    let cursor = Cursor::new(state, "webhook");
    let from: Position = cursor.read()?.unwrap_or_default();
    let mut outbox = Outbox::at(log, from, durable, sink.delivery.which);
    let dead = state.join("webhook.dead.jsonl");
    let mut replay = Replay::begin(state, &dead)?;
    let tls = sink.connector().map_err(io::Error::other)?;
    let shared = Shared { sink, tls, dead, file: Mutex::new(()), lag: lag.clone() };
    let (lanes, mut deliveries) = start_lanes(&Arc::new(shared));
    let spread = RandomState::new();
    let mut progress = Progress { open: BTreeMap::new(), done: from };
    let mut unwritten = 0;
    loop {
        let next = replay.events.pop_front().map_or_else(|| outbox.poll(), |event| Ok(Next::Event(event)));
        let is_closed = matches!(next, Ok(Next::Closed));
        match next.map_err(io::Error::other)? {
            Next::Event(event) => {
                progress
                    .open
                    .insert(event.sequence, Open { end: event.end, time_ms: event.time_ms, is_done: false });
                // All events of an account go through one lane.
                let lane = spread.hash_one(&event.account) % lanes.len() as u64;
                if let Some(lane) = lanes.get(usize::try_from(lane).unwrap_or(0)) {
                    // A lane ends only with this function.
                    let _ = lane.send(event).await;
                }
            }
            Next::Closed if progress.open.is_empty() => break,
            Next::Idle | Next::Closed => tokio::select! {
                () = outbox.wait(), if !is_closed => {}
                Some(sequence) = deliveries.recv() => {
                    progress.settle(sequence);
                    unwritten += 1;
                }
            },
        }
        while let Ok(sequence) = deliveries.try_recv() {
            progress.settle(sequence);
            unwritten += 1;
        }
        lag.set(progress.oldest_ms(), progress.open.len());
        if unwritten >= CURSOR_EVERY || (unwritten > 0 && progress.open.is_empty()) {
            cursor.write(&progress.done)?;
            unwritten = 0;
        }
        if progress.open.is_empty() && replay.events.is_empty() {
            replay.end()?;
        }
    }
    cursor.write(&progress.done)
}

/// How far everything has been delivered.
#[derive(Debug)]
struct Progress {
    /// By sequence.
    open: BTreeMap<u64, Open>,
    done: Position,
}

/// An event under way.
#[derive(Debug)]
struct Open {
    end: Position,
    time_ms: i64,
    /// Whether it has been delivered or put aside.
    is_done: bool,
}

impl Progress {
    fn settle(&mut self, sequence: u64) {
        if let Some(open) = self.open.get_mut(&sequence) {
            open.is_done = true;
        }
        while let Some(first) = self.open.first_entry().filter(|first| first.get().is_done) {
            self.done = self.done.max(first.remove().end);
        }
    }

    /// Time of the first event that has not been delivered.
    fn oldest_ms(&self) -> Option<i64> {
        self.open.values().next().map(|open| open.time_ms)
    }
}

/// Starts the lanes. Returns where to put events, and the sequences of those that are done.
fn start_lanes(shared: &Arc<Shared>) -> (Vec<mpsc::Sender<Event>>, mpsc::Receiver<u64>) {
    // Room for all that can be under way: a lane never waits for its dispatcher while that waits for a lane.
    let (delivered, deliveries) = mpsc::channel(LANES * (LANE_EVENTS_MAX + 2));
    let lane = |_| {
        let (sender, events) = mpsc::channel(LANE_EVENTS_MAX);
        let lane = Lane { shared: Arc::clone(shared), connection: None, parked: HashSet::new() };
        tokio::spawn(lane.run(events, delivered.clone()));
        sender
    };
    ((0..LANES).map(lane).collect(), deliveries)
}

/// One of the deliveries that go on at the same time.
struct Lane {
    shared: Arc<Shared>,
    connection: Option<SendRequest<Full<Bytes>>>,
    /// Accounts of which an event was put aside: later ones must not overtake it.
    parked: HashSet<String>,
}

/// Why an attempt failed.
#[derive(Debug)]
struct Failed {
    error: String,
    /// Whether another attempt may succeed.
    is_passing: bool,
}

impl Failed {
    fn passing(error: &dyn std::fmt::Display) -> Self {
        Self { error: error.to_string(), is_passing: true }
    }
}

impl Lane {
    async fn run(mut self, mut events: mpsc::Receiver<Event>, delivered: mpsc::Sender<u64>) {
        while let Some(event) = events.recv().await {
            if self.parked.contains(&event.account) {
                self.put_aside(&event, "an earlier event of this account was put aside").await;
            } else if let Err(error) = self.deliver(&event).await {
                self.put_aside(&event, &error).await;
                if !event.account.is_empty() {
                    self.parked.insert(event.account);
                }
            }
            if delivered.send(event.sequence).await.is_err() {
                return;
            }
        }
    }

    /// Tries until it succeeds, the receiver refuses for good, or it was tried often enough.
    async fn deliver(&mut self, event: &Event) -> Result<(), String> {
        let sink = &self.shared.sink.delivery;
        let (attempts_max, most, limit) = (sink.attempts_max, sink.backoff_max, sink.timeout);
        let mut pause = sink.backoff_first;
        let mut attempt = 1;
        loop {
            let tried = timeout(limit, self.attempt(event)).await;
            let failed = match tried.unwrap_or_else(|_| Err(Failed::passing(&"no answer in time"))) {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            self.connection = None;
            if !failed.is_passing || attempt >= attempts_max {
                return Err(failed.error);
            }
            sleep(pause).await;
            pause = (pause * 2).min(most);
            attempt += 1;
        }
    }

    async fn attempt(&mut self, event: &Event) -> Result<(), Failed> {
        let sink = Arc::clone(&self.shared);
        let request = request(&sink.sink, event, Clock::now_ms() / 1000)
            .map_err(|error| Failed { error, is_passing: false })?;
        let connection = match self.connection.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => self.connection.insert(connection),
            None => self.connection.insert(connect(&sink).await?),
        };
        connection.ready().await.map_err(|e| Failed::passing(&e))?;
        let response = connection.send_request(request).await.map_err(|e| Failed::passing(&e))?;
        let status = response.status();
        // The answer is read, so that the connection can be used again.
        Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|e| Failed::passing(&e))?;
        if status.is_success() {
            return Ok(());
        }
        let is_passing = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
        Err(Failed { error: format!("the receiver answered {status}"), is_passing })
    }

    /// Puts an event aside. It is not given up before that is on the disk.
    async fn put_aside(&self, event: &Event, error: &str) {
        while let Err(_full) = self.write_aside(event, error) {
            sleep(self.shared.sink.delivery.backoff_max).await;
        }
    }

    fn write_aside(&self, event: &Event, error: &str) -> io::Result<()> {
        self.shared.lag.count_put_aside();
        let _turn = self.shared.file.lock().unwrap_or_else(PoisonError::into_inner);
        put_aside(&self.shared.dead, event, error)
    }
}

/// Connects to an address that may be called. The name is resolved here and nowhere else, so that what was checked is what is
/// called.
async fn connect(shared: &Shared) -> Result<SendRequest<Full<Bytes>>, Failed> {
    let Shared { sink, tls, .. } = shared;
    let found =
        lookup_host((sink.url.bare_host(), sink.url.port())).await.map_err(|e| Failed::passing(&e))?;
    let allowed: Vec<SocketAddr> =
        found.filter(|address| sink.delivery.allow_private || is_public(address.ip())).collect();
    if allowed.is_empty() {
        return Err(Failed::passing(&"the receiver has no public address, and private ones are not allowed"));
    }
    let stream = TcpStream::connect(&*allowed).await.map_err(|e| Failed::passing(&e))?;
    match tls {
        None => speak(stream).await,
        Some((connector, name)) => {
            speak(connector.connect(name.clone(), stream).await.map_err(|e| Failed::passing(&e))?).await
        }
    }
}

async fn speak<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| Failed::passing(&e))?;
    tokio::spawn(async move {
        // What goes wrong is told to whoever sends.
        let _ = connection.await;
    });
    Ok(sender)
}

fn request(sink: &WebhookSink, event: &Event, now_s: i64) -> Result<Request<Full<Bytes>>, String> {
    let signature = signature(&sink.delivery.secrets, now_s, &event.body);
    let host = format!("{}:{}", sink.url.host(), sink.url.port());
    let request = Request::post(sink.url.target())
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", &event.id)
        .header("qingliu-signature", signature)
        .body(Full::new(Bytes::from(event.body.clone())));
    request.map_err(|e| e.to_string())
}

/// `t=SECONDS,v1=HEX[,v1=HEX]`: HMAC-SHA-256 over `SECONDS.BODY`, one for each secret. A receiver computes one of them, and refuses
/// old times.
pub fn signature(secrets: &[Secret], now_s: i64, body: &[u8]) -> String {
    let mut signature = format!("t={now_s}");
    for Secret(secret) in secrets {
        // Any length will do as a key.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
        mac.update(now_s.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        signature.push_str(",v1=");
        for byte in mac.finalize().into_bytes() {
            // Writing to a string cannot fail.
            let _ = write!(signature, "{byte:02x}");
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_others_compute() {
        // `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec`
        let signature =
            signature(&[Secret("whsec".to_owned()), Secret("other".to_owned())], 1_700_000_000, b"{\"a\":1}");
        let (head, second) = signature.rsplit_once(",v1=").unwrap();
        assert_eq!(head, "t=1700000000,v1=8ad37ba156048ae0e0a5533c75cdf26fee88b07f93cb57ee4c80adb053012032");
        assert_eq!(second.len(), 64);
    }

    #[test]
    fn the_cursor_passes_only_what_is_done_without_a_gap() {
        let at = |offset| Position { segment: 1, offset };
        let open = (1..=4).map(|n| (n, Open { end: at(n * 10), time_ms: 7, is_done: false })).collect();
        let mut progress = Progress { open, done: at(5) };
        for (sequence, done) in [(2, 5), (3, 5), (1, 30), (4, 40)] {
            progress.settle(sequence);
            assert_eq!(progress.done, at(done));
        }
    }
}
