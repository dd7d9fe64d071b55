//! Clients in bad faith, each over and over until the end.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::wire::{post_into, read_reply};

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sends requests until nothing more goes out, and reads nothing.
    NeverReads,
    /// The same, and reads a byte now and then.
    ReadsSlowly,
    /// A body beyond the limit.
    HugeBody,
    /// A body near the limit whose text is hard to read.
    LongText,
    /// A body of nothing but brackets.
    DeepJson,
    /// A body that is no text.
    BrokenUtf8,
    /// Heads that HTTP does not know.
    BadHeaders,
    /// A byte of the head now and then.
    SlowHead,
    /// A byte of the body now and then.
    SlowBody,
    /// Goes away in the middle.
    BreaksOff,
}

/// What came back, by kind.
pub(crate) type Seen = BTreeMap<(String, String), u64>;

/// Clients in bad faith that are at work.
pub(crate) struct Disturbance {
    over: watch::Sender<bool>,
    seen: Arc<Mutex<Seen>>,
    at_work: thread::JoinHandle<io::Result<()>>,
}

/// Pause between two attempts of one client. What is tried here is malice, not mass.
const PAUSE: Duration = Duration::from_millis(100);
/// Pause between two bytes.
const BYTE_PAUSE: Duration = Duration::from_millis(100);
/// Longest that a client waits for what it expects.
const WAIT_MAX: Duration = Duration::from_secs(30);
const HUGE_BYTES: usize = 6 << 20;
const LONG_BYTES: usize = 150_000;
const DEEP_BYTES: usize = 1 << 20;
const HEADER_BYTES: usize = 32 << 10;

impl Disturbance {
    /// Starts so many clients of each kind, on a thread of their own.
    pub(crate) fn start(address: SocketAddr, kinds: &[(Kind, usize)]) -> Self {
        let (over, is_over) = watch::channel(false);
        let seen = Arc::new(Mutex::new(Seen::new()));
        let (kinds, noted) = (kinds.to_vec(), Arc::clone(&seen));
        let at_work = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                for (kind, clients) in kinds {
                    for client in 0..clients {
                        tokio::spawn(keep_on((kind, client), address, Arc::clone(&noted)));
                    }
                }
                let mut is_over = is_over;
                // An error means that nobody is left to say so.
                let _ = is_over.wait_for(|is_over| *is_over).await;
            });
            Ok(())
        });
        Self { over, seen, at_work }
    }

    /// Ends all clients; what came back.
    pub(crate) fn finish(self) -> Result<Seen> {
        self.over.send_replace(true);
        self.at_work.join().map_err(|_| anyhow!("the clients broke off"))??;
        Ok(self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

async fn keep_on((kind, client): (Kind, usize), address: SocketAddr, seen: Arc<Mutex<Seen>>) {
    for attempt in client.. {
        let outcome = match timeout(WAIT_MAX, attempt_once(kind, attempt, address)).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(e)) => e.kind().to_string(),
            Err(_) => "let wait".to_owned(),
        };
        let place = (format!("{kind:?}"), outcome);
        *seen.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_default() += 1;
        sleep(PAUSE).await;
    }
}

