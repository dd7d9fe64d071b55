//! The scanner finds what an automaton over the folded text finds and what naive search finds, hit for hit, and gives
//! the bytes of the original. Where the environment variable `QINGLIU_DATA` names a folder with the project's
//! measuring data, all of its posts are compared as well.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use qingliu::engine::embedded_files;
use qingliu::lexicon::{Bigrams, ScanBuffer, Scanner, ScannerError, TermHit};
use qingliu::text::FoldTable;

static TABLE: LazyLock<FoldTable> = LazyLock::new(|| {
    let files = embedded_files();
    FoldTable::build(|name| files.iter().find(|f| f.path == format!("fold/{name}")).map(|f| f.text.as_str()))
        .expect("the shipped tables")
});

static BIGRAMS: LazyLock<Bigrams> = LazyLock::new(|| {
    let files = embedded_files();
    let file = files.iter().find(|f| f.path == "fold/bigrams.tsv").expect("the shipped pairs");
    Bigrams::parse(&file.text).expect("the shipped pairs")
});

fn fold(c: char, out: &mut Vec<char>) {
    TABLE.fold_char_into(c, out);
}

/// The same cases on every run, so that a failure is the change's; `PROPTEST_RNG_SEED` looks for new ones.
fn config(cases: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    let rng_seed = match config.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_261_121),
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
    };
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..config }
}

/// A text, folded, with the bytes that each folded character came from.
struct Folded {
    chars: Vec<char>,
    sources: Vec<std::ops::Range<usize>>,
}

impl Folded {
    fn new(text: &str) -> Self {
        let (mut chars, mut sources) = (Vec::new(), Vec::new());
        for (at, c) in text.char_indices() {
            fold(c, &mut chars);
            sources.resize(chars.len(), at..at + c.len_utf8());
        }
        Self { chars, sources }
    }

    /// A hit with its bytes in the original.
    fn found(&self, hit: TermHit) -> Found {
        let (start, end) = (hit.start as usize, hit.end as usize);
        (hit.start, hit.end, hit.term, self.sources[start].start, self.sources[end - 1].end)
    }
}

/// First symbol, one past the last, term, first byte, one past the last.
type Found = (u32, u32, u32, usize, usize);

/// A scanner and what it is held against.
struct Engines {
    scanner: Scanner,
    terms: Vec<Vec<char>>,
    automaton: AhoCorasick,
}

/// More comparisons than this are left to the automaton.
const NAIVE_STEPS_MAX: usize = 200_000;

impl Engines {
    fn new(terms: &[impl AsRef<str>]) -> Self {
        let scanner = Scanner::build(terms.iter().map(AsRef::as_ref), &BIGRAMS, fold).unwrap();
        assert_eq!(scanner.len(), terms.len());
        let loaded = {
            let mut bytes = Vec::new();
            scanner.save(&mut bytes).unwrap();
            Scanner::load(&bytes).unwrap()
        };
        assert_eq!(loaded.memory_bytes(), scanner.memory_bytes());
        let terms: Vec<Vec<char>> = terms.iter().map(|term| Folded::new(term.as_ref()).chars).collect();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(terms.iter().map(|term| term.iter().collect::<String>()))
            .unwrap();
        Self { scanner: loaded, terms, automaton }
    }

    /// What naive search finds, in order.
    fn naive(&self, folded: &Folded) -> Vec<Found> {
        let mut found = Vec::new();
        for (term, chars) in (0..).zip(&self.terms) {
            for (start, _) in folded.chars.windows(chars.len()).enumerate().filter(|(_, here)| here == chars)
            {
                let (start, end) =
                    (u32::try_from(start).unwrap(), u32::try_from(start + chars.len()).unwrap());
                found.push(folded.found(TermHit { start, end, term }));
            }
        }
        found.sort_unstable();
        found
    }

    /// What the automaton finds, in order.
    fn automatic(&self, folded: &Folded) -> Vec<Found> {
        let text: String = folded.chars.iter().collect();
        let mut numbers = vec![0; text.len() + 1];
        for (number, (at, c)) in (0..).zip(text.char_indices()) {
            numbers[at] = number;
            numbers[at + c.len_utf8()] = number + 1;
        }
        let hit = |m: aho_corasick::Match| {
            let (start, end) = (numbers[m.start()], numbers[m.end()]);
            folded.found(TermHit { start, end, term: m.pattern().as_u32() })
        };
        let mut found: Vec<Found> = self.automaton.find_overlapping_iter(&text).map(hit).collect();
        found.sort_unstable();
        found
    }

