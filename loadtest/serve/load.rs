//! The open-loop generator: requests are due at times fixed ahead, and latency counts from then.
//!
//! A thread walks the schedule and hands over what is due; another, with one runtime, has all connections. Whether answers
//! come or not changes nothing about when the next request is due, so that a service that stands still for a second
//! shows in every request of that second (no coordinated omission).

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use fastrand::Rng;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::clock::{now, now_ms};
use super::mix::Mix;
use super::tally::Tally;
use super::wire::{Head, post_into, read_reply};

/// Requests that are due and were not handed over yet.
const DUE_MAX: usize = 1 << 20;
/// Longest that an answer is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Longest that open requests are waited for at the end.
const DRAIN_MAX: Duration = Duration::from_secs(40);
/// A connection that was idle for so long is made anew: the service may have closed it.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// Pause before a request is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// Most attempts at one request.
const ATTEMPTS_MAX: u32 = 1200;

/// When requests are due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arrivals {
    /// So many a second, at random: gaps are exponential, as of many callers who know nothing of each other.
    Poisson(f64),
    /// So many a second, at equal distances.
    Even(f64),
    /// Each connection sends as soon as it has been answered: for finding what can be had at most, and for nothing else.
    Closed,
}

/// What happens to a request that is due when no connection is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// It waits, and its time runs.
    Wait,
    /// It is given up and counted, as by a caller with a bounded pool.
    GiveUp,
    /// It waits, and what was refused or broke off is sent again until it is answered.
    Insist,
}

/// Sees every answer.
pub(crate) trait Watch: Send + Sync {
    /// The answer to the `number`-th request.
    fn answered(&self, number: u64, body: &[u8]);
}

/// One run of the generator.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) mix: Arc<Mix>,
    pub(crate) arrivals: Arrivals,
    pub(crate) duration: Duration,
    pub(crate) connections: usize,
    pub(crate) when_full: WhenFull,
    /// Callers that come again at once after a refusal, whatever `Retry-After` says.
    pub(crate) is_impatient: bool,
    pub(crate) watch: Option<Arc<dyn Watch>>,
    /// Ends the run before its time.
    pub(crate) stop: Option<Arc<AtomicBool>>,
}

#[derive(Clone, Copy)]
struct Shot {
    number: u64,
    due: Instant,
}

/// What the connections share.
struct Pool {
    load: Load,
    begun: Instant,
    state: Mutex<State>,
}

struct State {
    tally: Tally,
    /// Connections that wait for something to send.
    idle: Vec<mpsc::Sender<Shot>>,
    waiting: VecDeque<Shot>,
    /// Connections that were made.
    made: usize,
    /// Requests that were handed out and not settled.
    open: usize,
    last_answer: Instant,
}

impl Load {
    /// Runs to the end of the schedule and until what is open has been answered.
    ///
    /// # Errors
    /// No runtime or no thread can be had.
    pub(crate) fn run(self) -> Result<Tally> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let warm = match self.when_full {
            WhenFull::GiveUp => runtime.block_on(connect(self.address, self.connections)),
            WhenFull::Wait | WhenFull::Insist => Vec::new(),
        };
        let begun = now();
        let state = State {
            tally: Tally::new()?,
            idle: Vec::new(),
            waiting: VecDeque::new(),
            made: warm.len(),
            open: 0,
            last_answer: begun,
        };
        let pool = Arc::new(Pool { begun, state: Mutex::new(state), load: self });
        match pool.load.arrivals {
            Arrivals::Closed => runtime.block_on(closed(&pool)),
            Arrivals::Poisson(rate) | Arrivals::Even(rate) => {
                let is_even = matches!(pool.load.arrivals, Arrivals::Even(_));
                let (sender, receiver) = mpsc::channel(DUE_MAX);
                let (end, stop) = (begun + pool.load.duration, pool.load.stop.clone().unwrap_or_default());
                let ticker = thread::Builder::new().name("schedule".to_owned());
                let ticker = ticker.spawn(move || tick((rate, is_even), (begun, end), &stop, &sender))?;
                runtime.block_on(open(&pool, warm, receiver));
                let unsent = ticker.join().map_err(|_| anyhow!("the schedule broke off"))?;
                pool.lock().tally.unsent += unsent;
            }
        }
        let mut state = pool.lock();
        let (open, seconds) = (state.open as u64, (state.last_answer - begun).as_secs_f64());
        if open > 0 {
            state.tally.broken += open;
            state.tally.kind("unanswered at the end");
        }
        state.tally.seconds = seconds.max(0.001);
        Ok(state.tally.clone())
    }
}

