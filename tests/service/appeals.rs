//! A decision is objected to, and a person says what holds.

use serde_json::{Value, json};

use crate::client::{Reply, Served};
use crate::common::{Place, string, wait_until};

/// A service with a file of decisions, and keys of a publisher and of two reviewers.
struct Site {
    place: Place,
    served: Served,
    publisher: String,
    reviewers: [String; 2],
}

impl Site {
    fn start() -> Self {
        let place = Place::new();
        place.write("service.toml", "[jsonl]\npath = \"out.jsonl\"\n");
        let key = |name: &str, role: &str| {
            let run = place.run(&format!("key add {name} --role {role} --data data"));
            format!("Bearer {}", run.expect(0, &[]).stdout.trim())
        };
        let (publisher, reviewers) =
            (key("site", "publisher"), [key("li", "reviewer"), key("wang", "reviewer")]);
        let served = Served::start(&place, "--config service.toml");
        Self { place, served, publisher, reviewers }
    }

    fn post(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.served.client().post(path, &body.to_string(), &[("authorization", key)])
    }

    /// Judges a text and returns the decision's id.
    fn decide(&self, id: &str, text: &str) -> String {
        let body = json!({"id": id, "account": "a1", "text": text});
        string(&self.post(&self.publisher, "/v1/check", &body).json()["id"])
    }

    fn appeal(&self, decision: &str, reason: &str) -> Reply {
        self.post(&self.publisher, &format!("/v1/decisions/{decision}/appeal"), &json!({"reason": reason}))
    }

    fn outcome(&self, reviewer: usize, decision: &str, verdict: &str) -> Reply {
        let body = json!({"verdict": verdict, "reason": "引用"});
        self.post(&self.reviewers[reviewer], &format!("/v1/decisions/{decision}/outcome"), &body)
    }
}

#[test]
fn a_decision_is_appealed_once_and_overturned_by_a_person_for_everybody_who_acted_on_it() {
    let site = Site::start();
    let decision = site.decide("p1", "真人荷官在线发牌");
    let appealed = site.appeal(&decision, "这是反诈宣传");
    assert_eq!((appealed.status, &appealed.json()["decision"]), (200, &json!(decision)));
    assert!(appealed.json()["due"].is_string());
    assert_eq!(site.appeal(&decision, "这是反诈宣传").body, appealed.body);
    let other = site.appeal(&decision, "别的话");
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("already_done")));

    let overturned = site.outcome(0, &decision, "pass");
    let answer = overturned.json();
    assert_eq!((overturned.status, &answer["verdict"]), (200, &json!("pass")), "{answer}");
    assert_eq!(answer["follow_up"], json!({"cause": "p1", "previous": "review", "withdraws": true}));
    assert_eq!((&answer["review"]["of"], &answer["review"]["by"]), (&json!(decision), &json!("li")));
    assert_eq!(
        (&answer["review"]["outcome"], &answer["review"]["appeal"]),
        (&json!("overturned"), &appealed.json()["id"])
    );
    assert_eq!((&answer["proposals"], &answer["evidence"]), (&json!([]), &json!([])));
    assert_eq!(site.outcome(0, &decision, "pass").body, overturned.body);
    assert_eq!(site.outcome(1, &decision, "block").status, 409);

    // Those who act on decisions hear of it although it passes, and it can be looked at.
    wait_until("lines", || site.place.exists("out.jsonl") && site.place.lines("out.jsonl").len() == 2);
    let told = &site.place.lines("out.jsonl")[1];
    assert_eq!((&told["id"], &told["account"]), (&answer["id"], &json!("a1")));
    assert_eq!(told["review"], answer["review"]);
    let headers = [("authorization", site.reviewers[1].as_str()), ("x-access-reason", "second look")];
    let path = format!("/v1/explain/{}", string(&answer["id"]));
    assert_eq!(site.served.client().get(&path, &headers).body, overturned.body);

    site.served.stop().expect(0, &[]);
    let log = Served::log(&site.place, "");
    let of_kind = |kind: &str| log.iter().filter(|record| record["kind"] == kind).collect::<Vec<_>>();
    assert_eq!((of_kind("appeal").len(), of_kind("outcome").len()), (1, 1));
    assert_eq!(of_kind("appeal")[0]["item_sent"], json!({"reason": "这是反诈宣传"}));
    assert_eq!(Served::log(&site.place, "--item p1 --verdict pass").len(), 1);
    let hidden = site.place.run("log --dir data/log --no-text").expect(0, &[]).stdout;
    assert!(!hidden.contains("反诈"));
}

#[test]
fn an_outcome_can_be_appealed_too_and_another_person_answers() {
    let site = Site::start();
    let decision = site.decide("p1", "真人荷官在线发牌");
    let upheld = site.outcome(0, &decision, "review").json();
    assert_eq!(
        (&upheld["review"]["outcome"], &upheld["follow_up"].get("withdraws")),
        (&json!("upheld"), &None)
    );
    let second = string(&upheld["id"]);
    assert_eq!(site.appeal(&second, "再看一次").status, 200);
    let own = site.outcome(0, &second, "pass");
    assert_eq!((own.status, &own.json()["code"]), (403, &json!("forbidden")));
    assert_eq!(site.outcome(1, &second, "pass").json()["review"]["outcome"], "overturned");
}

#[test]
fn a_person_decides_what_the_engine_left_open_and_makes_nothing_else_stricter() {
    let site = Site::start();
    let held = site.decide("p1", "真人荷官");
    let blocked = site.outcome(0, &held, "block").json();
    assert_eq!((&blocked["verdict"], &blocked["review"]["outcome"]), (&json!("block"), &json!("changed")));
    let passed = site.decide("p2", "今天天气很好");
    let stricter = site.outcome(0, &passed, "block");
    assert_eq!((stricter.status, &stricter.json()["pointer"]), (400, &json!("/verdict")));
    for (body, pointer) in
        [(json!({"reason": ""}), json!("/reason")), (json!({"reason": "x".repeat(2001)}), json!("/reason"))]
    {
        let refused = site.post(&site.publisher, &format!("/v1/decisions/{held}/appeal"), &body);
        assert_eq!((refused.status, &refused.json()["pointer"]), (400, &pointer));
    }
    assert_eq!(site.appeal(&"0".repeat(32), "x").status, 404);
    assert_eq!(site.appeal("p1", "x").status, 404);
}
