//! What templates, boilerplate and the archive do in the correlating stage, and what they are by themselves.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "small numbers")]

use std::sync::LazyLock;

use proptest::prelude::*;
use qingliu::coordination::Outcome;
use qingliu::engine::{Bundle, Scratch, Shard, Trace, correlate, embedded_files, evaluate};
use qingliu::model::{Item, Verdict};
use qingliu::neardup::{Archive, Fillings, SimhashScratch, Strength, simhash};
use serde_json::json;

/// The shipped bundle with a small window, and an archive.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    let mut files = embedded_files();
    let policy = files.iter_mut().find(|file| file.path == "policy.toml").unwrap();
    let small = policy.text.replace("posts = 1000000", "posts = 1000");
    let small = small.replace("archive_posts = 0", "archive_posts = 20000");
    assert!(small.contains("posts = 1000\n") && small.contains("archive_posts = 20000"));
    policy.text = small;
    Bundle::load(&files, jiff::civil::date(2026, 11, 21)).unwrap()
});

/// 2026-11-01T00:00:00Z.
const START_MS: i64 = 1_793_491_200_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// One post: its number, which is its account's too, minutes after the start, days since registration, and its text.
type Post = (usize, i64, u32, String);

fn post(n: usize, minutes: i64, text: &str) -> Post {
    (n, minutes, 400 + 37 * n as u32, text.to_owned())
}

fn send(shard: &mut Shard, posts: &[Post]) -> Vec<Vec<Outcome>> {
    let mut scratch = Scratch::default();
    let mut outcomes = Vec::new();
    for (n, minutes, age_days, text) in posts {
        let line = json!({
            "id": format!("p{n}"), "time": START_MS + minutes * MINUTE_MS, "text": text,
            "account": {"id": format!("a{n}"), "age_days": age_days},
        })
        .to_string();
        let item = Item::from_json(&line).unwrap();
        evaluate(&BUNDLE, &item, &mut scratch).unwrap();
        let trace = Trace::of(&BUNDLE, &item, &item.id, &mut scratch);
        outcomes.push(correlate(&BUNDLE, shard, &trace, Verdict::Pass).outcomes);
    }
    outcomes
}

fn saved_and_loaded(shard: &Shard) -> Shard {
    let mut bytes = Vec::new();
    shard.write_to(&mut bytes).unwrap();
    Shard::load(&bytes).unwrap()
}

/// The item that a post was linked with, and the template that both fill.
fn link(outcomes: &[Outcome]) -> Option<(String, Option<String>)> {
    let near = outcomes.first()?.near.as_ref()?;
    Some((near.of.clone()?, near.template.clone()))
}

fn is_strong(outcomes: &[Outcome]) -> bool {
    let near = outcomes.first().and_then(|outcome| outcome.near.as_ref());
    near.is_some_and(|near| near.strength >= Strength::Strong)
}