/// Makes connections ahead, one after the other: a storm of them is another test.
async fn connect(address: SocketAddr, connections: usize) -> Vec<Connection> {
    let mut made = Vec::with_capacity(connections);
    for _ in 0..connections {
        // One that fails is made again when it is needed, and counted if it fails then.
        let stream = TcpStream::connect(address).await.ok();
        made.push(Connection { stream, ..Connection::default() });
    }
    made
}

/// Walks the schedule. Returns how many were not handed over because too many were due.
fn tick(
    (rate, is_even): (f64, bool),
    (begun, end): (Instant, Instant),
    stop: &AtomicBool,
    to: &mpsc::Sender<Shot>,
) -> u64 {
    let mut random = Rng::with_seed(1);
    let (mut after, mut unsent) = (0.0_f64, 0);
    for number in 0.. {
        after += if is_even { 1.0 } else { -(1.0 - random.f64()).ln() } / rate;
        let due = begun + Duration::from_secs_f64(after);
        if due >= end || stop.load(Ordering::Relaxed) {
            break;
        }
        let wait = due.saturating_duration_since(now());
        if !wait.is_zero() {
            thread::sleep(wait);
        }
        if to.try_send(Shot { number, due }).is_err() {
            unsent += 1;
        }
    }
    unsent
}

/// Hands out what is due, and waits for what is open at the end.
async fn open(pool: &Arc<Pool>, warm: Vec<Connection>, mut due: mpsc::Receiver<Shot>) {
    for connection in warm {
        tokio::spawn(serve(Arc::clone(pool), None, connection));
    }
    while let Some(shot) = due.recv().await {
        pool.hand_out(shot);
    }
    let until = now() + DRAIN_MAX;
    while pool.lock().open > 0 && now() < until {
        sleep(Duration::from_millis(2)).await;
    }
}

