//! Attacks: who sells what, and how it looks in the stream.

mod followers;
mod force;
mod inside;
mod pace;
mod reactions;

use crate::engagement::attacks::force::Force;
use crate::engagement::event::{Action, Event};
use crate::engagement::plan::Plan;
use crate::engagement::world::{ORDINARY, Visit};
use crate::people::DAY_MS;
use crate::random::{Random, Weighted};
use crate::rhythm::HOUR_MS;

/// Plans one group of a kind.
pub(crate) type Planner = fn(&mut Plan<'_>, &mut Random, u32);

/// The kinds of attacks.
pub(crate) const ATTACKS: [(&str, Planner); 14] = [
    ("follower_burst", followers::burst),
    ("slow_drip", followers::drip),
    ("follow_churn", followers::churn),
    ("follower_dump", followers::dump),
    ("count_jump", followers::jump),
    ("under_window", followers::under_window),
    ("hijacked_lockstep", inside::hijacked_lockstep),
    ("ring", inside::ring),
    ("small_dose", inside::small_dose),
    ("crowd_work", inside::crowd_work),
    ("read_inflation", reactions::read_inflation),
    ("brushing", reactions::brushing),
    ("comment_flood", reactions::comment_flood),
    ("full_package", reactions::full_package),
];

/// Events bought: log-uniform in this range for ordinary orders.
const ORDER: (usize, usize) = (80, 1_500);
/// Share of attacks whose accounts also look at innocent things, and visits per account then.
const CAMOUFLAGE: f64 = 0.35;
const COVER_VISITS: (usize, usize) = (1, 4);

/// Plans the attack that the group stands for.
pub(crate) fn plan(plan_of: &mut Plan<'_>, seed: u64, index: usize, kind: &'static str) {
    let Some((_, planner)) = ATTACKS.iter().find(|(name, _)| *name == kind) else { return };
    let mut random = Random::new(seed, "attack", index);
    let group = plan_of.open(kind, true);
    planner(plan_of, &mut random, group);
}

/// A size of an order.
fn order(random: &mut Random) -> usize {
    random.log_uniform(ORDER.0, ORDER.1)
}

/// What is delivered: actions by weight, how often a read comes first, and whether one actor may act twice on a target.
#[derive(Debug)]
struct Goods {
    actions: Vec<Action>,
    weights: Weighted,
    reads_first: f64,
}

impl Goods {
    fn new(mix: &[(Action, f64)], reads_first: f64) -> Self {
        Self {
            actions: mix.iter().map(|(action, _)| *action).collect(),
            weights: Weighted::new(mix.iter().map(|(_, weight)| *weight)),
            reads_first,
        }
    }

    fn only(action: Action) -> Self {
        Self::new(&[(action, 1.0)], 0.0)
    }
}

/// Lets the accounts of a force act on a target at the times, in turn.
fn deliver(
    plan: &mut Plan<'_>,
    random: &mut Random,
    (group, target): (u32, u32),
    force: &Force,
    times: &[i64],
    goods: &Goods,
) {
    if force.actors.is_empty() {
        return;
    }
    let shift = random.below(force.actors.len());
    for (turn, time_ms) in times.iter().enumerate() {
        let nth = (turn + shift) % force.actors.len();
        let action = goods.actions[goods.weights.draw(random)];
        act(plan, random, (group, target), force, (nth, *time_ms), (action, goods.reads_first));
    }
}

/// One fake act, perhaps with a read before it, which is as fake.
fn act(
    plan: &mut Plan<'_>,
    random: &mut Random,
    (group, target): (u32, u32),
    force: &Force,
    (nth, time_ms): (usize, i64),
    (action, reads_first): (Action, f64),
) {
    let actor = force.actors[nth];
    if action == Action::Follow && !plan.follows.insert((actor, target)) {
        return;
    }
    let place = force.place(plan, random, nth, time_ms);
    let event =
        |time_ms, action| Event { time_ms, actor, target, place, action, group: Some(group), fake: true };
    if action != Action::Read && random.chance(reads_first) {
        plan.put(event(time_ms - random.between(1_500, 25_000), Action::Read));
    }
    plan.put(event(time_ms, action));
}

/// Some attackers let their accounts look at popular things, so that they look alive (Hooi and others 2016).
fn camouflage(plan: &mut Plan<'_>, random: &mut Random, group: u32, force: &Force, around_ms: i64) {
    let is_camouflaged = random.chance(CAMOUFLAGE);
    plan.group(group).traits.push(("camouflage", is_camouflaged.to_string()));
    if !is_camouflaged {
        return;
    }
    let popular = Weighted::new(plan.world.targets.iter().map(|target| target.weight));
    for nth in 0..force.actors.len() {
        let actor = force.actors[nth];
        let mut time_ms = around_ms + random.between(-DAY_MS, DAY_MS);
        for _ in 0..random.count(COVER_VISITS) {
            let target = popular.draw(random) as u32;
            let place = force.place(plan, random, nth, time_ms);
            if plan.world.actors.all[actor as usize].registered_ms < time_ms {
                plan.visit(random, Visit { actor, target, time_ms, place, group: Some(group) }, &ORDINARY);
            }
            time_ms += random.between(20_000, HOUR_MS / 4);
        }
    }
}
