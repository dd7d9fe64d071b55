//! Time per stage on the shipped samples, beside what one would otherwise use: `cargo bench --bench stages`.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jieba_rs::Jieba;
use jiff::civil::date;
use qingliu::engine::{Bundle, Scratch, embedded_files, evaluate, inspect, samples};
use qingliu::model::Item;
use qingliu::text::{FoldTable, FoldedText};
use unicode_normalization::UnicodeNormalization as _;

/// The texts of the shipped samples.
fn texts() -> Vec<String> {
    let items = samples().lines().filter_map(|line| Item::from_json(line).ok());
    items
        .filter_map(|item| item.text.map(std::borrow::Cow::into_owned))
        .filter(|text| !text.is_empty())
        .collect()
}

fn chars(texts: &[String]) -> u64 {
    texts.iter().map(|text| text.chars().count() as u64).sum()
}

fn folding(c: &mut Criterion) {
    let texts = texts();
    let files = embedded_files();
    let file = |name: &str| files.iter().find(|f| f.path == format!("fold/{name}")).map(|f| f.text.as_str());
    let Ok(table) = FoldTable::build(file) else { return };
    let mut group = c.benchmark_group("fold");
    group.throughput(Throughput::Elements(chars(&texts)));
    group.bench_function("qingliu: all folds, two views, way back", |b| {
        let mut folded = FoldedText::default();
        b.iter(|| {
            for text in &texts {
                folded.fold(&table, text);
                black_box(folded.dense());
            }
        });
    });
    group.bench_function("unicode-normalization: NFKC and lower case, no way back", |b| {
        b.iter(|| {
            for text in &texts {
                black_box(text.nfkc().collect::<String>().to_lowercase());
            }
        });
    });
    group.finish();
}

fn judging(c: &mut Criterion) {
    let texts = texts();
    let Ok(bundle) = Bundle::load(&embedded_files(), date(2026, 1, 1)) else { return };
    let mut scratch = Scratch::default();
    let mut group = c.benchmark_group("judge");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("inspect: fold, scan, slots, rules", |b| {
        b.iter(|| {
            for text in &texts {
                black_box(inspect(&bundle, &Item::from_text(text), &mut scratch).is_ok());
            }
        });
    });
    group.bench_function("evaluate: inspect and decide", |b| {
        b.iter(|| {
            for text in &texts {
                black_box(evaluate(&bundle, &Item::from_text(text), &mut scratch).is_ok());
            }
        });
    });
    group.bench_function("jieba: segmentation of the whole text, for comparison", |b| {
        let jieba = Jieba::new();
        b.iter(|| {
            for text in &texts {
                black_box(jieba.cut(text, false));
            }
        });
    });
    group.finish();
}

fn loading(c: &mut Criterion) {
    let files = embedded_files();
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("the shipped bundle, tokeniser included", |b| {
        b.iter(|| black_box(Bundle::load(&files, date(2026, 1, 1)).is_ok()));
    });
    group.finish();
}

criterion_group!(benches, folding, judging, loading);
criterion_main!(benches);
