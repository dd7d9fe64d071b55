//! Configuration of the service: a TOML file and the environment → checked options.
//!
//! [`KEYS`] is the one list of keys, with default and description; `qingliu config keys` and `describe` print it, so that no
//! description can be missing or out of date. The environment goes before the file: `serve.listen` is `QINGLIU_SERVE_LISTEN`.

mod describe;
mod value;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use describe::{described, manual, shown};
use toml::{Table, Value};
use value::{assign, flag, millis, number, one_of, path, percent, text};

use crate::emit::{Delivery, JsonlSink, Secret, WebhookSink, WebhookUrl, Which};
use crate::lexicon::suggestion;
use crate::model::Surface;
use crate::serve::{Contract, GrpcListen, ServeOptions, TlsOptions};
use crate::store::entry::TextPolicy;
use crate::store::log::RETAIN_DAYS_MIN;
use crate::telemetry::{TracingForm, TracingLevel, TracingOptions};

/// What was typed, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// A bundle directory; none for the shipped one.
    pub bundle: Option<PathBuf>,
    /// What is written to standard error while the service runs.
    pub tracing: TracingOptions,
    /// Everything else.
    pub serve: ServeOptions,
    tls: TlsFiles,
    jsonl: (Option<PathBuf>, Which),
    webhook: (Option<WebhookUrl>, Delivery),
}

