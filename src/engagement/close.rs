//! The end of an hour, and looks before it: rows → scores, baselines, thresholds.

use std::hint::black_box;

use super::calibration::{Calibration, bin_of};
use super::cohort::{Cohort, Norms, Share, says_spread};
use super::config::{Config, Weights};
use super::event::{Kind, Reason, TargetKind, Window};
use super::evidence::{
    Context, PRIOR_HOURS, converted, expected_share, is_written_by_platform, signals_into, usual_rates,
};
use super::marked::implicated;
use super::rounding::round;
use super::score::{CoTarget, Family, History, Score, Signal, Without};
use super::season::{RATIOS_MAX, shock};
use super::state::State;
use super::table::mix;
use super::target::{ACTS, ALERTED, Count, Target};
use super::voices::{Speaking, speaking, total};

/// A row below this many events is counted and not scored.
const SCORED_EVENTS_MIN: u32 = 3;
/// A baseline absorbs at most so much.
const WINSOR_FACTOR: f64 = 4.0;
const WINSOR_EXTRA: f64 = 10.0;
/// An hour whose evidence, each family capped, adds up to more is kept out of baselines and cohorts.
const GUARD_SCORE: f64 = 8.0;
const GUARD_CAP: f64 = 8.0;
/// A cohort has its own threshold from so many rows on; before, the site's holds.
const COHORT_ROWS_MIN: u64 = 1500;
/// The median of what came over what was expected is taken over targets that expect at least this.
const SHOCK_EXPECTED_MIN: f64 = 2.0;
/// Rows that are fetched together.
const ROWS_AHEAD: usize = 32;
const HISTORY_HOURS: f32 = 3.0;
const HISTORY_EVENTS: f32 = 20.0;

/// What a row came to.
struct Verdict {
    cohort: Cohort,
    score: f64,
    threshold: f64,
    speaking: Speaking,
    alert: bool,
    is_guarded: bool,
}

/// Buffers of a closing.
#[derive(Debug, Default)]
pub(super) struct Desk {
    signals: Vec<Signal>,
    registered: Vec<Reason>,
    ratios: Vec<f32>,
}

impl State {
    /// Scores every row of the open hour, lets baselines, cohorts and thresholds learn from it, and appends the records.
    /// O(rows touched + marked actions).
    pub(super) fn close_hour(
        &mut self,
        config: &Config,
        weights: &Weights,
        at_s: u32,
        desk: &mut Desk,
        out: &mut Vec<Score>,
    ) {
        let first = out.len();
        self.open_rows_of_followers(config);
        self.sort_follower_signals();
        let touched = std::mem::take(&mut self.touched);
        let shock = self.shock(1.0, desk);
        let mut next = self.norms.clone();
        for (place, slot) in touched.iter().enumerate() {
            if place % ROWS_AHEAD == 0 {
                self.fetch_rows(&touched[place..touched.len().min(place + ROWS_AHEAD)]);
            }
            let target = *self.targets.row(*slot);
            if target.hour.hour != self.open_hour || target.hour.flags & super::target::CLOSED != 0 {
                continue;
            }
            let factor = self.seasons[target.kind() as usize] * shock;
            let verdict = self.judge(&target, factor, weights, desk);
            if desk.registered.iter().any(|reason| is_written_by_platform(*reason)) {
                self.targets.row_mut(*slot).hour.forget_gaps();
            }
            self.learn(&target, *slot, &verdict, factor, shock, &mut next);
            let is_worth = verdict.score >= config.report_score_min && is_scored(&target, desk);
            if verdict.alert || is_worth {
                self.counts.alerts = self.counts.alerts.saturating_add(u64::from(verdict.alert));
                out.push(self.record(&target, &verdict, at_s, true, config, desk));
            }
        }
        self.norms = next;
        self.season.close(self.open_hour);
        for calibration in self.calibrations.iter_mut().chain([&mut self.site]) {
            calibration.refit(config.alarm_rate);
        }
        self.name_actors(&mut out[first..], config);
        self.touched = touched;
        self.touched.clear();
        self.busy.clear();
        self.paced.clear();
        self.follower_signals.clear();
        self.registered.retain(|window| window.to_s / 3600 >= self.open_hour);
        self.sum_up();
    }

