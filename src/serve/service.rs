//! What all requests share, and the way of one request through it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::yield_now;
use tokio::time::timeout_at;

use super::access::{Caller, KeyFile, KeyRing};
use super::answer::Answer;
use super::correlator::{Books, Correlator, Ticket};
use super::docket::Docket;
use super::engagement::Engagement;
use super::idempotency::{Claim, Deliver, Delivery, Key, Keys, Recent};
use super::judge::timeout_ms;
use super::kept::Starting;
use super::listener::ServeError;
use super::measure::Measured;
use super::metrics::{Answered, Levels, Metrics, Operation};
use super::options::ServeOptions;
use super::problem::{Problem, ProblemCode};
use super::recall::remember;
use super::reload::Reloader;
use super::request::{BodyBudget, Context, HeldBody};
use super::roster::Roster;
use super::warm::warm_up;
use super::window;
use super::workers::Workers;
use crate::engine::{Bundle, Scratch, Shard};
use crate::store::entry::{AccessEntry, Entry, ServiceEntry};
use crate::store::log::{Log, LogError, OpenReport};
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
    roster: ArcSwap<Roster>,
    reloader: Reloader,
    workers: Workers,
    correlator: Correlator,
    engagement: Engagement,
    log: Arc<Log>,
    books: Arc<Books>,
    keys: ArcSwap<KeyRing>,
    metrics: Arc<Metrics>,
    permits: Arc<Semaphore>,
    body_budget: Arc<BodyBudget>,
    /// Held while a person's word on a decision is put into the log: one at a time.
    pub(super) desk: Mutex<()>,
    /// Which appeals wait. Held for moments only.
    docket: Mutex<Docket>,
    is_draining: AtomicBool,
    requests: AtomicU64,
    seed: u64,
    measured: Measured,
}