    /// Holds all ways to search a text against each other; returns the hits.
    fn check(&self, text: &str, buffer: &mut ScanBuffer) -> Vec<Found> {
        let folded = Folded::new(text);
        let mut hits = Vec::new();
        assert!(self.scanner.find_into(text, usize::MAX, buffer, &mut hits));
        assert_eq!(buffer.stream.len(), folded.chars.len(), "{text:?}");
        let mut found: Vec<Found> = hits
            .iter()
            .map(|hit| {
                let span = buffer.stream.span(text, hit.start, hit.end);
                (hit.start, hit.end, hit.term, span.start, span.end)
            })
            .collect();
        found.sort_unstable();
        assert!(found == self.automatic(&folded), "{:?} in {text:?}: {found:?}", self.terms);
        if folded.chars.len() * self.terms.len() <= NAIVE_STEPS_MAX {
            assert!(found == self.naive(&folded), "{:?} in {text:?}: {found:?}", self.terms);
        }
        hits.clear();
        assert!(self.scanner.find_in_chars_into(folded.chars.iter().copied(), usize::MAX, buffer, &mut hits));
        let mut in_chars: Vec<Found> = hits.iter().map(|hit| folded.found(*hit)).collect();
        in_chars.sort_unstable();
        assert_eq!(in_chars, found);
        found
    }
}

/// The pieces of the text that are hit, with the terms, in order of place.
fn pieces(terms: &[&str], text: &str) -> Vec<String> {
    let found = Engines::new(terms).check(text, &mut ScanBuffer::default());
    found.iter().map(|(_, _, term, start, end)| format!("{term}:{}", &text[*start..*end])).collect()
}

// ---- single facts -------------------------------------------------------------------------------------------------

#[test]
fn hits_carry_the_bytes_of_the_original() {
    assert_eq!(pieces(&["赌博"], "賭\u{200B}博机"), ["0:賭\u{200B}博"]);
    assert_eq!(pieces(&["abc"], "xＡＢＣx"), ["0:ＡＢＣ"]);
    assert_eq!(pieces(&["甲", "甲乙"], "甲乙"), ["0:甲", "1:甲乙"]);
}

#[test]
fn terms_that_fold_alike_are_all_reported() {
    assert_eq!(pieces(&["賭博", "赌博", "赌博"], "不要赌博"), ["0:赌博", "1:赌博", "2:赌博"]);
    assert_eq!(pieces(&["發", "发"], "发"), ["0:发", "1:发"]);
}

#[test]
fn astral_characters_are_told_apart() {
    assert_eq!(pieces(&["🐧", "🐧号"], "🐔 🐔号"), [""; 0]);
    assert_eq!(pieces(&["🐧", "🐧号", "🐔🐧"], "🐔🐧号"), ["2:🐔🐧", "0:🐧", "1:🐧号"]);
    assert_eq!(pieces(&["𠮷野"], "𠮷野𠮷"), ["0:𠮷野"]);
}

#[test]
fn a_hit_inside_an_expansion_covers_the_whole_character() {
    assert_eq!(pieces(&["1k", "g重", "kg"], "1㎏重"), ["0:1㎏", "2:㎏", "1:㎏重"]);
    assert_eq!(pieces(&["cc水", "c水"], "500㏄水"), ["0:㏄水", "1:㏄水"]);
    assert_eq!(pieces(&["1加"], "⑴加"), ["0:⑴加"]);
}

