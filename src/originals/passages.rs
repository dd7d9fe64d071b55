//! Which stretches of a text stand in another one.

use super::document::Document;
use super::winnow::{GRAM_TOKENS, WINDOW_GRAMS};

/// Passages that a finding shows, the longest.
pub const PASSAGES_MAX: usize = 8;

/// A stretch of the author's text, in code points of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Passage {
    /// Index of the field in the item's field order.
    pub field: u16,
    /// First code point.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

impl Passage {
    /// Length in code points.
    pub fn chars(&self) -> u32 {
        self.end.saturating_sub(self.start)
    }
}

/// Stretches of tokens, half-open, under grams that `is_shared` knows. Inside a copied run prints are at most
/// [`WINDOW_GRAMS`] apart, so that smaller gaps between two of them are closed. Of a run, up to `WINDOW_GRAMS` − 1 tokens may be
/// missing at either end. O(grams).
pub(super) fn runs(grams: &[u32], is_shared: impl Fn(u32) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (start, _) in grams.iter().enumerate().filter(|(_, gram)| is_shared(**gram)) {
        let end = start + GRAM_TOKENS;
        match runs.last_mut() {
            Some(last) if start <= last.1 + (WINDOW_GRAMS - GRAM_TOKENS) => last.1 = end,
            _ => runs.push((start, end)),
        }
    }
    runs
}

/// The longest runs as places in the author's text, in its order; each ends with its field.
pub(super) fn passages(document: &Document, mut runs: Vec<(usize, usize)>) -> Vec<Passage> {
    runs.sort_unstable_by(|a, b| (b.1 - b.0).cmp(&(a.1 - a.0)).then(a.0.cmp(&b.0)));
    runs.truncate(PASSAGES_MAX);
    let mut found: Vec<Passage> = Vec::with_capacity(PASSAGES_MAX);
    for (start, end) in runs {
        let places = document.places.get(start..end).unwrap_or(&[]);
        for part in places.chunk_by(|a, b| a.field == b.field) {
            let ends = (part.iter().map(|place| place.start).min(), part.iter().map(|p| p.end).max());
            if let ((Some(start), Some(end)), Some(first)) = (ends, part.first()) {
                found.push(Passage { field: first.field, start, end });
            }
        }
    }
    found.sort_unstable_by(|a, b| b.chars().cmp(&a.chars()).then(a.cmp(b)));
    found.truncate(PASSAGES_MAX);
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_that_touch_are_one_run_and_small_gaps_are_closed() {
        let shared = |places: &[u32]| {
            let places = places.to_vec();
            move |gram: u32| places.contains(&gram)
        };
        let grams: Vec<u32> = (0..40).collect();
        assert_eq!(runs(&grams, shared(&[0, 8, 17, 30])), [(0, 13), (17, 22), (30, 35)]);
        assert_eq!(runs(&grams, shared(&[])), []);
    }
}
