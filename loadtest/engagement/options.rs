//! What the command line asks for, and what that comes to.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::engagement::attacks::ATTACKS;
use crate::engagement::innocents::INNOCENTS;
use crate::options::Switch;
use crate::people::DAY_MS;

/// Largest run.
const EVENTS_MAX: usize = 200_000_000;
const DAYS_MAX: usize = 400;
const TARGETS_MAX: usize = 20_000_000;
const ACTORS_MAX: usize = 100_000_000;
const CAMPAIGNS_MAX: usize = 20_000;
/// Events of the run per attack and per innocent group of a kind, unless told otherwise.
const EVENTS_PER_CAMPAIGN: usize = 8_000;
const EVENTS_PER_INNOCENT: usize = 300_000;

/// Writes a seeded stream of engagement events with attacks and innocent look-alikes in it, and the truth about them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Same seed and options: same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Events in all, roughly: background, attacks and innocent groups.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: usize,
    /// Length of the run in days.
    #[arg(long, default_value_t = 10)]
    pub(crate) days: usize,
    /// Accounts and posts that are engaged with.
    #[arg(long, default_value_t = 4_000)]
    pub(crate) targets: usize,
    /// Accounts that engage, beside those that attackers make.
    #[arg(long, default_value_t = 60_000)]
    pub(crate) actors: usize,
    /// How many attacks; their kinds take turns. By default one per 8000 events and two of each kind; 0 is a clean stream.
    #[arg(long)]
    pub(crate) campaigns: Option<usize>,
    /// Only these kinds of attacks and innocent groups, separated by commas. The background is always there.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Whether innocent groups are written.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub(crate) innocents: Switch,
    /// Time of the first hour, RFC 3339.
    #[arg(long, default_value = "2026-10-28T00:00:00Z")]
    pub(crate) start: String,
    /// Events, follower counts and registered windows, one JSON object per line.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Truth, one JSON object per line.
    #[arg(long)]
    pub(crate) truth: PathBuf,
}

/// A checked run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) events: usize,
    pub(crate) start_ms: i64,
    pub(crate) hours: usize,
    pub(crate) targets: usize,
    pub(crate) actors: usize,
    /// Kinds of the attacks and of the innocent groups, in turn.
    pub(crate) attacks: Vec<&'static str>,
    pub(crate) innocents: Vec<&'static str>,
}

impl Run {
    /// When it is over.
    pub(crate) fn end_ms(&self) -> i64 {
        self.start_ms + self.hours as i64 * DAY_MS / 24
    }
}

impl TryFrom<&Arguments> for Run {
    type Error = anyhow::Error;

    /// # Errors
    /// A number out of range, a kind that does not exist, a start that is no time.
    fn try_from(arguments: &Arguments) -> Result<Self> {
        let Arguments { seed, events, days, targets, actors, .. } = *arguments;
        ensure!((1_000..=EVENTS_MAX).contains(&events), "--events is 1000 to {EVENTS_MAX}");
        ensure!((1..=DAYS_MAX).contains(&days), "--days is 1 to {DAYS_MAX}");
        ensure!((100..=TARGETS_MAX).contains(&targets), "--targets is 100 to {TARGETS_MAX}");
        ensure!((1_000..=ACTORS_MAX).contains(&actors), "--actors is 1000 to {ACTORS_MAX}");
        let start: jiff::Timestamp =
            arguments.start.parse().with_context(|| format!("--start {:?}", arguments.start))?;
        let known = || ATTACKS.iter().chain(&INNOCENTS).map(|(kind, _)| *kind);
        for kind in &arguments.only {
            let list = || known().collect::<Vec<_>>().join(", ");
            ensure!(known().any(|name| name == kind), "--only {kind:?}: the kinds are {}", list());
        }
        let is_wanted =
            |kind: &&'static str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == kind);
        let kinds: Vec<&str> = ATTACKS.iter().map(|(kind, _)| *kind).filter(is_wanted).collect();
        let usual = (events / EVENTS_PER_CAMPAIGN).max(2 * kinds.len());
        let count = arguments.campaigns.unwrap_or(usual);
        ensure!(count <= CAMPAIGNS_MAX, "--campaigns is at most {CAMPAIGNS_MAX}");
        let rounds = events.div_ceil(EVENTS_PER_INNOCENT);
        let innocents: Vec<&str> = match arguments.innocents {
            Switch::On => INNOCENTS.iter().map(|(kind, _)| *kind).filter(is_wanted).collect(),
            Switch::Off => Vec::new(),
        };
        let attacks =
            if kinds.is_empty() { Vec::new() } else { kinds.into_iter().cycle().take(count).collect() };
        Ok(Self {
            seed,
            events,
            start_ms: start.as_millisecond(),
            hours: days * 24,
            targets,
            actors,
            attacks,
            innocents: innocents.repeat(rounds),
        })
    }
}
