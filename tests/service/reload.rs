//! Another bundle while requests go on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::client::{Reply, Served};
use crate::common::{Place, TERMS, string, wait_until};

const POST: &str = "高仿手表";

/// The small bundle with one more term.
fn more_terms(text: &str) -> String {
    TERMS.replace(
        "]\n",
        &format!("  {{ id = \"x.1\", text = \"{text}\", label = \"fraud\", weight = 1000 }},\n]\n"),
    )
}

fn change(served: &Served, path: &str, body: &Value) -> Reply {
    served.client().post(path, &body.to_string(), &[])
}

fn verdict(served: &Served, text: &str) -> String {
    string(&served.check(&json!({ "text": text }).to_string()).json()["verdict"])
}

#[test]
fn a_good_bundle_is_taken_and_the_one_before_comes_back() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let first = served.client().get("/v1/bundles", &[]).json();
    assert_eq!((&first["terms"], first.get("previous")), (&json!(2), None));
    assert_eq!(verdict(&served, POST), "pass");
    place.write("bundle/lexicon/terms.toml", more_terms(POST));
    let taken = change(&served, "/v1/bundles", &json!({"author": "li", "reason": "new wording"}));
    assert_eq!((taken.status, &taken.json()["previous"]), (200, &first["live"]));
    assert_eq!(verdict(&served, POST), "review");
    let back = change(&served, "/v1/bundles/rollback", &json!({"reason": "too harsh"}));
    assert_eq!((back.status, &back.json()["live"]), (200, &first["live"]));
    assert_eq!(verdict(&served, POST), "pass");
    served.stop().expect(0, &[]);
    let events: Vec<(String, String, Value)> = Served::log(&place, "")
        .iter()
        .filter(|record| record["kind"] == "service")
        .map(|r| (string(&r["event"]), string(&r["bundle"]), r["author"].clone()))
        .collect();
    let names: Vec<&str> = events.iter().map(|event| event.0.as_str()).collect();
    assert_eq!(names, ["start", "bundle", "rollback", "stop"]);
    assert_eq!((&events[1].2, &events[2].2), (&json!("li"), &json!("local")));
    assert_eq!(events[2].1, string(&first["live"]));
}

#[test]
fn a_bad_bundle_is_refused_and_the_last_good_one_judges_on() {
    let place = Place::new();
    place.write("bundle/lexicon/terms.toml", more_terms(POST));
    let served = Served::start(&place, "");
    let live = served.client().get("/v1/bundles", &[]).json()["live"].clone();
    let common = TERMS.replace("真人荷官", "没有").replace("刷单返利", "什么");
    let cases = [
        ("lexicon/terms.toml", "terms = [".to_owned(), "terms.toml"),
        ("lexicon/terms.toml", String::new(), "no term"),
        ("lexicon/terms.toml", TERMS.replace("fraud.brushing_jobs", "no_such_label"), "no_such_label"),
        ("golden.jsonl", json!({"text": POST, "verdict": "block"}).to_string(), "golden.jsonl:1"),
        ("golden.jsonl", "{}".to_owned(), "golden.jsonl:1"),
    ];
    for (file, text, why) in cases {
        place.write(&format!("bundle/{file}"), &text);
        let refused = change(&served, "/v1/bundles", &json!({}));
        assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("bundle_refused")), "{text}");
        assert!(string(&refused.json()["detail"]).contains(why), "{why}: {:?}", refused.json());
        let state = served.client().get("/v1/bundles", &[]).json();
        assert!(state["live"] == live && string(&state["refused"]).contains(why));
        place.write("bundle/lexicon/terms.toml", more_terms(POST));
    }
    std::fs::remove_file(place.path("bundle/golden.jsonl")).expect("it is there");
    // Two terms of three are fewer than seven in ten.
    place.write("bundle/lexicon/terms.toml", TERMS);
    let shrunk = change(&served, "/v1/bundles", &json!({}));
    assert!(string(&shrunk.json()["detail"]).contains("2 terms where 3 were before"));
    assert_eq!(change(&served, "/v1/bundles", &json!({"allow_shrink": true})).status, 200);
    place.write("bundle/lexicon/terms.toml", common);
    let harsh = change(&served, "/v1/bundles", &json!({}));
    assert!(string(&harsh.json()["detail"]).contains("ordinary texts"), "{:?}", harsh.json());
    assert_eq!(change(&served, "/v1/bundles", &json!({"reason": "x".repeat(2001)})).status, 400);
    assert_eq!(change(&served, "/v1/bundles", &json!({"author": 5})).status, 400);
    assert_eq!(verdict(&served, "真人荷官"), "review");
}

#[test]
fn a_changed_directory_is_taken_without_being_asked() {
    let place = Place::new();
    let served = Served::start(&place, "");
    place.write("bundle/lexicon/terms.toml", "terms = [");
    wait_until("refusal", || served.client().get("/v1/bundles", &[]).json().get("refused").is_some());
    place.write("bundle/lexicon/terms.toml", more_terms(POST));
    wait_until("new bundle", || verdict(&served, POST) == "review");
}

#[test]
fn no_request_fails_or_sees_a_mixture_while_bundles_change() {
    const CHANGES: usize = 12;
    let place = Place::new();
    let served = Served::start(&place, "");
    let is_over = AtomicBool::new(false);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let ask = || {
            let (mut client, mut answers) = (served.client(), Vec::new());
            while !is_over.load(Ordering::Relaxed) {
                let reply = client.post("/v1/check", r#"{"text":"甲乙丙丁和戊己庚辛"}"#, &[]);
                assert_eq!(reply.status, 200);
                answers.push(reply.json());
            }
            answers
        };
        let asking: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        let take = |n: usize| {
            place.write("bundle/lexicon/terms.toml", more_terms(["甲乙丙丁", "戊己庚辛"][n % 2]));
            change(&served, "/v1/bundles", &json!({})).status
        };
        let taken: Vec<u16> = (0..CHANGES).map(take).collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(taken, [200; CHANGES]);
        asking.into_iter().flat_map(|thread| thread.join().expect("no failure")).collect()
    });
    let mut words: HashMap<String, Vec<String>> = HashMap::new();
    for answer in &answers {
        let evidence = answer["evidence"].as_array().expect("evidence");
        let matched: Vec<String> = evidence.iter().map(|evidence| string(&evidence["matched"])).collect();
        let version = string(&answer["versions"]["bundle"]);
        let known = words.entry(version).or_insert_with(|| matched.clone());
        assert_eq!(*known, matched, "{answer}");
    }
    // The one at the start, and the two in turn.
    assert!(words.len() == 3 && answers.len() > CHANGES, "{} answers, {words:?}", answers.len());
}
