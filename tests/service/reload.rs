//! Another bundle while requests go on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::client::{Reply, Served};
use crate::common::{Place, TERMS, string, wait_until};

pub(crate) const POST: &str = "高仿手表";

/// Nothing but what a test asks for changes the bundle.
pub(crate) const UNWATCHED: &str = "[bundles]\nwatch = false\n";

/// Starts a service that takes another bundle only when it is asked.
pub(crate) fn start_unwatched(place: &Place, more: &str) -> Served {
    place.write("unwatched.toml", format!("{UNWATCHED}{more}"));
    Served::start(place, "--config unwatched.toml")
}

/// What the log says of changes: event, author, reason, detail.
pub(crate) fn changes(place: &Place) -> Vec<[String; 4]> {
    let text = |record: &Value, name: &str| record[name].as_str().unwrap_or("").to_owned();
    Served::log(place, "")
        .iter()
        .filter(|record| {
            record["kind"] == "service" && record["event"] != "start" && record["event"] != "stop"
        })
        .map(|record| ["event", "author", "reason", "detail"].map(|name| text(record, name)))
        .collect()
}

/// The small bundle with one more term.
pub(crate) fn more_terms(text: &str) -> String {
    TERMS.replace(
        "]\n",
        &format!("  {{ id = \"x.1\", text = \"{text}\", label = \"fraud\", weight = 1000 }},\n]\n"),
    )
}

pub(crate) fn change(served: &Served, path: &str, body: &Value) -> Reply {
    served.client().post(path, &body.to_string(), &[])
}

pub(crate) fn verdict(served: &Served, text: &str) -> String {
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

#[test]
fn another_version_than_the_expected_one_is_refused_and_the_log_says_who_wanted_it() {
    let place = Place::new();
    let served = start_unwatched(&place, "");
    let first = string(&served.client().get("/v1/bundles", &[]).json()["live"]);
    place.write("bundle/lexicon/terms.toml", more_terms(POST));
    let wrong = json!({"author": "li", "reason": "spring", "expected_version": first});
    let refused = change(&served, "/v1/bundles", &wrong);
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("bundle_refused")));
    let detail = string(&refused.json()["detail"]);
    let found = detail.split_whitespace().nth(3).expect("a version").to_owned();
    assert!(detail.contains(&first) && found != first, "{detail}");
    let right = json!({"author": "li", "reason": "spring", "expected_version": found});
    assert_eq!(change(&served, "/v1/bundles", &right).json()["live"], json!(found));
    let back = json!({"author": "wang", "expected_version": found});
    assert_eq!(
        change(&served, "/v1/bundles/rollback", &back).status,
        422,
        "the one before has another version"
    );
    assert_eq!(change(&served, "/v1/bundles/rollback", &json!({"expected_version": first})).status, 200);
    served.stop().expect(0, &[]);
    let changes = changes(&place);
    let names: Vec<&str> = changes.iter().map(|change| change[0].as_str()).collect();
    assert_eq!(names, ["bundle_refused", "bundle", "rollback_refused", "rollback"]);
    assert_eq!(changes[0][1..3], ["li", "spring"]);
    assert!(changes[0][3].contains("expected") && changes[1][3].is_empty());
}

#[test]
fn a_directory_that_does_not_match_its_checksums_is_refused() {
    let place = Place::new();
    let sums = |place: &Place| {
        let run = std::process::Command::new("sh")
            .args(["-c", "find . -type f ! -name SHA256SUMS | xargs sha256sum > SHA256SUMS"])
            .current_dir(place.path("bundle"))
            .status();
        assert!(run.expect("sha256sum is there").success());
    };
    sums(&place);
    let served = start_unwatched(&place, "manifest_required = true\n");
    place.write("bundle/lexicon/terms.toml", more_terms(POST));
    let refused = change(&served, "/v1/bundles", &json!({}));
    assert!(string(&refused.json()["detail"]).contains("lexicon/terms.toml: the checksum"), "{refused:?}");
    sums(&place);
    assert_eq!(change(&served, "/v1/bundles", &json!({})).status, 200);
    place.write("bundle/rules/half.toml", "");
    assert!(
        string(&change(&served, "/v1/bundles", &json!({})).json()["detail"]).contains("does not name it")
    );
    std::fs::remove_file(place.path("bundle/SHA256SUMS")).expect("it is there");
    let missing = change(&served, "/v1/bundles", &json!({}));
    assert!(string(&missing.json()["detail"]).contains("SHA256SUMS is missing"));
    assert_eq!(verdict(&served, POST), "review");
}

#[test]
fn a_rollback_holds_over_a_restart_until_the_directory_changes() {
    let place = Place::new();
    let served = start_unwatched(&place, "");
    let first = served.client().get("/v1/bundles", &[]).json();
    place.write("bundle/lexicon/terms.toml", more_terms(POST));
    let second = change(&served, "/v1/bundles", &json!({})).json();
    assert_ne!(first["checksum"], second["checksum"]);
    assert_eq!(change(&served, "/v1/bundles/rollback", &json!({})).json()["live"], first["live"]);
    served.kill();
    let served = start_unwatched(&place, "");
    let state = served.client().get("/v1/bundles", &[]).json();
    assert_eq!((&state["live"], &state["previous"]), (&first["live"], &second["live"]));
    assert_eq!(verdict(&served, POST), "pass");
    // The one before is still there, too.
    assert_eq!(change(&served, "/v1/bundles/rollback", &json!({})).json()["live"], second["live"]);
    assert_eq!(change(&served, "/v1/bundles/rollback", &json!({})).json()["live"], first["live"]);
    served.stop().expect(0, &[]);
    place.write("bundle/lexicon/terms.toml", more_terms("高仿名包"));
    let served = start_unwatched(&place, "");
    assert_eq!(
        (verdict(&served, "高仿名包"), verdict(&served, POST)),
        ("review".to_owned(), "pass".to_owned())
    );
}

#[test]
fn a_broken_directory_at_the_start_leaves_the_last_good_bundle_in_place() {
    let place = Place::new();
    place.write("bundle/lexicon/terms.toml", more_terms(POST));
    start_unwatched(&place, "").stop().expect(0, &[]);
    // Broken, half written, against its own cases.
    for (file, text, why) in [
        ("lexicon/terms.toml", "terms = [".to_owned(), "terms.toml"),
        ("lexicon/terms.toml", TERMS.to_owned(), "2 terms where 3 were before"),
        ("golden.jsonl", json!({"text": POST, "verdict": "block"}).to_string(), "golden.jsonl:1"),
    ] {
        place.write(&format!("bundle/{file}"), &text);
        let served = start_unwatched(&place, "");
        let state = served.client().get("/v1/bundles", &[]).json();
        assert!(string(&state["refused"]).contains(why), "{state}");
        assert_eq!(verdict(&served, POST), "review");
        let metrics = String::from_utf8(served.client().get("/metrics", &[]).body).expect("text");
        assert!(metrics.contains("qingliu_bundle_refused 1"), "{metrics}");
        served.stop().expect(0, &["the last good bundle judges", why]);
        place.write("bundle/lexicon/terms.toml", more_terms(POST));
    }
    // Where there is no last good one, there is nothing to start with.
    place.run("serve --listen 127.0.0.1:0 --data other --bundle bundle").expect(1, &["golden.jsonl:1"]);
}
