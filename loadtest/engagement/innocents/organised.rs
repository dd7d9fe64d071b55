//! What is organised openly: lotteries, pushes, moves of followers, fan clubs.

use crate::engagement::event::{Action, Event, Place, Window};
use crate::engagement::plan::{Jump, Plan};
use crate::engagement::season::awake_between;
use crate::engagement::world::{Mood, ORDINARY};
use crate::people::DAY_MS;
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Share of participants who live on lotteries, and of those who are new.
const PRIZE_HUNTERS: f64 = 0.35;
const YOUNG: f64 = 0.08;
/// Share of those who followed for the prize and leave in the day after the draw.
const LEAVE: f64 = 0.25;

/// Registers a window, mostly some hours before it opens.
fn register(
    plan: &mut Plan<'_>,
    random: &mut Random,
    target: u32,
    reason: &'static str,
    (from_ms, to_ms): (i64, i64),
) {
    let before_ms = random.between(HOUR_MS / 6, 8 * HOUR_MS);
    let time_ms = (from_ms - before_ms).max(plan.world.start_ms);
    plan.windows.push(Window { time_ms, target, reason, from_ms, to_ms });
}

/// Follow, repost and comment to win: by day, busiest at the beginning and before the draw.
fn lottery(
    plan: &mut Plan<'_>,
    random: &mut Random,
    (group, target): (u32, u32),
    (from_ms, to_ms): (i64, i64),
    size: usize,
) {
    let rules: &[Action] = random.pick(&[
        &[Action::Follow, Action::Repost][..],
        &[Action::Follow, Action::Repost, Action::Comment],
        &[Action::Follow, Action::Like, Action::Comment],
    ]);
    for _ in 0..size {
        let mut time_ms = match random.below(4) {
            0 => from_ms + (random.exponential(0.08) * (to_ms - from_ms) as f64) as i64,
            1 => to_ms - (random.exponential(0.05) * (to_ms - from_ms) as f64) as i64,
            _ => awake_between(random, from_ms, to_ms),
        };
        time_ms = time_ms.clamp(from_ms, to_ms - 1);
        let is_hunter = random.chance(PRIZE_HUNTERS);
        let hunter = random.pick(&plan.prize_hunters);
        let actor = if is_hunter && plan.world.actors.all[hunter as usize].registered_ms <= time_ms {
            hunter
        } else {
            plan.world.actors.curious(random, time_ms, YOUNG)
        };
        let place = plan.world.actors.place_of(random, actor, time_ms);
        let event = |time_ms, action| Event {
            time_ms,
            actor,
            target,
            place,
            action,
            group: Some(group),
            fake: false,
        };
        if random.chance(0.88) {
            plan.put(event(time_ms, Action::Read));
        }
        for action in rules.iter().copied() {
            time_ms += (random.log_normal(14.0, 0.8) * 1e3) as i64;
            if action == Action::Follow {
                if !plan.follows.insert((actor, target)) {
                    continue;
                }
                if random.chance(LEAVE) {
                    plan.put(event(to_ms + random.between(HOUR_MS / 2, DAY_MS), Action::Unfollow));
                }
            }
            plan.put(event(time_ms, action));
        }
    }
}

/// A lottery that its operator has registered.
pub(super) fn registered_lottery(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (0.5, 25.0));
    let length_ms = random.between(8, 48) * HOUR_MS;
    let from_ms = plan.beginning(random, length_ms);
    let size = random.log_uniform(250, 2_500);
    // Those who lose leave in the day after.
    register(plan, random, target, "lottery", (from_ms, from_ms + length_ms + DAY_MS));
    lottery(plan, random, (group, target), (from_ms, from_ms + length_ms), size);
}

/// A shop gives a few things away, and nobody registers that.
pub(super) fn small_lottery(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (0.5, 8.0));
    let length_ms = random.between(6, 36) * HOUR_MS;
    let from_ms = plan.beginning(random, length_ms);
    let size = random.log_uniform(30, 180);
    lottery(plan, random, (group, target), (from_ms, from_ms + length_ms), size);
}

/// The platform shows a target to many: they read, a few like, some follow.
pub(super) fn recommendation_push(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (0.5, 25.0));
    let length_ms = random.between(1, 5) * HOUR_MS;
    let from_ms = plan.beginning(random, length_ms + HOUR_MS);
    register(plan, random, target, "push", (from_ms, from_ms + length_ms + 2 * HOUR_MS));
    let mood = Mood { factors: [0.5, 0.4, 0.5, 1.5], ..ORDINARY };
    for _ in 0..random.log_uniform(300, 4_000) {
        // It is shown evenly; people open it when they look at the telephone next.
        let shown_ms = from_ms + random.between(0, length_ms - 1);
        let time_ms = shown_ms + (random.exponential(600.0) * 1e3) as i64;
        let actor = plan.world.actors.curious(random, time_ms, 0.06);
        plan.visit_by(random, group, (actor, target, time_ms), &mood);
    }
}

/// Followers of an account are moved to another, by a job of the platform: no device, no network, no read. Sometimes
/// only the count changes.
pub(super) fn import_merge(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (0.3, 25.0));
    let from_ms = plan.beginning(random, 4 * HOUR_MS);
    let length_ms = random.between(5, 90) * 60_000;
    let reason = random.pick(&["import", "merge"]);
    register(plan, random, target, reason, (from_ms, from_ms + length_ms + HOUR_MS));
    let count = random.log_uniform(200, 2_500);
    plan.group(group).targets.insert(target);
    if random.chance(0.4) {
        plan.group(group).jumps.push(Jump { time_ms: from_ms, target, delta: count as i64 });
        return;
    }
    let moved = plan.world.actors.residents(random, count, |actor| actor.registered_ms < from_ms);
    for (nth, actor) in moved.into_iter().enumerate() {
        if plan.follows.insert((actor, target)) {
            let time_ms = from_ms + length_ms * nth as i64 / count as i64;
            let (place, action) = (Place::default(), Action::Follow);
            plan.put(Event { time_ms, actor, target, place, action, group: Some(group), fake: false });
        }
    }
}

/// A fan club does its task every day: the same people, the same list, in the same order, at their usual hour.
pub(super) fn fan_daily_task(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let members = random.log_uniform(50, 250);
    let fans = plan.world.actors.residents(random, members, |actor| actor.activity > 0.0);
    let list: Vec<u32> = (0..random.count((2, 4))).map(|_| plan.account(random, (1.0, 40.0))).collect();
    let hours: Vec<f64> = fans.iter().map(|_| 12.5 + 3.0 * random.normal()).collect();
    let days = (plan.world.end_ms - plan.world.start_ms) / DAY_MS;
    // Those who are fans have followed long ago.
    let mood = Mood { factors: [12.0, 8.0, 6.0, 0.1], unread: 0.15, unfollow: 0.0 };
    for day in 0..days {
        for (nth, actor) in fans.iter().enumerate() {
            if random.chance(0.3) {
                continue;
            }
            // The task comes out in the evening in China, 19 to 21 o'clock.
            let hour = hours[nth] + 0.4 * random.normal();
            let mut time_ms = plan.world.start_ms + day * DAY_MS + (hour * HOUR_MS as f64) as i64;
            if plan.world.actors.all[*actor as usize].registered_ms > time_ms {
                continue;
            }
            for target in &list {
                plan.visit_by(random, group, (*actor, *target, time_ms), &mood);
                time_ms += (random.log_normal(35.0, 0.8) * 1e3) as i64;
            }
        }
    }
}