/// Han characters that depend on a seed alone.
fn noise(seed: u64, chars: u64) -> String {
    let mix = |value: u64| {
        let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (value ^ (value >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 20
    };
    let han = |i| char::from_u32(0x4E00 + (mix(seed << 20 | i) % 8_000) as u32).unwrap();
    (0..chars).map(han).collect()
}

/// A form of which half is filled.
fn filled(n: u64) -> String {
    format!(
        "{}茶艺体验馆{}，{}预约立减，报名{}送壶",
        noise(n, 4),
        noise(n + 50, 4),
        noise(n + 100, 4),
        noise(n + 150, 4)
    )
}

#[test]
fn a_short_form_is_linked_with_an_earlier_filling_and_the_template_is_named() {
    let posts: Vec<Post> = (0..6_usize).map(|n| post(n, n as i64, &filled(n as u64))).collect();
    let outcomes = send(&mut Shard::new(&BUNDLE), &posts);
    assert_eq!(link(&outcomes[0]), None);
    for outcome in &outcomes[1..] {
        let (_, template) = link(outcome).unwrap();
        let template = template.unwrap();
        assert!(template.contains("茶艺体验馆〔…〕") && template.contains("预约立减"), "{template}");
        assert_eq!(outcome[0].cluster, outcomes[1][0].cluster);
    }
    assert_eq!(outcomes[5][0].accounts, 6);
}

#[test]
fn a_template_that_was_learnt_finds_fillings_that_no_single_text_is_like() {
    let form = |n: u64| format!("明前龙井新茶直供{}库存清仓{}", noise(n, 2), noise(n + 40, 2));
    let mut posts: Vec<Post> = (0..4_usize).map(|n| post(n, n as i64, &form(n as u64))).collect();
    // Little is the template's, and much is filled.
    let sparse = format!("{}明前龙井新茶直供{}库存清仓{}", noise(900, 10), noise(901, 8), noise(902, 8));
    posts.push(post(10, 10, &sparse));
    posts.push(post(11, 11, &format!("{}明前龙井新茶{}", noise(903, 12), noise(904, 12))));
    let outcomes = send(&mut Shard::new(&BUNDLE), &posts);
    let (_, template) = link(&outcomes[4]).unwrap();
    assert_eq!(template.unwrap(), "明前龙井新茶直供〔…〕库存清仓〔…〕");
    assert_eq!(outcomes[4][0].cluster, outcomes[3][0].cluster);
    assert_eq!(link(&outcomes[5]), None);
    // One account that repeats itself teaches nothing.
    posts[..4].iter_mut().for_each(|post| post.0 = 1);
    assert_eq!(link(&send(&mut Shard::new(&BUNDLE), &posts)[4]), None);
}

#[test]
fn ordinary_words_in_common_are_no_template() {
    let texts = [
        "味道不错，送餐也很快，下次还会再来的",
        "送餐很快，味道也不错，包装有点差，还会再来",
        "价格便宜，味道不错，就是送餐有点慢",
        "服务态度不错，送餐很快，菜有点咸了",
    ];
    let posts: Vec<Post> = (0..).zip(texts).map(|(n, text)| post(n, n as i64, text)).collect();
    for outcome in send(&mut Shard::new(&BUNDLE), &posts) {
        assert_eq!(link(&outcome).and_then(|(_, template)| template), None);
    }
}

/// Forty accounts a day, of so many months and this age at least, end their posts with one footer.
fn teach(shard: &mut Shard, age_days: u32, months: usize) -> String {
    let footer = noise(77, 80);
    let mut posts = Vec::new();
    for day in 0..9_usize {
        for n in 0..40_usize {
            let own = format!("{}{footer}", noise((day * 100 + n) as u64, 20));
            let minutes = day as i64 * DAY_MINUTES + n as i64;
            posts.push((day * 40 + n, minutes, age_days + day as u32 + 30 * (n % months) as u32, own));
        }
    }
    send(shard, &posts);
    footer
}

#[test]
fn a_footer_of_old_accounts_makes_no_strong_matches_any_more_and_is_listed() {
    let mut shard = Shard::new(&BUNDLE);
    let footer = teach(&mut shard, 100, 40);
    assert!(shard.boilerplate().len() > 2);
    assert!(shard.boilerplate().iter().all(|addition| addition.passage.chars().count() == 8));
    let later = [post(5000, 9 * DAY_MINUTES, &format!("{}{footer}", noise(9000, 20)))];
    let mut again = saved_and_loaded(&shard);
    let outcomes = send(&mut shard, &later);
    assert!(!is_strong(&outcomes[0]));
    assert_eq!(send(&mut again, &later), outcomes);
}

#[test]
fn young_accounts_and_accounts_of_few_months_teach_no_boilerplate() {
    for (age_days, months) in [(10, 40), (100, 5)] {
        let mut shard = Shard::new(&BUNDLE);
        let footer = teach(&mut shard, age_days.min(60), if age_days < 90 { 1 } else { months });
        assert!(shard.boilerplate().is_empty());
        let later = [post(5000, 9 * DAY_MINUTES, &format!("{}{footer}", noise(9000, 20)))];
        assert!(is_strong(&send(&mut shard, &later)[0]));
    }
}

#[test]
fn a_post_that_left_the_window_is_found_in_the_archive() {
    let text = noise(1, 150);
    let mut shard = Shard::new(&BUNDLE);
    let mut posts = vec![post(0, 0, &text)];
    posts.extend((1..2500_usize).map(|n| post(n, n as i64, &noise(n as u64 + 10, 45))));
    send(&mut shard, &posts);
    let mut chars: Vec<char> = text.chars().collect();
    chars[70] = '甲';
    let copy: String = chars.into_iter().collect();
    let mut again = saved_and_loaded(&shard);
    for shard in [&mut shard, &mut again] {
        let outcomes = send(shard, &[post(9000, 3000, &copy), post(9001, 3001, &noise(2, 150))]);
        let near = outcomes[0][0].near.as_ref().unwrap();
        assert_eq!((near.of.as_deref(), near.archived_ms), (Some("p0"), Some(START_MS)));
        assert_eq!((outcomes[0][0].posts, outcomes[0][0].accounts), (2, 2));
        assert!(outcomes[0][0].assessment.is_none() && outcomes[1].is_empty());
    }
}

/// Texts of few characters, so that many share stretches.
fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("(一二三四五|甲乙丙丁|子丑寅卯|[a-f]{1,5}|0){2,7}", 1..30)
}

fn stretches(text: &str) -> std::collections::BTreeSet<Vec<char>> {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(4).map(<[char]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_filling_is_one_of_the_last_texts_and_what_both_share_is_as_if_they_were_compared(
        texts in texts(),
        kept in 1..20_usize,
    ) {
        let rare = |_| 15_000;
        let mut fillings = Fillings::new(kept, 1_000);
        let mut inserted: Vec<&String> = Vec::new();
        for (time, text) in (0..).zip(&texts) {
            let last = &inserted[inserted.len().saturating_sub(kept)..];
            let first = inserted.len() - last.len();
            let like = |other: &&String| {
                stretches(text).intersection(&stretches(other)).count() >= 2
                    && Fillings::compare(text, other, rare).is_some()
            };
            let found = fillings.find(text, time, rare);
            if let Some(found) = &found {
                let place = found.position as usize;
                prop_assert!(place >= first && like(&inserted[place]));
                let shared = Fillings::compare(text, inserted[place], rare).unwrap();
                prop_assert_eq!((found.similarity, &found.template), (shared.0, &shared.1));
            }
            // With so few texts nothing is pushed out.
            prop_assert!(found.is_some() || last.len() > 4 || !last.iter().any(like), "{text} {last:?}");
            let stored = serde_json::to_string(&fillings).unwrap();
            let mut again: Fillings = serde_json::from_str(&stored).unwrap();
            again.announce(text);
            again.announce(&texts[texts.len() - 1]);
            prop_assert_eq!(again.find(text, time, rare), found);
            if Fillings::takes(text.chars().count()) {
                fillings.insert(text, inserted.len() as u64, time);
                inserted.push(text);
            }
        }
    }

    #[test]
    fn an_archive_finds_the_nearest_of_what_it_keeps(
        texts in prop::collection::vec("[一-四]{6}|[一-三]{40}[一-二]{0,2}", 1..60),
    ) {
        let mut archive = Archive::new(20_000);
        let mut scratch = SimhashScratch::default();
        let mut keys: Vec<u64> = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            let key = simhash(text, &mut scratch).unwrap();
            let nearest = keys.iter().map(|other| (key ^ other).count_ones()).filter(|bits| *bits <= 3).min();
            let mut again: Archive = serde_json::from_str(&serde_json::to_string(&archive).unwrap()).unwrap();
            let found = archive.observe(text, &n.to_string(), None, 0);
            prop_assert_eq!(&again.observe(text, &n.to_string(), None, 0), &found);
            let bits = found.map(|found| (key ^ keys[found.item.parse::<usize>().unwrap()]).count_ones());
            prop_assert_eq!(bits, nearest);
            keys.push(key);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_shard_with_templates_goes_on_after_a_restart_as_if_nothing_had_been(
        seeds in prop::collection::vec((0..12_u64, 0..6_usize), 1..40),
        cut in 0..40_usize,
    ) {
        let posts: Vec<Post> =
            (0..).zip(&seeds).map(|(n, (seed, account))| (*account, n, 300, filled(*seed))).collect();
        let (first, second) = posts.split_at(cut.min(posts.len()));
        let whole = send(&mut Shard::new(&BUNDLE), &posts);
        let mut shard = Shard::new(&BUNDLE);
        let mut parts = send(&mut shard, first);
        parts.extend(send(&mut saved_and_loaded(&shard), second));
        prop_assert_eq!(whole, parts);
    }
}

#[test]
fn an_archive_drops_its_oldest_posts_and_one_for_no_posts_keeps_none() {
    let mut archive = Archive::new(16 * 1024);
    for n in 0..20_000_u64 {
        archive.observe(&noise(n, 40), &n.to_string(), None, 0);
        assert!(archive.len() <= 16 * 1024);
    }
    assert!(archive.len() > 15 * 1024);
    assert_eq!(archive.observe(&noise(0, 40), "again", None, 0), None);
    let mut again: Archive = serde_json::from_str(&serde_json::to_string(&archive).unwrap()).unwrap();
    for n in [19_999, 10_000] {
        let found = archive.observe(&noise(n, 40), "again", None, 0);
        assert_eq!(found.as_ref().map(|found| found.item.clone()), Some(n.to_string()));
        assert_eq!(again.observe(&noise(n, 40), "again", None, 0), found);
    }
    let mut none = Archive::new(0);
    none.observe(&noise(0, 40), "one", None, 0);
    assert!(none.is_empty() && none.observe(&noise(0, 40), "two", None, 0).is_none());
}
