//! What is planned before the background is written around it: attacks and innocent groups.

use std::collections::BTreeSet;

use crate::engagement::event::{Event, Window};
use crate::engagement::world::{Follows, Mood, Visit, World, visit};
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Hours before the first attack: detectors warm up. A quarter of a short run.
const WARM_UP_HOURS: i64 = 50;

/// An attack or an innocent group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) is_attack: bool,
    pub(crate) targets: BTreeSet<u32>,
    pub(crate) actors: BTreeSet<u32>,
    /// What was chosen: supply, quarters, pace and the like, for the truth file.
    pub(crate) traits: Vec<(&'static str, String)>,
    /// When a follower count changed without events.
    pub(crate) jumps: Vec<Jump>,
    /// Innocent hours that are not told by events: everything on these targets (all, if none) in these times.
    pub(crate) site_wide: Option<(i64, i64)>,
}

impl Group {
    /// A group without anything.
    pub(crate) fn new(id: String, kind: &'static str, is_attack: bool) -> Self {
        let (targets, actors) = (BTreeSet::new(), BTreeSet::new());
        let (traits, jumps, site_wide) = (Vec::new(), Vec::new(), None);
        Self { id, kind, is_attack, targets, actors, traits, jumps, site_wide }
    }
}

/// A follower count that changes by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jump {
    pub(crate) time_ms: i64,
    pub(crate) target: u32,
    pub(crate) delta: i64,
}

/// The plan of a run.
#[derive(Debug)]
pub(crate) struct Plan<'w> {
    pub(crate) world: &'w mut World,
    /// Not in the order of time.
    pub(crate) events: Vec<Event>,
    pub(crate) windows: Vec<Window>,
    pub(crate) groups: Vec<Group>,
    pub(crate) follows: Follows,
    /// Targets that are attacked or innocent already: attacks do not share them.
    pub(crate) taken: BTreeSet<u32>,
    /// People who work for click farms of the crowd kind, and those who live on lotteries; the same in every group.
    pub(crate) workers: Vec<u32>,
    pub(crate) prize_hunters: Vec<u32>,
}

impl<'w> Plan<'w> {
    /// An empty plan.
    pub(crate) fn new(world: &'w mut World) -> Self {
        let mut random = Random::new(world.seed, "crowds", 0);
        let size = world.actors.residents;
        let workers = world.actors.residents(&mut random, (size / 80).max(60), |actor| actor.activity > 0.0);
        let prize_hunters =
            world.actors.residents(&mut random, (size / 50).max(80), |actor| actor.activity > 0.0);
        let (events, windows, groups) = (Vec::new(), Vec::new(), Vec::new());
        let (follows, taken) = (Follows::new(), BTreeSet::new());
        Self { world, events, windows, groups, follows, taken, workers, prize_hunters }
    }

    /// Opens a group; its place.
    pub(crate) fn open(&mut self, kind: &'static str, is_attack: bool) -> u32 {
        let nth = self.groups.iter().filter(|group| group.is_attack == is_attack).count() + 1;
        let id = format!("{}{nth}", if is_attack { 'c' } else { 'i' });
        self.groups.push(Group::new(id, kind, is_attack));
        self.groups.len() as u32 - 1
    }

    /// The group at a place.
    pub(crate) fn group(&mut self, at: u32) -> &mut Group {
        &mut self.groups[at as usize]
    }

    /// The end of the warm-up.
    pub(crate) fn earliest_ms(&self) -> i64 {
        let span_ms = self.world.end_ms - self.world.start_ms;
        self.world.start_ms + (WARM_UP_HOURS * HOUR_MS).min(span_ms / 4)
    }

    /// A moment after the warm-up that leaves `needed_ms` before the end, if the run is long enough.
    pub(crate) fn beginning(&self, random: &mut Random, needed_ms: i64) -> i64 {
        let earliest = self.earliest_ms();
        random.between(earliest, (self.world.end_ms - needed_ms).max(earliest + HOUR_MS))
    }

    /// Plans an event of a group. What would come after the end is dropped.
    pub(crate) fn put(&mut self, event: Event) {
        if event.time_ms >= self.world.end_ms || event.time_ms < self.world.start_ms {
            return;
        }
        if let Some(group) = event.group {
            let group = self.group(group);
            group.actors.insert(event.actor);
            // Cover events go anywhere; they do not make their targets part of the attack.
            if event.fake || !group.is_attack {
                group.targets.insert(event.target);
            }
        }
        self.events.push(event);
    }

    /// Plans an organic visit of a group.
    pub(crate) fn visit(&mut self, random: &mut Random, arrived: Visit, mood: &Mood) {
        let mut made = Vec::with_capacity(4);
        visit(self.world, random, &mut self.follows, &arrived, mood, &mut made);
        made.into_iter().for_each(|event| self.put(event));
    }

    /// A visit of a group from the actor's own place.
    pub(crate) fn visit_by(
        &mut self,
        random: &mut Random,
        group: u32,
        (actor, target, time_ms): (u32, u32, i64),
        mood: &Mood,
    ) {
        let place = self.world.actors.place_of(random, actor, time_ms);
        self.visit(random, Visit { actor, target, time_ms, place, group: Some(group) }, mood);
    }

    /// A target that no other group has, among those that fit; any that fits when all are taken.
    pub(crate) fn target(&mut self, random: &mut Random, fits: impl Fn(&World, u32) -> bool) -> u32 {
        let mut found: Vec<u32> =
            (0..self.world.targets.len() as u32).filter(|at| fits(self.world, *at)).collect();
        let free: Vec<u32> = found.iter().copied().filter(|at| !self.taken.contains(at)).collect();
        if !free.is_empty() {
            found = free;
        }
        let chosen = if found.is_empty() {
            random.below(self.world.targets.len()) as u32
        } else {
            random.pick(&found)
        };
        self.taken.insert(chosen);
        chosen
    }

    /// An account with an expected number of events per hour in this range.
    pub(crate) fn account(&mut self, random: &mut Random, (low, high): (f64, f64)) -> u32 {
        self.target(random, |world, at| {
            world.targets[at as usize].is_account() && (low..high).contains(&world.rate_of(at))
        })
    }

    /// A post that is born after the warm-up and `needed_ms` before the end.
    pub(crate) fn post(&mut self, random: &mut Random, needed_ms: i64) -> u32 {
        let (earliest, latest) = (self.earliest_ms(), self.world.end_ms - needed_ms);
        self.target(random, |world, at| {
            let target = &world.targets[at as usize];
            !target.is_account() && (earliest..latest).contains(&target.born_ms)
        })
    }
}
