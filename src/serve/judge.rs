//! One item as it was sent → judged by its content, under a key of its own.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::appeal::ReviewedAnswer;
use super::contract::Undone;
use super::correlator::{Job, Stage, Ticket};
use super::idempotency::{Claim, Deliver, Key};
use super::metrics::StageName;
use super::problem::{Problem, ProblemCode};
use super::request::Context;
use super::service::Service;
use crate::engine::{Scratch, Trace, decision, evaluate, plain_decision};
use crate::model::Item;
use crate::store::entry::{Entry, LateEntry, TextPolicy};
use crate::store::log::{Append, Position, Reader};
use crate::telemetry::Clock;

/// The first 128 bits of SHA-256 over parts, each with its length.
pub(super) fn digest(parts: &[&[u8]]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut key = Key::default();
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)]).collect()
}

pub(super) use crate::store::entry::unhex;

/// What the caller may say beside the item.
#[derive(Debug, Default, Deserialize)]
struct WithOptions {
    #[serde(default)]
    options: Value,
}

/// `options.timeout_ms` of an item; none if there is none, or the item is no item.
///
/// # Errors
/// It is no number of milliseconds.
pub(super) fn timeout_ms(item: &str) -> Result<Option<u32>, Problem> {
    // Hardly any item has options, and reading all of it once more takes time.
    if memchr::memmem::find(item.as_bytes(), b"\"options\"").is_none() {
        return Ok(None);
    }
    let read = serde_json::from_str::<WithOptions>(item).unwrap_or_default();
    let said = read.options.get("timeout_ms").filter(|said| !said.is_null());
    let millis = said.map(|said| said.as_u64().and_then(|millis| u32::try_from(millis).ok()));
    match millis {
        None => Ok(None),
        Some(Some(millis)) => Ok(Some(millis)),
        Some(None) => {
            let detail = "timeout_ms is a whole number of milliseconds";
            Err(Problem::new(ProblemCode::InvalidBody, detail).at("/options/timeout_ms"))
        }
    }
}

/// The names of one request for one item.
#[derive(Debug)]
struct Names {
    /// None where the caller gave neither a key nor an id: every such item is a new one.
    key: Option<Key>,
    body: Key,
    /// The decision's id.
    id: String,
}

impl Names {
    /// `place` is the item's index in a batch.
    fn of(context: &Context, item: &Item<'_>, text: &str, bundle: &str, place: Option<usize>) -> Self {
        let who = context.caller.name().as_bytes();
        let body = digest(&[text.as_bytes()]);
        let place = place.map_or(u64::MAX, |place| place as u64).to_le_bytes();
        let key = match &context.key {
            Some(key) => Some(digest(&[b"key", who, key.as_bytes(), &place])),
            None if item.id.is_empty() => None,
            None => Some(digest(&[b"item", who, item.id.as_bytes(), &body])),
        };
        let own = key.unwrap_or_else(|| digest(&[b"request", who, context.request.as_bytes(), &place]));
        let id = hex(&digest(&[b"decision", &own, &body, bundle.as_bytes()]));
        Self { key, body, id }
    }

