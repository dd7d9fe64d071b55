//! The whole run: plan, background and plan merged by time, stream and truth written.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;

use crate::engagement::event::{Action, Count, Event, Line, Told, write_count, write_event, write_window};
use crate::engagement::options::Run;
use crate::engagement::organic::Organic;
use crate::engagement::plan::{Group, Jump, Plan};
use crate::engagement::season::Season;
use crate::engagement::targets::Target;
use crate::engagement::truth::Ledger;
use crate::engagement::world::World;
use crate::engagement::{attacks, innocents};
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Share of the events that the background keeps however much is planned.
const BACKGROUND_MIN: f64 = 0.4;
/// How late lines arrive: most within seconds, some (telephones without a net) within minutes, none later than this.
pub(crate) const LATENESS_MAX_MS: i64 = 300_000;
const LATE: f64 = 0.03;
const LATENESS_MS: f64 = 700.0;
/// Followers that a large account loses in an hour because accounts are closed.
const CLOSED_PER_HOUR: f64 = 1e-5;
/// Hours between samples of the counts of large, of middling and of small accounts, by followers.
const SAMPLES: [(i64, i64); 3] = [(100_000, 1), (10_000, 3), (0, 12)];

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) events: usize,
    pub(crate) fake: usize,
    pub(crate) innocent: usize,
    pub(crate) counts: usize,
    pub(crate) windows: usize,
    pub(crate) campaigns: usize,
    pub(crate) innocents: usize,
    pub(crate) actors: usize,
}

/// Writes the stream and the truth of a run.
///
/// # Errors
/// Writing fails.
pub(crate) fn generate(run: &Run, stream: &mut impl Write, truth: &mut impl Write) -> Result<Summary> {
    let mut world = World::new(run);
    let mut plan = Plan::new(&mut world);
    for (index, kind) in run.innocents.iter().enumerate() {
        innocents::plan(&mut plan, run.seed, index, kind);
    }
    for (index, kind) in run.attacks.iter().enumerate() {
        attacks::plan(&mut plan, run.seed, index, kind);
    }
    let planned = std::mem::take(&mut plan.events);
    let floor = (run.events as f64 * BACKGROUND_MIN) as usize;
    let total = run.events.saturating_sub(planned.len()).max(floor);
    let follows = std::mem::take(&mut plan.follows);
    let holiday = plan.groups.iter().find(|group| group.kind == "holiday").and_then(|group| group.site_wide);
    let season = Season::new(run.seed, run.start_ms, run.hours, holiday);
    let mut organic = Organic::new(plan.world, season, total, follows);
    let mut writer = Writer::new(run, plan.world, &plan.groups, stream, truth);
    let mut pending = planned;
    pending.sort_by_key(|event| std::cmp::Reverse(event.time_ms));
    let mut windows = plan.windows.clone();
    windows.sort_by_key(|window| window.time_ms);
    let mut windows = windows.into_iter().peekable();
    let mut later: Vec<Event> = Vec::new();
    for hour in 0..run.hours {
        let end_ms = run.start_ms + (hour as i64 + 1) * HOUR_MS;
        let mut now = std::mem::take(&mut later);
        organic.hour(hour, &mut now);
        let mut due: Vec<Event> = Vec::new();
        for event in now {
            if event.time_ms < end_ms { &mut due } else { &mut later }.push(event);
        }
        while pending.last().is_some_and(|event| event.time_ms < end_ms) {
            due.extend(pending.pop());
        }
        due.sort_by_key(|event| event.time_ms);
        while let Some(window) = windows.next_if(|window| window.time_ms < end_ms) {
            writer.hold(Line::Window(window));
        }
        writer.hour(hour as i64, due)?;
    }
    let mut summary = writer.finish()?;
    summary.actors = plan.world.actors.all.len();
    for group in &plan.groups {
        *if group.is_attack { &mut summary.campaigns } else { &mut summary.innocents } += 1;
    }
    Ok(summary)
}

/// Brings lines into the order of arrival, follows the counts of followers, and tells the truth.
struct Writer<'w, S: Write, T: Write> {
    world: &'w World,
    groups: &'w [Group],
    random: Random,
    stream: &'w mut S,
    ledger: Ledger<&'w mut T>,
    followers: Vec<i64>,
    jumps: Vec<Jump>,
    names: Vec<String>,
    /// Lines by arrival; the number keeps those of one moment apart.
    held: BTreeMap<(i64, u64), Line>,
    serial: u64,
    summary: Summary,
}

