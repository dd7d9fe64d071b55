//! The table of the numeral view, which is applied to folded text.

use anyhow::{Context, Result, ensure};

use crate::fold::Folder;
use crate::sources::{InputRow, Sources};

/// Kinds of numerals, in the order of the table.
const NUMERAL_KINDS: [&str; 4] = ["han", "financial", "spoken", "suzhou"];

/// The numeral table.
pub(crate) struct Numerals {
    /// Character, digit and kind.
    pub(crate) rows: Vec<(char, char, &'static str)>,
    /// What was left out, and why.
    pub(crate) notes: Vec<String>,
}

/// Keeps the numerals that are their own folded form; the others reach one of these by folding.
///
/// # Errors
/// A row has no digit or an unknown kind, or folds to a character that is no numeral of the same value.
pub(crate) fn numerals(sources: &Sources, folder: &Folder) -> Result<Numerals> {
    let mut numerals = Numerals { rows: Vec::new(), notes: Vec::new() };
    for row in &sources.numerals {
        let (digit, kind) = numeral_columns(row)?;
        let folded = folder.fold(&row.source.to_string())?;
        if folded.chars().eq([row.source]) {
            numerals.rows.push((row.source, digit, kind));
            continue;
        }
        let same_value = sources
            .numerals
            .iter()
            .any(|other| other.columns[0] == row.columns[0] && folded.chars().eq([other.source]));
        ensure!(
            same_value,
            "{}: {} folds to {folded}, which is no numeral of that value",
            row.place,
            row.source
        );
        numerals.notes.push(format!("numeral left out, it folds to another: {}→{folded}", row.source));
    }
    numerals.rows.sort_by_key(|&(source, digit, kind)| {
        (NUMERAL_KINDS.iter().position(|&known| known == kind), digit, source)
    });
    Ok(numerals)
}

fn numeral_columns(row: &InputRow) -> Result<(char, &'static str)> {
    let digit = crate::sources::single_char(&row.columns[0]).with_context(|| row.place.clone())?;
    ensure!(digit.is_ascii_digit(), "{}: {digit:?} is no digit", row.place);
    let kind = NUMERAL_KINDS.into_iter().find(|&known| known == row.columns[1]);
    Ok((digit, kind.with_context(|| format!("{}: unknown kind {:?}", row.place, row.columns[1]))?))
}
