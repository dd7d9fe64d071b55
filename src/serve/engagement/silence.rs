//! When the stream falls silent, the clock closes its hours.

use serde::{Deserialize, Serialize};

/// A stream whose newest event is further behind the clock when it comes is history that is being fed: the clock says nothing of it.
const LIVE_LAG_MAX_S: i64 = 3600;
/// How long the clock waits beyond the stream's own lateness, for events that are on their way.
const SILENCE_S: i64 = 600;
const HOUR_S: u32 = 3600;

/// How the stream's time and the clock's go beside each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "units stand last, and all are seconds")]
pub(super) struct Silence {
    /// Newest time of the stream, in seconds since 1970; 0 before the first event.
    newest_s: u32,
    /// The same, by events alone.
    event_s: u32,
    /// How far it was behind the clock when an event moved it last.
    lag_s: i64,
}

impl Silence {
    /// Notes where events have brought the stream.
    pub(super) fn heard(&mut self, newest_s: u32, now_ms: i64) {
        if newest_s != self.newest_s {
            let lag_s = (now_ms / 1000).saturating_sub(i64::from(newest_s)).max(0);
            *self = Self { newest_s, event_s: newest_s, lag_s };
        }
    }

    /// Notes where the clock has brought it.
    pub(super) fn moved(&mut self, newest_s: u32) {
        self.newest_s = self.newest_s.max(newest_s);
    }

    /// The time to bring the stream to, if it has been silent for so long that an hour with events is over: the hour's end, the
    /// lateness, and ten minutes have passed on the clock, which is taken to be ahead of the stream by as much as it was when the
    /// last event came.
    pub(super) fn due(&self, lateness_s: u32, now_ms: i64) -> Option<u32> {
        let counted_s = self.newest_s.saturating_sub(lateness_s);
        if self.newest_s == 0 || self.lag_s > LIVE_LAG_MAX_S || counted_s / HOUR_S > self.event_s / HOUR_S {
            return None;
        }
        let end_s = (counted_s / HOUR_S + 1).saturating_mul(HOUR_S);
        let target_s = end_s.saturating_add(lateness_s).max(self.newest_s);
        let clock_s = (now_ms / 1000).saturating_sub(self.lag_s).saturating_sub(SILENCE_S);
        (clock_s >= i64::from(target_s)).then_some(target_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-02T10:00:00Z.
    const TEN: u32 = 1_793_613_600;
    const MINUTE: u32 = 60;

    /// What is due at a time of the clock, in minutes after ten.
    fn due(silence: &Silence, minutes: u32) -> Option<u32> {
        let now_ms = i64::from(TEN + minutes * MINUTE) * 1000;
        silence.due(10 * MINUTE, now_ms).map(|time| (time - TEN) / MINUTE)
    }

    fn heard(minute: u32, clock_minute: u32) -> Silence {
        let mut silence = Silence::default();
        silence.heard(TEN + minute * MINUTE, i64::from(TEN + clock_minute * MINUTE) * 1000);
        silence
    }

    #[test]
    fn an_hour_is_closed_twenty_minutes_after_its_end_and_nothing_after_the_last_one() {
        let mut silence = heard(50, 50);
        assert_eq!((due(&silence, 79), due(&silence, 80)), (None, Some(70)));
        silence.moved(TEN + 70 * MINUTE);
        assert_eq!(due(&silence, 100_000), None);
        // Events of two hours wait: one after the other.
        let mut silence = heard(65, 65);
        assert_eq!(due(&silence, 80), Some(70));
        silence.moved(TEN + 70 * MINUTE);
        assert_eq!((due(&silence, 139), due(&silence, 140)), (None, Some(130)));
        silence.moved(TEN + 130 * MINUTE);
        assert_eq!(due(&silence, 100_000), None);
    }

    #[test]
    fn a_stream_that_is_behind_the_clock_stays_as_far_behind_and_history_is_left_alone() {
        let silence = heard(50, 80);
        assert_eq!((due(&silence, 109), due(&silence, 110)), (None, Some(70)));
        assert_eq!(due(&heard(50, 50 + 61), 1_000_000), None);
        assert_eq!(due(&Silence::default(), 1_000_000), None);
        // A stream ahead of the clock is waited for.
        assert_eq!((due(&heard(50, 20), 79), due(&heard(50, 20), 80)), (None, Some(70)));
    }

    #[test]
    fn events_begin_it_anew() {
        let mut silence = heard(50, 50);
        silence.moved(TEN + 70 * MINUTE);
        silence.heard(TEN + 75 * MINUTE, i64::from(TEN + 75 * MINUTE) * 1000);
        assert_eq!((due(&silence, 139), due(&silence, 140)), (None, Some(130)));
    }
}