/// Keeps every connection busy until the time is over.
async fn closed(pool: &Arc<Pool>) {
    let end = pool.begun + pool.load.duration;
    let numbers = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..pool.load.connections {
        let (pool, numbers) = (Arc::clone(pool), Arc::clone(&numbers));
        tasks.spawn(async move {
            let mut connection = Connection::default();
            while now() < end {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                pool.lock().open += 1;
                connection.settle(&pool, Shot { number, due: now() }).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_out(self: &Arc<Self>, shot: Shot) {
        let mut state = self.lock();
        state.open += 1;
        while let Some(idle) = state.idle.pop() {
            if idle.try_send(shot).is_ok() {
                return;
            }
        }
        if state.made < self.load.connections {
            state.made += 1;
            drop(state);
            tokio::spawn(serve(Arc::clone(self), Some(shot), Connection::default()));
        } else if self.load.when_full == WhenFull::GiveUp {
            state.open -= 1;
            state.tally.unsent += 1;
        } else {
            state.waiting.push_back(shot);
        }
    }
}

/// The life of one connection: what is due, then what waits, then idle.
async fn serve(pool: Arc<Pool>, first: Option<Shot>, mut connection: Connection) {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut next = first;
    loop {
        if let Some(shot) = next
            && let Some(rest) = connection.settle(&pool, shot).await
        {
            // Refused, and told when to come again. Callers of an overload heed it, unless told not to; elsewhere the next request
            // on this connection is another caller's, who knows nothing of that.
            let heeds = pool.load.when_full == WhenFull::GiveUp && !pool.load.is_impatient;
            sleep(if heeds { rest } else { RETRY_PAUSE.min(rest) }).await;
        }
        let waiting = {
            let mut state = pool.lock();
            let waiting = state.waiting.pop_front();
            if waiting.is_none() {
                state.idle.push(sender.clone());
            }
            waiting
        };
        next = match waiting {
            Some(shot) => Some(shot),
            // The pool holds a sender: this ends with the runtime.
            None => receiver.recv().await,
        };
    }
}

/// What became of one attempt.
enum Settled {
    /// It is sent again.
    Again,
    /// It is done; for how long nothing should be sent.
    Done(Option<Duration>),
}

/// A connection that is made when it is needed.
#[derive(Default)]
struct Connection {
    stream: Option<TcpStream>,
    used: Option<Instant>,
    body: Vec<u8>,
    request: Vec<u8>,
    reply: Vec<u8>,
}

impl Connection {
    /// Sends a request and counts what becomes of it. Returns for how long nothing should be sent.
    async fn settle(&mut self, pool: &Pool, shot: Shot) -> Option<Duration> {
        let after_ms = (shot.due - pool.begun).as_millis() as u64;
        self.body.clear();
        pool.load.mix.body_into(shot.number, after_ms, &mut self.body);
        self.request.clear();
        post_into("/v1/check", &self.body, &mut self.request);
        for attempt in 1.. {
            let exchanged = self.exchange(pool.load.address).await;
            let may_retry = pool.load.when_full == WhenFull::Insist && attempt < ATTEMPTS_MAX;
            match self.count(pool, shot, exchanged, may_retry) {
                Settled::Done(rest) => return rest,
                Settled::Again => sleep(RETRY_PAUSE).await,
            }
        }
        None
    }

    fn count(&self, pool: &Pool, shot: Shot, exchanged: io::Result<Head>, may_retry: bool) -> Settled {
        let mut state = pool.lock();
        match exchanged {
            Ok(head) if head.retry_after.is_some() && may_retry => state.tally.retried += 1,
            Err(_) if may_retry => state.tally.retried += 1,
            Ok(head) => {
                let answered = now();
                state.open -= 1;
                state.last_answer = state.last_answer.max(answered);
                state.tally.reply(head.status, &self.reply, answered - shot.due);
                drop(state);
                if let Some(watch) = pool.load.watch.as_ref().filter(|_| head.status == 200) {
                    watch.answered(shot.number, &self.reply);
                }
                return Settled::Done(head.retry_after.map(|seconds| Duration::from_secs(seconds.into())));
            }
            Err(e) => {
                state.open -= 1;
                state.tally.broken += 1;
                state.tally.kind(&format!("connection: {}", e.kind()));
                return Settled::Done(Some(RETRY_PAUSE));
            }
        }
        Settled::Again
    }

    /// One request and its reply. A connection on which something went wrong is not used again.
    async fn exchange(&mut self, address: SocketAddr) -> io::Result<Head> {
        let is_stale = self.used.is_some_and(|used| used.elapsed() > IDLE_MAX);
        let mut stream = match self.stream.take().filter(|_| !is_stale) {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        let exchange = async {
            tokio::io::AsyncWriteExt::write_all(&mut stream, &self.request).await?;
            read_reply(&mut stream, &mut self.reply).await
        };
        let head = timeout(ANSWER_MAX, exchange).await.map_err(io::Error::from)??;
        if !head.is_last {
            self.used = Some(now());
            self.stream = Some(stream);
        }
        Ok(head)
    }
}

/// A prefix for ids that no other run has.
pub(crate) fn fresh_prefix() -> String {
    format!("l{:x}-", now_ms())
}
