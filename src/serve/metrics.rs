//! Counters of one service, in the form that Prometheus reads.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};

use super::contract::Undone;
use crate::model::{Decision, Surface, Verdict};

/// Upper ends of the buckets of latencies, seconds.
const LATENCY_SECONDS: [f64; 15] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

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

/// Handles that are registered once. Nothing here holds text, accounts or contacts.
pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    /// By operation: latency, and answers by what became of the request.
    operations: [(Histogram, [Counter; 3]); 5],
    /// By surface and verdict.
    verdicts: [[Counter; 4]; 5],
    degraded: [Counter; 3],
    pub(super) shed: Counter,
    pub(super) replayed: Counter,
    pub(super) follow_ups: Counter,
    pub(super) log_failures: Counter,
    pub(super) engagement_decisions: Counter,
    /// Items that came too late to be kept for later ones.
    pub(super) late_items: Counter,
    /// Engagement events that were accepted, and refused lines.
    events: [Counter; 2],
    /// Bundles that were taken, and that were refused.
    pub(super) reloads: [Counter; 2],
    /// The share of target-hours that should alarm, and the share that did.
    alarm_rates: [Gauge; 2],
    in_flight: Gauge,
    queues: [Gauge; 4],
    log_failing: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// What is measured at the moment of being asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// Requests inside.
    pub(super) in_flight: usize,
    /// What waits for a worker, to be correlated, for the log, to be counted as engagement.
    pub(super) queues: [usize; 4],
    pub(super) is_log_failing: bool,
    /// The share of target-hours that should alarm, and the share that did; none before an hour has ended.
    pub(super) alarm_rates: Option<[f64; 2]>,
}

impl Metrics {
    /// # Errors
    /// The buckets are refused, which a test excludes.
    pub(super) fn new() -> Result<Self, BuildError> {
        let latency = Matcher::Full("qingliu_request_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(latency, &LATENCY_SECONDS)?;
        let recorder = builder.build_recorder();
        let operation = |name: &'static str| {
            let answers = ["answered", "refused", "unserved"];
            let latency = histogram!("qingliu_request_seconds", "operation" => name);
            let answers = answers
                .map(|result| counter!("qingliu_requests_total", "operation" => name, "result" => result));
            (latency, answers)
        };
        let verdicts = |surface: Surface| {
            Verdict::ALL.map(|verdict| {
                counter!("qingliu_verdicts_total", "surface" => surface.as_str(), "verdict" => verdict.as_str())
            })
        };
        let undone = [Undone::Content, Undone::Correlation, Undone::Log];
        let register = || {
            (
                ["check", "batch", "explain", "engagement", "scores"].map(operation),
                Surface::ALL.map(verdicts),
                undone.map(|undone| counter!("qingliu_degraded_total", "undone" => undone.as_str())),
                ["shed", "replayed", "follow_ups", "log_failures", "engagement_decisions", "late_items"]
                    .map(|name| counter!(format!("qingliu_{name}_total"))),
                ["accepted", "rejected"]
                    .map(|outcome| counter!("qingliu_engagement_events_total", "outcome" => outcome)),
                ["taken", "refused"].map(|outcome| counter!("qingliu_reloads_total", "outcome" => outcome)),
                ["requested", "realised"].map(|rate| gauge!("qingliu_engagement_alarm_rate", "rate" => rate)),
                gauge!("qingliu_in_flight_requests"),
                ["worker", "correlate", "log", "engagement"]
                    .map(|queue| gauge!("qingliu_queue_items", "queue" => queue)),
                gauge!("qingliu_log_failing"),
            )
        };
        let (
            operations,
            verdicts,
            degraded,
            counters,
            events,
            reloads,
            alarm_rates,
            in_flight,
            queues,
            log_failing,
        ) = with_local_recorder(&recorder, register);
        let [shed, replayed, follow_ups, log_failures, engagement_decisions, late_items] = counters;
        Ok(Self {
            recorder,
            operations,
            verdicts,
            degraded,
            shed,
            replayed,
            follow_ups,
            log_failures,
            engagement_decisions,
            late_items,
            events,
            reloads,
            alarm_rates,
            in_flight,
            queues,
            log_failing,
        })
    }

    /// Counts a request.
    pub(super) fn served(&self, operation: Operation, result: Answered, took: Duration) {
        let (latency, answers) = &self.operations[operation as usize];
        latency.record(took.as_secs_f64());
        answers[result as usize].increment(1);
    }

    /// Counts a decision. Labels are looked up by name, for decisions that are not `pass` only.
    pub(super) fn decided(&self, surface: Surface, decision: &Decision) {
        self.verdicts[surface as usize][decision.verdict as usize].increment(1);
        let top = decision.labels.first().filter(|_| decision.verdict != Verdict::Pass);
        if let Some(top) = top {
            let label = top.label.clone();
            let count = || counter!("qingliu_labels_total", "label" => label).increment(1);
            with_local_recorder(&self.recorder, count);
        }
    }

    /// Counts the lines of a bulk.
    pub(super) fn events(&self, accepted: usize, rejected: usize) {
        self.events
            .iter()
            .zip([accepted, rejected])
            .for_each(|(counter, lines)| counter.increment(lines as u64));
    }

    /// Counts an answer that was given before all was done.
    pub(super) fn degraded(&self, undone: Undone) {
        self.degraded[undone as usize].increment(1);
    }

    /// Whether a sink cannot go on.
    pub(super) fn sink_failing(&self, sink: &'static str) -> Gauge {
        with_local_recorder(&self.recorder, || gauge!("qingliu_sink_failing", "sink" => sink))
    }

    /// Bounds the memory of histograms; to be called every few seconds.
    pub(super) fn upkeep(&self) {
        self.recorder.handle().run_upkeep();
    }

    /// Everything as text.
    pub(super) fn render(&self, levels: Levels) -> String {
        // Queues are far shorter than 2^32.
        let level = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        self.in_flight.set(level(levels.in_flight));
        self.queues.iter().zip(levels.queues).for_each(|(gauge, count)| gauge.set(level(count)));
        for (gauge, rate) in self.alarm_rates.iter().zip(levels.alarm_rates.unwrap_or_default()) {
            gauge.set(rate);
        }
        self.log_failing.set(f64::from(u8::from(levels.is_log_failing)));
        self.recorder.handle().render()
    }
}
