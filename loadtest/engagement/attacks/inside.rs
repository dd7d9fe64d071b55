//! Attacks that hide: in real accounts, in many targets, in a large account's traffic.

use crate::engagement::attacks::force::{Force, Quarters, Supply};
use crate::engagement::attacks::pace::Pace;
use crate::engagement::attacks::{Goods, act, camouflage, deliver, order};
use crate::engagement::event::Action;
use crate::engagement::plan::Plan;
use crate::engagement::season::activity;
use crate::people::DAY_MS;
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Real accounts in other hands go through a list of targets, all in the same order.
pub(super) fn hijacked_lockstep(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let pace = Pace::short(random);
    let from_ms = plan.beginning(random, pace.length_ms() + 6 * HOUR_MS);
    let count = random.log_uniform(40, 400);
    let quarters = random.pick(&[Quarters::Own, Quarters::Phones, Quarters::Farm]);
    let force = Force::recruit(plan, random, group, (Supply::Hijacked, quarters), (count, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let list: Vec<u32> = (0..random.count((3, 10))).map(|_| plan.account(random, (0.2, 10.0))).collect();
    let times = pace.times(random, from_ms, force.actors.len());
    for (nth, arrived_ms) in times.into_iter().enumerate() {
        let mut time_ms = arrived_ms;
        for target in list.iter().filter(|_| random.chance(0.9)).copied().collect::<Vec<u32>>() {
            let action = random.pick(&[Action::Follow, Action::Follow, Action::Like, Action::Repost]);
            act(plan, random, (group, target), &force, (nth, time_ms), (action, 0.25));
            time_ms += (random.log_normal(40.0, 0.9) * 1e3) as i64;
        }
    }
}

/// One set of accounts works for many customers; each gets a little.
pub(super) fn ring(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let targets = random.count((15, 50));
    let from_ms = plan.earliest_ms() + random.between(0, DAY_MS);
    let accounts = random.count((30, 120));
    let means = (random.pick(&[Supply::Aged, Supply::Mixed, Supply::Hijacked]), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (accounts, from_ms));
    plan.group(group).traits.push(("targets", targets.to_string()));
    for _ in 0..targets {
        let target = plan.account(random, (0.3, 20.0));
        let pace = Pace::Level { hours: 0.5 + 2.0 * random.unit() };
        let begin_ms = random.between(from_ms, (plan.world.end_ms - 4 * HOUR_MS).max(from_ms + 1));
        let dose = random.count((6, 24));
        let times = pace.times(random, begin_ms, dose);
        let goods = Goods::new(&[(Action::Like, 0.5), (Action::Follow, 0.35), (Action::Repost, 0.15)], 0.3);
        deliver(plan, random, (group, target), &force, &times, &goods);
    }
    camouflage(plan, random, group, &force, from_ms + DAY_MS);
}

/// 5 to 30 per cent of the events of a large account, for hours.
pub(super) fn small_dose(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let hours = random.count((12, 60));
    let from_ms = plan.beginning(random, hours as i64 * HOUR_MS);
    let busiest = plan.world.targets.iter().find(|target| target.is_account());
    let top = busiest.map_or(1.0, |target| target.weight * plan.world.events_per_hour);
    // The largest accounts: all kinds of attackers may share them when they run out.
    let target = plan.account(random, (top * 0.35, f64::INFINITY));
    let share = 0.05 + 0.25 * random.unit();
    let organic = plan.world.rate_of(target);
    let dose = share / (1.0 - share) * organic;
    let expected = dose * hours as f64;
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, ((expected as usize).max(10), from_ms));
    let goods = match random.below(3) {
        0 => Goods::only(Action::Follow),
        1 => Goods::new(&[(Action::Like, 0.7), (Action::Follow, 0.3)], 0.1),
        _ => Goods::new(&[(Action::Read, 0.7), (Action::Like, 0.2), (Action::Follow, 0.1)], 0.5),
    };
    plan.group(group).traits.push(("share", format!("{share:.3}")));
    for hour in 0..hours as i64 {
        let hour_ms = from_ms + hour * HOUR_MS;
        let count = random.poisson(dose * activity(hour_ms, 0));
        let times = Pace::Level { hours: 1.0 }.times(random, hour_ms, count);
        deliver(plan, random, (group, target), &force, &times, &goods);
    }
}

/// Tasks for people: real accounts and telephones, paid per follow and like. They read because the task says so.
pub(super) fn crowd_work(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let count = order(random).min(plan.workers.len());
    let hours = 4.0 + 20.0 * random.unit();
    let pace = if random.chance(0.5) { Pace::Growing { hours } } else { Pace::Daytime { hours } };
    let from_ms = plan.beginning(random, pace.length_ms() + HOUR_MS);
    let target = plan.account(random, (0.2, 8.0));
    let force = Force::recruit(plan, random, group, (Supply::Workers, Quarters::Own), (count, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let times = pace.times(random, from_ms, force.actors.len());
    let tasks: &[Action] = match random.below(3) {
        0 => &[Action::Follow],
        1 => &[Action::Follow, Action::Like],
        _ => &[Action::Follow, Action::Like, Action::Comment],
    };
    for (nth, arrived_ms) in times.into_iter().enumerate() {
        let mut time_ms = arrived_ms;
        for (step, action) in tasks.iter().enumerate() {
            let reads_first = if step == 0 { 0.85 } else { 0.0 };
            act(plan, random, (group, target), &force, (nth, time_ms), (*action, reads_first));
            time_ms += (random.log_normal(9.0, 0.6) * 1e3) as i64;
        }
    }
}
