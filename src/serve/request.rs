//! Who asks, until when, and with what body.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::access::{Action, Caller};
use super::options::ServeOptions;
use super::problem::{Problem, ProblemCode};
use super::roster::Roster;
use super::service::Service;
use crate::intake::mend_surrogates;

/// Longest request id, idempotency key and reason, bytes.
pub(super) const HEADER_VALUE_BYTES_MAX: usize = 256;

/// What is known of a request before its body.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// Its id: the caller's, or one of our own.
    pub(super) request: String,
    /// Who asks.
    pub(super) caller: Caller,
    /// When the caller stops waiting.
    pub(super) deadline: Instant,
    /// How long the caller waits for one answer; in a stream, for each.
    pub(super) patience: Duration,
    /// The caller's idempotency key.
    pub(super) key: Option<String>,
    /// Why content is looked at.
    pub(super) reason: String,
    /// Who judges; the same to the end of the request.
    pub(super) roster: Arc<Roster>,
}

impl FromRequestParts<Arc<Service>> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Problem> {
        Self::of(&parts.headers, service)
    }
}

impl Context {
    /// What the headers say, or the metadata of gRPC, which is the same.
    pub(super) fn of(headers: &HeaderMap, service: &Service) -> Result<Self, Problem> {
        let request = text(headers, "x-request-id")
            .ok()
            .flatten()
            .map_or_else(|| service.new_request_id(), str::to_owned);
        Self::read(headers, service, &request).map_err(|problem| problem.of(&request))
    }

    fn read(headers: &HeaderMap, service: &Service, request: &str) -> Result<Self, Problem> {
        let caller = service.caller(headers)?;
        let most = service.options().deadline_max;
        let asked = match text(headers, "x-deadline-ms")? {
            None => most,
            Some(digits) => match digits.parse::<u32>() {
                Ok(millis) => Duration::from_millis(millis.into()),
                Err(_) => {
                    let detail = "x-deadline-ms is a whole number of milliseconds";
                    return Err(Problem::new(ProblemCode::InvalidHeader, detail));
                }
            },
        };
        Ok(Self {
            request: request.to_owned(),
            caller,
            deadline: Instant::now() + asked.min(most),
            patience: asked.min(most),
            key: text(headers, "idempotency-key")?.map(str::to_owned),
            reason: reason(headers)?,
            roster: service.roster(),
        })
    }

    /// Shortens the deadline.
    #[must_use]
    pub(super) fn within(mut self, millis: Option<u32>, begun: Instant) -> Self {
        if let Some(millis) = millis {
            self.deadline = self.deadline.min(begun + Duration::from_millis(millis.into()));
        }
        self
    }

    /// Goes on only if the caller says why content is looked at.
    pub(super) fn require_reason(&self) -> Result<(), Problem> {
        if self.reason.is_empty() {
            let detail = "x-access-reason is missing: why is content looked at?";
            return Err(Problem::new(ProblemCode::InvalidHeader, detail).of(&self.request));
        }
        Ok(())
    }

    /// Goes on only if the caller may do this.
    pub(super) fn require(&self, action: Action) -> Result<(), Problem> {
        self.caller.require(action).map_err(|problem| problem.of(&self.request))
    }
}

/// A header's value, if it is there.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let is_fit = |value: &&str| !value.is_empty() && value.len() <= HEADER_VALUE_BYTES_MAX;
    match value.to_str().ok().filter(is_fit) {
        Some(value) => Ok(Some(value)),
        None => {
            let detail = format!("{name} is 1 to {HEADER_VALUE_BYTES_MAX} visible ASCII characters");
            Err(Problem::new(ProblemCode::InvalidHeader, detail))
        }
    }
}

/// Why content is looked at: in any script, as UTF-8.
fn reason(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(value) = headers.get("x-access-reason") else { return Ok(String::new()) };
    let text = std::str::from_utf8(value.as_bytes()).ok().and_then(fit_reason);
    text.ok_or_else(|| {
        let detail = format!("x-access-reason is at most {HEADER_VALUE_BYTES_MAX} bytes of UTF-8");
        Problem::new(ProblemCode::InvalidHeader, detail)
    })
}

