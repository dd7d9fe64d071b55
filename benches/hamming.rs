//! `SimHash` beside the crate that defines it, and the Hamming index beside brute force and gaoya:
//! `cargo bench --bench hamming`, or `-- simhash`, `-- 1000000`, `-- 10000000` for one part.
//!
//! Fingerprints are random, each query is one of them with as many changed bits as the radius. Engines run in turns;
//! figures are medians of the rounds, with the lowest and the highest, in nanoseconds of wall time on one thread.
//! Posts are those of `benches/scanner`, cut to a hundred characters.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]
#![allow(clippy::disallowed_methods, reason = "a program that measures time")]
#![allow(clippy::cast_precision_loss, reason = "figures are printed with three digits")]
#![allow(clippy::cast_possible_truncation, reason = "numbers of rows are small")]

#[allow(dead_code, reason = "shared with another program")]
#[path = "scanner/data.rs"]
mod data;

use std::hint::black_box;
use std::time::Instant;

use gaoya::simhash::SimHashIndex;
use qingliu::neardup::{HammingIndex, Radius, Segment, SimhashScratch, simhash, simhash_by_definition};

const ROUNDS: usize = 9;
const BUILD_ROUNDS: usize = 3;
/// Queries of a round; brute force and gaoya take a part of them.
const QUERIES: usize = 2000;
const BRUTE_FORCE_QUERIES: usize = 3;
const GAOYA_QUERIES: usize = 500;
/// gaoya takes most of a minute to build more.
const GAOYA_ROWS_MAX: usize = 1_000_000;
const POST_CHARS: usize = 100;
const ROWS: [usize; 2] = [1_000_000, 10_000_000];
/// Rows that a live index keeps in its tail.
const TAIL_ROWS: usize = 1 << 18;

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let is_asked = |name: &str| filters.is_empty() || filters.iter().any(|filter| filter == name);
    if is_asked("simhash") {
        measure_simhash();
    }
    for rows in ROWS {
        if is_asked(&rows.to_string()) {
            measure_index(rows);
        }
    }
}

/// Its name, and a round over all posts that gives something of their values.
type Engine<'e> = (&'static str, Box<dyn FnMut() -> u64 + 'e>);

fn measure_simhash() {
    let inputs = data::Inputs::new();
    let posts: Vec<String> =
        inputs.posts().iter().map(|post| post.chars().take(POST_CHARS).collect()).collect();
    let chars: usize = posts.iter().map(|post| post.chars().count()).sum();
    println!("\nsimhash: {}; {} posts, {chars} characters", inputs.origin(), posts.len());
    let mut scratch = SimhashScratch::default();
    let ours =
        || posts.iter().filter_map(|post| simhash(post, &mut scratch)).fold(0, |sum, value| sum ^ value);
    let defined =
        || posts.iter().filter_map(|post| simhash_by_definition(post)).fold(0, |sum, value| sum ^ value);
    let repeated = || {
        let pairs = |post: &String| {
            let starts: Vec<usize> = post.char_indices().map(|(start, _)| start).collect();
            let ends = starts.iter().skip(2).copied().chain([post.len()]);
            ::simhash::simhash_stream(starts.iter().zip(ends).map(|(start, end)| &post[*start..end]))
        };
        posts.iter().map(pairs).fold(0, |sum, value| sum ^ value)
    };
    let mut engines: [Engine<'_>; 3] = [
        ("bit-sliced, set of pairs", Box::new(ours)),
        ("the crate, set of pairs", Box::new(defined)),
        ("the crate, repeats included", Box::new(repeated)),
    ];
    let mut times = [const { Vec::new() }; 3];
    let mut sums = [0; 3];
    for round in 0..=ROUNDS {
        for (index, (_, run)) in engines.iter_mut().enumerate() {
            let start = Instant::now();
            sums[index] = run();
            if round > 0 {
                times[index].push(start.elapsed().as_nanos() as f64 / posts.len() as f64);
            }
        }
    }
    assert_eq!(sums[0], sums[1], "the values differ");
    for ((name, _), times) in engines.iter().zip(times) {
        print_line(name, "ns/post", times);
    }
}

/// A well mixed sequence: splitmix64, Steele and others (2014).
struct Mixed(u64);

impl Mixed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// Queries at a distance of a row each, and the number of that row.
fn planted(rows: &[(u64, u32)], distance: u32, random: &mut Mixed) -> Vec<(u64, u32)> {
    let plant = |_| {
        let (source, id) = rows[(random.next() % rows.len() as u64) as usize];
        let mut changed = source;
        while (changed ^ source).count_ones() < distance {
            changed ^= 1 << (random.next() % 64);
        }
        (changed, id)
    };
    (0..QUERIES).map(plant).collect()
}

