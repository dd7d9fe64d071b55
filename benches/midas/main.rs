//! Throughput of MIDAS, MIDAS-R and MIDAS-F: `cargo bench --bench midas`.
//!
//! Edges are drawn by Zipf laws, so that no data is needed. Rounds of all three take turns; the figure is the median
//! round on one thread, by the wall clock. The example `midas_auc` runs the same code on labelled edges.
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "a program")]
#![allow(clippy::print_stdout, reason = "a program that measures and prints")]
#![allow(clippy::disallowed_methods, reason = "a program that measures time")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod core;

use std::hint::black_box;
use std::time::Instant;

use crate::core::{Shape, detectors};

const EDGES: usize = 1_000_000;
const ROUNDS: usize = 5;
const NODES: f64 = 50_000.0;
/// Ticks of a dense and of a sparse stream, columns of small and of large sketches.
const TICKS: [u32; 2] = [240, 14_400];
const COLUMNS: [usize; 3] = [1_024, 16_384, 65_536];

/// Source, destination, tick.
type Edge = (u64, u64, u32);

/// Log-uniform node numbers: a Zipf law with exponent 1.
fn edges(ticks: u32) -> Vec<Edge> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut node = || NODES.powf(random.f64()) as u64;
    (0..EDGES).map(|at| (node(), node(), 1 + (at as u64 * u64::from(ticks) / EDGES as u64) as u32)).collect()
}

fn main() {
    println!("{EDGES} edges, median of {ROUNDS} rounds, million edges per second, one thread");
    for ticks in TICKS {
        let edges = edges(ticks);
        for columns in COLUMNS {
            let mut rates: [Vec<f64>; 3] = Default::default();
            let mut names = [""; 3];
            for round in 0..ROUNDS {
                let shape = Shape { rows: 2, columns, seed: round as u64 };
                for (at, (name, mut detector)) in detectors(shape).into_iter().enumerate() {
                    let begin = Instant::now();
                    for (source, destination, tick) in &edges {
                        black_box(detector.score(*source, *destination, *tick));
                    }
                    names[at] = name;
                    rates[at].push(EDGES as f64 / begin.elapsed().as_secs_f64() / 1e6);
                }
            }
            for (name, rates) in names.iter().zip(&mut rates) {
                rates.sort_by(f64::total_cmp);
                println!("{ticks:>6} ticks, 2 x {columns:>6} cells  {name:8}{:>8.2}", rates[ROUNDS / 2]);
            }
        }
    }
}
