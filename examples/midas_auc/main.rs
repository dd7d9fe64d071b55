//! How well MIDAS, MIDAS-R and MIDAS-F rank labelled edges and generated engagement events.
//!
//! ```text
//! cargo run --release --example midas_auc -- darpa darpa_original.csv
//! cargo run --release --example midas_auc -- stream items.jsonl truth.jsonl
//! ```
//!
//! `darpa_original.csv` is in `data/DARPA/darpa_original.zip` of the repository Stream-AD/MIDAS on GitHub (Apache-2.0;
//! traffic of MIT Lincoln Laboratory, 1998): lines `source,destination,month/day/year-hour:minute,label`, the label `-` where
//! there is no attack.
//! `items.jsonl` and `truth.jsonl` come from `cargo run --release --example loadtest -- engagement`; edges are actor and
//! target, and the score of a target-hour is the largest, or the mean, of its events. It is judged as any other score.
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "a program")]
#![allow(clippy::print_stdout, reason = "a program that measures and prints")]
#![allow(clippy::disallowed_methods, reason = "a program that measures time")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "figures are printed with three digits, and files are smaller than 2^32 lines"
)]

#[path = "../../benches/midas/core.rs"]
mod core;
#[allow(dead_code, unused_imports, reason = "shared with the load generator")]
#[path = "../../loadtest/engagement/judge/mod.rs"]
mod judge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::Value;

use crate::core::{Detector, Shape, detectors};
use crate::judge::rank::{auc, average_precision};
use crate::judge::truth::{hour_of, time_ms};
use crate::judge::{Scores, Truth};

const SEEDS: [u64; 3] = [1, 2, 3];
const ROWS: usize = 2;
const COLUMNS: usize = 1_024;
/// Ticks and columns of the runs over a generated stream.
const STREAM_TICKS_MIN: [i64; 2] = [10, 60];
const STREAM_COLUMNS: [usize; 2] = [1_024, 65_536];

/// How well MIDAS, MIDAS-R and MIDAS-F rank.
#[derive(Debug, Parser)]
enum Command {
    /// Edges `source,destination,minute,label`.
    Darpa { csv: PathBuf },
    /// A stream and the truth of `loadtest engagement`.
    Stream { items: PathBuf, truth: PathBuf },
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?))
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Darpa { csv } => darpa(&csv),
        Command::Stream { items, truth } => stream(&items, &truth),
    }
}

/// An edge, and whether it is an attack.
struct Labelled {
    source: u64,
    destination: u64,
    tick: u32,
    is_attack: bool,
}

/// Edges in the order of the file. Ticks are the minutes that occur, numbered from 1.
fn read_edges(path: &Path) -> Result<Vec<Labelled>> {
    let (mut edges, mut minutes) = (Vec::new(), Vec::new());
    let (mut hosts, mut ticks) = (HashMap::<String, u64>::new(), BTreeMap::<String, u32>::new());
    for (number, line) in (1..).zip(open(path)?.lines()) {
        let line = line?;
        let fields: Vec<&str> = line.split(',').collect();
        let [source, destination, minute, label] = fields[..] else {
            bail!("line {number} has not four fields: {line:?}");
        };
        let mut host = |name: &str| {
            let next = hosts.len() as u64;
            *hosts.entry(name.to_owned()).or_insert(next)
        };
        let (source, destination, is_attack) = (host(source), host(destination), label.trim() != "-");
        edges.push(Labelled { source, destination, tick: 0, is_attack });
        // Months come first, and all is of one year: the order of the text is that of time.
        ticks.insert(minute.to_owned(), 0);
        minutes.push(minute.to_owned());
    }
    ticks.values_mut().zip(1..).for_each(|(tick, nth)| *tick = nth);
    edges.iter_mut().zip(&minutes).for_each(|(edge, minute)| edge.tick = ticks[minute]);
    Ok(edges)
}