fn measure_index(count: usize) {
    let mut random = Mixed(count as u64);
    let rows: Vec<(u64, u32)> = (0..count).map(|id| (random.next(), id as u32)).collect();
    println!("\n{count} fingerprints");
    let mut builds = Vec::new();
    let mut segment = Segment::build(&[]).unwrap();
    for _ in 0..BUILD_ROUNDS {
        let start = Instant::now();
        segment = Segment::build(&rows).unwrap();
        builds.push(start.elapsed().as_nanos() as f64 / count as f64);
    }
    print_line("segment, build", "ns/row", builds);
    println!("  {:34} {:10.1} bytes/row", "segment, memory", segment.memory_bytes() as f64 / count as f64);
    let mut bytes = Vec::new();
    segment.save(&mut bytes).unwrap();
    let start = Instant::now();
    assert!(Segment::load(&bytes).unwrap() == segment);
    let load = start.elapsed().as_nanos() as f64 / count as f64;
    println!(
        "  {:34} {:10.1} bytes/row, loaded in {load:.0} ns/row",
        "segment, saved",
        bytes.len() as f64 / count as f64
    );
    drop(bytes);
    let start = Instant::now();
    let plain = Plain::build(&rows);
    let build = start.elapsed().as_nanos() as f64 / count as f64;
    println!("  {:34} {build:10.0} ns/row, 48 bytes/row and 1 MiB", "four whole copies, build");
    for distance in [3, 6] {
        let queries = planted(&rows, distance, &mut random);
        measure_queries(&segment, &plain, &rows, &queries, distance);
    }
    drop(plain);
    measure_tail(&rows);
    if count <= GAOYA_ROWS_MAX {
        for (blocks, distance) in [(4, 3), (5, 4)] {
            measure_gaoya(&rows, blocks, distance, &mut random);
        }
    }
}

/// Four tables of whole rows, each sorted by one block: what a segment is without its filters.
struct Plain {
    tables: [(Vec<u32>, Vec<u64>, Vec<u32>); 4],
}

impl Plain {
    fn build(rows: &[(u64, u32)]) -> Self {
        Self { tables: [0, 1, 2, 3].map(|table| Self::table(rows, 16 * table)) }
    }

    fn table(rows: &[(u64, u32)], shift: u32) -> (Vec<u32>, Vec<u64>, Vec<u32>) {
        let bucket = |fingerprint: u64| (fingerprint >> shift & 0xffff) as usize;
        let mut starts = vec![0; (1 << 16) + 1];
        rows.iter().for_each(|row| starts[bucket(row.0) + 1] += 1);
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let (mut next, mut words, mut ids) = (starts.clone(), vec![0; rows.len()], vec![0; rows.len()]);
        for (fingerprint, id) in rows {
            let next: &mut u32 = &mut next[bucket(*fingerprint)];
            words[*next as usize] = *fingerprint;
            ids[*next as usize] = *id;
            *next += 1;
        }
        (starts, words, ids)
    }

