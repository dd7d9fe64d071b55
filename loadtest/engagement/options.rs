//! What the command line asks for, and what that comes to.

use anyhow::{Result, ensure};

use crate::engagement::attacks::ATTACKS;
use crate::engagement::innocents::INNOCENTS;
use crate::options::{Stream, Switch, start_ms};
use crate::people::DAY_MS;

/// Largest run.
const EVENTS_MAX: usize = 200_000_000;
const TARGETS_MAX: usize = 20_000_000;
const ACTORS_MAX: usize = 100_000_000;
const CAMPAIGNS_MAX: usize = 20_000;
/// Events of the run per attack and per innocent group of a kind, unless told otherwise.
const EVENTS_PER_CAMPAIGN: usize = 8_000;
const EVENTS_PER_INNOCENT: usize = 300_000;

/// Writes a seeded stream of engagement events with attacks and innocent look-alikes in it, and the truth about them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// Events in all, roughly: background, attacks and innocent groups.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: usize,
    /// Accounts and posts that are engaged with.
    #[arg(long, default_value_t = 4_000)]
    pub(crate) targets: usize,
    /// Accounts that engage, beside those that attackers make.
    #[arg(long, default_value_t = 60_000)]
    pub(crate) actors: usize,
    /// Whether innocent groups are written.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub(crate) innocents: Switch,
    /// Time of the first hour, RFC 3339.
    #[arg(long, default_value = "2026-10-28T00:00:00Z")]
    pub(crate) start: String,
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
        let Arguments { ref stream, events, targets, actors, .. } = *arguments;
        ensure!((1_000..=EVENTS_MAX).contains(&events), "--events is 1000 to {EVENTS_MAX}");
        ensure!((100..=TARGETS_MAX).contains(&targets), "--targets is 100 to {TARGETS_MAX}");
        ensure!((1_000..=ACTORS_MAX).contains(&actors), "--actors is 1000 to {ACTORS_MAX}");
        let (attacks, innocents) =
            (ATTACKS.iter().map(|(kind, _)| *kind), INNOCENTS.iter().map(|(kind, _)| *kind));
        let usual = |kinds: usize| (events / EVENTS_PER_CAMPAIGN).max(2 * kinds);
        let groups: Vec<&str> = match arguments.innocents {
            Switch::On => innocents.clone().filter(|kind| stream.is_wanted(kind)).collect(),
            Switch::Off => Vec::new(),
        };
        Ok(Self {
            seed: stream.seed,
            events,
            start_ms: start_ms(&arguments.start)?,
            hours: stream.hours(attacks.clone().chain(innocents))?,
            targets,
            actors,
            attacks: stream.in_turn(attacks, (usual, CAMPAIGNS_MAX))?,
            innocents: groups.repeat(events.div_ceil(EVENTS_PER_INNOCENT)),
        })
    }
}
