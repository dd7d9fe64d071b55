//! What the views of sound and shape cost, and what they find where nothing is hidden: `cargo bench --bench views`.
//!
//! The first table gives time per character of ordinary posts. The ways take turns in every round; the figures are
//! medians. The second one looks for ordinary words that none of the posts contains, each of which counts as highly
//! prohibited: whatever is found is false. Short words stand only with support, so the words are tried alone and
//! beside the shipped terms. Posts and words are read from the folder that `QINGLIU_DATA` names (default
//! `../shared/data`); without it, the shipped samples serve, and the figures mean little.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a program that prints figures")]

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;

use aho_corasick::AhoCorasick;
use jiff::civil::date;
use qingliu::engine::{Bundle, Scratch, embedded_files, evaluate, samples};
use qingliu::lexicon::{Matches, ScanScratch, SourceFile};
use qingliu::model::{Item, Surface, Verdict};
use qingliu::telemetry::Clock;
use qingliu::text::FoldedText;

type Fallible<T> = Result<T, Box<dyn Error>>;

const POSTS_MAX: usize = 20_000;
/// Measured rounds; one more goes before them.
const ROUNDS: usize = 11;
/// Characters of a word, words of that length, and the per cent of 2,000 posts in which bare syllables found one when
/// the views were planned.
const LENGTHS: [(&str, usize, &str); 3] =
    [("2", 270, "14.8"), ("3", 439, "0.30"), ("4 or more", 291, "0.00")];

fn main() -> Fallible<()> {
    let posts = posts()?;
    println!("{} posts, {:.1} characters each\n", posts.len(), chars(&posts) / posts.len() as f64);
    price(&posts)?;
    false_finds(&posts)
}

/// The lines of a compressed file of the data folder; nothing if it is not there.
fn data(name: &str) -> Option<String> {
    let folder = std::env::var_os("QINGLIU_DATA").unwrap_or_else(|| "../shared/data".into());
    let bytes = std::fs::read(PathBuf::from(folder).join(name)).ok()?;
    String::from_utf8(zstd::decode_all(bytes.as_slice()).ok()?).ok()
}

/// Texts of benign posts.
fn posts() -> Fallible<Vec<String>> {
    let data = data("moderation/benign_fp.jsonl.zst");
    let lines = data.as_deref().unwrap_or_else(|| samples());
    let is_benign = |line: &&str| line.replace(' ', "").contains("\"label\":\"benign\"");
    let mut posts = Vec::new();
    // Some texts hold other line ends.
    for line in lines.split('\n').filter(is_benign).take(POSTS_MAX) {
        posts.extend(Item::from_json(line)?.text.map(std::borrow::Cow::into_owned));
    }
    Ok(posts)
}

fn chars(posts: &[String]) -> f64 {
    posts.iter().map(|post| post.chars().count()).sum::<usize>() as f64
}

/// How far the stages run.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Fold and scan.
    Scan,
    /// Look for words in disguise, too.
    Look,
    /// Restore what was found and scan once more, as the engine does.
    Restore,
}

/// Prints time per character with and without the views.
fn price(posts: &[String]) -> Fallible<()> {
    let mut files = embedded_files();
    let full = Bundle::load(&files, date(2026, 11, 21))?;
    files.retain(|file| !["fold/splits.tsv", "fold/shapes.tsv"].contains(&file.path.as_str()));
    let bare = Bundle::load(&files, date(2026, 11, 21))?;
    let ways = [
        ("plain scan, no spellings by shape or parts", &bare, Way::Scan),
        ("plain scan", &full, Way::Scan),
        ("and looking for words in disguise", &full, Way::Look),
        ("and scanning restored texts again", &full, Way::Restore),
    ];
    let (mut buffers, chars) = (Buffers::default(), chars(posts));
    let (mut times, mut restored) = ([const { Vec::new() }; 4], 0);
    for round in 0..=ROUNDS {
        for (times, (_, bundle, way)) in times.iter_mut().zip(ways) {
            let clock = Clock::start();
            restored = pass(bundle, way, posts, &mut buffers);
            let time_ns = clock.elapsed().as_secs_f64() * 1e9 / chars;
            if round > 0 {
                times.push(time_ns);
            }
        }
    }
    let [bare, plain, _, all] = times.each_ref().map(|times| median(times));
    println!("{:<46} {:>8} {:>8}", "fold, scan, slots, rules", "ns/char", "ratio");
    for ((name, ..), times) in ways.iter().zip(&times) {
        println!("{name:<46} {:>8.1} {:>7.2}×", median(times), median(times) / plain);
    }
    println!("all views: {:.2}× the plain scan, {:.2}× the first line; bar: 2×", all / plain, all / bare);
    println!("restored: {:.2} % of the posts\n", share(restored, posts.len()));
    Ok(())
}

