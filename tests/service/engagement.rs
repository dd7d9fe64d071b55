//! The engagement stream of a service: what counts, what is said of it, and what a crash leaves.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::client::{Client, Reply, Served};
use crate::common::engagement::{ATTACKED, HOUR_S, START_S, action, place, stream};
use crate::common::{Place, string, wait_until};

const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const PATH: &str = "/v1/engagement";

/// Sends lines as they are.
fn tell(client: &mut Client, lines: &str, headers: &[(&str, &str)]) -> Reply {
    let headers = [&[LINES], headers].concat();
    client.request("POST", PATH, &headers, lines.as_bytes())
}

/// Sends a stream in bulks, one as lines, the next as an array, and so on. Every line must be accepted.
fn feed(served: &Served, stream: &str) {
    let (mut client, lines) = (served.client(), stream.lines().collect::<Vec<_>>());
    for (number, bulk) in lines.chunks(700).enumerate() {
        let reply = if number % 2 == 0 {
            tell(&mut client, &bulk.join("\n"), &[])
        } else {
            client.post(PATH, &format!("[{}]", bulk.join(",\n")), &[])
        };
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json(), json!({"accepted": bulk.len(), "rejected": 0, "rejections": []}));
    }
}

/// The decisions of a log, without what belongs to their records.
fn decisions(place: &Place) -> Vec<Value> {
    let records = Served::log(place, "");
    records.iter().filter(|r| r["kind"] == "decision").map(|r| r["decision"].clone()).collect()
}

/// The decisions of a rescan over a stream, and of the part of it before open hours are closed.
fn rescanned(place: &Place, stream: &str) -> Vec<Value> {
    place.write("in.jsonl", stream);
    place.rescan("--in in.jsonl --out out.jsonl").expect(0, &[]);
    place.lines("out.jsonl")
}

#[test]
fn bought_followers_become_the_decisions_of_a_rescan_in_log_and_sink_and_are_explained() {
    let place = place();
    let stream = stream(96);
    let wanted = rescanned(&place, &stream);
    assert!(wanted.len() >= 2, "{wanted:?}");
    place.write("service.toml", "[jsonl]\npath = \"sink.jsonl\"\n");
    let served = Served::start(&place, "--config service.toml");
    feed(&served, &stream);
    let path = format!("{PATH}/{ATTACKED}");
    let mut client = served.client();
    // Until then there is nothing to show; after it, only to those who say why.
    wait_until("a score", || client.get(&path, &[]).status == 400);
    let scores = client.get(&path, &[("x-access-reason", "complaint 7")]).json();
    assert_eq!(scores["target"], ATTACKED);
    let first = scores["scores"].as_array().expect("scores").last().expect("a score").clone();
    assert!(first["record"]["alert"] == true && first["record"]["type"] == "engagement_score", "{first}");
    let id = string(&first["decision"]);
    let explained = client.get(&format!("/v1/explain/{id}"), &[("x-access-reason", "test")]);
    assert_eq!((explained.status, &explained.json()["item"]), (200, &json!(ATTACKED)));
    assert_eq!(client.get(&format!("{PATH}/nobody"), &[]).status, 404);
    served.stop().expect(0, &[]);

    let found = decisions(&place);
    // A rescan ends its stream and closes the open hours; a service does not.
    assert!(!found.is_empty() && wanted.starts_with(&found), "{found:#?}\nwanted {wanted:#?}");
    let sink: Vec<Value> = place.lines("sink.jsonl");
    assert_eq!(sink.iter().map(|event| event["decision"].clone()).collect::<Vec<_>>(), found);
    assert!(sink.iter().all(|event| event["account"] == ATTACKED), "{sink:?}");
    let looks = Served::log(&place, "");
    let look = looks.iter().rfind(|r| r["what"] == "engagement_scores").expect("the look is in the log");
    assert_eq!((&look["why"], &look["decision"]), (&json!("complaint 7"), &json!(ATTACKED)));
}

