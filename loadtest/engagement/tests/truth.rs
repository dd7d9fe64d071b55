//! The truth beside the stream.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::engagement::attacks::ATTACKS;
use crate::engagement::innocents::INNOCENTS;
use crate::engagement::truth::ROW_EVENTS_MIN;

use super::{hour, small_run, text, time_ms, values, written};

/// Truth lines of a type.
fn lines<'t>(truth: &'t [Value], what: &str) -> impl Iterator<Item = &'t Value> {
    truth.iter().filter(move |line| line["truth"] == what)
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn rows_are_the_recount_of_the_stream_and_groups_agree_with_their_events() {
    let (stream, truth, summary) = written(&small_run(1));
    let truth = values(&truth);
    let told: HashMap<&str, (&str, bool)> = lines(&truth, "event")
        .map(|line| (text(line, "id"), (text(line, "group"), line["fake"] == true)))
        .collect();
    let groups: HashMap<&str, &Value> = lines(&truth, "campaign")
        .chain(lines(&truth, "innocent"))
        .map(|line| (text(line, "id"), line))
        .collect();
    let mut rows: BTreeMap<(String, i64), (u64, u64)> = BTreeMap::new();
    let (mut counted, mut fake) = (HashMap::<&str, u64>::new(), 0);
    for event in values(&stream).iter().filter(|line| line["type"] == "engagement") {
        let target = text(&event["target"], "id");
        let row = rows.entry((target.to_owned(), hour(&event["time"]))).or_default();
        row.0 += 1;
        let Some((group, is_fake)) = told.get(text(event, "id")) else { continue };
        row.1 += u64::from(*is_fake);
        fake += usize::from(*is_fake);
        let line = groups[group];
        assert!(!is_fake || line["truth"] == "campaign");
        if *is_fake || line["truth"] == "innocent" {
            *counted.entry(group).or_default() += 1;
            assert!(names(&line["targets"]).contains(target), "{event} {group}");
        }
        if line["truth"] == "campaign" {
            assert!(names(&line["actors"]).contains(text(&event["actor"], "id")), "{event} {group}");
        }
    }
    rows.retain(|_, (events, fake)| *events >= u64::from(ROW_EVENTS_MIN) || *fake > 0);
    let told: BTreeMap<(String, i64), (u64, u64)> = lines(&truth, "row")
        .map(|row| {
            let counts = (row["events"].as_u64().unwrap(), row["fake"].as_u64().unwrap());
            ((text(row, "target").to_owned(), hour(&row["hour"])), counts)
        })
        .collect();
    assert_eq!(rows, told);
    assert_eq!((fake, groups.len()), (summary.fake, summary.campaigns + summary.innocents));
    for (id, line) in &groups {
        assert_eq!(line["events"].as_u64().unwrap(), counted.get(id).copied().unwrap_or(0), "{id}");
    }
}

