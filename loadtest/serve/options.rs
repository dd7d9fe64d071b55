//! What the command line asks for.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::server::Program;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// What the generator itself takes: the empty handler at a rate.
    Floor,
    /// Request rate beside the empty handler's, and latency at half of saturation, or at `--rate`.
    Steady,
    /// Ten times as much as can be had.
    Overload,
    /// Clients that do not read, beside normal traffic.
    SlowReaders,
    /// Bodies, headers and connections that nobody in good faith sends, beside normal traffic.
    Hostile,
    /// Another bundle again and again under load.
    Reload,
    /// The service is ended and killed under load, and started again.
    Restart,
}

/// Puts the service under load and says which promises it keeps. Exit code 1 if one was broken.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What is played.
    #[arg(long, value_enum, default_value_t = Scenario::Steady)]
    pub(crate) scenario: Scenario,
    /// Requests a second; by default half of saturation, which is looked for first.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Length of each measured part.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Items to send, JSON lines; by default generated posts with campaigns, and the shipped samples.
    #[arg(long, num_args = 1..)]
    pub(crate) mix: Vec<PathBuf>,
    /// A service that runs already; scenarios that restart or watch a process need their own.
    #[arg(long, conflicts_with = "binary")]
    pub(crate) url: Option<String>,
    /// The program to start; by default the one that was built beside this.
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// A configuration file for it.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Connections of normal traffic.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Equal distances in place of random ones.
    #[arg(long)]
    pub(crate) even: bool,
    /// Callers of the overload come again at once after a refusal, whatever `Retry-After` says.
    #[arg(long)]
    pub(crate) impatient: bool,
    /// Print the steps towards saturation and nothing else.
    #[arg(long)]
    pub(crate) find_saturation: bool,
    /// Reloads of the scenario.
    #[arg(long, default_value_t = 100)]
    pub(crate) reloads: usize,
    /// Restarts of the scenario; every other one is a kill.
    #[arg(long, default_value_t = 10)]
    pub(crate) restarts: usize,
    /// Write the figures as JSON too.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
}

/// Bounds of what can be asked for.
const RATE_MAX: f64 = 5_000_000.0;
const SECONDS_MAX: u64 = 24 * 60 * 60;
const CONNECTIONS_MAX: usize = 20_000;

impl Arguments {
    /// # Errors
    /// A number out of range.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.rate.is_none_or(|rate| (1.0..=RATE_MAX).contains(&rate)), "--rate is 1 to {RATE_MAX}");
        ensure!((1..=SECONDS_MAX).contains(&self.seconds), "--seconds is 1 to {SECONDS_MAX}");
        ensure!((1..=CONNECTIONS_MAX).contains(&self.connections), "--connections is 1 to {CONNECTIONS_MAX}");
        ensure!(self.reloads <= 10_000 && self.restarts <= 10_000, "at most 10000 reloads and restarts");
        Ok(())
    }

    /// The address of `--url`.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn address(&self) -> Result<Option<SocketAddr>> {
        let Some(url) = &self.url else { return Ok(None) };
        let address = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
        Ok(Some(address.parse().context("--url is http://ADDRESS:PORT")?))
    }

    /// The service to start, with further arguments.
    ///
    /// # Errors
    /// There is no such program.
    pub(crate) fn service(&self, more: &[&str]) -> Result<Program> {
        let beside = || -> Result<PathBuf> {
            let own = std::env::current_exe()?;
            let target = own.parent().and_then(|examples| examples.parent()).context("no directory")?;
            Ok(target.join("qingliu"))
        };
        let binary = self.binary.clone().map_or_else(beside, Ok)?;
        ensure!(
            binary.is_file(),
            "{}: build it with `cargo build --release`, or say --binary",
            binary.display()
        );
        let mut arguments: Vec<String> = more.iter().map(|&argument| argument.to_owned()).collect();
        if let Some(config) = &self.config {
            arguments.extend(["--config".to_owned(), config.display().to_string()]);
        }
        Ok(Program::Service { binary, arguments })
    }
}