    /// A number that is spread evenly over items and the same for the same item.
    fn number(&self) -> u64 {
        self.body.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl Service {
    /// Judges an item and hands it on. Whatever comes of it goes to `deliver`.
    pub(super) fn submit(
        &self,
        context: &Context,
        (text, place): (&str, Option<usize>),
        scratch: &mut Scratch,
        (ticket, deliver): (Arc<Ticket>, Deliver),
    ) {
        let item = match Item::from_json(text) {
            Ok(item) => item,
            Err(e) => return self.books().refuse(None, deliver, &Problem::from(&e)),
        };
        let judge = context.roster.judge_of(&item.account.id);
        let bundle = judge.bundle;
        let names = Names::of(context, &item, text, &bundle.versions().bundle, place);
        let Some(deliver) = self.claim(&names, deliver) else { return };
        let key = names.key;
        let clock = Clock::start();
        if let Err(e) = evaluate(bundle, &item, scratch) {
            return self.books().refuse(key.as_ref(), deliver, &Problem::from(&e));
        }
        let id = if item.id.is_empty() { names.id.as_str() } else { item.id.as_ref() };
        let decision = decision(bundle, &item, id, scratch);
        let trace = Trace::of(bundle, &item, id, scratch);
        self.metrics().staged(StageName::Content, clock.elapsed());
        match (judge.canary, &context.roster.candidate) {
            (Some(canary), _) => canary.decided(decision.verdict),
            (None, Some(candidate)) => candidate.trial.offer(names.number(), text, &decision),
            (None, None) => {}
        }
        ticket.set(Stage::Judged(Box::new(decision)));
        let job = Job {
            bundle: Arc::clone(bundle),
            trace,
            ticket,
            deliver,
            id: names.id,
            request: context.request.clone(),
            account: item.account.id.clone().into_owned(),
            surface: item.surface(),
            key,
            body: names.body,
            item: (self.options().text_policy == TextPolicy::Keep).then(|| text.to_owned()),
        };
        if let Err(job) = self.correlator().submit(Box::new(job)) {
            let problem = Problem::new(ProblemCode::Overloaded, "correlate_queue_max: the queue is full");
            self.metrics().shed.increment(1);
            if let Some(job) = job {
                self.books().refuse(key.as_ref(), job.deliver, &problem);
            }
        }
    }

    /// Claims the key of a request; what was answered already is delivered at once.
    fn claim(&self, names: &Names, deliver: Deliver) -> Option<Deliver> {
        let Some(key) = names.key else { return Some(deliver) };
        match self.claim_key((key, names.body), deliver) {
            Claim::Fresh(deliver) => Some(deliver),
            Claim::Waiting => None,
            Claim::Conflict(deliver) => {
                let detail = "the first request with this key had another body";
                let _ = deliver.send(Err(Problem::new(ProblemCode::IdempotencyConflict, detail)));
                None
            }
            Claim::Done(deliver, position) => {
                self.metrics().replayed.increment(1);
                let _ = deliver.send(self.answer_at(position).map(Into::into));
                None
            }
        }
    }

    /// Forgets the key of an item that a defect has lost, so that it may be sent again.
    pub(super) fn give_up(&self, context: &Context, (text, place): (&str, Option<usize>)) {
        let Ok(item) = Item::from_json(text) else { return };
        let bundle = context.roster.judge_of(&item.account.id).bundle;
        let names = Names::of(context, &item, text, &bundle.versions().bundle, place);
        if let Some(key) = names.key {
            self.books().abandon(&key);
        }
    }

    /// The answer that is in the log at a place, byte for byte as it was given.
    pub(super) fn answer_at(&self, position: Position) -> Result<Vec<u8>, Problem> {
        let unreadable = |e: String| Problem::new(ProblemCode::LogUnavailable, e);
        let mut reader = Reader::at(&self.options().log.dir, position);
        let found = reader.read().map_err(|e| unreadable(e.to_string()))?;
        let record = found.map(|found| found.record).ok_or_else(|| unreadable("no record".to_owned()))?;
        match Entry::read(&record) {
            Ok((Entry::Decision(entry), _)) => {
                let answer = super::answer::AnswerRef {
                    id: &entry.id,
                    request: &entry.request,
                    decision: &entry.decision,
                };
                serde_json::to_vec(&answer).map_err(|e| unreadable(e.to_string()))
            }
            Ok((Entry::Outcome(outcome), _)) => {
                serde_json::to_vec(&ReviewedAnswer::of(*outcome)).map_err(|e| unreadable(e.to_string()))
            }
            Ok(_) => Err(unreadable("another record is there".to_owned())),
            Err(e) => Err(unreadable(e.to_string())),
        }
    }

    /// What a caller is told whose deadline has come. The decision itself follows in the log.
    pub(super) fn late(
        &self,
        context: &Context,
        (text, place): (&str, Option<usize>),
        ticket: &Ticket,
    ) -> Result<super::Answer, Problem> {
        let item = Item::from_json(text).map_err(|e| Problem::from(&e))?;
        let bundle = context.roster.judge_of(&item.account.id).bundle;
        let names = Names::of(context, &item, text, &bundle.versions().bundle, place);
        let id = if item.id.is_empty() { names.id.as_str() } else { item.id.as_ref() };
        let (undone, mut decision) = match ticket.stage() {
            Stage::Unjudged => (Undone::Content, plain_decision(bundle, id)),
            Stage::Judged(decision) => (Undone::Correlation, *decision),
            Stage::Answered(bytes) => match serde_json::from_slice::<super::Answer>(&bytes) {
                Ok(answer) => (Undone::Log, answer.decision),
                Err(_) => (Undone::Content, plain_decision(bundle, id)),
            },
        };
        let contract = self.options().contract.of(item.surface());
        decision.verdict = contract.verdict(decision.verdict);
        // A degraded engine proposes nothing against an account.
        decision.proposals.clear();
        decision.degraded = Some(undone.as_str().to_owned());
        self.metrics().degraded(undone);
        let entry = Entry::Late(LateEntry {
            id: names.id.clone(),
            request: context.request.clone(),
            item: decision.item.clone(),
            verdict: decision.verdict,
            degraded: undone.as_str().to_owned(),
        });
        // Nobody waits for this record: the caller could not.
        let _ = self.log().append(Append { public: entry.to_bytes(), private: None, done: Box::new(|_| ()) });
        let request = context.request.clone();
        Ok(super::Answer { id: names.id, request, contract: Some(contract), recheck: true, decision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_tell_parts_apart_and_go_through_text() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        let key = digest(&[b"x"]);
        assert_eq!(unhex(&hex(&key)), Some(key));
        for text in ["zz", &"+0".repeat(16), &"AB".repeat(16)] {
            assert_eq!(unhex(text), None);
        }
        assert_eq!(unhex(&"é".repeat(16)), None);
    }

    #[test]
    fn options_are_read_only_where_they_are() {
        for silent in [
            r#"{"text":"x"}"#,
            r#"{"text":"\"options\"","options":null}"#,
            r#"{"options":{"timeout_ms":null}}"#,
            r#"{"options":[1]}"#,
            r#"{"options":"#,
        ] {
            assert_eq!(timeout_ms(silent), Ok(None), "{silent}");
        }
        assert_eq!(timeout_ms(r#"{"text":"x","options":{"timeout_ms":5,"other":1}}"#), Ok(Some(5)));
        for wrong in ["-1", "1.5", "\"5\"", "4294967296", "[]", "true"] {
            let item = format!(r#"{{"text":"x","options":{{"timeout_ms":{wrong}}}}}"#);
            let problem = timeout_ms(&item).unwrap_err();
            assert_eq!(problem.pointer.as_deref(), Some("/options/timeout_ms"), "{wrong}");
        }
    }
}