impl<'w, S: Write, T: Write> Writer<'w, S, T> {
    fn new(run: &Run, world: &'w World, groups: &'w [Group], stream: &'w mut S, truth: &'w mut T) -> Self {
        let mut jumps: Vec<Jump> = groups.iter().flat_map(|group| group.jumps.iter().copied()).collect();
        jumps.sort_by_key(|jump| std::cmp::Reverse(jump.time_ms));
        let name = |(at, target): (usize, &Target)| target.to_json(run.seed, at as u32);
        Self {
            world,
            groups,
            random: Random::new(run.seed, "arrival", 0),
            stream,
            ledger: Ledger::new(truth, run.seed, groups),
            followers: world.targets.iter().map(|target| target.followers).collect(),
            jumps,
            names: world.targets.iter().enumerate().map(name).collect(),
            held: BTreeMap::new(),
            serial: 0,
            summary: Summary::default(),
        }
    }

    /// Holds a line until it arrives.
    fn hold(&mut self, line: Line) {
        let late_ms = match line {
            Line::Event(_) if self.random.chance(LATE) => self.random.between(0, LATENESS_MAX_MS),
            Line::Event(_) => (self.random.exponential(LATENESS_MS) as i64).min(LATENESS_MAX_MS),
            Line::Count(_) | Line::Window(_) => 0,
        };
        self.serial += 1;
        self.held.insert((line.time_ms() + late_ms, self.serial), line);
    }

    /// Takes the events of an hour, sorted by time, and writes what has arrived by its end.
    fn hour(&mut self, hour: i64, due: Vec<Event>) -> Result<()> {
        let from_ms = self.world.start_ms + hour * HOUR_MS;
        self.sample(hour, from_ms);
        for event in due {
            match event.action {
                Action::Follow => self.followers[event.target as usize] += 1,
                Action::Unfollow => {
                    let count = &mut self.followers[event.target as usize];
                    *count = (*count - 1).max(0);
                }
                Action::Read | Action::Like | Action::Repost | Action::Comment => {}
            }
            self.ledger.note(&event, self.groups)?;
            self.hold(Line::Event(event));
        }
        self.flush(from_ms + HOUR_MS)
    }

    /// Samples counts at the beginning of an hour: some accounts every hour, most twice a day.
    fn sample(&mut self, hour: i64, now_ms: i64) {
        while self.jumps.last().is_some_and(|jump| jump.time_ms < now_ms) {
            if let Some(jump) = self.jumps.pop() {
                let count = &mut self.followers[jump.target as usize];
                *count = (*count + jump.delta).max(0);
            }
        }
        for at in 0..self.world.targets.len() {
            if !self.world.targets[at].is_account() {
                continue;
            }
            let count = self.followers[at];
            let closed = self.random.poisson(count as f64 * CLOSED_PER_HOUR) as i64;
            self.followers[at] = (count - closed).max(0);
            let every = SAMPLES.iter().find(|(least, _)| count >= *least).map_or(12, |(_, hours)| *hours);
            if (hour + at as i64) % every == 0 {
                let count = Count { time_ms: now_ms, target: at as u32, followers: self.followers[at] };
                self.hold(Line::Count(count));
            }
        }
    }

    /// Writes the lines that have arrived before `now_ms`.
    fn flush(&mut self, now_ms: i64) -> Result<()> {
        let rest = self.held.split_off(&(now_ms, 0));
        for line in std::mem::replace(&mut self.held, rest).into_values() {
            self.write(&line)?;
        }
        Ok(())
    }

    fn write(&mut self, line: &Line) -> Result<()> {
        match line {
            Line::Event(event) => {
                self.summary.events += 1;
                let serial = self.summary.events as u64;
                if event.group.is_some() {
                    *if event.fake { &mut self.summary.fake } else { &mut self.summary.innocent } += 1;
                }
                self.ledger.tell(serial, event, self.groups)?;
                let actor = &self.world.actors.all[event.actor as usize];
                let told = Told { age_days: actor.age_days(event.time_ms), credit_tier: actor.credit_tier };
                let target = &self.names[event.target as usize];
                write_event(self.stream, self.world.seed, serial, event, Some(told), target)
            }
            Line::Count(count) => {
                self.summary.counts += 1;
                write_count(self.stream, count, &self.names[count.target as usize])
            }
            Line::Window(window) => {
                self.summary.windows += 1;
                let serial = self.summary.windows as u64;
                write_window(self.stream, serial, window, &self.names[window.target as usize])
            }
        }
    }

    /// Writes what is left, and the truth about the groups.
    fn finish(mut self) -> Result<Summary> {
        self.flush(i64::MAX)?;
        self.stream.flush()?;
        self.ledger.finish(self.groups)?;
        Ok(self.summary)
    }
}
