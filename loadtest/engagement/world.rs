//! The world of a run: who is there, what is there, and what a visit leaves behind.

use std::collections::HashSet;

use crate::engagement::actors::{Actor, Actors, FAVOURITES, TOPICS};
use crate::engagement::event::{Action, Event, Place};
use crate::engagement::options::Run;
use crate::engagement::targets::{self, Target};
use crate::random::{Random, Weighted};

/// A second read: the page is opened again.
const AGAIN: f64 = 0.08;
/// Share of follows that are undone in the hours after, and unfollows by old followers per visit.
const REGRET: f64 = 0.04;
const UNFOLLOW: f64 = 0.002;
/// Seconds between a read and what follows from it, and until a regretted follow is undone.
const DWELL_S: f64 = 25.0;
const REGRET_S: f64 = 20_000.0;

/// Who and what there is.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) events_per_hour: f64,
    pub(crate) actors: Actors,
    pub(crate) targets: Vec<Target>,
}

/// What differs from an ordinary visit: factors on the habits of like, repost, comment and follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mood {
    pub(crate) factors: [f64; 4],
    /// Likelihood that an act comes without a read, where the target's own is lower.
    pub(crate) unread: f64,
    pub(crate) unfollow: f64,
}

/// An ordinary visit.
pub(crate) const ORDINARY: Mood = Mood { factors: [1.0; 4], unread: 0.0, unfollow: UNFOLLOW };

/// A visit: who, to what, when, from where, and for which group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    pub(crate) actor: u32,
    pub(crate) target: u32,
    pub(crate) time_ms: i64,
    pub(crate) place: Place,
    pub(crate) group: Option<u32>,
}

impl World {
    /// The world of a run. Deterministic.
    pub(crate) fn new(run: &Run) -> Self {
        let span = (run.start_ms, run.end_ms());
        let events_per_hour = run.events as f64 / run.hours as f64;
        let mut actors = Actors::new(run.seed, run.actors, span);
        let targets = targets::make(run.seed, run.targets, span, events_per_hour);
        choose_favourites(run.seed, &mut actors, &targets);
        let (seed, start_ms, end_ms) = (run.seed, run.start_ms, run.end_ms());
        Self { seed, start_ms, end_ms, events_per_hour, actors, targets }
    }

    /// Expected organic events of an account in an average hour, roughly.
    pub(crate) fn rate_of(&self, target: u32) -> f64 {
        self.targets[target as usize].weight * self.events_per_hour
    }

    fn actor(&self, at: u32) -> &Actor {
        &self.actors.all[at as usize]
    }
}

/// People come back to some accounts of their interests.
fn choose_favourites(seed: u64, actors: &mut Actors, targets: &[Target]) {
    let mut random = Random::new(seed, "favourites", 0);
    let samplers: Vec<(Vec<u32>, Weighted)> = (0..TOPICS)
        .map(|topic| {
            let fits = |(at, target): (usize, &Target)| {
                (target.topic == topic && target.is_account()).then_some(at as u32)
            };
            let members: Vec<u32> = targets.iter().enumerate().filter_map(fits).collect();
            // The square root: favourites are less concentrated than what is read by chance.
            let weights = Weighted::new(members.iter().map(|at| targets[*at as usize].weight.sqrt()));
            (members, weights)
        })
        .collect();
    for actor in &mut actors.all {
        for slot in 0..FAVOURITES {
            let (members, weights) = &samplers[actor.topics[usize::from(slot * 3 >= FAVOURITES * 2)]];
            let any = random.below(targets.len()) as u32;
            actor.favourites[slot] =
                if members.is_empty() { any } else { members[weights.draw(&mut random)] };
        }
    }
}

/// Who follows whom, as far as the run has shown.
pub(crate) type Follows = HashSet<(u32, u32)>;

/// A visit: a read, then what follows from it. Nobody follows twice. Costs a few random numbers.
pub(crate) fn visit(
    world: &World,
    random: &mut Random,
    follows: &mut Follows,
    visit: &Visit,
    mood: &Mood,
    out: &mut Vec<Event>,
) {
    let target = &world.targets[visit.target as usize];
    let mut push = |time_ms: i64, action: Action| {
        let Visit { actor, target, place, group, .. } = *visit;
        if time_ms < world.end_ms {
            out.push(Event { time_ms, actor, target, place, action, group, fake: false });
        }
    };
    let warmth = world.actor(visit.actor).warmth;
    let mut now_ms = visit.time_ms;
    let mut acts: [Option<Action>; 4] = [None; 4];
    let actions = [Action::Like, Action::Repost, Action::Comment, Action::Follow];
    for (at, action) in actions.into_iter().enumerate() {
        let habit = (target.habits[at] * mood.factors[at] * warmth).min(0.95);
        let is_possible = action != Action::Follow || target.is_account();
        acts[at] = (is_possible && random.chance(habit)).then_some(action);
    }
    let is_idle = acts.iter().all(Option::is_none);
    if is_idle || !random.chance(mood.unread.max(target.unread)) {
        push(now_ms, Action::Read);
        if random.chance(AGAIN) {
            now_ms += (random.log_normal(DWELL_S, 1.0) * 1e3) as i64;
            push(now_ms, Action::Read);
        }
    }
    for action in acts.into_iter().flatten() {
        now_ms += (random.log_normal(DWELL_S, 0.9) * 1e3) as i64;
        if action == Action::Follow {
            if !follows.insert((visit.actor, visit.target)) {
                continue;
            }
            if random.chance(REGRET) {
                let until_ms = now_ms + (random.log_normal(REGRET_S, 1.2) * 1e3) as i64;
                push(until_ms, Action::Unfollow);
            }
        }
        push(now_ms, action);
    }
    if target.is_account() && random.chance(mood.unfollow) {
        now_ms += (random.log_normal(DWELL_S, 0.9) * 1e3) as i64;
        push(now_ms, Action::Unfollow);
    }
}
