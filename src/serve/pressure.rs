//! Whether requests wait before anybody looks at them, and what is refused then.
//!
//! Short texts are judged on the threads that read requests, so that overload does not show in the number of requests inside:
//! whoever waits, waits in a socket. What can be measured is the *lag*: how long an item waits for the correlating thread, and how
//! long a request that has been told its answer waits for a turn to hand it on. While a lag stands
//! above its limit, only the share of the requests is let in that brings it back: who is let in is answered in time.
//!
//! A refusal costs a good part of what an answer costs. A caller that sends again at once after each refusal would have the
//! service do nothing else, so that refusals have a rate: a connection that got one beyond it is not read until its turn,
//! at most as long as `Retry-After` said.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A measurement that no other has followed counts for so long, and one under way after that is taken for lost.
const SAMPLE_VALID_US: u64 = 100_000;
/// A lag beyond its limit is a burst until it has lasted so long, as in `CoDel` (Nichols and Jacobson 2012).
const BURST_US_MAX: u64 = 50_000;
/// Refusals a second, of all connections together, after which the connection is read on at once.
const REFUSALS_PER_SECOND_MAX: u64 = 2000;
/// Longest that a connection is not read after a refusal: the `Retry-After` of it.
const REST_MAX: Duration = Duration::from_secs(1);

const US_PER_SECOND: u64 = 1_000_000;

/// One lag, and the times of its measurements: microseconds since the service started, from 1.
#[derive(Debug, Default)]
struct Lag {
    last: AtomicU64,
    /// When it was measured last, and when it was within its limit last.
    measured_at: AtomicU64,
    calm_at: AtomicU64,
}

impl Lag {
    fn measured(&self, lag_us: u64, limit_us: u64, now_us: u64) {
        self.begin(now_us);
        if lag_us <= limit_us {
            self.calm_at.store(now_us, Ordering::Relaxed);
        }
        self.measured_at.store(now_us, Ordering::Relaxed);
        self.last.store(lag_us, Ordering::Relaxed);
    }

    /// What nobody has measured for a while was calm.
    fn begin(&self, now_us: u64) {
        if now_us.saturating_sub(self.measured_at.load(Ordering::Relaxed)) > SAMPLE_VALID_US {
            self.calm_at.store(now_us, Ordering::Relaxed);
        }
    }

    /// The lag, if it is more than a burst. `least_us` is known of a measurement under way.
    fn standing(&self, least_us: u64, limit_us: u64, now_us: u64) -> Option<u64> {
        let age_us = now_us.saturating_sub(self.measured_at.load(Ordering::Relaxed));
        let last_us = if age_us <= SAMPLE_VALID_US { self.last.load(Ordering::Relaxed) } else { 0 };
        let lag_us = last_us.max(least_us);
        let lasts_us = now_us.saturating_sub(self.calm_at.load(Ordering::Relaxed));
        (lag_us > limit_us && lasts_us > BURST_US_MAX).then_some(lag_us)
    }
}

/// Lags and refusals of one service.
#[derive(Debug)]
pub(super) struct Pressure {
    begun: Instant,
    limit_us: u64,
    /// When a request was told its answer that has not had its turn since; 0 when there is none.
    pending_us: AtomicU64,
    runtime: Lag,
    correlator: Lag,
    /// Shares of a request that may be let in, in thousandths, added up while not all are.
    credit_milli: AtomicU64,
    /// When the next refusal is due.
    next_refusal_us: AtomicU64,
}

impl Pressure {
    pub(super) fn new(lag_max: Duration) -> Self {
        Self {
            begun: Instant::now(),
            limit_us: micros(lag_max).max(1),
            pending_us: AtomicU64::new(0),
            runtime: Lag::default(),
            correlator: Lag::default(),
            credit_milli: AtomicU64::new(0),
            next_refusal_us: AtomicU64::new(0),
        }
    }

    /// Microseconds since the service started, from 1.
    pub(super) fn now_us(&self) -> u64 {
        micros(self.begun.elapsed()) + 1
    }

    /// A request is being told its answer. Returns the time, for [`Self::turned`].
    pub(super) fn told(&self) -> u64 {
        let now_us = self.now_us();
        // The first of many that wait is the one that counts.
        if self.pending_us.compare_exchange(0, now_us, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.runtime.begin(now_us);
        }
        now_us
    }

    /// A request that was told its answer at `told_us` has its turn.
    pub(super) fn turned(&self, told_us: u64) {
        let now_us = self.now_us();
        self.pending_us.store(0, Ordering::Relaxed);
        self.runtime.measured(now_us.saturating_sub(told_us), self.limit_us, now_us);
    }

