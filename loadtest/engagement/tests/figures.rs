//! The judge.

use proptest::prelude::*;
use serde_json::json;

use crate::engagement::judge::rank::{above, auc, average_precision, threshold};
use crate::engagement::judge::{self, Scores, Truth};

use super::{small_run, text, values, written};

/// Probability that a positive is above a negative, pair by pair.
fn auc_by_pairs(positives: &[f64], negatives: &[f64]) -> f64 {
    let pairs = positives.iter().flat_map(|a| negatives.iter().map(move |b| (a, b)));
    let wins: f64 = pairs
        .map(|(a, b)| match a.total_cmp(b) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    wins / (positives.len() * negatives.len()) as f64
}

/// Sum over thresholds of precision times gained recall.
fn precision_by_thresholds(positives: &[f64], negatives: &[f64]) -> f64 {
    let mut steps: Vec<f64> = positives.iter().chain(negatives).copied().collect();
    steps.sort_by(|a, b| b.total_cmp(a));
    steps.dedup();
    let (mut sum, mut before) = (0.0, 0.0);
    for step in steps {
        let right = positives.iter().filter(|score| **score >= step).count() as f64;
        let wrong = negatives.iter().filter(|score| **score >= step).count() as f64;
        sum += (right - before) / positives.len() as f64 * right / (right + wrong);
        before = right;
    }
    sum
}

/// Few different values, so that there are ties.
fn scores() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec((0_i32..12).prop_map(f64::from), 1..40)
}

proptest! {
    #[test]
    fn figures_of_rankings_are_what_their_definitions_say(positives in scores(), negatives in scores()) {
        let area = auc(&positives, &negatives).unwrap();
        prop_assert!((area - auc_by_pairs(&positives, &negatives)).abs() < 1e-9);
        let precision = average_precision(&positives, &negatives).unwrap();
        prop_assert!((precision - precision_by_thresholds(&positives, &negatives)).abs() < 1e-9);
    }

    #[test]
    fn a_threshold_is_the_lowest_value_that_keeps_the_rate(values in scores(), share in 0.0..1.0_f64) {
        let limit = threshold(&values, share);
        let rate = |limit: f64| above(&values, limit) as f64 / values.len() as f64;
        prop_assert!(rate(limit) <= share);
        prop_assert!(rate(limit - 0.5) > share);
    }
}

#[test]
fn knowing_all_is_perfect_and_knowing_nothing_is_chance() {
    let (_, truth, _) = written(&small_run(1));
    let rows: Vec<_> = values(&truth).into_iter().filter(|line| line["truth"] == "row").collect();
    let read = Truth::read(truth.as_bytes()).unwrap();
    let nothing = judge::judge(&read, &Scores::read(&read, "".as_bytes()).unwrap());
    assert_eq!(nothing.auc, Some(0.5));
    assert_eq!(nothing.macro_recall(nothing.thresholds[0]), Some(0.0));
    assert!(nothing.positive.scores.len() > 50 && nothing.negative.scores.len() > 1_000);
    let all: Vec<String> = rows
        .iter()
        .map(|row| {
            let share = row["fake"].as_f64().unwrap() / row["events"].as_f64().unwrap();
            json!({
                "type": "engagement_score", "target": text(row, "target"), "hour": row["hour"],
                "score": share, "alert": share >= 0.3, "actors": [],
            })
            .to_string()
        })
        .collect();
    let known = judge::judge(&read, &Scores::read(&read, all.join("\n").as_bytes()).unwrap());
    assert_eq!((known.auc, known.average_precision), (Some(1.0), Some(1.0)));
    assert_eq!(known.macro_recall(known.thresholds[1]), Some(1.0));
    assert_eq!((known.negative.alerted(), known.positive.alerted()), (Some(0.0), Some(1.0)));
}