#[test]
fn every_kind_is_there_and_does_what_its_name_says() {
    let (stream, truth, _) = written(&small_run(6));
    let truth = values(&truth);
    let group_of: HashMap<&str, &str> = lines(&truth, "event")
        .filter(|line| line["fake"] == true)
        .map(|line| (text(line, "id"), text(line, "group")))
        .collect();
    let kind_of: HashMap<&str, &str> =
        lines(&truth, "campaign").map(|line| (text(line, "id"), text(line, "kind"))).collect();
    // Per kind: events, reads, follows, unfollows, comments; devices.
    let mut sums: BTreeMap<&str, ([usize; 5], BTreeSet<String>)> = BTreeMap::new();
    for event in values(&stream).iter().filter(|line| line["type"] == "engagement") {
        let Some(group) = group_of.get(text(event, "id")) else { continue };
        let (counts, devices) = sums.entry(kind_of[group]).or_default();
        counts[0] += 1;
        for (at, kind) in ["read", "follow", "unfollow", "comment"].into_iter().enumerate() {
            counts[at + 1] += usize::from(event["kind"] == kind);
        }
        devices.insert(event["device"].as_str().unwrap().to_owned());
    }
    let share = |kind: &str, at: usize| sums[kind].0[at] as f64 / sums[kind].0[0] as f64;
    assert!(share("follower_burst", 2) > 0.5 && share("slow_drip", 2) > 0.4);
    assert!(share("follow_churn", 3) > 0.3 && share("follower_dump", 3) > 0.99);
    assert!(share("read_inflation", 1) > 0.99 && share("comment_flood", 4) > 0.7);
    assert!(share("brushing", 1) < 0.1 && share("full_package", 1) > 0.6);
    assert!(sums["read_inflation"].1.len() * 20 < sums["read_inflation"].0[0]);
    let known: BTreeSet<&str> = lines(&truth, "campaign").map(|line| text(line, "kind")).collect();
    assert_eq!(known, ATTACKS.iter().map(|(kind, _)| *kind).collect());
    let known: BTreeSet<&str> = lines(&truth, "innocent").map(|line| text(line, "kind")).collect();
    assert_eq!(known, INNOCENTS.iter().map(|(kind, _)| *kind).collect());
    for campaign in lines(&truth, "campaign") {
        let jumps = campaign["jumps"].as_array().map_or(0, Vec::len);
        assert!(campaign["events"].as_u64().unwrap() > 0 || jumps > 0, "{campaign}");
        let least = if campaign["kind"] == "hijacked_lockstep" { 2 } else { 1 };
        assert!(campaign["targets"].as_array().unwrap().len() >= least, "{campaign}");
    }
}

#[test]
fn small_doses_are_small_and_rings_are_spread() {
    let mut run = small_run(9);
    run.events = 150_000;
    run.attacks = ["small_dose", "ring"].repeat(4);
    run.innocents = Vec::new();
    let (_, truth, _) = written(&run);
    let truth = values(&truth);
    let kind_of: HashMap<&str, &str> =
        lines(&truth, "campaign").map(|line| (text(line, "id"), text(line, "kind"))).collect();
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in lines(&truth, "row") {
        for (campaign, count) in row["campaigns"].as_object().into_iter().flatten() {
            if kind_of[campaign.as_str()] == "small_dose" {
                let sum = sums.entry(text(row, "target")).or_default();
                *sum = (sum.0 + count.as_u64().unwrap(), sum.1 + row["events"].as_u64().unwrap());
            }
        }
    }
    assert!(!sums.is_empty());
    for (target, (fake, events)) in sums {
        let share = fake as f64 / events as f64;
        assert!((0.02..0.5).contains(&share), "{target}: {share}");
    }
    for ring in lines(&truth, "campaign").filter(|line| line["kind"] == "ring") {
        let targets = ring["targets"].as_array().unwrap().len() as u64;
        assert!(targets >= 10 && ring["events"].as_u64().unwrap() / targets < 40, "{ring}");
    }
}

#[test]
fn what_is_registered_lies_in_its_window() {
    let (stream, truth, _) = written(&small_run(11));
    let truth = values(&truth);
    let windows: HashMap<String, (i64, i64)> = values(&stream)
        .iter()
        .filter(|line| line["type"] == "engagement_window")
        .map(|line| (text(&line["target"], "id").to_owned(), (time_ms(&line["from"]), time_ms(&line["to"]))))
        .collect();
    let kinds = ["registered_lottery", "recommendation_push", "import_merge"];
    let mut seen = 0;
    for group in lines(&truth, "innocent").filter(|line| kinds.contains(&text(line, "kind"))) {
        let (from, to) = windows[group["targets"][0].as_str().unwrap()];
        let Some(first) = group["first"].as_str() else { continue };
        seen += 1;
        assert!(time_ms(&Value::from(first)) >= from - 60_000, "{group}");
        // The last come a little after a push is over, and those who regret a follow hours later.
        assert!(time_ms(&group["last"]) <= to + 24 * 3_600_000, "{group}");
    }
    assert!(seen >= 2);
}
