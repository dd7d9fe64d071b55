//! The index against a reference that knows every print, and under floods.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::index::Originals;
use super::limits::{COMMON_ARTICLES, OriginalLimits};
use super::{Document, Submission};

const LIMITS: OriginalLimits = OriginalLimits { articles: 50, span_ms: 1_000_000 };

fn submit<'a>(author: u64, time_ms: i64, item: &'a str, document: &'a Document) -> Submission<'a> {
    Submission {
        item,
        account: "",
        account_key: Some(author),
        subject: None,
        is_organisation: false,
        time_ms,
        document,
    }
}

/// Prints in common with each filed article, by its place.
fn matched(index: &mut Originals, document: &Document) -> BTreeMap<usize, usize> {
    let matched = index.matched(document, 1);
    matched.iter().map(|m| (m.place, m.prints as usize)).collect()
}

/// Prints of articles in their order, and nothing clever: what the index should know.
#[derive(Default)]
struct Reference {
    articles: Vec<(u64, BTreeSet<u32>)>,
}

impl Reference {
    /// Authors with a print, each by their first article that has it.
    fn holders(&self, print: u32) -> Vec<usize> {
        (0..self.articles.len()).filter(|n| self.articles[*n].1.contains(&print)).collect()
    }

    fn matched(&self, document: &Document) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        let distinct: BTreeSet<u32> = document.grams().iter().copied().collect();
        for gram in distinct {
            let holders = self.holders(gram);
            if holders.len() < COMMON_ARTICLES {
                holders.into_iter().for_each(|n| *counts.entry(n).or_default() += 1);
            }
        }
        counts
    }

    fn file(&mut self, author: u64, prints: &[u32]) {
        let is_new = |print: &&u32| {
            let holders = self.holders(**print);
            holders.len() < COMMON_ARTICLES && holders.iter().all(|n| self.articles[*n].0 != author)
        };
        let own = prints.iter().filter(is_new).copied().collect();
        self.articles.push((author, own));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The index of prints counts as sets do: stock phrases left out, an author's own repetitions filed once.
    #[test]
    fn prints_in_common_are_those_of_a_reference(
        texts in prop::collection::vec((0..5_u64, prop::collection::vec(0..12_u32, 1..8)), 1..12)
    ) {
        // Texts are put together of few blocks, so that they share many.
        let block = |n: u32| (0..40).map(move |k| (n * 40 + k).wrapping_mul(0x9E37_79B1) | 1);
        let mut index = Originals::new(LIMITS);
        let mut reference = Reference::default();
        for (time, (author, blocks)) in (0..).zip(&texts) {
            let tokens: Vec<u32> = blocks.iter().flat_map(|n| block(*n)).collect();
            let document = Document::from_tokens(&tokens);
            prop_assert_eq!(matched(&mut index, &document), reference.matched(&document));
            let before = index.articles();
            index.observe(&submit(*author, time, "", &document));
            if index.articles() > before {
                reference.file(*author, &document.prints);
            }
        }
    }
}

#[test]
fn copies_take_no_room_and_do_not_push_their_original_out() {
    let mut index = Originals::new(LIMITS);
    let tokens = |seed: u32| (0..400).map(move |n| (seed * 1000 + n).wrapping_mul(0x9E37_79B1));
    let original = Document::from_tokens(&tokens(0).collect::<Vec<_>>());
    index.observe(&submit(0, 0, "first", &original));
    for n in 1..5000_u32 {
        index.observe(&submit(u64::from(n), i64::from(n), "copy", &original));
        if n.is_multiple_of(5) {
            let other = Document::from_tokens(&tokens(n).collect::<Vec<_>>());
            index.observe(&submit(1_000_000, i64::from(n), "other", &other));
        }
    }
    assert!(index.articles() <= 50);
    assert_eq!(matched(&mut index, &original).values().max(), Some(&original.prints.len()));
}
