//! The threshold of a cohort: the score that a stated share of its ordinary rows exceeds.
//!
//! Peaks over threshold after A. Siffer, P.-A. Fouque, A. Termier, C. Largouët, *Anomaly detection in streams with extreme value
//! theory*, KDD 2017: excesses over a high level follow a generalised Pareto distribution, whose quantile is the threshold. What
//! is different here: scores are kept as counts in bins, so that memory does not grow and the order of rows between two fits
//! does not matter; the fit is the maximum of the likelihood of grouped data, with a weak prior on the shape (S. Coles, M. Dixon,
//! 1999); and it uses only the part of the tail that agrees with what lies below it, so that a share of attacks among the rows
//! does not raise the threshold.

use serde::{Deserialize, Serialize};

/// Bins of scores; the width of a bin is (1 + score)/64.
const BINS: usize = 320;
const BINS_PER_E: f64 = 64.0;
/// Rows before the first fit.
const ROWS_MIN: u64 = 500;
/// With so many rows all counts are halved, so that what is long past is forgotten.
const ROWS_MAX: u64 = 1 << 21;
/// The share of rows whose excesses are fitted, and the least number of them where there are enough rows.
const TAIL_SHARE: f64 = 0.1;
const TAIL_SHARE_MAX: f64 = 0.2;
const TAIL_ROWS: f64 = 300.0;
/// A new fit is made when the number of rows has grown by one part in so many.
const REFIT_PART: u64 = 5;

/// The threshold of one cohort, learnt from its rows.
///
/// 1.4 KB. A row costs O(1); a fit, some milliseconds at most, is made each time that the number of rows has grown by a fifth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pot {
    alarm_rate: f64,
    threshold: f64,
    /// Ordinary rows per bin of score, halved now and then.
    counts: Vec<u32>,
    /// Their sum, and at which sum the next fit is due.
    rows: u64,
    refit_at: u64,
    fit: Option<Fit>,
    realised: Realised,
}

/// What came of the thresholds so far. Counts are never halved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realised {
    /// Ordinary rows.
    pub rows: u64,
    /// Ordinary rows above the threshold that was in force.
    pub alarms: u64,
    /// Rows that were left out of the fit.
    pub trimmed: u64,
    /// Rows that were left out, above the threshold.
    pub trimmed_alarms: u64,
}

impl Realised {
    /// Alarms among ordinary rows, as a share of them; none without rows.
    pub fn rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a rate; counts stay far below 2^52")]
        (self.rows > 0).then(|| self.alarms as f64 / self.rows as f64)
    }
}

/// A generalised Pareto distribution of the excesses over a level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The level.
    pub level: f64,
    /// The share of rows above it, those that do not agree with the fit left out.
    pub share: f64,
    /// Shape ξ.
    pub shape: f64,
    /// Scale σ.
    pub scale: f64,
    /// Share of the excesses that were left out because there are more of them than what lies below lets expect.
    pub censored: f64,
}

impl Fit {
    /// The score that a share of `rate` rows exceeds.
    fn quantile(&self, rate: f64) -> f64 {
        let ratio = (self.share / rate).ln();
        if ratio <= 0.0 {
            return self.level;
        }
        self.level
            + self.scale
                * if self.shape.abs() < 1e-9 { ratio } else { (self.shape * ratio).exp_m1() / self.shape }
    }
}

impl Pot {
    /// A threshold that is `start` until there are rows enough. The alarm rate is a share of ordinary rows, taken as lying from
    /// 10⁻⁶ to 0.1.
    pub fn new(alarm_rate: f64, start: f64) -> Self {
        let alarm_rate = if alarm_rate.is_nan() { RATE_MIN } else { alarm_rate.clamp(RATE_MIN, RATE_MAX) };
        Self {
            alarm_rate,
            threshold: if start.is_nan() { SCORE_MAX } else { start.clamp(0.0, SCORE_MAX) },
            counts: vec![0; BINS],
            rows: 0,
            refit_at: ROWS_MIN,
            fit: None,
            realised: Realised::default(),
        }
    }

    /// The threshold that holds for the next row.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The alarm rate that was asked for.
    pub fn requested_rate(&self) -> f64 {
        self.alarm_rate
    }

    /// What came of it.
    pub fn realised(&self) -> Realised {
        self.realised
    }

    /// The distribution that the threshold rests on; none before the first fit.
    pub fn fit(&self) -> Option<Fit> {
        self.fit
    }

    /// Takes a row's score in and says whether it is above the threshold that held so far. A row that is `trimmed`, because it
    /// shows signs of attack, is judged and counted but not learnt from.
    pub fn observe(&mut self, score: f64, trimmed: bool) -> bool {
        let is_alarm = score > self.threshold;
        let realised = &mut self.realised;
        let (rows, alarms) = if trimmed {
            (&mut realised.trimmed, &mut realised.trimmed_alarms)
        } else {
            (&mut realised.rows, &mut realised.alarms)
        };
        *rows = rows.saturating_add(1);
        *alarms = alarms.saturating_add(u64::from(is_alarm));
        if !trimmed {
            let count = &mut self.counts[bin_of(score)];
            *count = count.saturating_add(1);
            self.rows += 1;
            if self.rows >= self.refit_at.min(ROWS_MAX) {
                self.refit();
            }
        }
        is_alarm
    }

