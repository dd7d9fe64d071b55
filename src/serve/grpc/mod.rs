//! The same service over gRPC: messages → what HTTP takes → what HTTP answers → messages.
//!
//! ```text
//! connection ─► gate ─► body ─► calls, stream ─► Service ─► convert, status
//!   limits      key,     limits
//!               role
//! ```
//! There is no second way through the engine: an item becomes the JSON that HTTP takes, and an answer is read from the JSON
//! that HTTP gives. What a caller may do is decided before its message is read.

mod body;
mod calls;
mod codec;
mod connection;
mod convert;
mod flow;
mod gate;
mod health;
mod status;
mod stream;

pub(super) use connection::{Gateway, speak};

/// The messages and the client, made from `proto/qingliu/v1/qingliu.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::large_enum_variant,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("qingliu.v1");

    /// The description of this package, an encoded `google.protobuf.FileDescriptorSet`.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/qingliu.v1.bin"));
}

/// Requests of one connection at a time; more wait at the client.
const STREAMS_MAX: u32 = 256;
/// Bytes that a client may send ahead: in one request, and in all of a connection. HTTP/2 ends a connection whose unread frames
/// are many and small; what it allows is half the connection's window at 256 bytes for each, so that this one is far larger than
/// that of a stream, which may be full of messages of some twenty bytes.
const STREAM_WINDOW_BYTES: u32 = 32 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes of a request's headers.
const HEADER_LIST_BYTES_MAX: u32 = 16 << 10;
/// Requests that a client has cancelled before they were looked at; more end the connection.
const RESET_STREAMS_MAX: usize = 32;
/// Items of one stream that are judged at a time.
const STREAM_ITEMS_MAX: usize = 32;
/// Clients that watch the service's health at a time.
const WATCHERS_MAX: usize = 1024;
