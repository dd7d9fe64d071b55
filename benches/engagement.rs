//! Events per second of the engagement detector with scoring, and bytes per row: `cargo bench --bench engagement`, or
//! `-- 1000000`, `-- 10000000` for a number of targets, `-- rows` for a state of ten million targets and fifty million actors.
//!
//! Events are made before the clock starts, in memory, in the order of time: targets and actors with heavy tails, nine reads of
//! ten. Figures are medians of rounds of wall time on one thread, each round with a detector of its own.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]
#![allow(clippy::disallowed_methods, reason = "a program that measures time")]
#![allow(clippy::cast_precision_loss, reason = "figures are printed with three digits")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "random numbers")]

use std::time::Instant;

use qingliu::engagement::{Config, Detector, Event, Kind, Limits, Tags, TargetKind};

const ROUNDS: usize = 3;
const EVENTS: usize = 6_000_000;
/// Hours that the events are spread over.
const HOURS: u32 = 12;
const BATCH: usize = 4096;
const START_S: u32 = 1_793_577_600;

struct Mixed(u64);

impl Mixed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) ^ mixed >> 31
    }

    /// A rank below `limit`: log-uniform, as with Zipf's law of exponent one.
    fn rank(&mut self, limit: u64) -> u64 {
        let u = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((limit as f64).powf(u) as u64 - 1).min(limit - 1)
    }
}

fn hashed(id: u64) -> u64 {
    Mixed(id).next()
}

fn events(targets: u64, actors: u64) -> Vec<Event> {
    let mut random = Mixed(1);
    (0..EVENTS)
        .map(|i| {
            let time_s = START_S + (i as u64 * u64::from(HOURS) * 3600 / EVENTS as u64) as u32;
            let actor = random.next() % actors;
            let kind = match random.next() % 40 {
                0..36 => Kind::Read,
                36 => Kind::Comment,
                37 => Kind::Follow,
                _ => Kind::Like,
            };
            Event {
                time_s,
                actor: hashed(actor),
                target: hashed(random.rank(targets) + (1 << 40)),
                device: actor as u32 | 1,
                network: (actor / 3) as u32 | 1,
                age_days: (actor % 2000) as u16,
                kind,
                tags: Tags::new(TargetKind::Post, (actor % 9) as u8),
            }
        })
        .collect()
}

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let is_asked = |name: &str| filters.is_empty() || filters.iter().any(|filter| filter == name);
    for targets in [1_000_000_u64, 10_000_000] {
        if is_asked(&targets.to_string()) {
            measure(targets, targets * 5);
        }
    }
    if is_asked("rows") {
        measure_rows();
    }
}

fn measure(targets: u64, actors: u64) {
    let events = events(targets, actors);
    let mut limits = Limits::LARGE;
    limits.pairs_max = 1 << 25;
    let (mut rates, mut slow, mut scores, mut hours) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..ROUNDS {
        let mut config = Config::new(limits);
        config.report_score_min = 3.0;
        let (mut detector, mut out) = (Detector::new(config), Vec::new());
        let mut batches = Vec::with_capacity(EVENTS / BATCH + 1);
        let start = Instant::now();
        for batch in events.chunks(BATCH) {
            let batch_start = Instant::now();
            detector.observe(batch, &mut out);
            batches.push(batch_start.elapsed().as_nanos() as f64 / batch.len() as f64);
        }
        detector.finish(&mut out);
        rates.push(EVENTS as f64 / start.elapsed().as_secs_f64() / 1e6);
        batches.sort_by(f64::total_cmp);
        slow.push(batches[batches.len() * 99 / 100]);
        (scores, hours) = (out.len(), detector.counts().scored_hours);
    }
    rates.sort_by(f64::total_cmp);
    slow.sort_by(f64::total_cmp);
    println!(
        "{targets} targets, {actors} actors: {:.2} M events/s (lowest {:.2}, highest {:.2}), p99 over batches of {BATCH} {:.0} ns/event, {hours} target-hours scored, {scores} records",
        rates[ROUNDS / 2],
        rates[0],
        rates[ROUNDS - 1],
        slow[ROUNDS / 2],
    );
}

/// Fills a state of the largest limits once and prints what it holds.
fn measure_rows() {
    let mut config = Config::new(Limits::LARGE);
    config.report_score_min = 3.0;
    let (targets, actors) = (u64::from(config.limits.targets_max), u64::from(config.limits.actors_max));
    let (mut detector, mut out) = (Detector::new(config), Vec::new());
    let mut batch = Vec::with_capacity(BATCH);
    for i in 0..actors {
        batch.push(Event {
            time_s: START_S + (i / 5000) as u32,
            actor: hashed(i),
            target: hashed(i % targets + (1 << 40)),
            device: i as u32 | 1,
            network: i as u32 | 1,
            age_days: 500,
            kind: Kind::Read,
            tags: Tags::new(TargetKind::Post, 5),
        });
        if batch.len() == BATCH {
            detector.observe(&batch, &mut out);
            batch.clear();
        }
    }
    detector.observe(&batch, &mut out);
    detector.finish(&mut out);
    let (rows, bytes) = (detector.rows(), detector.memory_bytes());
    println!(
        "{} targets, {} actors: {bytes} bytes, {:.3} GiB; {:?}",
        rows.0,
        rows.1,
        bytes as f64 / f64::from(1 << 30),
        detector.counts(),
    );
}
