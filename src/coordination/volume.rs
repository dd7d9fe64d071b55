//! How many posts there are, and when.

use serde::{Deserialize, Serialize};

use super::background::{DAY_MS, MINUTE_MS};

/// Buckets of the volume of posts: a week of ten minutes each.
const BUCKET_MS: i64 = 10 * MINUTE_MS;
const BUCKETS: usize = 7 * 24 * 6;
/// The same as a number of steps.
const BUCKET_STEPS: i64 = 7 * 24 * 6;

/// Fewest posts in a day for their distribution over the day to be used.
const POSTS_PER_DAY_MIN: u64 = 1000;

/// Posts per ten minutes over the last week of event time.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Volume {
    buckets: Vec<u32>,
    /// Number of the newest bucket since 1970.
    newest: i64,
    /// Number of the first bucket that was ever written.
    first: i64,
}

impl Volume {
    pub(super) fn new() -> Self {
        Self { buckets: vec![0; BUCKETS], newest: i64::MIN, first: i64::MAX }
    }

    pub(super) fn add(&mut self, time_ms: i64) {
        let bucket = time_ms.div_euclid(BUCKET_MS);
        self.first = self.first.min(bucket);
        if self.newest == i64::MIN {
            self.newest = bucket;
        }
        let steps = bucket.saturating_sub(self.newest);
        if steps > 0 {
            let cleared = usize::try_from(steps).unwrap_or(BUCKETS).min(BUCKETS);
            for step in 0..cleared {
                let at = place(bucket - i64::try_from(step).unwrap_or(0));
                self.buckets[at] = 0;
            }
            self.newest = bucket;
        }
        if bucket > self.newest.saturating_sub(BUCKET_STEPS) {
            let count = &mut self.buckets[place(bucket)];
            *count = count.saturating_add(1);
        }
    }

    /// Posts of buckets `from..=to`, as far as they are kept.
    fn between(&self, from: i64, to: i64) -> u64 {
        let from = from.max(self.newest.saturating_sub(BUCKET_STEPS - 1));
        (from..=to.min(self.newest)).map(|bucket| u64::from(self.buckets[place(bucket)])).sum()
    }

    /// The share of a day's posts that is written in `span_ms` before `end_ms`: measured where a day of volume is
    /// known, else the share of time.
    #[allow(clippy::cast_precision_loss, reason = "counts of posts")]
    pub(super) fn share_of_day(&self, end_ms: i64, span_ms: i64) -> f64 {
        let by_time = (span_ms as f64 / DAY_MS as f64).clamp(f64::EPSILON, 1.0);
        let end = end_ms.div_euclid(BUCKET_MS);
        let day = self.between(end - 143, end);
        let has_day = end.saturating_sub(self.first) >= 143 && day >= POSTS_PER_DAY_MIN;
        if !has_day {
            return by_time;
        }
        let start = end_ms.saturating_sub(span_ms).div_euclid(BUCKET_MS);
        let inside = self.between(start, end) as f64;
        // The buckets reach over both ends of the span.
        let covered = ((end - start + 1) * BUCKET_MS) as f64;
        ((inside + 1.0) / (day as f64 + 1.0) * (span_ms as f64 / covered)).clamp(by_time / 8.0, 1.0)
    }
}

fn place(bucket: i64) -> usize {
    usize::try_from(bucket.rem_euclid(BUCKET_STEPS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::background::HOUR_MS;
    use super::*;

    #[test]
    fn the_share_of_a_span_follows_the_rhythm_of_the_site_once_a_day_is_known() {
        let mut volume = Volume::new();
        assert!((volume.share_of_day(DAY_MS, HOUR_MS) - 1.0 / 24.0).abs() < 1e-9);
        // Two days in which everything is written between 20 and 21 o'clock, but for one post every ten minutes.
        for minute in 0..(2 * 24 * 60) {
            let in_evening = (minute / 60) % 24 == 20;
            for _ in 0..if in_evening { 100 } else { i64::from(minute % 10 == 0) } {
                volume.add(minute * MINUTE_MS);
            }
        }
        let evening = volume.share_of_day(DAY_MS + 21 * HOUR_MS - 1, HOUR_MS);
        let morning = volume.share_of_day(DAY_MS + 9 * HOUR_MS, HOUR_MS);
        assert!(evening > 0.7 && morning < 0.01, "{evening} {morning}");
    }

    #[test]
    fn times_far_apart_cost_no_more_than_a_week() {
        let mut volume = Volume::new();
        for time in [0, i64::MAX, i64::MIN, i64::MAX / 2, -1] {
            volume.add(time);
            assert!(volume.share_of_day(time, HOUR_MS) > 0.0);
        }
    }
}
