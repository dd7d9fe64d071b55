//! What near-duplicate detection costs: `cargo bench --bench neardup`, or `-- signature`, `-- stage`, `-- window`,
//! `-- large` (ten million posts, 5 GB), `-- hostile`, `-- gaoya` for some of it.
//!
//! One thread. Figures per post are medians over rounds, in processor time; p50 and p99 are over single observations, each
//! timed by itself with the clock, the clock's own 20 to 40 ns included. Texts are those of the measuring data that `QINGLIU_DATA`
//! names or that stands in `../shared/data`; where there is none, the shipped samples. Windows are filled with posts of
//! 100 characters, put together of pieces of these texts. `benches/neardup_datasketch.py` does the same with datasketch.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]
#![allow(clippy::disallowed_methods, reason = "a program that measures time")]
#![allow(clippy::cast_precision_loss, reason = "figures are printed with three digits")]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use gaoya::minhash::{MinHashIndex, MinHasher, MinHasher32};
use gaoya::simhash::{SimHash, SimHashIndex, SimSipHasher64};
use qingliu::engine::embedded_files;
use qingliu::model::Item;
use qingliu::neardup::{Fingerprint, Fingerprinter, Window, WindowLimits};
use qingliu::text::{FoldTable, FoldedText};

const ROUNDS: usize = 9;
const POST_CHARS: usize = 100;
/// Posts of a round.
const POSTS: usize = 20_000;
/// Texts of a round of fingerprints. In the pipeline a text has just been folded when its fingerprint is made: so few stay
/// in the second-level cache.
const WARM_POSTS: usize = 256;
/// How often they are read in a round.
const WARM_ROUNDS: usize = 80;
/// Observations that are timed once a window is full.
const TIMED: u32 = 200_000;
/// Posts that are announced at once.
const AHEAD: usize = 8;
const LARGE: u32 = 10_000_000;
const USUAL: u32 = 1_000_000;
/// Posts in the indexes of others.
const FOREIGN: usize = 100_000;

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Texts and the stages in front of the window.
struct Inputs {
    texts: Vec<Vec<char>>,
    table: FoldTable,
    folded: FoldedText,
    reader: Fingerprinter,
    random: Random,
    text: String,
}

impl Inputs {
    fn new() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder =
            std::env::var_os("QINGLIU_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
        let lines = match std::fs::read(folder.join("moderation/corpus.jsonl.zst")) {
            Ok(bytes) => {
                println!("texts: {}", folder.display());
                String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap()
            }
            Err(_) => {
                println!("texts: the samples that are shipped");
                let paths = std::fs::read_dir(root.join("samples")).unwrap();
                paths.map(|path| std::fs::read_to_string(path.unwrap().path()).unwrap_or_default()).collect()
            }
        };
        let text = |line: &str| Some(Item::from_json(line).ok()?.text?.chars().collect::<Vec<_>>());
        let mut texts: Vec<Vec<char>> = lines.split('\n').filter_map(text).collect();
        texts.retain(|text| text.len() >= 8);
        let files = embedded_files();
        let file = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
        Self {
            texts,
            table: FoldTable::build(|name| file(&format!("fold/{name}"))).unwrap(),
            folded: FoldedText::default(),
            reader: Fingerprinter::new(),
            random: Random(1),
            text: String::new(),
        }
    }

    /// Makes a post of pieces of 5 to 24 characters.
    fn compose(&mut self) {
        self.text.clear();
        let mut chars = 0;
        while chars < POST_CHARS {
            let text = &self.texts[self.random.below(self.texts.len())];
            let length = (5 + self.random.below(20)).min(text.len()).min(POST_CHARS - chars);
            let start = self.random.below(text.len() + 1 - length);
            self.text.extend(&text[start..start + length]);
            chars += length;
        }
    }

    fn read(&mut self, text: &str, print: &mut Fingerprint) {
        self.folded.fold(&self.table, text);
        self.reader.read_into(&self.folded, &[], print);
    }

    fn next(&mut self, print: &mut Fingerprint) {
        self.compose();
        let text = std::mem::take(&mut self.text);
        self.read(&text, print);
        self.text = text;
    }
}

/// Nanoseconds of single observations.
#[derive(Default)]
struct Times(Vec<u32>);

impl Times {
    fn time(&mut self, run: impl FnOnce()) {
        self.add(nanoseconds(run), 0);
    }

    /// What one took by itself, and its share of what several took together.
    fn add(&mut self, ns: u128, share: u128) {
        self.0.push(u32::try_from(ns + share).unwrap_or(u32::MAX));
    }

    fn percentile(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let index = (self.0.len() as f64 * share) as usize;
        f64::from(self.0[index.min(self.0.len() - 1)])
    }

    fn mean(&self) -> f64 {
        self.0.iter().map(|ns| f64::from(*ns)).sum::<f64>() / self.0.len() as f64
    }

