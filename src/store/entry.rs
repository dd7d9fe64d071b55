//! What the records of the log of decisions say.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::log::Record;
use crate::model::{Decision, Evidence, Surface, Verdict};

/// The public part of a record, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A decision. The author's words are in the private part.
    Decision(Box<DecisionEntry>),
    /// A caller could not wait and was told something else first.
    Late(LateEntry),
    /// Somebody saw content or evidence.
    Access(AccessEntry),
    /// Something about the service itself: start, stop, another bundle.
    Service(ServiceEntry),
    /// Somebody does not accept a decision. Their words are in the private part.
    Appeal(AppealEntry),
    /// What a person made of a decision.
    Outcome(Box<OutcomeEntry>),
    /// Segments were removed because their term was over.
    Retention {
        /// The last of them.
        through_segment: u64,
        /// Link of its last record, in hexadecimal.
        link: String,
        /// The term.
        retain_days: u32,
    },
}

/// A decision and whom it concerns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionEntry {
    /// The decision's id, 32 hexadecimal digits. The same request under the same bundle has the same one.
    pub id: String,
    /// The request that asked; empty for decisions that nobody asked for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
    /// The author's account; empty when unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Where the item is shown; absent in follow-ups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<Surface>,
    /// Digest of the idempotency key, 32 hexadecimal digits; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Digest of the item as it was sent, 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The decision.
    pub decision: Decision,
}

/// An appeal against a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppealEntry {
    /// The appeal's id, 32 hexadecimal digits; it follows from the decision's.
    pub id: String,
    /// The decision.
    pub decision: String,
    /// Name of the key that brought it.
    pub who: String,
    /// Digest of the words, by which the same appeal is known again.
    pub body: String,
    /// Until when it is to be answered, in milliseconds since 1970; absent where nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    /// The request.
    pub request: String,
}

/// What a person made of a decision, and the decision that holds from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeEntry {
    /// Who, why, and what it is about.
    pub review: Review,
    /// The decision that holds.
    #[serde(flatten)]
    pub entry: DecisionEntry,
}

/// A person's word on a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// The decision that was looked at.
    pub of: String,
    /// The appeal that led to it; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<String>,
    /// What came of it.
    pub outcome: ReviewOutcome,
    /// Name of the reviewer's key.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What came of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewOutcome {
    /// The decision stands.
    Upheld,
    /// Another verdict holds.
    Changed,
    /// Nothing of it stands: the verdict is `pass`.
    Overturned,
}

/// What a caller was told in place of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateEntry {
    /// The decision's id; it follows in a record of its own.
    pub id: String,
    /// The request.
    pub request: String,
    /// The item.
    pub item: String,
    /// The verdict that was told.
    pub verdict: Verdict,
    /// What was not done by then.
    pub degraded: String,
}

/// Who saw what, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// Name of the key.
    pub who: String,
    /// What was done: `explain` …
    pub what: String,
    /// The decision that was shown.
    pub decision: String,
    /// The reason that was given; may be empty.
    pub why: String,
    /// The request.
    pub request: String,
}

/// Something about the service itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEntry {
    /// `start`, `stop`, `bundle` …
    pub event: String,
    /// Version of the bundle that judges from now on.
    pub bundle: String,
    /// Who caused it; empty for the program itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Particulars: why a change was refused, the share of a trial; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What of an author's words is kept in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPolicy {
    /// Evidence and the whole item, in the part that can be purged.
    Keep,
    /// Nothing but the places of the evidence.
    Drop,
}

/// The author's words, taken out of one piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Words {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    matched: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folded: Option<String>,
}

impl Words {
    fn take(evidence: &mut Evidence) -> Self {
        Self {
            matched: std::mem::take(&mut evidence.matched),
            canonical: evidence.detail.canonical.take(),
            folded: evidence.detail.folded.take(),
        }
    }
}

/// The private part of a record.
#[derive(Debug, Default, Deserialize)]
struct Private {
    #[serde(default)]
    words: Vec<Words>,
    #[serde(default)]
    item: Option<serde_json::Value>,
}

impl Private {
    /// What is asked of an item is less than what a JSON value has to be: keys that nobody knows may hold anything. Such an item is
    /// given as the text that was sent.
    fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes).or_else(|e| Self::read_words(bytes).ok_or(e))
    }

    /// Takes apart what [`split`] has put together, without looking into the item.
    fn read_words(bytes: &[u8]) -> Option<Self> {
        let rest = std::str::from_utf8(bytes).ok()?.strip_prefix(WORDS)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let words = values.next()?.ok()?;
        let item = rest.get(values.byte_offset()..)?.strip_prefix(ITEM)?.strip_suffix('}')?;
        Some(Self { words, item: Some(serde_json::Value::String(item.to_owned())) })
    }
}

/// How the parts of a decision's private part begin.
const WORDS: &str = r#"{"words":"#;
const ITEM: &str = r#","item":"#;

/// A decision as both parts of a record: what stays, and the author's words. `item` is the item's JSON.
pub fn split(mut entry: DecisionEntry, item: Option<&str>, policy: TextPolicy) -> (Vec<u8>, Option<Vec<u8>>) {
    let words: Vec<Words> = entry.decision.evidence.iter_mut().map(Words::take).collect();
    let public = Entry::Decision(Box::new(entry)).to_bytes();
    let private = match policy {
        TextPolicy::Drop => None,
        TextPolicy::Keep if words.is_empty() && item.is_none() => None,
        TextPolicy::Keep => {
            let words = serde_json::to_string(&words).unwrap_or_else(|_| "[]".to_owned());
            Some(format!("{WORDS}{words}{ITEM}{}}}", item.unwrap_or("null")).into_bytes())
        }
    };
    (public, private)
}

/// Reads back 32 hexadecimal digits.
pub fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    // Only what is written here: neither signs nor capitals.
    if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl Entry {
    /// The public part of a record.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Our own types have string keys and finite numbers: this does not fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a record, with the author's words put back where they are still there. The second value is the item.
    ///
    /// # Errors
    /// The record is of another kind than this program knows.
    pub fn read(record: &Record) -> Result<(Self, Option<serde_json::Value>), serde_json::Error> {
        let mut entry: Self = serde_json::from_slice(&record.public)?;
        let private: Private = match &record.private {
            Some(private) => Private::read(private)?,
            None => Private::default(),
        };
        if let Self::Decision(entry) = &mut entry {
            for (evidence, words) in entry.decision.evidence.iter_mut().zip(private.words) {
                evidence.matched = words.matched;
                evidence.detail.canonical = words.canonical;
                evidence.detail.folded = words.folded;
            }
        }
        Ok((entry, private.item))
    }
}
