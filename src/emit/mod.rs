//! Decisions out, as JSON lines and to webhooks; clusters out, as graphs.

mod address;
mod graph;
mod lag;
mod outbox;
mod replay;
mod tls;
mod url;
mod webhook;

pub use address::is_public;
pub use graph::{dot_graph, svg_graph};
pub use lag::SinkLag;
pub use outbox::{Cursor, Event, JsonlSink, Next, Outbox, Which, run_jsonl};
pub use tls::TlsError;
pub(crate) use tls::{provider, read_certificates, read_pem, read_roots};
pub use url::{UrlError, WebhookUrl};
pub use webhook::{Delivery, Secret, WebhookSink, run_webhook, signature};

use crate::intake::Reject;
use crate::model::Decision;

/// Appends a decision and a line end.
pub fn write_decision(decision: &Decision, out: &mut Vec<u8>) {
    write_line(decision, out);
}

/// Appends a record of the engagement stream and a line end.
pub fn write_record(record: &impl serde::Serialize, out: &mut Vec<u8>) {
    write_line(record, out);
}

/// Appends a rejection record and a line end.
pub fn write_reject(reject: &Reject, out: &mut Vec<u8>) {
    write_line(reject, out);
}

fn write_line(value: &impl serde::Serialize, out: &mut Vec<u8>) {
    let before = out.len();
    // Our own types have string keys and finite numbers, and a vector takes every byte: this does not fail.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(before);
        return;
    }
    out.push(b'\n');
}
