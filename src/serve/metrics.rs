//! Counters of one service, in the form that Prometheus reads. Nothing here holds text, accounts or contacts, and the number of
//! series is bounded.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};

use super::contract::Undone;
use super::metric_names::{BUNDLE_INFO, describe};
use crate::emit::SinkLag;
use crate::model::{Decision, Surface, Verdict};
use crate::telemetry::{Clock, memory_bytes};

/// Upper ends of the buckets of latencies, seconds.
const LATENCY_SECONDS: [f64; 16] = [
    0.000_02, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5,
];
/// Labels that are counted by name; more are counted as `other`.
const LABELS_MAX: usize = 256;

/// Operations that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// One item.
    Check,
    /// A batch.
    Batch,
    /// A decision that was made earlier.
    Explain,
    /// Engagement events.
    Engagement,
    /// The scores of a target.
    Scores,
}

/// Answers by what became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// It was answered.
    Given,
    /// It was refused by the caller's fault.
    Refused,
    /// It could not be served.
    Unserved,
}

/// Parts of an item's way that are timed apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StageName {
    /// Its content is judged.
    Content,
    /// It is correlated with the others.
    Correlate,
    /// Its record comes to the disk.
    Log,
}

/// What became of an item that was to be judged by a candidate beside the live bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shadowed {
    /// It was judged.
    Judged,
    /// Too many waited.
    Dropped,
    /// The candidate could not judge it.
    Failed,
}

/// Changes of the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The bundle directory was read anew.
    Bundle,
    /// The bundle before was brought back.
    Rollback,
    /// A candidate was put on trial.
    Candidate,
    /// It got another share of accounts.
    Canary,
    /// It became the live bundle.
    Promote,
    /// Its trial was ended.
    Abort,
}

impl Change {
    /// All changes.
    const ALL: [Self; 6] =
        [Self::Bundle, Self::Rollback, Self::Candidate, Self::Canary, Self::Promote, Self::Abort];

    /// The name in the log and in metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Rollback => "rollback",
            Self::Candidate => "candidate",
            Self::Canary => "canary",
            Self::Promote => "promote",
            Self::Abort => "abort",
        }
    }
}

/// Handles that are registered once.
pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    /// By operation: latency, and answers by what became of the request.
    operations: [(Histogram, [Counter; 3]); 5],
    stages: [Histogram; 3],
    /// By surface and verdict.
    verdicts: [[Counter; 4]; 5],
    /// By label, then surface.
    labels: Mutex<HashMap<String, [Counter; 5]>>,
    degraded: [Counter; 3],
    pub(super) shed: Counter,
    pub(super) replayed: Counter,
    pub(super) follow_ups: Counter,
    pub(super) log_failures: Counter,
    /// Decisions that the engagement detector has caused.
    pub(super) engagement_decisions: Counter,
    /// Items that came too late to be kept for later ones.
    pub(super) late_items: Counter,
    /// Engagement events that were accepted, and refused lines.
    events: [Counter; 2],
    /// By change: taken, refused.
    changes: [[Counter; 2]; 6],
    shadowed: [Counter; 3],
    /// By verdict of the live bundle and of the candidate.
    shadow_changes: [[Counter; 4]; 4],
    canary: [Counter; 4],
    gauges: Gauges,
    sinks: Mutex<Vec<Sink>>,
}

struct Gauges {
    in_flight: Gauge,
    queues: [Gauge; 4],
    log_failing: Gauge,
    /// The share of target-hours that should alarm, and the share that did.
    alarm_rates: [Gauge; 2],
    log_bytes: Gauge,
    log_segments: Gauge,
    window_posts: Gauge,
    window_bytes: Gauge,
    bundle_refused: Gauge,
    /// Terms and rules.
    bundle_size: [Gauge; 2],
    canary_percent: Gauge,
    /// That wait, that are overdue.
    appeals: [Gauge; 2],
    resident: Gauge,
}

