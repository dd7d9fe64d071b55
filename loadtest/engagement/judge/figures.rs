//! Target-hours: who is positive, who is negative, and how they rank.

use std::collections::BTreeMap;

use super::campaigns::{Campaigns, Listed, campaigns};
use super::rank::{above, auc, average_precision, threshold};
use super::scores::Scores;
use super::truth::{Row, Truth};

/// Rows with fewer events are not judged; neither are those of the warm-up.
const EVENTS_MIN: u32 = 3;
const WARM_UP_HOURS: i64 = 48;
/// A positive row has so many fake events and this share; a low dose has a share from the second figure on.
const FAKE_MIN: u32 = 3;
const FAKE_SHARE: f64 = 0.3;
const LOW_SHARE: f64 = 0.05;
/// Innocent rows have so many events of their group and this share; busy ones so many events in all.
const INNOCENT_SHARE: f64 = 0.3;
const BUSY: u32 = 30;
const TARGET_EVENTS_MIN: u32 = 10;
/// Rates of false positives at which recall is told.
pub(crate) const RATES: [f64; 2] = [0.01, 0.001];

/// Scores of some rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranked {
    pub(crate) scores: Vec<f64>,
    pub(crate) alerts: usize,
}

impl Ranked {
    fn push(&mut self, (score, is_alert): (f64, bool)) {
        self.scores.push(score);
        self.alerts += usize::from(is_alert);
    }

    /// Share of the rows above a threshold.
    pub(crate) fn above(&self, threshold: f64) -> Option<f64> {
        (!self.scores.is_empty()).then(|| above(&self.scores, threshold) as f64 / self.scores.len() as f64)
    }

    /// Share of the rows with an alert.
    pub(crate) fn alerted(&self) -> Option<f64> {
        (!self.scores.is_empty()).then(|| self.alerts as f64 / self.scores.len() as f64)
    }
}

/// A kind of attack: rows with a high share of fake events, rows with a low one, and the AUC of the former.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kind {
    pub(crate) rows: Ranked,
    pub(crate) low: Ranked,
    pub(crate) auc: Option<f64>,
}

/// Whole targets by their highest row: those of which much is fake beside those of which nothing is.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    pub(crate) positive: Vec<f64>,
    pub(crate) negative: Vec<f64>,
}

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) records: usize,
    pub(crate) unknown: usize,
    pub(crate) unknown_alerts: usize,
    /// Rows judged, and those of them with something fake that are neither positive nor of a low dose.
    pub(crate) rows: usize,
    pub(crate) left_out: usize,
    pub(crate) alerts: usize,
    pub(crate) positive: Ranked,
    pub(crate) low: Ranked,
    pub(crate) negative: Ranked,
    pub(crate) auc: Option<f64>,
    pub(crate) average_precision: Option<f64>,
    pub(crate) thresholds: [f64; 2],
    pub(crate) kinds: BTreeMap<String, Kind>,
    /// Negative rows by what they are: an innocent kind, the day after an attack, nothing special. All, and busy ones.
    pub(crate) innocents: BTreeMap<String, [Ranked; 2]>,
    pub(crate) targets: Targets,
    pub(crate) campaigns: BTreeMap<String, Campaigns>,
    pub(crate) listed: Listed,
}

impl Figures {
    /// Mean over the kinds that have positive rows of the share above a threshold.
    pub(crate) fn macro_recall(&self, threshold: f64) -> Option<f64> {
        let shares: Vec<f64> = self.kinds.values().filter_map(|kind| kind.rows.above(threshold)).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }

    /// Positives among all rows, positive and negative, above a threshold.
    pub(crate) fn precision(&self, threshold: f64) -> Option<f64> {
        let right = above(&self.positive.scores, threshold);
        let all = right + above(&self.negative.scores, threshold);
        (all > 0).then(|| right as f64 / all as f64)
    }
}

