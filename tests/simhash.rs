//! `SimHash` against the crate that defines it, and the Hamming index against brute force.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use proptest::prelude::*;
use qingliu::neardup::{SimhashScratch, simhash, simhash_by_definition};

/// Texts that repeat pairs, of characters of one to four bytes.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[一-一百a-c]{0,12}",
        "[加微信领取福利一二三a\u{fffc}]{0,300}",
        "[一-龥]{0,200}",
        "\\PC{0,60}",
        "[a-z\u{e9}\u{20000}-\u{20010}😀𝒜中]{0,80}",
    ]
}

proptest! {
    #[test]
    fn simhash_equals_the_crate_bit_for_bit(texts in prop::collection::vec(texts(), 1..6)) {
        let mut scratch = SimhashScratch::default();
        for text in texts {
            prop_assert_eq!(simhash(&text, &mut scratch), simhash_by_definition(&text), "{}", text);
        }
    }
}

#[test]
fn simhash_of_a_text_with_a_hundred_thousand_pairs_equals_the_crate() {
    let text: String = (0..100_000_u32).filter_map(|i| char::from_u32(0x4e00 + i * 7919 % 20_902)).collect();
    assert_eq!(simhash(&text, &mut SimhashScratch::default()), simhash_by_definition(&text));
}

#[test]
fn simhash_values_are_pinned() {
    let golden = [
        ("一二", 0x0ac0_2ecf_5716_4533),
        ("今天的包子真好吃下次还来", 0x666a_999f_bc1f_be67),
        ("加\u{fffc}领取福利先到先得", 0x6445_21b4_2978_077a),
        ("😀😀𠀀ab", 0x9088_c606_547a_0011),
    ];
    let mut scratch = SimhashScratch::default();
    for (text, value) in golden {
        assert_eq!(simhash(text, &mut scratch).unwrap(), value, "{text}");
        assert_eq!(simhash_by_definition(text).unwrap(), value, "{text}");
    }
}

#[test]
fn a_text_without_a_pair_has_no_simhash_and_repeats_count_once() {
    let mut scratch = SimhashScratch::default();
    for text in ["", "好", "\u{fffc}"] {
        assert_eq!((simhash(text, &mut scratch), simhash_by_definition(text)), (None, None), "{text}");
    }
    let repeated = simhash(&"哈".repeat(10_000), &mut scratch);
    assert_eq!(repeated, simhash("哈哈", &mut scratch));
    assert_ne!(repeated, simhash("嘿嘿", &mut scratch));
}