    fn print(&mut self, what: &str) {
        let (p50, p99) = (self.percentile(0.5), self.percentile(0.99));
        println!(
            "{what:44} mean {:7.0}  p50 {p50:7.0}  p99 {p99:7.0}  max {:9.0} ns",
            self.mean(),
            self.percentile(1.0)
        );
    }
}

fn nanoseconds(run: impl FnOnce()) -> u128 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos()
}

/// Nanoseconds that this thread has had a processor for; time of the clock where the system does not say.
fn busy_ns(start: Instant) -> f64 {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let busy = status.split(' ').next().and_then(|ns| ns.parse().ok());
    busy.unwrap_or_else(|| start.elapsed().as_secs_f64() * 1e9)
}

/// Median over rounds, nanoseconds of processor time per post.
fn median(posts: usize, mut round: impl FnMut()) -> f64 {
    round();
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let clock = Instant::now();
            let start = busy_ns(clock);
            round();
            (busy_ns(clock) - start) / posts as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    let parts: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let is_asked = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let mut inputs = Inputs::new();
    if is_asked("signature") {
        signature(&mut inputs);
    }
    if is_asked("stage") {
        stage(&mut inputs);
    }
    if is_asked("gaoya") {
        others(&mut inputs);
    }
    if is_asked("window") {
        drop(window(&mut inputs, USUAL));
    }
    if is_asked("hostile") {
        hostile(&mut inputs);
    }
    if is_asked("large") {
        drop(window(&mut inputs, LARGE));
    }
    println!("beside datasketch: python3 benches/neardup_datasketch.py, where that package is installed");
}

/// Fingerprints of posts of 100 characters.
fn signature(inputs: &mut Inputs) {
    let mut folded: Vec<FoldedText> = Vec::new();
    let mut texts = Vec::new();
    for _ in 0..WARM_POSTS {
        inputs.compose();
        let mut text = FoldedText::default();
        text.fold(&inputs.table, &inputs.text);
        folded.push(text);
        texts.push(inputs.text.clone());
    }
    let mut print = Fingerprint::default();
    let mut buffer = FoldedText::default();
    let fold = median(WARM_POSTS * WARM_ROUNDS, || {
        for _ in 0..WARM_ROUNDS {
            texts.iter().for_each(|text| buffer.fold(&inputs.table, black_box(text)));
        }
    });
    let read = median(WARM_POSTS * WARM_ROUNDS, || {
        for _ in 0..WARM_ROUNDS {
            folded.iter().for_each(|text| inputs.reader.read_into(black_box(text), &[], &mut print));
        }
    });
    println!("fold (another stage)                         {fold:7.0} ns/post");
    println!("fingerprint of 100 characters                {read:7.0} ns/post");
}

/// Folding left out: fingerprint and window, over the texts as they are.
fn stage(inputs: &mut Inputs) {
    let mut folded: Vec<FoldedText> = Vec::new();
    for text in inputs.texts.iter().step_by(4) {
        let mut one = FoldedText::default();
        one.fold(&inputs.table, &text.iter().collect::<String>());
        folded.push(one);
    }
    let mut found = Vec::new();
    let limits = WindowLimits { posts: USUAL, span_ms: i64::MAX, late_ms: i64::MAX };
    let mut window = Window::new(limits);
    let clock = Instant::now();
    let start = busy_ns(clock);
    let mut prints = vec![Fingerprint::default(); AHEAD];
    for (texts, time_ms) in folded.chunks(AHEAD).zip(0..) {
        let prints = &mut prints[..texts.len()];
        for (text, print) in texts.iter().zip(&mut *prints) {
            inputs.reader.read_into(text, &[], print);
        }
        window.announce(prints.iter());
        for print in &*prints {
            window.observe(print, time_ms, &mut found);
        }
    }
    let seconds = (busy_ns(clock) - start) / 1e9;
    let rate = folded.len() as f64 / seconds / 1e3;
    println!("fingerprint and window, {} real texts: {rate:.0} k posts/s", folded.len());
}

/// A full window: look-up, comparison, eviction, insertion.
fn window(inputs: &mut Inputs, posts: u32) -> Window {
    let limits = WindowLimits { posts, span_ms: i64::MAX, late_ms: i64::MAX };
    let mut window = Window::new(limits);
    let (mut print, mut found) = (Fingerprint::default(), Vec::new());
    for time_ms in 0..i64::from(posts) {
        inputs.next(&mut print);
        window.observe(&print, time_ms, &mut found);
    }
    let mut times = Times::default();
    let mut neighbours = 0;
    for time_ms in 0..i64::from(TIMED) {
        inputs.next(&mut print);
        times.time(|| {
            window.observe(&print, i64::from(posts) + time_ms, &mut found);
        });
        neighbours += found.len();
    }
    times.print(&format!("window of {posts}: look-up to eviction"));
    announced(inputs, &mut window, i64::from(posts + TIMED)).print("  the same, posts announced by eights");
    let per_post = |bytes: usize| bytes as f64 / f64::from(posts);
    println!(
        "  {:.0} bytes/post, and {:.0} for the pairs; {:.3} neighbours/post",
        per_post(window.index_bytes()),
        per_post(window.memory_bytes() - window.index_bytes()),
        neighbours as f64 / f64::from(TIMED)
    );
    window
}