    /// Looks at busy rows of the open hour, and appends those that alert for the first time in it. O(busy rows).
    pub(super) fn look(
        &mut self,
        config: &Config,
        weights: &Weights,
        at_s: u32,
        desk: &mut Desk,
        out: &mut Vec<Score>,
    ) {
        let first = out.len();
        self.sort_follower_signals();
        let busy = std::mem::take(&mut self.busy);
        let elapsed = (f64::from(self.looked % 6) + 1.0) / 6.0;
        let shock = self.shock(elapsed, desk).max(1.0);
        for slot in &busy {
            let target = *self.targets.row(*slot);
            if target.hour.hour != self.open_hour || target.hour.flags & ALERTED != 0 {
                continue;
            }
            let factor = self.seasons[target.kind() as usize] * shock;
            let verdict = self.judge(&target, factor, weights, desk);
            if verdict.alert {
                self.targets.row_mut(*slot).hour.flags |= ALERTED;
                self.counts.early_alerts = self.counts.early_alerts.saturating_add(1);
                out.push(self.record(&target, &verdict, at_s, false, config, desk));
            }
        }
        self.busy = busy;
        self.name_actors(&mut out[first..], config);
    }

    /// Targets of which only the follower count was told get a row too.
    fn open_rows_of_followers(&mut self, config: &Config) {
        for i in 0..self.follower_signals.len() {
            let key = self.follower_signals[i].0;
            let hash = mix(key, config.seed);
            self.open_row(key, hash, self.targets.likely(hash), TargetKind::Account, config);
        }
    }

    /// Reads every line of some rows, so that their misses overlap.
    fn fetch_rows(&self, slots: &[u32]) {
        let mut warmed = 0_u64;
        for slot in slots {
            let target = self.targets.row(*slot);
            warmed ^= u64::from(target.hour.events) ^ target.key ^ u64::from(target.slow.events.to_bits());
        }
        black_box(warmed);
    }

    /// Signals of one target stand together, in the order in which they came.
    fn sort_follower_signals(&mut self) {
        self.follower_signals.sort_by_key(|(target, _)| *target);
    }

    /// What moves all targets alike in this hour.
    fn shock(&self, elapsed: f64, desk: &mut Desk) -> f64 {
        desk.ratios.clear();
        let rows = self.paced.iter().map(|slot| self.targets.row(*slot));
        #[allow(clippy::cast_possible_truncation, reason = "a ratio of which the median is taken")]
        let ratios = rows.filter_map(|target| {
            let mean = expected_events(target, &self.seasons, elapsed)?;
            Some((f64::from(target.hour.events) / mean) as f32)
        });
        desk.ratios.extend(ratios.take(RATIOS_MAX));
        shock(&mut desk.ratios)
    }

    fn calibration(&self, cohort: Cohort) -> &Calibration {
        let own = &self.calibrations[cohort.place()];
        if own.rows >= COHORT_ROWS_MIN { own } else { &self.site }
    }

    /// Puts the signals of a row on the desk and applies the rule.
    fn judge(&self, target: &Target, factor: f64, weights: &Weights, desk: &mut Desk) -> Verdict {
        let cohort = Cohort::of(target, self.open_hour);
        desk.signals.clear();
        desk.registered.clear();
        desk.registered.extend(reasons_in(&self.registered, target.key, self.open_hour));
        if target.hour.events >= SCORED_EVENTS_MIN {
            let other = self.referred(target.hour.co_ref);
            let context = Context {
                norms: &self.norms[cohort.place()],
                weights,
                factor,
                registered: &desk.registered,
                co_expected: other.map_or(f64::INFINITY, |other| self.co_expected(target, other)),
            };
            signals_into(target, &context, &mut desk.signals);
        }
        let of_target = of_key(&self.follower_signals, target.key, |(key, _)| *key);
        desk.signals.extend(of_target.iter().map(|(_, signal)| *signal));
        desk.signals.sort_by(|a, b| (b.evidence * b.weight).total_cmp(&(a.evidence * a.weight)));
        let score = total(&desk.signals);
        let threshold = round(self.calibration(cohort).threshold(), 4);
        let speaking = speaking(&desk.signals);
        let is_exempt = desk.registered.contains(&Reason::Exempt);
        let alert = !is_exempt && speaking.holds() && score >= threshold;
        let is_guarded =
            alert || guard(&desk.signals) > GUARD_SCORE || desk.registered.iter().copied().any(is_unusual);
        Verdict { cohort, score, threshold, speaking, alert, is_guarded }
    }

