//! Long texts in, *copied originals* out: a text that to a large part stands in an earlier one by somebody else, and does
//! not say so.
//!
//! [`Document`] is what a long text leaves: hashes of every five neighbouring tokens (its *grams*), a winnowed sample of
//! them (its *prints*), places in the author's text, and whether it names where it comes from. [`Originals`] files the prints
//! of the articles of the last weeks and asks all grams of a new one against them. A finding is for people to look at: it
//! says that two texts share much, not who wrote them.

mod attribution;
mod document;
mod index;
mod limits;
mod passages;
#[cfg(test)]
mod tests;
mod winnow;

pub use document::{Document, Place};
pub use index::Originals;
pub use limits::{
    ARTICLES_MAX, COMMON_ARTICLES, CONTAINED_MIN, KEPT_SHARE_MAX, MATCHED_PRINTS_MIN, OriginalLimits,
    PRINTS_PER_DOCUMENT_MAX, QUOTED_SHARE_MAX, SHARING_ACCOUNTS, TOKENS_MAX, TOKENS_MIN,
};
pub use passages::{PASSAGES_MAX, Passage};
pub use winnow::{GRAM_TOKENS, WINDOW_GRAMS, prints_into};

/// An article as this stage sees it. Keys are hashes that stay the same over runs.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The item's id.
    pub item: &'a str,
    /// The author's id.
    pub account: &'a str,
    /// Key of the author; an article of an unknown author is neither a copy nor an original.
    pub account_key: Option<u64>,
    /// Key of who stands behind the account, where the platform says so. Two accounts of one subject are one author.
    pub subject: Option<u64>,
    /// Whether the author is a verified organisation.
    pub is_organisation: bool,
    /// Event time in milliseconds since 1970.
    pub time_ms: i64,
    /// Its text.
    pub document: &'a Document,
}

/// A large part of a text stands in an earlier one by another author.
#[derive(Clone, Debug, PartialEq)]
pub struct Copied {
    /// The earlier item.
    pub of: String,
    /// Its author's account.
    pub account: String,
    /// Share of the smaller text that is in the other, 0.0–1.0: the larger of the two below.
    pub contained: f64,
    /// Share of this text that is in the original.
    pub share: f64,
    /// Share of the original that is in this text.
    pub share_of_original: f64,
    /// The longest copied passage in characters of the author's text.
    pub longest_passage_chars: u32,
    /// The longest copied passages, in the order of the text.
    pub passages: Vec<Passage>,
}
