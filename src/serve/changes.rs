//! Changes of the bundle as they are asked for, and what is told of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::canary::Share;
use super::problem::{Problem, ProblemCode};

/// Longest author, reason and version, characters.
const AUTHOR_CHARS_MAX: usize = 200;
const REASON_CHARS_MAX: usize = 2000;
const VERSION_CHARS_MAX: usize = 64;

/// Who wants a change, and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleChange {
    /// Who wants it; the name of the key when absent.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub author: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: String,
    /// Whether the new bundle may have far fewer terms or rules than the old one.
    #[serde(default)]
    pub allow_shrink: bool,
    /// The version that is to judge afterwards; another one is refused. Any when absent.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub expected_version: String,
}

/// A bundle that is to be tried.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CandidateChange {
    /// Who wants it; the name of the key when absent.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub author: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: String,
    /// Whether it may have far fewer terms or rules than the live one.
    #[serde(default)]
    pub allow_shrink: bool,
    /// The version that it must have. Any when absent.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub expected_version: String,
    /// Share of the items that it judges beside the live bundle, percent; `bundles.shadow_percent` when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub shadow_percent: Option<f64>,
    /// Share of the accounts whose items it judges in earnest, percent; none when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub canary_percent: f64,
}

/// Another share of accounts for the candidate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryChange {
    /// Who wants it; the name of the key when absent.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub author: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: String,
    /// Share of the accounts whose items the candidate judges, percent.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: f64,
}

/// Which bundle judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BundleState {
    /// Version of the bundle that judges.
    pub live: String,
    /// SHA-256 over its files; absent where they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Its terms.
    pub terms: usize,
    /// Its rules.
    pub rules: usize,
    /// Version of the one before, which a rollback brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Why the last change was refused; absent after one that was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What is being tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateState>,
}

/// A bundle that is being tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CandidateState {
    /// Its version.
    pub version: String,
    /// Its terms.
    pub terms: usize,
    /// Its rules.
    pub rules: usize,
    /// Since when its judgements are counted, milliseconds since 1970: its beginning, or the last change of the live bundle.
    pub since_ms: i64,
    /// Share of the items that it judges beside the live bundle, percent.
    pub shadow_percent: f64,
    /// Share of the accounts whose items it judges in earnest, percent.
    pub canary_percent: f64,
}

/// A request that names who is behind it.
pub(super) trait Authored {
    /// Who wants it; empty when it does not say.
    fn author_mut(&mut self) -> &mut String;
}

impl Authored for BundleChange {
    fn author_mut(&mut self) -> &mut String {
        &mut self.author
    }
}

impl Authored for CandidateChange {
    fn author_mut(&mut self) -> &mut String {
        &mut self.author
    }
}

impl Authored for CanaryChange {
    fn author_mut(&mut self) -> &mut String {
        &mut self.author
    }
}

impl Share {
    /// The share that a request asks for.
    pub(super) fn asked(percent: f64, pointer: &str) -> Result<Self, Problem> {
        Self::from_percent(percent)
            .ok_or_else(|| Problem::new(ProblemCode::InvalidBody, "a share is 0 to 100 percent").at(pointer))
    }
}

impl BundleChange {
    /// Holds the texts of a request against their limits.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let limits = [
            (&self.author, AUTHOR_CHARS_MAX, "author"),
            (&self.reason, REASON_CHARS_MAX, "reason"),
            (&self.expected_version, VERSION_CHARS_MAX, "expected_version"),
        ];
        match limits.into_iter().find(|(text, most, _)| text.chars().count() > *most) {
            Some((_, most, name)) => {
                let problem = Problem::new(ProblemCode::InvalidBody, format!("{name}_chars_max: {most}"));
                Err(problem.at(format!("/{name}")))
            }
            None => Ok(()),
        }
    }
}
