//! Laws of near-duplicate detection, against plain implementations.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(clippy::cast_precision_loss, reason = "small numbers")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use qingliu::engine::embedded_files;
use qingliu::neardup::{
    Author, Boilerplate, BoilerplateLimits, Fingerprint, Fingerprinter, GramFrequency, NEIGHBOURS_MAX,
    NO_POSITION, Neighbour, Observation, PERMUTATIONS, SLOT_MARK, Strength, Window, WindowLimits, overlap,
};
use qingliu::saved::SavedError;
use qingliu::text::{FoldTable, FoldedText, Slot, SlotKind, SymbolRange, Transforms};

static TABLE: LazyLock<FoldTable> = LazyLock::new(|| {
    let files = embedded_files();
    let file = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    FoldTable::build(|name| file(&format!("fold/{name}"))).unwrap()
});

const LIMITS: WindowLimits = WindowLimits { posts: 100, span_ms: 1_000_000, late_ms: 1_000 };

/// The stream and the fingerprint of a text without slots.
fn read(text: &str) -> (String, Fingerprint) {
    let (mut folded, mut reader, mut print) =
        (FoldedText::default(), Fingerprinter::new(), Fingerprint::default());
    folded.fold(&TABLE, text);
    reader.read_into(&folded, &[], &mut print);
    (reader.normalised().to_owned(), print)
}

fn print(text: &str) -> Fingerprint {
    read(text).1
}

fn observe(window: &mut Window, text: &str, time_ms: i64) -> (Observation, Vec<Neighbour>) {
    let mut found = Vec::new();
    (window.observe(&print(text), time_ms, &mut found), found)
}