struct Sink {
    lag: SinkLag,
    seconds: Gauge,
    waiting: Gauge,
    put_aside: Counter,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// What is measured at the moment of being asked.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    /// Requests inside.
    pub(super) in_flight: usize,
    /// What waits for a worker, to be correlated, for the log, to be counted as engagement.
    pub(super) queues: [usize; 4],
    pub(super) is_log_failing: bool,
    /// The share of target-hours that should alarm, and the share that did; none before an hour has ended.
    pub(super) alarm_rates: Option<[f64; 2]>,
    /// Version of the live bundle, and of the candidate.
    pub(super) versions: (String, Option<String>),
    /// Terms and rules of the live bundle.
    pub(super) bundle_size: [usize; 2],
    pub(super) is_bundle_refused: bool,
    /// Share of accounts that the candidate judges.
    pub(super) canary_percent: f64,
    /// Appeals that wait, and those that are overdue.
    pub(super) appeals: [usize; 2],
}

impl Metrics {
    /// # Errors
    /// The buckets are refused, which a test excludes.
    pub(super) fn new() -> Result<Self, BuildError> {
        let mut builder = PrometheusBuilder::new();
        for name in ["qingliu_request_seconds", "qingliu_stage_seconds"] {
            builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &LATENCY_SECONDS)?;
        }
        let recorder = builder.build_recorder();
        Ok(with_local_recorder(&recorder, Self::register).with(recorder))
    }

    /// Registers every series with the local recorder.
    fn register() -> Unrecorded {
        describe();
        let operation = |name: &'static str| {
            let latency = histogram!("qingliu_request_seconds", "operation" => name);
            let answers = ["answered", "refused", "unserved"]
                .map(|result| counter!("qingliu_requests_total", "operation" => name, "result" => result));
            (latency, answers)
        };
        let by_verdict = |name: &'static str, surface: Surface| {
            Verdict::ALL
                .map(|verdict| counter!(name, "surface" => surface.as_str(), "verdict" => verdict.as_str()))
        };
        let total = |name: &'static str| counter!(format!("qingliu_{name}_total"));
        let change = |change: Change| {
            ["taken", "refused"].map(|outcome| {
                counter!("qingliu_bundle_changes_total", "change" => change.as_str(), "outcome" => outcome)
            })
        };
        let shadow_change = |live: Verdict| {
            Verdict::ALL.map(|candidate| {
                if live == candidate {
                    return Counter::noop();
                }
                let (live, candidate) = (live.as_str(), candidate.as_str());
                counter!("qingliu_shadow_changes_total", "live" => live, "candidate" => candidate)
            })
        };
        let undone = [Undone::Content, Undone::Correlation, Undone::Log];
        Unrecorded {
            operations: ["check", "batch", "explain", "engagement", "scores"].map(operation),
            stages: ["content", "correlate", "log"]
                .map(|stage| histogram!("qingliu_stage_seconds", "stage" => stage)),
            verdicts: Surface::ALL.map(|surface| by_verdict("qingliu_verdicts_total", surface)),
            degraded: undone.map(|undone| counter!("qingliu_degraded_total", "undone" => undone.as_str())),
            totals: ["shed", "replayed", "follow_ups", "log_failures", "engagement_decisions", "late_items"]
                .map(total),
            events: ["accepted", "rejected"]
                .map(|outcome| counter!("qingliu_engagement_events_total", "outcome" => outcome)),
            changes: Change::ALL.map(change),
            shadowed: ["judged", "dropped", "failed"]
                .map(|outcome| counter!("qingliu_shadow_items_total", "outcome" => outcome)),
            shadow_changes: Verdict::ALL.map(shadow_change),
            canary: Verdict::ALL
                .map(|verdict| counter!("qingliu_canary_verdicts_total", "verdict" => verdict.as_str())),
            gauges: Gauges::register(),
        }
    }

    fn lock_labels(&self) -> MutexGuard<'_, HashMap<String, [Counter; 5]>> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request.
    pub(super) fn served(&self, operation: Operation, result: Answered, took: Duration) {
        let (latency, answers) = &self.operations[operation as usize];
        latency.record(took.as_secs_f64());
        answers[result as usize].increment(1);
    }

    /// Times a part of an item's way.
    pub(super) fn staged(&self, stage: StageName, took: Duration) {
        self.stages[stage as usize].record(took.as_secs_f64());
    }

    /// Counts a decision. Labels are looked up by name, for decisions that are not `pass` only.
    pub(super) fn decided(&self, surface: Surface, decision: &Decision) {
        self.verdicts[surface as usize][decision.verdict as usize].increment(1);
        let Some(top) = decision.labels.first().filter(|_| decision.verdict != Verdict::Pass) else { return };
        let mut labels = self.lock_labels();
        let is_known = labels.contains_key(&top.label);
        let name = if is_known || labels.len() < LABELS_MAX { top.label.as_str() } else { "other" };
        if let Some(counters) = labels.get(name) {
            return counters[surface as usize].increment(1);
        }
        let register = || {
            let of = |surface: Surface| counter!("qingliu_labels_total", "label" => name.to_owned(), "surface" => surface.as_str());
            Surface::ALL.map(of)
        };
        let counters = with_local_recorder(&self.recorder, register);
        counters[surface as usize].increment(1);
        labels.insert(name.to_owned(), counters);
    }

    /// Counts an answer that was given before all was done.
    pub(super) fn degraded(&self, undone: Undone) {
        self.degraded[undone as usize].increment(1);
    }

    /// Counts the lines of a bulk of engagement events.
    pub(super) fn events(&self, accepted: usize, rejected: usize) {
        self.events
            .iter()
            .zip([accepted, rejected])
            .for_each(|(counter, lines)| counter.increment(lines as u64));
    }

    /// Counts a change of the bundle.
    pub(super) fn changed(&self, change: Change, is_taken: bool) {
        self.changes[change as usize][usize::from(!is_taken)].increment(1);
    }

    /// Counts an item of a shadow trial.
    pub(super) fn shadowed(&self, outcome: Shadowed) {
        self.shadowed[outcome as usize].increment(1);
    }

    /// Counts an item with another verdict.
    pub(super) fn shadow_changed(&self, live: Verdict, candidate: Verdict) {
        self.shadow_changes[live as usize][candidate as usize].increment(1);
    }

    /// Counts a decision that a candidate made in earnest.
    pub(super) fn canary_decided(&self, verdict: Verdict) {
        self.canary[verdict as usize].increment(1);
    }

    /// Sizes of the window.
    pub(super) fn window(&self, posts: usize, bytes: usize) {
        self.gauges.window_posts.set(level(posts));
        self.gauges.window_bytes.set(level(bytes));
    }

    /// Sizes of the log.
    pub(super) fn log(&self, segments: usize, bytes: u64) {
        self.gauges.log_segments.set(level(segments));
        self.gauges.log_bytes.set(level(usize::try_from(bytes).unwrap_or(usize::MAX)));
    }

    /// Whether a sink cannot go on, and how far it is behind.
    pub(super) fn sink(&self, sink: &'static str) -> (Gauge, SinkLag) {
        let lag = SinkLag::default();
        let register = || {
            let failing = gauge!("qingliu_sink_failing", "sink" => sink);
            let sink = Sink {
                lag: lag.clone(),
                seconds: gauge!("qingliu_sink_lag_seconds", "sink" => sink),
                waiting: gauge!("qingliu_sink_waiting_events", "sink" => sink),
                put_aside: counter!("qingliu_sink_put_aside_total", "sink" => sink),
            };
            (failing, sink)
        };
        let (failing, sink) = with_local_recorder(&self.recorder, register);
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).push(sink);
        (failing, lag)
    }

    /// Bounds the memory of histograms; to be called every few seconds.
    pub(super) fn upkeep(&self) {
        self.recorder.handle().run_upkeep();
    }

    /// Everything as text.
    pub(super) fn render(&self, levels: &Levels) -> String {
        let gauges = &self.gauges;
        gauges.in_flight.set(level(levels.in_flight));
        gauges.queues.iter().zip(levels.queues).for_each(|(gauge, count)| gauge.set(level(count)));
        gauges.log_failing.set(f64::from(u8::from(levels.is_log_failing)));
        for (gauge, rate) in gauges.alarm_rates.iter().zip(levels.alarm_rates.unwrap_or_default()) {
            gauge.set(rate);
        }
        gauges.bundle_refused.set(f64::from(u8::from(levels.is_bundle_refused)));
        gauges.bundle_size.iter().zip(levels.bundle_size).for_each(|(gauge, count)| gauge.set(level(count)));
        gauges.canary_percent.set(levels.canary_percent);
        gauges.appeals.iter().zip(levels.appeals).for_each(|(gauge, count)| gauge.set(level(count)));
        gauges.resident.set(level(usize::try_from(memory_bytes().unwrap_or(0)).unwrap_or(usize::MAX)));
        let now_ms = Clock::now_ms();
        for sink in self.sinks.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let behind_ms =
                sink.lag.oldest_ms().map_or(0, |oldest_ms| now_ms.saturating_sub(oldest_ms).max(0));
            sink.seconds.set(Duration::from_millis(behind_ms.cast_unsigned()).as_secs_f64());
            sink.waiting.set(level(sink.lag.waiting()));
            sink.put_aside.absolute(sink.lag.put_aside());
        }
        let mut text = self.recorder.handle().render();
        // A series with a version of its own would stay for ever with the recorder.
        let (name, help) = BUNDLE_INFO;
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        let (live, candidate) = &levels.versions;
        for (role, version) in [("live", Some(live)), ("candidate", candidate.as_ref())] {
            if let Some(version) = version {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{name}{{role=\"{role}\",version=\"{version}\"}} 1");
            }
        }
        text
    }
}