    /// Every bucket that may hold something, repeats included.
    fn query_into(&self, query: u64, radius: u32, out: &mut Vec<(u32, u32)>) {
        for (shift, (starts, words, ids)) in (0..64).step_by(16).zip(&self.tables) {
            let own = query >> shift & 0xffff;
            let neighbours = if radius < 4 { 0 } else { 16 };
            for bucket in std::iter::once(own).chain((0..neighbours).map(|bit| own ^ 1 << bit)) {
                let rows = starts[bucket as usize] as usize..starts[bucket as usize + 1] as usize;
                for (word, id) in words[rows.clone()].iter().zip(&ids[rows]) {
                    let distance = (word ^ query).count_ones();
                    if distance <= radius {
                        out.push((*id, distance));
                    }
                }
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}

fn measure_queries(
    segment: &Segment,
    plain: &Plain,
    rows: &[(u64, u32)],
    queries: &[(u64, u32)],
    distance: u32,
) {
    let radius = Radius::new(distance).unwrap();
    let (mut indexed, mut whole, mut brute) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hits, mut looked, mut out) = (0, 0, Vec::new());
    for round in 0..=ROUNDS {
        (hits, looked) = (0, 0);
        let start = Instant::now();
        for (query, id) in queries {
            out.clear();
            looked += segment.query_into(*query, radius, &mut out).rows;
            hits += usize::from(out.iter().any(|(found, _)| found == id));
        }
        let indexed_ns = start.elapsed().as_nanos() as f64 / queries.len() as f64;
        let start = Instant::now();
        for (query, _) in queries {
            out.clear();
            plain.query_into(*query, distance, &mut out);
            black_box(&out);
        }
        let whole_ns = start.elapsed().as_nanos() as f64 / queries.len() as f64;
        let start = Instant::now();
        for (query, _) in &queries[..BRUTE_FORCE_QUERIES] {
            let near = |row: &&(u64, u32)| (row.0 ^ black_box(*query)).count_ones() <= distance;
            black_box(rows.iter().filter(near).count());
        }
        if round > 0 {
            indexed.push(indexed_ns);
            whole.push(whole_ns);
            brute.push(start.elapsed().as_nanos() as f64 / BRUTE_FORCE_QUERIES as f64);
        }
    }
    print_line(&format!("segment, r <= {distance}"), "ns/query", indexed);
    let recall = 100.0 * hits as f64 / queries.len() as f64;
    println!(
        "  {:34} {:10} rows/query, {recall:.1} % of the planted found",
        "",
        looked / queries.len() as u64
    );
    print_line(&format!("four whole copies, r <= {distance}"), "ns/query", whole);
    print_line(&format!("brute force, r <= {distance}"), "ns/query", brute);
}

/// The part of an index that is still growing.
fn measure_tail(rows: &[(u64, u32)]) {
    let mut index = HammingIndex::new(TAIL_ROWS);
    let empty = index.memory_bytes();
    let start = Instant::now();
    rows.iter().take(TAIL_ROWS).for_each(|(fingerprint, id)| index.insert(*fingerprint, *id).unwrap());
    let insert = start.elapsed().as_nanos() as f64 / TAIL_ROWS as f64;
    let bytes = (index.memory_bytes() - empty) as f64 / TAIL_ROWS as f64;
    println!("  {:34} {insert:10.0} ns/row, {bytes:.1} bytes/row", format!("tail of {TAIL_ROWS}, insert"));
    let mut out = Vec::new();
    for distance in [3, 6] {
        let times = (0..ROUNDS).map(|_| {
            let start = Instant::now();
            for (query, _) in rows.iter().rev().take(QUERIES) {
                out.clear();
                black_box(index.query_into(*query, Radius::new(distance).unwrap(), &mut out));
            }
            start.elapsed().as_nanos() as f64 / QUERIES as f64
        });
        print_line(&format!("tail, r <= {distance}"), "ns/query", times.collect());
    }
}

/// gaoya's filter is `distance < d`: planted at `d - 1` and at `d`.
fn measure_gaoya(rows: &[(u64, u32)], blocks: usize, distance: u32, random: &mut Mixed) {
    let name = format!("gaoya ({blocks}, {distance})");
    let before = resident_bytes();
    let start = Instant::now();
    let mut index: SimHashIndex<u64, u32> = SimHashIndex::new(blocks, distance as usize);
    rows.iter().for_each(|(fingerprint, id)| index.insert(*id, *fingerprint));
    let insert = start.elapsed().as_nanos() as f64 / rows.len() as f64;
    let bytes = (resident_bytes() - before) / rows.len() as f64;
    println!("  {:34} {insert:10.0} ns/row, {bytes:.0} bytes/row resident", format!("{name}, insert"));
    for planted_at in [distance - 1, distance] {
        let queries = planted(rows, planted_at, random);
        let mut hits = 0;
        let times = (0..ROUNDS).map(|_| {
            let start = Instant::now();
            let found = queries[..GAOYA_QUERIES].iter().map(|(query, id)| index.query(query).contains(id));
            hits = found.filter(|found| *found).count();
            start.elapsed().as_nanos() as f64 / GAOYA_QUERIES as f64
        });
        let times = times.collect();
        print_line(&format!("{name}, planted at {planted_at}"), "ns/query", times);
        println!("  {:34} {:10.1} % of the planted found", "", 100.0 * hits as f64 / GAOYA_QUERIES as f64);
    }
}

/// What the process occupies; 0 where the system does not say.
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim_matches([' ', '\t', 'k', 'B']).parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

fn print_line(name: &str, unit: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let (min, max) = (times[0], times[times.len() - 1]);
    println!("  {name:34} {:10.0} {unit} (min {min:.0}, max {max:.0})", times[times.len() / 2]);
}
