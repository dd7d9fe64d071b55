//! What the log remembers for a service that starts.

use std::sync::PoisonError;

use super::correlator::Books;
use super::judge::{digest, unhex};
use super::options::ServeOptions;
use crate::store::log::{LogError, Position, Reader, read_header, segments};

/// Reads back from the log which keys were used, and where decisions are.
pub(super) fn remember(options: &ServeOptions, books: &Books, since_ms: i64) -> Result<(), LogError> {
    /// The part of a decision's record that is needed for this.
    #[derive(serde::Deserialize)]
    struct Names {
        kind: String,
        #[serde(default)]
        id: String,
        #[serde(default)]
        key: Option<String>,
        #[serde(default)]
        body: Option<String>,
    }
    let mut reader =
        Reader::at(&options.log.dir, Position { segment: first_since(options, since_ms)?, offset: 0 });
    let mut keys = books.keys.lock().unwrap_or_else(PoisonError::into_inner);
    let mut decisions = books.decisions.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(found) = reader.read_whole()? {
        let Ok(names) = serde_json::from_slice::<Names>(&found.record.public) else { continue };
        if !["decision", "outcome", "appeal"].contains(&names.kind.as_str()) {
            continue;
        }
        decisions.insert(digest(&[b"id", names.id.as_bytes()]), found.position);
        let digests = names.key.as_deref().and_then(unhex).zip(names.body.as_deref().and_then(unhex));
        if let Some(pair) = digests.filter(|_| found.record.time_ms >= since_ms) {
            keys.restore(pair, found.record.time_ms, found.position);
        }
    }
    Ok(())
}

/// The segment in which records of a time begin.
pub(super) fn first_since(options: &ServeOptions, since_ms: i64) -> Result<u64, LogError> {
    let all = segments(&options.log.dir)?;
    let mut first = all.first().map_or(0, |segment| segment.number);
    for segment in &all {
        match read_header(segment) {
            Ok(header) if header.time_ms <= since_ms => first = segment.number,
            Ok(_) => break,
            Err(_) => {}
        }
    }
    Ok(first)
}
