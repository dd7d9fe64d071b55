//! What is refused, and how.

use serde_json::json;

use crate::client::{Client, Served};
use crate::common::{Place, string};

#[test]
fn what_is_no_request_is_refused_with_a_reason() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let long = json!({"text": "好".repeat(800_000)}).to_string();
    let huge = " ".repeat(5 << 20);
    let cases: [(&str, &str, u16, &str); 10] = [
        ("/v1/check", "", 400, "invalid_body"),
        ("/v1/check", "{", 400, "invalid_body"),
        ("/v1/check", "[]", 400, "invalid_body"),
        ("/v1/check", r#"{"id":"x"}"#, 400, "invalid_body"),
        ("/v1/check", r#"{"text":"x","surface":"wall"}"#, 400, "invalid_body"),
        ("/v1/check", r#"{"type":"engagement","text":"x"}"#, 400, "invalid_body"),
        ("/v1/check", &long, 413, "too_large"),
        ("/v1/check", &huge, 413, "too_large"),
        ("/v1/check/batch", r#"{"items":[1]"#, 400, "invalid_body"),
        ("/v1/nothing", "{}", 404, "not_found"),
    ];
    let document = served.client().get("/openapi.json", &[]).json();
    for (path, body, status, code) in cases {
        let described = &document["paths"][path]["post"]["responses"];
        assert!(status == 404 || described.get(status.to_string()).is_some(), "{path} {status}");
        let reply = served.client().post(path, body, &[("x-request-id", "r7")]);
        let start: String = body.chars().take(40).collect();
        assert_eq!(reply.status, status, "{path} {start}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let problem = reply.json();
        assert_eq!((&problem["code"], &problem["request"]), (&json!(code), &json!("r7")), "{path} {start}");
        assert_eq!(problem["status"], json!(status));
    }
    assert_eq!(served.check("{\"text\":\"好\"}").status, 200);
}

#[test]
fn methods_headers_and_media_types_are_checked() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let body = br#"{"text":"x"}"#;
    let json_type = ("content-type", "application/json");
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        served.client().request(method, path, headers, body)
    };
    assert_eq!(ask("PUT", "/v1/check", &[json_type]).json()["code"], "method_not_allowed");
    assert_eq!(ask("POST", "/v1/check", &[]).status, 415);
    assert_eq!(ask("POST", "/v1/check", &[("content-type", "text/plain")]).status, 415);
    assert_eq!(ask("POST", "/v1/check", &[("content-type", "application/json; charset=utf-8")]).status, 200);
    assert_eq!(ask("POST", "/v1/check", &[json_type, ("content-encoding", "identity")]).status, 200);
    for path in ["/v1/check", "/v1/check/batch", "/v1/engagement", "/v1/bundles"] {
        assert_eq!(ask("POST", path, &[json_type, ("content-encoding", "gzip")]).status, 415, "{path}");
    }
    for header in [("x-deadline-ms", "soon"), ("x-deadline-ms", "-1"), ("idempotency-key", "")] {
        let reply = ask("POST", "/v1/check", &[json_type, header]);
        assert_eq!(reply.json()["code"], "invalid_header", "{header:?}");
    }
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(ask("POST", "/v1/check", &many).status, 431);
}

#[test]
fn bytes_that_are_no_text_are_refused_and_the_connection_goes_on() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = served.client();
    let json_type = [("content-type", "application/json")];
    let reply = client.request("POST", "/v1/check", &json_type, b"{\"text\":\"\xff\"}");
    assert_eq!((reply.status, string(&reply.json()["detail"]).contains("UTF-8")), (400, true));
    assert_eq!(client.post("/v1/check", r#"{"text":"好"}"#, &[]).status, 200);
    let mut broken = Client::connect(served.address);
    broken.raw(b"\x16\x03\x01\x02 no HTTP\r\n\r\n");
    assert!(broken.receive().is_none_or(|reply| reply.status == 400));
    assert_eq!(served.check(r#"{"text":"好"}"#).status, 200);
}