/// A fold of this test's own, with the longest expansions.
#[test]
fn a_character_becomes_up_to_eight() {
    let fold = |c: char, out: &mut Vec<char>| match c {
        '⑴' => out.extend("(1)".chars()),
        '八' => out.extend("abcdefgh".chars()),
        _ => out.push(c),
    };
    let scanner = Scanner::build(["(1)a", "h(", "八⑴", "defg"], &BIGRAMS, fold).unwrap();
    let (mut buffer, mut hits) = (ScanBuffer::default(), Vec::new());
    let text = "八".repeat(100) + "⑴";
    assert!(scanner.find_into(&text, usize::MAX, &mut buffer, &mut hits));
    let mut found: Vec<(u32, u32, u32)> =
        hits.iter().map(|hit| (hit.start, hit.end, hit.term)).filter(|(_, _, term)| *term != 3).collect();
    found.sort_unstable();
    assert_eq!((hits.len(), buffer.stream.len()), (102, 803));
    assert_eq!(found, [(792, 803, 2), (799, 801, 1)]);
    assert_eq!(buffer.stream.span(&text, 799, 801), 297..303);
}

#[test]
fn hits_stand_at_the_first_and_the_last_byte() {
    assert_eq!(pieces(&["甲乙"], "甲乙乙甲乙"), ["0:甲乙", "0:甲乙"]);
    assert_eq!(pieces(&["ab"], "ab"), ["0:ab"]);
    assert_eq!(pieces(&["a"], "a"), ["0:a"]);
    assert_eq!(pieces(&["甲乙丙丁戊己"], "甲乙丙丁戊"), [""; 0]);
    assert_eq!(pieces(&["甲乙丙丁戊己"], "乙丙丁戊己"), [""; 0]);
}

#[test]
fn nothing_is_found_where_nothing_is_left() {
    for text in ["", "\u{200B}", "\u{200B}\u{FE0F}\u{200D}", "\u{0301}\u{202E}\u{FEFF}\u{00AD}\u{2060}"] {
        assert_eq!(pieces(&["甲", "甲乙", "ab"], text), [""; 0]);
    }
    assert_eq!(pieces(&[], "甲乙"), [""; 0]);
}

#[test]
fn a_term_is_found_alone_and_among_many() {
    let digits = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let others = (0..50_000).map(|n: usize| n.to_string().chars().map(|c| digits[c as usize - 48]).collect());
    let many: Vec<String> = ["赌博机".to_owned()].into_iter().chain(others).collect();
    for terms in [&many[..1], &many[..11], &many[..201], &many] {
        let found = Engines::new(terms).check("一台赌博机", &mut ScanBuffer::default());
        assert!(found.contains(&(2, 5, 0, 6, 15)), "{} terms", terms.len());
    }
}

#[test]
fn terms_that_cannot_be_found_are_refused() {
    let refused = |terms: &[&str]| Scanner::build(terms.iter().copied(), &BIGRAMS, fold).unwrap_err();
    assert_eq!(refused(&["甲", ""]), ScannerError::EmptyTerm { term: 1 });
    assert_eq!(refused(&["\u{200B}\u{FE0F}"]), ScannerError::EmptyTerm { term: 0 });
    let longest = "甲".repeat(255);
    assert_eq!(refused(&["乙", &(longest.clone() + "丙")]), ScannerError::LongTerm { term: 1, found: 256 });
    assert_eq!(pieces(&[&longest], &format!("乙{longest}乙")), [format!("0:{longest}")]);
    let astral: Vec<String> =
        ('\u{10000}'..='\u{20000}').chain('一'..='龥').map(|c| format!("{c}{c}")).collect();
    let error =
        Scanner::build(astral.iter().map(String::as_str), &BIGRAMS, |c, out| out.push(c)).unwrap_err();
    assert_eq!(error, ScannerError::TooManyCharacters);
}

#[test]
fn the_limit_on_hits_is_kept_and_said() {
    let terms = ["a", "aa", "aaa", "甲乙", "甲乙丙丁戊", "乙丙"];
    let (text, engines) = ("aaaa甲乙丙丁戊甲乙", Engines::new(&terms));
    let mut buffer = ScanBuffer::default();
    let all = engines.check(text, &mut buffer);
    assert_eq!(all.len(), 4 + 3 + 2 + 2 + 1 + 1);
    for hits_max in 0..all.len() + 2 {
        let mut hits = vec![TermHit::default(); 3];
        let is_complete = engines.scanner.find_into(text, hits_max, &mut buffer, &mut hits);
        assert_eq!(hits.len() - 3, hits_max.min(all.len()));
        assert_eq!(is_complete, hits_max >= all.len(), "{hits_max}");
        let folded = Folded::new(text);
        let found: BTreeSet<Found> = hits[3..].iter().map(|hit| folded.found(*hit)).collect();
        assert_eq!(found.len(), hits.len() - 3, "no hit is reported twice");
        assert!(found.iter().all(|hit| all.contains(hit)));
    }
}

