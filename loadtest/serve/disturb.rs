//! Scenarios with somebody else on the wire: normal traffic has to be served as well as without them.

use anyhow::Result;
use serde_json::json;

use super::bench::Bench;
use super::hostile::{Disturbance, Kind};
use super::mix::Mix;
use super::options::Arguments;
use super::report::{Bar, Report};

/// Normal traffic, requests a second, unless told otherwise: far from saturation, so that what is seen is the disturbance.
const RATE: f64 = 2000.0;
/// The 99th percentile may be so many times what it is alone, and a little more.
const P99_TIMES_MAX: f64 = 2.0;
const P99_MORE_MS_MAX: f64 = 1.0;
const MEMORY_GROWTH_MIB_MAX: f64 = 256.0;

/// Clients that send and send and never read, or read a byte now and then.
pub(super) fn slow_readers(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    beside(arguments, mix, &[(Kind::NeverReads, 100), (Kind::ReadsSlowly, 100)], report)
}

/// Everything that nobody in good faith sends.
pub(super) fn hostile(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    let kinds = [
        (Kind::HugeBody, 1),
        (Kind::LongText, 1),
        (Kind::DeepJson, 2),
        (Kind::BrokenUtf8, 2),
        (Kind::BadHeaders, 4),
        (Kind::SlowHead, 200),
        (Kind::SlowBody, 200),
        (Kind::NeverReads, 20),
        (Kind::ReadsSlowly, 20),
        (Kind::BreaksOff, 4),
    ];
    beside(arguments, mix, &kinds, report)
}

fn beside(arguments: &Arguments, mix: &Mix, kinds: &[(Kind, usize)], report: &mut Report) -> Result<()> {
    let bench = Bench::of(arguments, mix)?;
    let rate = arguments.rate.unwrap_or(RATE);
    bench.measure(bench.load(bench.arrivals(rate), 2))?;
    let alone = bench.measure(bench.load(bench.arrivals(rate), arguments.seconds))?;
    report.line(&alone.line("normal traffic alone"));
    let disturbance = Disturbance::start(bench.address, kinds);
    let beside = bench.measure(bench.load(bench.arrivals(rate), arguments.seconds))?;
    let seen = disturbance.finish()?;
    report.line(&beside.line("normal traffic beside it"));
    for ((kind, what), count) in &seen {
        report.line(&format!("  {kind}: {what} {count}"));
    }
    let after = bench.measure(bench.load(bench.arrivals(rate), 2))?;
    report.line(&after.line("normal traffic afterwards"));
    report.figure("alone", alone.json());
    report.figure("beside", beside.json());
    report.figure(
        "disturbance",
        json!(seen.iter().map(|((kind, what), n)| json!([kind, what, n])).collect::<Vec<_>>()),
    );
    let bar = alone.tally.ms(99.0) * P99_TIMES_MAX + P99_MORE_MS_MAX;
    report.promise("p99 of normal traffic", (beside.tally.ms(99.0), "ms"), Bar::AtMost(bar));
    let lost = [&beside, &after].map(|run| run.tally.errors() + run.tally.shed.len()).iter().sum::<u64>();
    report.promise("normal requests without an answer", (lost as f64, "requests"), Bar::AtMost(0.0));
    let defects = seen
        .iter()
        .filter(|((_, what), _)| what.starts_with('5') && what != "503")
        .map(|(_, n)| n)
        .sum::<u64>();
    report.promise("answers that admit a defect", (defects as f64, "answers"), Bar::AtMost(0.0));
    let (before, now) = (alone.resident_bytes as f64, after.resident_bytes as f64);
    report.promise(
        "memory afterwards over before",
        ((now - before) / f64::from(1 << 20), "MiB"),
        Bar::AtMost(MEMORY_GROWTH_MIB_MAX),
    );
    Ok(())
}
