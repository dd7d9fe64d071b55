//! Normalised texts of a cluster → the *template* that they were filled from → which later texts fill it as well.
//!
//! A template is a list of *runs*, stretches of text that stay, with a *slot* before, between and behind them. Slots that
//! the normaliser has set aside already are one mark in the text, [`SLOT_MARK`](super::SLOT_MARK); a mark is never part of a run.

mod align;
mod fillings;
mod learn;
mod set;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use fillings::{FILLING_CHARS, FILLINGS_MAX, Filled, Fillings, StoredFillingsError};
pub use learn::{
    LearnError, Learned, MEMBER_CHARS_MAX, MEMBERS_MAX, MEMBERS_MIN, RARITY_MILLIBITS_MIN, learn,
};
pub use set::{
    CANDIDATES_MAX, InsertError, Inserted, LookupReport, TEMPLATES_MAX, TEMPLATES_PER_KEY_MAX, TemplateSet,
};

/// Characters that a run has at least: a single character is in any text.
pub const RUN_CHARS_MIN: usize = 2;
/// Runs of a template. Of more the longest are kept.
pub const RUNS_MAX: usize = 64;
/// Characters that the runs of a template have at least, together.
pub const FIXED_CHARS_MIN: usize = 8;
/// Distinct pairs of characters in the runs, at least: a repeated syllable is no template.
pub const FIXED_GRAMS_MIN: usize = 6;
/// Rarest pairs that a template keeps, to be found by one of them.
pub const KEYS_MAX: usize = 8;
/// How a slot is displayed.
const SLOT_DISPLAY: &str = "〔…〕";

/// Stretches of text that stay, with slots around them. Always has a run, and a key that occurs in a run.
///
/// Serialised as its parts; what is read is checked by the same rules as what is learnt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawTemplate", into = "RawTemplate")]
pub struct Template {
    runs: Vec<String>,
    has_head: bool,
    has_tail: bool,
    filling_chars_max: usize,
    keys: Vec<[char; 2]>,
}

/// A template as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTemplate {
    runs: Vec<String>,
    has_head: bool,
    has_tail: bool,
    filling_chars_max: usize,
    keys: Vec<[char; 2]>,
}

/// Why parts are no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no run, or there are more than [`RUNS_MAX`].
    #[error("a template has 1 to {RUNS_MAX} runs, not {found}")]
    Runs {
        /// How many there are.
        found: usize,
    },
    /// A run is shorter than [`RUN_CHARS_MIN`] or holds a slot.
    #[error("run {index} has fewer than {RUN_CHARS_MIN} characters or holds a slot mark")]
    Run {
        /// Which run, from 0.
        index: usize,
    },
    /// The runs are too short together, or always the same.
    #[error(
        "the runs have {chars} characters and {grams} distinct pairs; {FIXED_CHARS_MIN} and {FIXED_GRAMS_MIN} are needed"
    )]
    Fixed {
        /// Characters of all runs.
        chars: usize,
        /// Distinct pairs in all runs.
        grams: usize,
    },
    /// There is no key, there are more than [`KEYS_MAX`], or one is in no run.
    #[error("a template has 1 to {KEYS_MAX} keys, pairs of characters of its runs")]
    Keys,
}

impl TryFrom<RawTemplate> for Template {
    type Error = TemplateError;

    fn try_from(raw: RawTemplate) -> Result<Self, TemplateError> {
        let RawTemplate { runs, has_head, has_tail, filling_chars_max, keys } = raw;
        if runs.is_empty() || runs.len() > RUNS_MAX {
            return Err(TemplateError::Runs { found: runs.len() });
        }
        let is_short = |run: &String| run.chars().count() < RUN_CHARS_MIN || run.contains(super::SLOT_MARK);
        if let Some(index) = runs.iter().position(is_short) {
            return Err(TemplateError::Run { index });
        }
        let chars = runs.iter().map(|run| run.chars().count()).sum();
        let mut grams: Vec<[char; 2]> = runs.iter().flat_map(|run| grams(run)).collect();
        grams.sort_unstable();
        grams.dedup();
        if chars < FIXED_CHARS_MIN || grams.len() < FIXED_GRAMS_MIN {
            return Err(TemplateError::Fixed { chars, grams: grams.len() });
        }
        let is_foreign = |key: &[char; 2]| grams.binary_search(key).is_err();
        if keys.is_empty() || keys.len() > KEYS_MAX || keys.iter().any(is_foreign) {
            return Err(TemplateError::Keys);
        }
        Ok(Self { runs, has_head, has_tail, filling_chars_max, keys })
    }
}

impl From<Template> for RawTemplate {
    fn from(template: Template) -> Self {
        let Template { runs, has_head, has_tail, filling_chars_max, keys } = template;
        Self { runs, has_head, has_tail, filling_chars_max, keys }
    }
}

impl Template {
    /// The stretches that stay, in order.
    pub fn runs(&self) -> &[String] {
        &self.runs
    }

    /// Characters of all runs together.
    pub fn fixed_chars(&self) -> usize {
        self.runs.iter().map(|run| run.chars().count()).sum()
    }

    /// Characters that a text may have beside the runs.
    pub fn filling_chars_max(&self) -> usize {
        self.filling_chars_max
    }

    /// Rare pairs of characters of the runs, the rarest first.
    pub fn keys(&self) -> &[[char; 2]] {
        &self.keys
    }

    /// The slots of a normalised text that fills the template, as byte ranges: before the first run, between runs, behind
    /// the last one; any may be empty. None where a run is missing, or more than [`Template::filling_chars_max`]
    /// characters are none of the template.
    ///
    /// Each run is taken where it occurs first behind the one before it, which finds a place for all of them whenever there
    /// is one. O(text + runs).
    pub fn matches(&self, normalised: &str) -> Option<Vec<Range<usize>>> {
        let mut slots = Vec::new();
        let mut end = 0;
        for run in &self.runs {
            let start = end + normalised.get(end..)?.find(run.as_str())?;
            slots.push(end..start);
            end = start + run.len();
        }
        slots.push(end..normalised.len());
        let filling_chars: usize = slots
            .iter()
            .filter_map(|slot| normalised.get(slot.clone()))
            .map(|slot| slot.chars().count())
            .sum();
        (filling_chars <= self.filling_chars_max).then_some(slots)
    }
}

/// The runs with `〔…〕` for each slot; at the ends only where texts of the cluster had something there.
impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.has_head { SLOT_DISPLAY } else { "" })?;
        for (index, run) in self.runs.iter().enumerate() {
            out.write_str(if index > 0 { SLOT_DISPLAY } else { "" })?;
            out.write_str(run)?;
        }
        out.write_str(if self.has_tail { SLOT_DISPLAY } else { "" })
    }
}

/// The pairs of neighbouring characters of a text.
fn grams(text: &str) -> impl Iterator<Item = [char; 2]> {
    text.chars().zip(text.chars().skip(1)).map(|(first, second)| [first, second])
}
