//! What all requests share, and the way of one request through it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout_at;

use super::access::{Caller, KeyFile, KeyRing};
use super::answer::{Answer, BatchAnswer, BatchResult};
use super::correlator::{Books, Correlator, Ticket};
use super::idempotency::{Claim, Deliver, Delivery, Key, Keys, Recent};
use super::judge::{digest, timeout_ms, unhex};
use super::listener::ServeError;
use super::metrics::{Levels, Metrics};
use super::options::ServeOptions;
use super::pressure::Pressure;
use super::problem::{Problem, ProblemCode};
use super::reload::Reloader;
use super::request::{BodyBudget, Context, HeldBody};
use super::warm::warm_up;
use super::window;
use super::workers::Workers;
use crate::engine::{Bundle, Scratch, Shard};
use crate::store::entry::{AccessEntry, Entry, ServiceEntry};
use crate::store::log::{Log, LogError, OpenReport, Position, Reader, read_header, segments};
use crate::telemetry::Clock;

thread_local! {
    /// Buffers for texts that are judged on the thread of their request.
    static SCRATCH: std::cell::RefCell<Scratch> = std::cell::RefCell::new(Scratch::default());
}

/// Most memory that bodies may take together, bytes.
const BODY_BUDGET_BYTES_MAX: usize = 256 << 20;

/// Everything that requests share.
#[derive(Debug)]
pub(super) struct Service {
    options: ServeOptions,
    bundle: ArcSwap<Bundle>,
    reloader: Reloader,
    workers: Workers,
    correlator: Correlator,
    log: Arc<Log>,
    books: Arc<Books>,
    keys: ArcSwap<KeyRing>,
    metrics: Arc<Metrics>,
    permits: Arc<Semaphore>,
    pressure: Arc<Pressure>,
    body_budget: Arc<BodyBudget>,
    is_draining: AtomicBool,
    requests: AtomicU64,
    seed: u64,
}

