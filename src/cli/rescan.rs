//! `qingliu rescan`.

use std::fs;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::RescanArguments;
use super::{Failure, load_bundle, render};
use crate::intake::expand_inputs;
use crate::model::Verdict;
use crate::rescan::{EngagementSummary, OldDecisions, Options, Report, RescanError, Summary};
use crate::telemetry::{Clock, peak_memory_bytes};

pub(super) fn run(arguments: RescanArguments, clock: Clock) -> Result<ExitCode, Failure> {
    let inputs = expand_inputs(&arguments.inputs).map_err(Failure::run)?;
    let bundle = load_bundle(arguments.bundle.as_deref())?;
    let old = arguments.diff.as_deref().map(OldDecisions::read).transpose().map_err(Failure::run)?;
    let stdout = || Some(PathBuf::from("-"));
    let options = Options {
        output: arguments.output.or_else(|| if old.is_some() { None } else { stdout() }),
        inputs,
        rejects: arguments.rejects,
        scores: arguments.scores,
        summary: arguments.summary.clone(),
        old_path: arguments.diff.clone(),
        old,
        all: arguments.all,
        threads: threads(arguments.threads),
        resume: arguments.resume,
        restart: arguments.restart,
        checkpoint_every: Duration::from_secs(u64::from(arguments.checkpoint_seconds)),
    };
    if options.old.is_some() && options.output == stdout() {
        return Err(Failure::Usage("--diff prints to standard output; give --out a file".to_owned()));
    }
    let load = clock.elapsed();
    let bar = progress_bar(&options.inputs);
    let report = crate::rescan::run(&bundle, &options, clock, &|bytes, items, rejected| {
        bar.set_position(bytes);
        if rejected > 0 {
            bar.set_message(format!("{items} posts, {rejected} rejected"));
        } else {
            bar.set_message(format!("{items} posts"));
        }
    });
    bar.finish_and_clear();
    let report = report.map_err(|e| match e {
        RescanError::Unfinished(_) | RescanError::SameFile(_) => Failure::Usage(e.to_string()),
        RescanError::Intake(_)
        | RescanError::Output { .. }
        | RescanError::Checkpoint(_)
        | RescanError::Snapshot(_)
        | RescanError::Shard(_)
        | RescanError::Ledger(_)
        | RescanError::Threads(_) => Failure::run(e),
    })?;
    let summary = summarise(&report, &options, &bundle, load, clock.elapsed());
    print_summary(&summary);
    if let Some(path) = arguments.summary {
        let json = serde_json::to_string_pretty(&summary).map_err(Failure::run)?;
        fs::write(&path, json + "\n").map_err(|e| Failure::Run(format!("{}: {e}", path.display())))?;
    }
    let has_rejects = arguments.strict && summary.rejected > 0;
    Ok(if has_rejects { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

pub(super) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

pub(super) fn progress_bar(inputs: &[PathBuf]) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let sizes: Option<u64> = inputs
        .iter()
        .map(|path| path.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len()))
        .sum();
    let (bar, template) = match sizes {
        Some(total) => (ProgressBar::new(total), "{bar:30} {percent:>3}% {msg} {bytes_per_sec} eta {eta}"),
        None => (ProgressBar::no_length(), "{spinner} {msg} {bytes} {bytes_per_sec}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
    // The templates are constants; without one the default style does as well.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn summarise(
    report: &Report,
    options: &Options,
    bundle: &crate::engine::Bundle,
    load: Duration,
    total: Duration,
) -> Summary {
    let seconds = total.saturating_sub(load).as_secs_f64();
    let judged_now = report.tally.items - report.items_before;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people; counts stay far below 2^52")]
    let posts_per_second = judged_now as f64 / seconds.max(1e-9);
    let versions = bundle.versions();
    Summary {
        posts: report.tally.items,
        rejected: report.tally.rejected,
        verdicts: Summary::named_verdicts(&report.tally),
        labels: report.tally.labels.clone(),
        changed: options.old.is_some().then_some(report.tally.changed),
        follow_ups: report.tally.follow_ups,
        late: report.tally.late,
        events: report.tally.events,
        engagement_records: report.tally.engagement_records,
        engagement: report.engagement.as_ref().map(EngagementSummary::of),
        text_bytes: report.tally.text_bytes,
        threads: options.threads,
        seconds,
        posts_per_second,
        load_seconds: load.as_secs_f64(),
        peak_memory_bytes: peak_memory_bytes(),
        bundle: versions.bundle.clone(),
        engine: versions.engine.clone(),
        resumed: report.resumed,
    }
}

fn print_summary(summary: &Summary) {
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .map(|verdict| {
            let count = summary.verdicts.get(verdict.as_str()).copied().unwrap_or(0);
            let style = render::style_of(verdict);
            format!("{style}{}{style:#} {count}", verdict.as_str())
        })
        .collect();
    render::note(&format!(
        "{} posts: {}; rejected lines {}",
        summary.posts,
        counts.join(", "),
        summary.rejected
    ));
    let mut labels: Vec<(&String, &u64)> = summary.labels.iter().collect();
    labels.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    if !labels.is_empty() {
        let labels: Vec<String> = labels.iter().map(|(label, count)| format!("{label} {count}")).collect();
        render::note(&labels.join(", "));
    }
    if summary.late > 0 {
        render::note(&format!("{} came too late to be compared with later ones", summary.late));
    }
    if let Some(changed) = summary.changed {
        render::note(&format!("{changed} changed"));
    }
    if let Some(engagement) = &summary.engagement {
        render::note(&engagement_line(summary.events, engagement));
    }
    let memory = summary
        .peak_memory_bytes
        .map_or_else(String::new, |bytes| format!(", peak memory {} MiB", bytes >> 20));
    render::note(&format!(
        "{:.2} s on {} thread(s), {}{memory}; bundle {} loaded in {:.2} s",
        summary.seconds,
        summary.threads,
        rates(summary),
        summary.bundle,
        summary.load_seconds
    ));
}

/// How fast it went: posts, events, or both.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rates(summary: &Summary) -> String {
    let events = format!("{:.0} events/s", summary.events as f64 / summary.seconds.max(1e-9));
    let posts = format!("{:.0} posts/s", summary.posts_per_second);
    match (summary.posts, summary.events) {
        (_, 0) => posts,
        (0, _) => events,
        _ => format!("{posts}, {events}"),
    }
}

fn engagement_line(events: u64, engagement: &EngagementSummary) -> String {
    let EngagementSummary { counts, decisions, withdrawals, requested_rate, realised_rate, .. } = engagement;
    format!(
        "{events} engagement events: {} late, {} far ahead, {} target-hours scored, {} alerts ({} before the end of their hour), \
         {decisions} decisions, {withdrawals} of them withdraw an earlier one; thresholds asked for {:.3} % of target-hours, \
         {:.3} % reached them",
        counts.late,
        counts.ahead,
        counts.scored_hours,
        counts.alerts,
        counts.early_alerts,
        requested_rate * 100.0,
        realised_rate * 100.0
    )
}
