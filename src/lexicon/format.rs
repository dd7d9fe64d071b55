//! The files as they are written: terms, exemptions and rules in TOML.

use serde::Deserialize;
use toml::Spanned;

use crate::model::{Milli, Severity, Surface};

/// One file of a bundle, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path inside the bundle, with `/`.
    pub path: String,
    /// Contents.
    pub text: String,
}

/// Where something was defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Index of the file among the lexicon and rule files that were loaded.
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
}

/// Where in a word a term may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Anywhere.
    Anywhere,
    /// From one word boundary of the tokeniser to another.
    Word,
    /// No Latin letter or digit directly before or behind.
    Latin,
}

/// A reading of the text that a term is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawView {
    Plain,
    Dense,
}

/// A term file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLexiconFile {
    pub(super) label: Option<String>,
    pub(super) severity: Option<Severity>,
    #[serde(default)]
    pub(super) terms: Vec<Spanned<RawTerm>>,
    #[serde(default)]
    pub(super) exemptions: Vec<Spanned<RawExemption>>,
}

/// A term.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTerm {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) label: Option<String>,
    pub(super) severity: Option<Severity>,
    pub(super) weight: Option<Milli>,
    pub(super) mode: Option<Mode>,
    pub(super) views: Option<Vec<RawView>>,
    #[serde(default)]
    pub(super) sets: Vec<String>,
    pub(super) note: Option<String>,
    pub(super) expires: Option<String>,
    #[expect(dead_code, reason = "kept for people; the engine has no use for it")]
    pub(super) author: Option<String>,
}

/// An exemption.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExemption {
    pub(super) text: String,
    pub(super) terms: Option<Vec<String>>,
    #[expect(dead_code, reason = "kept for people; the engine has no use for it")]
    pub(super) note: Option<String>,
}

/// A rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRuleFile {
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) severity: Option<Severity>,
    pub(super) weight: Option<Milli>,
    #[serde(default)]
    pub(super) all: Vec<String>,
    #[serde(default)]
    pub(super) any: Vec<String>,
    #[serde(default)]
    pub(super) none: Vec<String>,
    pub(super) within: Option<u32>,
    pub(super) surfaces: Option<Vec<Surface>>,
    pub(super) note: Option<String>,
    #[expect(dead_code, reason = "kept for people; the engine has no use for it")]
    pub(super) author: Option<String>,
}
