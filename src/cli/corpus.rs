//! Items for measuring: any format that `rescan` reads, or plain text.

use std::path::Path;

use serde::Deserialize;

use super::Failure;
use crate::intake::{Intake, Position, expand_inputs};
use crate::model::Item;

/// What measuring needs beside the item itself.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Marks {
    /// A taxonomy id, `benign`, or `spam`.
    #[serde(default)]
    pub(super) label: Option<String>,
    /// Where the item comes from.
    #[serde(default)]
    pub(super) source: Option<String>,
}

/// Calls `each` with every line of the inputs: its place and its JSON form. Lines of `.txt` files are texts.
pub(super) fn for_each_line(
    inputs: &[String],
    mut each: impl FnMut(&str, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for path in expand_inputs(inputs).map_err(Failure::run)? {
        let name = path.display().to_string();
        let is_text = is_plain_text(&name);
        let mut intake = Intake::new(vec![path], Position::default());
        while let Some(chunk) = intake.next_chunk().map_err(Failure::run)? {
            for (number, line) in chunk.numbered_lines() {
                let place = format!("{name}:{number}");
                let line =
                    std::str::from_utf8(line).map_err(|_| Failure::Run(format!("{place}: not UTF-8")))?;
                if is_text {
                    each(&place, &serde_json::json!({ "text": line }).to_string())?;
                } else {
                    each(&place, line)?;
                }
            }
            if let Some(reject) = chunk.rejects.first() {
                return Err(Failure::Run(format!("{}:{}: {}", reject.input, reject.line, reject.reason)));
            }
        }
    }
    Ok(())
}

fn is_plain_text(name: &str) -> bool {
    let stem = name.strip_suffix(".zst").or(name.strip_suffix(".gz")).unwrap_or(name);
    Path::new(stem).extension().is_some_and(|extension| extension == "txt")
}

/// Parses a line as an item and its marks.
pub(super) fn parse<'l>(place: &str, line: &'l str) -> Result<(Item<'l>, Marks), Failure> {
    let item = Item::from_json(line).map_err(|e| Failure::Run(format!("{place}: {e}")))?;
    let marks = serde_json::from_str(line).map_err(|e| Failure::Run(format!("{place}: {e}")))?;
    Ok((item, marks))
}