    fn refit(&mut self) {
        if self.rows >= ROWS_MAX {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.rows = self.counts.iter().map(|count| u64::from(*count)).sum();
        }
        self.refit_at = self.rows + self.rows / REFIT_PART + 1;
        if let Some(fit) = fit_tail(&self.counts, self.rows) {
            self.threshold = fit.quantile(self.alarm_rate).clamp(0.0, SCORE_MAX);
            self.fit = Some(fit);
        }
    }

    /// Whether a loaded state is one that [`Self::observe`] can go on with.
    pub fn is_sound(&self) -> bool {
        let sum: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        self.counts.len() == BINS
            && sum == self.rows
            && self.rows < ROWS_MAX
            && (RATE_MIN..=RATE_MAX).contains(&self.alarm_rate)
            && (0.0..=SCORE_MAX).contains(&self.threshold)
    }
}

const RATE_MIN: f64 = 1e-6;
const RATE_MAX: f64 = 0.1;
/// Thresholds are no higher than this.
const SCORE_MAX: f64 = 1e6;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most BINS, no number is 0")]
fn bin_of(score: f64) -> usize {
    ((score.max(0.0).ln_1p() * BINS_PER_E) as usize).min(BINS - 1)
}

/// The lower edge of a bin.
fn edge_of(bin: usize) -> f64 {
    (to_f64(bin as u64) / BINS_PER_E).exp_m1()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn to_f64(count: u64) -> f64 {
    count as f64
}

/// Excesses from one bound to the next.
#[derive(Clone, Copy, Debug)]
struct Group {
    low: f64,
    count: f64,
}

/// Groups of excesses: each holds a sixth of what lies at and above it, so that the far tail is seen as finely as its start.
const GROUP_PART: u64 = 6;
const GROUPS_MAX: usize = 32;

/// The level that the wanted share of rows exceeds, and the groups of the excesses over it.
fn groups_of(counts: &[u32], rows: u64) -> Option<(f64, Vec<Group>)> {
    let wanted = to_f64(rows) * TAIL_SHARE.max((TAIL_ROWS / to_f64(rows)).min(TAIL_SHARE_MAX));
    let mut first = counts.len();
    let mut above = 0;
    // Bin 0 holds the rows without any evidence; they have no tail.
    while first > 1 && to_f64(above) < wanted {
        first -= 1;
        above += u64::from(counts[first]);
    }
    if above < EXCESSES_MIN {
        return None;
    }
    let level = edge_of(first);
    let mut groups = vec![Group { low: 0.0, count: 0.0 }];
    let (mut rest, mut filled, mut wanted) = (above, 0, above / GROUP_PART);
    for (bin, count) in (first..).zip(&counts[first..]) {
        if filled > wanted && rest > 0 && groups.len() < GROUPS_MAX {
            (filled, wanted) = (0, rest / GROUP_PART);
            groups.push(Group { low: edge_of(bin) - level, count: 0.0 });
        }
        filled += u64::from(*count);
        rest -= u64::from(*count);
        if let Some(group) = groups.last_mut() {
            group.count += f64::from(*count);
        }
    }
    Some((level, groups))
}

/// Fewer excesses than this say nothing of their tail.
const EXCESSES_MIN: u64 = 20;
/// Where the tail may be cut, as shares of the excesses beyond the cut.
const CUTS: [f64; 7] = [0.5, 0.4, 0.3, 0.2, 0.12, 0.06, 0.03];
/// How much more than expected may lie beyond a cut before something foreign is among the rows: this factor, and so many
/// standard deviations, of what even a heavy tail lets expect.
const SHAPE_HEAVY: f64 = 0.3;
const SURPLUS_FACTOR: f64 = 1.2;
const SURPLUS_DEVIATIONS: f64 = 3.0;
/// The same for where it begins, once it is known to be there, with the tail that fits best.
const START_FACTOR: f64 = 1.2;
const START_DEVIATIONS: f64 = 2.0;

/// The excesses below a place in the tail, against those beyond it.
#[derive(Clone, Copy, Debug)]
struct Cut<'g> {
    groups: &'g [Group],
    end: f64,
    below: f64,
    beyond: f64,
}

impl Cut<'_> {
    /// How many excesses lie beyond, if the distribution goes on as below.
    fn expected(&self, shape: f64, scale: f64) -> f64 {
        let survival = survival(self.end, shape, scale);
        self.below * survival / (1.0 - survival).max(1e-9)
    }

    fn is_surplus(&self, expected: f64, factor: f64, deviations: f64) -> bool {
        // The chance in the counts beyond, and that of the scale, which the counts below determine.
        let variance = expected + 4.0 * expected * expected / self.below.max(1.0);
        self.beyond > factor * expected + deviations * variance.max(1.0).sqrt()
    }

    /// Whether more lies beyond than any tail that is to be expected of scores has.
    fn is_foreign(&self) -> bool {
        let scale = maximise_scale(self.groups, self.end, SHAPE_HEAVY).0;
        self.is_surplus(self.expected(SHAPE_HEAVY, scale), SURPLUS_FACTOR, SURPLUS_DEVIATIONS)
    }
}

