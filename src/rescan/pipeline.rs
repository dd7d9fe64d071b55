//! One chunk in, one judged chunk out.

use std::borrow::Cow;

use super::diff::OldDecisions;
use super::tally::Tally;
use crate::emit::{write_decision, write_reject};
use crate::engine::{Bundle, Scratch, decision, evaluate};
use crate::intake::{Chunk, Position, Reject};
use crate::model::{Item, Verdict};

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

/// A judged chunk, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) sequence: u64,
    pub(super) decisions: Vec<u8>,
    pub(super) rejects: Vec<u8>,
    pub(super) changes: Vec<u8>,
    pub(super) tally: Tally,
    pub(super) end: Position,
}

impl Work<'_> {
    /// Judges every line of a chunk. A line that is no item becomes a rejection record.
    pub(super) fn judge(&self, chunk: &Chunk, scratch: &mut Scratch) -> Judged {
        let mut judged = Judged { sequence: chunk.sequence, end: chunk.end, ..Judged::default() };
        let mut labels = vec![0_u64; self.bundle.taxonomy.iter().count()];
        let mut refused = chunk.rejects.iter().peekable();
        for (number, line) in chunk.numbered_lines() {
            while let Some(reject) = refused.next_if(|reject| reject.line < number) {
                judged.reject(reject);
            }
            if let Err(reason) = self.judge_line(chunk.input, number, line, scratch, &mut judged, &mut labels)
            {
                judged.reject(&Reject { input: self.inputs[chunk.input].clone(), line: number, reason });
            }
        }
        refused.for_each(|reject| judged.reject(reject));
        for ((_, label), count) in self.bundle.taxonomy.iter().zip(labels).filter(|(_, count)| *count > 0) {
            judged.tally.labels.insert(label.id.clone(), count);
        }
        judged
    }

    fn judge_line(
        &self,
        input: usize,
        number: u64,
        line: &[u8],
        scratch: &mut Scratch,
        judged: &mut Judged,
        labels: &mut [u64],
    ) -> Result<(), String> {
        let line = std::str::from_utf8(line).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?;
        let item = Item::from_json(line).map_err(|e| e.to_string())?;
        let outcome = evaluate(self.bundle, &item, scratch).map_err(|e| e.to_string())?;
        let tally = &mut judged.tally;
        tally.items += 1;
        tally.text_bytes += item.text_bytes() as u64;
        tally.verdicts[outcome.verdict as usize] += 1;
        let is_flagged = outcome.verdict != Verdict::Pass;
        if let Some(label) = outcome.top.filter(|_| is_flagged) {
            labels[usize::from(label.0)] += 1;
        }
        if let Some(old) = self.old {
            let label = outcome.top.map_or("", |label| self.bundle.taxonomy.label(label).id.as_str());
            if let Some(change) = old.change(&self.id(&item, input, number), outcome.verdict, label) {
                tally.changed += 1;
                judged.changes.extend_from_slice(change.as_bytes());
            }
        }
        if is_flagged || self.all {
            let decision = decision(self.bundle, &item, &self.id(&item, input, number), scratch);
            write_decision(&decision, &mut judged.decisions);
        }
        Ok(())
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

impl Judged {
    fn reject(&mut self, reject: &Reject) {
        self.tally.rejected += 1;
        write_reject(reject, &mut self.rejects);
    }
}
