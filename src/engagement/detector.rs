//! Events in, scores out.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::close::{Desk, reasons_in};
use super::cohort::Cohort;
use super::config::{Config, Limits, Weights};
use super::event::{Event, FollowerCount, Window};
use super::evidence::rate_factor;
use super::followers::Taken;
use super::score::Score;
use super::state::State;
use super::waiting::{MINUTE_S, Waiting};

/// What became of the events. Saturating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events, late ones and those of the future included.
    pub events: u64,
    /// Events later than the lateness allows; dropped.
    pub late: u64,
    /// Events far ahead of all others; dropped.
    pub ahead: u64,
    /// Minutes that were closed early, because too many events waited.
    pub closed_early: u64,
    /// Target-hours with at least three events.
    pub scored_hours: u64,
    /// Final records with an alert.
    pub alerts: u64,
    /// Alerts before the end of their hour.
    pub early_alerts: u64,
    /// Targets that made room for others.
    pub targets_evicted: u64,
    /// Actors that made room for others.
    pub actors_evicted: u64,
    /// Pairs that made room for others while they still mattered.
    pub pairs_evicted: u64,
    /// Marked actions that were not kept; actors may be missing from records.
    pub marked_dropped: u64,
    /// Registered windows that were refused.
    pub windows_refused: u64,
    /// Follower counts that came late, and those beyond the limit; dropped.
    pub follower_counts_dropped: u64,
}

/// What was asked of a cohort and what it gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortRate {
    /// Which targets.
    pub cohort: Cohort,
    /// Target-hours.
    pub rows: u64,
    /// What a score has to reach.
    pub threshold: f64,
    /// Share of target-hours that should reach it.
    pub requested_rate: f64,
    /// Share of target-hours that did.
    pub realised_rate: f64,
}

/// Accounts that go from target to target together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Hashes of the accounts, each with the number of the ring's targets that it acted on; most first.
    pub actors: Vec<(u64, u32)>,
    /// Hashes of the targets, each with the number of the ring's accounts that acted on it; most first.
    pub targets: Vec<(u64, u32)>,
    /// First and last action, in seconds since 1970.
    pub from_s: u32,
    /// Last action.
    pub to_s: u32,
}

/// The state of all targets and actors.
///
/// One detector has one owner. Work is spread by giving each of several detectors the targets of some hashes; scores then
/// depend on how many there are, not on the threads that run them, since each sees its own events in their order.
#[derive(Debug)]
pub struct Detector {
    pub(super) config: Config,
    pub(super) weights: Weights,
    pub(super) state: State,
    pub(super) waiting: Waiting,
    /// Follower counts whose minute is still open.
    pub(super) samples: Vec<FollowerCount>,
    pub(super) desk: Desk,
}

impl Detector {
    /// An empty detector. Its tables grow with what is in them.
    pub fn new(mut config: Config) -> Self {
        config.limits.targets_max = config.limits.targets_max.clamp(1, Limits::TARGETS_MAX);
        config.limits.actors_max = config.limits.actors_max.clamp(1, Limits::ACTORS_MAX);
        let (weights, state) = (Weights::new(&config.weights), State::new(&config));
        Self {
            config,
            weights,
            state,
            waiting: Waiting::default(),
            samples: Vec::new(),
            desk: Desk::default(),
        }
    }

    /// Takes events in any order within the lateness. Scores of hours that are over, and alerts that do not wait for the end
    /// of their hour, go to `out`. Amortised O(1) per event; nothing is allocated per event once buffers have grown.
    pub fn observe(&mut self, events: &[Event], out: &mut Vec<Score>) {
        for event in events {
            self.state.counts.events = self.state.counts.events.saturating_add(1);
            self.begin_anew_if_wrong(event.time_s);
            if !self.waiting.sees(event.time_s, &self.config, &mut self.state.counts) {
                continue;
            }
            // What is due goes first, so that open minutes are never more than the lateness spans.
            self.drain_due(out);
            if !self.waiting.push(*event) {
                self.state.counts.late = self.state.counts.late.saturating_add(1);
            }
            if self.waiting.len > self.config.limits.waiting_max as usize {
                self.state.counts.closed_early = self.state.counts.closed_early.saturating_add(1);
                self.drain(self.waiting.base + 1, out);
            }
        }
    }

    /// Forgets what was counted where the first times of all turn out to be wrong: no more than a few events had them.
    fn begin_anew_if_wrong(&mut self, time_s: u32) {
        let (newest_s, far_s) = (self.waiting.newest_s, self.config.ahead_max_s);
        if self.waiting.doubt.was_wrong(time_s, newest_s, far_s) {
            let mut state = State::new(&self.config);
            state.counts = self.state.counts;
            state.registered = std::mem::take(&mut self.state.registered);
            (self.state, self.waiting, self.samples) = (state, Waiting::default(), Vec::new());
        }
    }

    /// Takes a follower count. Counted as dropped where it is late, or of one target too many.
    pub fn follower_count(&mut self, sample: FollowerCount, out: &mut Vec<Score>) {
        self.begin_anew_if_wrong(sample.time_s);
        let counts = &mut self.state.counts;
        let is_believed = self.waiting.sees(sample.time_s, &self.config, counts);
        let is_full = self.samples.len() >= self.config.limits.follower_counts_max as usize;
        if !is_believed || is_full || sample.time_s / MINUTE_S < self.waiting.base {
            counts.follower_counts_dropped = counts.follower_counts_dropped.saturating_add(1);
            return;
        }
        self.samples.push(sample);
        self.drain_due(out);
    }

