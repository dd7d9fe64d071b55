//! One chunk in, one judged chunk out: every item by itself, then, in order, beside the others, then into words.

use std::borrow::Cow;

use super::diff::OldDecisions;
use super::scores::{read_event, write_notices};
use super::tally::Tally;
use crate::emit::{write_decision, write_reject};
use crate::engine::{
    Bundle, Correlated, EventBatch, Notice, Scratch, Trace, amend_decision, decision, evaluate, is_plain,
    plain_decision,
};
use crate::intake::{Chunk, Position, Reject};
use crate::model::{Decision, EventLine, Item, ItemError, Verdict};
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

/// A chunk whose items were judged by their content. Each worker has one, whose buffers are reused.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    pub(super) sequence: u64,
    /// Those of this chunk, and behind them buffers.
    items: Vec<InspectedItem>,
    count: usize,
    /// Its engagement stream, and what the detector says when it has seen it.
    pub(super) events: EventBatch,
    pub(super) notices: Vec<Notice>,
    /// Rejected lines, each with the number of items before it.
    rejects: Vec<(usize, Reject)>,
    end: Position,
    /// Where the state of the shard behind this chunk was saved.
    pub(super) snapshot: Option<SnapshotStamp>,
}

/// Items whose buffers are kept for the next chunk. Ordinary chunks have a few hundred.
const ITEMS_KEPT_MAX: usize = 1 << 10;

/// An item that was judged by its content.
#[derive(Debug)]
pub(super) struct InspectedItem {
    pub(super) trace: Trace,
    /// By its content.
    pub(super) verdict: Verdict,
    /// None where nothing was found: most of these are not written, and need no words.
    decision: Option<Decision>,
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
    /// Decisions that stand beside earlier ones, where an older run is compared with: item, verdict and top label.
    pub(super) follow_ups: Vec<(String, (Verdict, String))>,
    pub(super) scores: Vec<u8>,
    pub(super) tally: Tally,
    pub(super) end: Position,
    /// Where the state of the shard behind this chunk was saved; with it a checkpoint can be written.
    pub(super) snapshot: Option<SnapshotStamp>,
}

