//! Crowds that nobody sends: cascades, mentions, hashtags, indignation.

use crate::engagement::plan::Plan;
use crate::engagement::world::{Mood, ORDINARY};
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Accounts that new people find: share of newcomers among those who come.
const YOUNG: f64 = 0.03;
/// The kernel of a cascade: five minutes of full attention, then a power law (Zhao and others 2015, SEISMIC).
const KERNEL_FLAT_S: f64 = 300.0;
const KERNEL_EXPONENT: f64 = 1.242;
/// Visits that each visit brings about, at first; it fades with this many hours.
const BRANCHING: f64 = 1.5;
const BRANCHING_HOURS: f64 = 9.0;
const CASCADE_MAX: usize = 6_000;

/// Seconds from a share to the visit that it brings about, by inversion of the kernel's distribution.
fn reaction_s(random: &mut Random) -> f64 {
    let theta = KERNEL_EXPONENT - 1.0;
    // Mass of the flat part beside that of the tail, which integrates to flat / theta.
    let flat = theta / (1.0 + theta);
    if random.chance(flat) {
        return KERNEL_FLAT_S * random.unit();
    }
    // Cut off at two days.
    (KERNEL_FLAT_S * (1.0 - random.unit()).powf(-1.0 / theta)).min(172_800.0)
}

/// A post that people pass on to each other.
pub(super) fn viral_cascade(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.post(random, 12 * HOUR_MS);
    let born_ms = plan.world.targets[target as usize].born_ms.max(plan.world.start_ms);
    let from_ms = born_ms + random.between(0, 5 * HOUR_MS);
    let mood = Mood { factors: [1.6, 3.0, 1.8, 1.0], ..ORDINARY };
    let limit = random.log_uniform(400, CASCADE_MAX);
    // An account with many followers shares it: the first visits come within an hour.
    let mut waiting: Vec<i64> =
        (0..random.count((30, 120))).map(|_| from_ms + (random.exponential(1_200.0) * 1e3) as i64).collect();
    let mut done = 0;
    while let Some(time_ms) = waiting.pop() {
        if time_ms >= plan.world.end_ms {
            continue;
        }
        done += 1;
        let actor = plan.world.actors.curious(random, time_ms, YOUNG);
        plan.visit_by(random, group, (actor, target, time_ms), &mood);
        let age_hours = (time_ms - from_ms) as f64 / HOUR_MS as f64;
        let children = random.poisson(BRANCHING * (-age_hours / BRANCHING_HOURS).exp());
        for _ in 0..children {
            if done + waiting.len() < limit {
                waiting.push(time_ms + (reaction_s(random) * 1e3) as i64);
            }
        }
    }
}

/// Visits at moments of a sudden, fading interest in a target.
fn spike(
    plan: &mut Plan<'_>,
    random: &mut Random,
    (group, target): (u32, u32),
    (from_ms, count, mean_minutes): (i64, usize, f64),
    mood: &Mood,
) {
    for _ in 0..count {
        let time_ms = from_ms + (random.exponential(mean_minutes * 60.0) * 1e3) as i64;
        let actor = plan.world.actors.curious(random, time_ms, YOUNG);
        plan.visit_by(random, group, (actor, target, time_ms), mood);
    }
}

/// Somebody is on television: people look the account up, and follow. Again after each break.
pub(super) fn tv_mention(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (1.0, 60.0));
    let from_ms = plan.beginning(random, 4 * HOUR_MS);
    let mood = Mood { factors: [0.8, 0.6, 1.2, 5.0], ..ORDINARY };
    let size = random.log_uniform(150, 2_500);
    for part in 0..random.count((1, 4)) as i64 {
        let at_ms = from_ms + part * random.between(15, 30) * 60_000;
        spike(plan, random, (group, target), (at_ms, size / 2, 18.0), &mood);
    }
}

/// The regulars of a tag meet at a fixed hour, and some of them write a great deal.
pub(super) fn hashtag_hour(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (0.5, 12.0));
    let first_ms = plan.beginning(random, 2 * HOUR_MS) / HOUR_MS * HOUR_MS;
    let regulars: Vec<u32> =
        (0..random.count((25, 160))).map(|_| plan.world.actors.active(random, first_ms)).collect();
    for day in 0..4 {
        let from_ms = first_ms + day * 24 * HOUR_MS;
        for actor in regulars.clone() {
            if random.chance(0.35) {
                continue;
            }
            let mut time_ms = from_ms + random.between(0, HOUR_MS / 2);
            for _ in 0..=random.log_uniform(1, 14) {
                let mood = Mood { factors: [3.0, 1.5, 35.0, 0.5], unread: 0.3, unfollow: 0.0 };
                plan.visit_by(random, group, (actor, target, time_ms), &mood);
                time_ms += (random.log_normal(150.0, 0.9) * 1e3) as i64;
            }
        }
    }
}

/// Somebody said something: people come, comment, and many followers leave.
pub(super) fn scandal(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (2.0, 60.0));
    let from_ms = plan.beginning(random, 12 * HOUR_MS);
    let mood = Mood { factors: [0.3, 2.0, 9.0, 0.4], unread: 0.1, unfollow: 0.22 };
    let size = random.log_uniform(200, 2_000);
    plan.world.targets[target as usize].followers += size as i64;
    spike(plan, random, (group, target), (from_ms, size, 100.0), &mood);
}
