//! Attacks on reads, likes, reposts and comments.

use crate::engagement::attacks::force::{Force, Quarters, Supply};
use crate::engagement::attacks::pace::Pace;
use crate::engagement::attacks::{Goods, camouflage, deliver, order};
use crate::engagement::event::Action;
use crate::engagement::plan::Plan;
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Who buys: expected events per hour.
const BUYERS: (f64, f64) = (0.2, 12.0);

/// Half of the orders are for a new post, the others for an account; when it begins.
fn aim(plan: &mut Plan<'_>, random: &mut Random, pace: Pace) -> (u32, i64) {
    let needed_ms = pace.length_ms() + 4 * HOUR_MS;
    if random.chance(0.5) {
        let post = plan.post(random, needed_ms);
        let target = &plan.world.targets[post as usize];
        if !target.is_account() {
            let born_ms = target.born_ms.max(plan.earliest_ms());
            return (post, born_ms + random.between(HOUR_MS / 4, 3 * HOUR_MS));
        }
    }
    (plan.account(random, BUYERS), plan.beginning(random, needed_ms))
}

/// Many reads from few devices: scripts that load a page, under a few accounts each.
pub(super) fn read_inflation(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let pace = Pace::short(random);
    let (target, from_ms) = aim(plan, random, pace);
    let count = order(random) * 2;
    let accounts = (count / random.count((3, 12))).max(12);
    let supply = Supply::bought(random);
    let force = Force::recruit(plan, random, group, (supply, Quarters::Farm), (accounts, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let times = pace.times(random, from_ms, count);
    deliver(plan, random, (group, target), &force, &times, &Goods::only(Action::Read));
    camouflage(plan, random, group, &force, from_ms);
}

/// Likes, reposts or comments from accounts that never read what they like.
pub(super) fn brushing(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let pace = Pace::short(random);
    let (target, from_ms) = aim(plan, random, pace);
    let count = order(random);
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (count, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let mix: &[(Action, f64)] = match random.below(4) {
        0 => &[(Action::Like, 1.0)],
        1 => &[(Action::Repost, 1.0)],
        2 => &[(Action::Like, 0.6), (Action::Repost, 0.4)],
        _ => &[(Action::Like, 0.5), (Action::Repost, 0.25), (Action::Comment, 0.25)],
    };
    let times = pace.times(random, from_ms, count);
    deliver(plan, random, (group, target), &force, &times, &Goods::new(mix, 0.05));
    camouflage(plan, random, group, &force, from_ms);
}

/// Comments, several from each account.
pub(super) fn comment_flood(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let pace = Pace::short(random);
    let (target, from_ms) = aim(plan, random, pace);
    let count = order(random);
    let accounts = (count / random.count((2, 8))).max(8);
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (accounts, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let times = pace.times(random, from_ms, count);
    deliver(plan, random, (group, target), &force, &times, &Goods::new(&[(Action::Comment, 1.0)], 0.2));
    camouflage(plan, random, group, &force, from_ms);
}

/// Everything in natural proportions, reads before acts: the dearest order, and the hardest to tell.
pub(super) fn full_package(plan: &mut Plan<'_>, random: &mut Random, group: u32) {
    let pace = Pace::short(random);
    let (target, from_ms) = aim(plan, random, pace);
    let count = order(random) * 2;
    let means = (Supply::bought(random), Quarters::bought(random));
    let force = Force::recruit(plan, random, group, means, (count * 4 / 5, from_ms));
    plan.group(group).traits.push(("pace", pace.describe()));
    let mix = [
        (Action::Read, 0.75),
        (Action::Like, 0.14),
        (Action::Repost, 0.04),
        (Action::Comment, 0.03),
        (Action::Follow, 0.04),
    ];
    let is_post = !plan.world.targets[target as usize].is_account();
    let mix = if is_post { &mix[..4] } else { &mix[..] };
    let times = pace.times(random, from_ms, count);
    deliver(plan, random, (group, target), &force, &times, &Goods::new(mix, 0.9));
    camouflage(plan, random, group, &force, from_ms);
}