/// A request that has been let in.
#[derive(Debug)]
pub(super) struct Admission(#[expect(dead_code, reason = "given back when it goes")] OwnedSemaphorePermit);

impl Service {
    /// Opens the log, reads back what it remembers and starts the threads.
    pub(super) fn start(options: ServeOptions, bundle: Bundle) -> Result<(Self, OpenReport), ServeError> {
        let keys = KeyFile::read(&options.data_dir)?;
        let (log, report) = Log::open(options.log.clone(), Clock::now_ms)?;
        let window_ms = i64::try_from(options.idempotency_window.as_millis()).unwrap_or(i64::MAX);
        let books = Books {
            keys: Mutex::new(Keys::new(options.idempotency_keys_max, window_ms)),
            decisions: Mutex::new(Recent::new(options.idempotency_keys_max)),
        };
        remember(&options, &books, Clock::now_ms().saturating_sub(window_ms))?;
        let (log, books) = (Arc::new(log), Arc::new(books));
        let metrics = Arc::new(Metrics::new().map_err(|e| ServeError::Start(e.to_string()))?);
        let pressure = Arc::new(Pressure::new(options.lag_max));
        // A window of another version, or a damaged one, is as good as none; the log says so.
        let (shard, window) = match window::load(&options.data_dir) {
            Ok(Some(shard)) => (shard, String::new()),
            Ok(None) => (Shard::new(&bundle), "an empty window".to_owned()),
            Err(e) => (Shard::new(&bundle), format!("an empty window: {e}")),
        };
        warm_up(&bundle);
        let started = |e: std::io::Error| ServeError::Start(e.to_string());
        let correlator = Correlator::start(
            shard,
            Arc::clone(&log),
            Arc::clone(&books),
            (Arc::clone(&metrics), Arc::clone(&pressure)),
            (options.text_policy, options.correlate_queue_max),
        );
        let service = Self {
            workers: Workers::start(options.workers, options.worker_queue_max).map_err(started)?,
            correlator: correlator.map_err(started)?,
            log,
            books,
            keys: ArcSwap::from_pointee(KeyRing::new(keys)),
            metrics,
            permits: Arc::new(Semaphore::new(options.in_flight_max)),
            pressure,
            body_budget: BodyBudget::new(BODY_BUDGET_BYTES_MAX),
            is_draining: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            // Ids of requests differ between runs; nobody has to be unable to guess them.
            seed: RandomState::new().hash_one(Clock::now_ms()),
            bundle: ArcSwap::from_pointee(bundle),
            reloader: Reloader::new(options.bundle_dir.as_deref()),
            options,
        };
        service.note("start", &window)?;
        Ok((service, report))
    }

    /// Puts what happens to the service itself into the log.
    fn note(&self, event: &str, reason: &str) -> Result<(), LogError> {
        let entry = Entry::Service(ServiceEntry {
            event: event.to_owned(),
            bundle: self.bundle().versions().bundle.clone(),
            author: String::new(),
            reason: reason.to_owned(),
        });
        self.log.append_and_wait(entry.to_bytes(), None).map(|_| ())
    }

    pub(super) fn options(&self) -> &ServeOptions {
        &self.options
    }

    pub(super) fn bundle(&self) -> Arc<Bundle> {
        self.bundle.load_full()
    }

    pub(super) fn store_bundle(&self, bundle: Arc<Bundle>) {
        self.bundle.store(bundle);
    }

    pub(super) fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    pub(super) fn correlator(&self) -> &Correlator {
        &self.correlator
    }

    pub(super) fn books(&self) -> &Books {
        &self.books
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn body_budget(&self) -> &Arc<BodyBudget> {
        &self.body_budget
    }

    pub(super) fn new_request_id(&self) -> String {
        format!("{:016x}", self.seed.wrapping_add(self.requests.fetch_add(1, Ordering::Relaxed)))
    }

    /// Whose request this is. Without any key, and only on this machine, everybody may do everything.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let keys = self.keys.load();
        let Some(authorization) = headers.get(header::AUTHORIZATION) else {
            if keys.is_empty() && self.options.listen.ip().is_loopback() {
                return Ok(Caller::local());
            }
            return Err(Problem::new(ProblemCode::Unauthorized, "Authorization: Bearer KEY is missing"));
        };
        let token = authorization.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        keys.check(token.unwrap_or_default(), Clock::now_ms())
    }

    /// Reads the keys anew. A file that cannot be read changes nothing.
    pub(super) fn reload_keys(&self) {
        if let Ok(file) = KeyFile::read(&self.options.data_dir) {
            self.keys.store(Arc::new(KeyRing::new(file)));
        }
    }

    /// Refuses a request if those before it have to wait too long. Its body has been read: a connection that is refused with
    /// half of a request on it could not be used again.
    pub(super) fn receive(&self) -> Result<(), Problem> {
        self.pressure.admit().map_err(|lag| {
            self.metrics.shed.increment(1);
            let detail = format!("lag_ms: requests wait {} ms before they are looked at", lag.as_millis());
            Problem::new(ProblemCode::Overloaded, detail)
        })
    }

    pub(super) fn pressure(&self) -> &Pressure {
        &self.pressure
    }

    /// Lets a request in, or refuses it at once.
    pub(super) fn admit(&self) -> Result<Admission, Problem> {
        if self.is_draining.load(Ordering::Acquire) {
            return Err(Problem::new(ProblemCode::Draining, "the service is stopping"));
        }
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Ok(Admission(permit)),
            Err(_) => {
                self.metrics.shed.increment(1);
                let detail = format!("in_flight_max: {} requests are inside", self.options.in_flight_max);
                Err(Problem::new(ProblemCode::Overloaded, detail))
            }
        }
    }

    /// Lets nobody in any more.
    pub(super) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Whether requests can be served, and what is in the way.
    pub(super) fn readiness(&self) -> Result<(), &'static str> {
        if self.is_draining.load(Ordering::Acquire) {
            Err("draining")
        } else if self.log.is_failing() {
            Err("log_unavailable")
        } else if self.correlator.is_alive() {
            Ok(())
        } else {
            Err("correlator_gone")
        }
    }

    pub(super) fn levels(&self) -> Levels {
        Levels {
            in_flight: self.options.in_flight_max.saturating_sub(self.permits.available_permits()),
            queues: [self.workers.queued(), self.correlator.queued(), self.log.queued()],
            is_log_failing: self.log.is_failing(),
        }
    }

    pub(super) fn claim_key(&self, key: (Key, Key), deliver: Deliver) -> Claim {
        let mut keys = self.books.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.claim(key, Clock::now_ms(), deliver)
    }

    /// Judges one item: the bytes of an [`Answer`].
    pub(super) async fn check(
        self: &Arc<Self>,
        context: Context,
        begun: tokio::time::Instant,
        body: HeldBody,
    ) -> Delivery {
        let text = utf8(&body.bytes)?;
        let context = context.within(timeout_ms(text), begun);
        let (ticket, (deliver, delivered)) = (Arc::new(Ticket::default()), oneshot::channel());
        if text.len() <= self.options.inline_bytes_max {
            SCRATCH.with_borrow_mut(|scratch| {
                self.submit(&context, (text, None), scratch, (Arc::clone(&ticket), deliver));
            });
        } else {
            let (service, context, bytes) = (Arc::clone(self), context.clone(), body.bytes.clone());
            let handed = Arc::clone(&ticket);
            let task = move |scratch: &mut Scratch| {
                let text = std::str::from_utf8(&bytes).unwrap_or_default();
                service.submit(&context, (text, None), scratch, (handed, deliver));
            };
            self.hand_over(Box::new(task))?;
        }
        let waited = self.wait(&context, (text, None), &ticket, delivered).await;
        if ticket.told_us() > 0 {
            self.pressure.turned(ticket.told_us());
        }
        match waited? {
            Waited::Done(bytes) => Ok(bytes),
            Waited::Late(answer) => Ok(serde_json::to_vec(&*answer).unwrap_or_default().into()),
        }
    }

    fn hand_over(&self, task: super::workers::Task) -> Result<(), Problem> {
        if self.workers.run(task) {
            return Ok(());
        }
        self.metrics.shed.increment(1);
        Err(Problem::new(ProblemCode::Overloaded, "worker_queue_max: the queue is full"))
    }

    /// Waits for a delivery until the caller's deadline.
    async fn wait(
        &self,
        context: &Context,
        item: (&str, Option<usize>),
        ticket: &Ticket,
        delivered: oneshot::Receiver<Delivery>,
    ) -> Result<Waited, Problem> {
        match timeout_at(context.deadline, delivered).await {
            Ok(Ok(delivery)) => delivery.map(Waited::Done),
            Ok(Err(_)) => {
                self.give_up(context, item);
                Err(Problem::new(ProblemCode::Internal, "the item was lost on its way"))
            }
            Err(_) => self.late(context, item, ticket).map(|answer| Waited::Late(Box::new(answer))),
        }
    }

    /// Judges a batch: one result for each item, in its order.
    pub(super) async fn check_batch(
        self: &Arc<Self>,
        context: Context,
        body: HeldBody,
    ) -> Result<BatchAnswer, Problem> {
        let items = Arc::new(self.split_batch(&body)?);
        let (mut waiting, mut handed) = (Vec::new(), Vec::new());
        for _ in items.iter() {
            let (ticket, (deliver, delivered)) = (Arc::new(Ticket::default()), oneshot::channel());
            handed.push((Arc::clone(&ticket), deliver));
            waiting.push((ticket, delivered));
        }
        let (service, shared, of) = (Arc::clone(self), Arc::clone(&items), context.clone());
        let task = move |scratch: &mut Scratch| {
            for (index, (text, ends)) in shared.iter().zip(handed).enumerate() {
                service.submit(&of, (text, Some(index)), scratch, ends);
            }
        };
        self.hand_over(Box::new(task))?;
        let mut results = Vec::with_capacity(items.len());
        for (index, (text, (ticket, delivered))) in items.iter().zip(waiting).enumerate() {
            let waited = self.wait(&context, (text, Some(index)), &ticket, delivered).await;
            results.push(match waited {
                Ok(Waited::Late(answer)) => BatchResult::Answer(answer),
                Ok(Waited::Done(bytes)) => match serde_json::from_slice::<Answer>(&bytes) {
                    Ok(answer) => BatchResult::Answer(Box::new(answer)),
                    Err(e) => BatchResult::Problem(Problem::new(ProblemCode::Internal, e.to_string())),
                },
                Err(mut problem) => {
                    let inside = problem.pointer.take().unwrap_or_default();
                    BatchResult::Problem(problem.at(format!("/items/{index}{inside}")).of(&context.request))
                }
            });
        }
        Ok(BatchAnswer { results })
    }

    fn split_batch(&self, body: &HeldBody) -> Result<Vec<String>, Problem> {
        #[derive(serde::Deserialize)]
        struct Batch {
            items: Vec<serde_json::Value>,
        }
        let batch: Batch = serde_json::from_str(utf8(&body.bytes)?)
            .map_err(|e| Problem::new(ProblemCode::InvalidBody, e.to_string()))?;
        let most = self.options.batch_items_max;
        if batch.items.is_empty() || batch.items.len() > most {
            let detail = format!("batch_items_max: a batch has 1 to {most} items, not {}", batch.items.len());
            return Err(Problem::new(ProblemCode::InvalidBody, detail).at("/items"));
        }
        Ok(batch.items.iter().map(ToString::to_string).collect())
    }

    /// A decision that was made earlier. That it was looked at is in the log before it is shown.
    pub(super) fn explain(&self, context: &Context, id: &str) -> Result<Vec<u8>, Problem> {
        let place = unhex(id).and_then(|_| {
            let decisions = self.books.decisions.lock().unwrap_or_else(PoisonError::into_inner);
            decisions.get(&digest(&[b"id", id.as_bytes()]))
        });
        let Some(place) = place else {
            let detail = "no decision of this id among the recent ones; `qingliu log --id` searches all";
            return Err(Problem::new(ProblemCode::NotFound, detail));
        };
        let entry = Entry::Access(AccessEntry {
            who: context.caller.name().to_owned(),
            what: "explain".to_owned(),
            decision: id.to_owned(),
            why: context.reason.clone(),
            request: context.request.clone(),
        });
        let unlogged = |e: LogError| Problem::new(ProblemCode::LogUnavailable, e.to_string());
        self.log.append_and_wait(entry.to_bytes(), None).map_err(unlogged)?;
        self.answer_at(place)
    }

    /// Ends the threads, with everything that waits done. Nobody is let in any more.
    pub(super) fn finish(&self) -> Result<(), LogError> {
        self.workers.finish();
        let saved = self.correlator.finish().map(|shard| window::save(&self.options.data_dir, &shard));
        let lost = match saved {
            Some(Ok(())) => String::new(),
            Some(Err(e)) => format!("the window was not saved: {e}"),
            None => "the window was lost".to_owned(),
        };
        self.note("stop", &lost)
    }
}

