//! Attacks on the number of followers.

use crate::engagement::attacks::force::{Force, Quarters, Supply};
use crate::engagement::attacks::pace::Pace;
use crate::engagement::attacks::{Goods, camouflage, deliver, order};
use crate::engagement::event::{Action, Event, Window};
use crate::engagement::plan::{Jump, Plan};
use crate::people::DAY_MS;
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Who buys followers: expected events per hour.
const BUYERS: (f64, f64) = (0.1, 12.0);

/// Followers bought and delivered in hours: each account follows once.
pub(super) fn burst(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let count = order(random);
    let pace = Pace::short(random);
    let from_ms = plan.beginning(random, pace.length_ms() + 2 * HOUR_MS);
    let target = plan.account(random, BUYERS);
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (count, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let times = pace.times(random, from_ms, count);
    // One seller in five lets the account look at the page first.
    let reads_first = if random.chance(0.2) { 0.8 } else { 0.0 };
    deliver(
        plan,
        random,
        (group, target),
        &force,
        &times,
        &Goods::new(&[(Action::Follow, 1.0)], reads_first),
    );
    camouflage(plan, random, group, &force, from_ms);
}

/// Followers bought while a registered lottery or push of the same account explains many new ones. Where no window is
/// registered, an ordinary order.
pub(super) fn under_window(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let open: Vec<Window> =
        plan.windows.iter().filter(|window| ["lottery", "push"].contains(&window.reason)).copied().collect();
    if open.is_empty() {
        return burst(plan, random, group);
    }
    let window = random.pick(&open);
    let count = order(random);
    let length_ms = window.to_ms - window.from_ms;
    let pace = Pace::Level { hours: (length_ms as f64 / HOUR_MS as f64 * 0.5).min(8.0) };
    let from_ms = window.from_ms + random.between(0, length_ms - pace.length_ms());
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (count, from_ms));
    plan.group(group).traits.extend([("pace", pace.describe()), ("window", window.reason.to_owned())]);
    let times = pace.times(random, from_ms, count);
    deliver(plan, random, (group, window.target), &force, &times, &Goods::only(Action::Follow));
}

/// A few per hour for days: followers, or likes and reads with them.
pub(super) fn drip(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let longest = (plan.world.end_ms - plan.earliest_ms()) as f64 / DAY_MS as f64;
    let days = (2.0 + 4.0 * random.unit()).min(longest);
    let pace = Pace::days(random, days);
    let count = ((2.0 + 5.0 * random.unit()) * 24.0 * days) as usize;
    let from_ms = plan.beginning(random, pace.length_ms());
    let target = plan.account(random, (0.1, 5.0));
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (count, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let times = pace.times(random, from_ms, count);
    let goods = if random.chance(0.6) {
        Goods::only(Action::Follow)
    } else {
        Goods::new(&[(Action::Follow, 0.6), (Action::Like, 0.3), (Action::Read, 0.1)], 0.2)
    };
    deliver(plan, random, (group, target), &force, &times, &goods);
    camouflage(plan, random, group, &force, from_ms);
}

/// Accounts follow many and leave again within a day: to be followed back, or to be counted once a day.
pub(super) fn churn(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let count = order(random) / 2 + 30;
    let pace = Pace::short(random);
    let from_ms = plan.beginning(random, pace.length_ms() + DAY_MS);
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (count, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    for _ in 0..random.count((1, 4)) {
        let target = plan.account(random, BUYERS);
        let times = pace.times(random, from_ms, count);
        let first = plan.events.len();
        deliver(plan, random, (group, target), &force, &times, &Goods::only(Action::Follow));
        let followed: Vec<Event> = plan.events[first..].to_vec();
        for event in followed {
            if random.chance(0.85) {
                let stay_ms = (random.log_normal(6.0, 0.5).min(23.0) * HOUR_MS as f64) as i64;
                plan.put(Event { time_ms: event.time_ms + stay_ms, action: Action::Unfollow, ..event });
            }
        }
    }
    camouflage(plan, random, group, &force, from_ms);
}

/// Bought followers leave, or are taken away, all at once: unfollows, or a fall of the count without any event.
pub(super) fn dump(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let count = order(random);
    let pace = Pace::short(random);
    let from_ms = plan.beginning(random, pace.length_ms() + 2 * HOUR_MS);
    let target = plan.account(random, (0.5, 30.0));
    let means = (Supply::bought(random), Quarters::bought(random));
    // They were bought long before the run: also the fresh ones are weeks old.
    let force = Force::recruit(plan, random, group, means, (count, from_ms - 20 * DAY_MS));
    plan.group(group).traits.push(("pace", pace.describe()));
    plan.world.targets[target as usize].followers += count as i64 * 2;
    let times = pace.times(random, from_ms, count);
    deliver(plan, random, (group, target), &force, &times, &Goods::only(Action::Unfollow));
    if random.chance(0.4) {
        let delta = -(count as i64) / 2;
        plan.group(group).jumps.push(Jump { time_ms: from_ms + pace.length_ms() / 2, target, delta });
    }
}

/// The count rises or falls between two samples though nobody is seen to follow: written past the interface.
pub(super) fn jump(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let target = plan.account(random, (0.3, 20.0));
    let followers = plan.world.targets[target as usize].followers;
    for _ in 0..random.count((1, 3)) {
        let time_ms = plan.beginning(random, 26 * HOUR_MS);
        let share = 0.05 + 0.5 * random.unit();
        let delta = ((followers as f64 * share) as i64).max(200);
        let delta = if random.chance(0.2) { -delta.min(followers / 2) } else { delta };
        plan.group(group).jumps.push(Jump { time_ms, target, delta });
    }
    plan.group(group).targets.insert(target);
}
