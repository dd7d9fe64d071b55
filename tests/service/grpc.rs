//! gRPC gives what HTTP gives.

use qingliu::serve::grpc::v1;
use qingliu::serve::grpc::v1::check_request::Input;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::{v1 as reflection, v1alpha};

use crate::client::Served;
use crate::common::{Place, string};
use crate::grpc_client::{connect, health, json as item_json, moderation, origin, reason, result, with};

const GAMBLING: &str = r#"{"id":"p1","text":"真人荷官在线发牌","account":"a1"}"#;

fn typed(id: &str, text: &str) -> v1::CheckRequest {
    let account = Some(v1::Account { id: "a1".to_owned(), credit_tier: Some(3), ..Default::default() });
    let item = v1::Item { id: id.to_owned(), text: text.to_owned(), account, ..Default::default() };
    v1::CheckRequest { input: Some(Input::Item(Box::new(item))), with_json: true, ..Default::default() }
}

/// What is typed in an answer says what its JSON says.
fn assert_agrees(answer: &v1::Answer) {
    let json: Value = serde_json::from_str(&answer.json).expect("JSON");
    let verdict = v1::Verdict::try_from(answer.verdict).expect("a verdict").as_str_name();
    assert_eq!(verdict, format!("VERDICT_{}", string(&json["verdict"]).to_uppercase()));
    assert_eq!(json["id"], json!(answer.id));
    assert_eq!(json["request"], json!(answer.request));
    assert_eq!(json["item"], json!(answer.item));
    assert_eq!(json["score"], json!(answer.score));
    assert_eq!(json["basis"], json!(answer.basis));
    assert_eq!(json["degraded"], json!(answer.degraded));
    let labels: Vec<Value> =
        answer.labels.iter().map(|label| json!({"label": label.label, "score": label.score})).collect();
    assert_eq!(json["labels"], json!(labels));
    let evidence = json["evidence"].as_array().expect("evidence");
    assert_eq!(evidence.len(), answer.evidence.len());
    for (json, evidence) in evidence.iter().zip(&answer.evidence) {
        let kind = v1::EvidenceKind::try_from(evidence.kind).expect("a kind").as_str_name();
        assert_eq!(kind, format!("EVIDENCE_KIND_{}", string(&json["kind"]).to_uppercase()));
        let spans: Vec<Value> = evidence
            .spans
            .iter()
            .map(|span| json!({"field": span.field, "start": span.start, "end": span.end}))
            .collect();
        assert_eq!(json["spans"], json!(spans));
        assert_eq!(json["matched"], json!(evidence.matched));
        assert_eq!(json["weight"], json!(evidence.weight));
        assert_eq!(json["necessary"], json!(evidence.necessary));
    }
    let versions = answer.versions.as_ref().expect("versions");
    assert_eq!(json["versions"], json!({"bundle": versions.bundle, "engine": versions.engine}));
}

#[tokio::test]
async fn the_same_item_is_the_same_decision_over_http_and_grpc() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let over_http = served.check(GAMBLING);
    let mut client = moderation(connect(&served).await);
    let response = client.check(item_json(GAMBLING)).await.expect("an answer");
    assert!(response.metadata().get("x-request-id").is_some());
    let answer = response.into_inner();
    assert_eq!(answer.json.as_bytes(), over_http.body);
    assert_eq!(answer.verdict(), v1::Verdict::Review);
    assert_agrees(&answer);
    let bare = v1::CheckRequest { with_json: false, ..item_json(GAMBLING) };
    let bare = client.check(bare).await.expect("an answer").into_inner();
    assert_eq!(bare, v1::Answer { json: String::new(), ..answer.clone() });
    // Looked at again: by what it was asked for, and why is in the log.
    let explain = v1::ExplainRequest { id: answer.id.clone(), reason: "appeal".to_owned(), with_json: true };
    assert_eq!(client.explain(explain).await.expect("an answer").into_inner(), answer);
    let unknown = |reason: &str| v1::ExplainRequest {
        id: "00".to_owned(),
        reason: reason.to_owned(),
        ..Default::default()
    };
    assert_eq!(client.explain(unknown("申诉")).await.expect_err("nothing").code(), Code::NotFound);
    for unfit in ["", "two\nlines", &"x".repeat(257)] {
        let refused = client.explain(unknown(unfit)).await.expect_err("a refusal");
        assert_eq!(refused.code(), Code::InvalidArgument, "{unfit}");
    }
    served.stop().expect(0, &[]);
    let log = Served::log(&place, "");
    let count = |kind: &str| log.iter().filter(|record| record["kind"] == kind).count();
    assert_eq!((count("decision"), count("access")), (1, 1));
    assert!(log.iter().any(|record| record["why"] == "appeal"), "{log:?}");
}