#[test]
fn a_small_example_comes_to_the_figures_that_one_counts_by_hand() {
    let row = |target: &str, hour: &str, events: u32, fake: u32, groups: &str| {
        format!(
            r#"{{"truth":"row","target":"{target}","hour":"2026-11-{hour}:00:00Z","events":{events},"fake":{fake}{groups}}}"#
        )
    };
    let truth = [
        // The first row starts the clock; it lies in the warm-up.
        row("t0", "01T00", 9, 0, ""),
        row("t1", "04T10", 10, 6, r#","campaigns":{"c1":6}"#),
        row("t1", "04T11", 40, 4, r#","campaigns":{"c1":4}"#),
        row("t1", "04T12", 50, 0, ""),
        row("t2", "04T10", 30, 0, r#","innocents":{"i1":25}"#),
        row("t3", "04T10", 5, 0, r#","innocents":{"i1":1}"#),
        row("t4", "04T10", 8, 1, r#","campaigns":{"c2":1}"#),
        r#"{"truth":"event","id":"e1","group":"c1","fake":true}"#.to_owned(),
        r#"{"truth":"campaign","id":"c1","kind":"burst","targets":["t1"],"actors":["u1","u2"],"fiftieth":"2026-11-04T10:30:00Z"}"#.to_owned(),
        r#"{"truth":"campaign","id":"c2","kind":"jump","targets":["t4"],"actors":[],"jumps":[{"time":"2026-11-05T01:10:00Z","target":"t4","delta":9}]}"#.to_owned(),
        r#"{"truth":"innocent","id":"i1","kind":"viral","targets":["t2"]}"#.to_owned(),
    ]
    .join("\n");
    let scores = [
        r#"{"type":"engagement_score","target":"t1","hour":"2026-11-04T10:00:00Z","score":2,"alert":false}"#,
        r#"{"type":"engagement_score","target":"t1","hour":"2026-11-04T10:00:00Z","score":9,"alert":true,"at":"2026-11-04T10:50:00Z","actors":["u1","u9"]}"#,
        r#"{"type":"engagement_score","target":"t2","hour":"2026-11-04T10:00:00Z","score":9.5,"alert":true,"actors":["u8"]}"#,
        r#"{"type":"engagement_score","target":"t4","hour":"2026-11-05T03:00:00Z","score":7,"alert":true}"#,
        r#"{"type":"engagement_score","target":"t7","hour":"2026-11-05T03:00:00Z","score":7,"alert":true}"#,
        r#"{"type":"follower_count"}"#,
    ]
    .join("\n");
    let truth = Truth::read(truth.as_bytes()).unwrap();
    let figures = judge::judge(&truth, &Scores::read(&truth, scores.as_bytes()).unwrap());
    assert_eq!((figures.rows, figures.left_out, figures.records, figures.unknown), (6, 1, 5, 1));
    assert_eq!((figures.positive.scores.len(), figures.low.scores.len()), (1, 1));
    assert_eq!(figures.negative.scores.len(), 3);
    // One of three negatives is above the one positive.
    assert_eq!(figures.auc, Some(2.0 / 3.0));
    assert_eq!(figures.average_precision, Some(0.5));
    assert_eq!(figures.innocents["viral"][0].alerts, 1);
    assert_eq!(figures.innocents["(background)"][0].scores.len(), 1);
    assert_eq!(figures.innocents["(day after an attack)"][1].scores.len(), 1);
    let burst = &figures.campaigns["burst"];
    assert_eq!((burst.count, burst.alerted, burst.actors_listed), (1, 1, 1));
    assert_eq!(burst.delay_min(0.5), Some(20));
    assert_eq!(figures.campaigns["jump"].alerted, 1);
    assert_eq!((figures.listed.mentions, figures.listed.right, figures.listed.mentions_innocent), (2, 1, 1));
    assert!(judge::table(&figures).contains("burst"));
    assert_eq!(judge::json(&figures)["campaigns"]["burst"]["delay_min_p50"], 20);
}

#[test]
fn files_that_are_no_truth_or_no_scores_are_refused_with_the_line() {
    for broken in ["x", r#"{"truth":"guess"}"#, r#"{"truth":"row","target":"t1"}"#] {
        let said = format!("{:#}", Truth::read(broken.as_bytes()).unwrap_err());
        assert!(said.contains("truth line 1"), "{said}");
    }
    let lost = r#"{"truth":"row","target":"t1","hour":"2026-11-01T00:00:00Z","campaigns":{"c9":3}}"#;
    assert!(Truth::read(lost.as_bytes()).is_err());
    let truth = Truth::default();
    for broken in ["{", r#"{"type":"engagement_score","target":"t1"}"#] {
        let said = format!("{:#}", Scores::read(&truth, broken.as_bytes()).unwrap_err());
        assert!(said.contains("score line 1"), "{said}");
    }
}
