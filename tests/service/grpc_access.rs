//! Who may call what.

use qingliu::serve::grpc::v1;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use crate::access::{ROLES, add_key};
use crate::client::Served;
use crate::common::{Place, wait_until};
use crate::grpc_client::{Http2, connect, health, json, moderation, origin, reason, result, with};

const CHECKERS: &[&str] = &["publisher", "admin"];

/// Calls, and the roles that may.
const CALLS: [(&str, &[&str]); 7] = [
    ("Check", CHECKERS),
    ("CheckBatch", CHECKERS),
    ("CheckStream", CHECKERS),
    ("RecordEngagement", CHECKERS),
    ("Explain", &["reviewer", "auditor", "admin"]),
    ("Reflection", &ROLES),
    ("Nothing", &ROLES),
];

const ITEM: &str = r#"{"text":"x"}"#;

async fn call(connection: &Http2, name: &str, key: Option<&str>) -> Code {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let metadata: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    let mut client = moderation(connection.clone());
    let called = match name {
        "Check" => client.check(with(json(ITEM), &metadata)).await.map(|_| ()),
        "CheckBatch" => {
            let batch = v1::CheckBatchRequest { items: vec![json(ITEM)], ..Default::default() };
            client.check_batch(with(batch, &metadata)).await.map(|_| ())
        }
        "CheckStream" => {
            let stream = client.check_stream(with(tokio_stream::iter([json(ITEM)]), &metadata)).await;
            match stream {
                Ok(stream) => stream.into_inner().message().await.map(|_| ()),
                Err(status) => Err(status),
            }
        }
        "RecordEngagement" => {
            let lines = v1::RecordEngagementRequest { json_lines: "{}".to_owned(), ..Default::default() };
            client.record_engagement(with(lines, &metadata)).await.map(|_| ())
        }
        "Explain" => {
            let explain = v1::ExplainRequest { reason: "test".to_owned(), ..Default::default() };
            client.explain(with(explain, &metadata)).await.map(|_| ())
        }
        "Reflection" => {
            let mut client = ServerReflectionClient::with_origin(connection.clone(), origin());
            let questions = tokio_stream::iter([ServerReflectionRequest::default()]);
            client.server_reflection_info(with(questions, &metadata)).await.map(|_| ())
        }
        _ => {
            let mut client = tonic::client::Grpc::with_origin(connection.clone(), origin());
            client.ready().await.expect("a connection");
            let codec = tonic_prost::ProstCodec::<v1::ExplainRequest, v1::Answer>::default();
            let path = "/qingliu.v1.Moderation/Nothing".parse().expect("a path");
            client.unary(with(v1::ExplainRequest::default(), &metadata), path, codec).await.map(|_| ())
        }
    };
    called.map_or_else(|status| status.code(), |()| Code::Ok)
}

#[tokio::test]
async fn every_call_opens_for_its_roles_and_for_nobody_else() {
    let place = Place::new();
    let keys: Vec<(&str, String)> = ROLES.iter().map(|role| (*role, add_key(&place, role, ""))).collect();
    let expired = add_key(&place, "admin", "--days 0");
    let served = Served::start(&place, "");
    let connection = connect(&served).await;
    for (name, allowed) in CALLS {
        for (role, key) in &keys {
            let code = call(&connection, name, Some(key)).await;
            // What is not there is told only to those who may ask.
            let is_open = matches!(code, Code::Ok | Code::NotFound | Code::Unimplemented);
            assert_eq!(is_open, allowed.contains(role), "{name} {role}: {code:?}");
            assert!(is_open || code == Code::PermissionDenied, "{name} {role}: {code:?}");
        }
        let wrong = format!("{}0", &keys[4].1);
        for key in [None, Some(""), Some("ql_00000000_00"), Some(wrong.as_str()), Some(expired.as_str())] {
            assert_eq!(call(&connection, name, key).await, Code::Unauthenticated, "{name} {key:?}");
        }
    }
    let mut client = health(connection);
    assert!(client.check(HealthCheckRequest::default()).await.is_ok());
    let unknown = HealthCheckRequest { service: "other".to_owned() };
    assert_eq!(client.check(unknown).await.expect_err("unknown").code(), Code::NotFound);
}

#[tokio::test]
async fn the_items_of_a_stream_count_each_and_a_key_that_ends_ends_it() {
    const ITEMS: usize = 40;
    let place = Place::new();
    let slow = format!("Bearer {}", add_key(&place, "publisher", "--rate 1"));
    let served = Served::start(&place, "");
    let mut client = moderation(connect(&served).await);
    let requests = || tokio_stream::iter(vec![json(ITEM); ITEMS]);
    // The stream itself may take the only request of this second.
    let mut answers = loop {
        match client.check_stream(with(requests(), &[("authorization", &slow)])).await {
            Ok(answers) => break answers.into_inner(),
            Err(status) => assert_eq!(reason(&status), ("RATE_LIMITED".to_owned(), Some(1))),
        }
    };
    let mut limited = 0;
    for _ in 0..ITEMS {
        if let Err(problem) = result(answers.message().await.expect("no end").expect("a result")) {
            assert_eq!((problem.code.as_str(), problem.retry_after_ms), ("rate_limited", 1000));
            limited += 1;
        }
    }
    assert!(limited > 0);
    let other = add_key(&place, "admin", "");
    wait_until("new key", || {
        served.client().get("/metrics", &[("authorization", &format!("Bearer {other}"))]).status == 200
    });
    let (send, requests) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let bearer = format!("Bearer {other}");
    let mut answers = client
        .check_stream(with(requests, &[("authorization", &bearer)]))
        .await
        .expect("a stream")
        .into_inner();
    send.send(json(ITEM)).await.expect("room");
    assert!(answers.message().await.expect("no end").is_some());
    let id = other.split('_').nth(1).expect("an id");
    place.run(&format!("key revoke {id} --data data")).expect(0, &[]);
    wait_until("closed door", || {
        served.client().get("/metrics", &[("authorization", &bearer)]).status == 401
    });
    send.send(json(ITEM)).await.expect("room");
    assert_eq!(answers.message().await.expect_err("an end").code(), Code::Unauthenticated);
}
