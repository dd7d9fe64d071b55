//! What is answered, what is remembered, what is told to those who cannot wait.

use serde_json::{Value, json};

use crate::client::Served;
use crate::common::{Place, json_lines, string, wait_until};

const GAMBLING: &str = r#"{"id":"p1","text":"真人荷官在线发牌","account":"a1"}"#;

/// A decision without what belongs to the request.
fn decision(answer: &Value) -> Value {
    let mut decision = answer.clone();
    let fields = decision.as_object_mut().expect("an object");
    assert!(fields.remove("id").is_some() && fields.remove("request").is_some(), "{answer}");
    decision
}

#[test]
fn the_printed_command_gets_an_explained_block_from_the_shipped_bundle() {
    let place = Place::new();
    let mut command = place.command("serve --listen 127.0.0.1:0");
    let mut child = command.spawn().expect("the program starts");
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut first, mut curl) = (String::new(), String::new());
    std::io::BufRead::read_line(&mut lines, &mut first).expect("a line");
    std::io::BufRead::read_line(&mut lines, &mut curl).expect("a line");
    let address = first.split("http://").nth(1).and_then(|rest| rest.split(',').next()).expect("an address");
    assert!(
        curl.contains(&format!("curl -s http://{address}/v1/check -H 'content-type: application/json' -d '"))
    );
    let body = curl.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a body");
    let address = address.parse().expect("an address");
    let answer = crate::client::Client::connect(address).post("/v1/check", body, &[]).json();
    assert_eq!(answer["verdict"], "block", "{answer}");
    assert!(!answer["evidence"].as_array().expect("evidence").is_empty());
    assert!(place.exists("qingliu-data/log"));
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}

#[test]
fn the_answer_is_the_decision_that_explain_gives() {
    let place = Place::new();
    let served = Served::start(&place, "");
    for item in
        [GAMBLING, r#"{"id":"p2","text":"今天天气很好"}"#, r#"{"id":"p3","title":"刷单返利","text":""}"#]
    {
        let answer = served.check(item);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        place.write("item.json", item);
        let mut explain = place.command("explain --json --bundle bundle --item -");
        explain.stdin(std::fs::File::open(place.path("item.json")).expect("the item"));
        let explained = crate::common::finish(explain.spawn().expect("the program starts")).expect(0, &[]);
        let explained: Value = serde_json::from_str(&explained.stdout).expect("JSON");
        assert_eq!(decision(&answer.json()), explained);
    }
    let run = served.stop().expect(0, &[]);
    assert_eq!(run.stderr, "");
}

#[test]
fn every_decision_is_in_the_log_with_the_authors_words_apart() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let answer = served.check(GAMBLING).json();
    served.stop().expect(0, &[]);
    let records = Served::log(&place, "");
    let kinds: Vec<String> = records.iter().map(|record| string(&record["kind"])).collect();
    assert_eq!(kinds, ["service", "decision", "service"]);
    let record = &records[1];
    assert_eq!((&record["id"], &record["account"]), (&answer["id"], &json!("a1")));
    assert_eq!(record["decision"], decision(&answer));
    assert_eq!(record["item_sent"]["text"], "真人荷官在线发牌");
    let bare = Served::log(&place, "--no-text");
    assert_eq!(bare[1]["decision"]["evidence"][0]["matched"], "");
    assert!(bare[1].get("item_sent").is_none());
    assert_eq!(Served::log(&place, "--verdict pass"), Vec::<Value>::new());
    assert_eq!(Served::log(&place, "--account a1 --item p1 --verdict review").len(), 1);
    let verified = place.run("log --dir data/log --verify").expect(0, &[]);
    assert!(verified.stdout.starts_with("3 records (1 to 3)"), "{}", verified.stdout);
}