    /// Registers a window. False where there are too many, or where it ends before it begins. Hours that are over are not scored again.
    pub fn register(&mut self, window: Window) -> bool {
        let is_known = self.state.registered.contains(&window);
        let is_full = self.state.registered.len() >= self.config.limits.windows_max as usize;
        if window.to_s <= window.from_s || (is_full && !is_known) {
            self.state.counts.windows_refused = self.state.counts.windows_refused.saturating_add(1);
            return false;
        }
        if !is_known {
            let place = self.state.registered.partition_point(|own| own.target < window.target);
            self.state.registered.insert(place, window);
        }
        true
    }

    /// Tells the detector that time has come to `time_s`, with or without events.
    pub fn advance(&mut self, time_s: u32, out: &mut Vec<Score>) {
        if self.waiting.sees(time_s, &self.config, &mut self.state.counts) {
            self.drain_due(out);
        }
    }

    /// Ends the stream: everything that waits is counted, the open hour is closed.
    pub fn finish(&mut self, out: &mut Vec<Score>) {
        let last_sample = self.samples.iter().map(|sample| sample.time_s / MINUTE_S + 1).max();
        self.drain(self.waiting.end().max(last_sample.unwrap_or(0)), out);
        if self.state.open_hour != 0 {
            self.close(out);
            self.state.open_hour = 0;
        }
    }

    /// Counts what cannot get earlier company any more.
    fn drain_due(&mut self, out: &mut Vec<Score>) {
        let due = self.waiting.newest_s.saturating_sub(self.config.lateness_s) / MINUTE_S;
        if due > self.waiting.base {
            self.drain(due, out);
        }
    }

    fn drain(&mut self, before: u32, out: &mut Vec<Score>) {
        while let Some((minute, events)) = self.waiting.pop_before(before) {
            self.samples_before(minute, out);
            self.come_to(minute, out);
            self.state.take(&events, &self.config);
            self.waiting.give_back(events);
        }
        self.samples_before(before, out);
        if before > 0 && self.state.open_hour != 0 {
            self.come_to(before, out);
        }
    }

    /// Closes the hour that ends at or before a minute, and looks at busy targets at every ten-minute mark.
    fn come_to(&mut self, minute: u32, out: &mut Vec<Score>) {
        let hour = minute / 60;
        if self.state.open_hour != hour {
            if self.state.open_hour != 0 {
                self.close(out);
            }
            self.state.open(hour);
            self.state.looked = minute / 10;
        } else if self.state.looked != minute / 10 {
            let at_s = self.waiting.newest_s;
            self.state.look(&self.config, &self.weights, at_s, &mut self.desk, out);
            self.state.looked = minute / 10;
        }
    }

    fn close(&mut self, out: &mut Vec<Score>) {
        let at_s = self.waiting.newest_s;
        self.state.close_hour(&self.config, &self.weights, at_s, &mut self.desk, out);
    }

    /// Takes the follower counts of minutes before one.
    fn samples_before(&mut self, minute: u32, out: &mut Vec<Score>) {
        if !self.samples.iter().any(|sample| sample.time_s / MINUTE_S < minute) {
            return;
        }
        let mut due: Vec<FollowerCount> = Vec::new();
        self.samples.retain(|sample| {
            let is_due = sample.time_s / MINUTE_S < minute;
            due.extend(is_due.then_some(*sample));
            !is_due
        });
        due.sort_unstable_by_key(|sample| (sample.time_s, sample.target, sample.count));
        let mut signals = Vec::new();
        for sample in due {
            self.come_to(sample.time_s / MINUTE_S, out);
            let reasons = reasons_in(&self.state.registered, sample.target, sample.time_s / 3600);
            let factor = reasons.map(rate_factor).fold(1.0, f64::max);
            signals.clear();
            let taken = self.state.followers.take(sample, factor, &self.weights, &mut signals);
            if taken == Taken::No {
                let counts = &mut self.state.counts;
                counts.follower_counts_dropped = counts.follower_counts_dropped.saturating_add(1);
            }
            self.state.follower_signals.extend(signals.iter().map(|signal| (sample.target, *signal)));
        }
    }

    /// Newest time that is believed, in seconds since 1970; 0 before the first event.
    pub fn newest_s(&self) -> u32 {
        self.waiting.newest_s
    }

    /// What became of the events.
    pub fn counts(&self) -> Counts {
        self.state.counts
    }

    /// Thresholds and rates, one per cohort with rows.
    pub fn rates(&self) -> Vec<CohortRate> {
        let rate = |(place, calibration): (usize, &Calibration)| CohortRate {
            cohort: Cohort::at(place),
            rows: calibration.rows,
            threshold: calibration.threshold(),
            requested_rate: self.config.alarm_rate,
            realised_rate: calibration.realised(),
        };
        self.state.calibrations.iter().enumerate().filter(|(_, own)| own.rows > 0).map(rate).collect()
    }

    /// Accounts that went from target to target together during the last day or so; largest first. O(marked actions).
    pub fn rings(&self) -> Vec<Ring> {
        self.state.marked.rings()
    }

    /// How it works.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.state.memory_bytes() + self.waiting.memory_bytes()
    }

    /// Bytes that the tables take at most with some limits; what waits comes on top. While a table grows its old part is there as well:
    /// at most half of the index of one table, or a quarter of the pairs.
    pub fn table_bytes_max(limits: &Limits) -> usize {
        State::memory_bytes_max(limits)
    }

    /// Targets and actors that are remembered.
    pub fn rows(&self) -> (usize, usize) {
        (self.state.targets.len(), self.state.actors.len())
    }
}