#[test]
fn what_was_acknowledged_counts_once_whenever_the_service_is_killed_or_stopped() {
    let stream = stream(96);
    let lines: Vec<&str> = stream.lines().collect();
    let undisturbed = place();
    let wanted = rescanned(&undisturbed, &stream);
    let place = place();
    place.write("service.toml", "[jsonl]\npath = \"sink.jsonl\"\n");
    // The attack begins shortly after five sixths of the stream.
    let parts = [0.3, 0.5, 0.80, 0.85, 0.87, 0.89, 0.95, 1.0];
    let mut from = 0;
    for (number, part) in parts.into_iter().enumerate() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let to = (part * lines.len() as f64) as usize;
        let served = Served::start(&place, "--config service.toml");
        feed(&served, &lines[from..to].join("\n"));
        from = to;
        if number % 3 == 2 {
            served.stop().expect(0, &[]);
        } else {
            served.kill();
        }
    }
    Served::start(&place, "--config service.toml").stop().expect(0, &[]);
    let found = decisions(&place);
    assert!(!found.is_empty() && wanted.starts_with(&found), "{found:#?}\nwanted {wanted:#?}");
    let sink = place.lines("sink.jsonl");
    let ids: HashSet<String> = sink.iter().map(|event| string(&event["id"])).collect();
    assert_eq!((sink.len(), ids.len()), (found.len(), found.len()));
    place.run("log --dir data/engagement --verify").expect(0, &[]);
}

/// A place in which every hour of three events and more is told.
fn place_of_all_scores() -> Place {
    let place = place();
    let policy = place.text("bundle/policy.toml").replace("reach = 0.5", "reach = 0.0");
    place.write("bundle/policy.toml", policy);
    place
}

/// So many reads of a target in an hour.
fn reads(hour: u64, count: u64, target: &str) -> String {
    let read =
        |n: u64| action(START_S + hour * HOUR_S + n, "read", &format!("u{n}"), 500, target, &format!("d{n}"));
    (0..count).map(read).collect()
}

/// Events of the first hour of a target, once that is over.
fn events_of(served: &Served, target: &str) -> Value {
    let path = format!("{PATH}/{target}");
    let why = [("x-access-reason", "test")];
    wait_until("a score", || served.client().get(&path, &why).status == 200);
    served.client().get(&path, &why).json()["scores"].as_array().expect("scores").last().expect("one")["record"]["events"]
        .clone()
}

#[test]
fn a_bulk_with_a_key_counts_once_even_after_a_crash() {
    let place = place_of_all_scores();
    let key = [("idempotency-key", "bulk 1")];
    let bulk = reads(0, 40, "a1") + "no event\n";
    let served = Served::start(&place, "");
    let first = tell(&mut served.client(), &bulk, &key);
    assert_eq!((&first.json()["accepted"], &first.json()["rejected"]), (&json!(40), &json!(1)));
    assert_eq!(tell(&mut served.client(), &bulk, &key).body, first.body);
    let other = tell(&mut served.client(), &reads(0, 3, "a1"), &key);
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("idempotency_conflict")));
    served.kill();
    let served = Served::start(&place, "");
    assert_eq!(tell(&mut served.client(), &bulk, &key).body, first.body);
    assert_eq!(tell(&mut served.client(), &reads(0, 3, "a1"), &key).status, 409);
    served.stop().expect(0, &[]);
    let served = Served::start(&place, "");
    assert_eq!(tell(&mut served.client(), &bulk, &key).body, first.body);
    // One without a key counts each time.
    for _ in 0..2 {
        assert_eq!(tell(&mut served.client(), &reads(0, 5, "a1"), &[]).status, 200);
    }
    assert_eq!(tell(&mut served.client(), &reads(2, 3, "a2"), &[]).status, 200);
    assert_eq!(events_of(&served, "a1"), 50);
}