    /// The correlating thread has taken an item that was handed over at `handed_us`.
    pub(super) fn waited(&self, handed_us: u64) {
        let now_us = self.now_us();
        self.correlator.measured(now_us.saturating_sub(handed_us), self.limit_us, now_us);
    }

    /// Whether one more request may come in: all while no lag stands, `limit / lag` of them otherwise. An error is the lag.
    pub(super) fn admit(&self) -> Result<(), Duration> {
        self.admit_at(self.now_us())
    }

    fn admit_at(&self, now_us: u64) -> Result<(), Duration> {
        let under_way_us = match self.pending_us.load(Ordering::Relaxed) {
            0 => 0,
            told_us => Some(now_us.saturating_sub(told_us)).filter(|us| *us <= SAMPLE_VALID_US).unwrap_or(0),
        };
        let standing = self
            .runtime
            .standing(under_way_us, self.limit_us, now_us)
            .max(self.correlator.standing(0, self.limit_us, now_us));
        let Some(lag_us) = standing else { return Ok(()) };
        // Never none: only who is let in tells that the lag is over.
        let share_milli = (self.limit_us.saturating_mul(1000) / lag_us.max(1)).max(1);
        let before = self.credit_milli.fetch_add(share_milli, Ordering::Relaxed);
        if before / 1000 == (before + share_milli) / 1000 {
            return Err(Duration::from_micros(lag_us));
        }
        Ok(())
    }

    /// Counts a refusal. For how long the connection that got it should not be read.
    pub(super) fn refused(&self) -> Option<Duration> {
        const REFUSAL_US: u64 = US_PER_SECOND / REFUSALS_PER_SECOND_MAX;
        let now_us = self.now_us();
        let farthest_us = now_us + micros(REST_MAX);
        let next = |due_us: u64| Some(due_us.clamp(now_us, farthest_us) + REFUSAL_US);
        let due = self.next_refusal_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let rest_us = due.unwrap_or_default().clamp(now_us, farthest_us) - now_us;
        (rest_us > 0).then(|| Duration::from_micros(rest_us))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(5);

    /// A service whose correlating thread has lagged for a while.
    fn lagging(lag_us: u64, for_us: u64) -> (Pressure, u64) {
        let pressure = Pressure::new(LIMIT);
        for at_us in (0..=for_us).step_by(1000) {
            pressure.correlator.measured(lag_us, pressure.limit_us, US_PER_SECOND + at_us);
        }
        (pressure, US_PER_SECOND + for_us)
    }

    #[test]
    fn all_are_let_in_within_the_limit_and_a_share_beyond() {
        for (lag_ms, admitted) in [(0, 1000), (5, 1000), (10, 500), (50, 100), (5000, 1)] {
            let (pressure, now_us) = lagging(lag_ms * 1000, 60_000);
            let found = (0..1000).filter(|_| pressure.admit_at(now_us).is_ok()).count();
            assert_eq!(found, admitted, "{lag_ms}");
        }
    }

    #[test]
    fn a_burst_is_let_in_unless_it_lasts() {
        for (lag_us, for_us, is_burst) in [(40_000, 0, true), (10_000, 40_000, true), (10_000, 60_000, false)]
        {
            let (pressure, now_us) = lagging(lag_us, for_us);
            let admitted = (0..100).filter(|_| pressure.admit_at(now_us).is_ok()).count();
            assert_eq!(admitted == 100, is_burst, "{lag_us} {for_us}");
            // Nothing has been heard for a while: that was long ago.
            assert!((0..100).all(|_| pressure.admit_at(now_us + SAMPLE_VALID_US + 1).is_ok()));
        }
    }

    #[test]
    fn a_measurement_that_takes_long_counts_before_it_ends() {
        let pressure = Pressure::new(LIMIT);
        let told_us = pressure.told();
        let admitted = |after_us| (0..100).filter(|_| pressure.admit_at(told_us + after_us).is_ok()).count();
        assert_eq!([50_000, 100_000, SAMPLE_VALID_US + 1].map(admitted), [100, 5, 100]);
        pressure.turned(told_us);
        assert_eq!(admitted(50_000), 100);
    }

    #[test]
    fn refusals_beyond_their_rate_take_turns_and_nobody_rests_longer_than_was_said() {
        let pressure = Pressure::new(LIMIT);
        let rests: Vec<Duration> = (0..5000).filter_map(|_| pressure.refused()).collect();
        assert!(rests.len() >= 4900, "{}", rests.len());
        assert!(rests.iter().all(|rest| *rest <= REST_MAX));
        assert!(rests[100] > rests[0]);
        assert_eq!(rests.last(), Some(&REST_MAX));
    }
}
