//! Real suspected-fake stars among simulated ones, as likes.
//!
//! The suspected stars are those of `StarScout` (He and others, arXiv 2412.13459; Apache-2.0): lines `target,actor,time` of
//! accounts that a rule and lockstep made suspicious, not proven. No clean background with actors is published, so that
//! everything else is simulated: how many stars a repository gets per month is drawn from the published monthly table
//! (`n_stars_real` of months that are no campaign, and of those that are, for the attacked ones), when and from whom
//! is invented. There are no ages, no devices and no other actions.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::engagement::event::{Action, Event, Place, write_event};
use crate::engagement::plan::Group;
use crate::engagement::targets::target_id;
use crate::engagement::truth::Ledger;
use crate::people::DAY_MS;
use crate::random::{Random, Weighted};
use crate::rhythm::{HOUR_MS, HOURS};

/// Days of a month, on average.
const MONTH_MS: i64 = 30 * DAY_MS + 10 * HOUR_MS;
/// Where those who star live: hours from UTC and share (the Americas, Europe, East Asia).
const ZONES: [(i64, f64); 3] = [(-6, 0.32), (1, 0.33), (8, 0.35)];
/// A month with so many stars may have a wave (a release, a front page): likelihood, share of the month's stars.
const WAVE_FROM: usize = 15;
const WAVE: f64 = 0.3;
const WAVE_SHARE: f64 = 0.6;
/// A wave falls off like (1 + hours / this) ^ -exponent.
const WAVE_HOURS: f64 = 6.0;
const WAVE_EXPONENT: f64 = 1.5;
/// Interests, and how often somebody stars outside of them.
const CIRCLES: usize = 60;
const OUTSIDE: f64 = 0.3;
const STARS_PER_MONTH_MAX: usize = 5_000;

/// Writes likes of real suspected-fake stars among simulated ones, and the truth about them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Suspected stars: lines `target,actor,time` under a header.
    #[arg(long = "in")]
    stars: PathBuf,
    /// The monthly table, with columns `campaign` and `n_stars_real`.
    #[arg(long)]
    months: PathBuf,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated repositories that nobody attacked, and simulated accounts.
    #[arg(long, default_value_t = 2_000)]
    repositories: usize,
    #[arg(long, default_value_t = 150_000)]
    actors: usize,
    /// First and last moment, RFC 3339; by default those of the suspected stars.
    #[arg(long)]
    from: Option<jiff::Timestamp>,
    #[arg(long)]
    to: Option<jiff::Timestamp>,
    #[arg(long)]
    pub(crate) out: PathBuf,
    #[arg(long)]
    pub(crate) truth: PathBuf,
}

impl Arguments {
    pub(crate) fn inputs(&self) -> [&PathBuf; 2] {
        [&self.stars, &self.months]
    }
}

/// Stars per month of a repository that is not attacked, and organic ones of one that is: empirical.
#[derive(Debug)]
struct Monthly {
    quiet: Vec<usize>,
    attacked: Vec<usize>,
}

impl Monthly {
    fn read(file: impl BufRead) -> Result<Self> {
        let mut lines = file.lines();
        let header = lines.next().context("the monthly table is empty")??;
        let column = |name: &str| {
            header.split(',').position(|field| field == name).with_context(|| format!("no column {name}"))
        };
        let (campaign, stars) = (column("campaign")?, column("n_stars_real")?);
        let (mut quiet, mut attacked) = (Vec::new(), Vec::new());
        for line in lines {
            let line = line?;
            let field = |at: usize| line.split(',').nth(at).unwrap_or_default();
            let count = field(stars).parse::<f64>().unwrap_or(0.0) as usize;
            let side = if field(campaign) == "True" { &mut attacked } else { &mut quiet };
            side.push(count.min(STARS_PER_MONTH_MAX));
        }
        ensure!(
            !quiet.is_empty() && !attacked.is_empty(),
            "the monthly table lacks campaigns, or other months"
        );
        Ok(Self { quiet, attacked })
    }
}

/// The suspected stars, with numbers for targets and actors.
#[derive(Debug, Default)]
struct Suspected {
    stars: Vec<(i64, u32, u32)>,
    targets: u32,
    actors: u32,
}

impl Suspected {
    fn read(file: impl BufRead, arguments: &Arguments) -> Result<Self> {
        let mut found = Self::default();
        let (mut targets, mut actors) = (HashMap::<String, u32>::new(), HashMap::<String, u32>::new());
        for (number, line) in (2..).zip(file.lines().skip(1)) {
            let line = line?;
            let mut fields = line.split(',');
            let mut next = || fields.next().with_context(|| format!("line {number}: {line:?}"));
            let (target, actor, time) = (next()?, next()?, next()?);
            let time: jiff::Timestamp =
                time.trim().parse().with_context(|| format!("line {number}: {line:?}"))?;
            let is_before = arguments.from.is_some_and(|from| time < from);
            if is_before || arguments.to.is_some_and(|to| time >= to) {
                continue;
            }
            let number_of = |names: &mut HashMap<String, u32>, name: &str| {
                let next = names.len() as u32;
                *names.entry(name.to_owned()).or_insert(next)
            };
            let star =
                (time.as_millisecond(), number_of(&mut targets, target), number_of(&mut actors, actor));
            found.stars.push(star);
        }
        ensure!(!found.stars.is_empty(), "no suspected stars in that time");
        (found.targets, found.actors) = (targets.len() as u32, actors.len() as u32);
        Ok(found)
    }
}