/// A request that has been let in.
#[derive(Debug)]
pub(super) struct Admission(#[expect(dead_code, reason = "given back when it goes")] OwnedSemaphorePermit);

impl Service {
    /// Opens the log, reads back what it remembers and starts the threads.
    pub(super) fn start(
        options: ServeOptions,
        starting: impl Into<Starting>,
    ) -> Result<(Self, OpenReport), ServeError> {
        let starting: Starting = starting.into();
        let keys = KeyFile::read(&options.data_dir)?;
        let (log, report) = Log::open(options.log.clone(), Clock::now_ms)?;
        let window_ms = i64::try_from(options.idempotency_window.as_millis()).unwrap_or(i64::MAX);
        let books = Books {
            keys: Mutex::new(Keys::new(options.idempotency_keys_max, window_ms)),
            decisions: Mutex::new(Recent::new(options.idempotency_keys_max)),
        };
        remember(&options, &books, Clock::now_ms().saturating_sub(window_ms))?;
        let docket = Docket::open(&options)?;
        let (log, books) = (Arc::new(log), Arc::new(books));
        let metrics = Arc::new(Metrics::new().map_err(|e| ServeError::Start(e.to_string()))?);
        // A window of another version, or a damaged one, is as good as none; the log says so.
        let (shard, window) = match window::load(&options.data_dir) {
            Ok(Some(shard)) => (shard, String::new()),
            Ok(None) => (Shard::new(&starting.bundle), "an empty window".to_owned()),
            Err(e) => (Shard::new(&starting.bundle), format!("an empty window: {e}")),
        };
        let parts = (Arc::clone(&log), Arc::clone(&books), Arc::clone(&metrics));
        let (engagement, lost) = Engagement::start(&options, &starting.bundle, parts)?;
        warm_up(&starting.bundle);
        let started = |e: std::io::Error| ServeError::Start(e.to_string());
        let correlator = Correlator::start(
            shard,
            Arc::clone(&log),
            Arc::clone(&books),
            Arc::clone(&metrics),
            (options.text_policy, options.correlate_queue_max),
        );
        let service = Self {
            workers: Workers::start(options.workers, options.worker_queue_max).map_err(started)?,
            correlator: correlator.map_err(started)?,
            engagement,
            log,
            books,
            keys: ArcSwap::from_pointee(KeyRing::new(keys)),
            metrics,
            permits: Arc::new(Semaphore::new(options.in_flight_max)),
            body_budget: BodyBudget::new(BODY_BUDGET_BYTES_MAX),
            desk: Mutex::new(()),
            docket: Mutex::new(docket),
            is_draining: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            // Ids of requests differ between runs; nobody has to be unable to guess them.
            seed: RandomState::new().hash_one(Clock::now_ms()),
            reloader: Reloader::new(&options, &starting),
            roster: ArcSwap::from_pointee(Roster::of(starting.bundle)),
            measured: Measured::default(),
            options,
        };
        service.note("start", "", &reasons(&[window, lost]))?;
        Ok((service, report))
    }

    /// Puts what happens to the service itself into the log.
    pub(super) fn note(&self, event: &str, author: &str, reason: &str) -> Result<(), LogError> {
        let entry = Entry::Service(ServiceEntry {
            event: event.to_owned(),
            bundle: self.bundle().versions().bundle.clone(),
            author: author.to_owned(),
            reason: reason.to_owned(),
            detail: String::new(),
        });
        self.log.append_and_wait(entry.to_bytes(), None).map(|_| ())
    }

    pub(super) fn options(&self) -> &ServeOptions {
        &self.options
    }

    /// The live bundle. What judges an item is in the [`Roster`] of its request.
    pub(super) fn bundle(&self) -> Arc<Bundle> {
        Arc::clone(&self.roster.load().live)
    }

    pub(super) fn roster(&self) -> Arc<Roster> {
        self.roster.load_full()
    }

    pub(super) fn store_roster(&self, roster: Roster) {
        self.roster.store(Arc::new(roster));
    }

    pub(super) fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    pub(super) fn correlator(&self) -> &Correlator {
        &self.correlator
    }

    pub(super) fn engagement(&self) -> &Engagement {
        &self.engagement
    }

    pub(super) fn books(&self) -> &Books {
        &self.books
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(super) fn measured(&self) -> &Measured {
        &self.measured
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
            if keys.is_empty() && self.options.is_loopback_only() {
                return local_caller(headers);
            }
            return Err(Problem::new(ProblemCode::Unauthorized, "Authorization: Bearer KEY is missing"));
        };
        let token = authorization.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        keys.check(token.unwrap_or_default(), Clock::now_ms())
    }

    /// Reads the keys anew. A file that cannot be read changes nothing.
    pub(super) fn reload_keys(&self) {
        if let Ok(file) = KeyFile::read(&self.options.data_dir) {
            self.keys.store(Arc::new(self.keys.load().renewed(file)));
        }
    }

    /// Lets a request in, or refuses it at once.
    pub(super) fn admit(&self) -> Result<Admission, Problem> {
        if self.is_draining.load(Ordering::Acquire) {
            return Err(Problem::new(ProblemCode::Draining, "the service is stopping"));
        }
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Ok(Admission(permit)),
            Err(_) => {
                let most = self.options.in_flight_max;
                Err(self.shed(format!("in_flight_max: {most} requests are inside")))
            }
        }
    }

    /// Lets a request in, and gives up its turn once before it is judged.
    ///
    /// Short texts are judged on the thread that has read them. Whoever has arrived by now is read, and let in or refused, before that:
    /// else those who come under load would wait unseen in their sockets, however many they are.
    pub(super) async fn admit_in_turn(&self) -> Result<Admission, Problem> {
        let admission = self.admit()?;
        yield_now().await;
        Ok(admission)
    }

    /// Counts an answer, and tells it where that is asked for.
    pub(super) fn answered(
        &self,
        operation: Operation,
        (begun, id): (tokio::time::Instant, &str),
        problem: Option<&Problem>,
    ) {
        let result = match problem {
            None => Answered::Given,
            Some(problem) if problem.status < 500 => Answered::Refused,
            Some(_) => Answered::Unserved,
        };
        let took = begun.elapsed();
        self.metrics.served(operation, result, took);
        let status = problem.map_or(200, |problem| problem.status);
        tracing::debug!(request = id, ?operation, status, micros = took.as_micros(), "answered");
    }

    /// Counts a refusal for want of capacity.
    fn shed(&self, detail: String) -> Problem {
        self.metrics.shed.increment(1);
        Problem::new(ProblemCode::Overloaded, detail)
    }

    /// Requests that have been let in and are not answered.
    fn inside(&self) -> usize {
        self.options.in_flight_max.saturating_sub(self.permits.available_permits())
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
        } else if !self.correlator.is_alive() {
            Err("correlator_gone")
        } else if !self.engagement.is_alive() {
            Err("engagement_gone")
        } else {
            Ok(())
        }
    }

    /// How full everything is, and which bundles there are.
    pub(super) fn levels(&self) -> Levels {
        let state = self.bundle_state();
        let canary_percent = state.candidate.as_ref().map_or(0.0, |candidate| candidate.canary_percent);
        Levels {
            in_flight: self.inside(),
            queues: [
                self.workers.queued(),
                self.correlator.queued(),
                self.log.queued(),
                self.engagement.waiting(),
            ],
            is_log_failing: self.log.is_failing(),
            alarm_rates: self.engagement.alarm_rates(),
            versions: (state.live, state.candidate.map(|candidate| candidate.version)),
            bundle_size: [state.terms, state.rules],
            is_bundle_refused: state.refused.is_some(),
            canary_percent,
            appeals: self.docket().counts(Clock::now_ms()),
        }
    }

    pub(super) fn docket(&self) -> MutexGuard<'_, Docket> {
        self.docket.lock().unwrap_or_else(PoisonError::into_inner)
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
        let context = context.within(timeout_ms(text)?, begun);
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
        match self.wait(&context, (text, None), &ticket, delivered).await? {
            Waited::Done(bytes) => Ok(bytes),
            Waited::Late(answer) => Ok(serde_json::to_vec(&*answer).unwrap_or_default().into()),
        }
    }

    pub(super) fn hand_over(&self, task: super::workers::Task) -> Result<(), Problem> {
        if self.workers.run(task) {
            return Ok(());
        }
        Err(self.shed("worker_queue_max: the queue is full".to_owned()))
    }

    /// Waits for a delivery until the caller's deadline.
    pub(super) async fn wait(
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

    /// A decision that was made earlier. That it was looked at is in the log before it is shown.
    pub(super) fn explain(&self, context: &Context, id: &str) -> Result<Vec<u8>, Problem> {
        // Who says nothing is not told either whether there is such a decision.
        context.require_reason()?;
        let place = self.locate(id)?;
        self.note_look(context, "explain", id)?;
        self.answer_at(place)
    }

    /// Puts into the log who looks at what, and why, before it is shown; whoever does not say why is refused. `decision` is its id, if
    /// it has one. Waits for the disk.
    pub(super) fn note_look(&self, context: &Context, what: &str, decision: &str) -> Result<(), Problem> {
        context.require_reason()?;
        let entry = Entry::Access(AccessEntry {
            who: context.caller.name().to_owned(),
            what: what.to_owned(),
            decision: decision.to_owned(),
            why: context.reason.clone(),
            request: context.request.clone(),
        });
        let noted = self.log.append_and_wait(entry.to_bytes(), None);
        noted.map(|_| ()).map_err(|e| Problem::new(ProblemCode::LogUnavailable, e.to_string()))
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
        let uncounted = self.engagement.finish();
        self.note_docket();
        self.note("stop", "", &reasons(&[lost, uncounted]))
    }
}

/// What came of waiting.
pub(super) enum Waited {
    Done(axum::body::Bytes),
    Late(Box<Answer>),
}

/// Whoever is on this machine, but for pages of other sites: a browser sends their requests here if the name of their site leads here
/// (DNS rebinding). Addresses and names without a dot are nobody's site.
fn local_caller(headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(host) = headers.get(header::HOST) else { return Ok(Caller::local()) };
    let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    let is_site = authority.is_none_or(|authority| {
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        name.contains('.') && !name.ends_with(".localhost") && name.parse::<Ipv4Addr>().is_err()
    });
    if is_site {
        let detail = "without keys, nobody is served under the name of a site: use localhost, or make a key";
        return Err(Problem::new(ProblemCode::Unauthorized, detail));
    }
    Ok(Caller::local())
}

fn reasons(parts: &[String; 2]) -> String {
    parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join("; ")
}

pub(super) fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|e| {
        let detail = format!("the body is not UTF-8 at byte {}", e.valid_up_to());
        Problem::new(ProblemCode::InvalidBody, detail)
    })
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
        // The log is closed with the last who holds it.
        drop(service);
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