impl Work<'_> {
    /// Judges every line of a chunk by itself. A line that is no item becomes a rejection record.
    pub(super) fn inspect(&self, chunk: &Chunk, scratch: &mut Scratch, inspected: &mut Inspected) {
        inspected.begin(chunk);
        let mut refused = chunk.rejects.iter().peekable();
        for (number, line) in chunk.numbered_lines() {
            while let Some(reject) = refused.next_if(|reject| reject.line < number) {
                inspected.reject(reject.clone());
            }
            if let Err(reason) = self.inspect_line(chunk.input, (number, line), scratch, inspected) {
                let input = self.inputs[chunk.input].clone();
                inspected.reject(Reject { input, line: number, reason });
            }
        }
        refused.for_each(|reject| inspected.reject(reject.clone()));
    }

    fn inspect_line(
        &self,
        input: usize,
        (number, line): (u64, &[u8]),
        scratch: &mut Scratch,
        inspected: &mut Inspected,
    ) -> Result<(), String> {
        let is_event = EventLine::is_announced(line);
        let line = std::str::from_utf8(line).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?;
        let read_event = |events| read_event(self.bundle, line, events).map_err(|e| e.to_string());
        if is_event {
            return read_event(&mut inspected.events);
        }
        let item = match Item::from_json(line) {
            Ok(item) => item,
            Err(ItemError::Engagement) => return read_event(&mut inspected.events),
            Err(e) => return Err(e.to_string()),
        };
        let outcome = evaluate(self.bundle, &item, scratch).map_err(|e| e.to_string())?;
        let id = self.id(&item, input, number);
        let next = inspected.next_item();
        next.verdict = outcome.verdict;
        next.decision = (!is_plain(scratch)).then(|| decision(self.bundle, &item, &id, scratch));
        next.trace.read(self.bundle, &item, &id, scratch);
        next.text_bytes = item.text_bytes() as u64;
        inspected.count += 1;
        Ok(())
    }

    /// Puts the decisions of a chunk into words, with what the other items say.
    pub(super) fn finish(&self, chunk: &mut Inspected) -> Judged {
        let (sequence, end, snapshot) = (chunk.sequence, chunk.end, chunk.snapshot.take());
        let mut judged = Judged { sequence, end, snapshot, ..Judged::default() };
        judged.tally.events = chunk.events.events() as u64;
        judged.tally.engagement_records = chunk.events.others() as u64;
        let rejects = std::mem::take(&mut chunk.rejects);
        let mut rejects = rejects.iter().peekable();
        for (index, item) in chunk.items_mut().iter_mut().enumerate() {
            while let Some((_, reject)) = rejects.next_if(|(before, _)| *before <= index) {
                judged.reject(reject);
            }
            self.finish_item(item, &mut judged);
        }
        rejects.for_each(|(_, reject)| judged.reject(reject));
        write_notices(std::mem::take(&mut chunk.notices), &mut judged);
        judged
    }

    fn finish_item(&self, item: &mut InspectedItem, judged: &mut Judged) {
        let correlated = std::mem::take(&mut item.correlated);
        judged.tally.items += 1;
        judged.tally.text_bytes += item.text_bytes;
        judged.tally.late += u64::from(correlated.is_late);
        let decision = item.decision.take();
        if decision.is_none() && correlated.says_nothing() && !self.all {
            self.count(item.trace.item(), Verdict::Pass, "", judged);
            return;
        }
        let mut decision = decision.unwrap_or_else(|| plain_decision(self.bundle, item.trace.item()));
        let follow_ups = amend_decision(self.bundle, &item.trace, &correlated, &mut decision);
        let top = decision.labels.first().map_or("", |label| label.label.as_str());
        self.count(&decision.item, decision.verdict, top, judged);
        if decision.verdict != Verdict::Pass || self.all {
            write_decision(&decision, &mut judged.decisions);
        }
        for follow_up in follow_ups {
            judged.tally.follow_ups += 1;
            write_decision(&follow_up, &mut judged.decisions);
            if self.old.is_some() {
                let label = follow_up.labels.into_iter().next().map(|label| label.label);
                judged.follow_ups.push((follow_up.item, (follow_up.verdict, label.unwrap_or_default())));
            }
        }
    }

    /// Counts a verdict, and notes how it differs from that of an older run.
    fn count(&self, item: &str, verdict: Verdict, top: &str, judged: &mut Judged) {
        judged.tally.verdicts[verdict as usize] += 1;
        if verdict != Verdict::Pass {
            judged.tally.count_label(top);
        }
        if let Some(change) = self.old.and_then(|old| old.change(item, verdict, top)) {
            judged.tally.changed += 1;
            judged.changes.extend_from_slice(change.as_bytes());
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
    fn begin(&mut self, chunk: &Chunk) {
        self.sequence = chunk.sequence;
        self.end = chunk.end;
        self.items.truncate(ITEMS_KEPT_MAX);
        self.count = 0;
        self.events.clear();
        self.notices.clear();
        self.rejects.clear();
        self.snapshot = None;
    }

    /// The items of the chunk.
    pub(super) fn items_mut(&mut self) -> &mut [InspectedItem] {
        &mut self.items[..self.count]
    }

    /// The buffers for the next item. It belongs to the chunk once it is counted.
    fn next_item(&mut self) -> &mut InspectedItem {
        if self.count == self.items.len() {
            self.items.push(InspectedItem {
                trace: Trace::default(),
                verdict: Verdict::Pass,
                decision: None,
                correlated: Correlated::default(),
                text_bytes: 0,
            });
        }
        &mut self.items[self.count]
    }

    fn reject(&mut self, reject: Reject) {
        self.rejects.push((self.count, reject));
    }
}

impl Judged {
    fn reject(&mut self, reject: &Reject) {
        self.tally.rejected += 1;
        write_reject(reject, &mut self.rejects);
    }
}