/// What came of waiting.
enum Waited {
    Done(axum::body::Bytes),
    Late(Box<Answer>),
}

fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|e| {
        let detail = format!("the body is not UTF-8 at byte {}", e.valid_up_to());
        Problem::new(ProblemCode::InvalidBody, detail)
    })
}

/// Reads back from the log which keys were used, and where decisions are.
fn remember(options: &ServeOptions, books: &Books, since_ms: i64) -> Result<(), LogError> {
    /// The part of a decision's record that is needed for this.
    #[derive(serde::Deserialize)]
    struct Names {
        kind: String,
        #[serde(default)]
        id: String,
        #[serde(default)]
        key: Option<String>,
        #[serde(default)]
        body: Option<String>,
    }
    let mut reader =
        Reader::at(&options.log.dir, Position { segment: first_since(options, since_ms)?, offset: 0 });
    let mut keys = books.keys.lock().unwrap_or_else(PoisonError::into_inner);
    let mut decisions = books.decisions.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let found = match reader.read() {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            // It was reported when the log was opened, or `qingliu log --verify` reports it.
            Err(LogError::Damaged(_)) => continue,
            Err(e) => return Err(e),
        };
        let Ok(names) = serde_json::from_slice::<Names>(&found.record.public) else { continue };
        if names.kind != "decision" {
            continue;
        }
        decisions.insert(digest(&[b"id", names.id.as_bytes()]), found.position);
        let digests = names.key.as_deref().and_then(unhex).zip(names.body.as_deref().and_then(unhex));
        if let Some(pair) = digests.filter(|_| found.record.time_ms >= since_ms) {
            keys.restore(pair, found.record.time_ms, found.position);
        }
    }
}