#[test]
fn a_batch_has_a_result_for_each_item_in_order() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let items = json!({"items": [
        {"id": "b1", "text": "真人荷官"}, {"id": "b2"}, {"id": "b3", "text": "好"}, 7, {"text": 5},
        {"id": "b6", "text": "刷单返利"},
    ]});
    let reply = served.client().post("/v1/check/batch", &items.to_string(), &[]);
    assert_eq!(reply.status, 200);
    let results = reply.json()["results"].as_array().expect("results").clone();
    let brief: Vec<Value> =
        results
            .iter()
            .map(|result| {
                if result["verdict"].is_null() {
                    result["pointer"].clone()
                } else {
                    result["verdict"].clone()
                }
            })
            .collect();
    assert_eq!(brief, ["review", "/items/1/text", "pass", "/items/3", "/items/4", "review"]);
    assert_eq!(results[1]["code"], "invalid_body");
    for items in [vec![], vec![1; 101], vec![1; 1000]] {
        let reply = served.client().post("/v1/check/batch", &json!({ "items": items }).to_string(), &[]);
        assert_eq!(reply.status, 400);
        assert!(string(&reply.json()["detail"]).contains("batch_items_max: a batch has 1 to 100 items"));
    }
}

/// Keys that nobody knows, with values that a JSON parser stumbles over.
fn strange() -> [String; 3] {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(2000), close.repeat(2000));
    [r#""\ud800""#.to_owned(), "1e999999".to_owned(), deep("[", "]")]
}

#[test]
fn what_is_not_looked_at_harms_neither_the_log_nor_other_items() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let item = |id: usize, value: &str| format!(r#"{{"id":"s{id}","text":"真人荷官","x":{value}}}"#);
    let items: Vec<String> = (0..).zip(strange()).map(|(id, value)| item(id, &value)).collect();
    for item in &items {
        let answer = served.check(item);
        assert_eq!((answer.status, &answer.json()["verdict"]), (200, &json!("review")));
        let path = format!("/v1/explain/{}", string(&answer.json()["id"]));
        assert_eq!(served.client().get(&path, &[("x-access-reason", "x")]).body, answer.body);
    }
    let nested = "[".repeat(10_000) + &"]".repeat(10_000);
    let body = format!(r#"{{"items":[{},{nested},{{"id":"t","text":"a\ud83d"}}]}}"#, items.join(","));
    let results = served.client().post("/v1/check/batch", &body, &[]).json()["results"].clone();
    assert_eq!(results.as_array().map(Vec::len), Some(5), "{results}");
    assert!((0..3).all(|index| results[index]["verdict"] == "review"));
    assert_eq!((&results[3]["pointer"], &results[4]["verdict"]), (&json!("/items/3"), &json!("pass")));
    served.stop().expect(0, &[]);
    // A value that is none is shown as it was sent.
    let log = Served::log(&place, "--item s1");
    assert_eq!(log[0]["item_sent"], json!(items[1]));
    assert_eq!(Served::log(&place, "--item t").len(), 1);
    assert!(place.run("log --dir data/log").expect(0, &[]).stdout.contains("[[[["));
    place.run("log --dir data/log --export data/log/0000000001.qlog").expect(2, &["is inside the log"]);
}

#[test]
fn names_of_fields_have_a_bound() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let item = |chars: usize| json!({"fields": {"f".repeat(chars): "真人荷官"}}).to_string();
    assert_eq!(served.check(&item(256)).json()["verdict"], "review");
    let refused = served.check(&item(257));
    assert_eq!(refused.status, 400);
    assert!(string(&refused.json()["detail"]).contains("257 bytes in the name of a field"));
}

