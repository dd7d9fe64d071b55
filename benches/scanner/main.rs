//! The scanner beside automata on folded text: `cargo bench --bench scanner`, or `-- low_100000` for some of the sets.
//!
//! All engines run in one process, interleaved round by round; figures are medians in nanoseconds per character, with
//! the lowest and the highest round. The scanner is given raw bytes, folds them and computes the bytes of every hit; the
//! automata are given text that is folded already. Terms and posts are those of the project's measuring data, in the
//! folder that `QINGLIU_DATA` names or in `../shared/data`; where there is none they are made from the shipped tables
//! and samples, and the head of the table says so.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]
#![allow(clippy::disallowed_methods, reason = "a program that measures time")]
#![allow(clippy::cast_precision_loss, reason = "figures are printed with three digits")]

mod data;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder};
use qingliu::lexicon::{ScanBuffer, Scanner};

use data::{Inputs, Random};

/// Sets of terms, by how often they occur and number.
const SETS: [(&str, usize); 8] = [
    ("low", 1_000),
    ("high", 1_000),
    ("low", 10_000),
    ("high", 10_000),
    ("low", 100_000),
    ("high", 100_000),
    ("low", 1_000_000),
    ("high", 1_000_000),
];
const ROUNDS: usize = 9;
/// Larger sets make an automaton of more than 100 MB.
const DFA_TERMS_MAX: usize = 10_000;
/// What another thread reads at random while the memory is under pressure.
const PRESSURE_BYTES: usize = 64 << 20;
/// Asks a process of its own to build one set.
const BUILD_ARGUMENT: &str = "--build-only";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let inputs = Inputs::new();
    if let [command, set] = arguments.as_slice()
        && command == BUILD_ARGUMENT
    {
        return print_build(&inputs, set);
    }
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    let posts = inputs.posts();
    let chars: usize = posts.iter().map(|post| post.chars().count()).sum();
    println!("data: {}; {} posts, {chars} characters", inputs.origin(), posts.len());
    let large = |(kind, count): &&(&str, usize)| *kind == "low" && *count >= 100_000;
    let quiet = SETS.iter().map(|set| (set, false));
    for ((kind, count), is_pressed) in quiet.chain(SETS.iter().filter(large).map(|set| (set, true))) {
        let name = format!("{kind}_{count}");
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        let terms = inputs.terms(kind, *count);
        if terms.len() < *count {
            println!("\n{name}: left out, the data has {} terms", terms.len());
            continue;
        }
        let engines = Engines::new(&inputs, &terms);
        let is_done = AtomicBool::new(!is_pressed);
        std::thread::scope(|scope| {
            if is_pressed {
                println!("\n{name}, while another thread reads {} MB at random", PRESSURE_BYTES >> 20);
                scope.spawn(|| press(&is_done));
            } else {
                println!("\n{name}: {}", built(&name));
            }
            engines.measure(&posts, chars);
            is_done.store(true, Ordering::Relaxed);
        });
    }
}

/// Reads memory at random until it is done.
fn press(is_done: &AtomicBool) {
    let words = vec![1_u64; PRESSURE_BYTES / 8];
    let mut random = Random(1);
    while !is_done.load(Ordering::Relaxed) {
        black_box((0..4096).map(|_| words[random.below(words.len())]).sum::<u64>());
    }
}

