//! What the command line asks for, and what that comes to.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::campaigns::KINDS;
use crate::lookalikes::{SHAPES, shape_of};
use crate::people::DAY_MS;

/// Largest run.
const POSTS_MAX: usize = 50_000_000;
const DAYS_MAX: usize = 400;
const CAMPAIGNS_MAX: usize = 5_000;
/// Items of the run per campaign and per look-alike of a kind, unless told otherwise.
const POSTS_PER_CAMPAIGN: usize = 2_500;
const POSTS_PER_LOOK_ALIKE: usize = 30_000;
/// Items of the run per account, and the smallest population.
const POSTS_PER_ACCOUNT: usize = 6;
const ACCOUNTS_MIN: usize = 600;

/// Whether look-alikes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Writes a seeded stream of posts with coordinated campaigns in it, and the truth about them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Same seed and options: same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Items in all: background, campaigns and look-alikes.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) posts: usize,
    /// Length of the run in days.
    #[arg(long, default_value_t = 10)]
    pub(crate) days: usize,
    /// How many campaigns; their kinds take turns. By default one per 2500 items.
    #[arg(long)]
    pub(crate) campaigns: Option<usize>,
    /// Only these kinds of campaigns and look-alikes, separated by commas. The background is always there.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Whether benign look-alikes are written.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub(crate) look_alikes: Switch,
    /// Time of the first hour, RFC 3339.
    #[arg(long, default_value = "2026-11-01T00:00:00Z")]
    pub(crate) start: String,
    /// Items, one JSON object per line.
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
    pub(crate) posts: usize,
    pub(crate) start_ms: i64,
    pub(crate) hours: usize,
    pub(crate) accounts: usize,
    /// Kinds of the campaigns, in turn.
    pub(crate) campaigns: Vec<&'static str>,
    /// Kinds of the look-alikes, in turn.
    pub(crate) look_alikes: Vec<&'static str>,
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
        let Arguments { seed, posts, days, .. } = *arguments;
        ensure!((1..=POSTS_MAX).contains(&posts), "--posts is 1 to {POSTS_MAX}");
        ensure!((1..=DAYS_MAX).contains(&days), "--days is 1 to {DAYS_MAX}");
        let start: jiff::Timestamp =
            arguments.start.parse().with_context(|| format!("--start {:?}", arguments.start))?;
        for kind in &arguments.only {
            let known = || KINDS.into_iter().chain(SHAPES.iter().map(|shape| shape.kind));
            ensure!(
                known().any(|name| name == kind),
                "--only {kind:?}: the kinds are {}",
                known().collect::<Vec<_>>().join(", ")
            );
        }
        let is_wanted =
            |kind: &&'static str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == kind);
        let kinds: Vec<&str> = KINDS.into_iter().filter(is_wanted).collect();
        let count = arguments.campaigns.unwrap_or(posts.div_ceil(POSTS_PER_CAMPAIGN));
        ensure!(count <= CAMPAIGNS_MAX, "--campaigns is at most {CAMPAIGNS_MAX}");
        let shapes: Vec<&str> = match arguments.look_alikes {
            Switch::On => SHAPES.iter().map(|shape| shape.kind).filter(is_wanted).collect(),
            Switch::Off => Vec::new(),
        };
        let rounds = posts.div_ceil(POSTS_PER_LOOK_ALIKE);
        Ok(Self {
            seed,
            posts,
            start_ms: start.as_millisecond(),
            hours: days * 24,
            accounts: (posts / POSTS_PER_ACCOUNT).max(ACCOUNTS_MIN),
            campaigns: if kinds.is_empty() {
                Vec::new()
            } else {
                kinds.into_iter().cycle().take(count).collect()
            },
            look_alikes: shapes.repeat(rounds).into_iter().filter(|kind| shape_of(kind).is_some()).collect(),
        })
    }
}
