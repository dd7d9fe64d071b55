//! Bodies of requests, within the limits on their bytes, on their time and on the memory of all bodies.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::status::status_of;
use crate::serve::listener::until_stopped;
use crate::serve::problem::{Problem, ProblemCode};
use crate::serve::request::{Share, body_timeout, too_large};
use crate::serve::service::Service;

/// Bytes before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// Where messages begin and end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Framing {
    prefix: [u8; PREFIX_BYTES],
    /// Bytes of the prefix that have come.
    prefix_bytes: usize,
    /// Bytes of the message that have not come.
    missing: usize,
    /// Bytes of the message that have come, prefix included.
    held: usize,
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    TooLong,
    Compressed,
}

impl Framing {
    /// Takes note of bytes. Returns whether a message has ended in them.
    fn take(&mut self, mut bytes: &[u8], message_bytes_max: usize) -> Result<bool, Unfit> {
        let mut has_ended = false;
        while let Some((first, rest)) = bytes.split_first() {
            if self.prefix_bytes < PREFIX_BYTES {
                self.prefix[self.prefix_bytes] = *first;
                self.prefix_bytes += 1;
                self.held += 1;
                bytes = rest;
                if self.prefix_bytes == PREFIX_BYTES {
                    let [compressed, length @ ..] = self.prefix;
                    if compressed != 0 {
                        return Err(Unfit::Compressed);
                    }
                    self.missing = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                    if self.missing > message_bytes_max {
                        return Err(Unfit::TooLong);
                    }
                }
            } else {
                let taken = self.missing.min(bytes.len());
                bytes = &bytes[taken..];
                self.missing -= taken;
                self.held += taken;
            }
            if self.prefix_bytes == PREFIX_BYTES && self.missing == 0 {
                *self = Self::default();
                has_ended = true;
            }
        }
        Ok(has_ended)
    }

    fn is_inside_message(&self) -> bool {
        self.held > 0
    }
}

type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body. Its errors are statuses, which become the answer.
pub(super) struct LimitedBody {
    inner: Incoming,
    service: Arc<Service>,
    request: String,
    framing: Framing,
    share: Share,
    /// Rings when a message has taken too long.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Set for streams, whose messages have all the time between them: done when the service stops.
    stopped: Option<Stopped>,
}

impl LimitedBody {
    /// A body with one message.
    pub(super) fn single(inner: Incoming, service: &Arc<Service>, request: &str) -> Self {
        Self {
            inner,
            service: Arc::clone(service),
            request: request.to_owned(),
            framing: Framing::default(),
            share: Share::of(service),
            alarm: Some(Box::pin(sleep(service.options().body_timeout))),
            stopped: None,
        }
    }

    /// A body with many messages. It ends when the service stops.
    pub(super) fn stream(
        inner: Incoming,
        service: &Arc<Service>,
        (request, mut stopped): (&str, watch::Receiver<bool>),
    ) -> Self {
        let stopped: Stopped = Box::pin(async move {
            until_stopped(&mut stopped).await;
        });
        Self { alarm: None, stopped: Some(stopped), ..Self::single(inner, service, request) }
    }

    fn refuse(&self, problem: Problem) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(Some(Err(status_of(&problem.of(&self.request)))))
    }

    /// Takes note of a piece of the body.
    fn note(&mut self, data: &Bytes) -> Result<(), Problem> {
        self.share.grow(data.len())?;
        let options = self.service.options();
        let has_ended = self.framing.take(data, options.body_bytes_max).map_err(|unfit| match unfit {
            Unfit::TooLong => too_large(options),
            Unfit::Compressed => {
                Problem::new(ProblemCode::InvalidBody, "the message is compressed, which was not agreed on")
            }
        })?;
        if self.stopped.is_some() {
            if has_ended {
                self.alarm = None;
            }
            if self.framing.is_inside_message() && self.alarm.is_none() {
                self.alarm = Some(Box::pin(sleep(options.body_timeout)));
            }
        }
        Ok(())
    }

    /// Whether time is up, or the service stops.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Problem> {
        if self.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(body_timeout(self.service.options()));
        }
        match &mut self.stopped {
            None => Poll::Pending,
            Some(stopped) => {
                ready!(stopped.as_mut().poll(cx));
                Poll::Ready(draining())
            }
        }
    }
}

/// What a stream is told when the service stops.
pub(super) fn draining() -> Problem {
    Problem::new(ProblemCode::Draining, "the service is stopping")
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        // Whoever asks for more has taken what was whole.
        this.share.shrink_to(this.framing.held);
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.data_ref().map_or(Ok(()), |data| this.note(data)) {
                Ok(()) => Poll::Ready(Some(Ok(frame))),
                Err(problem) => this.refuse(problem),
            },
            Poll::Ready(Some(Err(e))) => {
                this.refuse(Problem::new(ProblemCode::InvalidBody, format!("the body broke off: {e}")))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let problem = ready!(this.poll_end(cx));
                this.refuse(problem)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However a body is cut into pieces, what is held is what has come of the message that has not ended.
        #[test]
        fn messages_are_told_apart_however_they_are_cut(
            lengths in proptest::collection::vec(0_usize..300, 0..8),
            cuts in proptest::collection::vec(1_usize..90, 1..60),
        ) {
            let mut whole = Vec::new();
            let mut ends = Vec::new();
            for length in &lengths {
                whole.push(0);
                whole.extend_from_slice(&u32::try_from(*length).unwrap().to_be_bytes());
                whole.resize(whole.len() + length, 7);
                ends.push(whole.len());
            }
            let (mut framing, mut at, mut next) = (Framing::default(), 0, 0);
            while at < whole.len() {
                let to = (at + cuts[next % cuts.len()]).min(whole.len());
                next += 1;
                let has_ended = framing.take(&whole[at..to], 300).unwrap();
                prop_assert_eq!(has_ended, ends.iter().any(|end| (at + 1..=to).contains(end)));
                let last_end = ends.iter().rev().find(|end| **end <= to).copied().unwrap_or(0);
                prop_assert_eq!(framing.held, to - last_end);
                prop_assert_eq!(framing.is_inside_message(), !ends.contains(&to));
                at = to;
            }
            let longest = lengths.iter().copied().max().unwrap_or(0);
            if longest > 0 {
                prop_assert_eq!(Framing::default().take(&whole, longest - 1), Err(Unfit::TooLong));
            }
        }
    }
}