#[tokio::test]
async fn a_typed_item_is_judged_as_its_json_is() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = moderation(connect(&served).await);
    let first = client.check(typed("t1", "真人荷官在线发牌")).await.expect("an answer").into_inner();
    assert_eq!((first.verdict(), first.item.as_str()), (v1::Verdict::Review, "t1"));
    assert_agrees(&first);
    let again = client.check(typed("t1", "真人荷官在线发牌")).await.expect("an answer").into_inner();
    assert_eq!(again, first);
    let mut profile = typed("t2", "");
    let Some(Input::Item(item)) = &mut profile.input else { unreachable!() };
    item.set_type(v1::ItemType::Profile);
    item.fields.insert("bio".to_owned(), "刷单返利".to_owned());
    item.time_ms = Some(1_700_000_000_000);
    let answer = client.check(profile.clone()).await.expect("an answer").into_inner();
    assert_eq!(answer.evidence[0].spans[0].field, "bio");
    // The item as it was sent is in the log, in the form that HTTP takes.
    served.stop().expect(0, &[]);
    let sent = &Served::log(&place, "--item t2")[0]["item_sent"];
    assert_eq!(
        sent,
        &json!({"type": "profile", "id": "t2", "time": 1_700_000_000_000_i64,
        "account": {"id": "a1", "credit_tier": 3}, "fields": {"bio": "刷单返利"}})
    );
}

#[tokio::test]
async fn a_batch_has_a_result_for_each_item_in_its_order() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = moderation(connect(&served).await);
    let mut wrong_type = typed("b4", "好");
    let Some(Input::Item(item)) = &mut wrong_type.input else { unreachable!() };
    item.r#type = 99;
    let items = vec![
        item_json(GAMBLING),
        v1::CheckRequest::default(),
        item_json("{"),
        typed("b3", "刷单返利"),
        wrong_type,
        item_json(r#"{"id":"b5","text":"今天天气很好"}"#),
    ];
    let batch = v1::CheckBatchRequest { items, with_json: true, ..Default::default() };
    let results = client.check_batch(batch.clone()).await.expect("results").into_inner().results;
    let brief = results.iter().cloned().map(|found| match result(found) {
        Ok(answer) => {
            assert_agrees(&answer);
            answer.verdict().as_str_name().to_owned()
        }
        Err(problem) => format!("{} {}", problem.code, problem.pointer),
    });
    assert_eq!(
        brief.collect::<Vec<_>>(),
        [
            "VERDICT_REVIEW",
            "invalid_body /items/1",
            "invalid_body /items/2",
            "VERDICT_REVIEW",
            "invalid_body /items/4/type",
            "VERDICT_PASS"
        ]
    );
    for count in [0, 101] {
        let batch = v1::CheckBatchRequest { items: vec![item_json(GAMBLING); count], ..Default::default() };
        let status = client.check_batch(batch).await.expect_err("a refusal");
        assert_eq!((status.code(), reason(&status).0.as_str()), (Code::InvalidArgument, "INVALID_BODY"));
        assert!(status.message().contains("batch_items_max"), "{status}");
    }
}

