//! Keys as text: a file with all defaults, what holds now, a page for people.

use std::fmt::Write as _;

use super::{Config, ConfigError, KEYS, Key, Origin, gather, variable_of};

/// All keys with their defaults and descriptions, as a configuration file.
pub fn described() -> String {
    let (mut text, mut last) = (String::new(), "");
    for Key { name, default, about, .. } in KEYS {
        let (section, name) = name.split_once('.').unwrap_or(("", name));
        if section != last {
            let line = if last.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{line}[{section}]");
            last = section;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {about}\n{name} = {default}");
    }
    text
}

/// What is shown in place of a value that only the service should know.
const HIDDEN: &str = "\"(hidden)\"";

/// Everything that holds under a file and an environment, as a configuration file that says where each value comes from.
/// Secrets are not shown.
///
/// # Errors
/// As [`Config::read`].
pub fn shown(file: &str, environment: &[(String, String)]) -> Result<String, ConfigError> {
    Config::read(file, environment.iter().cloned())?;
    let settings = gather(file, environment.iter().cloned(), &mut Vec::new())?;
    let (mut text, mut last) = (String::new(), "");
    for Key { name: full, default, .. } in KEYS {
        let (section, name) = full.split_once('.').unwrap_or(("", full));
        if section != last {
            let line = if last.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{line}[{section}]");
            last = section;
        }
        let set = settings.iter().rev().find(|setting| setting.name == *full);
        let (value, origin) = match set {
            None => ((*default).to_owned(), "default"),
            Some(_) if full.contains("secret") => (HIDDEN.to_owned(), "set"),
            Some(setting) => {
                let origin = match setting.origin {
                    Origin::File => "file",
                    Origin::Environment => "environment",
                };
                (setting.value.to_string(), origin)
            }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} = {value}  # {origin}");
    }
    Ok(text)
}

/// The page `docs/configuration.md`: every key with its default, its variable and what it is.
pub fn manual() -> String {
    let mut text = String::from(
        "# Configuration of the service\n\n\
         Written by `qingliu config describe`; a test holds it equal to the program.\n\n\
         `qingliu serve --config FILE` reads a TOML file. Variables of the environment go before the file, and options of the \
         command line before both. A key that is unknown or a value that is not fit is an error that names every such place, \
         with the nearest known key. `qingliu config check FILE` checks a file and the environment without starting anything, \
         `qingliu config show FILE` prints what would hold and where each value comes from, `qingliu config keys` prints a \
         file with all defaults. A variable is read as TOML where it is TOML, and as a string otherwise.\n",
    );
    let mut last = "";
    for Key { name, default, about, .. } in KEYS {
        let section = name.split_once('.').map_or("", |(section, _)| section);
        if section != last {
            // Writing to a string cannot fail.
            let _ =
                write!(text, "\n## {section}\n\n| key | default | variable | what |\n|---|---|---|---|\n");
            last = section;
        }
        let _ = writeln!(text, "| `{name}` | `{default}` | `{}` | {about} |", variable_of(name));
    }
    text
}
