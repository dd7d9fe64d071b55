//! How often two Han characters stand side by side in ordinary text: counts only, from texts that stay where they are.
//!
//! The texts are rows of the moderation data whose licence is MIT, Apache-2.0 or public law. They are of three kinds
//! with equal weight, so that the statutes, which have the most characters, do not dominate. Rows that are violations
//! of a platform's rules are left out where the sender has a reason to disguise words (`chineseharm`), and of the
//! machine-perturbed pairs (`cntp`) only the original is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::fold::Folder;
use crate::parts::is_han;

/// How many pairs are kept.
const PAIRS_MAX: usize = 40_000;

/// A pair that was seen less often is dropped, and so is one that stands in a single document.
const SEEN_MIN: u64 = 5;
const DOCUMENTS_MIN: u64 = 2;

/// Steps of the class per doubling of the frequency.
const STEPS_PER_DOUBLING: f64 = 4.0;

const FILES: [&str; 5] = [
    "benign_fp.jsonl.zst",
    "corpus.jsonl.zst",
    "evasion_pairs.jsonl.zst",
    "labelled_binary.jsonl.zst",
    "labelled_multi.jsonl.zst",
];

/// Sources that may be used, by kind: forum posts, microblogs, statutes.
const KINDS: [&[&str]; 3] =
    [&["cold", "cntp", "chineseharm"], &["swsr", "weibo_commentr", "fraud_discuss_hk"], &["laws_cn"]];

/// A pair of folded Han characters and the class of its frequency.
pub(crate) type Bigram = (String, i32);

type Pair = (char, char);

/// What was seen of one pair.
#[derive(Default)]
struct Seen {
    by_kind: [u64; KINDS.len()],
    documents: u64,
}

/// Counts the texts in `texts_dir` and returns the most frequent pairs, most frequent class first.
///
/// # Errors
/// A file is missing, a line is not the JSON that the data promises, or a kind has no text.
pub(crate) fn count(texts_dir: &Path, folder: &Folder) -> Result<Vec<Bigram>> {
    let mut counter =
        Counter { folder, folded: HashMap::new(), known: BTreeSet::new(), pairs: BTreeMap::new() };
    for name in FILES {
        let path = texts_dir.join(name);
        let file = std::fs::File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        let lines = BufReader::new(zstd::stream::read::Decoder::new(file)?);
        // Lines end with \n only; U+2028 and the like are part of a text.
        for (index, line) in lines.split(b'\n').enumerate() {
            let place = || format!("{}:{}", path.display(), index + 1);
            counter.add_line(&line.with_context(place)?).with_context(place)?;
        }
    }
    most_frequent(&counter.pairs)
}

struct Counter<'f> {
    folder: &'f Folder,
    /// Folded forms that were asked for before.
    folded: HashMap<char, String>,
    /// Folded texts that were counted before: the files overlap.
    known: BTreeSet<String>,
    pairs: BTreeMap<Pair, Seen>,
}

impl Counter<'_> {
    fn add_line(&mut self, line: &[u8]) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        let row: Value = serde_json::from_slice(line)?;
        let field = |name: &str| row.get(name).and_then(Value::as_str);
        let source = field("source").or_else(|| field("src")).context("no source")?;
        let Some(kind) = KINDS.iter().position(|sources| sources.contains(&source)) else { return Ok(()) };
        if source == "chineseharm" && field("label") != Some("benign") {
            return Ok(());
        }
        let text = field("original").or_else(|| field("text")).context("no text")?;
        self.add_text(text, kind)
    }

    fn add_text(&mut self, text: &str, kind: usize) -> Result<()> {
        let mut folded = String::new();
        for c in text.chars() {
            if !self.folded.contains_key(&c) {
                self.folded.insert(c, self.folder.fold(c.encode_utf8(&mut [0; 4]))?);
            }
            folded.push_str(&self.folded[&c]);
        }
        if self.known.contains(&folded) {
            return Ok(());
        }
        let mut in_document = BTreeSet::new();
        for pair in folded.chars().zip(folded.chars().skip(1)) {
            if is_han(pair.0) && is_han(pair.1) {
                let seen = self.pairs.entry(pair).or_default();
                seen.by_kind[kind] += 1;
                seen.documents += u64::from(in_document.insert(pair));
            }
        }
        self.known.insert(folded);
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of pairs are far below 2^52")]
fn most_frequent(pairs: &BTreeMap<Pair, Seen>) -> Result<Vec<Bigram>> {
    let mut totals = [0_u64; KINDS.len()];
    for seen in pairs.values() {
        for (total, count) in totals.iter_mut().zip(seen.by_kind) {
            *total += count;
        }
    }
    println!("pairs of Han characters by kind: {totals:?}, distinct: {}", pairs.len());
    ensure!(totals.iter().all(|&total| total > 0), "a kind of source has no text");

    let mut rows = Vec::new();
    for (&pair, seen) in pairs {
        if seen.by_kind.iter().sum::<u64>() < SEEN_MIN || seen.documents < DOCUMENTS_MIN {
            continue;
        }
        let shares: f64 =
            seen.by_kind.iter().zip(totals).map(|(&count, total)| count as f64 / total as f64).sum();
        rows.push((pair, shares / totals.len() as f64 * 1e6));
    }
    rows.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    rows.truncate(PAIRS_MAX);
    let mut bigrams: Vec<Bigram> = rows
        .into_iter()
        .map(|((first, second), per_million)| (format!("{first}{second}"), class(per_million)))
        .collect();
    bigrams.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    Ok(bigrams)
}

#[allow(clippy::cast_possible_truncation, reason = "the logarithm of a million is 20")]
fn class(per_million: f64) -> i32 {
    (per_million.log2() * STEPS_PER_DOUBLING).round() as i32
}
