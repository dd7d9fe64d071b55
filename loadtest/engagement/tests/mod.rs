//! What the generator of engagement events and the judge promise.

mod figures;
mod stars;
mod stream;
mod truth;

use serde_json::Value;

use crate::engagement::attacks::ATTACKS;
use crate::engagement::generate::{Summary, generate};
use crate::engagement::innocents::INNOCENTS;
use crate::engagement::options::Run;

/// A run with every kind in it, twice for the attacks.
fn small_run(seed: u64) -> Run {
    Run {
        seed,
        events: 60_000,
        start_ms: 1_793_145_600_000,
        hours: 7 * 24,
        targets: 600,
        actors: 5_000,
        attacks: ATTACKS.iter().map(|(kind, _)| *kind).cycle().take(2 * ATTACKS.len()).collect(),
        innocents: INNOCENTS.iter().map(|(kind, _)| *kind).collect(),
    }
}

/// A run of background only.
fn clean_run(seed: u64) -> Run {
    Run { attacks: Vec::new(), innocents: Vec::new(), ..small_run(seed) }
}

/// Stream, truth and summary of a run.
fn written(run: &Run) -> (String, String, Summary) {
    let (mut stream, mut truth) = (Vec::new(), Vec::new());
    let summary = generate(run, &mut stream, &mut truth).unwrap();
    (String::from_utf8(stream).unwrap(), String::from_utf8(truth).unwrap(), summary)
}

fn values(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn time_ms(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// Hours since 1970.
fn hour(value: &Value) -> i64 {
    time_ms(value).div_euclid(3_600_000)
}
