//! Targets: public accounts, for which everything on their articles is counted, and single posts, which age.

use serde_json::json;

use crate::engagement::actors::{TOPICS, TOPICS_ABROAD};
use crate::engagement::event::id;
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Share of targets that are accounts.
const ACCOUNTS: f64 = 0.6;
/// Zipf-Mandelbrot: exponent and offset of how popular targets are, and the spread around it.
const POPULARITY_EXPONENT: f64 = 0.95;
const POPULARITY_OFFSET: f64 = 10.0;
const POPULARITY_SIGMA: f64 = 0.5;
/// A new post is so much hotter than its long-run weight, and cools as (1 + age / this) ^ -exponent.
const POST_HEAT: f64 = 10.0;
const POST_COOLING_HOURS: f64 = 4.0;
const POST_EXPONENT: f64 = 1.4;
/// Growth per day: spread of its logarithm.
const GROWTH_SIGMA: f64 = 0.02;
/// Likelihood per visit of a like, a repost, a comment and a follow, and their spread from target to target.
const HABITS: [f64; 4] = [0.055, 0.010, 0.013, 0.016];
const HABIT_SIGMA: f64 = 0.6;
/// Acts that come without a read of their own, from a feed that shows the whole text: on most targets; on those made for
/// feeds, which are liked more often as well.
const UNREAD: f64 = 0.06;
const FOR_FEEDS: f64 = 0.12;
const UNREAD_IN_FEEDS: (f64, f64) = (0.3, 0.8);
const LIKED_IN_FEEDS: f64 = 3.0;
/// Followers per unit of expected events per hour: median, spread.
const FOLLOWERS_PER_RATE: f64 = 2_500.0;
const FOLLOWERS_SIGMA: f64 = 0.9;

/// What kind of thing is engaged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Account,
    Post,
}

/// One account or post.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) kind: TargetKind,
    pub(crate) topic: usize,
    /// Share of the site's visits, before growth, cooling and chance.
    pub(crate) weight: f64,
    pub(crate) born_ms: i64,
    pub(crate) growth_per_day: f64,
    /// Per visit: like, repost, comment, follow.
    pub(crate) habits: [f64; 4],
    /// Likelihood that an act comes without a read.
    pub(crate) unread: f64,
    pub(crate) followers: i64,
}

impl Target {
    pub(crate) fn is_account(&self) -> bool {
        self.kind == TargetKind::Account
    }

    /// How much it draws at a moment, `since_ms` being the start of the run. A post draws nothing before it is there.
    pub(crate) fn heat(&self, start_ms: i64, now_ms: i64) -> f64 {
        match self.kind {
            TargetKind::Account => {
                let days = (now_ms - start_ms) as f64 / (24.0 * HOUR_MS as f64);
                self.weight * (self.growth_per_day * days).exp()
            }
            TargetKind::Post if now_ms < self.born_ms => 0.0,
            TargetKind::Post => {
                let age_hours = (now_ms - self.born_ms) as f64 / HOUR_MS as f64;
                self.weight * POST_HEAT * (1.0 + age_hours / POST_COOLING_HOURS).powf(-POST_EXPONENT)
            }
        }
    }

    /// `{"kind":…,"id":…}` as in the interface.
    pub(crate) fn to_json(&self, seed: u64, at: u32) -> String {
        let kind = if self.is_account() { "account" } else { "post" };
        json!({ "kind": kind, "id": target_id(seed, at) }).to_string()
    }
}

/// The id of a target.
pub(crate) fn target_id(seed: u64, at: u32) -> String {
    id(seed, 't', at)
}

/// `count` targets of a run with `events_per_hour`, most popular first.
pub(crate) fn make(
    seed: u64,
    count: usize,
    (start_ms, end_ms): (i64, i64),
    events_per_hour: f64,
) -> Vec<Target> {
    let mut random = Random::new(seed, "targets", 0);
    let weight = |rank: usize, random: &mut Random| {
        random.log_normal(1.0, POPULARITY_SIGMA) / (rank as f64 + POPULARITY_OFFSET).powf(POPULARITY_EXPONENT)
    };
    let mut weights: Vec<f64> = (0..count).map(|rank| weight(rank, &mut random)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights.sort_by(|a, b| b.total_cmp(a));
    let one = |weight: f64| {
        let kind = if random.chance(ACCOUNTS) { TargetKind::Account } else { TargetKind::Post };
        let topic = if random.chance(0.035) {
            TOPICS - 1 - random.below(TOPICS_ABROAD)
        } else {
            random.log_uniform(1, TOPICS - TOPICS_ABROAD) - 1
        };
        let followers = random.log_normal(FOLLOWERS_PER_RATE, FOLLOWERS_SIGMA) * weight * events_per_hour;
        let mut habits = HABITS.map(|habit| habit * random.log_normal(1.0, HABIT_SIGMA));
        let mut unread = UNREAD;
        if random.chance(FOR_FEEDS) {
            let (low, high) = UNREAD_IN_FEEDS;
            unread = low + (high - low) * random.unit();
            habits[0] *= LIKED_IN_FEEDS;
        }
        Target {
            kind,
            topic,
            weight,
            born_ms: random.between(start_ms - 24 * HOUR_MS, end_ms - 1),
            growth_per_day: GROWTH_SIGMA * random.normal(),
            habits,
            unread,
            followers: followers as i64 + random.between(0, 60),
        }
    };
    weights.into_iter().map(one).collect()
}
