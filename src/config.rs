//! Configuration of the service: a TOML file and the environment → checked options.
//!
//! [`KEYS`] is the one list of keys, with default and description; `qingliu config keys` prints it, so that no description
//! can be missing or out of date. The environment goes before the file: `serve.listen` is `QINGLIU_SERVE_LISTEN`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use crate::emit::{Delivery, JsonlSink, Secret, WebhookSink, WebhookUrl, Which};
use crate::lexicon::suggestion;
use crate::model::Surface;
use crate::serve::{Contract, ServeOptions};
use crate::store::entry::TextPolicy;
use crate::store::log::RETAIN_DAYS_MIN;

/// What was typed, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// A bundle directory; none for the shipped one.
    pub bundle: Option<PathBuf>,
    /// Everything else.
    pub serve: ServeOptions,
    jsonl: (Option<PathBuf>, Which),
    webhook: (Option<WebhookUrl>, Delivery),
}

/// Why a configuration is refused. Every problem of it.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {} problem(s):\n  {}", .0.len(), .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

/// One key.
pub struct Key {
    /// Its name, `section.key`.
    pub name: &'static str,
    /// Its default, as TOML.
    pub default: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    set: fn(&mut Config, &Value) -> Result<(), String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

const fn key(
    name: &'static str,
    default: &'static str,
    about: &'static str,
    set: fn(&mut Config, &Value) -> Result<(), String>,
) -> Key {
    Key { name, default, about, set }
}

/// All keys, by section.
pub const KEYS: [Key; 36] = [
    key("serve.listen", "\"127.0.0.1:8080\"", "address and port; port 0 takes a free one", |c, v| {
        c.serve.listen = text(v)?.parse().map_err(|_| "expected ADDRESS:PORT".to_owned())?;
        Ok(())
    }),
    key("serve.data", "\"qingliu-data\"", "directory of the log, the keys and the state", |c, v| {
        c.serve.data_dir = text(v)?.into();
        c.serve.log.dir = c.serve.data_dir.join("log");
        Ok(())
    }),
    key(
        "serve.bundle",
        "\"\"",
        "a bundle directory; empty for the dictionaries built into the program",
        |c, v| {
            c.bundle = Some(text(v)?).filter(|dir| !dir.is_empty()).map(PathBuf::from);
            Ok(())
        },
    ),
    key("serve.workers", "0", "threads for long texts and batches; 0 for one per core", |c, v| {
        let asked: usize = number(v, 0, 1024)?;
        if asked > 0 {
            c.serve.workers = asked;
        }
        Ok(())
    }),
    key("contract.article", "\"closed\"", "an article that was not judged in time: open, closed", |c, v| {
        contract(c, Surface::Article, v)
    }),
    key("contract.post", "\"open\"", "a post that was not judged in time: open, closed", |c, v| {
        contract(c, Surface::Post, v)
    }),
    key("contract.comment", "\"open\"", "a comment that was not judged in time: open, closed", |c, v| {
        contract(c, Surface::Comment, v)
    }),
    key("contract.profile", "\"closed\"", "a profile that was not judged in time: open, closed", |c, v| {
        contract(c, Surface::Profile, v)
    }),
    key("contract.chat", "\"open\"", "a message that was not judged in time: open, closed", |c, v| {
        contract(c, Surface::Chat, v)
    }),
    key("limits.deadline_ms", "2000", "longest that a caller waits, milliseconds", |c, v| {
        millis(v, &mut c.serve.deadline_max)
    }),
    key("limits.in_flight", "1024", "requests inside the service; one more is refused", |c, v| {
        assign(v, 1, 1 << 20, &mut c.serve.in_flight_max)
    }),
    key(
        "limits.lag_ms",
        "5",
        "longest that requests may wait for their turn before some are refused, milliseconds",
        |c, v| millis(v, &mut c.serve.lag_max),
    ),
    key("limits.connections", "4096", "open connections; one more waits to be accepted", |c, v| {
        assign(v, 1, 1 << 20, &mut c.serve.connections_max)
    }),
    key("limits.body_bytes", "4194304", "largest body, bytes", |c, v| {
        assign(v, 1, 64 << 20, &mut c.serve.body_bytes_max)
    }),
    key(
        "limits.inline_bytes",
        "8192",
        "largest body that is judged on its request's own thread, bytes",
        |c, v| assign(v, 0, 1 << 20, &mut c.serve.inline_bytes_max),
    ),
    key("limits.worker_queue", "256", "tasks that wait for a worker", |c, v| {
        assign(v, 1, 1 << 20, &mut c.serve.worker_queue_max)
    }),
    key("limits.correlate_queue", "4096", "items that wait to be correlated", |c, v| {
        assign(v, 1, 1 << 20, &mut c.serve.correlate_queue_max)
    }),
    key(
        "limits.header_ms",
        "15000",
        "longest that a head may take and a connection be idle, milliseconds",
        |c, v| millis(v, &mut c.serve.header_timeout),
    ),
    key("limits.body_ms", "10000", "longest that a body may take, milliseconds", |c, v| {
        millis(v, &mut c.serve.body_timeout)
    }),
    key(
        "limits.write_ms",
        "10000",
        "longest that a client may leave its answer unread, milliseconds",
        |c, v| millis(v, &mut c.serve.write_timeout),
    ),
    key(
        "limits.drain_ms",
        "10000",
        "longest that open requests are waited for at the end, milliseconds",
        |c, v| millis(v, &mut c.serve.drain_timeout),
    ),
    key("idempotency.keys", "1000000", "keys and decisions that are remembered", |c, v| {
        assign(v, 1, 100_000_000, &mut c.serve.idempotency_keys_max)
    }),
    key("idempotency.hours", "24", "how long keys are remembered, hours", |c, v| {
        c.serve.idempotency_window = Duration::from_hours(number(v, 1, 24 * 30)?);
        Ok(())
    }),
    key(
        "log.segment_bytes",
        "67108864",
        "a segment of the log that has reached this size is sealed, bytes",
        |c, v| {
            c.serve.log.segment_bytes_max = number(v, 1 << 16, 1 << 30)?;
            Ok(())
        },
    ),
    key("log.retain_days", "184", "days that the log is kept, 184 at least", |c, v| {
        c.serve.log.retain_days = number(v, RETAIN_DAYS_MIN, 36_500)?;
        Ok(())
    }),
    key("log.text", "\"keep\"", "the authors' words in the log: keep, drop", |c, v| {
        c.serve.text_policy = match text(v)? {
            "keep" => TextPolicy::Keep,
            "drop" => TextPolicy::Drop,
            other => return Err(one_of(other, ["keep", "drop"])),
        };
        Ok(())
    }),
    key("jsonl.path", "\"\"", "file that decisions are written to as JSON lines; empty for none", |c, v| {
        c.jsonl.0 = Some(text(v)?).filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(())
    }),
    key("jsonl.all", "false", "whether decisions that pass are written too", |c, v| which(v, &mut c.jsonl.1)),
    key("webhook.url", "\"\"", "http:// address that decisions are sent to; empty for none", |c, v| {
        let url = Some(text(v)?).filter(|url| !url.is_empty());
        c.webhook.0 = url.map(WebhookUrl::parse).transpose().map_err(|e| e.to_string())?;
        Ok(())
    }),
    key(
        "webhook.secrets",
        "[]",
        "secrets that events are signed with; two while one replaces the other",
        |c, v| {
            let secrets = v.as_array().ok_or("expected an array of strings")?.iter();
            let secrets = secrets.map(|secret| text(secret).map(|secret| Secret(secret.to_owned())));
            c.webhook.1.secrets = secrets.collect::<Result<_, _>>()?;
            Ok(())
        },
    ),
    key("webhook.all", "false", "whether decisions that pass are sent too", |c, v| {
        which(v, &mut c.webhook.1.which)
    }),
    key("webhook.allow_private", "false", "whether addresses inside a network may be called", |c, v| {
        c.webhook.1.allow_private = flag(v)?;
        Ok(())
    }),
    key(
        "webhook.attempts",
        "12",
        "attempts for one event; then it is put aside until the next start",
        |c, v| {
            c.webhook.1.attempts_max = number(v, 1_u32, 1000)?;
            Ok(())
        },
    ),
    key(
        "webhook.backoff_ms",
        "500",
        "pause after the first failed attempt; it doubles, milliseconds",
        |c, v| millis(v, &mut c.webhook.1.backoff_first),
    ),
    key("webhook.backoff_max_ms", "120000", "longest pause, milliseconds", |c, v| {
        millis(v, &mut c.webhook.1.backoff_max)
    }),
    key("webhook.timeout_ms", "10000", "longest that one attempt may take, milliseconds", |c, v| {
        millis(v, &mut c.webhook.1.timeout)
    }),
];

/// What environment variables begin with.
const PREFIX: &str = "QINGLIU_";

impl Config {
    /// Every key at its default.
    pub fn shipped() -> Self {
        Self {
            bundle: None,
            serve: ServeOptions::new(Path::new("qingliu-data")),
            jsonl: (None, Which::Flagged),
            webhook: (None, Delivery::shipped()),
        }
    }

