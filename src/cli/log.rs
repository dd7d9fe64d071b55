//! `qingliu log`: the log of decisions, read, checked, exported.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;

use super::args::LogArguments;
use super::{Failure, render};
use crate::store::Output;
use crate::store::entry::{DecisionEntry, Entry};
use crate::store::log::{Anchor, LogError, Reader, Record, purge, verify_against};
use crate::telemetry::Clock;

pub(super) fn run(arguments: &LogArguments) -> Result<ExitCode, Failure> {
    if arguments.verify {
        return check(&arguments.dir, arguments.anchor.as_deref());
    }
    if let Some(before) = arguments.purge_before {
        let purged = purge(&arguments.dir, 0, before.as_millisecond()).map_err(Failure::run)?;
        purged.failed.iter().for_each(|failed| render::error(&failed.to_string()));
        render::line(&format!("{} records have lost their private part", purged.records));
        return Ok(ExitCode::from(u8::from(!purged.failed.is_empty())));
    }
    refuse_inside(&arguments.dir, &arguments.export)?;
    let mut out = match arguments.export.as_path() {
        path if path == Path::new("-") => Output::stdout(),
        path => Output::open(path).map_err(Failure::run)?,
    };
    out.restart_at(0).map_err(Failure::run)?;
    let (mut reader, mut damaged) = (Reader::new(&arguments.dir), false);
    loop {
        let record = match reader.read() {
            Ok(Some(found)) => found.record,
            Ok(None) => break,
            Err(LogError::Damaged(damage)) => {
                render::error(&damage.to_string());
                damaged = true;
                continue;
            }
            Err(e) => return Err(Failure::run(e)),
        };
        match line(arguments, &record) {
            Ok(Some(line)) => out.write(line.as_bytes()).map_err(Failure::run)?,
            Ok(None) => {}
            Err(e) => {
                render::error(&format!("record {}: {e}", record.sequence));
                damaged = true;
            }
        }
    }
    out.finish().map_err(Failure::run)?;
    Ok(ExitCode::from(u8::from(damaged)))
}

/// A segment that is written to is lost.
fn refuse_inside(dir: &Path, export: &Path) -> Result<(), Failure> {
    let folder = export.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_inside = match (dir.canonicalize(), export.canonicalize().or_else(|_| folder.canonicalize())) {
        (Ok(dir), Ok(export)) => export.starts_with(dir),
        _ => false,
    };
    if is_inside {
        return Err(Failure::Usage(format!("--export {} is inside the log", export.display())));
    }
    Ok(())
}

fn check(dir: &Path, anchor: Option<&Path>) -> Result<ExitCode, Failure> {
    let unreadable =
        |path: &Path, e: &std::io::Error| Failure::Run(format!("anchors {}: {e}", path.display()));
    let anchors = match anchor {
        Some(path) => Anchor::read(path).map_err(|e| unreadable(path, &e))?,
        None => Vec::new(),
    };
    let report = verify_against(dir, &anchors).map_err(Failure::run)?;
    report.damage.iter().for_each(|damage| render::error(&damage.to_string()));
    render::line(&format!(
        "{} records ({} to {}) in {} segments, {} bytes, {} without their private part; link {}; {} damaged places",
        report.records,
        report.first,
        report.last,
        report.segments,
        report.bytes,
        report.purged,
        report.link,
        report.damage.len()
    ));
    // An end that is in doubt is not noted.
    let end = Anchor::of(&report, Clock::now_ms()).filter(|_| report.damage.is_empty());
    if let (Some(path), Some(end)) = (anchor, end) {
        end.append(path).map_err(|e| unreadable(path, &e))?;
    }
    Ok(ExitCode::from(u8::from(!report.damage.is_empty())))
}

/// A record as a line of JSON, if it is asked for.
fn line(arguments: &LogArguments, record: &Record) -> Result<Option<String>, serde_json::Error> {
    let LogArguments { since, until, .. } = arguments;
    let is_early = since.is_some_and(|since| record.time_ms < since.as_millisecond());
    let is_late = until.is_some_and(|until| record.time_ms >= until.as_millisecond());
    if is_early || is_late {
        return Ok(None);
    }
    let hidden;
    let record = if arguments.no_text {
        hidden = Record { private: None, ..record.clone() };
        &hidden
    } else {
        record
    };
    let (entry, text) = Entry::read(record)?;
    let is_wanted = is_wanted(arguments, &entry);
    if !is_wanted {
        return Ok(None);
    }
    let time =
        Timestamp::from_millisecond(record.time_ms).map_or(json!(record.time_ms), |t| json!(t.to_string()));
    let mut value = json!({ "sequence": record.sequence, "time": time });
    let own = serde_json::to_value(&entry)?;
    if let (Some(value), serde_json::Value::Object(own)) = (value.as_object_mut(), own) {
        value.extend(own);
        value.extend(text.filter(|text| !text.is_null()).map(|text| ("item_sent".to_owned(), text)));
    }
    Ok(Some(format!("{value}\n")))
}

/// Whether a record passes the filters on decisions.
fn is_wanted(arguments: &LogArguments, entry: &Entry) -> bool {
    let LogArguments { id, item, account, verdict, label, .. } = arguments;
    let is_label = |wanted: &String, found: &str| {
        found.strip_prefix(wanted.as_str()).is_some_and(|below| below.is_empty() || below.starts_with('.'))
    };
    let is_decision = |entry: &DecisionEntry| {
        let decision = &entry.decision;
        id.as_ref().is_none_or(|id| *id == entry.id)
            && item.as_ref().is_none_or(|item| *item == decision.item)
            && account.as_ref().is_none_or(|account| *account == entry.account)
            && verdict.is_none_or(|verdict| verdict == decision.verdict)
            && label.as_ref().is_none_or(|label| decision.labels.iter().any(|l| is_label(label, &l.label)))
    };
    match entry {
        Entry::Decision(entry) => is_decision(entry),
        Entry::Outcome(outcome) => is_decision(&outcome.entry),
        Entry::Late(_)
        | Entry::Access(_)
        | Entry::Service(_)
        | Entry::Appeal(_)
        | Entry::Retention { .. } => {
            id.is_none() && item.is_none() && account.is_none() && verdict.is_none() && label.is_none()
        }
    }
}