/// One attempt, and the status that it was answered with.
async fn attempt_once(kind: Kind, attempt: usize, address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    match kind {
        Kind::NeverReads | Kind::ReadsSlowly => flood(&mut stream, kind == Kind::ReadsSlowly).await,
        Kind::HugeBody => exchange(&mut stream, &vec![b' '; HUGE_BYTES]).await,
        Kind::LongText => exchange(&mut stream, &long_text(attempt)).await,
        Kind::DeepJson => exchange(&mut stream, &vec![b'['; DEEP_BYTES]).await,
        Kind::BrokenUtf8 => exchange(&mut stream, b"{\"text\":\"\xff\xc0\x80\xed\xa0\x80\"}").await,
        Kind::BadHeaders => raw(&mut stream, &bad_head(attempt)).await,
        Kind::SlowHead => trickle(&mut stream, b"POST /v1/check HTTP/1.1\r\nhost: service\r\nx-slow: ").await,
        Kind::SlowBody => {
            stream.write_all(b"POST /v1/check HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n").await?;
            trickle(&mut stream, b"{\"text\":\"").await
        }
        Kind::BreaksOff => {
            let mut request = Vec::new();
            post_into("/v1/check", &long_text(attempt)[..2000], &mut request);
            // At another place each time: in the head, in the body, before the reply.
            request.truncate(request.len() * (attempt % 10 + 1) / 10);
            stream.write_all(&request).await?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
    }
}

async fn exchange(stream: &mut TcpStream, body: &[u8]) -> io::Result<u16> {
    let mut request = Vec::new();
    post_into("/v1/check", body, &mut request);
    raw(stream, &request).await
}

async fn raw(stream: &mut TcpStream, request: &[u8]) -> io::Result<u16> {
    // Whoever is refused early may not get rid of all: the reply counts.
    let (mut reading, mut writing) = stream.split();
    let mut reply = Vec::new();
    let send = async {
        let _ = writing.write_all(request).await;
    };
    let (head, ()) = tokio::join!(read_reply(&mut reading, &mut reply), send);
    head.map(|head| head.status)
}

/// Requests on one connection until nothing more goes out. The answers are long, so that few of them fill all buffers: what is
/// tried is not how many requests can be had.
async fn flood(stream: &mut TcpStream, reads_slowly: bool) -> io::Result<u16> {
    const REQUEST: &[u8] = b"GET /docs HTTP/1.1\r\nhost: service\r\n\r\n";
    loop {
        timeout(BYTE_PAUSE, stream.write_all(REQUEST)).await.unwrap_or(Ok(()))?;
        if reads_slowly {
            stream.read_u8().await?;
        }
        sleep(BYTE_PAUSE).await;
    }
}

async fn trickle(stream: &mut TcpStream, first: &[u8]) -> io::Result<u16> {
    let (mut reading, mut writing) = stream.split();
    let mut reply = Vec::new();
    let send = async {
        writing.write_all(first).await?;
        loop {
            sleep(BYTE_PAUSE).await;
            writing.write_all(b"x").await?;
        }
    };
    tokio::select! {
        head = read_reply(&mut reading, &mut reply) => head.map(|head| head.status),
        sent = send => sent,
    }
}

/// Much to undo and much that nearly hits.
fn long_text(attempt: usize) -> Vec<u8> {
    const PIECES: [&str; 8] = [
        "加.薇❤信",
        "ｗｘ１３８",
        "真.人.荷",
        "b64:5Yqg5b6u5L+h",
        "㊙️色·",
        "刷#单",
        "零一二三四",
        "\u{202e}abc\u{202c}",
    ];
    let mut text = String::new();
    let mut piece = attempt;
    while text.len() < LONG_BYTES {
        text.push_str(PIECES[piece % PIECES.len()]);
        piece = (piece * 5 + 3) & 0xffff;
    }
    serde_json::json!({ "text": text }).to_string().into_bytes()
}

fn bad_head(attempt: usize) -> Vec<u8> {
    let post =
        |headers: &str| format!("POST /v1/check HTTP/1.1\r\nhost: service\r\n{headers}\r\n{{}}").into_bytes();
    let long = "x".repeat(HEADER_BYTES);
    match attempt % 9 {
        0 => post(&format!("x-long: {long}\r\n")),
        1 => post(&"x-many: 1\r\n".repeat(300)),
        2 => post("content-length: -1\r\n"),
        3 => post("content-length: 2\r\ncontent-length: 3\r\n"),
        4 => post("transfer-encoding: chunked\r\ncontent-length: 2\r\n"),
        5 => post("content-type: application/json\r\nidempotency-key: \u{7}\u{8}\r\ncontent-length: 2\r\n"),
        6 => b"\0\0\0\0nonsense\r\n\r\n".to_vec(),
        7 => b"POST /v1/check HTTP/9.9\r\n\r\n".to_vec(),
        _ => post(
            "content-type: application/json\r\nx-deadline-ms: 99999999999999999999\r\ncontent-length: 2\r\n",
        ),
    }
}
