//! Probabilities of counts at least as unusual as those that were seen, as −log10.
//!
//! Every function gives a number from 0 to [`TAIL_MAX`] for whatever it is given: 0 where the count is not beyond its mean or
//! an argument is no number. Nothing allocates. Relative error below 10⁻⁶ against sums of the exact terms (the tests).
#![allow(clippy::many_single_char_names, reason = "the names of the formulas")]

use core::f64::consts::{LN_10, PI};

use crate::special::{ln_beta_inc, ln_binomial, ln_rising};

/// Most orders of magnitude that a tail is followed down. Evidence is capped far below.
pub const TAIL_MAX: f64 = 24.0;

/// Shapes of distributions are taken as lying between these.
const SHAPE_MIN: f64 = 1e-9;
const SHAPE_MAX: f64 = 1e12;

/// Up to so many trials a tail is the ratio of two sums, without a logarithm of a factorial.
const RATIO_TRIALS_MAX: u32 = 224;
/// So many terms of a long sum are added one by one, and as many at its far end as [`END_TERMS`].
const SUM_TERMS: u32 = 64;
const END_TERMS: u32 = 64;
/// What is left out of a sum, as a share of it.
const NEGLIGIBLE: f64 = 1e-9;

/// `T_NB`: −log10 P(X ≥ n), X negative binomial with mean `mu` and size `k` (variance mu + mu²/k); 0 if n ≤ mu.
///
/// O(n) up to 32 events, else O(√n) by the incomplete beta function `I_q(n, k)`, q = mu/(mu + k).
pub fn nb_tail(n: u32, mu: f64, k: f64) -> f64 {
    let count = f64::from(n);
    if mu.is_nan() || k.is_nan() || count <= mu || n == 0 {
        return 0.0;
    }
    let (mu, k) = (mu.clamp(SHAPE_MIN, SHAPE_MAX), k.clamp(SHAPE_MIN, SHAPE_MAX));
    let (q, p) = (mu / (mu + k), k / (mu + k));
    if n <= RATIO_EVENTS_MAX && q <= RATIO_DECAY_MAX {
        return nb_ratio(n, k, q);
    }
    orders(ln_beta_inc(count, k, q, p))
}

/// Up to so many events, and where terms shrink at least so fast, the tail is the ratio of two sums.
const RATIO_EVENTS_MAX: u32 = 32;
const RATIO_DECAY_MAX: f64 = 0.75;

/// The tail with the probability of n as the unit: the sum of what lies at n and above over the sum of all.
fn nb_ratio(n: u32, k: f64, q: f64) -> f64 {
    let (mut above, mut term, mut i) = (1.0, 1.0, f64::from(n));
    loop {
        let step = (i + k) / (i + 1.0) * q;
        let bound = step.max(q);
        // Terms fall at least as fast as a geometric series from here on.
        if bound < 1.0 && term * bound <= NEGLIGIBLE * above * (1.0 - bound) {
            break;
        }
        term *= step;
        above += term;
        i += 1.0;
    }
    let (mut below, mut term, mut i) = (0.0, 1.0, f64::from(n));
    while i > 0.0 && below <= above * BELOW_MAX {
        term *= i / ((i - 1.0 + k) * q);
        below += term;
        i -= 1.0;
    }
    from_sums(above, below)
}

/// Beyond 10 to the [`TAIL_MAX`] times as much below as above there is nothing to add.
const BELOW_MAX: f64 = 1e26;

fn from_sums(above: f64, below: f64) -> f64 {
    let orders = (below / above).ln_1p() / LN_10;
    if orders.is_nan() { 0.0 } else { orders.clamp(0.0, TAIL_MAX) }
}

/// −log10 P(X ≤ n), X negative binomial with mean `mu` and size `k`; 0 if n ≥ mu. For counts that fell. Cost as [`nb_tail`].
pub fn nb_lower_tail(n: u32, mu: f64, k: f64) -> f64 {
    let count = f64::from(n);
    if mu.is_nan() || k.is_nan() || count >= mu {
        return 0.0;
    }
    let (mu, k) = (mu.clamp(SHAPE_MIN, SHAPE_MAX), k.clamp(SHAPE_MIN, SHAPE_MAX));
    orders(ln_beta_inc(k, count + 1.0, k / (mu + k), mu / (mu + k)))
}