/// A number that looks random and depends on its seed alone.
fn mixed(seed: u64) -> u64 {
    let value = seed.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (value ^ (value >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 16
}

/// A text of Han characters that depends on its seed alone.
fn text(seed: u64, chars: u64) -> String {
    let han = |i| char::from_u32(0x4E00 + u32::try_from(mixed(seed * 1_000 + i) % 3_000).unwrap()).unwrap();
    (0..chars).map(han).collect()
}

/// The text with every so many characters replaced.
fn edited(text: &str, every: usize, seed: u64) -> String {
    let other = |i: usize| char::from_u32(0x6000 + u32::try_from(mixed(seed + i as u64) % 2_000).unwrap());
    let edit = |(i, c)| if i % every == every / 2 { other(i).unwrap() } else { c };
    text.chars().enumerate().map(edit).collect()
}

fn similarity(left: &str, right: &str) -> f32 {
    overlap(&print(left).grams, &print(right).grams).similarity
}

#[test]
fn what_does_not_matter_leaves_the_stream() {
    let cases = [
        ("今天  的包子，真好吃！😀", "今天的包子真好吃"),
        ("ＡＢＣ們", "abc们"),
        ("好看@小王 来了", "好看来了"),
        ("#话题#好看[笑哭]来了", "好看来了"),
        ("说得对//@小王:原来的话//@小李:更早的话", "说得对"),
        ("//@小王:原来的话", "原来的话"),
        ("价格 1 000 元", "价格0元"),
        ("1，2，3", "0"),
        ("＃这一整句都写在话题里面希望没有人看见它＃哦", "这一整句都写在话题里面希望没有人看见它哦"),
        ("！！！", ""),
    ];
    for (text, want) in cases {
        assert_eq!(read(text).0, want, "{text}");
    }
}

#[test]
fn contacts_leave_a_mark() {
    let slot = |canonical: &str, start, end| Slot {
        kind: SlotKind::Wechat,
        canonical: canonical.to_owned(),
        range: SymbolRange { start, end },
        transforms: Transforms::empty(),
    };
    let fingerprint = |text: &str, slots: &[Slot]| {
        let (mut folded, mut reader, mut out) =
            (FoldedText::default(), Fingerprinter::new(), Fingerprint::default());
        folded.fold(&TABLE, text);
        reader.read_into(&folded, slots, &mut out);
        (reader.normalised().to_owned(), out)
    };
    let (stream, one) = fingerprint("加微信abcd快", &[slot("abcd", 3, 7)]);
    let (_, two) = fingerprint("加微信xyz_12快", &[slot("xyz_12", 3, 9)]);
    assert_eq!(stream, format!("加微信{SLOT_MARK}快"));
    assert_eq!((one.exact, &one.grams), (two.exact, &two.grams));
    let (stream, _) = fingerprint("abcd，abcd", &[slot("abcd", 0, 4), slot("abcd", 5, 9)]);
    assert_eq!(stream, SLOT_MARK.to_string());
}

#[test]
fn reposts_say_so() {
    for text in ["好//@小王:原话", "转发自小王", "原话 via @小王", "repost 原话", "转发微博"]
    {
        assert!(print(text).is_repost, "{text}");
    }
    assert!(!print("今天转了一圈，发现自己迷路了").is_repost);
}

#[test]
fn keys_of_streams_never_change() {
    let keys = ["好", "今天的包子真好吃", "abc0"].map(|text| print(text).exact);
    assert_eq!(keys, [0xF2EF_5AD2_499E_6047, 0x6B39_BA47_97BC_99FC, 0xE55F_059A_6465_F70E]);
}

#[test]
fn an_empty_stream_matches_nothing() {
    let mut window = Window::new(LIMITS);
    for text in ["", "！！！", "😀😀"] {
        let (seen, found) = observe(&mut window, text, 0);
        assert!(print(text).is_empty() && found.is_empty());
        assert_eq!((seen.position, seen.copies, seen.is_inserted), (NO_POSITION, 0, false));
    }
}

#[test]
fn a_text_without_pairs_matches_its_copies_only() {
    let mut window = Window::new(LIMITS);
    assert!(observe(&mut window, "好", 0).0.is_inserted);
    assert!(observe(&mut window, "坏", 0).0.is_inserted);
    let (seen, found) = observe(&mut window, "好！", 0);
    assert_eq!((seen.position, seen.copies, found.len()), (0, 1, 1));
}

#[test]
fn copies_count_up_and_keep_their_representative() {
    let mut window = Window::new(WindowLimits { posts: 10, ..LIMITS });
    let copied = text(1, 30);
    assert_eq!(observe(&mut window, &copied, 0).0.position, 0);
    for n in 1..100_u32 {
        assert_eq!(observe(&mut window, &text(100 + u64::from(n), 30), i64::from(n)).1, []);
        let (seen, found) = observe(&mut window, &copied, i64::from(n));
        assert_eq!((seen.position, seen.copies, seen.is_inserted), (0, n, false));
        assert_eq!((found[0].strength, found.len()), (Strength::Exact, 1));
    }
    // The representative is found by what is nearly the same, too.
    let found = observe(&mut window, &format!("{copied}啊"), 100).1;
    assert_eq!((found[0].position, found[0].strength), (0, Strength::Strong));
}

#[test]
fn posts_leave_by_number() {
    let mut window = Window::new(WindowLimits { posts: 10, ..LIMITS });
    for n in 0..11 {
        observe(&mut window, &text(n, 30), 0);
    }
    assert_eq!(window.posts(), 10);
    assert_eq!(observe(&mut window.clone(), &text(1, 30), 0).0.position, 1);
    assert!(observe(&mut window, &text(0, 30), 0).0.is_inserted);
}

#[test]
fn posts_leave_by_time() {
    let mut window = Window::new(LIMITS);
    let (old, near) = (text(1, 30), format!("{}啊", text(1, 30)));
    observe(&mut window, &old, 0);
    assert_eq!(observe(&mut window.clone(), &near, 1_000_000).1.len(), 1);
    assert_eq!(observe(&mut window.clone(), &near, 1_000_001).1.len(), 0);
    assert!(observe(&mut window, &old, 1_000_001).0.is_inserted);
}

#[test]
fn a_full_window_takes_at_most_256_bytes_per_post_beside_the_sets() {
    let posts = 2_500;
    let mut window = Window::new(WindowLimits { posts, ..LIMITS });
    (0..u64::from(posts) + 10).for_each(|n| drop(observe(&mut window, &text(n, 12), 0)));
    assert_eq!(window.posts(), posts as usize);
    assert!(window.index_bytes() <= 256 * posts as usize, "{}", window.index_bytes());
}

#[test]
fn late_posts_are_looked_up_and_not_inserted() {
    let mut window = Window::new(LIMITS);
    let post = text(1, 30);
    observe(&mut window, &post, 10_000);
    let before = window.save();
    let (seen, found) = observe(&mut window, &format!("{post}啊"), 8_999);
    assert_eq!((seen.is_late, seen.is_inserted, seen.position), (true, false, NO_POSITION));
    assert_eq!(found.len(), 1);
    let (seen, found) = observe(&mut window, &post, 8_999);
    assert_eq!((seen.is_late, seen.position, seen.copies, found.len()), (true, 0, 1, 1));
    assert_eq!(window.save(), before);
    assert!(observe(&mut window, &format!("{post}啊"), 9_000).0.is_inserted);
}

#[test]
fn a_post_inside_an_article_is_found_from_both_sides() {
    let (before, post, after) = (text(1, 3_000), text(2, 60), text(3, 4_000));
    let article = format!("{before}。{post}。{after}");
    for (first, second) in [(&post, &article), (&article, &post)] {
        let mut window = Window::new(LIMITS);
        observe(&mut window, first, 0);
        let found = observe(&mut window, second, 0).1;
        assert_eq!(found.len(), 1);
        assert!(found[0].is_contained && found[0].containment > 0.9 && found[0].similarity < 0.1);
        assert_eq!(found[0].strength, Strength::Link);
    }
}

#[test]
fn a_flood_neither_hides_itself_nor_others() {
    let mut window = Window::new(WindowLimits { posts: 5_000, ..LIMITS });
    let (flood, other) = (text(1, 40), text(2, 40));
    observe(&mut window, &other, 0);
    let mut hot = 0;
    for n in 0..3_000 {
        let (seen, found) = observe(&mut window, &edited(&flood, 20, n * 100), 0);
        hot = hot.max(seen.hot_bands);
        assert!(n == 0 || !found.is_empty(), "{n}");
        assert!(found.len() <= NEIGHBOURS_MAX);
    }
    assert!(hot > 0);
    assert_eq!(observe(&mut window, &edited(&other, 20, 7), 0).1[0].position, 0);
}

/// Planted copies with J ≥ 0.8 meet in one of 21 bands of three with a probability of 1 − (1 − 0.512)²¹, which leaves 3
/// in ten million; the seeds are fixed.
#[test]
fn planted_copies_are_always_found() {
    let mut window = Window::new(WindowLimits { posts: 2_000, ..LIMITS });
    let length = |n: u64| 20 + n % 150;
    for n in 0..1_000 {
        observe(&mut window, &text(n, length(n)), 0);
    }
    let mut planted = 0;
    for n in 0..1_000 {
        let original = text(n, length(n));
        let copy = edited(&original, 25, n);
        if similarity(&original, &copy) >= 0.8 {
            planted += 1;
            let found = observe(&mut window, &copy, -2_000).1;
            assert!(found.iter().any(|neighbour| neighbour.position == n), "{n}");
        }
    }
    assert!(planted > 500, "{planted}");
}

/// The same for tiny texts: J ≥ 0.8, twelve bands of five, found with a probability of 0.991 each.
#[test]
fn tiny_texts_are_linked_to_what_is_nearly_equal_only() {
    let mut window = Window::new(LIMITS);
    observe(&mut window, "今天包子真好吃呀", 0);
    assert_eq!(observe(&mut window, "今天包子真好吃呀嘿", -2_000).1.len(), 1);
    assert_eq!(observe(&mut window, "昨天包子真好吃啊", -2_000).1, []);
    // Across the border of the two kinds of bands.
    observe(&mut window, "一二三四五六七八九", 0);
    assert_eq!(observe(&mut window, "一二三四五六七八九十", -2_000).1.len(), 1);
}

#[test]
fn what_repeats_itself_is_no_evidence() {
    let mut window = Window::new(LIMITS);
    observe(&mut window, &"包子好吃".repeat(10), 0);
    let found = observe(&mut window, &"包子好吃".repeat(12), 0).1;
    assert_eq!((found.len(), found[0].strength, found[0].is_contained), (1, Strength::Link, false));
}

fn teach(days: i64, accounts: u64, age_days: u32, cohorts: u64) -> Boilerplate {
    let limits = BoilerplateLimits { candidates: 1_000, ..BoilerplateLimits::USUAL };
    let mut learner = Boilerplate::new(limits);
    let stream = read(&text(5, 60)).0;
    for day in 0..days {
        for account in 0..accounts {
            let author = Author { account: mixed(account), age_days, cohort: account % cohorts };
            learner.learn(&stream, author, day * 86_400_000);
        }
    }
    learner
}

#[test]
fn boilerplate_needs_days_accounts_age_and_cohorts() {
    let count = |days, accounts, age, cohorts| teach(days, accounts, age, cohorts).additions().len();
    assert!(count(9, 40, 100, 40) > 3);
    assert_eq!(count(6, 40, 100, 40), 0);
    assert_eq!(count(9, 10, 100, 40), 0);
    assert_eq!(count(9, 40, 50, 40), 0);
    assert_eq!(count(9, 40, 100, 3), 0);
}

#[test]
fn boilerplate_is_listed_masked_and_revoked() {
    let mut learner = teach(9, 40, 100, 40);
    let footer = text(5, 60);
    let stream = read(&footer).0;
    assert!(learner.additions().iter().all(|addition| stream.contains(&addition.passage)));
    let masked = |learner: &Boilerplate, own: u64| {
        let (stream, whole) = read(&format!("{}{footer}", text(own, 60)));
        let mut out = whole.clone();
        let rest = learner.mask(&stream, &mut out);
        (rest.map_or(0, |rest| stream.chars().count() - rest.chars().count()), whole, out)
    };
    let (count, whole, first) = masked(&learner, 8);
    let (_, other, second) = masked(&learner, 9);
    assert!(count > 30 && first.exact == whole.exact);
    assert!(overlap(&whole.grams, &other.grams).similarity > 0.3);
    assert!(overlap(&first.grams, &second.grams).similarity < 0.12);
    let keys: Vec<u32> = learner.additions().iter().map(|addition| addition.key).collect();
    keys.iter().for_each(|key| learner.revoke(*key));
    assert_eq!((learner.additions().len(), masked(&learner, 8).0), (0, 0));
}

#[test]
fn foreign_cut_and_damaged_bytes_are_refused() {
    let mut window = Window::new(LIMITS);
    (0..50).for_each(|n| drop(observe(&mut window, &text(n, 30), 0)));
    let bytes = window.save();
    assert!(matches!(Window::load(b"something else"), Err(SavedError::Foreign { .. })));
    for end in (0..bytes.len()).step_by(97) {
        assert!(Window::load(&bytes[..end]).is_err(), "{end}");
    }
    for place in (12..bytes.len()).step_by(101) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        assert_eq!(Window::load(&damaged).unwrap_err(), SavedError::Damaged, "{place}");
    }
    let table = GramFrequency::new(10).save();
    assert!(GramFrequency::load(&table).is_ok());
    assert!(GramFrequency::load(&table[..table.len() - 5]).is_err());
    assert!(matches!(GramFrequency::load(&bytes), Err(SavedError::Foreign { .. })));
}

/// Texts of few characters, so that many are alike, with what the reading leaves out.
fn alike() -> impl Strategy<Value = String> {
    "[今天包子真好吃呀ab12@#，。 /\\[\\]😀]{0,60}"
}

/// A simple window: all posts in a list, all compared.
#[derive(Default)]
struct Reference {
    /// Stream, set, position, last time, insertions before it.
    posts: Vec<(String, BTreeSet<u32>, u64, i64)>,
    newest_ms: i64,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn reading_a_stream_again_changes_nothing(text in alike()) {
        let (stream, first) = read(&text);
        let (again, second) = read(&stream);
        prop_assert_eq!(&stream, &again);
        prop_assert_eq!(Fingerprint { is_repost: false, ..first }, Fingerprint { is_repost: false, ..second });
    }

    #[test]
    fn repeats_of_pairs_change_nothing_but_the_key(text in "[今天包子真好吃呀]{2,30}", times in 2_usize..5) {
        let circle = |times| format!("{}{}", text.repeat(times), text.chars().next().unwrap());
        let (once, more) = (print(&circle(1)), print(&circle(times)));
        prop_assert_eq!(once.grams, more.grams);
        prop_assert_eq!(once.minima, more.minima);
        prop_assert_ne!(once.exact, more.exact);
    }

    #[test]
    fn the_set_is_that_of_a_plain_implementation(text in "[今天包子真好吃呀a-z]{0,3000}") {
        let (stream, print) = read(&text);
        let chars: Vec<char> = stream.chars().collect();
        let pairs: BTreeSet<&[char]> = chars.windows(2).collect();
        prop_assert_eq!(print.grams.len(), pairs.len());
        prop_assert!(print.grams.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(print.chars as usize, chars.len());
    }

    /// Of 64 minima, a share J agrees, with a standard deviation of at most 1/16.
    #[test]
    fn agreeing_minima_estimate_the_jaccard_index(seed in 0_u64..10_000, every in 3_usize..40) {
        let original = text(seed, 120);
        let copy = edited(&original, every, seed);
        let (a, b) = (print(&original), print(&copy));
        let agreeing = a.minima.iter().zip(&b.minima).filter(|(a, b)| a == b).count();
        let estimate = agreeing as f32 / PERMUTATIONS as f32;
        let exact = overlap(&a.grams, &b.grams).similarity;
        prop_assert!((estimate - exact).abs() < 0.32, "{} {}", estimate, exact);
    }

    #[test]
    fn overlap_is_that_of_sets(left in prop::collection::btree_set(0_u32..300, 0..200), right in prop::collection::btree_set(0_u32..300, 0..200)) {
        let shared = left.intersection(&right).count() as f32;
        let (smaller, union) = (left.len().min(right.len()) as f32, left.union(&right).count() as f32);
        let (l, r): (Vec<u32>, Vec<u32>) = (left.iter().copied().collect(), right.iter().copied().collect());
        let found = overlap(&l, &r);
        let of = |whole: f32| if smaller == 0.0 { 0.0 } else { shared / whole };
        prop_assert!((found.similarity - of(union)).abs() < 1e-5);
        prop_assert!((found.containment - of(smaller)).abs() < 1e-5);
    }

    /// Copies are found always; of the others, none that a plain window would not find, and each with its own figures.
    #[test]
    fn a_window_answers_as_a_list_of_posts(
        texts in prop::collection::vec("[今天包子真好吃呀]{1,16}", 1..120),
        steps in prop::collection::vec(-3_000_i64..4_000, 120),
        posts in 1_u32..60,
    ) {
        let limits = WindowLimits { posts, span_ms: 40_000, late_ms: 1_000 };
        let mut window = Window::new(limits);
        let mut reference = Reference { newest_ms: i64::MIN, ..Reference::default() };
        let (mut now_ms, mut next) = (0, 0);
        for (text, step) in texts.iter().zip(steps) {
            now_ms += step;
            reference.newest_ms = reference.newest_ms.max(now_ms);
            let (stream, own) = read(text);
            let (seen, found) = observe(&mut window, text, now_ms);
            prop_assert_eq!(seen.is_late, now_ms < reference.newest_ms - limits.late_ms);
            let oldest = reference.newest_ms - limits.span_ms;
            let recent = reference.posts.iter().rev().take(posts as usize);
            let is_near = recent.clone().any(|post| post.0 == stream && post.3 >= oldest);
            let copy = reference.posts.iter_mut().rev().find(|post| post.0 == stream && post.3 >= oldest);
            if is_near || (copy.is_some() && !seen.is_inserted && seen.copies > 0) {
                let copy = copy.unwrap();
                prop_assert_eq!((seen.position, seen.is_inserted, found[0].strength), (copy.2, false, Strength::Exact));
                if !seen.is_late {
                    copy.3 = copy.3.max(now_ms);
                }
                continue;
            }
            prop_assert_eq!(seen.is_inserted, !seen.is_late);
            for neighbour in &found {
                let post = reference.posts.iter().find(|post| post.2 == neighbour.position).unwrap();
                prop_assert!(post.3 >= oldest && neighbour.strength < Strength::Exact);
                let set: Vec<u32> = post.1.iter().copied().collect();
                let exact = overlap(&own.grams, &set);
                prop_assert!((exact.similarity - neighbour.similarity).abs() < 0.01);
                prop_assert!((exact.containment - neighbour.containment).abs() < 0.01);
            }
            prop_assert!(found.is_sorted_by(|a, b| (a.strength, a.similarity) >= (b.strength, b.similarity)));
            if seen.is_inserted {
                prop_assert_eq!(seen.position, next);
                next += 1;
                reference.posts.push((stream, own.grams.iter().copied().collect(), seen.position, now_ms));
            }
        }
    }

    #[test]
    fn a_loaded_window_and_one_that_is_told_of_posts_before_answer_as_the_saved_one(texts in prop::collection::vec("[今天包子真好吃呀]{1,90}", 2..80), posts in 1_u32..40) {
        let limits = WindowLimits { posts, ..LIMITS };
        let (mut window, half) = (Window::new(limits), texts.len() / 2);
        for (text, now_ms) in texts[..half].iter().zip(0..) {
            observe(&mut window, text, now_ms);
        }
        let mut loaded = Window::load(&window.save()).unwrap();
        prop_assert_eq!(loaded.save(), window.save());
        let prints: Vec<_> = texts.iter().map(|text| print(text)).collect();
        for (text, now_ms) in texts[half..].iter().chain(&texts).zip(1_000..) {
            loaded.announce(prints.iter().skip(usize::try_from(now_ms % 8).unwrap()).take(4));
            prop_assert_eq!(observe(&mut loaded, text, now_ms), observe(&mut window, text, now_ms));
        }
        prop_assert_eq!(loaded.save(), window.save());
    }

    /// Bytes with a right checksum may still lie: none makes the window panic.
    #[test]
    fn hostile_bytes_are_refused_or_harmless(place in 12_usize..4_000, value: u8, second in 12_usize..60, other: u8) {
        let mut window = Window::new(WindowLimits { posts: 8, ..LIMITS });
        (0..12).for_each(|n| drop(observe(&mut window, &text(n, 50), 0)));
        let mut bytes = window.save();
        let sum = bytes.len() - 4;
        bytes[place % sum] = value;
        bytes[second] = other;
        let crc = crc32fast::hash(&bytes[..sum]).to_le_bytes();
        bytes[sum..].copy_from_slice(&crc);
        if let Ok(mut window) = Window::load(&bytes) {
            for n in 0..24 {
                observe(&mut window, &text(n, 50), i64::try_from(n).unwrap());
            }
        }
    }

    #[test]
    fn hostile_text_is_read(text in "\\PC{0,300}") {
        let (_, print) = read(&text);
        let mut window = Window::new(LIMITS);
        let mut found = Vec::new();
        window.observe(&print, i64::MAX, &mut found);
        window.observe(&print, i64::MIN, &mut found);
        prop_assert_eq!(found.is_empty(), print.is_empty());
    }
}
