//! Tokens → grams → prints.
//!
//! Winnowing after Schleimer, Wilkerson and Aiken, "Winnowing: local algorithms for document fingerprinting" (2003). Whoever
//! shares a run of [`WINDOW_GRAMS`] + [`GRAM_TOKENS`] − 1 tokens with a text holds one of its prints.

/// Tokens of a gram.
pub const GRAM_TOKENS: usize = 5;
/// Grams of which one at least is a print: of two in nine, on average.
pub const WINDOW_GRAMS: usize = 8;

/// Constants of `SplitMix64` and of `wyhash`; odd, without other meaning.
const START: u64 = 0x9E37_79B9_7F4A_7C15;
const STEP: u64 = 0xE703_7ED1_A0B4_28DB;

/// Replaces `out` by the hashes of every [`GRAM_TOKENS`] neighbouring tokens, in order. O(tokens).
pub(super) fn grams_into(tokens: &[u32], out: &mut Vec<u32>) {
    out.clear();
    out.extend(tokens.windows(GRAM_TOKENS).map(gram));
}

fn gram(tokens: &[u32]) -> u32 {
    let mixed = tokens
        .iter()
        .fold(START, |hash, token| (hash ^ u64::from(*token)).wrapping_mul(STEP).rotate_left(29));
    mix(mixed)
}

/// The finaliser of `SplitMix64`, its upper half.
pub(super) fn mix(value: u64) -> u32 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    u32::try_from((value ^ (value >> 31)) >> 32).unwrap_or(0)
}

/// Replaces `out` by the prints of a text: the smallest gram of every [`WINDOW_GRAMS`] neighbours, sorted and distinct. All
/// grams of a shorter text are one window. O(grams log grams).
pub fn prints_into(grams: &[u32], out: &mut Vec<u32>) {
    out.clear();
    let size = WINDOW_GRAMS.min(grams.len()).max(1);
    out.extend(grams.windows(size).filter_map(|window| window.iter().min()));
    out.sort_unstable();
    out.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_a_print_and_prints_are_about_two_in_nine() {
        let tokens: Vec<u32> = (0_u32..20_000).map(|n| n.wrapping_mul(0x9E37_79B1)).collect();
        let (mut grams, mut prints) = (Vec::new(), Vec::new());
        grams_into(&tokens, &mut grams);
        prints_into(&grams, &mut prints);
        assert_eq!(grams.len(), tokens.len() - GRAM_TOKENS + 1);
        assert!(grams.windows(WINDOW_GRAMS).all(|w| w.iter().any(|gram| prints.binary_search(gram).is_ok())));
        assert!((4_200..4_700).contains(&prints.len()), "{}", prints.len());
    }

    #[test]
    fn short_texts_have_one_print_or_none() {
        let (mut grams, mut prints) = (Vec::new(), vec![1]);
        grams_into(&[1, 2, 3, 4], &mut grams);
        prints_into(&grams, &mut prints);
        assert!(grams.is_empty() && prints.is_empty());
        grams_into(&[1, 2, 3, 4, 5, 6], &mut grams);
        prints_into(&grams, &mut prints);
        assert_eq!(prints, [*grams.iter().min().unwrap()]);
    }
}
