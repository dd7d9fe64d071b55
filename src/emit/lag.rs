//! How far a sink is behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// What a sink tells of itself while it runs. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct SinkLag(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Time of the oldest event that has not been passed on, milliseconds since 1970; 0 when there is none.
    oldest_ms: AtomicI64,
    waiting: AtomicUsize,
    put_aside: AtomicU64,
}

impl SinkLag {
    /// Tells what waits: the time of its oldest event, and how many there are.
    pub fn set(&self, oldest_ms: Option<i64>, waiting: usize) {
        self.0.oldest_ms.store(oldest_ms.unwrap_or(0), Ordering::Relaxed);
        self.0.waiting.store(waiting, Ordering::Relaxed);
    }

    /// Counts an event that was put aside.
    pub fn count_put_aside(&self) {
        self.0.put_aside.fetch_add(1, Ordering::Relaxed);
    }

    /// Time of the oldest event that has not been passed on, milliseconds since 1970.
    pub fn oldest_ms(&self) -> Option<i64> {
        Some(self.0.oldest_ms.load(Ordering::Relaxed)).filter(|oldest_ms| *oldest_ms != 0)
    }

    /// Events that have been read and not passed on.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Events that were put aside since the start.
    pub fn put_aside(&self) -> u64 {
        self.0.put_aside.load(Ordering::Relaxed)
    }
}
