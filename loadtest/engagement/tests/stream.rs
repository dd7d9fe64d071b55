//! The stream by itself.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::engagement::generate::LATENESS_MAX_MS;

use super::{clean_run, small_run, text, time_ms, values, written};

fn events(stream: &str) -> Vec<Value> {
    values(stream).into_iter().filter(|line| line["type"] == "engagement").collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (stream, truth, _) = written(&small_run(7));
    let (again, truth_again, _) = written(&small_run(7));
    assert!(stream == again && truth == truth_again);
    let (other, _, _) = written(&small_run(8));
    assert_ne!(stream, other);
}

#[test]
fn lines_are_whole_in_time_and_at_most_five_minutes_out_of_order() {
    let run = small_run(3);
    let (stream, _, summary) = written(&run);
    let (mut latest_ms, mut serial, mut disorder) = (run.start_ms, 0, 0);
    for line in values(&stream) {
        let now_ms = time_ms(&line["time"]);
        assert!((run.start_ms..run.end_ms()).contains(&now_ms), "{line}");
        assert!(latest_ms - now_ms <= LATENESS_MAX_MS, "{line}");
        disorder += usize::from(now_ms < latest_ms);
        latest_ms = latest_ms.max(now_ms);
        assert!(["account", "post"].contains(&text(&line["target"], "kind")), "{line}");
        match text(&line, "type") {
            "engagement" => {
                serial += 1;
                assert_eq!(text(&line, "id"), format!("e{serial}"));
                assert!(line["actor"]["age_days"].as_i64().unwrap() >= 0, "{line}");
                assert!((1..=5).contains(&line["actor"]["credit_tier"].as_u64().unwrap()), "{line}");
                let is_follow = ["follow", "unfollow"].contains(&text(&line, "kind"));
                assert!(!is_follow || line["target"]["kind"] == "account", "{line}");
            }
            "follower_count" => assert!(line["count"].as_i64().unwrap() >= 0, "{line}"),
            "engagement_window" => {
                assert!(time_ms(&line["from"]) < time_ms(&line["to"]), "{line}");
                let reasons = ["lottery", "push", "import", "merge"];
                assert!(reasons.contains(&text(&line, "reason")), "{line}");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(serial, summary.events);
    assert!(disorder * 100 > serial, "some of it is out of order: {disorder} of {serial}");
}

#[test]
fn an_account_has_one_age_and_follows_a_target_once() {
    let (stream, _, _) = written(&small_run(5));
    let mut registered: HashMap<String, (i64, i64)> = HashMap::new();
    let mut follows: BTreeSet<(String, String)> = BTreeSet::new();
    for event in events(&stream) {
        let actor = text(&event["actor"], "id");
        let age_days = event["actor"]["age_days"].as_i64().unwrap();
        // The moment of registration lies in this day. Ages of less than a day may be of the future, cut off at 0.
        let latest = time_ms(&event["time"]) - age_days * 86_400_000;
        let span = registered.entry(actor.to_owned()).or_insert((i64::MIN, i64::MAX));
        if age_days > 0 {
            *span = (span.0.max(latest - 86_400_000), span.1.min(latest));
        }
        assert!(span.0 <= span.1, "{event}");
        if event["kind"] == "follow" {
            let pair = (actor.to_owned(), text(&event["target"], "id").to_owned());
            assert!(follows.insert(pair), "{event}");
        }
    }
    assert!(follows.len() > 100);
}

#[test]
fn a_clean_stream_has_the_proportions_that_people_have() {
    let (stream, truth, summary) = written(&clean_run(2));
    assert_eq!((summary.fake, summary.innocent, summary.campaigns, summary.windows), (0, 0, 0, 0));
    assert!(values(&truth).iter().all(|line| line["truth"] == "row" && line["fake"] == 0));
    let events = events(&stream);
    let share = |is: &dyn Fn(&Value) -> bool| {
        events.iter().filter(|event| is(event)).count() as f64 / events.len() as f64
    };
    assert!(events.len().abs_diff(60_000) < 3_000, "{}", events.len());
    let kind = |kind: &'static str| share(&move |event: &Value| event["kind"] == kind);
    assert!(kind("read") > 0.8 && kind("like") > 2.0 * kind("comment"), "{} {}", kind("read"), kind("like"));
    assert!(kind("follow") > 2.0 * kind("unfollow") && kind("unfollow") > 0.0, "{}", kind("follow"));
    let young = share(&|event| event["actor"]["age_days"].as_i64().unwrap() < 30);
    assert!((0.01..0.12).contains(&young), "{young}");
    // 13 o'clock UTC is 21 in China, 19 UTC is 3 in the night.
    let at = |hour: &'static str| share(&move |event: &Value| &text(event, "time")[11..13] == hour);
    assert!(at("13") > 4.0 * at("19"), "{} {}", at("13"), at("19"));
    let mut owners: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    let (mut targets, mut actors) = (HashMap::<&str, usize>::new(), HashMap::<&str, usize>::new());
    for event in &events {
        owners.entry(text(event, "device")).or_default().insert(text(&event["actor"], "id"));
        *targets.entry(text(&event["target"], "id")).or_default() += 1;
        *actors.entry(text(&event["actor"], "id")).or_default() += 1;
    }
    let shared = owners.values().filter(|owners| owners.len() > 1).count() as f64 / owners.len() as f64;
    assert!((0.001..0.1).contains(&shared), "{shared}");
    for counts in [targets, actors] {
        // Heavy tails: the busiest twentieth makes a quarter and more.
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable();
        let top: usize = counts.iter().rev().take(counts.len() / 20).sum();
        assert!(top * 4 > events.len(), "{top}");
    }
}

#[test]
fn follower_counts_follow_from_follows_in_a_clean_stream() {
    let (stream, _, _) = written(&clean_run(4));
    let mut lines = values(&stream);
    lines.sort_by_key(|line| (time_ms(&line["time"]), line["type"] == "engagement"));
    // Last count, follows and unfollows since, per account.
    let mut state: HashMap<String, (i64, i64, i64)> = HashMap::new();
    let mut compared = 0;
    for line in &lines {
        let target = text(&line["target"], "id").to_owned();
        if line["type"] == "follower_count" {
            let count = line["count"].as_i64().unwrap();
            if let Some((before, follows, unfollows)) = state.insert(target, (count, 0, 0)) {
                compared += 1;
                // Accounts are closed now and then; a count never rises without follows.
                assert!(count <= (before + follows - unfollows).max(follows), "{line}");
                assert!(count >= before + follows - unfollows - before / 500 - 8, "{line}");
            }
        } else if let Some(entry) = state.get_mut(&target) {
            entry.1 += i64::from(line["kind"] == "follow");
            entry.2 += i64::from(line["kind"] == "unfollow");
        }
    }
    assert!(compared > 1_000, "{compared}");
}