/// Compares scores with the truth. O(rows log rows).
pub(crate) fn judge(truth: &Truth, scores: &Scores) -> Figures {
    let mut figures = Figures {
        records: scores.records,
        unknown: scores.unknown,
        unknown_alerts: scores.unknown_alerts,
        ..Figures::default()
    };
    for row in truth.rows.iter().filter(|row| is_judged(truth, row)) {
        let said = scores.of(row.target, row.hour);
        figures.rows += 1;
        figures.alerts += usize::from(said.1);
        if row.fake == 0 {
            figures.negative.push(said);
            let kind = innocent_kind(truth, row);
            let [all, busy] = figures.innocents.entry(kind).or_default();
            all.push(said);
            if row.events >= BUSY {
                busy.push(said);
            }
            continue;
        }
        let share = f64::from(row.fake) / f64::from(row.events);
        let most = row.campaigns.iter().max_by_key(|(_, count)| *count);
        let name = most.map_or_else(String::new, |(at, _)| truth.groups[*at as usize].kind.clone());
        let kind = figures.kinds.entry(name).or_default();
        if row.fake >= FAKE_MIN && share >= FAKE_SHARE {
            figures.positive.push(said);
            kind.rows.push(said);
        } else if row.fake >= FAKE_MIN && share >= LOW_SHARE {
            figures.low.push(said);
            kind.low.push(said);
        } else {
            figures.left_out += 1;
        }
    }
    let negatives = &figures.negative.scores;
    figures.auc = auc(&figures.positive.scores, negatives);
    figures.average_precision = average_precision(&figures.positive.scores, negatives);
    figures.thresholds = RATES.map(|rate| threshold(negatives, rate));
    for kind in figures.kinds.values_mut() {
        kind.auc = auc(&kind.rows.scores, negatives);
    }
    figures.targets = targets(truth, scores);
    let (by_kind, listed) = campaigns(truth, scores, figures.thresholds[1]);
    (figures.campaigns, figures.listed) = (by_kind, listed);
    figures
}

/// Whether there is enough in a row, late enough.
fn is_judged(truth: &Truth, row: &Row) -> bool {
    row.events >= EVENTS_MIN && row.hour >= truth.first_hour + WARM_UP_HOURS
}

/// Targets with [`TARGET_EVENTS_MIN`] events in judged rows; a positive one has as many fake events.
fn targets(truth: &Truth, scores: &Scores) -> Targets {
    let mut sums: BTreeMap<u32, (u32, u32, f64)> = BTreeMap::new();
    for row in truth.rows.iter().filter(|row| is_judged(truth, row)) {
        let (score, _) = scores.of(row.target, row.hour);
        let sum = sums.entry(row.target).or_insert((0, 0, f64::NEG_INFINITY));
        *sum = (sum.0 + row.events, sum.1 + row.fake, sum.2.max(score));
    }
    let mut found = Targets::default();
    for (events, fake, score) in sums.into_values() {
        if fake >= TARGET_EVENTS_MIN && f64::from(fake) >= FAKE_SHARE * f64::from(events) {
            found.positive.push(score);
        } else if fake == 0 && events >= TARGET_EVENTS_MIN {
            found.negative.push(score);
        }
    }
    found
}

/// What a row without anything fake is.
fn innocent_kind(truth: &Truth, row: &Row) -> String {
    let is_theirs =
        |count: u32| count >= EVENTS_MIN && f64::from(count) >= INNOCENT_SHARE * f64::from(row.events);
    // A group that acts says more than one that whole hours belong to, which comes with all events of the row.
    let group = row.innocents.iter().filter(|(_, count)| is_theirs(*count)).min_by_key(|(_, count)| *count);
    if let Some((at, _)) = group {
        return truth.groups[*at as usize].kind.clone();
    }
    let is_after = truth.campaigns_near(row.target, row.hour).next().is_some();
    if is_after { "(day after an attack)" } else { "(background)" }.to_owned()
}
