//! Load and attack generators, and what scores their results.
//!
//! ```text
//! cargo run --release --example loadtest -- campaigns --seed 7 --posts 100000 --out FILE --truth FILE
//! cargo run --release --example loadtest -- score --decisions FILE --truth FILE [--json FILE]
//! cargo run --release --example loadtest -- engagement --seed 7 --out FILE --truth FILE
//! cargo run --release --example loadtest -- score-engagement --scores FILE --truth FILE [--json FILE]
//! cargo run --release --example loadtest -- starscout --in FILE --months FILE --out FILE --truth FILE
//! cargo run --release --example loadtest -- serve --scenario steady
//! ```
//!
//! `README.md` beside this file says what is simulated, and after which public descriptions. Nothing here knows how
//! the product decides: it writes items in the public interface and reads decisions and scores in it.
#![allow(clippy::print_stdout, reason = "a command-line tool: its report is its output")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a simulation: the values are small, and the options bound them"
)]

mod random;

mod grammar;

mod people;
mod rhythm;

mod background;
mod everyday;
mod post;

mod campaigns;
mod edits;
mod lookalikes;
mod plan;
mod wording;

mod generate;
mod options;

mod engagement;

mod serve;

mod report;
mod score;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::engagement::judge;
use crate::options::{Arguments, Run};

/// Load and attack generators.
#[derive(Debug, Parser)]
#[command(name = "loadtest")]
enum Command {
    /// Write a stream of posts with coordinated campaigns in it, and the truth about them.
    Campaigns(Arguments),
    /// Compare decisions with the truth.
    Score(ScoreArguments),
    /// Write a stream of engagement events with attacks in it, and the truth about them.
    Engagement(engagement::options::Arguments),
    /// Write likes of real suspected-fake stars among simulated ones, and the truth about them.
    Starscout(engagement::starscout::Arguments),
    /// Compare engagement scores with the truth.
    ScoreEngagement(ScoreEngagementArguments),
    /// Put the service under load and say which promises it keeps.
    Serve(serve::options::Arguments),
    /// Serve the empty handler that the service is compared with.
    EmptyHandler(serve::empty::EmptyArguments),
}

/// The same allocator as the service has: the empty handler is compared with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Files of a comparison.
#[derive(Debug, clap::Args)]
struct ScoreArguments {
    /// Decisions, one JSON object per line, in the order in which they were made.
    #[arg(long)]
    decisions: PathBuf,
    /// The truth that `campaigns` wrote.
    #[arg(long)]
    truth: PathBuf,
    /// Write the figures as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Files of a comparison of engagement scores.
#[derive(Debug, clap::Args)]
struct ScoreEngagementArguments {
    /// Scores, one JSON object per line, in the order in which they were made.
    #[arg(long)]
    scores: PathBuf,
    /// The truth that `engagement` wrote.
    #[arg(long)]
    truth: PathBuf,
    /// Write the figures as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Campaigns(arguments) => {
            let run = Run::try_from(&arguments)?;
            let (mut items, mut truth) = (create(&arguments.stream.out)?, create(&arguments.stream.truth)?);
            let summary = generate::generate(&run, &mut items, &mut truth)?;
            items.flush()?;
            println!("{summary:#?}");
        }
        Command::Score(arguments) => {
            let truth = score::Truth::read(open(&arguments.truth)?)?;
            let figures = score::score(&truth, open(&arguments.decisions)?)?;
            print!("{}", report::table(&figures));
            if let Some(path) = &arguments.json {
                write_json(path, &report::json(&figures))?;
            }
        }
        Command::Engagement(arguments) => {
            let run = engagement::options::Run::try_from(&arguments)?;
            let (mut stream, mut truth) = (create(&arguments.stream.out)?, create(&arguments.stream.truth)?);
            let summary = engagement::generate::generate(&run, &mut stream, &mut truth)?;
            println!("{summary:#?}");
        }
        Command::Starscout(arguments) => {
            let [stars, months] = arguments.inputs();
            let inputs = (open(stars)?, open(months)?);
            let (mut stream, mut truth) = (create(&arguments.out)?, create(&arguments.truth)?);
            let (all, suspected) =
                engagement::starscout::convert(&arguments, inputs, &mut stream, &mut truth)?;
            println!("{all} likes, {suspected} of them suspected");
        }
        Command::ScoreEngagement(arguments) => {
            let truth = judge::Truth::read(open(&arguments.truth)?)?;
            let scores = judge::Scores::read(&truth, open(&arguments.scores)?)?;
            let figures = judge::judge(&truth, &scores);
            print!("{}", judge::table(&figures));
            if let Some(path) = &arguments.json {
                write_json(path, &judge::json(&figures))?;
            }
        }
        Command::Serve(arguments) => {
            return Ok(ExitCode::from(u8::from(!serve::run(&arguments)?)));
        }
        Command::EmptyHandler(arguments) => serve::empty::run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_json(path: &Path, figures: &serde_json::Value) -> Result<()> {
    let mut file = create(path)?;
    writeln!(file, "{figures:#}")?;
    Ok(file.flush()?)
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?))
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?))
}
