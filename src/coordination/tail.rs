//! Probabilities of seeing as much or more by chance, as −log10.
//!
//! Sums of exact terms in logarithms; no table, no approximation but where the name says so. O(n) per call, n at most
//! the number of members that a cluster keeps.

use crate::special::ln_factorial;

/// Evidence is shown and added up to this many decimal orders; more says nothing more.
pub(crate) const EVIDENCE_MAX: f64 = 300.0;

/// −log10 P(X ≥ k), X binomial with `n` trials of probability `p`. 0 for k = 0, for p ≥ 1 and for what is not a
/// probability; [`EVIDENCE_MAX`] for what cannot happen.
pub(crate) fn binomial(k: u32, n: u32, p: f64) -> f64 {
    if k == 0 || p >= 1.0 || p.is_nan() {
        return 0.0;
    }
    if k > n || p <= 0.0 {
        return EVIDENCE_MAX;
    }
    let (n, first) = (f64::from(n), f64::from(k));
    // The first term of the tail in logarithms, and the others as multiples of the one before.
    let log_first = ln_choose(n, first) + first * p.ln() + (n - first) * (-p).ln_1p();
    let odds = p / (1.0 - p);
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut i = first;
    while i < n && term > sum * f64::EPSILON {
        term *= (n - i) / (i + 1.0) * odds;
        sum += term;
        i += 1.0;
    }
    orders(log_first + sum.ln())
}

/// −log10 P(X ≥ k), X Poisson with mean `mean`.
pub(crate) fn poisson(k: u32, mean: f64) -> f64 {
    if k == 0 || mean.is_nan() {
        return 0.0;
    }
    if mean <= 0.0 {
        return EVIDENCE_MAX;
    }
    let first = f64::from(k);
    if first <= mean {
        // Half of the mass and more lies at or above: no evidence, and no need for the long sum.
        return 0.0;
    }
    let log_first = first * mean.ln() - mean - ln_factorial(first);
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut i = first;
    while term > sum * f64::EPSILON {
        i += 1.0;
        term *= mean / i;
        sum += term;
    }
    orders(log_first + sum.ln())
}

/// −log10 of the probability that `gaps`, drawn from a process without memory, are as even as they are or more so.
///
/// Greenwood's statistic, the sum of the squared shares of the gaps, with the normal approximation of its lower tail;
/// nothing below five gaps.
pub(crate) fn evenness(gaps: &[f64]) -> f64 {
    let total: f64 = gaps.iter().sum();
    if gaps.len() < GAPS_MIN || total <= 0.0 {
        return 0.0;
    }
    let n = f64::from(u32::try_from(gaps.len()).unwrap_or(u32::MAX));
    let statistic: f64 = gaps.iter().map(|gap| (gap / total).powi(2)).sum();
    let mean = 2.0 / (n + 1.0);
    let deviation = (4.0 * (n - 1.0) / ((n + 1.0).powi(2) * (n + 2.0) * (n + 3.0))).sqrt();
    let z = (statistic - mean) / deviation;
    if z >= 0.0 {
        return 0.0;
    }
    // Upper bound of the normal tail (Mills' ratio) beyond one deviation.
    let z = -z;
    if z < 1.0 {
        return 0.0;
    }
    orders(-z * z / 2.0 - (z * (2.0 * std::f64::consts::PI).sqrt()).ln())
}

const GAPS_MIN: usize = 5;

/// −log10 of a probability that is given by its natural logarithm.
fn orders(log_probability: f64) -> f64 {
    (-log_probability / std::f64::consts::LN_10).clamp(0.0, EVIDENCE_MAX)
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tail term by term, from the definition.
    fn slow_binomial(k: u32, n: u32, p: f64) -> f64 {
        let choose = |k: u32| (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product::<f64>();
        let exponent = |i: u32| i32::try_from(i).unwrap_or(0);
        let tail: f64 =
            (k..=n).map(|i| choose(i) * p.powi(exponent(i)) * (1.0 - p).powi(exponent(n - i))).sum();
        -tail.log10()
    }

    #[test]
    fn the_binomial_tail_is_that_of_the_definition() {
        for (k, n, p) in [(1, 1, 0.5), (2, 5, 0.1), (5, 5, 0.01), (20, 40, 0.3), (39, 40, 0.9), (3, 60, 0.02)]
        {
            let (fast, slow) = (binomial(k, n, p), slow_binomial(k, n, p));
            assert!((fast - slow).abs() < 1e-9, "{k} of {n} at {p}: {fast} and {slow}");
        }
    }

    #[test]
    fn the_poisson_tail_is_that_of_the_definition() {
        for (k, mean) in [(1_u32, 0.1_f64), (5, 0.5), (5, 2.0), (30, 10.0), (130, 100.0)] {
            let below: f64 = (0..k)
                .scan(f64::exp(-mean), |term, i| {
                    let now = *term;
                    *term *= mean / f64::from(i + 1);
                    Some(now)
                })
                .sum();
            let slow = -(1.0 - below).log10();
            let fast = poisson(k, mean);
            assert!((fast - slow).abs() < 1e-3, "{k} at {mean}: {fast} and {slow}");
        }
    }

    #[test]
    fn the_ends_are_no_evidence_or_all_of_it() {
        assert!(binomial(0, 5, 0.1) == 0.0 && binomial(3, 5, 1.0) == 0.0 && binomial(3, 5, f64::NAN) == 0.0);
        assert!(binomial(6, 5, 0.1) >= EVIDENCE_MAX && poisson(3, 0.0) >= EVIDENCE_MAX);
        assert!(poisson(u32::MAX, 1.0) >= EVIDENCE_MAX && poisson(3, 1e9) == 0.0);
    }

    #[test]
    fn even_gaps_are_evidence_and_uneven_ones_are_not() {
        let even = [60.0; 12];
        let uneven = [1.0, 200.0, 15.0, 40.0, 3.0, 90.0, 7.0, 300.0];
        assert!(evenness(&even) > evenness(&even[..8]) && evenness(&even[..8]) > 0.9, "{}", evenness(&even));
        assert!(evenness(&uneven) == 0.0 && evenness(&even[..4]) == 0.0);
    }
}