    /// Reads a configuration: the text of a file, and the variables of an environment.
    ///
    /// # Errors
    /// Every key that is unknown, with the nearest known one, and every value that is not fit.
    pub fn read(
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let table: Table = file.parse().map_err(|e: toml::de::Error| ConfigError(vec![e.to_string()]))?;
        let (mut config, mut problems) = (Self::shipped(), Vec::new());
        let mut values = Vec::new();
        for (section, inside) in &table {
            match inside {
                Value::Table(keys) => {
                    values
                        .extend(keys.iter().map(|(key, value)| (format!("{section}.{key}"), value.clone())));
                }
                _ => problems.push(format!("{section}: keys stand in sections; {}", known(section))),
            }
        }
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            match KEYS.iter().find(|key| variable_of(key.name) == variable) {
                Some(key) => values.push((key.name.to_owned(), of_variable(&value))),
                None => problems
                    .push(format!("{variable}: {}", known(&name.to_lowercase().replacen('_', ".", 1)))),
            }
        }
        for (name, value) in values {
            match KEYS.iter().find(|key| key.name == name) {
                Some(key) => {
                    problems.extend((key.set)(&mut config, &value).err().map(|e| format!("{name}: {e}")));
                }
                None => problems.push(format!("{name}: {}", known(&name))),
            }
        }
        problems.extend(config.resolve().err());
        if problems.is_empty() { Ok(config) } else { Err(ConfigError(problems)) }
    }
}