/// Everything but the recorder that it was registered with.
struct Unrecorded {
    operations: [(Histogram, [Counter; 3]); 5],
    stages: [Histogram; 3],
    verdicts: [[Counter; 4]; 5],
    degraded: [Counter; 3],
    totals: [Counter; 6],
    events: [Counter; 2],
    changes: [[Counter; 2]; 6],
    shadowed: [Counter; 3],
    shadow_changes: [[Counter; 4]; 4],
    canary: [Counter; 4],
    gauges: Gauges,
}

impl Unrecorded {
    fn with(self, recorder: PrometheusRecorder) -> Metrics {
        let [shed, replayed, follow_ups, log_failures, engagement_decisions, late_items] = self.totals;
        Metrics {
            recorder,
            operations: self.operations,
            stages: self.stages,
            verdicts: self.verdicts,
            labels: Mutex::default(),
            degraded: self.degraded,
            shed,
            replayed,
            follow_ups,
            log_failures,
            engagement_decisions,
            late_items,
            events: self.events,
            changes: self.changes,
            shadowed: self.shadowed,
            shadow_changes: self.shadow_changes,
            canary: self.canary,
            gauges: self.gauges,
            sinks: Mutex::default(),
        }
    }
}

impl Gauges {
    fn register() -> Self {
        gauge!("qingliu_start_seconds")
            .set(Duration::from_millis(Clock::now_ms().cast_unsigned()).as_secs_f64());
        gauge!("qingliu_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Self {
            in_flight: gauge!("qingliu_in_flight_requests"),
            queues: ["worker", "correlate", "log", "engagement"]
                .map(|queue| gauge!("qingliu_queue_items", "queue" => queue)),
            log_failing: gauge!("qingliu_log_failing"),
            alarm_rates: ["requested", "realised"]
                .map(|rate| gauge!("qingliu_engagement_alarm_rate", "rate" => rate)),
            log_bytes: gauge!("qingliu_log_bytes"),
            log_segments: gauge!("qingliu_log_segments"),
            window_posts: gauge!("qingliu_window_posts"),
            window_bytes: gauge!("qingliu_window_bytes"),
            bundle_refused: gauge!("qingliu_bundle_refused"),
            bundle_size: ["qingliu_bundle_terms", "qingliu_bundle_rules"].map(|name| gauge!(name)),
            canary_percent: gauge!("qingliu_canary_percent"),
            appeals: ["qingliu_appeals_waiting", "qingliu_appeals_overdue"].map(|name| gauge!(name)),
            resident: gauge!("qingliu_resident_bytes"),
        }
    }
}

/// A count as a gauge shows it: exact up to 2^53.
#[allow(clippy::cast_precision_loss, reason = "counts and bytes are far below 2^53")]
fn level(count: usize) -> f64 {
    count as f64
}
