//! Spellings of a word that are searched for like terms: with look-alikes, parts of characters, in another order.

use super::tables::DisguiseTables;
use crate::text::Transforms;

/// Look-alikes tried for one character of a word.
pub(super) const SHAPES_MAX: usize = 6;
/// Look-alikes tried for both characters of a word of two.
const SHAPE_PAIRS_MAX: usize = 3;
/// Ways to split one character that are tried.
const SPLITS_MAX: usize = 3;
/// Fewest characters of a word that is found by its initials.
const INITIALS_CHARS_MIN: usize = 4;
/// Fewest characters of a word that is found from back to front.
const REVERSED_CHARS_MIN: usize = 3;

/// Calls `add` with every other spelling of a word and what was done to it. The spellings are in the dense view; some
/// may come twice.
pub(super) fn spellings(tables: &DisguiseTables, word: &[char], mut add: impl FnMut(String, Transforms)) {
    let with = |changes: &[(usize, &str)]| -> String {
        let mut text = String::new();
        for (index, c) in word.iter().enumerate() {
            match changes.iter().find(|(place, _)| *place == index) {
                Some((_, change)) => text.push_str(change),
                None => text.push(*c),
            }
        }
        text
    };
    let shapes = |c: char, most| tables.shapes(c).iter().take(most).map(ToString::to_string);
    for (index, c) in word.iter().enumerate() {
        for shape in shapes(*c, SHAPES_MAX) {
            add(with(&[(index, &shape)]), Transforms::SHAPE);
        }
        let may_be_initial = index == 0 || word.len() > 2;
        if let Some(initial) = tables.initial(*c).filter(|_| may_be_initial) {
            add(with(&[(index, initial.encode_utf8(&mut [0; 4]))]), Transforms::INITIALS);
        }
        for split in tables.splits(*c).iter().take(SPLITS_MAX).filter(|parts| is_dense(parts)) {
            add(with(&[(index, split)]), Transforms::SPLIT);
        }
    }
    if let [first, second] = word {
        for one in shapes(*first, SHAPE_PAIRS_MAX) {
            for two in shapes(*second, SHAPE_PAIRS_MAX) {
                add(with(&[(0, &one), (1, &two)]), Transforms::SHAPE);
            }
        }
    }
    // Every character that can be is split.
    for way in 0..2 {
        let splits = word.iter().map(|c| {
            let ways = tables.splits(*c);
            ways.get(way)
                .or(ways.first())
                .filter(|parts| is_dense(parts))
                .cloned()
                .unwrap_or_else(|| c.to_string())
        });
        add(splits.collect(), Transforms::SPLIT);
    }
    // In another order digits are another number.
    if word.iter().any(char::is_ascii_digit) {
        return;
    }
    if word.len() >= REVERSED_CHARS_MIN {
        add(word.iter().rev().collect(), Transforms::REVERSED);
    }
    let initials: Option<String> = word.iter().map(|c| tables.initial(*c)).collect();
    if let Some(initials) = initials.filter(|_| word.len() >= INITIALS_CHARS_MIN) {
        add(initials, Transforms::INITIALS);
    }
    for index in 1..word.len() {
        let mut swapped = word.to_vec();
        swapped.swap(index - 1, index);
        add(swapped.into_iter().collect(), Transforms::REVERSED);
    }
}

fn is_dense(text: &str) -> bool {
    text.chars().all(|c| crate::text::class_of(c).is_dense())
}