/// `T_BB`: −log10 P(X ≥ x), X beta-binomial with `n` trials and shapes `a`, `b`; 0 if x/n ≤ a/(a + b).
///
/// As n grows, this tends to the tail of the beta distribution at the share x/n, whatever n: the shapes bound the evidence.
/// O(n) up to 224 trials, else at most 128 terms and some 60 panels of an integral, whatever n; mostly five.
pub fn bb_tail(x: u32, n: u32, a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() || n == 0 {
        return 0.0;
    }
    let law =
        BetaBinomial { n: f64::from(n), a: a.clamp(SHAPE_MIN, SHAPE_MAX), b: b.clamp(SHAPE_MIN, SHAPE_MAX) };
    let x = f64::from(x.min(n));
    if x * (law.a + law.b) <= law.n * law.a {
        return 0.0;
    }
    if n <= RATIO_TRIALS_MAX {
        return from_sums(law.sum_up(x, RATIO_TRIALS_MAX).0, law.sum_below(x));
    }
    orders(law.ln_probability(x) + law.sum_above(x).ln())
}

/// −log10 P(X ≤ x), X beta-binomial with `n` trials and shapes `a`, `b`; 0 if x/n ≥ a/(a + b). Cost as [`bb_tail`].
pub fn bb_lower_tail(x: u32, n: u32, a: f64, b: f64) -> f64 {
    bb_tail(n - x.min(n), n, b, a)
}

/// A beta-binomial law. Sums are in units of the probability of their first term.
#[derive(Clone, Copy)]
struct BetaBinomial {
    n: f64,
    a: f64,
    b: f64,
}

impl BetaBinomial {
    /// P(i + 1)/P(i).
    fn step(&self, i: f64) -> f64 {
        (self.n - i) * (self.a + i) / ((i + 1.0) * (self.b + self.n - i - 1.0))
    }

    /// Whether what follows a term can be left out of a sum: every later step is below a bound under 1.
    fn is_spent(&self, i: f64, term: f64, sum: f64) -> bool {
        // For b ≥ 1 the bound (n − i)/(b + n − i − 1) · max((a + i)/(i + 1), 1) falls with i; written without a division.
        let above = (self.n - i) * (self.a + i).max(i + 1.0);
        let below = (self.b + self.n - i - 1.0) * (i + 1.0);
        self.b >= 1.0 && term * above <= NEGLIGIBLE * sum * (below - above)
    }

    /// The terms from x on, at most `terms_max` of them; and the place and size of the last one if more would matter.
    fn sum_up(&self, x: f64, terms_max: u32) -> (f64, Option<(f64, f64)>) {
        let (mut sum, mut term, mut i) = (1.0, 1.0, x);
        for _ in 1..=terms_max {
            if i >= self.n || self.is_spent(i, term, sum) {
                return (sum, None);
            }
            term *= self.step(i);
            sum += term;
            i += 1.0;
        }
        (sum, (i < self.n).then_some((i, term)))
    }

    /// The terms below x.
    fn sum_below(&self, x: f64) -> f64 {
        let (mut sum, mut term, mut i) = (0.0, 1.0, x);
        while i > 0.0 && sum < BELOW_MAX * BELOW_MAX {
            term /= self.step(i - 1.0);
            sum += term;
            i -= 1.0;
        }
        sum
    }

    /// The terms from x to n: one by one first, then by the Euler–Maclaurin formula, and one by one at the end, where the
    /// probability may rise steeply.
    fn sum_above(&self, x: f64) -> f64 {
        let (mut sum, rest) = self.sum_up(x, SUM_TERMS);
        let Some((first, term)) = rest else { return sum };
        let last = self.n - f64::from(END_TERMS);
        if last <= first {
            return sum + term * (self.sum_up(first, END_TERMS).0 - 1.0);
        }
        let unit = self.ln_relative(first);
        let (integral, is_spent) = self.integral(first, last, unit, sum / term);
        if is_spent {
            return sum + term * (integral - 0.5 - self.slope(first) / 12.0);
        }
        let end = (self.ln_relative(last) - unit).exp();
        let middle = integral + (end - 1.0) / 2.0 + (end * self.slope(last) - self.slope(first)) / 12.0;
        sum += term * middle;
        sum + term * end * (self.sum_up(last, END_TERMS).0 - 1.0)
    }

