//! Sorts every folded character into one table.

use anyhow::{Result, ensure};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::fold::{self, DropKind, Folder};

/// Longest target of a mapping, in characters. Longer ones are left out: they are words, not disguised letters, and
/// the reader of the tables sizes its buffers by this.
pub(crate) const TARGET_CHARS_MAX: usize = 8;

/// The tables that make up the fold, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Full-width and half-width forms.
    Width,
    /// Upper case.
    Case,
    /// Traditional, regional, Japanese and compatibility forms of Han characters.
    Hant,
    /// Radicals that look like characters.
    Radicals,
    /// Letters and digits in disguise.
    Styled,
    /// Other compatibility forms.
    Compat,
}

/// One mapping to a final form.
pub(crate) struct Mapping {
    /// The table it belongs to.
    pub(crate) table: Table,
    /// What is folded.
    pub(crate) source: char,
    /// 1…[`TARGET_CHARS_MAX`] characters in final form.
    pub(crate) target: String,
}

/// All tables, each in order of code points.
pub(crate) struct Tables {
    /// Characters that vanish.
    pub(crate) drops: Vec<(char, DropKind)>,
    /// Characters that change.
    pub(crate) mappings: Vec<Mapping>,
    /// What was left out for its length, as `U+FDFA (18)`.
    pub(crate) too_long: Vec<String>,
}

/// Folds every code point.
///
/// # Errors
/// The tables form a circle, or make a character vanish that the drop rule keeps.
pub(crate) fn build(folder: &Folder) -> Result<Tables> {
    let mut tables = Tables { drops: Vec::new(), mappings: Vec::new(), too_long: Vec::new() };
    for source in '\0'..=char::MAX {
        if let Some(kind) = fold::drop_kind(source) {
            tables.drops.push((source, kind));
            continue;
        }
        let target = folder.fold(source.encode_utf8(&mut [0; 4]))?;
        if target.chars().eq([source]) {
            continue;
        }
        ensure!(
            !target.is_empty(),
            "{} folds to nothing, yet the drop rule keeps it",
            source.escape_unicode()
        );
        let target_chars = target.chars().count();
        if target_chars > TARGET_CHARS_MAX {
            tables.too_long.push(format!("U+{:04X} ({target_chars})", u32::from(source)));
            continue;
        }
        tables.mappings.push(Mapping { table: table_of(source, &target, folder), source, target });
    }
    Ok(tables)
}

/// The first table, in order of precedence, to which a mapping belongs.
fn table_of(source: char, target: &str, folder: &Folder) -> Table {
    if matches!(source, '\u{3000}' | '\u{FF00}'..='\u{FFEF}') {
        return Table::Width;
    }
    let is_upper = matches!(
        source.general_category(),
        GeneralCategory::UppercaseLetter | GeneralCategory::TitlecaseLetter
    );
    if is_upper && !source.to_lowercase().eq([source]) {
        return Table::Case;
    }
    let is_compatibility_ideograph = matches!(source, '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}');
    if is_compatibility_ideograph || folder.is_variant(source) {
        return Table::Hant;
    }
    if matches!(source, '\u{2E80}'..='\u{2FD5}') {
        return Table::Radicals;
    }
    let is_square_word = matches!(source, '\u{3300}'..='\u{33FF}');
    if !is_square_word && target.chars().all(fold::is_letter_or_number) {
        return Table::Styled;
    }
    Table::Compat
}