/// Fits the excesses. Where more of them are far out than any tail explains, those from the place on where that begins are left
/// out.
fn fit_tail(counts: &[u32], rows: u64) -> Option<Fit> {
    let (level, groups) = groups_of(counts, rows)?;
    let total: f64 = groups.iter().map(|group| group.count).sum();
    let cuts = cuts_of(&groups, total);
    if cuts.iter().any(Cut::is_foreign) {
        for cut in &cuts {
            let (shape, scale) = maximise(cut.groups, cut.end, PRIOR_CUT);
            let expected = cut.expected(shape, scale);
            if cut.is_surplus(expected, START_FACTOR, START_DEVIATIONS) {
                let surplus = cut.beyond - expected;
                let share = (total - surplus) / (to_f64(rows) - surplus);
                return Some(Fit { level, share, shape, scale, censored: cut.beyond / total });
            }
        }
    }
    let (shape, scale) = maximise(&groups, f64::INFINITY, PRIOR);
    Some(Fit { level, share: total / to_f64(rows), shape, scale, censored: 0.0 })
}

/// The cuts nearest to [`CUTS`], lowest first.
fn cuts_of(groups: &[Group], total: f64) -> Vec<Cut<'_>> {
    let mut wanted = CUTS.iter().peekable();
    let mut below = 0.0;
    let mut cuts = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let beyond = total - below;
        let mut is_cut = false;
        while wanted.next_if(|share| beyond <= **share * total).is_some() {
            is_cut = true;
        }
        if is_cut && index >= GROUPS_BELOW_MIN {
            cuts.push(Cut { groups: &groups[..index], end: group.low, below, beyond });
        }
        below += group.count;
    }
    cuts
}

/// Groups that a fit needs below a cut.
const GROUPS_BELOW_MIN: usize = 3;

/// P(excess > y).
fn survival(y: f64, shape: f64, scale: f64) -> f64 {
    if y == f64::INFINITY {
        return 0.0;
    }
    if shape.abs() < 1e-9 {
        return (-y / scale).exp();
    }
    let base = shape * y / scale;
    if base <= -1.0 { 0.0 } else { (-base.ln_1p() / shape).exp() }
}

/// Shapes that are tried.
const SHAPES: [f64; 15] =
    [-0.3, -0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6];
/// Mean and deviation of the prior on the shape. Scores are sums of capped logarithms of probabilities, whose tails are near the
/// exponential one; where the far tail is left out, hardly anything else says what its shape is.
const PRIOR: (f64, f64) = (0.1, 0.2);
const PRIOR_CUT: (f64, f64) = (0.02, 0.07);
const SCALE_STEPS: u32 = 22;

/// Shape and scale with the largest posterior likelihood, given that every excess is below `end`.
fn maximise(groups: &[Group], end: f64, prior: (f64, f64)) -> (f64, f64) {
    let (mut best, mut found) = (f64::NEG_INFINITY, (0.0, 1.0));
    for shape in SHAPES {
        let (scale, likelihood) = maximise_scale(groups, end, shape);
        let distance = (shape - prior.0) / prior.1;
        let posterior = likelihood - distance * distance / 2.0;
        if posterior > best {
            (best, found) = (posterior, (shape, scale));
        }
    }
    found
}

/// Golden-section search for the logarithm of the scale.
fn maximise_scale(groups: &[Group], end: f64, shape: f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let likelihood = |ln_scale: f64| ln_likelihood(groups, end, shape, ln_scale.exp());
    let (mut low, mut high) = (SCALE_LN_MIN, SCALE_LN_MAX);
    let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_left, mut at_right) = (likelihood(left), likelihood(right));
    for _ in 0..SCALE_STEPS {
        if at_left < at_right {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = likelihood(right);
        } else {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = likelihood(left);
        }
    }
    let middle = f64::midpoint(low, high);
    (middle.exp(), likelihood(middle))
}

/// ln of the least and the largest scale: .0025 to 55.
const SCALE_LN_MIN: f64 = -6.0;
const SCALE_LN_MAX: f64 = 4.0;

fn ln_likelihood(groups: &[Group], end: f64, shape: f64, scale: f64) -> f64 {
    let at_end = survival(end, shape, scale);
    let whole = (1.0 - at_end).max(PROBABILITY_MIN).ln();
    let mut above = at_end;
    let mut sum = 0.0;
    for group in groups.iter().rev() {
        let here = survival(group.low, shape, scale);
        sum += group.count * ((here - above).max(PROBABILITY_MIN).ln() - whole);
        above = here;
    }
    sum
}

/// What a group has at least, so that a shape with an end does not rule out what lies beyond.
const PROBABILITY_MIN: f64 = 1e-30;

#[cfg(test)]
#[path = "threshold_tests.rs"]
mod tests;
