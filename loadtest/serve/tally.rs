//! What became of the requests, and how long they took.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest time that is told apart, microseconds.
const LATENCY_US_MAX: u64 = 120_000_000;
/// Kinds of refusals that are counted apart.
const KINDS_MAX: usize = 32;

/// Counters of one run, or of one thread of it. Latencies count from the moment at which a request was due.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Answered in full.
    pub(crate) full: Histogram<u64>,
    /// Answered before all was done.
    pub(crate) degraded: Histogram<u64>,
    /// 429 and 503.
    pub(crate) shed: Histogram<u64>,
    /// Other statuses below 500.
    pub(crate) refused: u64,
    /// Other statuses from 500 on.
    pub(crate) failed: u64,
    /// Connections that broke with a request on them, or could not be made.
    pub(crate) broken: u64,
    /// Due when no connection was free, and given up.
    pub(crate) unsent: u64,
    /// Sent again after a broken connection or a refusal.
    pub(crate) retried: u64,
    /// What was not answered, by status and code.
    pub(crate) kinds: BTreeMap<String, u64>,
    /// From the first request to the last answer, seconds.
    pub(crate) seconds: f64,
}

/// Percentiles that are printed, and their names.
const PERCENTILES: [(f64, &str); 4] = [(50.0, "p50"), (90.0, "p90"), (99.0, "p99"), (99.9, "p99.9")];

impl Tally {
    /// Empty counters.
    ///
    /// # Errors
    /// Never with these limits.
    pub(crate) fn new() -> Result<Self> {
        let latencies = || Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
        Ok(Self {
            full: latencies()?,
            degraded: latencies()?,
            shed: latencies()?,
            refused: 0,
            failed: 0,
            broken: 0,
            unsent: 0,
            retried: 0,
            kinds: BTreeMap::new(),
            seconds: 0.0,
        })
    }

    /// Counts a reply.
    pub(crate) fn reply(&mut self, status: u16, body: &[u8], took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match status {
            200 if memchr::memmem::find(body, b"\"degraded\":\"").is_some() => {
                self.degraded.saturating_record(micros);
            }
            200 => self.full.saturating_record(micros),
            429 | 503 => self.shed.saturating_record(micros),
            ..500 => self.refused += 1,
            500.. => self.failed += 1,
        }
        if status != 200 {
            let code = serde_json::from_slice::<Value>(body).ok();
            let code = code.as_ref().and_then(|problem| problem["code"].as_str()).unwrap_or_default();
            self.kind(&format!("{status} {code}"));
        }
    }

    /// Counts a kind of what was not answered.
    pub(crate) fn kind(&mut self, kind: &str) {
        if self.kinds.len() < KINDS_MAX || self.kinds.contains_key(kind) {
            *self.kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }

    /// Answers a second, degraded ones too.
    pub(crate) fn goodput(&self) -> f64 {
        (self.full.len() + self.degraded.len()) as f64 / self.seconds.max(1e-9)
    }

    /// Requests that came to no answer, other than by being shed or given up.
    pub(crate) fn errors(&self) -> u64 {
        self.refused + self.failed + self.broken
    }

    /// A percentile of the full answers, milliseconds.
    pub(crate) fn ms(&self, percentile: f64) -> f64 {
        self.full.value_at_percentile(percentile) as f64 / 1000.0
    }

    /// One line of figures.
    pub(crate) fn line(&self, name: &str) -> String {
        let mut line = format!("{name:<24} {:>9.0}/s ", self.goodput());
        // Writing to a string cannot fail.
        for (percentile, label) in PERCENTILES {
            let _ = write!(line, " {label} {:>8.3}", self.ms(percentile));
        }
        let _ = write!(line, " max {:>8.3} ms", self.full.max() as f64 / 1000.0);
        let rest = [
            ("degraded", self.degraded.len()),
            ("shed", self.shed.len()),
            ("unsent", self.unsent),
            ("retried", self.retried),
            ("errors", self.errors()),
        ];
        for (what, count) in rest.iter().filter(|(_, count)| *count > 0) {
            let _ = write!(line, "  {what} {count}");
        }
        if !self.kinds.is_empty() {
            let _ = write!(line, "  {:?}", self.kinds);
        }
        line
    }

    /// All figures.
    pub(crate) fn json(&self) -> Value {
        let latency = |of: &Histogram<u64>| {
            let ms = |value: u64| value as f64 / 1000.0;
            let mut all = json!({ "count": of.len(), "max_ms": ms(of.max()) });
            for (percentile, label) in PERCENTILES {
                all[format!("{label}_ms")] = json!(ms(of.value_at_percentile(percentile)));
            }
            all
        };
        json!({
            "seconds": self.seconds, "goodput_per_second": self.goodput(), "full": latency(&self.full),
            "degraded": latency(&self.degraded), "shed": latency(&self.shed), "refused": self.refused,
            "failed": self.failed, "broken": self.broken, "unsent": self.unsent, "retried": self.retried,
            "kinds": self.kinds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_counted_by_what_they_say() {
        let mut tally = Tally::new().unwrap();
        tally.seconds = 2.0;
        let ms = Duration::from_millis;
        tally.reply(200, br#"{"degraded":null}"#, ms(1));
        tally.reply(200, br#"{"degraded":"deadline_log"}"#, ms(2));
        tally.reply(503, br#"{"code":"overloaded"}"#, ms(1));
        tally.reply(400, b"no json", ms(1));
        tally.reply(500, b"", ms(1));
        assert_eq!((tally.full.len(), tally.degraded.len(), tally.shed.len()), (1, 1, 1));
        assert_eq!((tally.errors(), tally.goodput().to_bits()), (2, 1.0_f64.to_bits()));
        assert_eq!(tally.kinds["503 overloaded"], 1);
    }
}
