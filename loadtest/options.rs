//! What the command line asks for, and what that comes to.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::campaigns::KINDS;
use crate::lookalikes::SHAPES;
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

/// What both streams are asked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Stream {
    /// Same seed and options: same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Length of the run in days.
    #[arg(long, default_value_t = 10)]
    pub(crate) days: usize,
    /// How many campaigns or attacks; their kinds take turns. By default one per 2500 posts, or per 8000 events and two of each kind; 0
    /// is a clean stream.
    #[arg(long)]
    pub(crate) campaigns: Option<usize>,
    /// Only these kinds of campaigns, attacks and innocents, separated by commas. The background is always there.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// The stream, one JSON object per line.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Truth, one JSON object per line.
    #[arg(long)]
    pub(crate) truth: PathBuf,
}

impl Stream {
    /// Hours of the run. The kinds that exist are given, for those that are asked for.
    ///
    /// # Errors
    /// A number out of range, a kind that does not exist.
    pub(crate) fn hours(&self, kinds: impl Iterator<Item = &'static str>) -> Result<usize> {
        ensure!((1..=DAYS_MAX).contains(&self.days), "--days is 1 to {DAYS_MAX}");
        let kinds: Vec<&str> = kinds.collect();
        for kind in &self.only {
            ensure!(kinds.contains(&kind.as_str()), "--only {kind:?}: the kinds are {}", kinds.join(", "));
        }
        Ok(self.days * 24)
    }

    /// Whether a kind is asked for.
    pub(crate) fn is_wanted(&self, kind: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == kind)
    }

    /// So many of the kinds that are asked for, in turn.
    ///
    /// # Errors
    /// More than there may be.
    pub(crate) fn in_turn(
        &self,
        kinds: impl Iterator<Item = &'static str>,
        (usual, most): (impl FnOnce(usize) -> usize, usize),
    ) -> Result<Vec<&'static str>> {
        let kinds: Vec<&str> = kinds.filter(|kind| self.is_wanted(kind)).collect();
        let count = self.campaigns.unwrap_or_else(|| usual(kinds.len()));
        ensure!(count <= most, "--campaigns is at most {most}");
        Ok(if kinds.is_empty() { Vec::new() } else { kinds.into_iter().cycle().take(count).collect() })
    }
}

/// A time as it is typed, in milliseconds since 1970.
///
/// # Errors
/// It is none.
pub(crate) fn start_ms(start: &str) -> Result<i64> {
    let start: jiff::Timestamp = start.parse().with_context(|| format!("--start {start:?}"))?;
    Ok(start.as_millisecond())
}

/// Writes a seeded stream of posts with coordinated campaigns in it, and the truth about them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// Items in all: background, campaigns and look-alikes.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) posts: usize,
    /// Whether benign look-alikes are written.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub(crate) look_alikes: Switch,
    /// Time of the first hour, RFC 3339.
    #[arg(long, default_value = "2026-11-01T00:00:00Z")]
    pub(crate) start: String,
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
        let Arguments { ref stream, posts, .. } = *arguments;
        ensure!((1..=POSTS_MAX).contains(&posts), "--posts is 1 to {POSTS_MAX}");
        let shapes = || SHAPES.iter().map(|shape| shape.kind);
        let usual = |_| posts.div_ceil(POSTS_PER_CAMPAIGN);
        let look_alikes: Vec<&str> = match arguments.look_alikes {
            Switch::On => shapes().filter(|kind| stream.is_wanted(kind)).collect(),
            Switch::Off => Vec::new(),
        };
        Ok(Self {
            seed: stream.seed,
            posts,
            start_ms: start_ms(&arguments.start)?,
            hours: stream.hours(KINDS.into_iter().chain(shapes()))?,
            accounts: (posts / POSTS_PER_ACCOUNT).max(ACCOUNTS_MIN),
            campaigns: stream.in_turn(KINDS.into_iter(), (usual, CAMPAIGNS_MAX))?,
            look_alikes: look_alikes.repeat(posts.div_ceil(POSTS_PER_LOOK_ALIKE)),
        })
    }
}
