//! Time, memory and the lines on standard error, behind one wrapper.

use std::time::{Duration, Instant, SystemTime};

use jiff::civil::Date;
use tracing_subscriber::filter::LevelFilter;

/// Where time comes from. Everything that reads a clock takes one of these.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Time since the start.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(self.start)
    }

    /// Milliseconds since 1970 (UTC); it may jump when the system's clock is set.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now_ms() -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Today in UTC.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn today() -> Date {
        let timestamp = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        timestamp.to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

/// The most memory that this process has had resident, in bytes, where the system tells.
pub fn peak_memory_bytes() -> Option<u64> {
    status_bytes("VmHWM:")
}

/// The memory that this process has resident, in bytes, where the system tells.
pub fn memory_bytes() -> Option<u64> {
    status_bytes("VmRSS:")
}

fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The form of lines on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracingForm {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// None.
    Off,
}

impl TracingForm {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Text, Self::Json, Self::Off];

    /// The name that configurations use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Off => "off",
        }
    }

    /// The form of a name, or nothing.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == name)
    }
}

/// How much a line must weigh to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracingLevel {
    /// Something does not work.
    Error,
    /// Something may not work as meant.
    Warn,
    /// Something has changed.
    Info,
    /// Every request.
    Debug,
}

impl TracingLevel {
    /// All levels, the gravest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    /// The name that configurations use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// The level of a name, or nothing.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}

/// What is written to standard error while the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracingOptions {
    /// Its form.
    pub form: TracingForm,
    /// What is left out.
    pub level: TracingLevel,
}

impl TracingOptions {
    /// Warnings, for people.
    pub fn shipped() -> Self {
        Self { form: TracingForm::Text, level: TracingLevel::Warn }
    }

    /// Writes lines from now on. They hold ids of requests and versions of bundles, no text, account or contact. Once in a
    /// process; a second call changes nothing.
    pub fn start(self) {
        let builder = tracing_subscriber::fmt()
            .with_max_level(self.level.filter())
            .with_writer(std::io::stderr)
            .with_target(false)
            .with_ansi(false);
        // An error says that it has been started already.
        let _ = match self.form {
            TracingForm::Text => builder.try_init(),
            TracingForm::Json => builder.json().flatten_event(true).try_init(),
            TracingForm::Off => Ok(()),
        };
    }
}
