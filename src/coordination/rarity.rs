//! How surprising it is to read the same words from two people.

use crate::lexicon::Bigrams;
use crate::neardup::{GramFrequency, SLOT_MARK, gram_key};

/// Bits of a pair of Chinese characters that ordinary text holds often, sometimes, hardly ever; of other characters.
const COMMON_BITS: f32 = 7.0;
const USED_BITS: f32 = 11.0;
const RARE_BITS: f32 = 14.0;
const OTHER_BITS: f32 = 6.0;
/// Days that the site's own frequencies reach back.
const FREQUENCY_DAYS: f32 = 7.0;
/// The prior counts like this many accounts.
const PRIOR_ACCOUNTS: f32 = 2000.0;

/// The site's own frequency of grams, with a table of the language for where little was seen yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rarity<'a> {
    pub(super) frequency: &'a GramFrequency,
    pub(super) language: &'a Bigrams,
}

impl Rarity<'_> {
    /// The distinct grams of a normalised text with their rarity: −log2 of the share of accounts that write them.
    ///
    /// Neighbouring grams share a character, so that sums over a text overstate by about a factor of two.
    pub(super) fn of_text(&self, text: &str) -> Vec<(u32, f32)> {
        let mut grams: Vec<(u32, f32)> = Vec::new();
        let chars = text.chars();
        for (left, right) in chars.clone().zip(chars.skip(1)) {
            // A place that every filling changes says nothing of the wording.
            if left == SLOT_MARK || right == SLOT_MARK {
                continue;
            }
            let gram = gram_key(left, right);
            grams.push((gram, self.bits(gram, self.prior_bits(left, right))));
        }
        grams.sort_unstable_by_key(|(gram, _)| *gram);
        grams.dedup_by_key(|(gram, _)| *gram);
        grams
    }

    /// The rarity of one pair of characters, in thousandths of a bit.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some tens of bits")]
    pub(super) fn pair_millibits(&self, [left, right]: [char; 2]) -> u32 {
        (self.bits(gram_key(left, right), self.prior_bits(left, right)) * 1000.0) as u32
    }

    fn bits(&self, gram: u32, prior_bits: f32) -> f32 {
        let seen = self.frequency.accounts_per_day() * FREQUENCY_DAYS;
        let share = (-self.frequency.bits(gram)).exp2();
        -((seen * share + PRIOR_ACCOUNTS * (-prior_bits).exp2()) / (seen + PRIOR_ACCOUNTS)).log2()
    }

    fn prior_bits(&self, left: char, right: char) -> f32 {
        let is_han = |c: char| ('\u{3400}'..'\u{a000}').contains(&c) || c >= '\u{20000}';
        if !is_han(left) || !is_han(right) {
            OTHER_BITS
        } else if self.language.is_common(left, right) {
            COMMON_BITS
        } else if self.language.is_used(left) && self.language.is_used(right) {
            USED_BITS
        } else {
            RARE_BITS
        }
    }
}

/// A normalised text with everything outside of the core, and every slot, written as `〔…〕`.
pub(super) fn core_runs(text: &str, is_core: impl Fn(u32) -> bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut kept = vec![false; chars.len()];
    for (index, pair) in chars.windows(2).enumerate() {
        if is_core(gram_key(pair[0], pair[1])) {
            kept[index] = pair[0] != SLOT_MARK;
            kept[index + 1] = pair[1] != SLOT_MARK;
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut in_gap = false;
    for (c, is_kept) in chars.into_iter().zip(kept) {
        if is_kept {
            out.push(c);
        } else if !in_gap {
            out.push_str("〔…〕");
        }
        in_gap = !is_kept;
    }
    out
}