/// What a process of its own says about building a set, so that peaks are those of this set alone.
fn built(set: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap()).args([BUILD_ARGUMENT, set]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A line of the process's status in MB; 0 where the system has none.
fn status_mb(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|line| line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Builds one set and prints what it takes.
fn print_build(inputs: &Inputs, set: &str) {
    let (kind, count) = set.split_once('_').unwrap();
    let terms = inputs.terms(kind, count.parse().unwrap());
    let before = status_mb("VmRSS");
    // Forgets what reading the terms took.
    std::fs::write("/proc/self/clear_refs", "5").unwrap_or_default();
    let start = Instant::now();
    let scanner =
        Scanner::build(terms.iter().map(String::as_str), &inputs.bigrams, |c, o| inputs.fold(c, o)).unwrap();
    let build = start.elapsed();
    let peak = status_mb("VmHWM") - before;
    let mut bytes = Vec::new();
    scanner.save(&mut bytes).unwrap();
    let start = Instant::now();
    let loaded = Scanner::load(&bytes).unwrap();
    let load = start.elapsed();
    let megabytes = loaded.memory_bytes() as f64 / 1e6;
    println!("build {build:.0?}, peak {peak:.0} MB, tables {megabytes:.1} MB, load {load:.1?}");
}

type Daachorse = CharwiseDoubleArrayAhoCorasick<u32>;

struct Engines<'i> {
    inputs: &'i Inputs,
    scanner: Scanner,
    /// How many terms fold to each of the distinct ones.
    multiples: Vec<usize>,
    filtered: Daachorse,
    unfiltered: Daachorse,
    nfa: AhoCorasick,
    dfa: Option<AhoCorasick>,
}

impl<'i> Engines<'i> {
    fn new(inputs: &'i Inputs, terms: &[String]) -> Self {
        let mut folded: BTreeMap<String, usize> = BTreeMap::new();
        terms.iter().for_each(|term| *folded.entry(inputs.folded(term)).or_default() += 1);
        let (distinct, multiples): (Vec<String>, Vec<usize>) = folded.into_iter().unzip();
        let daachorse = |prefilter| {
            CharwiseDoubleArrayAhoCorasickBuilder::new().use_prefilter(prefilter).build(&distinct).unwrap()
        };
        let automaton = |kind| AhoCorasick::builder().kind(Some(kind)).build(&distinct).unwrap();
        let texts = terms.iter().map(String::as_str);
        Self {
            scanner: Scanner::build(texts, &inputs.bigrams, |c, o| inputs.fold(c, o)).unwrap(),
            filtered: daachorse(true),
            unfiltered: daachorse(false),
            nfa: automaton(AhoCorasickKind::ContiguousNFA),
            dfa: (terms.len() <= DFA_TERMS_MAX).then(|| automaton(AhoCorasickKind::DFA)),
            inputs,
            multiples,
        }
    }

    fn measure(&self, posts: &[String], chars: usize) {
        let folded: Vec<String> = posts.iter().map(|post| self.inputs.folded(post)).collect();
        let (mut buffer, mut hits) = (ScanBuffer::default(), Vec::new());
        let scan = || {
            let mut count = 0;
            for post in posts {
                hits.clear();
                self.scanner.find_into(post, usize::MAX, &mut buffer, &mut hits);
                for hit in &hits {
                    black_box(buffer.stream.span(post, hit.start, hit.end));
                }
                count += hits.len();
            }
            count
        };
        let decode = || {
            black_box(
                posts.iter().flat_map(|post| post.chars()).fold(0, |sum: u32, c| sum.wrapping_add(c.into())),
            );
            0
        };
        let daachorse = |automaton: &Daachorse| {
            let found = folded.iter().flat_map(|post| automaton.find_overlapping_iter(post));
            found.map(|hit| self.multiples[black_box(hit).value() as usize]).sum()
        };
        let aho_corasick = |automaton: &AhoCorasick| {
            let found = folded.iter().flat_map(|post| automaton.find_overlapping_iter(post));
            found.map(|hit| self.multiples[black_box(hit).pattern().as_usize()]).sum()
        };
        let mut engines: Vec<Engine<'_>> = vec![
            ("decoding alone", Box::new(decode)),
            ("scanner, raw bytes and spans", Box::new(scan)),
            ("daachorse charwise, prefilter", Box::new(|| daachorse(&self.filtered))),
            ("daachorse charwise, none", Box::new(|| daachorse(&self.unfiltered))),
            ("aho-corasick contiguous NFA", Box::new(|| aho_corasick(&self.nfa))),
        ];
        if let Some(dfa) = &self.dfa {
            engines.push(("aho-corasick DFA", Box::new(move || aho_corasick(dfa))));
        }
        report(&mut engines, chars);
    }
}

/// Its name, and a round that counts the hits in all posts.
type Engine<'e> = (&'static str, Box<dyn FnMut() -> usize + 'e>);

/// Runs the engines in turns, the scanner second; prints a line for each.
fn report(engines: &mut [Engine<'_>], chars: usize) {
    let mut times = vec![Vec::new(); engines.len()];
    let mut counts = vec![0; engines.len()];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (index, (_, run)) in engines.iter_mut().enumerate() {
            let start = Instant::now();
            counts[index] = run();
            if round > 0 {
                times[index].push(start.elapsed().as_secs_f64() * 1e9 / chars as f64);
            }
        }
    }
    assert!(counts[1..].iter().all(|count| *count == counts[1]), "the engines differ: {counts:?}");
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let scanner = times[1][ROUNDS / 2];
    println!("  {} hits                     ns/char     min     max  / scanner", counts[1]);
    for ((name, _), times) in engines.iter().zip(&times) {
        let (median, min, max) = (times[ROUNDS / 2], times[0], times[ROUNDS - 1]);
        println!("  {name:30} {median:7.2} {min:7.2} {max:7.2}  {:9.2}", median / scanner);
    }
}