/// Makes the texts of a flood, by their numbers.
type Flood<'f> = (&'f str, usize, Box<dyn FnMut(usize) -> String>);

/// Observations of posts that were announced some at a time; each with its share of the announcing.
fn announced(inputs: &mut Inputs, window: &mut Window, mut now_ms: i64) -> Times {
    let (mut times, mut found) = (Times::default(), Vec::new());
    let mut prints = vec![Fingerprint::default(); AHEAD];
    for _ in 0..TIMED as usize / AHEAD {
        prints.iter_mut().for_each(|print| inputs.next(print));
        let share = nanoseconds(|| window.announce(prints.iter())) / AHEAD as u128;
        for print in &prints {
            now_ms += 1;
            let ns = nanoseconds(|| {
                window.observe(print, now_ms, &mut found);
            });
            times.add(ns, share);
        }
    }
    times
}

fn han(number: usize) -> char {
    u32::try_from(number).ok().and_then(|number| char::from_u32(0x4E00 + number)).unwrap()
}

/// Floods, and ordinary posts during and after each.
fn hostile(inputs: &mut Inputs) {
    let mut window = window(inputs, USUAL / 4);
    let mut found = Vec::new();
    let flood = "恭喜您获得本店周年庆特等奖请添加客服领取奖品名额有限先到先得".to_owned();
    let mut random = Random(5);
    let floods: [Flood<'_>; 4] = [
        ("a million copies of one text", 1_000_000, Box::new(move |_| flood.clone())),
        ("one character, 1 to 10 000 times", 10_000, Box::new(|n| "好".repeat(n % 10_000 + 1))),
        ("one character 10 000 times, other ends", 2_000, {
            Box::new(|n| format!("{}{}", "好".repeat(10_000), han(n)))
        }),
        ("one text, two characters changed", 100_000, {
            Box::new(move |_| {
                let mut text: Vec<char> =
                    "恭喜您获得本店周年庆特等奖请添加客服领取奖品名额有限先到先得".chars().collect();
                for _ in 0..2 {
                    let place = random.below(text.len());
                    text[place] = han(random.below(20_000));
                }
                text.into_iter().collect()
            })
        }),
    ];
    let mut print = Fingerprint::default();
    let mut now_ms = 1 << 40;
    for (name, count, mut make) in floods {
        let (mut floods, mut ordinary) = (Times::default(), Times::default());
        let mut last = String::new();
        for n in 0..count {
            let text = make(n);
            if text != last {
                inputs.read(&text, &mut print);
                last = text;
            }
            now_ms += 1;
            floods.time(|| {
                window.observe(&print, now_ms, &mut found);
            });
            if n % (count / 2_000) == 0 {
                let mut other = Fingerprint::default();
                inputs.next(&mut other);
                ordinary.time(|| {
                    window.observe(&other, now_ms, &mut found);
                });
            }
        }
        floods.print(name);
        ordinary.print("  ordinary posts meanwhile");
    }
}

/// gaoya's signatures and indexes on the same posts.
fn others(inputs: &mut Inputs) {
    let posts: Vec<Vec<[char; 2]>> = (0..POSTS)
        .map(|_| {
            inputs.compose();
            let chars: Vec<char> = inputs.text.chars().collect();
            chars.windows(2).map(|pair| [pair[0], pair[1]]).collect()
        })
        .collect();
    let hasher = MinHasher32::new(64);
    let sign = median(POSTS, || {
        posts.iter().for_each(|post| {
            black_box(hasher.create_signature(post.iter()));
        });
    });
    println!("gaoya MinHasher32, 64 permutations           {sign:7.0} ns/post, pairs ready");
    let simhash = SimHash::<SimSipHasher64, u64, 64>::new(SimSipHasher64::new(1, 2));
    let sign = median(POSTS, || {
        posts.iter().for_each(|post| {
            black_box(simhash.create_signature(post.iter()));
        });
    });
    println!("gaoya SimHash, 64 bits                       {sign:7.0} ns/post, pairs ready");
    let mut index = MinHashIndex::<u32, u64>::new(21, 3, 0.4);
    let mut near = SimHashIndex::<u64, u64>::new(4, 3);
    let hasher = MinHasher32::new(63);
    let (mut min, mut sim) = (Times::default(), Times::default());
    for id in 0..FOREIGN as u64 {
        inputs.compose();
        let chars: Vec<char> = inputs.text.chars().collect();
        let signature = hasher.create_signature(chars.windows(2));
        let bits = simhash.create_signature(chars.windows(2));
        min.time(|| {
            black_box(index.query(&signature).len());
            index.insert(id, signature.clone());
        });
        sim.time(|| {
            black_box(near.query(&bits).len());
            near.insert(id, bits);
        });
    }
    min.print(&format!("gaoya MinHashIndex 21x3, up to {FOREIGN}"));
    sim.print(&format!("gaoya SimHashIndex (4, 3), up to {FOREIGN}"));
}
