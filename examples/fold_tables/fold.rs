//! The fold rule F: one character in, its folded form out (empty when it is dropped).

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::sources::Sources;

/// Why a character is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DropKind {
    /// Nothing is seen: zero-width, joiner, filler, tag, soft hyphen, blank braille, format control.
    Invisible,
    /// Changes the direction of writing.
    Bidi,
    /// Variation selector.
    Selector,
    /// Drawn on the character before it.
    Combining,
}

impl DropKind {
    /// The word that stands in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Invisible => "invisible",
            Self::Bidi => "bidi",
            Self::Selector => "selector",
            Self::Combining => "combining",
        }
    }
}

/// The fold rule with its tables.
pub(crate) struct Folder {
    overrides: BTreeMap<char, String>,
    simplified: BTreeMap<char, char>,
    digits: BTreeMap<char, char>,
}

impl Folder {
    /// Joins the tables.
    ///
    /// # Errors
    /// A hand-written row is superfluous because Unicode decomposes its source, or a script's decimal digits do not
    /// stand in runs of ten.
    pub(crate) fn build(sources: &Sources, simplified: BTreeMap<char, char>) -> Result<Self> {
        let mut overrides = BTreeMap::new();
        for row in &sources.overrides {
            let superfluous = row.source.nfkd().ne(std::iter::once(row.source));
            ensure!(!superfluous, "{}: Unicode decomposes {} already", row.place, row.source);
            let previous = overrides.insert(row.source, row.columns.concat());
            ensure!(previous.is_none(), "{}: {} stands in two input files", row.place, row.source);
        }
        Ok(Self { overrides, simplified, digits: decimal_digits()? })
    }

    /// Folds every character of `text`.
    ///
    /// # Errors
    /// The tables form a circle.
    pub(crate) fn fold(&self, text: &str) -> Result<String> {
        const STEPS_MAX: u32 = 16;
        self.fold_within(text, STEPS_MAX).with_context(|| format!("folding {text:?}"))
    }

    /// Whether one of the variant tables maps `c`.
    pub(crate) fn is_variant(&self, c: char) -> bool {
        self.simplified.contains_key(&c)
    }

    fn fold_within(&self, text: &str, steps_left: u32) -> Result<String> {
        let mut folded = String::new();
        for c in text.chars() {
            match self.step(c) {
                None => folded.push(c),
                Some(_) if steps_left == 0 => bail!("the tables form a circle at {c}"),
                Some(next) => folded.push_str(&self.fold_within(&next, steps_left - 1)?),
            }
        }
        Ok(folded)
    }

    /// Takes the first change that applies; `None` when `c` is in final form. The order matters in one place only:
    /// marks come off before lower case is taken, because İ has a lower case of two characters.
    fn step(&self, c: char) -> Option<String> {
        if drop_kind(c).is_some() {
            return Some(String::new());
        }
        if c.is_ascii() {
            return c.is_ascii_uppercase().then(|| c.to_ascii_lowercase().into());
        }
        if let Some(target) = self.overrides.get(&c) {
            return Some(target.clone());
        }
        let own = c.to_string();
        compatibility_form(c)
            .or_else(|| self.digits.get(&c).map(char::to_string))
            .or_else(|| Some(without_marks(c)).filter(|bare| *bare != own))
            .or_else(|| Some(c.to_lowercase().collect()).filter(|lower| *lower != own))
            .or_else(|| self.simplified.get(&c).map(char::to_string))
    }
}

/// Says whether and why `c` is dropped: controls that are no blanks, format controls, non-spacing and enclosing marks, everything that
/// Unicode calls default-ignorable, and the blanks that pretend to be letters.
pub(crate) fn drop_kind(c: char) -> Option<DropKind> {
    match c {
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            return Some(DropKind::Bidi);
        }
        '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => {
            return Some(DropKind::Selector);
        }
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{2800}' | '\u{E0000}'..='\u{E007F}' => {
            return Some(DropKind::Invisible);
        }
        // Half-width voicing marks are letters whose compatibility form is a combining mark.
        '\u{FF9E}' | '\u{FF9F}' => return Some(DropKind::Combining),
        _ => {}
    }
    if is_default_ignorable(c) {
        return Some(DropKind::Invisible);
    }
    match c.general_category() {
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => Some(DropKind::Combining),
        GeneralCategory::Format => Some(DropKind::Invisible),
        // Nothing shows them, and nobody types them.
        GeneralCategory::Control if !c.is_whitespace() => Some(DropKind::Invisible),
        _ => None,
    }
}

/// Whether Unicode says that `c` is invisible by default. The skeleton of UTS 39 leaves out exactly these.
fn is_default_ignorable(c: char) -> bool {
    unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
}

/// NFKC of `c` if that differs. Enclosed letters and numbers lose their brackets, stop or comma: ⑽ → 10, ⒈ → 1.
fn compatibility_form(c: char) -> Option<String> {
    let form: String = c.nfkc().collect();
    if form.chars().eq([c]) {
        return None;
    }
    let enclosed = matches!(c, '\u{2460}'..='\u{24FF}' | '\u{3200}'..='\u{32FF}' | '\u{1F100}'..='\u{1F2FF}');
    if !enclosed {
        return Some(form);
    }
    let inner = form.trim_matches(|edge: char| !is_letter_or_number(edge));
    Some(if inner.is_empty() { form } else { inner.to_owned() })
}

/// `c` without the diacritics that are part of it: é → e. Kana and Hangul keep theirs: there they make another
/// letter. Symbols keep theirs as well (≠ is not =).
fn without_marks(c: char) -> String {
    let is_kana_or_hangul =
        matches!(c, '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{AC00}'..='\u{D7A3}');
    if is_kana_or_hangul || !is_letter_or_number(c) {
        return c.to_string();
    }
    c.nfd().filter(|&part| drop_kind(part).is_none()).nfc().collect()
}

/// Whether `c` is a letter or a number of any script.
pub(crate) fn is_letter_or_number(c: char) -> bool {
    matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// The decimal digits of all scripts. Unicode keeps them in runs 0…9, so the place in the run is the value.
fn decimal_digits() -> Result<BTreeMap<char, char>> {
    let mut digits = BTreeMap::new();
    let mut run: Vec<char> = Vec::new();
    for c in '\0'..=char::MAX {
        if c.general_category() == GeneralCategory::DecimalNumber {
            run.push(c);
            continue;
        }
        ensure!(
            run.len().is_multiple_of(10),
            "decimal digits before {} are no runs of ten",
            c.escape_unicode()
        );
        digits.extend(run.drain(..).zip(('0'..='9').cycle()));
    }
    Ok(digits)
}
