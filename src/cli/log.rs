//! `qingliu log`: the log of decisions, read, checked, exported.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;

use super::args::LogArguments;
use super::{Failure, render};
use crate::store::Output;
use crate::store::entry::Entry;
use crate::store::log::{LogError, Reader, Record, verify};

pub(super) fn run(arguments: &LogArguments) -> Result<ExitCode, Failure> {
    if arguments.verify {
        return check(&arguments.dir);
    }
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
        if let Some(line) = line(arguments, &record)? {
            out.write(line.as_bytes()).map_err(Failure::run)?;
        }
    }
    out.finish().map_err(Failure::run)?;
    Ok(ExitCode::from(u8::from(damaged)))
}

fn check(dir: &Path) -> Result<ExitCode, Failure> {
    let report = verify(dir).map_err(Failure::run)?;
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
    Ok(ExitCode::from(u8::from(!report.damage.is_empty())))
}

/// A record as a line of JSON, if it is asked for.
fn line(arguments: &LogArguments, record: &Record) -> Result<Option<String>, Failure> {
    let LogArguments { since, until, id, item, account, verdict, .. } = arguments;
    let is_early = since.is_some_and(|since| record.time_ms < since.as_millisecond());
    let is_late = until.is_some_and(|until| record.time_ms >= until.as_millisecond());
    if is_early || is_late {
        return Ok(None);
    }
    let unknown = |e: serde_json::Error| Failure::Run(format!("record {}: {e}", record.sequence));
    let hidden;
    let record = if arguments.no_text {
        hidden = Record { private: None, ..record.clone() };
        &hidden
    } else {
        record
    };
    let (entry, text) = Entry::read(record).map_err(unknown)?;
    let is_filtered = id.is_some() || item.is_some() || account.is_some() || verdict.is_some();
    let is_wanted = match &entry {
        Entry::Decision(entry) => {
            id.as_ref().is_none_or(|id| *id == entry.id)
                && item.as_ref().is_none_or(|item| *item == entry.decision.item)
                && account.as_ref().is_none_or(|account| *account == entry.account)
                && verdict.is_none_or(|verdict| verdict == entry.decision.verdict)
        }
        Entry::Late(_) | Entry::Access(_) | Entry::Service(_) | Entry::Retention { .. } => !is_filtered,
    };
    if !is_wanted {
        return Ok(None);
    }
    let time =
        Timestamp::from_millisecond(record.time_ms).map_or(json!(record.time_ms), |t| json!(t.to_string()));
    let mut value = json!({ "sequence": record.sequence, "time": time });
    let own = serde_json::to_value(&entry).map_err(unknown)?;
    if let (Some(value), serde_json::Value::Object(own)) = (value.as_object_mut(), own) {
        value.extend(own);
        value.extend(text.filter(|text| !text.is_null()).map(|text| ("item_sent".to_owned(), text)));
    }
    Ok(Some(format!("{value}\n")))
}
