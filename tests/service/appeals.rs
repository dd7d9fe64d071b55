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

/// What waits, as a reviewer sees it.
fn waiting(served: &Served, key: &str, query: &str) -> Value {
    let shown = served.client().get(&format!("/v1/appeals{query}"), &[("authorization", key)]);
    assert_eq!(shown.status, 200, "{}", shown.json());
    shown.json()
}

#[test]
fn appeals_wait_in_the_order_of_their_time_until_they_are_answered_whatever_ends_the_service() {
    let mut site = Site::start();
    let reviewer = site.reviewers[0].clone();
    assert_eq!(waiting(&site.served, &reviewer, ""), json!({"waiting": 0, "overdue": 0, "appeals": []}));
    let decisions = ["p1", "p2", "p3"].map(|id| site.decide(id, "真人荷官在线发牌"));
    let appealed = decisions.each_ref().map(|decision| site.appeal(decision, "这是反诈宣传").json());
    let shown = waiting(&site.served, &reviewer, "?limit=2");
    assert_eq!((&shown["waiting"], &shown["overdue"]), (&json!(3), &json!(0)));
    assert_eq!(shown["appeals"].as_array().map(Vec::len), Some(2));
    let shown = waiting(&site.served, &reviewer, "");
    let listed = shown["appeals"].as_array().expect("a list");
    assert_eq!(listed.len(), 3);
    let time = |listed: &Value| listed["due"].as_str().and_then(|due| due.parse::<jiff::Timestamp>().ok());
    assert!(listed.is_sorted_by_key(time));
    // Those of one millisecond stand in any order.
    for appealed in &appealed {
        let listed = listed.iter().find(|listed| listed["id"] == appealed["id"]).expect("it is listed");
        assert_eq!(listed["decision"], appealed["decision"]);
        assert_eq!((&listed["due"], &listed["overdue"]), (&appealed["due"], &json!(false)));
        assert!(listed["made"].is_string());
    }
    for limit in ["0", "1001", "-1", "many"] {
        let path = format!("/v1/appeals?limit={limit}");
        let refused = site.served.client().get(&path, &[("authorization", &reviewer)]);
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("invalid_body")), "{limit}");
    }
    assert_eq!(site.outcome(0, &decisions[0], "pass").status, 200);

    // A kill leaves the log alone, an ordered end a note.
    let left = waiting(&site.served, &reviewer, "");
    site.served.kill();
    site.served = Served::start(&site.place, "--config service.toml");
    assert_eq!(waiting(&site.served, &reviewer, ""), left);
    site.served.stop().expect(0, &[]);
    assert!(site.place.text("data/appeals.cursor").contains(&decisions[1]));
    site.served = Served::start(&site.place, "--config service.toml");
    assert_eq!(waiting(&site.served, &reviewer, ""), left);
    assert_eq!(site.outcome(0, &decisions[2], "review").status, 200);
    let left = waiting(&site.served, &reviewer, "");
    assert_eq!((&left["waiting"], &left["appeals"][0]["decision"]), (&json!(1), &json!(decisions[1])));

    // A note that cannot be read costs nothing but a look at the whole log.
    site.served.kill();
    site.place.write("data/appeals.cursor", "{");
    site.served = Served::start(&site.place, "--config service.toml");
    assert_eq!(waiting(&site.served, &reviewer, ""), left);
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