    /// The integral of P(t)/P(first) over [first, last], and whether it stopped early because the rest is negligible beside
    /// it and `before`. Gauss–Legendre rules over panels on which ln P changes little and that keep away from n.
    fn integral(&self, first: f64, last: f64, unit: f64, before: f64) -> (f64, bool) {
        let (mut sum, mut low) = (0.0, first);
        for _ in 0..PANELS_MAX {
            if low >= last {
                return (sum, false);
            }
            let height = (self.ln_relative(low) - unit).exp();
            if self.is_spent(low, height, before + sum) {
                return (sum, true);
            }
            let by_slope = PANEL_CHANGE / self.slope(low).abs();
            let by_bend = PANEL_CHANGE / self.bend(low).abs().sqrt();
            let width =
                by_slope.min(by_bend).min(low / 2.0).min((self.n - low) / 2.0).max(1.0).min(last - low);
            let (centre, half) = (low + width / 2.0, width / 2.0);
            let at = |t: f64| (self.ln_relative(t) - unit).exp();
            let rule = GAUSS
                .iter()
                .map(|(node, weight)| weight * (at(centre - half * node) + at(centre + half * node)));
            sum += half * rule.sum::<f64>();
            low = if last - low <= width { last } else { low + width };
        }
        (sum, false)
    }

    /// d ln P/dt, by ψ(z) ≈ ln(z − ½).
    fn slope(&self, t: f64) -> f64 {
        let up = (self.a - 1.0) / (t + 0.5);
        let down = (self.b - 1.0) / (self.n - t + 0.5);
        up.ln_1p() - down.ln_1p()
    }

    /// d² ln P/dt².
    fn bend(&self, t: f64) -> f64 {
        let (low, high) = (t + 0.5, self.n - t + 0.5);
        (low + self.a - 1.0).recip() - low.recip() + (high + self.b - 1.0).recip() - high.recip()
    }

    /// ln P(t) but for what does not depend on t, for t and n − t ≥ 16.
    fn ln_relative(&self, t: f64) -> f64 {
        ln_rising(t, self.a) + ln_rising(self.n - t, self.b)
    }

    /// ln P(x). The three binomial terms share the p that makes the largest of them flat.
    fn ln_probability(&self, x: f64) -> f64 {
        let Self { n, a, b } = *self;
        let p = (a + x) / (a + b + n);
        let q = (b + n - x) / (a + b + n);
        let kernel =
            ln_binomial(x, n, p, q) + ln_binomial(a, a + b, p, q) - ln_binomial(a + x, a + b + n, p, q);
        let scale = a / (a + b) * b * ((a + b + n) / ((a + x) * (b + n - x)));
        kernel + scale.ln()
    }
}

/// Most panels of an integral; 60 are enough for 2³² trials.
const PANELS_MAX: u32 = 400;
/// How much ln P may change over a panel.
const PANEL_CHANGE: f64 = 3.0;

/// The positive nodes and the weights of the Gauss–Legendre rule of eight points on [−1, 1].
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// How much more even gaps are than those of independent visitors, as −log10; 0 where they are not.
///
/// `count` gaps with the sum and the sum of squares of their natural logarithms (of seconds plus a half). The variance of the
/// logarithm of an exponential gap is π²/6; what is seen is compared with it as a χ² of .45 degrees of freedom per gap, which the
/// heavy tail of ln gap asks for. 0 below 12 gaps or where the typical gap is under 9 seconds. O(1).
pub fn regularity(count: u32, sum_ln: f64, sum_ln2: f64) -> f64 {
    if count < GAPS_MIN {
        return 0.0;
    }
    let n = f64::from(count);
    let mean = sum_ln / n;
    let ratio = (sum_ln2 / n - mean * mean) / (PI * PI / 6.0);
    if ratio.is_nan() || mean.is_nan() || mean <= MEAN_LN_GAP_MIN || ratio >= 1.0 {
        return 0.0;
    }
    let ratio = ratio.max(RATIO_MIN);
    let freedom = FREEDOM_PER_GAP * n;
    (0.5 * freedom * (ratio - 1.0 - ratio.ln()) / LN_10).clamp(0.0, TAIL_MAX)
}

const GAPS_MIN: u32 = 12;
/// ln of nine seconds.
const MEAN_LN_GAP_MIN: f64 = 2.2;
const FREEDOM_PER_GAP: f64 = 0.45;
/// Gaps of equal length: the clock's own grain.
const RATIO_MIN: f64 = 1e-6;

/// −log10 of a probability that is given by its natural logarithm.
fn orders(ln_probability: f64) -> f64 {
    if ln_probability.is_nan() {
        return 0.0;
    }
    (-ln_probability / LN_10).clamp(0.0, TAIL_MAX)
}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
