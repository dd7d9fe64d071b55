//! A bundle on trial: beside the live one, then for a share of the accounts, then for everybody.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::client::Served;
use crate::common::{Place, string, wait_until};
use crate::reload::{POST, change, changes, more_terms, start_unwatched, verdict};

/// A place with a bundle and a candidate that has one more term.
fn place() -> Place {
    let place = Place::new();
    place.bundle("candidate", &more_terms(POST));
    place
}

fn start(place: &Place, more: &str) -> Served {
    start_unwatched(place, &format!("candidate = \"candidate\"\nshadow_percent = 100\n{more}"))
}

fn report(served: &Served) -> Value {
    served.client().get("/v1/bundles/shadow", &[]).json()
}

fn metrics(served: &Served) -> String {
    String::from_utf8(served.client().get("/metrics", &[]).body).expect("text")
}

/// The version that judged, and whether it found what only the candidate knows. Many copies of one text may have another verdict
/// than one.
fn judged(answer: &Value) -> (String, bool) {
    let evidence = answer["evidence"].as_array().expect("evidence");
    (string(&answer["versions"]["bundle"]), evidence.iter().any(|evidence| evidence["rule"] == "x.1"))
}

#[test]
fn a_shadow_judges_the_same_items_and_only_counts() {
    let place = place();
    let served = start(&place, "");
    let live = string(&served.client().get("/v1/bundles", &[]).json()["live"]);
    let tried = change(&served, "/v1/bundles/candidate", &json!({"author": "li", "reason": "watches"}));
    let candidate = tried.json()["candidate"].clone();
    assert_eq!(
        (tried.status, &candidate["shadow_percent"], &candidate["terms"]),
        (200, &json!(100.0), &json!(3))
    );
    for (id, text, want) in
        [("w1", POST, "pass"), ("g1", "真人荷官", "review"), ("n1", "今天天气很好", "pass")]
    {
        let answer = served.check(&json!({"id": id, "text": text}).to_string()).json();
        assert_eq!((&answer["verdict"], &answer["versions"]["bundle"]), (&json!(want), &json!(live)), "{id}");
    }
    wait_until("judgement", || report(&served)["judged"] == 3);
    let found = report(&served);
    assert_eq!((&found["candidate"], &found["live"]), (&candidate["version"], &json!(live)));
    assert_eq!((&found["changed"], &found["dropped"], &found["failed"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(found["verdicts"], json!([{"live": "pass", "candidate": "review", "items": 1}]));
    assert_eq!(found["labels"], json!([{"id": "fraud", "gained": 1, "lost": 0}]));
    assert_eq!(found["rules"], json!([{"id": "x.1", "gained": 1, "lost": 0}]));
    let example = &found["examples"][0];
    assert_eq!((&example["item"], &example["surface"]), (&json!("w1"), &json!("post")));
    assert_eq!((&example["gained"], example.get("text")), (&json!(["fraud", "x.1"]), None));
    assert_eq!(served.client().get("/v1/bundles/shadow?text=true", &[]).status, 400, "nobody said why");
    let looked = served.client().get("/v1/bundles/shadow?text=true", &[("x-access-reason", "trial 7")]);
    assert!(string(&looked.json()["examples"][0]["text"]).contains(POST));
    assert_eq!(served.client().get("/v1/bundles/shadow?text=perhaps", &[]).status, 400);
    let text = metrics(&served);
    for line in [
        r#"qingliu_shadow_items_total{outcome="judged"} 3"#,
        r#"qingliu_shadow_changes_total{live="pass",candidate="review"} 1"#,
        r#"qingliu_bundle_info{role="candidate""#,
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    served.stop().expect(0, &[]);
    let looks: Vec<Value> =
        Served::log(&place, "").into_iter().filter(|record| record["kind"] == "access").collect();
    assert_eq!((looks.len(), &looks[0]["what"], &looks[0]["why"]), (1, &json!("shadow"), &json!("trial 7")));
    assert_eq!(Served::log(&place, "--verdict review").len(), 1, "a shadow decides nothing");
}

#[test]
fn where_texts_are_not_kept_examples_have_none() {
    let place = place();
    let served = start(&place, "[log]\ntext = \"drop\"\n");
    assert_eq!(change(&served, "/v1/bundles/candidate", &json!({})).status, 200);
    served.check(&json!({"id": "w1", "text": POST}).to_string());
    wait_until("judgement", || report(&served)["judged"] == 1);
    let found = served.client().get("/v1/bundles/shadow?text=true", &[("x-access-reason", "trial 8")]).json();
    assert_eq!((&found["examples"][0]["item"], found["examples"][0].get("text")), (&json!("w1"), None));
}

#[test]
fn a_canary_judges_a_stable_share_of_the_accounts() {
    let place = place();
    let served = start(&place, "");
    let tried = change(&served, "/v1/bundles/candidate", &json!({"shadow_percent": 0, "canary_percent": 30}));
    let state = tried.json();
    let (live, candidate) = (string(&state["live"]), string(&state["candidate"]["version"]));
    let accounts: Vec<String> = (0..150).map(|n| format!("a{n}")).collect();
    let chosen = |round: usize| -> HashSet<&String> {
        let by_candidate = accounts.iter().filter(|account| {
            let item = json!({"id": format!("{account}-{round}"), "account": account, "text": POST});
            let (version, is_found) = judged(&served.check(&item.to_string()).json());
            assert_eq!(is_found, version == candidate, "{account}");
            assert!(version == live || version == candidate, "{version}");
            version == candidate
        });
        by_candidate.collect()
    };
    let first = chosen(0);
    assert!((20..75).contains(&first.len()), "{} of 150 accounts", first.len());
    assert_eq!(chosen(1), first, "the same accounts");
    let nameless = served.check(&json!({"text": POST}).to_string()).json();
    assert_eq!(judged(&nameless).0, live, "items without an account are judged by the live bundle");
    let counted = report(&served)["canary"].clone();
    assert_eq!(counted[2], json!({"verdict": "review", "items": first.len() * 2}));
    let grown = change(&served, "/v1/bundles/canary", &json!({"percent": 60, "reason": "nothing odd"}));
    assert_eq!(grown.json()["candidate"]["canary_percent"], 60.0);
    let second = chosen(2);
    assert!(first.is_subset(&second) && second.len() > first.len(), "{} then {}", first.len(), second.len());
    assert_eq!(change(&served, "/v1/bundles/canary", &json!({"percent": 100})).status, 200);
    assert_eq!(chosen(3).len(), accounts.len());
    assert_eq!(change(&served, "/v1/bundles/abort", &json!({"author": "li", "reason": "no"})).status, 200);
    assert_eq!(chosen(4).len(), 0);
    assert_eq!(served.client().get("/v1/bundles/shadow", &[]).status, 404);
    served.stop().expect(0, &[]);
    let changes = changes(&place);
    let names: Vec<&str> = changes.iter().map(|change| change[0].as_str()).collect();
    assert_eq!(names, ["candidate", "canary", "canary", "abort"]);
    assert!(changes[0][3].contains("canary 30 %") && changes[1][3].contains("canary 60 %"), "{changes:?}");
}

#[test]
fn what_is_promoted_judges_everybody_holds_over_a_restart_and_can_be_taken_back() {
    let place = place();
    let served = start(&place, "");
    let tried = change(&served, "/v1/bundles/candidate", &json!({"canary_percent": 5})).json();
    let (live, candidate) = (&tried["live"], &tried["candidate"]["version"]);
    let wrong = change(&served, "/v1/bundles/promote", &json!({"expected_version": live}));
    assert_eq!(wrong.status, 422);
    let promoted = change(&served, "/v1/bundles/promote", &json!({"expected_version": candidate})).json();
    assert_eq!((&promoted["live"], &promoted["previous"]), (candidate, live));
    assert_eq!((promoted.get("candidate"), verdict(&served, POST)), (None, "review".to_owned()));
    served.kill();
    let served = start(&place, "");
    assert_eq!(served.client().get("/v1/bundles", &[]).json()["live"], *candidate);
    let back = change(&served, "/v1/bundles/rollback", &json!({"reason": "too harsh"})).json();
    assert_eq!((&back["live"], verdict(&served, POST)), (live, "pass".to_owned()));
    served.stop().expect(0, &[]);
    let names: Vec<String> = changes(&place).iter().map(|change| change[0].clone()).collect();
    assert_eq!(names, ["candidate", "promote_refused", "promote", "rollback"]);
}

#[test]
fn a_trial_goes_on_when_the_live_bundle_changes_and_counts_anew() {
    let place = place();
    let served = start(&place, "");
    let tried = change(&served, "/v1/bundles/candidate", &json!({})).json();
    verdict(&served, POST);
    wait_until("judgement", || report(&served)["judged"] == 1);
    place.write("bundle/lexicon/terms.toml", more_terms("高仿名包"));
    let taken = change(&served, "/v1/bundles", &json!({})).json();
    assert_eq!(taken["candidate"]["version"], tried["candidate"]["version"]);
    let found = report(&served);
    assert_eq!((&found["judged"], &found["live"]), (&json!(0), &taken["live"]));
    verdict(&served, "高仿名包");
    wait_until("judgement", || report(&served)["judged"] == 1);
    assert_eq!(report(&served)["verdicts"], json!([{"live": "review", "candidate": "pass", "items": 1}]));
}

#[test]
fn what_cannot_be_tried_is_refused_and_noted() {
    let place = place();
    let served = start(&place, "");
    for path in ["canary", "promote", "abort"] {
        let body = if path == "canary" { json!({"percent": 5}) } else { json!({}) };
        let reply = change(&served, &format!("/v1/bundles/{path}"), &body);
        assert_eq!((reply.status, &reply.json()["code"]), (422, &json!("bundle_refused")), "{path}");
    }
    for (path, body, pointer) in [
        ("canary", json!({"percent": 101}), "/percent"),
        ("candidate", json!({"canary_percent": -1}), "/canary_percent"),
        ("candidate", json!({"shadow_percent": 100.5}), "/shadow_percent"),
        ("candidate", json!({"expected_version": "x".repeat(65)}), "/expected_version"),
    ] {
        let reply = change(&served, &format!("/v1/bundles/{path}"), &body);
        assert_eq!((reply.status, &reply.json()["pointer"]), (400, &json!(pointer)), "{body}");
    }
    assert_eq!(change(&served, "/v1/bundles/canary", &json!({})).status, 400);
    place.bundle("candidate", crate::common::TERMS);
    let same = change(&served, "/v1/bundles/candidate", &json!({}));
    assert!(string(&same.json()["detail"]).contains("it is the live bundle"));
    place.bundle("candidate", "terms = [");
    assert_eq!(change(&served, "/v1/bundles/candidate", &json!({})).status, 422);
    assert_eq!(served.client().get("/v1/bundles", &[]).json().get("candidate"), None);
    assert!(
        metrics(&served).contains(r#"qingliu_bundle_changes_total{change="candidate",outcome="refused"} 2"#)
    );
    served.stop().expect(0, &[]);
    let names: Vec<String> = changes(&place).iter().map(|change| change[0].clone()).collect();
    assert_eq!(
        names,
        ["canary_refused", "promote_refused", "abort_refused", "candidate_refused", "candidate_refused"]
    );
}

#[test]
fn no_request_fails_or_sees_a_mixture_while_a_trial_begins_grows_and_ends() {
    const ROUNDS: usize = 4;
    let place = place();
    let served = start(&place, "");
    let is_over = AtomicBool::new(false);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let ask = |thread: usize| {
            let (served, is_over) = (&served, &is_over);
            move || {
                let (mut client, mut answers) = (served.client(), Vec::new());
                while !is_over.load(Ordering::Relaxed) {
                    let account = format!("a{thread}-{}", answers.len() % 20);
                    let body = json!({"account": account, "text": POST}).to_string();
                    let reply = client.post("/v1/check", &body, &[]);
                    assert_eq!(reply.status, 200);
                    answers.push(reply.json());
                }
                answers
            }
        };
        let asking: Vec<_> = (0..3).map(|thread| scope.spawn(ask(thread))).collect();
        let round = |_| {
            let steps = [
                ("candidate", json!({"canary_percent": 30})),
                ("canary", json!({"percent": 70})),
                ("promote", json!({})),
                ("rollback", json!({})),
            ];
            steps.map(|(path, body)| change(&served, &format!("/v1/bundles/{path}"), &body).status)
        };
        let taken: Vec<[u16; 4]> = (0..ROUNDS).map(round).collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(taken, [[200; 4]; ROUNDS]);
        asking.into_iter().flat_map(|thread| thread.join().expect("no failure")).collect()
    });
    let mut found: HashMap<String, bool> = HashMap::new();
    for (version, is_found) in answers.iter().map(judged) {
        assert_eq!(*found.entry(version).or_insert(is_found), is_found);
    }
    let mut both: Vec<bool> = found.values().copied().collect();
    both.sort_unstable();
    assert_eq!(both, [false, true], "{} answers, {found:?}", answers.len());
}

#[test]
fn trials_are_for_operators() {
    let place = place();
    let key = |role: &str| {
        place
            .run(&format!("key add {role} --role {role} --data data"))
            .expect(0, &[])
            .stdout
            .trim()
            .to_owned()
    };
    let keys = ["publisher", "reviewer", "auditor", "operator"].map(|role| (role, key(role)));
    let served = start(&place, "");
    let json_type = ("content-type", "application/json");
    for (role, key) in &keys {
        let bearer = format!("Bearer {key}");
        let authorization = ("authorization", bearer.as_str());
        for path in ["candidate", "canary", "promote", "abort"] {
            let reply = served.client().request(
                "POST",
                &format!("/v1/bundles/{path}"),
                &[json_type, authorization],
                b"{\"percent\": 200}",
            );
            // Who may ask is told what is wrong with the question.
            assert_eq!(reply.status, if *role == "operator" { 400 } else { 403 }, "{role} {path}");
        }
        let reply = served.client().get("/v1/bundles/shadow", &[authorization]);
        assert_eq!(reply.status, if *role == "operator" { 404 } else { 403 }, "{role}");
        // Texts are for those who may see evidence.
        assert_eq!(
            served.client().get("/v1/bundles/shadow?text=true", &[authorization]).status,
            403,
            "{role}"
        );
    }
    assert_eq!(served.client().get("/v1/bundles/shadow", &[]).status, 401);
}
