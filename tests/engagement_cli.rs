//! The engagement stream through `qingliu rescan --scores` and `qingliu explain --score`, as operators see it.

mod common;

use std::fmt::Write as _;
use std::fs;

use common::engagement::{ATTACKED, HOUR_S, START_S, action, place, stream};
use common::{finish, json_lines, posts, string, wait_until};
use serde_json::{Value, json};

fn alerts(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|record| record["alert"] == true).collect()
}

#[test]
fn bought_followers_become_an_alert_a_decision_and_a_page() {
    let place = place();
    place.write("in.jsonl", stream(96));
    let run =
        place.rescan("--in in.jsonl --out out --scores scores --summary s").expect(0, &["engagement events"]);
    assert!(!run.stderr.contains("late 1"));
    let records = place.lines("scores");
    let found = alerts(&records);
    assert!(!found.is_empty() && found.iter().all(|r| r["target"] == ATTACKED), "{found:?}");
    let hour = "2026-11-04T08:00:00Z";
    // Its day is part of what later hours are judged by; nothing comes before it.
    assert!(found.iter().all(|record| record["hour"].as_str() >= Some(hour)), "{found:?}");
    let last = found.iter().rfind(|record| record["hour"] == hour).expect("the hour of the attack");
    assert!(last["final"] == true && last["families"].as_u64() >= Some(2), "{last}");
    let actors: Vec<String> = last["actors"].as_array().unwrap().iter().map(string).collect();
    assert!(actors.len() >= 5 && actors.iter().all(|id| id.starts_with('f')), "{actors:?}");

    let decisions = place.lines("out");
    assert!(decisions.iter().all(|d| d["item"] == ATTACKED && d["verdict"] == "review"), "{decisions:?}");
    let first = &decisions[0];
    assert_eq!(first["evidence"][0]["kind"], "engagement");
    assert_eq!(first["labels"][0]["label"], "fake_engagement");
    let actions: Vec<String> =
        first["proposals"].as_array().unwrap().iter().map(|p| string(&p["action"])).collect();
    assert_eq!(actions, ["discount_count", "hold_from_ranking", "review"]);
    assert!(first["basis"].as_array().unwrap().iter().any(|id| id == "draft-2020/12-1"));

    let page = place.run(&format!("explain --score scores --target {ATTACKED}"));
    assert_eq!(page.code, Some(0), "{page:?}");
    for part in
        ["unusual compared with similar targets", "不寻常", "bit for bit the same", "threshold", "without"]
    {
        assert!(page.stdout.contains(part), "{part:?} is missing in {}", page.stdout);
    }
    assert!(!page.stdout.to_lowercase().contains("fraud"));
    let summary: Value = serde_json::from_str(&place.text("s")).unwrap();
    assert_eq!(summary["engagement"]["late"], 0);
    assert!(summary["engagement"]["alerts"].as_u64() >= Some(1) && summary["posts"] == 0, "{summary}");
}

#[test]
fn a_record_that_was_changed_does_not_recompute() {
    let place = place();
    place.write("in.jsonl", stream(82));
    place.rescan("--in in.jsonl --out out --scores scores --all").expect(0, &[]);
    let records = place.lines("scores");
    let scores: Vec<&Value> = records.iter().filter(|r| r["type"] == "engagement_score").collect();
    assert!(scores.len() > 500, "with --all every scored hour is written: {}", scores.len());
    for (n, record) in scores.iter().enumerate().filter(|(n, r)| n % 100 == 0 || r["alert"] == true) {
        place.write("one", record.to_string());
        let run = place.run("explain --score one --lang en");
        assert_eq!(run.code, Some(0), "record {n}: {run:?}");
    }
    let mut changed = alerts(&records)[0].clone();
    changed["signals"][0]["k"] = json!(1);
    place.write("changed", changed.to_string());
    let run = place.run("explain --score changed");
    assert!(run.code == Some(1) && run.stdout.contains("RECOMPUTED"), "{run:?}");
    place.run("explain --score none").expect(1, &["none: "]);
    place.write("none", "{}");
    place.run("explain --score none").expect(2, &["there is no such record"]);
    place.write("none", "no record");
    place.run("explain --score none").expect(2, &["line 1: "]);
}

