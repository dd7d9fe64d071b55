//! The fused scanner beside automata on folded text: `cargo bench --bench scanner`.
//!
//! All engines run in one process, interleaved round by round; the figures are medians. The scanner is given raw bytes
//! and computes the bytes of every hit in the original text; the automata are given text that is folded already.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures time and prints it")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder};
use qingliu::engine::embedded_files;
use qingliu::lexicon::{Bigrams, ScanBuffer, Scanner};
use qingliu::text::FoldTable;

fn main() {
    let posts = std::env::var("POSTS").unwrap_or_else(|_| "/tmp/d/corpus.jsonl".into());
    let mut texts: Vec<String> = Vec::new();
    for line in std::fs::read_to_string(posts).unwrap().split('\n').step_by(9) {
        let Ok(item) = qingliu::model::Item::from_json(line) else { continue };
        let Some(text) = item.text else { continue };
        let n = text.chars().count();
        if (20..=200).contains(&n) {
            texts.push(text.into_owned());
        }
        if texts.len() == 20_000 {
            break;
        }
    }
    let files = embedded_files();
    let file = |name: &str| files.iter().find(|f| f.path == format!("fold/{name}")).map(|f| f.text.as_str());
    let table = FoldTable::build(file).unwrap();
    let bigrams = Bigrams::parse(&std::fs::read_to_string("dictionaries/fold/bigrams.tsv").unwrap()).unwrap();
    let fold = |c: char, out: &mut Vec<char>| table.fold_char_into(c, out);
    let folded: Vec<String> = texts
        .iter()
        .map(|t| {
            let mut out = Vec::new();
            t.chars().for_each(|c| fold(c, &mut out));
            out.into_iter().collect()
        })
        .collect();
    let chars: usize = texts.iter().map(|t| t.chars().count()).sum();
    println!("{} posts, {} chars", texts.len(), chars);
    for (kind, count) in
        [("low", 1000), ("high", 1000), ("low", 10000), ("high", 10000), ("low", 100000), ("high", 100000), ("low", 1000000), ("high", 1000000)]
    {
        if std::env::var("ONLY").is_ok_and(|o| o != format!("{kind}{count}")) { continue; }
        let raw = std::fs::read(format!("../shared/data/matching/{kind}_{count}.txt.zst")).unwrap();
        let raw = zstd::decode_all(raw.as_slice()).unwrap();
        let raw = String::from_utf8(raw).unwrap();
        let terms: Vec<&str> = raw.lines().collect();
        let t = Instant::now();
        let scanner = Scanner::build(terms.iter().copied(), &bigrams, fold).unwrap();
        let build = t.elapsed();
        let mut folded_terms: Vec<String> = terms
            .iter()
            .map(|t| {
                let mut out = Vec::new();
                t.chars().for_each(|c| fold(c, &mut out));
                out.into_iter().collect()
            })
            .collect();
        folded_terms.sort();
        let distinct = { let mut d = folded_terms.clone(); d.dedup(); d };
        let ac = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).match_kind(MatchKind::Standard).build(&folded_terms).unwrap();
        let daac = |prefilter| -> CharwiseDoubleArrayAhoCorasick<u32> {
            let _ = prefilter;
            CharwiseDoubleArrayAhoCorasickBuilder::new().build(&distinct).unwrap()
        };
        let daac = daac(true);
        let mut buffer = ScanBuffer::default();
        let mut hits = Vec::new();
        let mut times: [Vec<f64>; 3] = Default::default();
        let mut counts = [0usize; 3]; let mut floor: Vec<f64> = Vec::new();
        for round in 0..std::env::var("ROUNDS").map_or(11, |r| r.parse().unwrap()) {
            if std::env::var("FUSED").is_ok() { for text in &texts { hits.clear(); scanner.find_into(text, 1 << 20, &mut buffer, &mut hits); } continue; }
            let t0 = Instant::now(); let mut x = 0u32; for text in &texts { for c in text.chars() { x = x.wrapping_add(c as u32); } } black_box(x); if round > 0 { floor.push(t0.elapsed().as_secs_f64()); }
            let t = Instant::now();
            let mut n = 0;
            let mut sum = 0;
            for text in &texts {
                hits.clear();
                scanner.find_into(text, 1 << 20, &mut buffer, &mut hits);
                n += hits.len();
                for h in &hits {
                    let s = buffer.stream.span(text, h.start, h.end);
                    sum += s.start + s.end;
                }
            }
            black_box(sum);
            counts[0] = n;
            if round > 0 { times[0].push(t.elapsed().as_secs_f64()); }
            let t = Instant::now();
            let mut n = 0;
            for text in &folded {
                for m in daac.find_overlapping_iter(text) {
                    n += 1;
                    black_box(m.start());
                }
            }
            counts[1] = n;
            if round > 0 { times[1].push(t.elapsed().as_secs_f64()); }
            let t = Instant::now();
            let mut n = 0;
            for text in &folded {
                for m in ac.find_overlapping_iter(text) {
                    n += 1;
                    black_box(m.start());
                }
            }
            counts[2] = n;
            if round > 0 { times[2].push(t.elapsed().as_secs_f64()); }
        }
        if floor.is_empty() { continue; } floor.sort_by(f64::total_cmp); print!("floor {:.2} ", floor[floor.len()/2]*1e9/chars as f64);
        let ns: Vec<f64> = times.iter_mut().map(|t| { t.sort_by(f64::total_cmp); t[t.len() / 2] * 1e9 / chars as f64 }).collect();
        println!("{kind} {count}: fused {:.1} daac {:.1} ({:.2}x) ac {:.1} ({:.2}x) hits {:?} build {:?} mem {:.1} MB", ns[0], ns[1], ns[1] / ns[0], ns[2], ns[2] / ns[0], counts, build, scanner.memory_bytes() as f64 / 1e6);
    }
}
