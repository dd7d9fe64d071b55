//! Scenarios of nothing but traffic: the generator's floor, steady load, overload.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::json;

use super::bench::{Bench, Measured};
use super::load::WhenFull;
use super::mix::Mix;
use super::options::Arguments;
use super::report::{Bar, Report};

/// Promises about request rate and latency.
const RATE_SHARE_MIN: f64 = 0.7;
const P99_OVER_FLOOR_MS_MAX: f64 = 1.0;
const P999_OVER_FLOOR_MS_MAX: f64 = 5.0;
/// Promises about overload.
const OVERLOAD: f64 = 10.0;
const OVERLOAD_P99_TIMES_MAX: f64 = 2.0;
const OVERLOAD_GOODPUT_SHARE_MIN: f64 = 0.8;
/// Connections of the overload: more than requests that a service lets in.
const OVERLOAD_CONNECTIONS: usize = 2048;
/// Of a run of a minute and more: the last third of it may have so much more memory than the middle.
const MEMORY_SECONDS_MIN: u64 = 60;
const MEMORY_GROWTH_MIB_MAX: f64 = 32.0;

/// The empty handler at a rate.
pub(super) fn floor(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    let bench = Bench::empty(arguments, mix)?;
    let rate = match arguments.rate {
        Some(rate) => rate,
        None => bench.saturation("empty handler", arguments.seconds, report)?.rate / 2.0,
    };
    at_rate(&bench, "empty handler", (rate, arguments.seconds), report).map(|_| ())
}

/// The steps, of both.
pub(super) fn find_saturation(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    let empty = Bench::empty(arguments, mix)?.saturation("empty handler", arguments.seconds, report)?;
    let own = Bench::of(arguments, mix)?.saturation("service", arguments.seconds, report)?;
    report.line(&format!("share of the empty handler's peak: {:.3}", own.peak / empty.peak));
    Ok(())
}

/// A run at a rate, and its line.
fn at_rate(bench: &Bench, name: &str, (rate, seconds): (f64, u64), report: &mut Report) -> Result<Measured> {
    let measured = bench.measure(bench.load(bench.arrivals(rate), seconds))?;
    report.line(&measured.line(&format!("{name}, {rate:.0}/s due")));
    report.figure(&format!("{name} at rate"), measured.json());
    Ok(measured)
}

/// Request rate beside the empty handler's; latency over the generator's floor at half of saturation, or at `--rate`.
pub(super) fn steady(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    let (empty, bench) = (Bench::empty(arguments, mix)?, Bench::of(arguments, mix)?);
    let rate = match arguments.rate {
        Some(rate) => rate,
        None => {
            let floor = empty.saturation("empty handler", arguments.seconds, report)?;
            let own = bench.saturation("service", arguments.seconds, report)?;
            report.promise(
                "request rate beside the empty handler's",
                (own.peak / floor.peak, "x"),
                Bar::AtLeast(RATE_SHARE_MIN),
            );
            own.rate / 2.0
        }
    };
    let floor = at_rate(&empty, "empty handler", (rate, arguments.seconds.min(30)), report)?.tally;
    drop(empty);
    let watched = Watched::start(&bench);
    let own = at_rate(&bench, "service", (rate, arguments.seconds), report)?.tally;
    let over = |percentile| own.ms(percentile) - floor.ms(percentile);
    report.promise("p99 over the floor", (over(99.0), "ms"), Bar::AtMost(P99_OVER_FLOOR_MS_MAX));
    report.promise("p99.9 over the floor", (over(99.9), "ms"), Bar::AtMost(P999_OVER_FLOOR_MS_MAX));
    let lost = own.errors() + own.shed.len() + own.unsent;
    report.promise("requests without an answer", (lost as f64, "requests"), Bar::AtMost(0.0));
    let resident = watched.finish()?;
    report.figure("resident_mib", json!(resident));
    if arguments.seconds >= MEMORY_SECONDS_MIN && !resident.is_empty() {
        let third = resident.len() / 3;
        let most = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
        let (middle, last) = (most(&resident[third..2 * third]), most(&resident[2 * third..]));
        report.line(&format!(
            "memory: {:.0} MiB at first, {middle:.0} MiB in the middle third, {last:.0} MiB in the last",
            resident[0]
        ));
        report.promise(
            "memory, last third over the middle",
            (last - middle, "MiB"),
            Bar::AtMost(MEMORY_GROWTH_MIB_MAX),
        );
    }
    Ok(())
}

/// Memory of a process, looked at once a second.
struct Watched {
    is_over: Arc<AtomicBool>,
    watching: thread::JoinHandle<Vec<f64>>,
}

impl Watched {
    fn start(bench: &Bench) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, statm) =
            (Arc::clone(&is_over), bench.server.as_ref().and_then(super::server::Server::statm));
        let watching = thread::spawn(move || {
            let mut all = Vec::new();
            while let Some(statm) = statm.as_ref().filter(|_| !over.load(Ordering::Relaxed)) {
                all.push(super::server::resident_bytes(statm) as f64 / f64::from(1 << 20));
                thread::sleep(Duration::from_secs(1));
            }
            all
        });
        Self { is_over, watching }
    }

    fn finish(self) -> Result<Vec<f64>> {
        self.is_over.store(true, Ordering::Relaxed);
        self.watching.join().map_err(|_| anyhow!("the memory could not be watched"))
    }
}

/// Ten times as much as can be had: who is let in is served as fast as before, and no less of them.
///
/// Callers have a bounded pool of connections, give up what is due when none is free, and heed `Retry-After`.
pub(super) fn overload(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    let bench = Bench::of(arguments, mix)?;
    let saturation = bench.saturation("service", arguments.seconds, report)?;
    let rate = arguments.rate.unwrap_or(saturation.rate) * OVERLOAD;
    let load = super::load::Load {
        connections: OVERLOAD_CONNECTIONS,
        when_full: WhenFull::GiveUp,
        is_impatient: arguments.impatient,
        ..bench.load(bench.arrivals(rate), arguments.seconds)
    };
    let over = bench.measure(load)?;
    report.line(&over.line(&format!("service, {rate:.0}/s due")));
    report.figure("overload", over.json());
    let times = over.tally.ms(99.0) / saturation.at.tally.ms(99.0).max(1e-3);
    report.promise(
        "p99 of the admitted beside that at saturation",
        (times, "x"),
        Bar::AtMost(OVERLOAD_P99_TIMES_MAX),
    );
    let share = over.tally.goodput() / saturation.peak;
    report.promise("goodput beside the peak", (share, "x"), Bar::AtLeast(OVERLOAD_GOODPUT_SHARE_MIN));
    report.promise("errors other than refusals", (over.tally.errors() as f64, "requests"), Bar::AtMost(0.0));
    let after = bench.measure(bench.load(bench.arrivals(saturation.rate / 2.0), 3))?;
    report.line(&after.line("service, afterwards"));
    let lost = after.tally.errors() + after.tally.shed.len();
    report.promise("requests without an answer afterwards", (lost as f64, "requests"), Bar::AtMost(0.0));
    Ok(())
}
