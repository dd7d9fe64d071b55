//! What fuzzing has kept, run again and varied at random: no input panics, and what must hold holds.
//!
//! `QINGLIU_FUZZ_ROUNDS=100000 cargo test --test fuzz -- --nocapture` varies each target's inputs so often; `fuzz/README.md` tells
//! how the same targets are fuzzed by coverage. An input that fails is left in `target/fuzz/`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use fastrand::Rng;

#[path = "../fuzz/targets.rs"]
mod targets;

/// Variations of each target without the variable: enough to see that varying works.
const ROUNDS: usize = 60;
/// Longest input, bytes.
const BYTES_MAX: usize = 1 << 16;

/// What inputs are made of: pieces that matter to one of the parsers.
const PIECES: [&str; 48] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\r\n",
    "null",
    "true",
    "1e999",
    "-1",
    "18446744073709551616",
    "0.1",
    "\\ud83d",
    "\\u0000",
    "\"text\":",
    "\"fields\":{",
    "\"time\":",
    "\"account\":",
    "\"type\":\"engagement\",",
    "\"kind\":",
    "\"target\":",
    "\"actor\":",
    "\"count\":",
    "\"from\":",
    "\u{200b}",
    "\u{202e}",
    "\u{301}\u{301}",
    "👨‍👩‍👧",
    "真人荷官",
    "加微信 abc12345",
    "(wēi)",
    "①③⑧",
    "臺(tái)",
    "&#x771f;",
    "%E7%9C%9F",
    "55yf5Lq6",
    "〔〕",
    "= ",
    "[[",
    "]]",
    "weight = ",
    "unless = [",
    "9999-12-31",
    "�",
    "ﷺ",
];

/// Runs the kept inputs of a target, and variations of them.
fn run(target: &str, judge: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = fs::read_dir(root.join("fuzz/seeds").join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty(), "{target} has no inputs");
    let try_one = |input: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| judge(input))) {
            let folder = root.join("target/fuzz");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{target}-{}", crc32fast::hash(input))), input).unwrap();
            resume_unwind(panic);
        }
    };
    seeds.iter().for_each(|seed| try_one(seed));
    let asked = std::env::var("QINGLIU_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let seed = std::env::var("QINGLIU_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut random = Rng::with_seed(seed.unwrap_or(20_261_122));
    let mut pool = seeds.clone();
    for _ in 0..asked.unwrap_or(ROUNDS) {
        let mut input = pool[random.usize(0..pool.len())].clone();
        for _ in 0..random.usize(1..6) {
            vary(&mut input, &seeds, &mut random);
        }
        input.truncate(BYTES_MAX);
        try_one(&input);
        // What was varied is varied further.
        if pool.len() < 400 {
            pool.push(input);
        } else {
            let place = random.usize(seeds.len()..pool.len());
            pool[place] = input;
        }
    }
}

/// One change: a bit, a byte, a piece put in, a stretch taken out, repeated or taken from another input.
fn vary(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Rng) {
    let at = random.usize(0..=input.len());
    let end = (at + random.usize(0..40)).min(input.len());
    match random.u8(0..8) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.u8(0..8);
            }
        }
        1 => input.insert(at, random.u8(..)),
        2 | 3 => {
            let piece = PIECES[random.usize(0..PIECES.len())];
            input.splice(at..at, piece.bytes());
        }
        4 => {
            input.drain(at..end);
        }
        5 => {
            let times = if random.u8(0..20) == 0 { 300 } else { random.usize(1..4) };
            let stretch = input[at..end].repeat(times);
            input.splice(at..at, stretch);
        }
        6 => {
            let piece = PIECES[random.usize(0..PIECES.len())];
            input.splice(at..end, piece.bytes());
        }
        _ => {
            let other = &seeds[random.usize(0..seeds.len())];
            let from = random.usize(0..=other.len());
            let to = (from + random.usize(0..200)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
    }
}

#[test]
fn every_request_gets_an_answer_that_is_described() {
    run("http", targets::http);
}

#[test]
fn every_line_of_content_is_judged_or_refused() {
    run("jsonl", targets::jsonl);
}

#[test]
fn every_line_of_the_engagement_stream_is_counted_or_refused() {
    run("engagement", targets::engagement);
}

#[test]
fn every_file_of_a_bundle_is_refused_or_judges() {
    run("bundle", targets::bundle);
}

#[test]
fn every_configuration_is_refused_or_fit() {
    run("config", targets::config);
}

#[test]
fn every_damaged_log_can_be_read_past_its_damage_and_goes_on() {
    run("log", targets::log);
}