/// A reason as it is kept, if it is short enough and of one line.
pub(super) fn fit_reason(text: &str) -> Option<String> {
    let text = text.trim();
    let is_fit = text.len() <= HEADER_VALUE_BYTES_MAX && !text.chars().any(char::is_control);
    is_fit.then(|| text.to_owned())
}

/// Bytes of bodies that are being held in memory, of all requests together.
#[derive(Debug)]
pub(super) struct BodyBudget {
    used: AtomicUsize,
    bytes_max: usize,
}

/// A body, and its share of the budget for as long as it lives.
#[derive(Debug)]
pub(super) struct HeldBody {
    pub(super) bytes: Bytes,
    _share: Share,
}

impl HeldBody {
    /// Bytes that have been read already.
    pub(super) fn hold(service: &Service, bytes: Bytes) -> Result<Self, Problem> {
        let share = Self::reserve(service, bytes.len())?;
        Ok(Self { bytes: mended(bytes), _share: share })
    }

    /// A share for so many bytes that are held elsewhere.
    pub(super) fn reserve(service: &Service, bytes: usize) -> Result<Share, Problem> {
        let mut share = Share::of(service);
        share.grow(bytes)?;
        Ok(share)
    }
}

/// A text that was cut inside an emoji is judged as it would be in a file. Most bodies have no escapes, and are not copied.
fn mended(bytes: Bytes) -> Bytes {
    if memchr::memmem::find(&bytes, b"\\u").is_none() {
        return bytes;
    }
    let mut whole = Vec::from(bytes);
    mend_surrogates(&mut whole);
    Bytes::from(whole)
}

/// What one body takes of the budget.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<BodyBudget>,
    bytes: usize,
}

impl Share {
    pub(super) fn of(service: &Service) -> Self {
        Self { budget: Arc::clone(service.body_budget()), bytes: 0 }
    }

    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let used = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if used + bytes <= self.budget.bytes_max {
            return Ok(());
        }
        Err(Problem::new(ProblemCode::Overloaded, "body_budget_bytes_max: too many long bodies"))
    }

    /// Gives back all but so many bytes.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let over = self.bytes.saturating_sub(bytes);
        self.budget.used.fetch_sub(over, Ordering::Relaxed);
        self.bytes -= over;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl BodyBudget {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), bytes_max })
    }
}

/// Bytes of a body that is too long which are read and thrown away: a client that is cut off while it sends may not see why.
const DISCARD_BYTES_MAX: usize = 16 << 20;

async fn discard(mut body: Body, until: Instant) {
    let mut left = DISCARD_BYTES_MAX;
    while let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

pub(super) fn too_large(options: &ServeOptions) -> Problem {
    let detail = format!("body_bytes_max: the body is longer than {} bytes", options.body_bytes_max);
    Problem::new(ProblemCode::TooLarge, detail)
}

pub(super) fn body_timeout(options: &ServeOptions) -> Problem {
    let detail = format!("body_timeout: not within {} ms", options.body_timeout.as_millis());
    Problem::new(ProblemCode::BodyTimeout, detail)
}

/// Reads a body within the limits on its bytes, on its time and on the memory of all bodies.
pub(super) async fn read_body(service: &Service, mut body: Body) -> Result<HeldBody, Problem> {
    let options = service.options();
    let until = Instant::now() + options.body_timeout;
    let mut share = Share::of(service);
    let mut whole = Vec::new();
    let mut only: Option<Bytes> = None;
    loop {
        let frame = match timeout_at(until, body.frame()).await {
            Err(_) => return Err(body_timeout(options)),
            Ok(None) => break,
            Ok(Some(Err(e))) => return Err(Problem::new(ProblemCode::InvalidBody, e.to_string())),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if share.bytes + data.len() > options.body_bytes_max {
            discard(body, until).await;
            return Err(too_large(options));
        }
        share.grow(data.len())?;
        // Most bodies come in one piece, which is not copied.
        if only.is_none() && whole.is_empty() {
            only = Some(data);
        } else {
            whole.extend_from_slice(&only.take().unwrap_or_default());
            whole.extend_from_slice(&data);
        }
    }
    let bytes = mended(only.unwrap_or_else(|| Bytes::from(whole)));
    Ok(HeldBody { bytes, _share: share })
}
