//! Copied originals: what is found, what is not, against a reference that knows every gram, and within bounds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "small numbers")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use qingliu::engine::{
    Bundle, Scratch, Shard, Trace, amend_decision, correlate, decision, embedded_files, evaluate,
};
use qingliu::model::{CopiedDetail, Decision, Item, Verdict};
use qingliu::originals::{
    COMMON_ARTICLES, Copied, Document, GRAM_TOKENS, OriginalLimits, Originals, SHARING_ACCOUNTS, Submission,
    WINDOW_GRAMS, prints_into,
};
use serde_json::{Value, json};

/// The shipped bundle with a small window, which is made anew for every case.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    let mut files = embedded_files();
    let policy = files.iter_mut().find(|file| file.path == "policy.toml").unwrap();
    policy.text = policy.text.replace("posts = 1000000", "posts = 1000");
    Bundle::load(&files, jiff::civil::date(2026, 11, 21)).unwrap()
});

/// 2026-11-01T00:00:00Z.
const START_MS: i64 = 1_793_491_200_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

// --- Whole items -----------------------------------------------------------------------------------------------

/// An article of some 500 characters, a little different in every sentence: facts of village life, made up.
fn article(seed: usize) -> String {
    const WHO: [&str; 8] = [
        "村口的老木匠",
        "镇上的邮递员",
        "河边的养蜂人",
        "学校的门卫大爷",
        "茶馆的女老板",
        "磨坊的学徒",
        "船上的摆渡人",
        "山腰的护林员",
    ];
    const DOES: [&str; 8] = [
        "把一整天的见闻写在账本背面",
        "总要绕远路去看那棵结满果子的柿子树",
        "用竹篾和旧报纸糊出一只歪歪扭扭的风筝",
        "替邻居修好了漏雨多年的屋檐",
        "记得每一场雪落下来的确切时辰",
        "在灶台边教孩子们认识草药的名字",
        "攒了三年的瓶盖拼成一幅地图",
        "数着钟声等最后一班渡船靠岸",
    ];
    const THEN: [&str; 8] = [
        "后来人们说起这件事都忍不住笑出声来",
        "这样的习惯一直保持到今年入冬以前",
        "没有谁觉得奇怪反而都跟着学了起来",
        "连外乡来的客人也停下脚步听了很久",
        "他自己倒是从来不提只当是平常日子",
        "据说那本册子如今还锁在祠堂的柜子里",
        "到了春天院子里便多出几丛不知名的花",
        "谁也说不清第一个这样做的人究竟是谁",
    ];
    let sentences = (0..18).map(|n| {
        let pick = |k: usize| (seed * 7 + n * 3 + k * (seed + n + 1) * 5 + n * n) % 8;
        let tail = char::from_u32(0x4E00 + u32::try_from((seed * 131 + n * 17) % 6000).unwrap()).unwrap();
        format!("{}{}，{}{tail}。", WHO[pick(0)], DOES[pick(1)], THEN[pick(2)])
    });
    sentences.collect()
}

/// Characters that are random but the same for the same seed: an article that shares nothing with any other.
fn noise(seed: u32, chars: u32) -> String {
    let c = |n: u32| {
        let mixed = (seed.wrapping_mul(0x9E37_79B1) ^ n).wrapping_mul(0x85EB_CA6B);
        char::from_u32(0x4E00 + (mixed ^ (mixed >> 15)).wrapping_mul(0xC2B2_AE35) % 20_000).unwrap()
    };
    (0..chars).map(c).collect()
}

/// What a synonym spinner does: about every ninth character is another.
fn spin(text: &str, every: usize) -> String {
    text.chars().enumerate().map(|(n, c)| if n % every == every - 1 { '某' } else { c }).collect()
}

fn post(n: usize, text: &str) -> Value {
    json!({
        "id": format!("p{n}"), "surface": "article", "text": text, "time": START_MS + n as i64 * HOUR_MS,
        "account": {"id": format!("a{n}"), "age_days": 500 + n},
    })
}

fn with(mut item: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    item.pointer_mut(parent).unwrap()[key] = value;
    item
}

