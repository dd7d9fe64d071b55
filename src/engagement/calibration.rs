//! The threshold of a cohort: the score that a stated share of its ordinary rows reaches.
//!
//! Peaks over threshold with a Pareto tail: of the logarithms of 1 + score, what lies above a level is taken as exponential, its mean
//! being the only parameter (B. M. Hill, *A simple general approach to inference about the tail of a distribution*, 1975), taken
//! from the median, which a few attacks among the rows hardly move. The
//! level is where four times the asked share of rows lies above, so that little is extrapolated. Most rows score nothing and
//! those that do are of several kinds, which a fit to a larger part of the tail takes for contamination.

use serde::{Deserialize, Serialize};

/// Bins of ln(1 + score), each 1/64 wide.
const BINS: usize = 352;
const BINS_PER_E: f64 = 64.0;
/// With so many rows all counts are halved, so that what is long past is forgotten.
const ROWS_MAX: u64 = 1 << 21;
/// Rows above the level: this many times the share that is asked for, and at least so many.
const LEVEL_FACTOR: f64 = 4.0;
const LEVEL_ROWS_MIN: f64 = 20.0;
/// Threshold before there are rows enough, and the least one ever.
const THRESHOLD_START: f64 = 10.0;
const THRESHOLD_MIN: f64 = 0.1;
/// Rows from which on a threshold is learnt.
const ROWS_MIN: u64 = 500;

/// Ordinary rows of a cohort by score, and what came of its thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibration {
    counts: Vec<u32>,
    sum: u64,
    threshold: f64,
    /// Ordinary rows ever, and those of them that reached the threshold in force.
    pub(super) rows: u64,
    pub(super) alarms: u64,
}

impl Calibration {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; BINS], sum: 0, threshold: THRESHOLD_START, rows: 0, alarms: 0 }
    }

    /// What a score has to reach.
    pub(super) fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Share of rows that reached the threshold in force.
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    pub(super) fn realised(&self) -> f64 {
        self.alarms as f64 / self.rows.max(1) as f64
    }

    /// Takes an ordinary row in, by the bin of its score.
    pub(super) fn observe(&mut self, bin: usize, is_over: bool) {
        let count = &mut self.counts[bin.min(BINS - 1)];
        *count = count.saturating_add(1);
        self.sum += 1;
        self.rows = self.rows.saturating_add(1);
        self.alarms = self.alarms.saturating_add(u64::from(is_over));
        if self.sum >= ROWS_MAX {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.sum = self.counts.iter().map(|count| u64::from(*count)).sum();
        }
    }

    /// Learns the threshold for a share of rows. O(bins); called once an hour.
    #[allow(clippy::cast_precision_loss, reason = "numbers of rows and of bins")]
    pub(super) fn refit(&mut self, rate: f64) {
        if self.sum < ROWS_MIN {
            return;
        }
        let rows = self.sum as f64;
        let asked = rows * rate.clamp(1e-6, 0.1);
        let wanted = (asked * LEVEL_FACTOR).max(LEVEL_ROWS_MIN);
        let (mut above, mut level) = (0.0, 0);
        for (bin, count) in self.counts.iter().enumerate().rev() {
            level = bin;
            if above + f64::from(*count) > wanted && above > 0.0 {
                break;
            }
            above += f64::from(*count);
        }
        if above <= 0.0 {
            self.threshold = THRESHOLD_MIN;
            return;
        }
        let edge = level as f64 + 1.0;
        let mut left = above / 2.0;
        let is_middle = |count: &u32| {
            left -= f64::from(*count);
            left <= 0.0
        };
        let middle = self.counts[level + 1..].iter().position(is_middle).unwrap_or(0);
        let mean = (middle as f64 + 0.5) / std::f64::consts::LN_2;
        let bins = edge + mean * (above / asked).ln().max(0.0);
        self.threshold = (bins / BINS_PER_E).exp_m1().max(THRESHOLD_MIN);
    }

    /// Whether a loaded state is one that can go on.
    pub(super) fn is_sound(&self) -> bool {
        let sum: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        self.counts.len() == BINS && sum == self.sum && sum < ROWS_MAX && self.threshold.is_finite()
    }
}

/// Where a score is counted.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last bin")]
pub(super) fn bin_of(score: f64) -> usize {
    ((score.max(0.0).ln_1p() * BINS_PER_E) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores as rows have them: mostly nothing, else a heavy tail. Deterministic, in no order.
    fn scores(rows: u32) -> impl Iterator<Item = f64> {
        (0..rows).map(|i| {
            let u = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
            if u < 0.8 { 0.0 } else { ((1.0 - u) / 0.2 + 1e-7).powf(-0.4) - 1.0 }
        })
    }

    #[test]
    #[allow(clippy::cast_precision_loss, reason = "a number of rows")]
    fn the_share_of_rows_over_the_threshold_is_the_one_that_was_asked_for() {
        for (rate, contamination) in [(1e-2, 0), (1e-3, 0), (1e-3, 2_000)] {
            let mut own = Calibration::new();
            for (i, score) in scores(200_000).enumerate() {
                own.observe(bin_of(score), false);
                // Attacks whose rows were not told from ordinary ones: one in a thousand.
                if contamination > 0 && i % contamination == 0 {
                    own.observe(bin_of(40.0), true);
                }
            }
            own.refit(rate);
            let over = scores(200_000).filter(|score| *score >= own.threshold()).count();
            let realised = over as f64 / 200_000.0 / rate;
            assert!((0.5..=2.0).contains(&realised), "{rate} {contamination}: {realised}");
        }
    }

    #[test]
    fn a_cohort_in_which_nothing_happens_has_the_least_threshold() {
        let mut own = Calibration::new();
        own.refit(1e-3);
        assert!(own.threshold() >= THRESHOLD_START);
        (0..1000).for_each(|_| own.observe(0, false));
        own.refit(1e-3);
        assert!((own.threshold() - THRESHOLD_MIN).abs() < 0.1, "{}", own.threshold());
        assert!(own.is_sound());
    }
}