    /// Lets baselines, cohorts and thresholds learn from a row.
    fn learn(
        &mut self,
        target: &Target,
        slot: u32,
        verdict: &Verdict,
        factor: f64,
        shock: f64,
        next: &mut [Norms],
    ) {
        let (usual_reads, usual_acts) = usual_rates(target);
        let most = |usual: f64| WINSOR_FACTOR * usual * factor + WINSOR_EXTRA;
        let scale = f64::from(1_u32 << target.hour.scale);
        let acts = f64::from(target.hour.acts()) * scale;
        let reads = (f64::from(target.hour.events) - acts).max(0.0);
        let (reads, acts) = (reads.min(most(usual_reads)), acts.min(most(usual_acts)));
        #[allow(clippy::cast_possible_truncation, reason = "events of an hour")]
        self.season.count(target.kind(), (reads + acts) as f32);
        if target.hour.events >= SCORED_EVENTS_MIN {
            self.counts.scored_hours = self.counts.scored_hours.saturating_add(1);
            let is_trimmed = verdict.is_guarded || verdict.speaking.holds();
            let is_over = verdict.score >= verdict.threshold;
            if !is_trimmed {
                let bin = bin_of(verdict.score);
                self.calibrations[verdict.cohort.place()].observe(bin, is_over);
                self.site.observe(bin, is_over);
            }
            if !verdict.is_guarded {
                teach(&mut next[verdict.cohort.place()], target);
            }
        }
        #[allow(clippy::cast_possible_truncation, reason = "events of an hour")]
        let rate =
            (!verdict.is_guarded).then(|| ((reads / shock.max(1.0)) as f32, (acts / shock.max(1.0)) as f32));
        self.targets.row_mut(slot).close(rate);
    }

    /// The record of the row whose signals are on the desk. Actors are named later.
    fn record(
        &self,
        target: &Target,
        verdict: &Verdict,
        at_s: u32,
        is_final: bool,
        config: &Config,
        desk: &Desk,
    ) -> Score {
        let other = self.referred(target.hour.co_ref);
        let co_target = other.filter(|_| target.hour.co_count > 0).map(|other| CoTarget {
            target: other.key,
            actors: u32::from(target.hour.co_count),
            expected: round(self.co_expected(target, other), 4),
        });
        let calibration = self.calibration(verdict.cohort);
        let is_known = target.hours >= HISTORY_HOURS && target.day.events >= HISTORY_EVENTS;
        Score {
            target: target.key,
            target_kind: target.kind(),
            hour_s: self.open_hour.saturating_mul(3600),
            at_s,
            is_final,
            events: target.hour.events,
            score: verdict.score,
            threshold: verdict.threshold,
            alert: verdict.alert,
            families: verdict.speaking.families(),
            burst: verdict.speaking.burst(),
            signals: desk.signals.clone(),
            actors: Vec::new(),
            marked_others: 0,
            co_target,
            baseline_guarded: verdict.is_guarded,
            history: if is_known { History::Sufficient } else { History::Insufficient },
            cohort: verdict.cohort,
            requested_rate: config.alarm_rate,
            realised_rate: round(calibration.realised(), 6),
            registered: desk.registered.clone(),
            counterfactual: counterfactual(&desk.signals, verdict),
            config: config.hash(),
        }
    }

    /// Lists the accounts with most marks in every alert.
    fn name_actors(&self, records: &mut [Score], config: &Config) {
        let mut targets: Vec<u64> = records.iter().filter(|r| r.alert).map(|r| r.target).collect();
        if targets.is_empty() {
            return;
        }
        targets.sort_unstable();
        targets.dedup();
        let found = self.marked.of_targets(&targets, self.open_hour);
        for record in records.iter_mut().filter(|record| record.alert) {
            if let Ok(place) = targets.binary_search(&record.target) {
                (record.actors, record.marked_others) =
                    implicated(&found[place], config.limits.actors_listed_max);
            }
        }
    }
}

/// Events that are expected of a row by now, if they are enough for the shock.
pub(super) fn expected_events(
    target: &Target,
    seasons: &[f64; TargetKind::ALL.len()],
    elapsed: f64,
) -> Option<f64> {
    if f64::from(target.hours) < PRIOR_HOURS {
        return None;
    }
    let (reads, acts) = usual_rates(target);
    let mean = (reads + acts) * seasons[target.kind() as usize] * elapsed;
    (mean >= SHOCK_EXPECTED_MIN).then_some(mean)
}