fn judge(items: &[Value], shard: &mut Shard) -> Vec<Decision> {
    judge_with(&BUNDLE, items, shard)
}

fn judge_with(bundle: &Bundle, items: &[Value], shard: &mut Shard) -> Vec<Decision> {
    let mut scratch = Scratch::default();
    let judge_one = |value: &Value| {
        let line = value.to_string();
        let item = Item::from_json(&line).unwrap();
        evaluate(bundle, &item, &mut scratch).unwrap();
        let mut own = decision(bundle, &item, &item.id, &scratch);
        let trace = Trace::of(bundle, &item, &item.id, &mut scratch);
        let correlated = correlate(bundle, shard, &trace, own.verdict);
        amend_decision(bundle, &trace, &correlated, &mut own);
        own
    };
    items.iter().map(judge_one).collect()
}

fn copied(decision: &Decision) -> Option<&CopiedDetail> {
    decision.evidence.iter().find_map(|evidence| evidence.detail.copied.as_ref())
}

/// What is found on the last of some items.
fn found(items: &[Value]) -> Option<CopiedDetail> {
    copied(judge(items, &mut Shard::new(&BUNDLE)).last().unwrap()).cloned()
}

#[test]
fn a_copy_without_a_source_goes_to_review_with_its_places_and_never_further() {
    let own = noise(7, 200);
    let text = format!("{own}{}", article(1));
    let decisions = judge(&[post(0, &article(1)), post(1, &text)], &mut Shard::new(&BUNDLE));
    assert_eq!(decisions[0].verdict, Verdict::Pass);
    let decision = &decisions[1];
    assert_eq!((decision.verdict, decision.labels[0].label.as_str()), (Verdict::Review, "copied_original"));
    assert!(decision.proposals.is_empty());
    assert_eq!(decision.basis, ["draft-2020/14-2", "draft-2020/17-1"]);
    assert_eq!(decision.counterfactual.as_ref().unwrap().verdict, Verdict::Pass);
    let detail = copied(decision).unwrap();
    assert_eq!((detail.of.as_str(), detail.account.as_str()), ("p0", "a0"));
    assert!(detail.contained > 0.95 && detail.share < 0.9, "{detail:?}");
    let spans = &decision.evidence.last().unwrap().spans;
    assert!(spans.iter().all(|span| span.field == "text" && span.start >= 195), "{spans:?}");
    let covered: usize = spans.iter().map(|span| span.end - span.start).sum();
    assert!(covered * 10 >= article(1).chars().count() * 9, "{spans:?}");
    let line = serde_json::to_string(decision).unwrap();
    assert!(line.contains("\"finding\":\"copied_original\""));
    assert_eq!(serde_json::from_str::<Decision>(&line).unwrap(), *decision);
}

#[test]
fn a_spun_copy_is_found_and_another_article_in_the_same_words_is_not() {
    let spun = spin(&article(1), 9);
    let detail = found(&[post(0, &article(1)), post(1, &spun)]).unwrap();
    assert!((0.32..0.75).contains(&detail.contained), "{detail:?}");
    assert_eq!(found(&[post(0, &article(1)), post(1, &spin(&article(1), 5))]), None);
    assert_eq!(found(&[post(0, &noise(1, 600)), post(1, &noise(2, 600))]), None);
}

#[test]
fn traditional_script_and_symbols_in_between_hide_no_copy() {
    let text = article(2).replace('，', "🌸").replace("说", "說").replace("来", "來").replace("时", "時");
    let noisy: String = text.chars().flat_map(|c| [c, '\u{200B}']).collect();
    assert!(found(&[post(0, &article(2)), post(1, &noisy)]).unwrap().contained > 0.95);
}

