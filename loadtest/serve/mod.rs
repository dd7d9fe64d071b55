//! The service under load: scenarios, and what each promises.
//!
//! Nothing here uses the library; the service is a process with a port.

mod clock;
pub(crate) mod empty;
mod load;
mod mix;
pub(crate) mod options;
mod report;
mod server;
mod tally;
mod wire;

mod bench;

mod change;
mod disturb;
mod hostile;
mod plain;

use anyhow::Result;

use self::mix::Mix;
use self::options::{Arguments, Scenario};
use self::report::Report;

/// Plays a scenario. Whether all promises were kept.
///
/// # Errors
/// The service does not start, a file cannot be read …
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    arguments.check()?;
    let mix = Mix::load(&arguments.mix, "")?;
    let mut report = Report::default();
    report.line(&format!("{} items in the mix", mix.len()));
    if arguments.find_saturation {
        plain::find_saturation(arguments, &mix, &mut report)?;
    } else {
        let play = match arguments.scenario {
            Scenario::Floor => plain::floor,
            Scenario::Steady => plain::steady,
            Scenario::Overload => plain::overload,
            Scenario::SlowReaders => disturb::slow_readers,
            Scenario::Hostile => disturb::hostile,
            Scenario::Reload => change::reload,
            Scenario::Restart => change::restart,
        };
        play(arguments, &mix, &mut report)?;
    }
    report.finish(arguments.json.as_deref())
}