impl Config {
    /// Puts together what stands under several keys.
    fn resolve(&mut self) -> Result<(), String> {
        let (path, which) = self.jsonl.clone();
        self.serve.jsonl = path.map(|path| JsonlSink { path, which });
        let (url, delivery) = self.webhook.clone();
        if url.is_some() && delivery.secrets.is_empty() {
            return Err("webhook.secrets: events are signed; at least one is needed".to_owned());
        }
        self.serve.webhook = url.map(|url| WebhookSink { url, delivery });
        Ok(())
    }
}

/// All keys with their defaults and descriptions, as a configuration file.
pub fn described() -> String {
    let (mut text, mut last) = (String::new(), "");
    for Key { name, default, about, .. } in &KEYS {
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

/// The environment variable of a key.
pub fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.to_uppercase().replace('.', "_"))
}

/// A variable's value: TOML where it is TOML, a string otherwise.
fn of_variable(value: &str) -> Value {
    let parsed = format!("v = {value}").parse::<Table>().ok();
    parsed.and_then(|mut table| table.remove("v")).unwrap_or_else(|| Value::String(value.to_owned()))
}

fn known(name: &str) -> String {
    format!("there is no such key{}", suggestion(name, KEYS.map(|key| key.name)))
}

fn one_of<const N: usize>(found: &str, names: [&str; N]) -> String {
    format!("expected one of {}{}", names.join(", "), suggestion(found, names))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "expected a string".to_owned())
}

