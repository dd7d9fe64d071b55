//! Every metric of the service, with what it says.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Counters, by name.
const COUNTERS: &[(&str, &str)] = &[
    ("qingliu_requests_total", "Requests, by operation and by what became of them."),
    ("qingliu_verdicts_total", "Decisions, by surface and verdict."),
    ("qingliu_labels_total", "Decisions other than pass, by their first label and surface."),
    ("qingliu_degraded_total", "Answers given before all was done, by what was not done."),
    ("qingliu_shed_total", "Requests refused because there was no room for them."),
    ("qingliu_replayed_total", "Requests that were answered with an earlier answer."),
    ("qingliu_follow_ups_total", "Decisions beside earlier ones that nobody asked for."),
    ("qingliu_log_failures_total", "Decisions that could not be put on the disk."),
    ("qingliu_late_items_total", "Items that came too late to be kept for later ones."),
    ("qingliu_engagement_decisions_total", "Decisions that the engagement detector has caused."),
    ("qingliu_engagement_events_total", "Lines of engagement events, accepted and rejected."),
    ("qingliu_bundle_changes_total", "Changes of the bundle, by kind, taken and refused."),
    ("qingliu_shadow_items_total", "Items of the candidate's share, by what became of them."),
    ("qingliu_shadow_changes_total", "Items that the candidate judged differently, by both verdicts."),
    ("qingliu_canary_verdicts_total", "Decisions that a candidate made in earnest, by verdict."),
    ("qingliu_sink_put_aside_total", "Events that a sink has given up until the next start."),
];

/// Gauges, by name.
const GAUGES: &[(&str, &str)] = &[
    ("qingliu_in_flight_requests", "Requests inside the service."),
    ("qingliu_queue_items", "What waits in front of a stage."),
    ("qingliu_log_failing", "1 while decisions cannot be put on the disk."),
    (
        "qingliu_engagement_alarm_rate",
        "Share of target-hours that alarm, as it is asked for and as it came out.",
    ),
    ("qingliu_log_bytes", "Size of the log on the disk, bytes."),
    ("qingliu_log_segments", "Segments of the log."),
    ("qingliu_window_posts", "Posts in the window of near-duplicates."),
    ("qingliu_window_bytes", "Memory of the window, bytes."),
    ("qingliu_sink_failing", "1 while a sink cannot go on."),
    ("qingliu_sink_lag_seconds", "Age of the oldest decision that a sink has not passed on, seconds."),
    ("qingliu_sink_waiting_events", "Decisions that a sink has read and not passed on."),
    ("qingliu_bundle_refused", "1 after a change of the bundle was refused, until one is taken."),
    ("qingliu_bundle_terms", "Terms of the live bundle."),
    ("qingliu_bundle_rules", "Rules of the live bundle."),
    ("qingliu_canary_percent", "Share of the accounts that a candidate judges, percent."),
    ("qingliu_appeals_waiting", "Appeals that wait for an answer."),
    ("qingliu_appeals_overdue", "Appeals that should have been answered by now."),
    ("qingliu_resident_bytes", "Memory of the process, bytes."),
    ("qingliu_start_seconds", "When the service was started, seconds since 1970."),
    ("qingliu_build_info", "1, with the version of the program."),
];

/// Histograms, by name.
const HISTOGRAMS: &[(&str, &str)] = &[
    ("qingliu_request_seconds", "Time from a request's head to its answer, by operation, seconds."),
    ("qingliu_stage_seconds", "Time that a stage takes for an item, waiting for it included, seconds."),
];

/// Written out apart from the others: its series come and go.
pub(super) const BUNDLE_INFO: (&str, &str) =
    ("qingliu_bundle_info", "1, with the version of a bundle in use.");

/// Tells the local recorder what every metric says.
pub(super) fn describe() {
    for &(name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    for &(name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    for &(name, help) in HISTOGRAMS {
        describe_histogram!(name, help);
    }
}
