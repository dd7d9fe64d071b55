//! One chunk in, one judged chunk out: every item by itself, then, in order, beside the others, then into words.

use std::borrow::Cow;

use super::diff::OldDecisions;
use super::tally::Tally;
use crate::emit::{write_decision, write_reject};
use crate::engine::{Bundle, Correlated, Scratch, Trace, amend_decision, decision, evaluate};
use crate::intake::{Chunk, Position, Reject};
use crate::model::{Decision, Item, Verdict};
use crate::store::SnapshotStamp;

/// What the workers share.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) bundle: &'a Bundle,
    /// Paths of the inputs, to name items without an id and rejected lines.
    pub(super) inputs: &'a [String],
    /// Whether `pass` decisions are written too.
    pub(super) all: bool,
    pub(super) old: Option<&'a OldDecisions>,
}

/// A chunk whose items were judged by their content.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    pub(super) sequence: u64,
    pub(super) items: Vec<InspectedItem>,
    /// Rejected lines, each with the number of items before it.
    rejects: Vec<(usize, Reject)>,
    end: Position,
    /// Where the state of the shard behind this chunk was saved.
    pub(super) snapshot: Option<SnapshotStamp>,
}

/// An item that was judged by its content.
#[derive(Debug)]
pub(super) struct InspectedItem {
    pub(super) trace: Trace,
    pub(super) decision: Decision,
    /// What the items before say of it.
    pub(super) correlated: Correlated,
    text_bytes: u64,
}

/// A judged chunk, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) sequence: u64,
    pub(super) decisions: Vec<u8>,
    pub(super) rejects: Vec<u8>,
    pub(super) changes: Vec<u8>,
    pub(super) tally: Tally,
    pub(super) end: Position,
    /// Where the state of the shard behind this chunk was saved; with it a checkpoint can be written.
    pub(super) snapshot: Option<SnapshotStamp>,
}

impl Work<'_> {
    /// Judges every line of a chunk by itself. A line that is no item becomes a rejection record.
    pub(super) fn inspect(&self, chunk: &Chunk, scratch: &mut Scratch) -> Inspected {
        let mut inspected = Inspected { sequence: chunk.sequence, end: chunk.end, ..Inspected::default() };
        let mut refused = chunk.rejects.iter().peekable();
        for (number, line) in chunk.numbered_lines() {
            while let Some(reject) = refused.next_if(|reject| reject.line < number) {
                inspected.reject(reject.clone());
            }
            match self.inspect_line(chunk.input, number, line, scratch) {
                Ok(item) => inspected.items.push(item),
                Err(reason) => {
                    let input = self.inputs[chunk.input].clone();
                    inspected.reject(Reject { input, line: number, reason });
                }
            }
        }
        refused.for_each(|reject| inspected.reject(reject.clone()));
        inspected
    }

    fn inspect_line(
        &self,
        input: usize,
        number: u64,
        line: &[u8],
        scratch: &mut Scratch,
    ) -> Result<InspectedItem, String> {
        let line = std::str::from_utf8(line).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?;
        let item = Item::from_json(line).map_err(|e| e.to_string())?;
        evaluate(self.bundle, &item, scratch).map_err(|e| e.to_string())?;
        let id = self.id(&item, input, number);
        let decision = decision(self.bundle, &item, &id, scratch);
        let trace = Trace::of(self.bundle, &item, &id, scratch);
        Ok(InspectedItem {
            trace,
            decision,
            correlated: Correlated::default(),
            text_bytes: item.text_bytes() as u64,
        })
    }

    /// Puts the decisions of a chunk into words, with what the other items say.
    pub(super) fn finish(&self, chunk: Inspected) -> Judged {
        let (sequence, end, snapshot) = (chunk.sequence, chunk.end, chunk.snapshot);
        let mut judged = Judged { sequence, end, snapshot, ..Judged::default() };
        let mut rejects = chunk.rejects.iter().peekable();
        for (index, item) in chunk.items.into_iter().enumerate() {
            while let Some((_, reject)) = rejects.next_if(|(before, _)| *before <= index) {
                judged.reject(reject);
            }
            self.finish_item(item, &mut judged);
        }
        rejects.for_each(|(_, reject)| judged.reject(reject));
        judged
    }

    fn finish_item(&self, item: InspectedItem, judged: &mut Judged) {
        let InspectedItem { trace, mut decision, correlated, text_bytes } = item;
        let follow_ups = amend_decision(self.bundle, &trace, &correlated, &mut decision);
        let tally = &mut judged.tally;
        tally.items += 1;
        tally.text_bytes += text_bytes;
        tally.late += u64::from(correlated.is_late);
        tally.verdicts[decision.verdict as usize] += 1;
        let is_flagged = decision.verdict != Verdict::Pass;
        let top = decision.labels.first().map_or("", |label| label.label.as_str());
        if is_flagged {
            tally.count_label(top);
        }
        if let Some(change) = self.old.and_then(|old| old.change(&decision.item, decision.verdict, top)) {
            tally.changed += 1;
            judged.changes.extend_from_slice(change.as_bytes());
        }
        if is_flagged || self.all {
            write_decision(&decision, &mut judged.decisions);
        }
        for follow_up in follow_ups {
            judged.tally.follow_ups += 1;
            write_decision(&follow_up, &mut judged.decisions);
        }
    }

    /// The item's own id, or its place.
    fn id<'i>(&self, item: &'i Item<'_>, input: usize, number: u64) -> Cow<'i, str> {
        if item.id.is_empty() {
            Cow::Owned(format!("{}:{number}", self.inputs[input]))
        } else {
            Cow::Borrowed(item.id.as_ref())
        }
    }
}

impl Inspected {
    fn reject(&mut self, reject: Reject) {
        self.rejects.push((self.items.len(), reject));
    }
}

impl Judged {
    fn reject(&mut self, reject: &Reject) {
        self.tally.rejected += 1;
        write_reject(reject, &mut self.rejects);
    }
}