/// A moment of `from_ms..to_ms` at which somebody somewhere is awake.
fn awake(random: &mut Random, from_ms: i64, to_ms: i64) -> i64 {
    let zone = ZONES[Weighted::new(ZONES.iter().map(|(_, share)| *share)).draw(random)].0;
    let top = HOURS.iter().copied().fold(0.0, f64::max);
    loop {
        let moment = random.between(from_ms, (to_ms - 1).max(from_ms));
        let hour = (moment.div_euclid(HOUR_MS) + zone).rem_euclid(24);
        if random.unit() * top <= HOURS[hour as usize] {
            return moment;
        }
    }
}

/// Those who star: simulated accounts and the suspected ones, who have a life of their own as well.
#[derive(Debug)]
struct Crowd {
    everybody: Weighted,
    circles: Vec<(Vec<u32>, Weighted)>,
}

impl Crowd {
    fn new(random: &mut Random, count: usize) -> Self {
        let mut ranks: Vec<usize> = (0..count).collect();
        random.shuffle(&mut ranks);
        let weights: Vec<f64> = ranks.iter().map(|rank| 1.0 / (*rank as f64 + 30.0).powf(0.8)).collect();
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); CIRCLES];
        (0..count).for_each(|at| members[random.below(CIRCLES)].push(at as u32));
        let circle = |members: Vec<u32>| {
            let sampler = Weighted::new(members.iter().map(|at| weights[*at as usize]));
            (members, sampler)
        };
        Self {
            everybody: Weighted::new(weights.iter().copied()),
            circles: members.into_iter().map(circle).collect(),
        }
    }

    fn draw(&self, random: &mut Random, circle: usize) -> u32 {
        let (members, weights) = &self.circles[circle];
        if members.is_empty() || random.chance(OUTSIDE) {
            return self.everybody.draw(random) as u32;
        }
        members[weights.draw(random)]
    }
}

/// The organic stars of one repository.
fn organic(
    random: &mut Random,
    crowd: &Crowd,
    (target, table): (u32, &[usize]),
    (from_ms, to_ms): (i64, i64),
    out: &mut Vec<Event>,
) {
    let circle = random.below(CIRCLES);
    let mut stargazers: BTreeSet<u32> = BTreeSet::new();
    // A repository is born at some time, and its size stays what it is, more or less.
    let mut month_ms = from_ms + random.between(-12, 20) * MONTH_MS;
    let usual = random.pick(table) as f64;
    while month_ms < to_ms {
        let expected = usual * random.log_normal(0.8, 0.7);
        let count = random.poisson(expected).min(STARS_PER_MONTH_MAX);
        let wave =
            (count >= WAVE_FROM && random.chance(WAVE)).then(|| awake(random, month_ms, month_ms + MONTH_MS));
        for _ in 0..count {
            let time_ms = match wave.filter(|_| random.chance(WAVE_SHARE)) {
                Some(begin_ms) => {
                    let hours = WAVE_HOURS * ((1.0 - random.unit()).powf(-1.0 / (WAVE_EXPONENT - 1.0)) - 1.0);
                    begin_ms + (hours.min(720.0) * HOUR_MS as f64) as i64
                }
                None => awake(random, month_ms, month_ms + MONTH_MS),
            };
            let actor = crowd.draw(random, circle);
            if (from_ms..to_ms).contains(&time_ms) && stargazers.insert(actor) {
                let (place, action) = (Place::default(), Action::Like);
                out.push(Event { time_ms, actor, target, place, action, group: None, fake: false });
            }
        }
        month_ms += MONTH_MS;
    }
}

/// Writes the stream and the truth; each attacked repository is one campaign. Returns all events and suspected ones.
///
/// # Errors
/// A file is not what it should be; writing fails.
pub(crate) fn convert(
    arguments: &Arguments,
    (stars, months): (impl BufRead, impl BufRead),
    out: &mut impl Write,
    truth: &mut impl Write,
) -> Result<(usize, usize)> {
    let (monthly, suspected) = (Monthly::read(months)?, Suspected::read(stars, arguments)?);
    let seed = arguments.seed;
    let mut random = Random::new(seed, "stars", 0);
    let crowd = Crowd::new(&mut random, suspected.actors as usize + arguments.actors);
    let times = suspected.stars.iter().map(|(time_ms, ..)| *time_ms);
    let from_ms = times.clone().min().unwrap_or(0) - 3 * DAY_MS;
    let span = (from_ms, times.max().unwrap_or(0) + DAY_MS);
    let mut events: Vec<Event> = Vec::new();
    for target in 0..suspected.targets + arguments.repositories as u32 {
        let table = if target < suspected.targets { &monthly.attacked } else { &monthly.quiet };
        organic(&mut random, &crowd, (target, table), span, &mut events);
    }
    let group = |at: u32| Group::new(format!("c{}", at + 1), "suspected_stars", true);
    let mut groups: Vec<Group> = (0..suspected.targets).map(group).collect();
    for (time_ms, target, actor) in &suspected.stars {
        let (time_ms, target, actor) = (*time_ms, *target, *actor);
        let (place, action) = (Place::default(), Action::Like);
        groups[target as usize].targets.insert(target);
        groups[target as usize].actors.insert(actor);
        events.push(Event { time_ms, actor, target, place, action, group: Some(target), fake: true });
    }
    events.sort_by_key(|event| event.time_ms);
    let mut ledger = Ledger::new(truth, seed, &groups);
    for (serial, event) in (1..).zip(&events) {
        ledger.note(event, &groups)?;
        ledger.tell(serial, event, &groups)?;
        let target = format!(r#"{{"kind":"post","id":"{}"}}"#, target_id(seed, event.target));
        write_event(out, seed, serial, event, None, &target)?;
    }
    ledger.finish(&groups)?;
    out.flush()?;
    Ok((events.len(), suspected.stars.len()))
}
