//! Events per second of the engagement detector with scoring, and bytes per row: `cargo bench --bench engagement`, or with the
//! names of some feeds, `-- rows` for a state of ten million targets and fifty million actors.
//!
//! Events are made before the clock starts, in memory, in the order of time, nine reads of ten; targets follow Zipf's law. Feeds:
//! `small` has 20,000 targets and 100,000 actors, whose rows fit into caches; in `skewed` a tenth of five million actors do
//! nearly half of everything, at a million targets; in `1000000` and `10000000`, named after their targets, five times as many actors
//! act equally often, which no site's do: nearly every event misses the cache with all that it touches. Figures are medians of
//! rounds on one thread, each round with a detector of its own: wall time, and beside it processor time where the kernel tells it.
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

    /// A number below `limit`, the cube of an even one: the first tenth comes up 46 times of 100.
    fn cubed(&mut self, limit: u64) -> u64 {
        let u = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((limit as f64 * u.powi(3)) as u64).min(limit - 1)
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

/// What a feed is made of.
struct Feed {
    name: &'static str,
    targets: u64,
    actors: u64,
    is_skewed: bool,
}

const FEEDS: [Feed; 4] = [
    Feed { name: "small", targets: 20_000, actors: 100_000, is_skewed: true },
    Feed { name: "skewed", targets: 1_000_000, actors: 5_000_000, is_skewed: true },
    Feed { name: "1000000", targets: 1_000_000, actors: 5_000_000, is_skewed: false },
    Feed { name: "10000000", targets: 10_000_000, actors: 50_000_000, is_skewed: false },
];

/// Seconds of processor time of this thread.
fn processor_s() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn events(&Feed { targets, actors, is_skewed, .. }: &Feed) -> Vec<Event> {
    let mut random = Mixed(1);
    (0..EVENTS)
        .map(|i| {
            let time_s = START_S + (i as u64 * u64::from(HOURS) * 3600 / EVENTS as u64) as u32;
            let actor = if is_skewed { random.cubed(actors) } else { random.next() % actors };
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
    FEEDS.iter().filter(|feed| is_asked(feed.name)).for_each(measure);
    if is_asked("rows") {
        measure_rows();
    }
}

fn measure(feed: &Feed) {
    let events = events(feed);
    let mut limits = Limits::LARGE;
    limits.pairs_max = 1 << 25;
    let (mut rates, mut used, mut slow, mut scores, mut hours) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
    for _ in 0..ROUNDS {
        let mut config = Config::new(limits);
        config.report_score_min = 3.0;
        let (mut detector, mut out) = (Detector::new(config), Vec::new());
        let mut batches = Vec::with_capacity(EVENTS / BATCH + 1);
        let (start, processor) = (Instant::now(), processor_s());
        for batch in events.chunks(BATCH) {
            let batch_start = Instant::now();
            detector.observe(batch, &mut out);
            batches.push(batch_start.elapsed().as_nanos() as f64 / batch.len() as f64);
        }
        detector.finish(&mut out);
        rates.push(EVENTS as f64 / start.elapsed().as_secs_f64() / 1e6);
        let processor = processor_s().zip(processor).map_or(f64::NAN, |(end, start)| end - start);
        used.push(processor * 1e9 / EVENTS as f64);
        batches.sort_by(f64::total_cmp);
        slow.push(batches[batches.len() * 99 / 100]);
        (scores, hours) = (out.len(), detector.counts().scored_hours);
    }
    rates.sort_by(f64::total_cmp);
    slow.sort_by(f64::total_cmp);
    used.sort_by(f64::total_cmp);
    println!(
        "{}, {} targets, {} actors: {:.2} M events/s (lowest {:.2}, highest {:.2}), {:.0} ns of processor time per event, p99 over batches of {BATCH} {:.0} ns/event, {hours} target-hours scored, {scores} records",
        feed.name,
        feed.targets,
        feed.actors,
        rates[ROUNDS / 2],
        rates[0],
        rates[ROUNDS - 1],
        used[ROUNDS / 2],
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