/// Folded, restored, and what the scan needs and finds.
type Buffers = (FoldedText, FoldedText, ScanScratch, Matches);

/// Runs over all posts; tells in how many of them something was restored.
fn pass(bundle: &Bundle, way: Way, posts: &[String], buffers: &mut Buffers) -> usize {
    let (folded, restored, scan, matches) = buffers;
    let helpers = (&bundle.segmenter, &bundle.slots);
    let mut count = 0;
    for post in posts {
        folded.fold(&bundle.table, post);
        bundle.lexicon.scan_into(folded, Surface::Post, helpers, scan, matches);
        if way != Way::Scan {
            let edits = bundle.lexicon.find_disguised(folded, &bundle.segmenter, scan, matches);
            let mut edits = edits.peekable();
            let is_disguised = edits.peek().is_some();
            count += usize::from(is_disguised);
            if way == Way::Restore && is_disguised {
                folded.rewrite_into(&bundle.table, edits, restored);
                bundle.lexicon.scan_into(restored, Surface::Post, helpers, scan, matches);
            }
        }
        black_box(&*matches);
    }
    count
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Prints how often words are found in posts that have none of them.
fn false_finds(posts: &[String]) -> Fallible<()> {
    let bundle = Bundle::load(&embedded_files(), date(2026, 11, 21))?;
    let dense: Vec<String> = posts.iter().map(|post| dense(&bundle, post)).collect();
    let words = absent_words(&bundle, &dense)?;
    println!("per cent of posts in which a word is found that none of them contains");
    println!("                             bare syllables      our views, alone   beside shipped terms");
    println!("characters  words   posts        now  planned    found not passed    found not passed");
    let each =
        LENGTHS.iter().zip(&words).map(|((length, _, planned), words)| (*length, words.clone(), *planned));
    for (length, words, planned) in each.chain([("all", words.concat(), "-")]) {
        let (alone, beside) = (bundle_of(&words, false)?, bundle_of(&words, true)?);
        let sounds = by_syllables(&words, &dense)?;
        for count in [2_000, POSTS_MAX].map(|count| count.min(posts.len())) {
            let heard = share(sounds[..count].iter().filter(|found| **found).count(), count);
            let [found, held] = finds(&alone, &posts[..count])?.map(|found| share(found, count));
            let [more, more_held] = finds(&beside, &posts[..count])?.map(|found| share(found, count));
            print!("{length:>10} {:>6} {count:>7} {heard:>10.2} {planned:>8}", words.len());
            println!("{found:>9.3} {held:>10.3} {more:>9.3} {more_held:>10.3}");
        }
    }
    Ok(())
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole as f64
}

fn dense(bundle: &Bundle, text: &str) -> String {
    let mut folded = FoldedText::default();
    folded.fold(&bundle.table, text);
    folded.dense().to_owned()
}

/// Folded words of each length that stand in none of the posts, the rarest in other posts first.
fn absent_words(bundle: &Bundle, posts: &[String]) -> Fallible<[Vec<String>; 3]> {
    let listed = data("matching/low_10000.txt.zst").unwrap_or_else(pieces_of_samples);
    let (mut seen, mut words) = (BTreeSet::new(), [const { Vec::new() }; 3]);
    let mut candidates: Vec<String> = listed.lines().map(|word| dense(bundle, word)).collect();
    candidates.retain(|word| word.chars().count() >= 2 && seen.insert(word.clone()));
    let all = AhoCorasick::new(&candidates)?;
    let hits = posts.iter().flat_map(|post| all.find_overlapping_iter(post));
    let present: BTreeSet<usize> = hits.map(|hit| hit.pattern().as_usize()).collect();
    for (number, word) in candidates.into_iter().enumerate() {
        let place = word.chars().count().min(4) - 2;
        if !present.contains(&number) && words[place].len() < LENGTHS[place].1 {
            words[place].push(word);
        }
    }
    Ok(words)
}

/// Stretches of two to four Han characters of the samples, one a line.
fn pieces_of_samples() -> String {
    let items = samples().lines().filter_map(|line| Item::from_json(line).ok()?.text);
    let chars: Vec<char> = items.flat_map(|text| text.chars().collect::<Vec<_>>()).collect();
    let pieces = (2..=4).flat_map(|length| chars.chunks_exact(length + 3).map(move |chunk| &chunk[..length]));
    let words = pieces.filter(|piece| piece.iter().all(|c| ('一'..='龥').contains(c)));
    words.map(|word| word.iter().collect::<String>() + "\n").collect()
}

/// The shipped bundle with these words for its only terms, or beside its own, which may support them: each by itself
/// would block a post.
fn bundle_of(words: &[String], is_beside: bool) -> Fallible<Bundle> {
    let mut files = embedded_files();
    let is_own = |path: &str| path.starts_with("lexicon/") || path.starts_with("rules/");
    files.retain(|file| is_beside || !is_own(&file.path));
    let mut text = "label = \"gambling\"\nseverity = \"high\"\n".to_owned();
    for (number, word) in words.iter().enumerate() {
        writeln!(
            text,
            "[[terms]]\nid = \"absent.{number}\"\ntext = \"{word}\"\nweight = 1000\nmode = \"anywhere\""
        )?;
    }
    files.push(SourceFile { path: "lexicon/absent.toml".to_owned(), text });
    Ok(Bundle::load(&files, date(2026, 11, 21))?)
}

/// Posts in which a word is found, and those of them that do not pass.
fn finds(bundle: &Bundle, posts: &[String]) -> Fallible<[usize; 2]> {
    let (mut scratch, mut count) = (Scratch::default(), [0, 0]);
    let is_absent = |term: u32| bundle.lexicon.terms()[term as usize].id.starts_with("absent.");
    for post in posts {
        let outcome = evaluate(bundle, &Item::from_text(post), &mut scratch)?;
        if scratch.findings().matches.hits.iter().any(|hit| is_absent(hit.term)) {
            count[0] += 1;
            count[1] += usize::from(outcome.verdict != Verdict::Pass);
        }
    }
    Ok(count)
}

/// Whether each post has a stretch that sounds like one of the words, by usual readings without tones and no more.
fn by_syllables(words: &[String], posts: &[String]) -> Fallible<Vec<bool>> {
    let mut files = embedded_files();
    files.retain(|file| ["fold/readings.tsv", "fold/rare_readings.tsv"].contains(&file.path.as_str()));
    let rows = files.iter().flat_map(|file| file.text.lines()).filter_map(|line| line.split_once('\t'));
    let usual: HashMap<&str, &str> = rows.filter_map(|(c, all)| Some((c, all.split(',').next()?))).collect();
    // Marks around every syllable: only whole ones are found.
    let spell = |text: &String| {
        text.chars()
            .map(|c| c.to_string())
            .fold("|".to_owned(), |spelled, c| spelled + usual.get(c.as_str()).copied().unwrap_or(&c) + "|")
    };
    let all = AhoCorasick::new(words.iter().map(spell))?;
    Ok(posts.iter().map(|post| all.is_match(&spell(post))).collect())
}