fn number<T: TryFrom<i64> + Into<Wide> + Copy>(value: &Value, least: T, most: T) -> Result<T, String> {
    let (least, most): (Wide, Wide) = (least.into(), most.into());
    let found = value.as_integer().ok_or_else(|| "expected a whole number".to_owned())?;
    let is_fit = (least.0..=most.0).contains(&i128::from(found));
    let fit = is_fit.then(|| T::try_from(found).ok()).flatten();
    fit.ok_or_else(|| format!("expected {} to {}, found {found}", least.0, most.0))
}

/// Wide enough for every number of a configuration.
#[derive(Clone, Copy)]
struct Wide(i128);

impl From<u32> for Wide {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

impl From<u64> for Wide {
    fn from(number: u64) -> Self {
        Self(number.into())
    }
}

impl From<usize> for Wide {
    fn from(number: usize) -> Self {
        Self(number as i128)
    }
}

fn assign(value: &Value, least: usize, most: usize, into: &mut usize) -> Result<(), String> {
    *into = number(value, least, most)?;
    Ok(())
}

fn millis(value: &Value, into: &mut Duration) -> Result<(), String> {
    *into = Duration::from_millis(number(value, 1_u64, 3_600_000)?);
    Ok(())
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "expected true or false".to_owned())
}

fn which(value: &Value, into: &mut Which) -> Result<(), String> {
    *into = if flag(value)? { Which::All } else { Which::Flagged };
    Ok(())
}

fn contract(config: &mut Config, surface: Surface, value: &Value) -> Result<(), String> {
    let contract = match text(value)? {
        "open" => Contract::Open,
        "closed" => Contract::Closed,
        other => return Err(one_of(other, ["open", "closed"])),
    };
    config.serve.contract = config.serve.contract.with(surface, contract);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(file, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_is_described_is_what_is_shipped() {
        let shipped = Config::shipped();
        let described = read(&described(), &[]).unwrap();
        assert_eq!(format!("{described:?}"), format!("{shipped:?}"));
        assert!(KEYS.iter().all(|key| !key.about.is_empty()));
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let file = "[limits]\nin_flight = 7\n[contract]\npost = \"closed\"\n";
        let config = read(file, &[("QINGLIU_LIMITS_IN_FLIGHT", "9"), ("HOME", "x")]).unwrap();
        assert_eq!(
            (config.serve.in_flight_max, config.serve.contract.of(Surface::Post)),
            (9, Contract::Closed)
        );
        let config = read("", &[("QINGLIU_SERVE_LISTEN", "127.0.0.1:1")]).unwrap();
        assert_eq!(config.serve.listen.port(), 1);
    }

    #[test]
    fn every_problem_is_told_with_the_nearest_key() {
        let file = "listen = 1\n[serve]\nlisten = \"here\"\n[limits]\nin_flght = 1\nbody_bytes = 0\n\
                    [log]\ntext = \"kep\"\nretain_days = 3\n";
        let error = read(file, &[("QINGLIU_LOG_TXT", "keep")]).unwrap_err().to_string();
        for part in [
            "7 problem(s)",
            "listen: keys stand in sections",
            "serve.listen: expected ADDRESS:PORT",
            "limits.in_flght: there is no such key",
            "limits.in_flight",
            "limits.body_bytes: expected 1 to",
            "log.text: expected one of keep, drop",
            "log.retain_days: expected 184",
            "QINGLIU_LOG_TXT",
        ] {
            assert!(error.contains(part), "{part:?} is missing in {error}");
        }
        assert!(read("[serve", &[]).unwrap_err().to_string().contains("1 problem"));
    }
}
