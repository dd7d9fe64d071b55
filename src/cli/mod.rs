//! Commands for people and scripts.
//!
//! Exit codes: 0 done, 1 the run failed, 2 bad usage, 3 rejected lines and `--strict`.

mod args;
mod check;
mod clusters;
mod config;
mod corpus;
mod eval;
mod eval_pairs;
mod explain;
mod key;
mod log;
mod render;
mod rescan;
mod serve;

use std::path::Path;
use std::process::ExitCode;

pub use args::Arguments;
use args::Command;

use crate::engine::{Bundle, BundleError, embedded_files};
use crate::lexicon::SourceFile;
use crate::store::read_bundle_dir;
use crate::telemetry::Clock;

/// Runs one command and tells the exit code. Errors go to standard error.
pub fn run(arguments: Arguments) -> ExitCode {
    let clock = Clock::start();
    let result = match arguments.command {
        Command::Rescan(arguments) => rescan::run(arguments, clock),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Key(command) => key::run(command),
        Command::Clusters(arguments) => clusters::run(&arguments, clock),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
    };
    let printed = |code| match render::failure() {
        Some(e) => Err(Failure::Run(format!("standard output: {e}"))),
        None => Ok(code),
    };
    result.and_then(printed).unwrap_or_else(|failure| {
        render::error(&failure.to_string());
        failure.code()
    })
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something that the caller should have known: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Exit code 1.
    #[error("{0}")]
    Run(String),
}

impl Failure {
    /// A failed run, from any error.
    pub(crate) fn run(error: impl std::fmt::Display) -> Self {
        Self::Run(error.to_string())
    }

    fn code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Run(_) => ExitCode::from(1),
        }
    }
}

/// The files of the bundle that was asked for: a directory, or the shipped one.
fn bundle_files(dir: Option<&Path>) -> Result<Vec<SourceFile>, BundleError> {
    let shipped = embedded_files();
    match dir {
        Some(dir) => read_bundle_dir(dir, &shipped),
        None => Ok(shipped),
    }
}

fn load_bundle(dir: Option<&Path>) -> Result<Bundle, Failure> {
    let files = bundle_files(dir).map_err(Failure::run)?;
    Bundle::load(&files, Clock::today()).map_err(Failure::run)
}
