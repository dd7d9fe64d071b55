//! A saved scanner finds the same; damaged, cut-off and foreign bytes are refused or harmless.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use qingliu::lexicon::{Bigrams, ScanBuffer, Scanner, TermHit};
use qingliu::saved::SavedError;

/// A few kinds of folding; `tests/scanner.rs` has the shipped one.
fn fold(c: char, out: &mut Vec<char>) {
    match c {
        '\u{200B}' => {}
        '賭' => out.push('赌'),
        '⑴' => out.extend("(1)".chars()),
        '𝐚' => out.push('a'),
        _ => out.push(c),
    }
}

fn saved(scanner: &Scanner) -> Vec<u8> {
    let mut bytes = Vec::new();
    scanner.save(&mut bytes).unwrap();
    bytes
}

/// A scanner with something in every table.
fn full_scanner() -> Scanner {
    let crowd = (0..40_u32).map(|n| format!("甲乙{}", char::from_u32(0x4E00 + n).unwrap()));
    let others =
        ["甲", "🐧", "🐧🐔", "⑴a", "赌博机网站导航大全", "ab", "abc", "甲乙", "甲乙"].map(str::to_owned);
    let terms: Vec<String> = crowd.chain(others).collect();
    Scanner::build(terms.iter().map(String::as_str), &Bigrams::default(), fold).unwrap()
}

const EVERYTHING: &str = "甲乙丁🐧🐔⑴a㏄賭\u{200B}博机网站导航大全abc甲乙甲乙一甲";

fn hits_in(scanner: &Scanner, text: &str) -> Vec<TermHit> {
    let (mut buffer, mut hits) = (ScanBuffer::default(), Vec::new());
    scanner.find_into(text, usize::MAX, &mut buffer, &mut hits);
    for hit in &hits {
        let span = buffer.stream.span(text, hit.start, hit.end);
        assert!(text.get(span).is_some());
    }
    hits
}

#[test]
fn a_loaded_scanner_finds_the_same() {
    let scanner = full_scanner();
    let loaded = Scanner::load(&saved(&scanner)).unwrap();
    assert_eq!(hits_in(&loaded, EVERYTHING), hits_in(&scanner, EVERYTHING));
    assert_eq!((loaded.len(), saved(&loaded)), (scanner.len(), saved(&scanner)));
    let none = Scanner::build([], &Bigrams::default(), fold).unwrap();
    assert!(Scanner::load(&saved(&none)).unwrap().is_empty());
}

#[test]
fn what_is_no_scanner_is_refused_and_why_is_said() {
    let bytes = saved(&full_scanner());
    assert!(matches!(Scanner::load(b"").unwrap_err(), SavedError::Foreign { .. }));
    assert!(matches!(Scanner::load(b"PK\x03\x04 something else").unwrap_err(), SavedError::Foreign { .. }));
    let mut other = bytes.clone();
    other[8] += 1;
    let error = Scanner::load(&other).unwrap_err();
    assert_eq!(error, SavedError::Version { found: 2, expected: 1 });
    let steps = (8..bytes.len()).step_by(997).chain([bytes.len() - 1]);
    for cut in steps {
        let error = Scanner::load(&bytes[..cut]).unwrap_err();
        assert!(matches!(error, SavedError::Truncated { .. } | SavedError::Damaged), "{cut}: {error}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(
        Scanner::load(&longer).unwrap_err(),
        SavedError::Truncated { .. } | SavedError::Damaged
    ));
}

/// Damage that the checksum finds, and the same damage with the checksum put right: refused, or harmless.
#[test]
fn damaged_scanners_are_refused_or_harmless() {
    let bytes = saved(&full_scanner());
    let texts = [EVERYTHING.to_owned(), "甲乙🐧⑴a".repeat(50), "ab".to_owned(), String::new()];
    let plane = 12 + 8 + (1 << 17);
    let mut state = 20_261_121_u64;
    for round in 0..3000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The basic plane is most of the file and the least of the rules.
        let random = usize::try_from(state >> 33).unwrap();
        let at =
            if round % 8 == 0 { 12 + random % plane } else { plane + random % (bytes.len() - plane - 4) };
        let mut damaged = bytes.clone();
        damaged[at] ^= [1, 2, 0x80, 0xFF][random % 4];
        assert!(Scanner::load(&damaged).is_err(), "byte {at}");
        let body = damaged.len() - 4;
        let sum = crc32fast::hash(&damaged[..body]);
        damaged[body..].copy_from_slice(&sum.to_le_bytes());
        if let Ok(scanner) = Scanner::load(&damaged) {
            texts.iter().for_each(|text| drop(hits_in(&scanner, text)));
        }
    }
}
