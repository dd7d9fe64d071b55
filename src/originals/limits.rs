//! Numbers with names, all in one place.

use serde::{Deserialize, Serialize};

/// Fewest tokens of a text that is looked at: below, a few stock phrases are a large part.
pub const TOKENS_MIN: usize = 100;
/// Tokens of one text that are read. A text of two megabytes has fewer.
pub const TOKENS_MAX: usize = 1 << 20;
/// Prints of one text that are filed, the smallest: a fair sample of all. Texts of more than some 37,000 tokens have more.
pub const PRINTS_PER_DOCUMENT_MAX: usize = 8_192;
/// Prints that the index has room for, per article that it has room for.
pub(super) const PRINTS_PER_ARTICLE: usize = 512;
/// Most articles that any policy may ask for: 276 MB of prints per 20,000.
pub const ARTICLES_MAX: u32 = 1 << 20;

/// A print that articles of so many authors hold is a stock phrase or a quoted law, and counts for nothing.
pub const COMMON_ARTICLES: usize = 4;
/// Fewest prints in common that are a finding.
pub const MATCHED_PRINTS_MIN: u32 = 16;
/// Share of the smaller text that the other must hold. A copy with its synonyms swapped throughout keeps .39 of its five-character
/// grams; two instruments on one subject share up to .25.
pub const CONTAINED_MIN: f64 = 0.32;
/// A text of which less than this is another's quotes it.
pub const QUOTED_SHARE_MAX: f64 = 0.2;
/// A text of which more than this is in an earlier one is no original, and not filed.
pub const KEPT_SHARE_MAX: f64 = 0.8;
/// What so many other accounts have published already is common property: an agency's text, a law, a poem.
pub const SHARING_ACCOUNTS: usize = 5;

/// Articles that share most prints are looked at closely, so many of them.
pub(super) const CANDIDATES_MAX: usize = 8;
/// Articles that were copied lately and that one insertion spares when it makes room.
pub(super) const SPARED_MAX: usize = 4;

/// How much an index keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalLimits {
    /// Most articles, 1 to [`ARTICLES_MAX`]; values outside are taken for the nearest.
    pub articles: u32,
    /// Articles that nobody published or copied for more milliseconds of event time are forgotten.
    pub span_ms: i64,
}
