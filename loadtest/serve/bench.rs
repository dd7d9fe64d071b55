//! One service and what is sent to it: the steps that scenarios are made of.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use super::load::{Arrivals, Load, WhenFull, fresh_prefix};
use super::mix::Mix;
use super::options::Arguments;
use super::report::Report;
use super::server::{Program, Server};
use super::tally::Tally;

/// A service under test, started here or elsewhere.
pub(crate) struct Bench {
    pub(crate) server: Option<Server>,
    pub(crate) address: SocketAddr,
    pub(crate) mix: Arc<Mix>,
    pub(crate) connections: usize,
    is_even: bool,
}

/// A run and what it took.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) tally: Tally,
    /// Processor time of the service for each answer, microseconds; 0 if it was not started here.
    pub(crate) processor_us: f64,
    /// Resident memory of the service afterwards, bytes.
    pub(crate) resident_bytes: u64,
}

/// The highest rate that is kept up.
#[derive(Clone, Debug)]
pub(crate) struct Saturation {
    /// Answers a second when every connection is always busy.
    pub(crate) peak: f64,
    /// The highest open-loop step at which nothing piled up.
    pub(crate) rate: f64,
    /// That step.
    pub(crate) at: Measured,
}

/// Steps towards saturation, as shares of the peak.
const STEPS: [f64; 7] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// A step holds if so much of it is answered in its time, and 99 of 100 answers come within so many milliseconds.
const ANSWERED_MIN: f64 = 0.97;
const HELD_P99_MS_MAX: f64 = 20.0;
/// Length of a step, seconds.
const STEP_SECONDS: u64 = 3;

impl Bench {
    /// A service of one's own, or the one of `--url`.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn of(arguments: &Arguments, mix: &Mix) -> Result<Self> {
        if let Some(address) = arguments.address()? {
            return Ok(Self::at(arguments, mix, (address, None)));
        }
        Self::start(arguments, mix, arguments.service(&[])?)
    }

    /// The empty handler.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn empty(arguments: &Arguments, mix: &Mix) -> Result<Self> {
        Self::start(arguments, mix, Program::Empty)
    }

    /// A program that is started here.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn start(arguments: &Arguments, mix: &Mix, program: Program) -> Result<Self> {
        let server = Server::start(program)?;
        Ok(Self::at(arguments, mix, (server.address, Some(server))))
    }

    fn at(arguments: &Arguments, mix: &Mix, (address, server): (SocketAddr, Option<Server>)) -> Self {
        let mix = Arc::new(mix.renamed(&fresh_prefix()));
        Self { server, address, mix, connections: arguments.connections, is_even: arguments.even }
    }

    /// A service that was started here.
    ///
    /// # Errors
    /// It was not.
    pub(crate) fn own(&mut self) -> Result<&mut Server> {
        self.server.as_mut().ok_or_else(|| anyhow!("this scenario needs a service of its own, without --url"))
    }

    /// Arrivals at a rate, as the command line wants them.
    pub(crate) fn arrivals(&self, rate: f64) -> Arrivals {
        if self.is_even { Arrivals::Even(rate) } else { Arrivals::Poisson(rate) }
    }

    /// A run of the usual mix; each run has ids of its own.
    pub(crate) fn load(&self, arrivals: Arrivals, seconds: u64) -> Load {
        Load {
            address: self.address,
            mix: Arc::new(self.mix.renamed(&fresh_prefix())),
            arrivals,
            duration: Duration::from_secs(seconds),
            connections: self.connections,
            when_full: WhenFull::Wait,
            is_impatient: false,
            watch: None,
            stop: None,
        }
    }

    /// Plays a run and looks at the process before and after.
    ///
    /// # Errors
    /// The generator cannot run.
    pub(crate) fn measure(&self, load: Load) -> Result<Measured> {
        let processor = || self.server.as_ref().map_or(Duration::ZERO, Server::processor_time);
        let before = processor();
        let tally = load.run()?;
        let answers = (tally.full.len() + tally.degraded.len()).max(1);
        let processor_us = processor().saturating_sub(before).as_micros() as f64 / answers as f64;
        let resident_bytes = self.server.as_ref().map_or(0, Server::resident_bytes);
        Ok(Measured { tally, processor_us, resident_bytes })
    }

    /// Looks for the highest rate that is kept up: first with all connections busy, then in steps with arrivals at random.
    ///
    /// # Errors
    /// The generator cannot run.
    pub(crate) fn saturation(&self, name: &str, seconds: u64, report: &mut Report) -> Result<Saturation> {
        // Buffers, caches and connections come to be.
        self.measure(self.load(Arrivals::Closed, 1))?;
        let full = self.measure(self.load(Arrivals::Closed, seconds))?;
        report.line(&full.line(&format!("{name}, all busy")));
        let peak = full.tally.goodput();
        let (mut rate, mut at) = (STEPS[0] * peak, None);
        for share in STEPS {
            let step = self.measure(self.load(self.arrivals(share * peak), STEP_SECONDS))?;
            report.line(&step.line(&format!("{name}, {:.0}/s due", share * peak)));
            let held = step.holds(share * peak);
            if held || at.is_none() {
                (rate, at) = (share * peak, Some(step));
            }
            if !held {
                break;
            }
        }
        let at = at.ok_or_else(|| anyhow!("no step"))?;
        report.line(&format!("{name}: peak {peak:.0}/s, saturation {rate:.0}/s"));
        report.figure(
            &format!("{name} saturation"),
            json!({ "peak_per_second": peak, "rate_per_second": rate, "at": at.json() }),
        );
        Ok(Saturation { peak, rate, at })
    }
}

impl Measured {
    fn holds(&self, rate: f64) -> bool {
        let tally = &self.tally;
        tally.errors() + tally.shed.len() + tally.unsent == 0
            && tally.goodput() >= ANSWERED_MIN * rate
            && tally.ms(99.0) <= HELD_P99_MS_MAX
    }

    pub(crate) fn line(&self, name: &str) -> String {
        let mut line = self.tally.line(name);
        if self.resident_bytes > 0 {
            let mib = self.resident_bytes >> 20;
            let _ = write!(line, "  processor {:.1} us an answer, {mib} MiB", self.processor_us);
        }
        line
    }

    pub(crate) fn json(&self) -> Value {
        let mut all = self.tally.json();
        all["processor_us_per_answer"] = json!(self.processor_us);
        all["resident_bytes"] = json!(self.resident_bytes);
        all
    }
}
