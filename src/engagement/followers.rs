//! Follower counts: jumps and drops against a target's own past, and against the follows that were seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::Weights;
use super::event::FollowerCount;
use super::evidence::follower_signal;
use super::score::{Signal, SignalName};

/// Of the past, what an hour leaves.
const KEEP_PER_HOUR: f64 = 0.99;
/// A change below this many followers is none.
const CHANGE_MIN: f64 = 20.0;
/// What is usual before anything is known: a share of the followers per hour, and a number.
const PRIOR_SHARE: f64 = 0.002;
const PRIOR_CHANGE: f64 = 3.0;
const PRIOR_HOURS: f64 = 6.0;
const SIZE: f64 = 1.5;
/// Follows that were seen explain jumps only where they usually do: at least this share of all changes.
const COVERAGE_MIN: f64 = 0.5;
/// A change counts at most this often its expectation in the past.
const WINSOR: f64 = 4.0;

/// What is remembered of a target's follower count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Followers {
    count: u64,
    time_s: u32,
    /// Follows minus unfollows since the last count.
    seen: i32,
    /// Decayed sums: absolute change, of it what was not explained, hours.
    change: f64,
    unexplained: f64,
    hours: f64,
    samples: u32,
}

/// Bytes of a target's follower count in the map, about.
const FOLLOWERS_BYTES: usize = (size_of::<Followers>() + size_of::<u64>()) * 3 / 2;

/// All follower counts. Only targets whose count was ever told are here; bounded in number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FollowerTable {
    targets: BTreeMap<u64, Followers>,
    targets_max: u32,
    /// Sums over all targets: what moved, and what of it was explained by the follows seen.
    moved: f64,
    explained: f64,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    No,
}

impl FollowerTable {
    pub(super) fn new(targets_max: u32) -> Self {
        Self { targets: BTreeMap::new(), targets_max, moved: 0.0, explained: 0.0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    pub(super) fn is_valid(&self, targets_max: u32) -> bool {
        self.targets_max == targets_max && self.targets.len() <= targets_max as usize
    }

    /// Notes a follow (1) or an unfollow (−1).
    pub(super) fn saw(&mut self, target: u64, change: i32) {
        if let Some(followers) = self.targets.get_mut(&target) {
            followers.seen = followers.seen.saturating_add(change);
        }
    }

    /// Takes a sample; appends what is unusual about it.
    pub(super) fn take(
        &mut self,
        sample: FollowerCount,
        rate_factor: f64,
        weights: &Weights,
        out: &mut Vec<Signal>,
    ) -> Taken {
        let is_full = self.targets.len() >= self.targets_max as usize;
        if is_full && !self.targets.contains_key(&sample.target) {
            return Taken::No;
        }
        let new = Followers { count: sample.count, time_s: sample.time_s, ..Followers::default() };
        let own = self.targets.entry(sample.target).or_insert(new);
        if sample.time_s < own.time_s {
            return Taken::No;
        }
        if sample.time_s == own.time_s {
            return Taken::Yes;
        }
        let hours = f64::from(sample.time_s - own.time_s) / 3600.0;
        #[allow(clippy::cast_precision_loss, reason = "followers stay far below 2^52")]
        let (before, now) = (own.count as f64, sample.count as f64);
        let change = now - before;
        let unexplained = change - f64::from(own.seen);
        let prior = (before * PRIOR_SHARE + PRIOR_CHANGE) * PRIOR_HOURS;
        let mean = |sum: f64| (sum + prior) / (own.hours + PRIOR_HOURS) * hours;
        let (usual, usual_unexplained) = (mean(own.change), mean(own.unexplained));
        let is_covered = self.moved >= 100.0 && self.explained >= COVERAGE_MIN * self.moved;
        if change.abs() >= CHANGE_MIN && own.samples >= 1 {
            out.push(follower_signal(
                SignalName::FollowerChange,
                change.abs(),
                usual * rate_factor,
                SIZE,
                weights,
            ));
            if is_covered && unexplained.abs() >= CHANGE_MIN {
                let mean = usual_unexplained * rate_factor;
                let name = SignalName::UnexplainedFollowers;
                out.push(follower_signal(name, unexplained.abs(), mean, SIZE, weights));
            }
            out.retain(|signal| signal.evidence > 0.0);
        }
        self.moved = self.moved * 0.9999 + change.abs().min(WINSOR * usual);
        let left = unexplained.abs().min(change.abs()).min(WINSOR * usual);
        self.explained = self.explained * 0.9999 + (change.abs().min(WINSOR * usual) - left);
        let keep = KEEP_PER_HOUR.powf(hours.min(1000.0));
        own.change = own.change * keep + change.abs().min(WINSOR * usual);
        own.unexplained = own.unexplained * keep + unexplained.abs().min(WINSOR * usual_unexplained);
        own.hours = own.hours * keep + hours.min(1000.0);
        own.samples = own.samples.saturating_add(1);
        (own.count, own.time_s, own.seen) = (sample.count, sample.time_s, 0);
        Taken::Yes
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.targets.len() * FOLLOWERS_BYTES
    }

    /// What [`Self::memory_bytes`] is at most.
    pub(super) fn memory_bytes_max(targets_max: u32) -> usize {
        targets_max as usize * FOLLOWERS_BYTES
    }
}
