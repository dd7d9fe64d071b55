//! Who of a connection waits for whom: whether a client has gone away, or has stopped reading.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Flow(Mutex<State>);

#[derive(Debug)]
struct State {
    next: u64,
    /// By number: since when the client has left a piece of the answer unread; none while it waits for us.
    open: HashMap<u64, Option<Instant>>,
    /// Since when no request is open.
    idle_since: Instant,
}

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Kept,
    /// It is closed in order: nothing has happened on it for long.
    Idle,
    /// It is cut off: its client does not read.
    Stalled,
}

/// One open request. It is counted until it is dropped.
#[derive(Debug)]
pub(super) struct OpenRequest {
    flow: Arc<Flow>,
    number: u64,
}

impl Flow {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { next: 0, open: HashMap::new(), idle_since: Instant::now() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(self: &Arc<Self>) -> OpenRequest {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, None);
        drop(state);
        OpenRequest { flow: Arc::clone(self), number }
    }

    /// O(open requests).
    pub(super) fn fate(&self, idle_max: (Duration, Duration), unread_max: Duration) -> Fate {
        let (state, now) = (self.lock(), Instant::now());
        let since = |from: Instant| now.saturating_duration_since(from);
        // Who has asked nothing yet has to ask sooner.
        let idle_max = if state.next == 0 { idle_max.0 } else { idle_max.1 };
        if state.open.is_empty() && since(state.idle_since) >= idle_max {
            Fate::Idle
        } else if state.open.values().flatten().any(|from| since(*from) >= unread_max) {
            Fate::Stalled
        } else {
            Fate::Kept
        }
    }
}

impl OpenRequest {
    fn set(&self, unread_since: Option<Instant>) {
        if let Some(open) = self.flow.lock().open.get_mut(&self.number) {
            *open = unread_since;
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.flow.lock();
        state.open.remove(&self.number);
        state.idle_since = Instant::now();
    }
}

/// The body of an answer. Once a piece of it was handed out, it is asked for the next only when the client has room for it.
#[derive(Debug)]
pub(super) struct FollowedBody {
    inner: Body,
    request: OpenRequest,
}

impl FollowedBody {
    pub(super) fn new(inner: Body, request: OpenRequest) -> Self {
        Self { inner, request }
    }
}

impl HttpBody for FollowedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let is_data = matches!(&polled, Poll::Ready(Some(Ok(frame))) if frame.is_data());
        self.request.set(is_data.then(Instant::now));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const NEVER: Duration = Duration::from_hours(1);
    const NOW: Duration = Duration::ZERO;

    #[test]
    fn a_client_stalls_only_between_a_piece_and_the_next_question() {
        let flow = Flow::new();
        let fate = || flow.fate((NOW, NOW), NOW);
        assert_eq!(fate(), Fate::Idle);
        assert_eq!(flow.fate((NEVER, NOW), NOW), Fate::Kept, "it has asked nothing yet");
        let mut body = FollowedBody::new(Body::from("answer"), flow.begin());
        assert_eq!(fate(), Fate::Kept);
        let mut poll = || {
            let mut cx = Context::from_waker(Waker::noop());
            matches!(Pin::new(&mut body).poll_frame(&mut cx), Poll::Ready(Some(_)))
        };
        assert!(poll());
        assert_eq!((fate(), flow.fate((NOW, NOW), NEVER)), (Fate::Stalled, Fate::Kept));
        assert!(!poll());
        assert_eq!(fate(), Fate::Kept);
        drop(body);
        assert_eq!((fate(), flow.fate((NOW, NEVER), NOW)), (Fate::Idle, Fate::Kept));
    }
}