/// The segment in which records of a time begin.
fn first_since(options: &ServeOptions, since_ms: i64) -> Result<u64, LogError> {
    let all = segments(&options.log.dir)?;
    let mut first = all.first().map_or(0, |segment| segment.number);
    for segment in &all {
        match read_header(segment) {
            Ok(header) if header.time_ms <= since_ms => first = segment.number,
            Ok(_) => break,
            Err(_) => {}
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::embedded_files;

    #[test]
    fn beyond_this_machine_nobody_is_let_in_without_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = ServeOptions::new(dir.path());
        let start = |options: &ServeOptions| {
            let bundle = Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).unwrap();
            Service::start(options.clone(), bundle).unwrap().0
        };
        let service = start(&options);
        assert_eq!(service.caller(&HeaderMap::new()).unwrap().name(), "local");
        service.finish().unwrap();
        options.listen.set_ip([0, 0, 0, 0].into());
        let service = start(&options);
        assert_eq!(service.caller(&HeaderMap::new()).unwrap_err().code, ProblemCode::Unauthorized);
        service.finish().unwrap();
    }

    #[test]
    fn one_request_too_many_is_refused_at_once_and_a_stopping_service_takes_none() {
        let dir = tempfile::tempdir().unwrap();
        let options = ServeOptions { in_flight_max: 2, ..ServeOptions::new(dir.path()) };
        let bundle = Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).unwrap();
        let (service, _) = Service::start(options, bundle).unwrap();
        let (first, _second) = (service.admit().unwrap(), service.admit().unwrap());
        assert_eq!(service.admit().unwrap_err().code, ProblemCode::Overloaded);
        drop(first);
        let third = service.admit().unwrap();
        service.drain();
        drop(third);
        assert_eq!(service.admit().unwrap_err().code, ProblemCode::Draining);
        assert_eq!(service.readiness(), Err("draining"));
        service.finish().unwrap();
    }
}