/// The reasons that are registered for a target in some part of an hour. `registered` is sorted by target. O(log windows).
pub(super) fn reasons_in(registered: &[Window], target: u64, hour: u32) -> impl Iterator<Item = Reason> {
    let from_s = hour.saturating_mul(3600);
    let of_target = of_key(registered, target, |window| window.target).iter();
    let holds = move |window: &&Window| window.from_s < from_s.saturating_add(3600) && window.to_s > from_s;
    of_target.filter(holds).map(|window| window.reason)
}

/// The part of a list, sorted by its keys, that belongs to one.
fn of_key<T>(sorted: &[T], key: u64, key_of: impl Fn(&T) -> u64) -> &[T] {
    let first = sorted.partition_point(|own| key_of(own) < key);
    let len = sorted[first..].iter().take_while(|own| key_of(own) == key).count();
    &sorted[first..first + len]
}

fn is_unusual(reason: Reason) -> bool {
    reason != Reason::Exempt
}

/// A row of too few events is worth a record only for what follower counts say.
fn is_scored(target: &Target, desk: &Desk) -> bool {
    target.hour.events >= SCORED_EVENTS_MIN || !desk.signals.is_empty()
}

/// The strongest evidence of each family but burst and regularity, capped, added up.
fn guard(signals: &[Signal]) -> f64 {
    let mut families = [0.0_f64; Family::ALL.len()];
    for signal in signals {
        if !matches!(signal.family, Family::Burst | Family::Regularity) {
            let own = &mut families[signal.family as usize];
            *own = own.max(signal.evidence.min(GUARD_CAP));
        }
    }
    families.iter().sum()
}

/// What the score would be without each family that gives evidence, strongest first.
fn counterfactual(signals: &[Signal], verdict: &Verdict) -> Vec<Without> {
    let mut families: Vec<Family> = signals.iter().map(|signal| signal.family).collect();
    families.sort_unstable();
    families.dedup();
    let without = |family: Family| {
        let rest: Vec<Signal> = signals.iter().filter(|signal| signal.family != family).copied().collect();
        let score = total(&rest);
        let holds = speaking(&rest).holds() && score >= verdict.threshold;
        Without { family, score, alert: verdict.alert && holds }
    };
    let mut all: Vec<Without> = families.into_iter().map(without).collect();
    all.sort_by(|a, b| a.score.total_cmp(&b.score));
    all
}

/// Lets a cohort learn what is usual from a row.
fn teach(norms: &mut Norms, target: &Target) {
    let hour = &target.hour;
    let of = |count: Count| f64::from(hour.get(count));
    let (actors, readers) = (of(Count::Actors), of(Count::Readers));
    let (acts, reads) = (f64::from(hour.acts()), f64::from(hour.kinds[Kind::Read as usize]));
    let total = f64::from(hour.total());
    for (share, ..) in Share::ALL {
        let (k, n) = match share {
            Share::Young => (of(Count::Young), actors),
            Share::YoungReaders => (of(Count::YoungReaders), readers),
            Share::LowCredit => (of(Count::LowCredit), actors),
            Share::Device => (of(Count::Device), actors),
            Share::ReaderDevice => (of(Count::ReaderDevice), readers),
            Share::Network => (of(Count::Network), actors),
            Share::ReaderNetwork => (of(Count::ReaderNetwork), readers),
            Share::Repeat => ((acts - actors).max(0.0), acts),
            Share::Reread => ((reads - readers).max(0.0), reads),
            Share::Churn => (of(Count::Churn), total),
            Share::Unexposed => (of(Count::Unexposed), actors),
            Share::UnreadUnfollow => {
                (of(Count::UnreadUnfollow), f64::from(hour.kinds[Kind::Unfollow as usize]))
            }
            Share::Company => (of(Count::Company), actors),
            Share::Conversion => converted(actors, of(Count::Unexposed), readers),
        };
        let expected = if says_spread(n) { expected_share(target, norms, share).0 } else { 0.0 };
        norms.shares[share as usize].add(k, n, expected);
    }
    let day_total = f64::from(target.day.events) + total;
    for kind in Kind::ALL {
        let (place, k) = (kind as usize, f64::from(hour.kinds[kind as usize]));
        let usual = &mut norms.kinds[place];
        let slow = &target.slow;
        let own = (f64::from(slow.kind(place)) + 20.0 * usual.share()) / (f64::from(slow.events) + 20.0);
        usual.add(k, total, own.clamp(0.001, 0.999));
        if ACTS.contains(&place) {
            let usual = &mut norms.day_kinds[place];
            usual.add(f64::from(target.day.kind(place)) + k, day_total, usual.share());
        }
    }
}
