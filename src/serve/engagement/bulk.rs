//! A body → the lines of the engagement stream in it, each checked by itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decide::Engagement as Policy;
use crate::engine::EventBatch;
use crate::model::EventLine;
use crate::serve::elements::elements;
use crate::serve::problem::{Problem, ProblemCode};

/// Lines of one bulk.
pub(super) const LINES_MAX: usize = 10_000;
/// Refused lines that an answer lists; the others are counted.
const REJECTIONS_LISTED_MAX: usize = 100;

/// How the lines stand in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Form {
    /// One JSON array.
    Array,
    /// One JSON object a line.
    Lines,
}

/// What became of a bulk. What was accepted is on the disk and counts, whatever happens to the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventsAnswer {
    /// Lines that count.
    pub accepted: usize,
    /// Lines that were refused; the others are not touched by that.
    pub rejected: usize,
    /// The refused lines in their order, the first 100 of them.
    pub rejections: Vec<EventRejection>,
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventRejection {
    /// Its place in an array, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Its line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Why.
    pub reason: String,
}

/// A bulk that was read.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    /// The accepted lines for the detector.
    pub(super) batch: EventBatch,
    /// The accepted lines as they came, each with an end of line.
    pub(super) lines: Vec<u8>,
    pub(super) answer: EventsAnswer,
}

/// Reads a bulk. O(body).
///
/// # Errors
/// The body is no array or has no line, or more than [`LINES_MAX`].
pub(super) fn read(policy: &Policy, form: Form, body: &str) -> Result<Bulk, Problem> {
    let lines: Vec<(usize, &str)> = match form {
        Form::Array => elements(body, LINES_MAX)?.into_iter().enumerate().collect(),
        Form::Lines => {
            let lines = (1..).zip(body.lines()).filter(|(_, line)| !line.trim().is_empty());
            lines.take(LINES_MAX + 1).collect()
        }
    };
    if lines.is_empty() || lines.len() > LINES_MAX {
        let detail = format!("lines_max: a bulk has 1 to {LINES_MAX} lines");
        return Err(Problem::new(ProblemCode::InvalidBody, detail));
    }
    let mut bulk = Bulk { lines: Vec::with_capacity(body.len()), ..Bulk::default() };
    for (place, line) in lines {
        match push(policy, line, &mut bulk.batch) {
            Ok(()) => {
                bulk.answer.accepted += 1;
                // Inside of strings an end of line is written as an escape.
                bulk.lines
                    .extend(line.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
                bulk.lines.push(b'\n');
            }
            Err(reason) => bulk.refuse(form, place, reason),
        }
    }
    Ok(bulk)
}

/// Reads back what was accepted earlier. A line that is refused now, by another policy say, is left out.
pub(super) fn reread(policy: &Policy, lines: &str) -> EventBatch {
    let mut batch = EventBatch::default();
    for line in lines.lines() {
        let _ = push(policy, line, &mut batch);
    }
    batch
}

fn push(policy: &Policy, line: &str, batch: &mut EventBatch) -> Result<(), String> {
    let line = EventLine::from_json(line).map_err(|e| e.to_string())?;
    batch.push(policy, &line).map_err(|e| e.to_string())
}

impl Bulk {
    fn refuse(&mut self, form: Form, place: usize, reason: String) {
        self.answer.rejected += 1;
        if self.answer.rejections.len() < REJECTIONS_LISTED_MAX {
            let (pointer, line) = match form {
                Form::Array => (Some(format!("/{place}")), None),
                Form::Lines => (None, Some(place)),
            };
            self.answer.rejections.push(EventRejection { pointer, line, reason });
        }
    }
}