#[test]
fn who_names_a_source_or_repeats_a_text_of_their_own_copies_nobody() {
    let text = article(3);
    let first = post(0, &text);
    for credited in [
        format!("{text}来源：南城晚报"),
        format!("转载自「北山读书会」\n{text}"),
        format!("（作者：李一帆）{text}"),
        format!("新华社杭州11月2日电 {text}"),
        format!("转//@张三：{text}"),
        format!("{text}\n原文链接 https://example.com/a"),
    ] {
        assert_eq!(found(&[first.clone(), post(1, &credited)]), None, "{credited}");
    }
    let repost = with(post(1, &text), "/repost", json!({"of": "p0"}));
    assert_eq!(found(&[first.clone(), repost]), None);
    let own = with(post(1, &text), "/account/id", json!("a0"));
    assert_eq!(found(&[first.clone(), own]), None);
    let subject = |n| with(post(n, &text), "/account/subject", json!("s1"));
    assert_eq!(found(&[subject(0), subject(1)]), None);
    let verified = |n| {
        with(with(post(n, &text), "/account/kind", json!("organisation")), "/account/verified", json!(true))
    };
    assert_eq!(found(&[verified(0), verified(1)]), None);
    assert!(found(&[first, verified(1)]).is_some());
}

#[test]
fn a_source_without_a_name_is_none() {
    let text = article(3);
    for uncredited in [
        format!("{text}来源：网络"),
        format!("{text}来源：互联网，侵删"),
        format!("本文转自；\n{text}"),
        format!("{text}作者："),
        format!("水的来源有很多种。{text}"),
        format!("我读了新华社的文章以后睡不着。{text}"),
        format!("{text}//@张三：好"),
    ] {
        assert!(found(&[post(0, &text), post(1, &uncredited)]).is_some(), "{uncredited}");
    }
}

#[test]
fn a_quotation_is_no_copy_and_neither_is_a_short_post_or_a_comment() {
    let quoting = format!("{}{}", noise(9, 3000), article(4));
    assert_eq!(found(&[post(0, &article(4)), post(1, &quoting)]), None);
    let short: String = article(4).chars().take(300).collect();
    let as_post = |n: usize, text: &str| with(post(n, text), "/surface", json!("post"));
    assert_eq!(found(&[post(0, &article(4)), as_post(1, &short)]), None);
    assert!(found(&[as_post(0, &article(4)), as_post(1, &article(4))]).is_some());
    let comment = with(post(1, &article(4)), "/surface", json!("comment"));
    assert_eq!(found(&[post(0, &article(4)), comment]), None);
}

#[test]
fn who_was_earlier_is_no_copy_even_if_it_comes_later() {
    let early = with(post(1, &article(5)), "/time", json!(START_MS - HOUR_MS));
    assert_eq!(found(&[post(0, &article(5)), early]), None);
}

#[test]
fn what_many_have_published_already_is_common_property() {
    let items: Vec<Value> = (0..12).map(|n| post(n, &article(6))).collect();
    let decisions = judge(&items, &mut Shard::new(&BUNDLE));
    let copies: Vec<usize> = (0..12).filter(|n| copied(&decisions[*n]).is_some()).collect();
    assert_eq!(copies, (1..=SHARING_ACCOUNTS).collect::<Vec<_>>());
    assert!(copies.iter().all(|n| copied(&decisions[*n]).unwrap().of == "p0"));
}

#[test]
fn a_form_that_many_authors_fill_is_no_original() {
    let form = noise(11, 300);
    let filled = |n: usize| format!("{form}{}", noise(100 + u32::try_from(n).unwrap(), 600));
    let items: Vec<Value> = (0..12).map(|n| post(n, &filled(n))).collect();
    let decisions = judge(&items, &mut Shard::new(&BUNDLE));
    assert!(decisions[COMMON_ARTICLES + 1..].iter().all(|decision| copied(decision).is_none()));
    // Copied in whole from one of them it still is a copy.
    let detail = found(&[items, vec![post(50, &filled(9))]].concat()).unwrap();
    assert_eq!(detail.of, "p9");
}

