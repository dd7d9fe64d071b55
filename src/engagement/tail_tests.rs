use proptest::prelude::*;

use super::*;

fn near(found: f64, expected: f64, relative: f64) -> bool {
    (found - expected).abs() <= relative * expected.abs().max(1e-3)
}

/// The tail by the definition: the terms from n on, the first by its product.
fn slow_nb(n: u32, mu: f64, k: f64) -> f64 {
    let (ln_q, ln_p) = ((mu / (mu + k)).ln(), (k / (mu + k)).ln());
    let first: f64 =
        (0..n).map(|i| ((f64::from(i) + k) / (f64::from(i) + 1.0)).ln() + ln_q).sum::<f64>() + k * ln_p;
    let (mut sum, mut term, mut i) = (0.0, 1.0, f64::from(n));
    while term > sum * 1e-17 || i < mu {
        sum += term;
        term *= (i + k) / (i + 1.0) * (mu / (mu + k));
        i += 1.0;
    }
    -(first + sum.ln()) / LN_10
}

/// The tail by the definition: the logarithm of every term from 0 on, the largest taken out.
fn slow_bb(x: u32, n: u32, a: f64, b: f64) -> f64 {
    let number = |i: u32| f64::from(i);
    let mut ln_term: f64 = (0..n).map(|i| ((b + number(i)) / (a + b + number(i))).ln()).sum();
    let mut terms = Vec::new();
    for i in 0..=n {
        terms.push(ln_term);
        let (i, n) = (number(i), number(n));
        ln_term += ((n - i) / (i + 1.0)).ln() + ((a + i) / (b + n - i - 1.0)).ln();
    }
    let tail = &terms[x as usize..];
    let largest = tail.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = tail.iter().map(|term| (term - largest).exp()).sum();
    -(largest + sum.ln()) / LN_10
}

#[test]
fn tails_have_the_values_that_were_computed_elsewhere() {
    for (n, mu, k, expected) in [
        (30, 2.0, 1.5, 6.6697),
        (100, 10.0, 3.5, 9.9709),
        (1100, 1000.0, 3.5, 0.4434),
        (20_000, 5000.0, 3.5, 3.6563),
    ] {
        let found = nb_tail(n, mu, k);
        assert!((found - expected).abs() < 6e-5, "NB {n} {mu} {k}: {found}");
    }
    for (x, n, a, b, expected) in [
        (12, 40, 1.25, 23.75, 2.5254),
        (30, 60, 1.2, 18.8, 4.4139),
        (20, 40, 0.12, 29.88, 7.7812),
        (50, 60, 1.5, 13.5, 7.5738),
    ] {
        let found = bb_tail(x, n, a, b);
        assert!((found - expected).abs() < 6e-5, "BB {x} of {n} {a} {b}: {found}");
    }
}

#[test]
fn a_hundred_million_events_tend_to_the_tail_of_the_beta_distribution() {
    // Young share with p = 5 %, K = 25: 20 % gives 2.1, 30 % gives 3.4, 50 % gives 6.8, whatever n.
    for (share, expected) in [(0.2, 2.1), (0.3, 3.4), (0.5, 6.8)] {
        for n in [100_000_000_u32, u32::MAX] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
            let x = (share * f64::from(n)) as u32;
            let found = bb_tail(x, n, 1.25, 23.75);
            assert!((found - expected).abs() < 0.06, "{share} of {n}: {found}");
            let exact = -ln_beta_inc(23.75, 1.25, 1.0 - share, share) / LN_10;
            assert!(near(found, exact, 1e-6), "{share} of {n}: {found} and {exact}");
        }
    }
}

#[test]
fn counts_at_or_below_the_mean_are_no_evidence() {
    assert!(
        nb_tail(10, 10.0, 2.0) == 0.0 && nb_tail(0, 0.0, 1.0) == 0.0 && nb_lower_tail(10, 10.0, 2.0) == 0.0
    );
    assert!(bb_tail(5, 100, 1.25, 23.75) == 0.0 && bb_tail(0, 0, 1.0, 1.0) == 0.0);
    assert!(bb_lower_tail(5, 100, 1.25, 23.75) == 0.0 && bb_lower_tail(0, 100, 12.5, 12.5) > 5.0);
}