#[test]
fn the_same_request_gets_the_same_answer_and_counts_once_even_after_a_crash() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let first = served.check(GAMBLING);
    assert_eq!(served.check(GAMBLING).body, first.body);
    let key = [("idempotency-key", "k1")];
    let with_key = served.client().post("/v1/check", r#"{"text":"刷单返利"}"#, &key);
    let again = served.client().post("/v1/check", r#"{"text":"刷单返利"}"#, &key);
    assert_eq!((with_key.status, &with_key.body), (200, &again.body));
    let conflict = served.client().post("/v1/check", r#"{"text":"别的"}"#, &key);
    assert_eq!((conflict.status, &conflict.json()["code"]), (409, &json!("idempotency_conflict")));
    // An edited post is another request; one without a name is always a new one.
    let edited = served.check(r#"{"id":"p1","text":"真人荷官在线发牌!","account":"a1"}"#);
    assert_ne!(edited.json()["id"], first.json()["id"]);
    let nameless = r#"{"text":"好"}"#;
    assert_ne!(served.check(nameless).json()["id"], served.check(nameless).json()["id"]);
    served.kill();

    let served = Served::start(&place, "");
    assert_eq!(served.check(GAMBLING).body, first.body);
    assert_eq!(served.client().post("/v1/check", r#"{"text":"刷单返利"}"#, &key).body, with_key.body);
    assert_eq!(served.client().post("/v1/check", r#"{"text":"别的"}"#, &key).status, 409);
    served.stop().expect(0, &[]);
    assert_eq!(Served::log(&place, "--item p1").len(), 2);
    assert_eq!(Served::log(&place, "--verdict review").len(), 3);
}

#[test]
fn many_at_once_with_one_key_share_one_decision() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let ask = || served.client().post("/v1/check", r#"{"text":"真人荷官"}"#, &[("idempotency-key", "one")]);
    let replies: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|thread| thread.join().expect("a reply")).collect()
    });
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.body == replies[0].body));
    served.stop().expect(0, &[]);
    assert_eq!(Served::log(&place, "--verdict review").len(), 1);
}

#[test]
fn a_decision_is_explained_later_and_the_look_is_recorded() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let answer = served.check(GAMBLING);
    let id = string(&answer.json()["id"]);
    let explained = served.client().get(&format!("/v1/explain/{id}"), &[("x-access-reason", "appeal 7")]);
    assert_eq!((explained.status, explained.body), (200, answer.body));
    for unknown in ["0", "00000000000000000000000000000000", "%ff", "../healthz"] {
        let looked = served.client().get(&format!("/v1/explain/{unknown}"), &[("x-access-reason", "x")]);
        assert_eq!(looked.status, 404);
    }
    served.stop().expect(0, &[]);
    let access: Vec<Value> =
        Served::log(&place, "").into_iter().filter(|record| record["kind"] == "access").collect();
    assert_eq!(access.len(), 1);
    assert_eq!((&access[0]["who"], &access[0]["why"]), (&json!("local"), &json!("appeal 7")));
    assert_eq!(access[0]["decision"], json!(id));
}

#[test]
fn who_cannot_wait_is_told_what_was_not_done_and_the_decision_follows() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let long = "今天天气很好。".repeat(20_000);
    let cases = [
        ("comment", "open", "pass"),
        ("post", "open", "pass"),
        ("article", "closed", "review"),
        ("profile", "closed", "review"),
        ("chat", "open", "pass"),
    ];
    let mut ids = Vec::new();
    for (surface, contract, verdict) in cases {
        // A long text goes to a worker, which cannot be done before the waiting begins.
        let item = json!({"id": surface, "surface": surface, "text": long}).to_string();
        let answer = served.client().post("/v1/check", &item, &[("x-deadline-ms", "0")]).json();
        assert_eq!(
            (&answer["contract"], &answer["verdict"]),
            (&json!(contract), &json!(verdict)),
            "{answer}"
        );
        assert!(string(&answer["degraded"]).starts_with("deadline_"), "{answer}");
        assert_eq!(answer["recheck"], true);
        ids.push(string(&answer["id"]));
    }
    let in_body = json!({"id": "x", "text": long, "options": {"timeout_ms": 0}}).to_string();
    assert_eq!(served.check(&in_body).json()["recheck"], true);
    served.stop().expect(0, &[]);
    for id in ids {
        let records = Served::log(&place, &format!("--id {id}"));
        assert_eq!(records.len(), 1, "the full decision on {id}");
        assert_eq!(records[0]["decision"]["degraded"], Value::Null);
    }
    let late = Served::log(&place, "");
    assert_eq!(late.iter().filter(|record| record["kind"] == "late").count(), 6);
}