#[test]
fn a_shard_that_was_saved_finds_the_same_copies() {
    let texts: Vec<Value> = (0..10).map(|n| post(n, &spin(&article(n / 2), 9 + n))).collect();
    let whole = judge(&texts, &mut Shard::new(&BUNDLE));
    assert!(whole.iter().filter(|decision| copied(decision).is_some()).count() >= 3);
    for cut in 0..10 {
        let mut shard = Shard::new(&BUNDLE);
        let mut parts = judge(&texts[..cut], &mut shard);
        let mut bytes = Vec::new();
        shard.write_to(&mut bytes).unwrap();
        parts.extend(judge(&texts[cut..], &mut Shard::load(&bytes).unwrap()));
        assert_eq!(parts, whole);
    }
}

#[test]
fn a_wrong_first_time_does_not_make_the_rest_late() {
    let mut items = vec![with(post(0, &noise(1, 600)), "/time", json!(START_MS + 4000 * DAY_MS))];
    items.extend((1..10).map(|n| post(n, &noise(u32::try_from(n + 1).unwrap(), 600))));
    items.extend([post(10, &article(1)), post(11, &article(1))]);
    let decisions = judge(&items, &mut Shard::new(&BUNDLE));
    assert!(decisions[11].near_duplicate.is_some() && copied(&decisions[11]).is_some());
}

#[test]
fn a_policy_may_switch_it_off_and_may_not_make_it_block() {
    let load = |verdict: &str| {
        let mut files = embedded_files();
        let policy = files.iter_mut().find(|file| file.path == "policy.toml").unwrap();
        policy.text = policy
            .text
            .replace("copied_original = \"review\"", &format!("copied_original = {verdict:?}"))
            .replace("posts = 1000000", "posts = 1000");
        Bundle::load(&files, jiff::civil::date(2026, 11, 21))
    };
    assert!(load("block").unwrap_err().to_string().contains("copied_original may be at most"));
    let items = [post(0, &article(1)), post(1, &article(1))];
    for (verdict, count) in [("pass", 0), ("limit", 1), ("review", 1)] {
        let bundle = load(verdict).unwrap();
        let decisions = judge_with(&bundle, &items, &mut Shard::new(&bundle));
        assert_eq!(decisions[1].verdict.as_str(), verdict);
        assert_eq!(usize::from(copied(&decisions[1]).is_some()), count);
    }
}

// --- The index against a reference -----------------------------------------------------------------------------

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

fn grams(tokens: &[u32]) -> BTreeSet<Vec<u32>> {
    tokens.windows(GRAM_TOKENS).map(<[u32]>::to_vec).collect()
}

/// The share of `of`'s grams that `text` has, over all of them.
fn exact_share(of: &[u32], text: &[u32]) -> f64 {
    let (of, text) = (grams(of), grams(text));
    of.intersection(&text).count() as f64 / of.len() as f64
}

/// Two texts of random tokens, the second made of stretches of the first and others, about a share of it.
fn pair() -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    let part = (prop::bool::ANY, 0.0..1.0_f64, 5..80_usize);
    (600..2500_usize, any::<u32>(), prop::collection::vec(part, 10..40)).prop_map(|(len, seed, parts)| {
        let fresh = |n: usize| (seed ^ u32::try_from(n).unwrap()).wrapping_mul(0x9E37_79B1) | 1;
        let first: Vec<u32> = (0..len).map(fresh).collect();
        let mut second = Vec::new();
        for (is_copied, at, len) in parts {
            if is_copied {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let start = ((first.len() - len) as f64 * at) as usize;
                second.extend_from_slice(&first[start..start + len]);
            } else {
                let from = second.len();
                second.extend((from..from + len).map(|n| fresh(n + 1_000_000) & !1));
            }
        }
        (first, second)
    })
}