#[tokio::test]
async fn engagement_is_recorded_line_by_line() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = moderation(connect(&served).await);
    let event = r#"{"type":"engagement","kind":"like","actor":{"id":"u1"},"target":{"kind":"post","id":"p1"},"time":"2026-11-21T08:00:00Z"}"#;
    let lines = |text: &str| v1::RecordEngagementRequest {
        json_lines: text.to_owned(),
        idempotency_key: "k".to_owned(),
        ..Default::default()
    };
    let sent = format!("{event}\n{{\"type\":\"nothing\"}}\n{event}\n");
    let answer = client.record_engagement(lines(&sent)).await.expect("an answer").into_inner();
    assert_eq!((answer.accepted, answer.rejected, answer.rejections.len()), (2, 1, 1));
    assert_eq!(answer.rejections[0].line, 2);
    assert!(!answer.rejections[0].reason.is_empty());
    // The same lines under the same key count once, others are a conflict.
    assert_eq!(client.record_engagement(lines(&sent)).await.expect("an answer").into_inner(), answer);
    assert_eq!(
        client.record_engagement(lines(event)).await.expect_err("a conflict").code(),
        Code::AlreadyExists
    );
    // It is what HTTP answers.
    let json_lines = [("content-type", "application/x-ndjson"), ("idempotency-key", "k")];
    let over_http = served.client().request("POST", "/v1/engagement", &json_lines, sent.as_bytes());
    assert_eq!(over_http.json()["accepted"], 2);
}

