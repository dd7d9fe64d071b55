//! `qingliu clusters`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use super::args::ClusterArguments;
use super::rescan::{progress_bar, threads};
use super::{Failure, load_bundle, render};
use crate::coordination::{Basis, ClusterReport, Tier, cluster_name};
use crate::emit::{dot_graph, svg_graph};
use crate::engine::Shard;
use crate::intake::expand_inputs;
use crate::rescan::{Options, refuse_same_file, shard_of_snapshot};
use crate::store::SnapshotStamp;
use crate::telemetry::Clock;

/// Characters of the common text that the table shows.
const CORE_CHARS: usize = 60;

pub(super) fn run(arguments: &ClusterArguments, clock: Clock) -> Result<ExitCode, Failure> {
    let inputs = expand_inputs(&arguments.inputs).map_err(Failure::run)?;
    let written = [&arguments.dot, &arguments.svg].into_iter().flatten();
    refuse_same_file(inputs.iter().chain(&arguments.window), written)
        .map_err(|e| Failure::Usage(e.to_string()))?;
    let (shard, what) = match &arguments.window {
        Some(path) => (load(path)?, path.display().to_string()),
        None => judge(arguments, inputs, clock)?,
    };
    let tier_min = Tier::try_from(arguments.tier_min).map_err(Failure::Usage)?;
    let (clusters, found) = shard.coordinator().reports(arguments.posts_min, tier_min, arguments.top);
    if arguments.json {
        let json = serde_json::to_string_pretty(&clusters).map_err(Failure::run)?;
        render::raw(format!("{json}\n").as_bytes()).map_err(Failure::run)?;
    } else {
        clusters.iter().for_each(show);
    }
    for (path, graph) in
        [(&arguments.dot, dot_graph as fn(&[ClusterReport]) -> String), (&arguments.svg, svg_graph)]
    {
        if let Some(path) = path {
            fs::write(path, graph(&clusters))
                .map_err(|e| Failure::Run(format!("{}: {e}", path.display())))?;
        }
    }
    render::note(&format!(
        "{what}; {found} clusters, {} shown; window {} MiB",
        clusters.len(),
        shard.window_bytes() >> 20
    ));
    Ok(ExitCode::SUCCESS)
}

/// The state that a rescan has saved.
fn load(path: &Path) -> Result<Shard, Failure> {
    let state = SnapshotStamp::read_file(path).map_err(Failure::run)?;
    shard_of_snapshot(&state).map_err(|e| Failure::Run(format!("{}: {e}", path.display())))
}

/// The state after all inputs, and what they were.
fn judge(
    arguments: &ClusterArguments,
    inputs: Vec<PathBuf>,
    clock: Clock,
) -> Result<(Shard, String), Failure> {
    let bundle = load_bundle(arguments.bundle.as_deref())?;
    let options = Options {
        inputs,
        output: None,
        rejects: None,
        scores: None,
        summary: None,
        old: None,
        old_path: None,
        all: false,
        threads: threads(arguments.threads),
        resume: false,
        restart: false,
        checkpoint_every: Duration::MAX,
    };
    let bar = progress_bar(&options.inputs);
    let report = crate::rescan::run(&bundle, &options, clock, &|bytes, items, _| {
        bar.set_position(bytes);
        bar.set_message(format!("{items} posts"));
    });
    bar.finish_and_clear();
    let report = report.map_err(Failure::run)?;
    let what = format!("{} posts, {} rejected lines", report.tally.items, report.tally.rejected);
    Ok((report.shard, what))
}

/// Two lines for a cluster and one for each family of evidence.
fn show(cluster: &ClusterReport) {
    let assessment = &cluster.assessment;
    let tier = match assessment.tier {
        Tier::Note => "note",
        Tier::LimitReach => "limit reach",
        Tier::Review => "review",
        Tier::Account => "account proposal",
    };
    render::line(&format!(
        "{}  {tier}  score {:.2}  {} accounts, {} posts{}, {}",
        cluster_name(cluster.id),
        assessment.score,
        cluster.accounts,
        cluster.posts,
        if cluster.reposts > 0 { format!(" and {} reposts", cluster.reposts) } else { String::new() },
        time_range(cluster.first_ms, cluster.last_ms),
    ));
    let mut core: String = cluster.core.chars().take(CORE_CHARS).collect();
    if cluster.core.chars().nth(CORE_CHARS).is_some() {
        core.push('…');
    }
    let lead = match assessment.basis {
        Basis::Text => "",
        Basis::Contact => "one chat id, for example in: ",
        Basis::Target => "answers to one post, for example: ",
    };
    render::line(&format!("  {lead}{}", render::harmless(&core)));
    for family in &assessment.families {
        render::line(&format!(
            "  {}: {} of {}, expected {:.2} %, evidence {:.1}",
            family.kind.as_str(),
            family.k,
            family.n,
            family.expected * 100.0,
            family.evidence
        ));
    }
    let caps: Vec<&str> = assessment.caps.iter().map(|cap| cap.as_str()).collect();
    if !caps.is_empty() {
        render::line(&format!("  held back by {}", caps.join(", ")));
    }
}

fn time_range(first_ms: i64, last_ms: i64) -> String {
    let show =
        |ms: i64| Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string());
    if first_ms == last_ms { show(first_ms) } else { format!("{} to {}", show(first_ms), show(last_ms)) }
}