fn observe(first: &[u32], second: &[u32]) -> Option<Copied> {
    let mut index = Originals::new(OriginalLimits { articles: 10, span_ms: DAY_MS });
    let documents = [Document::from_tokens(first), Document::from_tokens(second)];
    assert!(index.observe(&submit(1, 0, "first", &documents[0])).is_none());
    index.observe(&submit(2, 1, "second", &documents[1]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Winnowing's guarantee, with all grams of the later text: whatever run of w + k − 1 tokens two texts share, one of
    /// the earlier one's prints is in it.
    #[test]
    fn no_shared_run_of_w_plus_k_minus_1_tokens_is_missed((first, second) in pair()) {
        let run = WINDOW_GRAMS + GRAM_TOKENS - 1;
        let (first_grams, mut prints) = (Document::from_tokens(&first).grams().to_vec(), Vec::new());
        prints_into(&first_grams, &mut prints);
        let runs: BTreeSet<&[u32]> = first.windows(run).collect();
        for shared in second.windows(run).filter(|tokens| runs.contains(tokens)) {
            let grams = Document::from_tokens(shared).grams().to_vec();
            prop_assert!(grams.iter().any(|gram| prints.binary_search(gram).is_ok()));
        }
    }

    /// The share that is estimated from prints is near the exact one, and what is clearly more or less than the limits is
    /// found or not.
    #[test]
    fn shares_are_near_those_over_all_grams((first, second) in pair()) {
        let (share, of_original) = (exact_share(&second, &first), exact_share(&first, &second));
        let contained = share.max(of_original);
        match observe(&first, &second) {
            Some(found) => {
                prop_assert!((found.share - share).abs() < 0.12, "{found:?} {share}");
                prop_assert!((found.share_of_original - of_original).abs() < 0.12, "{found:?} {of_original}");
                prop_assert!(found.passages.windows(2).all(|pair| pair[0] <= pair[1]));
                for passage in &found.passages {
                    prop_assert!(passage.start < passage.end && (passage.end as usize) <= second.len());
                }
            }
            None => prop_assert!(contained < 0.44 || share < 0.32, "{share} {of_original}"),
        }
    }

    /// A longest passage is as long as the longest run, but for what may be missing at its ends.
    #[test]
    fn the_longest_passage_is_the_longest_run((first, len) in (any::<u32>(), 150..400_usize)) {
        let fresh = |n: usize, salt: u32| (first ^ salt ^ u32::try_from(n).unwrap()).wrapping_mul(0x9E37_79B1);
        let original: Vec<u32> = (0..500).map(|n| fresh(n, 0)).collect();
        let mut copy: Vec<u32> = (0..200).map(|n| fresh(n, 1 << 20)).collect();
        copy.extend_from_slice(&original[50..50 + len]);
        copy.extend((0..200).map(|n| fresh(n, 1 << 21)));
        if let Some(found) = observe(&original, &copy) {
            let longest = found.longest_passage_chars as usize;
            prop_assert!(longest <= len && longest + 2 * (WINDOW_GRAMS - 1) >= len, "{longest} of {len}");
        } else {
            prop_assert!(len < 220);
        }
    }

    /// Whatever comes, in whatever order of time, the index stays within its limits, and a saved one is the same.
    #[test]
    fn the_index_is_bounded_and_can_be_saved(
        texts in prop::collection::vec((0..30_u32, 0..6_u64, -20..40_i64), 0..80)
    ) {
        let mut index = Originals::new(OriginalLimits { articles: 7, span_ms: 10 });
        for (seed, author, time) in texts {
            let tokens: Vec<u32> = (0..300).map(|n| (seed * 1000 + n).wrapping_mul(0x9E37_79B1)).collect();
            let document = Document::from_tokens(&tokens);
            let bytes = postcard::to_stdvec(&index).unwrap();
            let mut again: Originals = postcard::from_bytes(&bytes).unwrap();
            let found = index.observe(&submit(author, time, "x", &document));
            prop_assert_eq!(again.observe(&submit(author, time, "x", &document)), found);
            prop_assert!(index.articles() <= 7 && index.prints() <= 8192);
        }
    }
}

// --- Floods ----------------------------------------------------------------------------------------------------

#[test]
fn an_article_of_two_megabytes_is_bounded() {
    let text = noise(1, 690_000);
    let text: String = text.chars().take(680_000).collect();
    let part: String = text.chars().skip(300_000).take(5_000).collect();
    let items = [post(0, &text), post(1, &part), post(2, &text)];
    let decisions = judge(&items, &mut Shard::new(&BUNDLE));
    assert!(copied(&decisions[1]).unwrap().contained > 0.9);
    assert!(copied(&decisions[2]).unwrap().share > 0.9);
}
