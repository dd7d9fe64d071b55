//! `[engagement]` of the policy: what was typed → what is valid.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::policy::unknown;
use crate::engagement::{Config, Limits, SignalName};
use crate::model::{Action, KeyHash, Verdict};

/// How engagement is watched, and what an alert leads to.
#[derive(Clone, Debug)]
pub struct Engagement {
    /// The verdict of an alert: `limit` or `review`.
    pub verdict: Verdict,
    /// What is proposed with it.
    pub propose: Vec<Action>,
    /// Records with a score from this share of their threshold on are written although they are no alerts.
    pub reach: f64,
    /// Names of accounts and targets that are kept, in bytes of a ring; older ones give way.
    pub names_bytes_max: u32,
    /// What turns ids into keys.
    pub keys: KeyHash,
    /// How the detector works.
    pub config: Config,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEngagement {
    alarm_rate: f64,
    lateness_minutes: u32,
    verdict: Verdict,
    propose: Vec<Action>,
    reach: f64,
    targets_max: u32,
    actors_max: u32,
    names_megabytes_max: u32,
    key: String,
    #[serde(default)]
    weights: BTreeMap<String, f64>,
}

/// What an operator may ask for: alarms among target-hours, at least one in a million.
const ALARM_RATES: std::ops::RangeInclusive<f64> = 1e-6..=0.05;
const LATENESS_MINUTES_MAX: u32 = 60;
const NAMES_MEGABYTES_MAX: u32 = 4096;
/// Weights move by half at most, so that no signal is switched off.
const WEIGHTS: std::ops::RangeInclusive<f64> = 0.5..=1.5;
const MEGABYTE: u32 = 1 << 20;

impl RawEngagement {
    pub(super) fn check(self) -> Result<Engagement, String> {
        let rule = |holds: bool, problem: &str| {
            if holds { Ok(()) } else { Err(format!("[engagement] {problem}")) }
        };
        rule(ALARM_RATES.contains(&self.alarm_rate), "alarm_rate must be 0.000001 to 0.05")?;
        rule(self.lateness_minutes <= LATENESS_MINUTES_MAX, "lateness_minutes may be at most 60")?;
        rule(
            matches!(self.verdict, Verdict::Limit | Verdict::Review),
            "verdict must be \"limit\" or \"review\": counts alone neither pass unseen nor block",
        )?;
        let is_for_targets = |action: &Action| {
            matches!(action, Action::DiscountCount | Action::HoldFromRanking | Action::Review)
        };
        rule(
            self.propose.iter().all(is_for_targets),
            "propose may hold \"discount_count\", \"hold_from_ranking\" and \"review\": nothing here sanctions an account",
        )?;
        rule((0.0..=1.0).contains(&self.reach), "reach must be 0 to 1")?;
        rule(
            (1..=Limits::TARGETS_MAX).contains(&self.targets_max)
                && (1..=Limits::ACTORS_MAX).contains(&self.actors_max),
            &format!(
                "targets_max must be 1 to {}, actors_max 1 to {}",
                Limits::TARGETS_MAX,
                Limits::ACTORS_MAX
            ),
        )?;
        rule(
            (1..NAMES_MEGABYTES_MAX).contains(&self.names_megabytes_max),
            "names_megabytes_max must be 1 to 4095",
        )?;
        let mut config = Config::new(limits(self.targets_max, self.actors_max));
        config.lateness_s = self.lateness_minutes * 60;
        config.alarm_rate = self.alarm_rate;
        config.weights = weights(self.weights)?;
        Ok(Engagement {
            verdict: self.verdict,
            propose: self.propose,
            reach: self.reach,
            names_bytes_max: self.names_megabytes_max * MEGABYTE,
            keys: KeyHash::new(&self.key),
            config,
        })
    }
}

/// All tables in the proportion of those that are stated.
fn limits(targets_max: u32, actors_max: u32) -> Limits {
    let (small, large) = (Limits::SMALL, Limits::LARGE);
    let scaled = |asked: u32, small: u32, large: (u32, u32)| {
        let share = u64::from(asked) * u64::from(large.1) / u64::from(large.0);
        let share = u32::try_from(share).unwrap_or(u32::MAX).checked_next_power_of_two().unwrap_or(1 << 31);
        share.clamp(small.min(large.1), large.1.max(small))
    };
    let by_actors =
        |part: fn(&Limits) -> u32| scaled(actors_max, part(&small), (large.actors_max, part(&large)));
    let by_targets =
        |part: fn(&Limits) -> u32| scaled(targets_max, part(&small), (large.targets_max, part(&large)));
    Limits {
        targets_max,
        actors_max,
        pairs_max: by_actors(|limits| limits.pairs_max),
        marked_max: by_actors(|limits| limits.marked_max),
        co_targets_max: by_targets(|limits| limits.co_targets_max),
        ..large
    }
}

fn weights(raw: BTreeMap<String, f64>) -> Result<Vec<(SignalName, f64)>, String> {
    let word = |name: &SignalName| serde_json::to_value(name).ok()?.as_str().map(str::to_owned);
    let names: Vec<String> = SignalName::ALL.iter().map(|name| word(name).unwrap_or_default()).collect();
    let mut weights = Vec::new();
    for (name, weight) in raw {
        let place = names.iter().position(|valid| *valid == name);
        let place =
            place.ok_or_else(|| unknown("engagement.weights", &name, names.iter().map(String::as_str)))?;
        if !WEIGHTS.contains(&weight) {
            return Err(format!("[engagement.weights] {name} = {weight} is outside 0.5–1.5"));
        }
        weights.push((SignalName::ALL[place], weight));
    }
    Ok(weights)
}
