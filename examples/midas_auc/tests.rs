//! The detectors against the formulas of the papers, with exact counts.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::core::{Detector, Midas, MidasF, MidasR, Shape, detectors};

/// So many columns that few keys collide, and four rows, so that never all of a key's cells do.
const WIDE: Shape = Shape { rows: 4, columns: 1 << 14, seed: 3 };

/// Source, destination, tick.
type Edge = (u64, u64, u32);

/// Edges of few nodes at ticks that rise, with gaps.
fn edges() -> impl Strategy<Value = Vec<Edge>> {
    let edge = (0_u64..6, 0_u64..6, prop_oneof![4 => Just(0_u32), 1 => 1_u32..4]);
    proptest::collection::vec(edge, 1..200).prop_map(|edges| {
        let mut tick = 1;
        edges
            .into_iter()
            .map(|(source, destination, step)| {
                tick += step;
                (source, destination + 100, tick)
            })
            .collect()
    })
}

/// `(a - s/t)^2 t^2 / (s (t - 1))`.
fn chi_squared(a: f64, s: f64, t: f64) -> f64 {
    if t <= 1.0 { 0.0 } else { (a - s / t).powi(2) * t * t / (s * (t - 1.0)) }
}

/// Exact counts of a key: of this tick, of all.
type Exact<K> = HashMap<K, (f64, f64)>;

fn count<K: std::hash::Hash + Eq>(counts: &mut Exact<K>, key: K, tick: u32) -> f64 {
    let entry = counts.entry(key).or_default();
    *entry = (entry.0 + 1.0, entry.1 + 1.0);
    chi_squared(entry.0, entry.1, f64::from(tick))
}

fn fade<K>(counts: &mut Exact<K>, factor: f64) {
    counts.values_mut().for_each(|entry| entry.0 *= factor);
}

fn is_near(found: f32, expected: f64) -> bool {
    (f64::from(found) - expected).abs() <= 1e-3 * (1.0 + expected)
}

proptest! {
    #[test]
    fn midas_is_its_formula_over_edges(edges in edges()) {
        let (mut detector, mut exact, mut now) = (Midas::new(WIDE), Exact::new(), 1);
        for (source, destination, tick) in edges {
            if tick > now {
                fade(&mut exact, 0.0);
                now = tick;
            }
            let expected = count(&mut exact, (source, destination), tick);
            prop_assert!(is_near(detector.score(source, destination, tick), expected));
        }
    }

    #[test]
    fn midas_r_is_the_largest_of_three_with_fading_ticks(edges in edges()) {
        let (mut pairs, mut from, mut to) = (Exact::new(), Exact::new(), Exact::new());
        let (mut detector, mut now) = (MidasR::new(WIDE), 1);
        for (source, destination, tick) in edges {
            if tick > now {
                fade(&mut pairs, 0.5);
                fade(&mut from, 0.5);
                fade(&mut to, 0.5);
                now = tick;
            }
            let expected = count(&mut pairs, (source, destination), tick)
                .max(count(&mut from, source, tick))
                .max(count(&mut to, destination, tick));
            prop_assert!(is_near(detector.score(source, destination, tick), expected));
        }
    }

    #[test]
    fn scores_are_numbers_whatever_comes(edges in edges(), columns in 1_usize..8) {
        for (_, mut detector) in detectors(Shape { rows: 2, columns, seed: 1 }) {
            for (source, destination, tick) in &edges {
                let score = detector.score(*source, *destination, *tick);
                prop_assert!(score >= 0.0 && score.is_finite());
            }
        }
    }
}

#[test]
fn midas_f_does_not_learn_from_what_is_suspicious() {
    let run = |mut detector: Box<dyn Detector>| {
        // A quiet edge for 50 ticks, then 400 in each of ten.
        (1..=50).for_each(|tick| {
            detector.score(1, 2, tick);
        });
        let mut last = 0.0;
        for tick in 51..=60 {
            (0..400).for_each(|_| last = detector.score(1, 2, tick));
        }
        last
    };
    let (filtered, other) = (run(Box::new(MidasF::new(WIDE))), run(Box::new(MidasR::new(WIDE))));
    assert!(filtered > 20.0 * other, "{filtered} {other}");
}
