//! `qingliu config`.

use std::path::Path;
use std::process::ExitCode;

use super::args::ConfigCommand;
use super::{Failure, render};
use crate::config::{Config, described};

pub(super) fn run(command: &ConfigCommand) -> Result<ExitCode, Failure> {
    match command {
        ConfigCommand::Check { file } => {
            let config = load(file.as_deref())?;
            let serve = &config.serve;
            render::line(&format!("good: listens on {}, data in {}", serve.listen, serve.data_dir.display()));
        }
        ConfigCommand::Keys => render::raw(described().as_bytes()).map_err(Failure::run)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration of a file, or of the environment alone.
pub(super) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let text = match file {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|e| Failure::Usage(format!("{}: {e}", file.display())))?
        }
        None => String::new(),
    };
    Config::read(&text, std::env::vars()).map_err(|e| Failure::Usage(e.to_string()))
}
