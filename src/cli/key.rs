//! `qingliu key`.

use std::process::ExitCode;

use jiff::Timestamp;

use super::args::KeyCommand;
use super::{Failure, render};
use crate::serve::{Key, KeyFile, Role};
use crate::telemetry::Clock;

const HOUR_MS: i64 = 60 * 60 * 1000;

pub(super) fn run(command: KeyCommand) -> Result<ExitCode, Failure> {
    let now_ms = Clock::now_ms();
    match command {
        KeyCommand::Add { name, roles, rate, days, place } => {
            let mut file = KeyFile::read(&place.data).map_err(Failure::run)?;
            let expires_ms = days.map(|days| now_ms + i64::from(days) * 24 * HOUR_MS);
            let key = file.add((&name, &roles), rate, (now_ms, expires_ms)).map_err(Failure::run)?;
            show_new(&key);
        }
        KeyCommand::Rotate { id, grace_hours, place } => {
            let mut file = KeyFile::read(&place.data).map_err(Failure::run)?;
            let until_ms = now_ms + i64::from(grace_hours) * HOUR_MS;
            show_new(&file.rotate(&id, now_ms, until_ms).map_err(Failure::run)?);
        }
        KeyCommand::List { place } => {
            let file = KeyFile::read(&place.data).map_err(Failure::run)?;
            file.keys.iter().for_each(|key| render::line(&row(key, now_ms)));
        }
        KeyCommand::Revoke { id, place } => {
            let mut file = KeyFile::read(&place.data).map_err(Failure::run)?;
            file.revoke(&id, now_ms).map_err(Failure::run)?;
            render::note(&format!("{id} is revoked; a running service knows within two seconds"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The key alone on standard output, so that a script can take it.
fn show_new(key: &str) {
    render::note("the key is shown this once; send it as `Authorization: Bearer KEY`");
    render::line(key);
}

fn row(key: &Key, now_ms: i64) -> String {
    let time = |ms: i64| Timestamp::from_millisecond(ms).map_or_else(|_| "?".to_owned(), |t| t.to_string());
    let state = match key.expires_ms {
        None => "valid".to_owned(),
        Some(ms) if ms > now_ms => format!("valid until {}", time(ms)),
        Some(ms) => format!("ended {}", time(ms)),
    };
    let roles: Vec<&str> = key.roles.iter().map(|role: &Role| role.as_str()).collect();
    let rate = key.rate_per_second.map_or_else(String::new, |rate| format!(", {rate}/s"));
    format!("{}  {}  {}{rate}  {state}", key.id, render::harmless(&key.name), roles.join("+"))
}
