//! A body → the lines of the engagement stream in it, each checked by itself.

use serde::{Deserialize, Serialize};
use serde_json::Deserializer;
use utoipa::ToSchema;

use crate::decide::Engagement as Policy;
use crate::engine::EventBatch;
use crate::model::EventLine;
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
    let lines = match form {
        Form::Array => elements(body)?,
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

/// The elements of a JSON array as they are written, each with its index. What an element says is not looked at, so that a wrong
/// one refuses none of the others.
fn elements(body: &str) -> Result<Vec<(usize, &str)>, Problem> {
    let invalid = |detail: &str| Problem::new(ProblemCode::InvalidBody, format!("a JSON array: {detail}"));
    let mut rest = blank(body).strip_prefix('[').ok_or_else(|| invalid("it does not begin with ["))?;
    let mut found = Vec::new();
    if let Some(behind) = blank(rest).strip_prefix(']') {
        return if blank(behind).is_empty() { Ok(found) } else { Err(invalid("something stands behind it")) };
    }
    loop {
        rest = blank(rest);
        let mut values = Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {}
            Some(Err(e)) => return Err(invalid(&e.to_string()).at(format!("/{}", found.len()))),
            None => return Err(invalid("it is cut off")),
        }
        let (element, behind) = rest.split_at_checked(values.byte_offset()).unwrap_or((rest, ""));
        if found.len() <= LINES_MAX {
            found.push((found.len(), element));
        }
        rest = blank(behind);
        if let Some(behind) = rest.strip_prefix(',') {
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix(']') {
            return if blank(behind).is_empty() {
                Ok(found)
            } else {
                Err(invalid("something stands behind it"))
            };
        } else {
            return Err(invalid("neither , nor ] behind an element")
                .at(format!("/{}", found.len().saturating_sub(1))));
        }
    }
}

/// Without the blanks of JSON in front.
fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(body: &str) -> Result<Vec<&str>, ProblemCode> {
        elements(body)
            .map(|found| found.into_iter().map(|(_, element)| element).collect())
            .map_err(|e| e.code)
    }

    #[test]
    fn an_array_is_split_whatever_its_elements_say() {
        let cases = [
            ("[]", vec![]),
            (" [ ] ", vec![]),
            ("[1,true , null,\"a,]\"]", vec!["1", "true", "null", "\"a,]\""]),
            ("[{\"a\":[1,{}]}\n,\t-2.5e3]", vec!["{\"a\":[1,{}]}", "-2.5e3"]),
        ];
        for (body, elements) in cases {
            assert_eq!(split(body), Ok(elements), "{body}");
        }
        for body in ["", "{}", "[", "[1", "[1,", "[1,]", "[,]", "[1 2]", "[] 1", "[1]]", "[tru]", "[\"]"] {
            assert_eq!(split(body), Err(ProblemCode::InvalidBody), "{body}");
        }
    }

    proptest! {
        #[test]
        fn what_is_an_array_is_split_as_a_parser_splits_it_and_nothing_panics(
            body in "[\\[\\]{}:,\" a1\\\\\n]{0,24}",
        ) {
            let parsed: Option<Vec<serde_json::Value>> = serde_json::from_str(&body).ok();
            let parts = split(&body).ok().map(|parts| {
                parts.iter().map(|part| serde_json::from_str(part)).collect::<Result<Vec<serde_json::Value>, _>>()
            });
            match parsed {
                Some(values) => prop_assert_eq!(parts.unwrap().unwrap(), values),
                None => prop_assert!(parts.is_none_or(|parts| parts.is_err())),
            }
        }
    }
}
