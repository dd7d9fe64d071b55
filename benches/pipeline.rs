//! The whole way, JSON lines in and decisions out, on one and on two threads: `cargo bench --bench pipeline`.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::civil::date;
use qingliu::engine::{Bundle, embedded_files, samples};
use qingliu::rescan::{Options, run};
use qingliu::telemetry::Clock;

/// How often the samples are repeated, so that a run has more than one chunk per thread.
const REPEATS: usize = 40;

fn options(folder: &std::path::Path, threads: usize) -> Options {
    Options {
        inputs: vec![folder.join("posts.jsonl")],
        output: Some(folder.join(format!("decisions-{threads}.jsonl"))),
        rejects: None,
        scores: None,
        old: None,
        summary: None,
        old_path: None,
        all: false,
        threads,
        resume: false,
        restart: true,
        checkpoint_every: std::time::Duration::from_secs(2),
    }
}

fn rescan(c: &mut Criterion) {
    let (Ok(bundle), Ok(folder)) = (Bundle::load(&embedded_files(), date(2026, 1, 1)), tempfile::tempdir())
    else {
        return;
    };
    let posts = samples().lines().count() * REPEATS;
    if std::fs::write(folder.path().join("posts.jsonl"), samples().repeat(REPEATS)).is_err() {
        return;
    }
    let mut group = c.benchmark_group("rescan");
    group.sample_size(10);
    group.throughput(Throughput::Elements(posts as u64));
    for threads in [1, 2] {
        let options = options(&PathBuf::from(folder.path()), threads);
        group.bench_function(format!("samples x {REPEATS}, {threads} thread(s)"), |b| {
            b.iter(|| black_box(run(&bundle, &options, Clock::start(), &|_, _, _| {}).is_ok()));
        });
    }
    group.finish();
}

criterion_group!(benches, rescan);
criterion_main!(benches);