#[test]
fn texts_around_the_width_of_a_block_are_read_to_their_end() {
    let engines = Engines::new(&["甲乙", "a甲", "甲a", "aa", "é甲", "🐧甲", "kg", "甲甲甲甲", "末"]);
    let mut buffer = ScanBuffer::default();
    for unit in ["a", "é", "甲", "🐧", "㎏", "\u{200B}", "甲a", "a\u{200B}甲", "甲甲甲🐧", "甲甲㎏", "aaaé"]
    {
        for length in 0..40 {
            let body: String = unit.chars().cycle().take(length).collect();
            for end in ["", "甲乙", "a", "末", "é", "🐧", "㎏", "\u{200B}"] {
                engines.check(&format!("{body}{end}"), &mut buffer);
            }
        }
    }
}

#[test]
fn long_and_short_texts_share_a_buffer() {
    let engines = Engines::new(&["赌博", "末尾", "g加", "aab"]);
    let mut buffer = ScanBuffer::default();
    for unit in ["清流内容安全", "赌", "赌博", "aab", "㎏加a", "㎏", "\u{200B}", "🐧é甲"] {
        let text = unit.repeat((1 << 20) / unit.len()) + "末尾";
        let found = engines.check(&text, &mut buffer);
        assert!(found.iter().any(|(_, _, term, _, end)| (*term, *end) == (1, text.len())));
        assert_eq!(engines.check("赌博", &mut buffer).len(), 1);
    }
}

#[test]
fn characters_that_the_map_drops_or_expands_count_one_where_text_is_folded_already() {
    let engines = Engines::new(&["甲乙", "kg"]);
    let (mut buffer, mut hits) = (ScanBuffer::default(), Vec::new());
    for (text, want) in [("甲\u{200B}乙", None), ("\u{200B}甲乙", Some((1, 3))), ("㎏㎏甲乙", Some((2, 4)))]
    {
        hits.clear();
        assert!(engines.scanner.find_in_chars_into(text.chars(), 9, &mut buffer, &mut hits));
        assert_eq!(hits.iter().map(|hit| (hit.start, hit.end)).next(), want, "{text:?}");
    }
}

// ---- laws ---------------------------------------------------------------------------------------------------------

/// Characters that meet often, of every width and kind: the smaller the alphabet, the more terms overlap.
const ALPHABETS: [&str; 8] = [
    "a",
    "ab",
    "甲乙",
    "甲乙丙丁",
    "a🐧🐔甲",
    "賭赌博\u{200B}機机",
    "㎏㏄kgc1⑴\u{FDFA}\u{0301}",
    "aé甲🐧⑴\u{200B}Ａ賭z",
];

fn words(alphabet: &'static str, chars: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let letters: Vec<char> = alphabet.chars().collect();
    vec(select(letters), chars).prop_map(String::from_iter)
}

/// Terms and texts over one alphabet.
fn terms_and_texts() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    select(&ALPHABETS[..]).prop_flat_map(|alphabet| {
        let terms = vec(words(alphabet, 1..7), 1..60);
        (terms, vec(prop_oneof![words(alphabet, 0..80), any::<String>()], 1..8))
    })
}

/// Many terms around the same pair, and texts full of it.
fn crowds() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let term = (words("丙丁a", 0..4), words("丙丁a", 0..4)).prop_map(|(left, right)| left + "甲乙" + &right);
    (vec(term, 10..120), vec(words("甲乙甲乙丙丁a", 0..120), 1..8))
}

/// Long terms that differ late, and texts that hold pieces of them.
fn long_terms() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let terms = vec(words("甲乙", 1..255), 1..12);
    terms.prop_flat_map(|terms| {
        let cut =
            (select(terms.clone()), 0_usize..4, words("甲乙丙", 0..3)).prop_map(|(term, skip, glue)| {
                let rest: String = term.chars().skip(skip).collect();
                rest + &glue
            });
        (Just(terms), vec(vec(cut, 1..6).prop_map(|cuts| cuts.concat()), 1..6))
    })
}

