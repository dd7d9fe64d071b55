//! The time of a stream, as its items tell it.

use serde::{Deserialize, Serialize};

/// Times that an item may have: 1990 to 2100. Others count as none.
const TIMES_MS: std::ops::Range<i64> = 631_152_000_000..4_102_444_800_000;
/// A time that differs from the newest by more than this is doubted until [`AGREEING_MIN`] in a row do.
const JUMP_MS: i64 = 2 * 24 * 60 * 60_000;
const AGREEING_MIN: u32 = 8;

/// The newest event time, guarded against single wrong clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EventClock {
    newest_ms: i64,
    /// Items in a row that are far ahead of the newest.
    ahead: u32,
    /// Items that were near the newest, up to [`AGREEING_MIN`]; as long as there are fewer, it may itself be wrong.
    agreeing: u32,
    /// Items in a row that are far behind a newest one that few agree with, and the newest of these.
    behind: u32,
    behind_ms: i64,
}

impl EventClock {
    /// Whether the newest time was a wrong one: no [`AGREEING_MIN`] items agreed with it, and with this one as many in a row are far
    /// behind it and near each other. The stream has to begin anew then. O(1).
    pub(super) fn was_wrong(&mut self, time_ms: Option<i64>) -> bool {
        let Some(time) = time_ms.filter(|time| TIMES_MS.contains(time)) else { return false };
        if self.agreeing >= AGREEING_MIN || self.newest_ms == 0 || time >= self.newest_ms - JUMP_MS {
            self.behind = 0;
            return false;
        }
        let is_near = self.behind > 0 && (time - self.behind_ms).abs() <= JUMP_MS;
        (self.behind, self.behind_ms) =
            if is_near { (self.behind + 1, self.behind_ms.max(time)) } else { (1, time) };
        self.behind >= AGREEING_MIN
    }

    /// The time that an item counts with. One far ahead of all others counts with the newest, until several in a row agree: a
    /// single wrong clock must not make everything that follows too late. O(1).
    pub(super) fn event_time(&mut self, time_ms: Option<i64>) -> i64 {
        let newest = self.newest_ms;
        let Some(time) = time_ms.filter(|time| TIMES_MS.contains(time)) else { return newest.max(0) };
        if newest > 0 && time > newest + JUMP_MS {
            self.ahead += 1;
            if self.ahead < AGREEING_MIN {
                return newest;
            }
            self.agreeing = AGREEING_MIN;
        }
        self.ahead = 0;
        if newest == 0 || time >= newest - JUMP_MS {
            self.agreeing = self.agreeing.saturating_add(1).min(AGREEING_MIN);
        }
        self.newest_ms = newest.max(time);
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 60 * 60_000;
    const NOW_MS: i64 = 1_793_491_200_000;

    /// The times that items count with; where the stream begins anew, a mark before.
    fn counted(times: &[i64]) -> Vec<Option<i64>> {
        let mut clock = EventClock::default();
        let mut counted = Vec::new();
        for time in times {
            if clock.was_wrong(Some(*time)) {
                clock = EventClock::default();
                counted.push(None);
            }
            counted.push(Some(clock.event_time(Some(*time))));
        }
        counted
    }

    #[test]
    fn a_wrong_first_time_is_given_up_when_eight_agree_on_an_earlier_one() {
        let mut times = vec![NOW_MS + 4000 * DAY_MS];
        times.extend((0..20).map(|n| NOW_MS + n * 1000));
        let counted = counted(&times);
        assert_eq!(counted.iter().position(Option::is_none), Some(8));
        assert_eq!(counted.iter().filter(|time| time.is_none()).count(), 1);
        assert_eq!(counted[9], Some(NOW_MS + 7000));
    }

    #[test]
    fn a_time_that_eight_agree_on_is_not_given_up() {
        let mut times: Vec<i64> = (0..8).map(|n| NOW_MS + n * 1000).collect();
        times.extend((0..50).map(|n| NOW_MS - 100 * DAY_MS + n * 1000));
        assert!(counted(&times).iter().all(Option::is_some));
    }

    #[test]
    fn single_wrong_times_and_times_that_disagree_change_nothing() {
        let ahead = [NOW_MS, NOW_MS + 90 * DAY_MS, NOW_MS + 1];
        assert_eq!(counted(&ahead), [Some(NOW_MS), Some(NOW_MS), Some(NOW_MS + 1)]);
        let spread: Vec<i64> = (0..30).map(|n| NOW_MS - n * 30 * DAY_MS).collect();
        assert!(counted(&spread).iter().all(Option::is_some));
        let eight: Vec<i64> =
            std::iter::once(NOW_MS).chain((0..8).map(|n| NOW_MS + 90 * DAY_MS + n)).collect();
        assert_eq!(counted(&eight).last(), Some(&Some(NOW_MS + 90 * DAY_MS + 7)));
    }
}
