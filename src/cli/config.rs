//! `qingliu config`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use super::args::ConfigCommand;
use super::{Failure, render};
use crate::config::{Config, described, manual, shown};

pub(super) fn run(command: &ConfigCommand) -> Result<ExitCode, Failure> {
    match command {
        ConfigCommand::Check { file } => {
            let config = load(file.as_deref())?;
            let serve = &config.serve;
            render::line(&format!("good: listens on {}, data in {}", serve.listen, serve.data_dir.display()));
        }
        ConfigCommand::Show { file } => {
            let environment: Vec<(String, String)> = environment().collect();
            let text = shown(&read(file.as_deref())?, &environment);
            let text = text.map_err(|e| Failure::Usage(e.to_string()))?;
            render::raw(text.as_bytes()).map_err(Failure::run)?;
        }
        ConfigCommand::Describe => render::raw(manual().as_bytes()).map_err(Failure::run)?,
        ConfigCommand::Keys => render::raw(described().as_bytes()).map_err(Failure::run)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration of a file, or of the environment alone.
pub(super) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    Config::read(&read(file)?, environment()).map_err(|e| Failure::Usage(e.to_string()))
}

/// The variables that are text. Ours are; what others are is nobody's business here.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Longest configuration, bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The text of a file; none is an empty one.
fn read(file: Option<&Path>) -> Result<String, Failure> {
    let Some(file) = file else { return Ok(String::new()) };
    let failed = |problem: String| Failure::Usage(format!("{}: {problem}", file.display()));
    let mut text = String::new();
    let opened = File::open(file).map_err(|e| failed(e.to_string()))?;
    // A device has no length and no end.
    opened.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|e| failed(e.to_string()))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(format!("is longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}