/// Leaves out terms of which folding leaves nothing.
fn check_all(terms: &[String], texts: &[String]) {
    let kept: Vec<&String> = terms.iter().filter(|term| !Folded::new(term).chars.is_empty()).collect();
    let engines = Engines::new(&kept);
    let mut buffer = ScanBuffer::default();
    texts.iter().for_each(|text| drop(engines.check(text, &mut buffer)));
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn hits_equal_those_of_an_automaton_and_of_naive_search((terms, texts) in terms_and_texts()) {
        check_all(&terms, &texts);
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn crowds_of_terms_around_one_pair_are_told_apart((terms, texts) in crowds()) {
        check_all(&terms, &texts);
    }

    #[test]
    fn long_terms_are_compared_to_their_ends((terms, texts) in long_terms()) {
        check_all(&terms, &texts);
    }

    #[test]
    fn any_terms_are_found_in_texts_made_of_them(
        terms in vec("\\PC{1,5}", 1..40),
        order in vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let text: String = order.iter().map(|index| index.get(&terms).as_str()).collect();
        check_all(&terms, &[text]);
    }
}

// ---- worst cases --------------------------------------------------------------------------------------------------

/// Every pair of 40 characters is a term, so that every pair of a text is an anchor.
#[test]
fn texts_of_nothing_but_anchors_are_searched() {
    let letters: Vec<char> = ('一'..).take(40).collect();
    let pairs = letters.iter().flat_map(|a| letters.iter().map(move |b| format!("{a}{b}")));
    let longer = letters.windows(5).map(String::from_iter);
    let terms: Vec<String> = pairs.chain(longer).collect();
    let text: String = (0..5000).map(|n: usize| letters[n * n % 37]).collect();
    let found = Engines::new(&terms).check(&text, &mut ScanBuffer::default());
    assert!(found.len() >= 4999);
}

/// Few bits serve few terms, so that pairs which are no anchor pass by chance: texts of nothing but those.
#[test]
fn texts_that_pass_the_filters_by_chance_are_searched() {
    let letters: Vec<char> = ('一'..).take(500).collect();
    let terms: Vec<String> = (0..5000_usize)
        .map(|n| [n * 7 % 250, n * 13 % 251, n * 31 % 249].map(|at| letters[at]).iter().collect())
        .collect();
    let engines = Engines::new(&terms);
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        letters[usize::try_from(state >> 33).unwrap() % letters.len()]
    };
    let text: String = (0..200_000).map(|_| next()).collect();
    engines.check(&text, &mut ScanBuffer::default());
}

#[test]
fn every_suffix_of_a_run_is_reported_as_often_as_it_occurs() {
    let terms: Vec<String> = (1..=255).map(|n| "a".repeat(n)).collect();
    let found = Engines::new(&terms).check(&"a".repeat(300), &mut ScanBuffer::default());
    assert_eq!(found.len(), (1..=255).map(|n| 300 - n + 1).sum::<usize>());
}

// ---- measuring data -----------------------------------------------------------------------------------------------

/// Every post of the project's measuring data, with the largest sets of terms that an automaton builds quickly.
#[test]
fn all_posts_of_the_corpus_have_the_hits_of_an_automaton_where_they_are_at_hand() {
    let Some(folder) = std::env::var_os("QINGLIU_DATA") else { return };
    let read = |path: &str| {
        let bytes = std::fs::read(Path::new(&folder).join(path)).unwrap();
        String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap()
    };
    let sets = ["low_100000", "high_100000"].map(|set| read(&format!("matching/{set}.txt.zst")));
    let terms: Vec<&str> = sets.iter().flat_map(|set| set.lines()).collect();
    let engines = Engines::new(&terms);
    let mut buffer = ScanBuffer::default();
    let (mut posts, mut hits) = (0, 0);
    for line in read("moderation/corpus.jsonl.zst").split('\n').filter(|line| !line.is_empty()) {
        let item: serde_json::Value = serde_json::from_str(line).unwrap();
        hits += engines.check(item["text"].as_str().unwrap(), &mut buffer).len();
        posts += 1;
    }
    assert!(posts > 300_000 && hits > posts, "{posts} posts, {hits} hits");
}