#[tokio::test]
async fn a_key_stands_for_one_item_and_who_cannot_wait_is_told() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = moderation(connect(&served).await);
    let keyed = |text: &str| v1::CheckRequest { idempotency_key: "k".to_owned(), ..typed("", text) };
    let first = client.check(keyed("好")).await.expect("an answer").into_inner();
    assert_eq!(client.check(keyed("好")).await.expect("an answer").into_inner(), first);
    // The metadata of that name says the same.
    let by_metadata = with(typed("", "好"), &[("idempotency-key", "k")]);
    assert_eq!(client.check(by_metadata).await.expect("an answer").into_inner(), first);
    let status = client.check(keyed("刷单返利")).await.expect_err("a conflict");
    assert_eq!((status.code(), reason(&status).0.as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
    for deadline in [("x-deadline-ms", "0"), ("grpc-timeout", "1n")] {
        let late = client.check(with(typed(deadline.0, "刷单返利"), &[deadline])).await;
        let late = late.expect("an answer").into_inner();
        assert!(late.degraded.as_deref().is_some_and(|why| why.starts_with("deadline_")), "{late:?}");
        assert_eq!((late.contract(), late.recheck), (v1::Contract::Open, true));
        assert_agrees(&late);
    }
    let article = Some(Input::ItemJson(r#"{"id":"a","surface":"article","text":"好"}"#.to_owned()));
    let article = v1::CheckRequest { input: article, ..Default::default() };
    let held = client.check(with(article, &[("x-deadline-ms", "0")])).await.expect("an answer").into_inner();
    assert_eq!((held.contract(), held.verdict()), (v1::Contract::Closed, v1::Verdict::Review));
    let status =
        client.check(with(typed("x", "好"), &[("grpc-timeout", "soon")])).await.expect_err("a refusal");
    assert_eq!(reason(&status).0, "INVALID_HEADER");
}

#[tokio::test]
async fn a_stream_answers_in_the_order_of_its_requests() {
    const ITEMS: usize = 300;
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = moderation(connect(&served).await);
    // Long texts go another way through the service, bad ones go none.
    let request = |n: usize| match n % 7 {
        3 => item_json(&format!(r#"{{"id":"s{n}","text":"{}刷单返利"}}"#, "天气很好。".repeat(2000))),
        5 => item_json("{"),
        _ => typed(&format!("s{n}"), "今天天气很好"),
    };
    let requests = tokio_stream::iter((0..ITEMS).map(request));
    let mut answers = client.check_stream(requests).await.expect("a stream").into_inner();
    for n in 0..ITEMS {
        let found = result(answers.message().await.expect("no end").expect("an answer"));
        match n % 7 {
            3 => assert_eq!(found.expect("an answer").verdict(), v1::Verdict::Review),
            5 => assert_eq!(found.expect_err("a problem").code, "invalid_body"),
            _ => assert_eq!(found.expect("an answer").item, format!("s{n}")),
        }
    }
    assert!(answers.message().await.expect("an end in order").is_none());
    let keyed = with(tokio_stream::iter([typed("x", "好")]), &[("idempotency-key", "k")]);
    let status = client.check_stream(keyed).await.expect_err("a refusal");
    assert_eq!(reason(&status).0, "INVALID_HEADER");
}

#[tokio::test]
async fn a_client_may_send_many_short_items_ahead() {
    const ITEMS: usize = 3000;
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = moderation(connect(&served).await);
    let requests = tokio_stream::iter((0..ITEMS).map(|n| typed(&format!("a{n}"), "好")));
    let mut answers = client.check_stream(requests).await.expect("a stream").into_inner();
    for n in 0..ITEMS {
        let found = result(answers.message().await.expect("no end").expect("an answer"));
        assert_eq!(found.expect("an answer").item, format!("a{n}"));
    }
    assert!(answers.message().await.expect("an end in order").is_none());
}

#[tokio::test]
async fn a_service_that_stops_answers_what_it_has_read_and_ends_its_streams() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let connection = connect(&served).await;
    let mut client = moderation(connection.clone());
    let watch = |name: &str| HealthCheckRequest { service: name.to_owned() };
    let mut watched = health(connection.clone())
        .watch(watch("qingliu.v1.Moderation"))
        .await
        .expect("a stream")
        .into_inner();
    let state = |told: Option<tonic_health::pb::HealthCheckResponse>| told.map(|told| told.status());
    assert_eq!(state(watched.message().await.expect("a state")), Some(ServingStatus::Serving));
    let mut unknown = health(connection).watch(watch("other")).await.expect("a stream").into_inner();
    assert_eq!(state(unknown.message().await.expect("a state")), Some(ServingStatus::ServiceUnknown));
    let (send, requests) = mpsc::channel(4);
    let mut answers =
        client.check_stream(ReceiverStream::new(requests)).await.expect("a stream").into_inner();
    for n in 0..3 {
        send.send(typed(&format!("d{n}"), "好")).await.expect("room");
        let answer = result(answers.message().await.expect("no end").expect("an answer"));
        assert_eq!(answer.expect("an answer").item, format!("d{n}"));
    }
    served.terminate();
    let status = answers.message().await.expect_err("an end with a reason");
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, ("DRAINING".to_owned(), Some(5))));
    assert_eq!(state(watched.message().await.expect("a state")), Some(ServingStatus::NotServing));
    assert_eq!(state(watched.message().await.expect("an end in order")), None);
    served.stop_quietly();
}

#[tokio::test]
async fn reflection_describes_what_is_served() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let connection = connect(&served).await;
    let ask = |question| reflection::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let questions = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("qingliu.v1.Moderation".to_owned())),
    ];
    let mut client = ServerReflectionClient::with_origin(connection.clone(), origin());
    let asked = client.server_reflection_info(tokio_stream::iter(questions)).await;
    let mut answers = asked.expect("a stream").into_inner();
    let mut next = async || answers.message().await.expect("no end").and_then(|found| found.message_response);
    let Some(MessageResponse::ListServicesResponse(list)) = next().await else { panic!("no list") };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["qingliu.v1.Moderation", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"] {
        assert!(names.iter().any(|found| found == name), "{name} is missing in {names:?}");
    }
    let Some(MessageResponse::FileDescriptorResponse(file)) = next().await else { panic!("no file") };
    assert!(String::from_utf8_lossy(&file.file_descriptor_proto[0]).contains("qingliu/v1/qingliu.proto"));
    // Older clients ask the older version.
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::with_origin(connection, origin());
    let question = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let question = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut answers =
        client.server_reflection_info(tokio_stream::iter([question])).await.expect("a stream").into_inner();
    assert!(answers.message().await.expect("no end").is_some());
}
