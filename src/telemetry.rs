//! Time and memory, behind one wrapper.

use std::time::{Duration, Instant, SystemTime};

use jiff::civil::Date;

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
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