/// The files of TLS as they were typed.
#[derive(Clone, Debug, Default)]
struct TlsFiles {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
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
pub const KEYS: &[Key] = &[
    key("serve.listen", "\"127.0.0.1:8080\"", "address and port; port 0 takes a free one", |c, v| {
        c.serve.listen = text(v)?.parse().map_err(|_| "expected ADDRESS:PORT".to_owned())?;
        Ok(())
    }),
    key(
        "serve.grpc_listen",
        "\"auto\"",
        "gRPC: address and port; auto for the port after serve.listen, or a free one; off",
        |c, v| {
            c.serve.grpc_listen = GrpcListen::parse(text(v)?).ok_or("expected ADDRESS:PORT, auto or off")?;
            Ok(())
        },
    ),
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
    key(
        "bundles.watch",
        "true",
        "whether a changed bundle directory is taken without being asked, once it has come to rest",
        |c, v| {
            c.serve.bundles.is_watched = flag(v)?;
            Ok(())
        },
    ),
    key("bundles.manifest_required", "false", "whether a directory without SHA256SUMS is refused", |c, v| {
        c.serve.bundles.is_manifest_required = flag(v)?;
        Ok(())
    }),
    key(
        "bundles.candidate",
        "\"\"",
        "directory of bundles that are to be tried; empty for the bundle directory itself",
        |c, v| {
            let dir = Some(text(v)?).filter(|dir| !dir.is_empty());
            c.serve.bundles.candidate_dir = dir.map(PathBuf::from);
            Ok(())
        },
    ),
    key(
        "bundles.shadow_percent",
        "10",
        "share of the items that a candidate judges beside the live bundle, percent",
        |c, v| {
            c.serve.bundles.shadow = percent(v)?;
            Ok(())
        },
    ),
    key("telemetry.log", "\"text\"", "form of the lines on standard error: text, json, off", |c, v| {
        let names = TracingForm::ALL.map(TracingForm::as_str);
        c.tracing.form = TracingForm::parse(text(v)?).ok_or_else(|| one_of(text(v).unwrap_or(""), names))?;
        Ok(())
    }),
    key(
        "telemetry.level",
        "\"warn\"",
        "least weight of these lines: error, warn, info, debug; debug has one for each request",
        |c, v| {
            let names = TracingLevel::ALL.map(TracingLevel::as_str);
            c.tracing.level =
                TracingLevel::parse(text(v)?).ok_or_else(|| one_of(text(v).unwrap_or(""), names))?;
            Ok(())
        },
    ),
    key(
        "tls.certificate",
        "\"\"",
        "PEM file: the service's certificate, then those above it; empty for none",
        |c, v| path(v, &mut c.tls.certificate),
    ),
    key("tls.key", "\"\"", "PEM file: its private key", |c, v| path(v, &mut c.tls.key)),
    key(
        "tls.client_ca",
        "\"\"",
        "PEM file: roots of the certificates that clients need then; empty for none",
        |c, v| path(v, &mut c.tls.client_ca),
    ),
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
    key("limits.in_flight", "128", "requests inside the service; one more is refused", |c, v| {
        assign(v, 1, 1 << 20, &mut c.serve.in_flight_max)
    }),
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
        "limits.engagement_queue",
        "100000",
        "engagement events that wait to be counted; a bulk that does not fit is refused",
        |c, v| assign(v, 10_000, 10_000_000, &mut c.serve.engagement_queue_max),
    ),
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
    key(
        "log.text_days",
        "0",
        "days after which the authors' words are taken out of the log, 30 at least; 0 for never",
        |c, v| {
            let days = number(v, 0_u32, 36_500)?;
            if (1..TEXT_DAYS_MIN).contains(&days) {
                return Err(format!(
                    "expected 0, or {TEXT_DAYS_MIN} at least: a decision may be appealed until then"
                ));
            }
            c.serve.text_days = days;
            Ok(())
        },
    ),
    key(
        "appeals.hours",
        "72",
        "hours within which an appeal is answered, told to whoever appeals; 0 promises nothing",
        |c, v| {
            c.serve.appeal_hours = number(v, 0_u32, 24 * 366)?;
            Ok(())
        },
    ),
    key("jsonl.path", "\"\"", "file that decisions are written to as JSON lines; empty for none", |c, v| {
        c.jsonl.0 = Some(text(v)?).filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(())
    }),
    key("jsonl.all", "false", "whether decisions that pass are written too", |c, v| which(v, &mut c.jsonl.1)),
    key(
        "webhook.url",
        "\"\"",
        "https:// or http:// address that decisions are sent to; empty for none",
        |c, v| {
            let url = Some(text(v)?).filter(|url| !url.is_empty());
            c.webhook.0 = url.map(WebhookUrl::parse).transpose().map_err(|e| e.to_string())?;
            Ok(())
        },
    ),
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
    key(
        "webhook.ca",
        "\"\"",
        "PEM file: roots of the receiver's certificate; empty for public ones",
        |c, v| path(v, &mut c.webhook.1.ca),
    ),
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

/// Fewest days that the authors' words are kept, where they are kept.
const TEXT_DAYS_MIN: u32 = 30;

/// What environment variables begin with.
const PREFIX: &str = "QINGLIU_";

impl Config {
    /// Every key at its default.
    pub fn shipped() -> Self {
        Self {
            bundle: None,
            tracing: TracingOptions::shipped(),
            serve: ServeOptions::new(Path::new("qingliu-data")),
            tls: TlsFiles::default(),
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
        let (mut config, mut problems) = (Self::shipped(), Vec::new());
        let values = gather(file, environment, &mut problems)?;
        for Setting { name, value, .. } in values {
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

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File,
    Environment,
}

/// A value that was set.
#[derive(Debug)]
struct Setting {
    name: String,
    value: Value,
    origin: Origin,
}

/// What was set, in the order in which it counts: later ones win. Nothing has been checked but the form.
fn gather(
    file: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    problems: &mut Vec<String>,
) -> Result<Vec<Setting>, ConfigError> {
    let table: Table = file.parse().map_err(|e: toml::de::Error| ConfigError(vec![e.to_string()]))?;
    let mut values = Vec::new();
    for (section, inside) in &table {
        match inside {
            Value::Table(keys) => values.extend(keys.iter().map(|(key, value)| Setting {
                name: format!("{section}.{key}"),
                value: value.clone(),
                origin: Origin::File,
            })),
            _ => problems.push(format!("{section}: keys stand in sections; {}", known(section))),
        }
    }
    for (variable, value) in environment {
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        match KEYS.iter().find(|key| variable_of(key.name) == variable) {
            Some(key) => values.push(Setting {
                name: key.name.to_owned(),
                value: of_variable(&value),
                origin: Origin::Environment,
            }),
            None => {
                problems.push(format!("{variable}: {}", known(&name.to_lowercase().replacen('_', ".", 1))));
            }
        }
    }
    Ok(values)
}

impl Config {
    /// Puts together what stands under several keys.
    fn resolve(&mut self) -> Result<(), String> {
        self.serve.tls = match self.tls.clone() {
            TlsFiles { certificate: Some(certificate), key: Some(key), client_ca } => {
                Some(TlsOptions { certificate, key, client_ca })
            }
            TlsFiles { certificate: None, key: None, client_ca: None } => None,
            _ => return Err("tls: certificate and key go together".to_owned()),
        };
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
    format!("there is no such key{}", suggestion(name, KEYS.iter().map(|key| key.name)))
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