#[test]
fn the_description_names_every_path_and_every_reference_leads_somewhere() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let document = served.client().get("/openapi.json", &[]).json();
    let paths: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    let all = ["/v1/check", "/v1/check/batch", "/v1/explain/{decision}", "/healthz", "/readyz", "/metrics"];
    assert!(all.iter().all(|path| paths.iter().any(|found| found == path)), "{paths:?}");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().expect("an end");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let page = served.client().get("/docs", &[]);
    assert!(page.status == 200 && page.header("content-security-policy").is_some());
}

#[test]
fn metrics_count_what_happened_and_hold_no_words() {
    let place = Place::new();
    let served = Served::start(&place, "");
    served.check(GAMBLING);
    served.check("{");
    let metrics = String::from_utf8(served.client().get("/metrics", &[]).body).expect("text");
    for line in [
        r#"qingliu_requests_total{operation="check",result="answered"} 1"#,
        r#"qingliu_requests_total{operation="check",result="refused"} 1"#,
        r#"qingliu_verdicts_total{surface="post",verdict="review"} 1"#,
        r#"qingliu_labels_total{label="gambling"#,
        "qingliu_in_flight_requests 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    assert!(!metrics.contains("荷官") && !metrics.contains("a1"));
}

#[test]
fn a_service_that_stops_finishes_what_it_has_begun() {
    let place = Place::new();
    let served = Served::start(&place, "");
    assert_eq!(served.client().get("/readyz", &[]).status, 200);
    let mut client = served.client();
    let long = json!({"id": "long", "text": "今天天气很好。".repeat(20_000)}).to_string();
    client.send("POST", "/v1/check", &[("content-type", "application/json")], long.as_bytes());
    // The request is inside once it is counted, or has been answered already.
    wait_until("request", || {
        let metrics = String::from_utf8(served.client().get("/metrics", &[]).body).expect("text");
        metrics.contains("qingliu_in_flight_requests 1") || metrics.contains(r#"result="answered"} 1"#)
    });
    served.terminate();
    assert_eq!(client.receive().expect("a reply").status, 200);
    served.stop_quietly();
    assert_eq!(json_lines(&place.run("log --dir data/log --item long").stdout).len(), 1);
}

#[test]
fn what_was_seen_before_a_restart_is_still_seen_after_it() {
    let place = Place::new();
    let text = "周末在社区花园种下的番茄终于结果了，邻居们都来帮忙采摘";
    let post = |served: &Served, id: &str| {
        served
            .check(&json!({"id": id, "account": id, "text": text, "time": 1_795_248_000_000_i64}).to_string())
            .json()
    };
    let served = Served::start(&place, "");
    post(&served, "n1");
    served.stop().expect(0, &[]);
    let served = Served::start(&place, "");
    assert_eq!(post(&served, "n2")["near_duplicate"]["of"], "n1");
    served.stop().expect(0, &[]);
    // A damaged window is told in the log, and the service begins with an empty one.
    for name in ["data/window.window-a", "data/window.window-b"] {
        if place.exists(name) {
            place.write(name, "no window");
        }
    }
    let served = Served::start(&place, "");
    assert!(post(&served, "n3").get("near_duplicate").is_none());
    served.stop().expect(0, &[]);
    let log = Served::log(&place, "");
    let starts: Vec<&Value> = log.iter().filter(|record| record["event"] == "start").collect();
    assert!(string(&starts[2]["reason"]).contains("damaged"), "{starts:?}");
}