#[test]
fn records_are_the_same_on_any_number_of_threads_and_beside_posts() {
    let place = place();
    let (events, posts) = (stream(84), posts(6_000, 3));
    place.write("events.jsonl", &events);
    place.write("posts.jsonl", &posts);
    let mut mixed = String::new();
    let mut rest = posts.lines();
    for (n, line) in events.lines().enumerate() {
        mixed.extend([line, "\n"]);
        if n % 2 == 0 {
            mixed.extend(rest.next().into_iter().flat_map(|line| [line, "\n"]));
        }
    }
    rest.for_each(|line| mixed.extend([line, "\n"]));
    place.write("mixed.jsonl", &mixed);
    let outputs = [1, 2, 4].map(|threads| {
        let run = format!("--in mixed.jsonl --out out --scores scores --threads {threads}");
        place.rescan(&run).expect(0, &["6000 posts"]);
        (place.bytes("out"), place.bytes("scores"))
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    place.rescan("--in events.jsonl --out out.e --scores scores.e.gz").expect(0, &["0 posts"]);
    assert!(
        outputs[0].1 == common::gunzip(&place.bytes("scores.e.gz")),
        "posts change nothing in the scores"
    );
    place.rescan("--in posts.jsonl --out out.p").expect(0, &["6000 posts"]);
    let lines = |name: &str| place.text(name).lines().map(str::to_owned).collect::<Vec<_>>();
    let mut apart = [lines("out.e"), lines("out.p")].concat();
    let mut together = lines("out");
    apart.sort();
    together.sort();
    assert_eq!(apart, together);
}

#[test]
fn a_killed_run_goes_on_to_the_same_scores() {
    let place = place();
    let (events, posts) = (stream(90), posts(9_000, 1));
    let mut mixed = String::new();
    let mut rest = posts.lines();
    for line in events.lines() {
        mixed.extend([line, "\n"]);
        mixed.extend(rest.next().into_iter().flat_map(|line| [line, "\n"]));
    }
    place.write("in.jsonl", &mixed);
    place.write("none.jsonl", "");
    place.rescan("--in in.jsonl --out whole --scores whole.s --all").expect(0, &[]);
    // The changes go to a pipe that nobody reads, so that the run stands still once it is full.
    let options = "--in in.jsonl --out out --scores scores --all --diff none.jsonl --checkpoint-seconds 0";
    let mut child = place.command(&format!("rescan --bundle bundle {options} --threads 2")).spawn().unwrap();
    wait_until("a checkpoint", || {
        fs::read(place.path("out.checkpoint")).is_ok_and(|bytes| !bytes.is_empty())
    });
    child.kill().unwrap();
    assert_eq!(finish(child).code, None, "the run ended by itself");
    place.rescan(&format!("{options} --threads 1 --resume")).expect(0, &["9000 posts"]);
    assert!(place.bytes("out") == place.bytes("whole") && place.bytes("scores") == place.bytes("whole.s"));
}

#[test]
fn lines_that_cannot_be_are_rejected_with_their_reason_and_the_run_goes_on() {
    let place = place();
    let cases = [
        (r#"{"type":"engagement","time":1793491200000,"kind":"like","target":"a"}"#, "`actor` is missing"),
        (r#"{"type":"engagement","kind":"like","actor":"u","target":"a"}"#, "`time` is missing"),
        (r#"{"type":"engagement","time":1793491200000,"kind":"like","actor":"u"}"#, "`target` is missing"),
        (r#"{"type":"engagement","time":1793491200000,"actor":"u","target":"a"}"#, "`kind` is missing"),
        (
            r#"{"type":"engagement","time":1793491200000,"kind":"poke","actor":"u","target":"a"}"#,
            "`kind` must be",
        ),
        (
            r#"{"type":"engagement","time":-5,"kind":"like","actor":"u","target":"a"}"#,
            "not between 1990 and 2100",
        ),
        (r#"{"type":"engagement","time":9e99,"kind":"like","actor":"u","target":"a"}"#, "invalid type"),
        (
            r#"{"kind":"like","type":"engagement","time":99999999999999999,"actor":"u","target":"a"}"#,
            "1990 and 2100",
        ),
        (
            r#"{"type":"engagement","time":1,"kind":"like","actor":{"age_days":-4},"target":"a"}"#,
            "invalid value",
        ),
        (
            r#"{"type":"follower_count","time":1793491200000,"target":"a","count":-7}"#,
            "a count, a whole number",
        ),
        (r#"{"type":"follower_count","time":1793491200000,"target":"a"}"#, "`count` is missing"),
        (
            r#"{"type":"engagement_window","target":"a","reason":"lottery","from":1793491200000}"#,
            "`to` is missing",
        ),
        (
            r#"{"type":"engagement_window","target":"a","reason":"push","from":1793491200000,"to":1793491200000}"#,
            "a window ends after it begins",
        ),
        (
            r#"{"type":"engagement_window","target":"a","reason":"party","from":1793491200000,"to":1793491300000}"#,
            "`reason` must be",
        ),
    ];
    let long = format!(
        r#"{{"type":"engagement","time":1793491200000,"kind":"like","actor":"{}","target":"a"}}"#,
        "u".repeat(129)
    );
    let mut lines = String::new();
    for (line, _) in &cases {
        writeln!(lines, "{line}").unwrap();
    }
    writeln!(lines, "{long}").unwrap();
    lines.push_str(
        r#"{"type":"follower_count","time":1793491200000,"target":{"kind":"account","id":"a"},"count":7}"#,
    );
    place.write("in.jsonl", lines + "\n" + &posts(1, 1));
    place.rescan("--in in.jsonl --out out --rejects r --strict --summary s").expect(3, &["1 posts"]);
    let rejects = place.rejects("r");
    let reasons = cases.iter().map(|(_, reason)| *reason).chain(["id_bytes_max"]);
    assert_eq!(rejects.len(), cases.len() + 1);
    for ((line, reason), (number, part)) in rejects.iter().zip((1..).zip(reasons)) {
        assert!(*line == number && reason.contains(part), "line {line}: {reason}; wanted {part:?}");
    }
    let summary: Value = serde_json::from_str(&place.text("s")).unwrap();
    assert_eq!((&summary["engagement_records"], &summary["events"]), (&json!(1), &json!(0)));
}

#[test]
fn hostile_events_are_counted_and_nothing_breaks() {
    let place = place();
    let mut lines = stream(4);
    // One actor with thousands of events, a clock that is years ahead, one that is days late, counts beyond all measure.
    for n in 0..30_000_u64 {
        let at = START_S + 4 * HOUR_S + n / 20;
        lines.push_str(&action(at, "read", "busy", 500, "a3", "d1"));
        if n.is_multiple_of(1_000) {
            lines.push_str(&action(START_S + 9_000 * HOUR_S + n, "like", "ahead", 50, "a3", "d2"));
            lines.push_str(&action(START_S - 50 * HOUR_S, "like", "late", 50, "a3", "d3"));
        }
    }
    for (n, count) in [0, u64::MAX, 5, u64::MAX - 1].into_iter().enumerate() {
        let sample = json!({"type": "follower_count", "target": "a3", "time": (START_S + 5 * HOUR_S + n as u64) * 1000, "count": count});
        writeln!(lines, "{sample}").unwrap();
    }
    place.write("in.jsonl", &lines);
    place
        .rescan("--in in.jsonl --out out --scores scores --all --summary s")
        .expect(0, &["rejected lines 0"]);
    let summary: Value = serde_json::from_str(&place.text("s")).unwrap();
    assert_eq!((&summary["engagement"]["late"], &summary["engagement"]["ahead"]), (&json!(30), &json!(30)));
    let records = json_lines(&place.text("scores"));
    assert!(records.iter().filter(|r| r["type"] == "engagement_score").all(|r| r["score"].is_number()));
    let busy = records.iter().filter_map(|r| r["events"].as_u64()).max();
    assert!(busy >= Some(30_000), "{busy:?}");
}

#[test]
fn weights_and_rates_beyond_their_bounds_are_refused_by_the_lint() {
    let place = place();
    let policy = place.text("bundle/policy.toml");
    for (from, to, part) in [
        ("[engagement.weights]", "[engagement.weights]\nyoung_share = 0.4", "outside 0.5–1.5"),
        ("[engagement.weights]", "[engagement.weights]\nyoung_shape = 1.0", "young_share"),
        ("alarm_rate = 0.001", "alarm_rate = 0.2", "alarm_rate must be"),
        ("lateness_minutes = 10", "lateness_minutes = 999", "lateness_minutes"),
        ("reach = 0.5", "reach = 5.0", "reach must be 0 to 1"),
        ("propose = [\"discount_count\"", "propose = [\"suspend_updates\"", "nothing here sanctions"),
    ] {
        assert!(policy.contains(from), "{from}");
        place.write("bundle/policy.toml", policy.replace(from, to));
        let run = place.run("check --bundle bundle");
        assert!(run.code == Some(1) && (run.stderr + &run.stdout).contains(part), "{to}: {part}");
    }
    let verdict = policy
        .replace("lateness_minutes = 10\nverdict = \"review\"", "lateness_minutes = 10\nverdict = \"block\"");
    place.write("bundle/policy.toml", verdict);
    let run = place.run("check --bundle bundle");
    assert!(run.code == Some(1) && (run.stderr + &run.stdout).contains("verdict must be"));
}
