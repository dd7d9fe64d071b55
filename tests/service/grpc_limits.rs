//! What clients of gRPC cannot do to others.

use std::io::Read as _;
use std::net::TcpStream as StdStream;

use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response};
use prost::Message as _;
use qingliu::serve::grpc::v1;
use tokio::net::TcpStream;
use tokio_stream::StreamExt as _;
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::client::Served;
use crate::common::Place;
use crate::grpc_client::{Http2, connect, json, moderation, speak};

const ITEM: &str = r#"{"text":"今天天气很好"}"#;

/// Sends bytes as the body of a call; the body does not end.
async fn send(connection: &Http2, path: &str, content_type: &str, bytes: Vec<u8>) -> Response<Incoming> {
    let frames = tokio_stream::iter([Ok::<_, tonic::Status>(Frame::data(Bytes::from(bytes)))]);
    let body = StreamBody::new(frames.chain(tokio_stream::pending()));
    let request = Request::post(format!("http://test{path}"))
        .header("content-type", content_type)
        .header("te", "trailers")
        .body(Body::new(body))
        .expect("a request");
    connection.clone().oneshot(request).await.expect("a response")
}

/// Bytes with the prefix of a message.
fn framed(compressed: u8, length: usize, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).expect("a length").to_be_bytes();
    [&[compressed][..], &length, bytes].concat()
}

fn code(response: &Response<Incoming>) -> &str {
    response.headers().get("grpc-status").and_then(|code| code.to_str().ok()).unwrap_or("none")
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_a_reason() {
    let place = Place::new();
    place.write("service.toml", "[limits]\nbody_ms = 200\n");
    let served = Served::start(&place, "--config service.toml");
    let connection = connect(&served).await;
    let items =
        v1::CheckBatchRequest { items: vec![v1::CheckRequest::default(); 8193], ..Default::default() };
    let items = items.encode_to_vec();
    let (check, batch, stream) = (
        "/qingliu.v1.Moderation/Check",
        "/qingliu.v1.Moderation/CheckBatch",
        "/qingliu.v1.Moderation/CheckStream",
    );
    let grpc = "application/grpc+proto";
    let cases = [
        // Half a message, and none at all: DEADLINE_EXCEEDED.
        (check, grpc, framed(0, 100, b"half"), "4", "body_timeout"),
        (check, grpc, vec![], "4", "body_timeout"),
        // The rest is INVALID_ARGUMENT.
        (check, grpc, framed(0, 5 << 20, b""), "3", "body_bytes_max"),
        (check, grpc, framed(1, 4, b"gzip"), "3", "compressed"),
        (check, grpc, framed(0, 3, b"\xff\xff\xff"), "3", "body"),
        (check, grpc, framed(0, 4, b"\x12\x02\xff\xff"), "3", "UTF-8"),
        (batch, grpc, framed(0, items.len(), &items), "3", "fields_max"),
        (check, "text/plain", framed(0, 0, b""), "3", "application"),
    ];
    for (path, content_type, bytes, want, part) in cases {
        let start: Vec<u8> = bytes.iter().take(9).copied().collect();
        let response = send(&connection, path, content_type, bytes).await;
        assert_eq!((code(&response), response.status().as_u16()), (want, 200), "{path} {start:?}");
        let message = response.headers()["grpc-message"].to_str().expect("text").to_owned();
        assert!(message.contains(part), "{path} {start:?}: {message}");
    }
    // In a stream, half a message ends it after the answers.
    let whole = json(ITEM).encode_to_vec();
    let bytes = [framed(0, whole.len(), &whole), framed(0, 100, b"half")].concat();
    let response = send(&connection, stream, grpc, bytes).await;
    let collected = response.into_body().collect().await.expect("an end");
    let trailers = collected.trailers().expect("trailers").clone();
    assert_eq!(trailers["grpc-status"], "4");
    assert!(collected.to_bytes().len() > 100);
    // The connection goes on.
    assert!(moderation(connection).check(json(ITEM)).await.is_ok());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_others_are_served() {
    let place = Place::new();
    place.write("service.toml", "[limits]\nwrite_ms = 300\nin_flight = 2\n");
    let served = Served::start(&place, "--config service.toml");
    let stream = TcpStream::connect(served.grpc).await.expect("a connection");
    // Room for less than one answer.
    let (connection, ended) = speak(stream, 16).await;
    let requests = tokio_stream::iter(vec![json(ITEM); 1000]);
    let answers = moderation(connection).check_stream(requests).await.expect("a stream");
    // While it reads nothing, it holds no place.
    let mut other = moderation(connect(&served).await);
    while !ended.is_finished() {
        if let Err(status) = other.check(json(ITEM)).await {
            assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
        }
    }
    drop(answers);
    // What the client has sent is judged to its end; then both places are free.
    let mut refused = 0;
    while let Err(status) = other.check(json(ITEM)).await {
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
        refused += 1;
        assert!(refused < 10_000, "its places are not given back");
    }
    served.stop().expect(0, &[]);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let place = Place::new();
    place.write("service.toml", "[limits]\nheader_ms = 200\n");
    let served = Served::start(&place, "--config service.toml");
    let mut silent = StdStream::connect(served.grpc).expect("a connection");
    // What the service says first, and then the end.
    let mut said = Vec::new();
    let _ = silent.read_to_end(&mut said);
    // So is one that has spoken and then asks nothing.
    let stream = TcpStream::connect(served.grpc).await.expect("a connection");
    let (connection, ended) = speak(stream, 1 << 16).await;
    ended.await.expect("an end");
    drop(connection);
    served.stop().expect(0, &[]);
}

#[tokio::test]
async fn heads_are_bounded() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let connection = connect(&served).await;
    let request = Request::post("http://test/qingliu.v1.Moderation/Check")
        .header("content-type", "application/grpc")
        .header("x-long", "x".repeat(20 << 10))
        .body(Body::empty())
        .expect("a request");
    let refused = connection.clone().oneshot(request).await;
    assert!(refused.is_err() || refused.is_ok_and(|response| response.status() == 431));
    assert!(moderation(connect(&served).await).check(json(ITEM)).await.is_ok());
}
