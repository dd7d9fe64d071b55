//! What goes on anyway: people come by the hour, stay for a few visits, and most of them only read.

use crate::engagement::actors::TOPICS;
use crate::engagement::event::{Action, Event};
use crate::engagement::season::{Season, ZONES};
use crate::engagement::world::{Follows, ORDINARY, Visit, World, visit};
use crate::random::{Random, Weighted};
use crate::rhythm::HOUR_MS;

/// Visits of a stay: geometric with this mean, and at most so many.
const VISITS_MEAN: f64 = 3.0;
const VISITS_MAX: usize = 40;
/// Seconds between visits: median and spread.
const PAUSE_S: f64 = 50.0;
const PAUSE_SIGMA: f64 = 1.1;
/// Where a visit goes: to a favourite, to something of one's interests; else to what the whole site reads.
const TO_FAVOURITES: f64 = 0.35;
const TO_TOPICS: f64 = 0.45;
/// Slow chance of a target's popularity: hour-to-hour memory, and spread of its logarithm.
const DRIFT_MEMORY: f64 = 0.9;
const DRIFT_SIGMA: f64 = 0.35;
/// A small wave that nobody planned: likelihood per target and hour, its height, how it fades per hour.
const WAVE: f64 = 1.0 / 700.0;
const WAVE_HEIGHT: (f64, f64) = (3.0, 0.6);
const WAVE_FADING: f64 = 0.7;
/// Likelihood per stay of tidying one's list: several unfollows at once, without reading.
const TIDY: f64 = 0.002;

/// The background of a run, hour by hour.
#[derive(Debug)]
pub(crate) struct Organic<'w> {
    world: &'w World,
    season: Season,
    total: usize,
    random: Random,
    drift: Vec<f64>,
    wave: Vec<f64>,
    follows: Follows,
    by_topic: Vec<(Vec<u32>, Weighted)>,
    everything: Weighted,
}

impl<'w> Organic<'w> {
    /// `total` events over the run, roughly; `follows` is what planned events say already.
    pub(crate) fn new(world: &'w World, season: Season, total: usize, follows: Follows) -> Self {
        let mut random = Random::new(world.seed, "organic", 0);
        let drift = world.targets.iter().map(|_| DRIFT_SIGMA * random.normal()).collect();
        Self {
            world,
            season,
            total,
            random,
            drift,
            wave: vec![0.0; world.targets.len()],
            follows,
            by_topic: Vec::new(),
            everything: Weighted::new(std::iter::empty()),
        }
    }

    /// Adds the events of stays that begin in an hour; some end later. O(targets + events).
    pub(crate) fn hour(&mut self, hour: usize, out: &mut Vec<Event>) {
        let from_ms = self.world.start_ms + hour as i64 * HOUR_MS;
        self.heat_up(from_ms);
        let budget = self.season.budget(hour, self.total);
        for (zone, share) in budget.into_iter().enumerate().take(ZONES.len()) {
            let end = out.len() + self.random.poisson(share);
            while out.len() < end {
                let actor = self.world.actors.in_zone(&mut self.random, zone);
                let time_ms = from_ms + self.random.between(0, HOUR_MS - 1);
                if self.world.actors.all[actor as usize].registered_ms <= time_ms {
                    self.stay(actor, time_ms, end + 1, out);
                }
            }
        }
    }

    /// Draws how popular everything is in this hour.
    fn heat_up(&mut self, now_ms: i64) {
        let step = DRIFT_SIGMA * (1.0 - DRIFT_MEMORY * DRIFT_MEMORY).sqrt();
        let mut heats: Vec<f64> = Vec::with_capacity(self.drift.len());
        for (at, target) in self.world.targets.iter().enumerate() {
            self.drift[at] = DRIFT_MEMORY * self.drift[at] + step * self.random.normal();
            self.wave[at] *= WAVE_FADING;
            if self.random.chance(WAVE) {
                self.wave[at] = self.random.log_normal(WAVE_HEIGHT.0, WAVE_HEIGHT.1);
            }
            let heat = target.heat(self.world.start_ms, now_ms);
            heats.push(heat * self.drift[at].exp() * (1.0 + self.wave[at]));
        }
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); TOPICS];
        for (at, target) in self.world.targets.iter().enumerate() {
            members[target.topic].push(at as u32);
        }
        let with_weights = |members: Vec<u32>| {
            let weights = Weighted::new(members.iter().map(|at| heats[*at as usize]));
            (members, weights)
        };
        self.by_topic = members.into_iter().map(with_weights).collect();
        self.everything = Weighted::new(heats.iter().copied());
    }

    /// What somebody looks at next.
    fn choose(&mut self, actor: u32) -> u32 {
        let actor = &self.world.actors.all[actor as usize];
        let way = self.random.unit();
        if way < TO_FAVOURITES {
            return self.random.pick(&actor.favourites);
        }
        if way < TO_FAVOURITES + TO_TOPICS {
            let (members, weights) = &self.by_topic[actor.topics[usize::from(self.random.chance(0.3))]];
            if !members.is_empty() {
                return members[weights.draw(&mut self.random)];
            }
        }
        self.everything.draw(&mut self.random) as u32
    }

    /// One stay, at one place; `end` bounds how many events there may be in `out`.
    fn stay(&mut self, actor: u32, from_ms: i64, end: usize, out: &mut Vec<Event>) {
        let place = self.world.actors.place_of(&mut self.random, actor, from_ms);
        let mut time_ms = from_ms;
        let visits = 1 + self.random.exponential(VISITS_MEAN - 0.5) as usize;
        for _ in 0..visits.min(VISITS_MAX) {
            let target = self.choose(actor);
            let arrived = Visit { actor, target, time_ms, place, group: None };
            visit(self.world, &mut self.random, &mut self.follows, &arrived, &ORDINARY, out);
            time_ms += (self.random.log_normal(PAUSE_S, PAUSE_SIGMA) * 1e3) as i64;
            if out.len() >= end || time_ms >= self.world.end_ms {
                return;
            }
        }
        if self.random.chance(TIDY) {
            let favourites = self.world.actors.all[actor as usize].favourites;
            for target in favourites.into_iter().skip(self.random.below(3)) {
                time_ms += 1_000 + self.random.between(0, 6_000);
                if time_ms < self.world.end_ms {
                    let (action, group, fake) = (Action::Unfollow, None, false);
                    out.push(Event { time_ms, actor, target, place, action, group, fake });
                }
            }
        }
    }
}