/// Event-level figures, three seeds.
fn darpa(path: &Path) -> Result<()> {
    let edges = read_edges(path)?;
    println!("{} edges, {ROWS} x {COLUMNS} cells, one thread", edges.len());
    for seed in SEEDS {
        for (name, mut detector) in detectors(Shape { rows: ROWS, columns: COLUMNS, seed }) {
            let begin = Instant::now();
            let scores: Vec<f32> =
                edges.iter().map(|edge| detector.score(edge.source, edge.destination, edge.tick)).collect();
            let rate = edges.len() as f64 / begin.elapsed().as_secs_f64() / 1e6;
            let side = |is_attack: bool| -> Vec<f64> {
                let scored = edges.iter().zip(&scores).filter(|(edge, _)| edge.is_attack == is_attack);
                scored.map(|(_, score)| f64::from(*score)).collect()
            };
            let (attacks, others) = (side(true), side(false));
            let area = auc(&attacks, &others).unwrap_or(f64::NAN);
            let precision = average_precision(&attacks, &others).unwrap_or(f64::NAN);
            println!("seed {seed}  {name:8} AUC {area:.4}  AP {precision:.4}  {rate:6.2} M edges/s");
        }
    }
    Ok(())
}

/// An engagement event: numbers of its actor and its target, its time; the target as the truth numbers it.
struct Event {
    actor: u64,
    target: u64,
    time_ms: i64,
    row: Option<(u32, i64)>,
}

fn read_events(path: &Path, truth: &Truth) -> Result<Vec<Event>> {
    let (mut events, mut numbers) = (Vec::new(), HashMap::<String, u64>::new());
    for line in open(path)?.lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let (Some(actor), Some(target)) = (line["actor"]["id"].as_str(), line["target"]["id"].as_str())
        else {
            continue;
        };
        let time_ms = time_ms(&line["time"]).context("an event without a time")?;
        let mut number = |id: &str| {
            let next = numbers.len() as u64;
            *numbers.entry(id.to_owned()).or_insert(next)
        };
        let row = truth.target(target).map(|known| (known, hour_of(time_ms)));
        events.push(Event { actor: number(actor), target: number(target), time_ms, row });
    }
    Ok(events)
}

/// Scores of target-hours: the largest of the events', and their mean.
fn score_rows(detector: &mut dyn Detector, events: &[Event], tick_ms: i64) -> [Scores; 2] {
    let mut rows: HashMap<(u32, i64), (f64, f64, f64)> = HashMap::new();
    let first = events.iter().map(|event| event.time_ms.div_euclid(tick_ms)).min().unwrap_or(0);
    let mut tick = 1;
    for event in events {
        // An event that arrives late belongs to the tick that is open.
        tick = tick.max((event.time_ms.div_euclid(tick_ms) - first) as u32 + 1);
        let score = f64::from(detector.score(event.actor, event.target, tick));
        if let Some(row) = event.row {
            let entry = rows.entry(row).or_default();
            *entry = (entry.0.max(score), entry.1 + score, entry.2 + 1.0);
        }
    }
    let (mut largest, mut mean) = (Scores::default(), Scores::default());
    for (row, (most, sum, count)) in rows {
        largest.by_row.entry(row).or_default().points = most;
        mean.by_row.entry(row).or_default().points = sum / count;
    }
    [largest, mean]
}

/// Target-hour figures.
fn stream(items: &Path, truth: &Path) -> Result<()> {
    let truth = Truth::read(open(truth)?)?;
    let events = read_events(items, &truth)?;
    println!("{} events; target-hours as in score-engagement", events.len());
    println!(
        "tick min  columns  detector  of row    AUC   macro at 1 %  pooled at 1 %  pooled at 0.1 %  AUC of targets"
    );
    for minutes in STREAM_TICKS_MIN {
        for columns in STREAM_COLUMNS {
            for (name, mut detector) in detectors(Shape { rows: ROWS, columns, seed: 1 }) {
                let scores = score_rows(detector.as_mut(), &events, minutes * 60_000);
                for (of_row, scores) in ["largest", "mean"].iter().zip(scores) {
                    let figures = judge::judge(&truth, &scores);
                    let [at_1, at_01] = figures.thresholds;
                    let figure = |value: Option<f64>| value.unwrap_or(f64::NAN);
                    println!(
                        "{minutes:8} {columns:8}  {name:8}  {of_row:8}{:.4} {:14.4} {:14.4} {:16.4} {:15.4}",
                        figure(figures.auc),
                        figure(figures.macro_recall(at_1)),
                        figure(figures.positive.above(at_1)),
                        figure(figures.positive.above(at_01)),
                        figure(auc(&figures.targets.positive, &figures.targets.negative)),
                    );
                }
            }
        }
    }
    Ok(())
}
