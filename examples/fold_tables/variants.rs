//! Chooses one simplified (or standard) character for each traditional, regional, Japanese and compatibility form.
//!
//! The tables are used for matching only, and terms are folded like texts. So the harm of a mapping is not that it
//! is wrong as a conversion but that it makes two different words equal. Two rules follow from that:
//! 1. A row of `TSCharacters` whose source is one of the 8105 standard characters of simplified Chinese (乾, 於, 夥)
//!    stays only if source and target share a reading; then it merges words that already sound alike.
//! 2. A regional or Japanese form that is one of the 8105 (后, 里, 余, 芸, 叶) is never mapped.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::sources::{CandidateRow, Sources, single_char};

/// The chosen mappings, and what to tell the reader of the report.
pub(crate) struct Variants {
    /// Character → the next simpler form; chains are followed by the fold rule.
    pub(crate) simplified: BTreeMap<char, char>,
    /// Rows kept under rule 1, as `乾→干`.
    pub(crate) kept_common: Vec<String>,
    /// Rows left out under rule 1.
    pub(crate) skipped_common: Vec<String>,
    /// Rows left out under rule 2.
    pub(crate) skipped_regional: Vec<String>,
}

/// Merges the tables; an earlier table wins: our own, traditional, compatibility, Hong Kong, Taiwan, Japanese.
///
/// # Errors
/// A compatibility ideograph, or a row of our own, has not exactly one target.
pub(crate) fn resolve(sources: &Sources) -> Result<Variants> {
    let mut variants = Variants {
        simplified: BTreeMap::new(),
        kept_common: Vec::new(),
        skipped_common: Vec::new(),
        skipped_regional: Vec::new(),
    };
    for row in &sources.own_variants {
        variants
            .simplified
            .insert(row.source, single_char(&row.columns[0]).with_context(|| row.place.clone())?);
    }
    for row in &sources.traditional {
        variants.add_traditional(row, sources);
    }
    for row in &sources.compatibility {
        ensure!(row.candidates.len() == 1, "{} has several unified ideographs", row.key);
        variants.simplified.entry(row.key).or_insert(row.candidates[0]);
    }
    // Standard form first, regional forms after it: the way back is from each regional form to the key.
    for row in sources.hong_kong.iter().chain(&sources.taiwan) {
        for &regional in &row.candidates {
            variants.add_variant(regional, row.key, sources);
        }
    }
    for row in &sources.japanese {
        variants.add_japanese(row, sources);
    }
    Ok(variants)
}

impl Variants {
    /// Adds the first candidate of a `TSCharacters` row, under rule 1. A row whose first candidate is the key
    /// itself says that the character has no usable simplified form.
    fn add_traditional(&mut self, row: &CandidateRow, sources: &Sources) {
        let target = row.candidates[0];
        if target == row.key {
            return;
        }
        if sources.common_readings.contains_key(&row.key) {
            let shown = format!("{}→{target}", row.key);
            if !sound_alike(row.key, target, sources) {
                self.skipped_common.push(shown);
                return;
            }
            self.kept_common.push(shown);
        }
        self.simplified.entry(row.key).or_insert(target);
    }

    /// Adds a regional or Japanese form, under rule 2, unless an earlier table has it or it would close a circle.
    fn add_variant(&mut self, variant: char, standard: char, sources: &Sources) {
        if variant == standard || self.simplified.contains_key(&variant) || self.leads_to(standard, variant) {
            return;
        }
        if sources.common_readings.contains_key(&variant) {
            self.skipped_regional.push(format!("{variant}→{standard}"));
            return;
        }
        self.simplified.insert(variant, standard);
    }

    /// Adds a Japanese new form, and those of its old forms that no Chinese table knows (擧, 眞).
    ///
    /// The row may start with itself. Of the others, the first that leads to a standard character is taken.
    fn add_japanese(&mut self, row: &CandidateRow, sources: &Sources) {
        let old_forms: Vec<char> = row.candidates.iter().copied().filter(|&old| old != row.key).collect();
        let is_standard = |c: char| sources.common_readings.contains_key(&c);
        let known = old_forms.iter().copied().find(|&old| is_standard(self.end_of(old)));
        let Some(traditional) = known.or(old_forms.first().copied()) else { return };
        self.add_variant(row.key, traditional, sources);

        let target = if is_standard(row.key) { row.key } else { traditional };
        for old in old_forms.into_iter().filter(|&old| !is_standard(old)) {
            self.add_variant(old, target, sources);
        }
    }

    /// Where following the mappings from `start` ends.
    fn end_of(&self, start: char) -> char {
        self.chain(start).last().unwrap_or(start)
    }

    fn leads_to(&self, start: char, end: char) -> bool {
        self.chain(start).any(|current| current == end)
    }

    /// `start` and what the mappings make of it, step by step. A circle between the tables is cut off here and
    /// reported by the fold rule.
    fn chain(&self, start: char) -> impl Iterator<Item = char> {
        const STEPS_MAX: usize = 8;
        std::iter::successors(Some(start), |current| self.simplified.get(current).copied()).take(STEPS_MAX)
    }
}

fn sound_alike(left: char, right: char, sources: &Sources) -> bool {
    let readings = |c: char| sources.all_readings.get(&c).map_or(&[][..], Vec::as_slice);
    readings(left).iter().any(|reading| readings(right).contains(reading))
}
