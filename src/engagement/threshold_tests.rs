use fastrand::Rng;
use proptest::prelude::*;

use super::*;

const ROWS: u32 = 120_000;
const WARM_UP: u32 = 5_000;

/// Ordinary scores with tails of several weights.
#[derive(Clone, Copy, Debug)]
enum Law {
    Exponential,
    /// Most rows without evidence, the others a sum of a few.
    Sum,
    LogNormal,
    /// Generalised Pareto with shape 0.3.
    Pareto,
    /// Capped: the tail has an end.
    Capped,
}

const LAWS: [Law; 5] = [Law::Exponential, Law::Sum, Law::LogNormal, Law::Pareto, Law::Capped];

impl Law {
    fn draw(self, rng: &mut Rng) -> f64 {
        let exponential = |rng: &mut Rng| -(1.0 - rng.f64()).ln();
        match self {
            Self::Exponential => 1.2 * exponential(rng),
            Self::Sum => (0..8).map(|_| if rng.f64() < 0.8 { 0.0 } else { 0.8 * exponential(rng) }).sum(),
            Self::LogNormal => {
                let normal = (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
                (0.7 * normal).exp() - 0.2
            }
            Self::Pareto => ((1.0 - rng.f64()).powf(-0.3) - 1.0) / 0.3,
            Self::Capped => 14.0 * (1.0 - rng.f64().powf(1.0 / 9.0)),
        }
    }
}

/// Realised by requested alarm rate among the ordinary rows, with a share of attacks of which a part is not trimmed.
fn ratio(law: Law, rate: f64, attacks: f64, untrimmed: f64, seed: u64) -> f64 {
    let mut rng = Rng::with_seed(seed);
    let mut pot = Pot::new(rate, 12.0);
    let (mut rows, mut alarms) = (0_u32, 0_u32);
    for row in 0..ROWS {
        let is_attack = rng.f64() < attacks;
        let score = if is_attack { 6.0 - 8.0 * (1.0 - rng.f64()).ln() } else { law.draw(&mut rng) };
        let is_trimmed = is_attack && rng.f64() > untrimmed;
        let is_alarm = pot.observe(score, is_trimmed);
        if row >= WARM_UP && !is_attack {
            rows += 1;
            alarms += u32::from(is_alarm);
        }
    }
    f64::from(alarms) / f64::from(rows) / rate
}

#[test]
fn the_realised_rate_is_near_the_requested_one_on_clean_rows() {
    for law in LAWS {
        for seed in 1..4 {
            for rate in [1e-3, 1e-2] {
                let found = ratio(law, rate, 0.0, 0.0, seed);
                assert!((0.5..2.0).contains(&found), "{law:?} at {rate}, seed {seed}: {found}");
            }
        }
    }
}

#[test]
fn a_tenth_of_attacks_does_not_move_the_realised_rate_where_they_are_trimmed() {
    for law in LAWS {
        for seed in 1..4 {
            let found = ratio(law, 1e-3, 0.1, 0.0, seed);
            assert!((0.5..2.0).contains(&found), "{law:?}, seed {seed}: {found}");
        }
    }
}

/// Rows that are not trimmed and yet attacks are ten times as many here as the alarms that are asked for. A fit that takes them in
/// raises no alarm any more; this one is off by a factor of four at most, for tails that are near the exponential one.
#[test]
fn attacks_that_are_not_trimmed_do_not_switch_the_alarm_off() {
    for law in [Law::Exponential, Law::Sum, Law::LogNormal] {
        for untrimmed in [0.05, 0.1] {
            let found: f64 = (1..5).map(|seed| ratio(law, 1e-3, 0.1, untrimmed, seed)).sum::<f64>() / 4.0;
            assert!((0.25..4.0).contains(&found), "{law:?}, {untrimmed} untrimmed: {found}");
        }
    }
}

#[test]
fn until_there_are_rows_enough_the_start_holds() {
    let mut pot = Pot::new(1e-3, 9.0);
    for row in 0..499 {
        assert!(!pot.observe(f64::from(row % 7), false) && pot.fit().is_none());
    }
    assert!(pot.observe(9.1, true) && pot.threshold() == 9.0);
    assert_eq!(pot.realised(), Realised { rows: 499, alarms: 0, trimmed: 1, trimmed_alarms: 1 });
}

#[test]
fn rows_that_are_all_the_same_leave_a_threshold() {
    let mut pot = Pot::new(1e-3, 9.0);
    for _ in 0..5_000 {
        pot.observe(0.0, false);
    }
    assert!(pot.fit().is_none() && pot.threshold() == 9.0);
    for _ in 0..5_000 {
        pot.observe(3.0, false);
    }
    assert!(pot.threshold().is_finite() && pot.threshold() >= 2.9, "{}", pot.threshold());
}

#[test]
fn what_is_long_past_is_forgotten() {
    let mut rng = Rng::with_seed(5);
    let mut pot = Pot::new(1e-2, 9.0);
    for _ in 0..1_000_000 {
        pot.observe(Law::Exponential.draw(&mut rng), false);
    }
    let before = pot.threshold();
    for _ in 0..5_000_000 {
        pot.observe(3.0 * Law::Exponential.draw(&mut rng), false);
    }
    assert!(pot.is_sound() && pot.threshold() > 2.3 * before, "{before} {}", pot.threshold());
}

proptest! {
    #[test]
    fn any_scores_leave_a_finite_threshold_and_a_saved_state_goes_on_alike(
        scores in proptest::collection::vec(prop_oneof![
            0.0..40.0_f64, Just(f64::NAN), Just(f64::INFINITY), Just(-5.0), Just(1e300), Just(0.0),
        ], 1..3_000),
        rate in prop_oneof![1e-4..0.05_f64, Just(f64::NAN), Just(-1.0)],
    ) {
        let mut pot = Pot::new(rate, 10.0);
        let half = scores.len() / 2;
        for score in &scores[..half] {
            pot.observe(*score, false);
        }
        prop_assert!(pot.is_sound());
        let mut loaded: Pot = postcard::from_bytes(&postcard::to_stdvec(&pot).unwrap()).unwrap();
        for score in &scores[half..] {
            prop_assert_eq!(pot.observe(*score, false), loaded.observe(*score, false));
        }
        prop_assert!(pot.is_sound() && pot == loaded);
    }
}