#[test]
fn lines_are_refused_one_by_one_with_their_place() {
    let place = place();
    let served = Served::start(&place, "");
    let mut client = served.client();
    let good = reads(0, 1, "a1").trim_end().to_owned();
    let bad = [r#"{"type":"engagement"}"#, r#"{"type":"post","text":"x","target":"t"}"#, "7", r#"{"a":[]"#];
    let body = format!("\n{good}\n{}\r\n\n{}\n{}\n{}\n{good}", bad[0], bad[1], bad[2], bad[3]);
    let reply = tell(&mut client, &body, &[]).json();
    assert_eq!((&reply["accepted"], &reply["rejected"]), (&json!(2), &json!(4)), "{reply}");
    let places: Vec<&Value> =
        reply["rejections"].as_array().expect("a list").iter().map(|r| &r["line"]).collect();
    assert_eq!(places, [&json!(3), &json!(5), &json!(6), &json!(7)]);
    let reply = client.post(PATH, &format!("[{}, {good} ,{},{}]", bad[0], bad[1], bad[2]), &[]).json();
    assert_eq!((&reply["accepted"], &reply["rejected"]), (&json!(1), &json!(3)), "{reply}");
    let places: Vec<String> =
        reply["rejections"].as_array().expect("a list").iter().map(|r| string(&r["pointer"])).collect();
    assert_eq!(places, ["/0", "/2", "/3"]);
    assert!(string(&reply["rejections"][0]["reason"]).contains("`target` is missing"), "{reply}");
    let many = format!("[{}1]", "1,".repeat(300));
    let reply = client.post(PATH, &many, &[]).json();
    assert_eq!((&reply["rejected"], reply["rejections"].as_array().map(Vec::len)), (&json!(301), Some(100)));
    for body in ["", "{}", "[]", "[1", "[\"\u{7}\"]", &format!("[{}1]", "1,".repeat(10_000))] {
        let reply = client.post(PATH, body, &[]);
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("invalid_body")), "{body}");
    }
    assert_eq!(tell(&mut client, &"7\n".repeat(10_001), &[]).status, 400);
    assert_eq!(client.request("POST", PATH, &[LINES], b"\xff\n").status, 400);
    assert_eq!(client.request("POST", PATH, &[("content-type", "text/plain")], good.as_bytes()).status, 415);
}

#[test]
fn a_first_event_of_the_far_future_does_not_make_all_that_follows_late() {
    let place = place();
    let stream = stream(96);
    let served = Served::start(&place, "");
    feed(&served, &action(START_S + 3000 * 24 * HOUR_S, "like", "u1", 50, "a1", "d1"));
    feed(&served, &stream);
    served.stop().expect(0, &[]);
    let found = decisions(&place);
    assert!(!found.is_empty() && found.iter().all(|decision| decision["item"] == ATTACKED), "{found:?}");
    assert_eq!(found[0]["evidence"][0]["detail"]["engagement"]["hour"], "2026-11-04T08:00:00Z");
}

#[test]
fn what_cannot_be_written_is_refused_and_what_was_acknowledged_before_counts() {
    let place = place_of_all_scores();
    let served = Served::start_on_full_disk(&place, 64);
    let mut accepted = 0;
    let refused = loop {
        let reply = tell(&mut served.client(), &reads(0, 50, "a1"), &[]);
        if reply.status != 200 {
            break reply;
        }
        accepted += 50;
        assert!(accepted < 50_000, "the disk never fills up");
    };
    assert_eq!((refused.status, string(&refused.json()["code"])), (503, "log_unavailable".to_owned()));
    assert!(refused.header("retry-after").is_some() && accepted > 0);
    served.kill();
    let served = Served::start(&place, "");
    assert_eq!(tell(&mut served.client(), &reads(2, 3, "a2"), &[]).status, 200);
    assert_eq!(events_of(&served, "a1"), accepted);
    served.stop().expect(0, &[]);
    place.run("log --dir data/engagement --verify").expect(0, &[]);
}