#[test]
fn arguments_that_are_none_give_a_number() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 1e300];
    for first in odd {
        for second in odd {
            for count in [0, 1, 50, 5_000, u32::MAX] {
                for value in [
                    nb_tail(count, first, second),
                    nb_lower_tail(count, first, second),
                    bb_tail(count / 2, count, first, second),
                    bb_tail(count, count / 2, first, second),
                    bb_lower_tail(count / 2, count, first, second),
                    regularity(count, first, second),
                ] {
                    assert!((0.0..=TAIL_MAX).contains(&value), "{count} {first} {second}: {value}");
                }
            }
        }
    }
}

#[test]
fn even_gaps_are_evidence_and_those_of_independent_visitors_are_not() {
    let of = |gaps: &[f64]| {
        let logs: Vec<f64> = gaps.iter().map(|gap| (gap + 0.5).ln()).collect();
        let count = u32::try_from(gaps.len()).unwrap();
        regularity(count, logs.iter().sum(), logs.iter().map(|log| log * log).sum())
    };
    // The quantiles of an exponential distribution with mean 60 s.
    let independent: Vec<f64> = (0..100).map(|i| -60.0 * (1.0 - (f64::from(i) + 0.5) / 100.0).ln()).collect();
    assert!(of(&independent) < 0.5, "{}", of(&independent));
    let jittered: Vec<f64> = (0..40).map(|i| 60.0 + f64::from(i % 7) * 4.0).collect();
    assert!(of(&jittered) > 8.0 && of(&jittered[..11]) == 0.0);
    assert!(of(&[5.0; 100]) == 0.0, "gaps of seconds are a crowd, not a clock");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_negative_binomial_tail_is_that_of_the_definition(
        mu in 0.01..400.0_f64, k in 0.05..60.0_f64, excess in 1.0..8.0_f64,
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
        let n = (mu * excess + 1.0) as u32;
        prop_assume!(f64::from(n) > mu);
        let slow = slow_nb(n, mu, k).min(TAIL_MAX);
        prop_assert!(near(nb_tail(n, mu, k), slow, 1e-6), "{} {} {}: {} {}", n, mu, k, nb_tail(n, mu, k), slow);
    }

    #[test]
    fn the_lower_tail_is_what_the_upper_one_leaves(mu in 1.0..300.0_f64, k in 0.5..60.0_f64, part in 0.0..1.0_f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
        let n = (mu * part) as u32;
        prop_assume!(f64::from(n) < mu);
        let (ln_q, ln_p) = ((mu / (mu + k)).ln(), (k / (mu + k)).ln());
        let mut ln_term = k * ln_p;
        let mut sum = 0.0;
        for i in 0..=n {
            sum += ln_term.exp();
            ln_term += ((f64::from(i) + k) / (f64::from(i) + 1.0)).ln() + ln_q;
        }
        let (found, slow) = (nb_lower_tail(n, mu, k), (-sum.log10()).min(TAIL_MAX));
        prop_assert!(near(found, slow, 1e-6), "{} {} {}: {} {}", n, mu, k, found, slow);
    }

    #[test]
    fn the_beta_binomial_tail_is_that_of_the_definition(
        n in prop_oneof![1..250_u32, 200..1_500_u32, 1_000..12_000_u32],
        share in 0.0..1.0_f64,
        p in prop_oneof![0.001..0.999_f64, 0.02..0.2_f64],
        strength in prop_oneof![0.5..40.0_f64, 20.0..3_000.0_f64],
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let x = (f64::from(n) * (p + (1.0 - p) * share)).ceil() as u32;
        let (a, b) = (p * strength, (1.0 - p) * strength);
        prop_assume!(x <= n && f64::from(x) * (a + b) > f64::from(n) * a);
        let (found, slow) = (bb_tail(x, n, a, b), slow_bb(x, n, a, b).clamp(0.0, TAIL_MAX));
        prop_assert!(near(found, slow, 1e-6), "{} of {}, {} {}: {} {}", x, n, a, b, found, slow);
    }

    #[test]
    fn more_of_the_same_is_never_less_evidence(x in 0..400_u32, more in 1..400_u32, p in 0.01..0.5_f64, k in 2.0..50.0_f64) {
        let n = x + more;
        let (a, b) = (p * k, (1.0 - p) * k);
        prop_assert!(bb_tail(x, n, a, b) <= bb_tail(x + 1, n, a, b) + 1e-9);
        prop_assert!(nb_tail(x, p * 100.0, k) <= nb_tail(x + 1, p * 100.0, k) + 1e-9);
    }
}
