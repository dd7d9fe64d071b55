//! Templates: what is learnt from texts, and which texts fill it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::HashSet;

use proptest::prelude::*;
use qingliu::neardup::{
    InsertError, LearnError, MEMBER_CHARS_MAX, MEMBERS_MAX, SLOT_MARK, TEMPLATES_PER_KEY_MAX, Template,
    TemplateError, TemplateSet, learn,
};

/// Twelve bits for every pair.
fn rare(_: [char; 2]) -> u32 {
    12_000
}

/// What the documentation of `Learned::steps` promises.
const STEPS_PER_CHAR_MAX: u64 = 640;

/// Runs, with fillings between them.
fn filled(runs: &[String], fillings: &[String]) -> String {
    let mut text = String::new();
    for (run, filling) in runs.iter().zip(fillings.iter().cycle()) {
        text.push_str(filling);
        text.push_str(run);
    }
    text
}

/// Distinct runs without common characters, as there are in real templates, mostly.
fn runs() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[一-冿]{4,9}", 2..6).prop_filter("distinct pairs", |runs| {
        let chars: Vec<char> = runs.concat().chars().collect();
        let pairs: HashSet<&[char]> = chars.windows(2).collect();
        pairs.len() + 1 == chars.len() && runs.iter().all(|run| run.chars().count() >= 4)
    })
}

/// Fillings whose ends differ from text to text: an end that all texts share belongs to the run, as far as anybody can see.
fn fillings() -> impl Strategy<Value = Vec<Vec<String>>> {
    let one =
        prop::collection::vec(prop_oneof!["[勀-鿋]{0,4}".boxed(), Just(SLOT_MARK.to_string()).boxed()], 6);
    prop::collection::vec(one, 4..10).prop_map(|texts| {
        let ends = ('a'..).zip(texts);
        ends.map(|(end, fillings)| fillings.iter().map(|filling| format!("{end}{filling}{end}")).collect())
            .collect()
    })
}

proptest! {
    #[test]
    fn a_template_is_learnt_whole_and_fits_further_fillings_but_no_other_text(
        runs in runs(),
        fillings in fillings(),
        other in "[一-鿋]{0,60}",
    ) {
        let texts: Vec<String> = fillings.iter().map(|fillings| filled(&runs, fillings)).collect();
        // The last one is not learnt from.
        let known: Vec<&str> = texts.split_last().unwrap().1.iter().map(String::as_str).collect();
        let mut shortest = known.iter().map(|text| text.chars().count()).min().unwrap();
        let fixed: usize = runs.iter().map(|run| run.chars().count()).sum();
        shortest = shortest.max(1);
        prop_assume!(fixed * 100 >= shortest * 30);
        let learned = learn(&known, rare).unwrap();
        prop_assert_eq!(learned.template.runs(), runs.as_slice());
        prop_assert_eq!(learned.template.fixed_chars(), fixed);
        prop_assert_eq!(learned.used.len(), known.len());
        for (text, fillings) in texts.iter().zip(&fillings) {
            let slots = learned.template.matches(text).unwrap();
            let found: Vec<&str> = slots.iter().map(|slot| &text[slot.clone()]).collect();
            let expected = fillings.iter().cycle().take(runs.len()).map(String::as_str).chain([""]);
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }
        prop_assert_eq!(learned.template.matches(&other), None);
        prop_assert_eq!(learned.template.matches(&runs[1..].concat()), None);
        let shown = learned.template.to_string();
        prop_assert_eq!(shown, format!("〔…〕{}", runs.join("〔…〕")));
    }

    #[test]
    fn every_text_that_was_used_fills_what_was_learnt(
        texts in prop::collection::vec("[一-九a-c\u{fffc}]{0,80}", 0..12),
        shared in "[一-六]{0,40}",
        wide in any::<bool>(),
    ) {
        // Narrow alphabets repeat every pair: the order of what is shared is hard to see.
        let texts: Vec<String> = texts
            .iter()
            .map(|text| if wide { text.clone() } else { format!("{text}{shared}{text}{shared}") })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let chars: u64 = texts.iter().map(|text| text.chars().count() as u64).sum();
        if let Ok(learned) = learn(&texts, rare) {
            prop_assert!(learned.used.len() >= 3);
            prop_assert_eq!(learned.used.len() + learned.too_long + learned.unlike + learned.spare, texts.len());
            prop_assert!(learned.steps <= STEPS_PER_CHAR_MAX * chars, "{} for {}", learned.steps, chars);
            for index in learned.used {
                let slots = learned.template.matches(texts[index]);
                prop_assert!(slots.is_some(), "{} is not {}", texts[index], learned.template);
                let mut again = String::new();
                for (place, slot) in slots.unwrap().into_iter().enumerate() {
                    again.push_str(&texts[index][slot]);
                    again.push_str(learned.template.runs().get(place).map_or("", String::as_str));
                }
                prop_assert_eq!(again.as_str(), texts[index]);
            }
            let json = serde_json::to_string(&learned.template).unwrap();
            prop_assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), learned.template);
        }
    }
}

/// A text of `chars` characters in no order; different for different seeds.
fn noise(seed: u32, chars: usize) -> String {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32(0x4e00 + (state >> 8) % 20_000).unwrap()
    };
    (0..chars).map(|_| next()).collect()
}

#[test]
fn long_texts_take_steps_in_proportion_to_their_length() {
    // Half of each text is shared, so that there is something to learn; the other half makes it hard.
    let hostile = |member: u32, total: usize| {
        let chars = total / 2;
        let end = char::from_u32(0x4e00 + member).unwrap();
        [
            format!("{}{end}", "哈".repeat(chars - 1)),
            format!("{end}{}", "哈嘿".repeat((chars - 1) / 2)),
            format!("{end}{}", "一二三四五六七八九十".repeat((chars - 1) / 10)),
            // What is shared stands in another order each time.
            (0..)
                .take(chars / 50)
                .map(|part: u32| noise((part * 7 + member * 13) % 211, 49) + "，")
                .collect(),
            noise(member, chars),
        ]
        .map(|hard| hard + &noise(1000, total / 2))
    };
    for kind in 0..5 {
        let steps = [MEMBER_CHARS_MAX / 10, MEMBER_CHARS_MAX].map(|chars| {
            let texts: Vec<String> = (0..8).map(|member| hostile(member, chars)[kind].clone()).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let total: u64 = texts.iter().map(|text| text.chars().count() as u64).sum();
            learn(&texts, rare).unwrap().steps * 1000 / total
        });
        assert!(steps[1] <= STEPS_PER_CHAR_MAX * 1000, "{kind}: {steps:?}");
        assert!(steps[1] <= steps[0] * 2 + 1, "{kind}: ten times the text takes {steps:?} per character");
    }
}

#[test]
fn what_says_too_little_is_not_learnt() {
    let learnt = |texts: &[&str], millibits: u32| learn(texts, |_| millibits).map(|l| l.template.to_string());
    let texts = ["甲急招日结兼职领取福利乙", "丙丁急招日结兼职领取福利戊", "己急招日结兼职领取福利庚辛"];
    assert_eq!(learnt(&texts, 8000).unwrap(), "〔…〕急招日结兼职领取福利〔…〕");
    // Nine pairs of 4.4 bits are fewer than 40 bits.
    assert_eq!(learnt(&texts, 4400), Err(LearnError::Common { millibits: 9 * 4400 }));
    assert_eq!(learnt(&texts[..2], 8000), Err(LearnError::Members { found: 2 }));
    assert_eq!(learnt(&[texts[0]; 9], 8000), Err(LearnError::Members { found: 1 }));
    let short = ["甲急招日结兼职乙", "丙丁急招日结兼职戊", "己急招日结兼职庚辛"];
    let too_short = TemplateError::Fixed { chars: 6, grams: 5 };
    assert_eq!(learnt(&short, 8000), Err(LearnError::Fixed(too_short)));
    let syllables = ["甲哈哈哈哈哈哈哈哈哈哈乙", "丙哈哈哈哈哈哈哈哈哈哈戊", "己哈哈哈哈哈哈哈哈哈哈庚"];
    let repeated = TemplateError::Fixed { chars: 10, grams: 1 };
    assert_eq!(learnt(&syllables, 8000), Err(LearnError::Fixed(repeated)));
    let unrelated = [noise(1, 40), noise(2, 40), noise(3, 40)];
    let unrelated: Vec<&str> = unrelated.iter().map(String::as_str).collect();
    assert_eq!(learnt(&unrelated, 8000), Err(LearnError::Members { found: 0 }));
    let slots: Vec<String> = (1..5).map(|seed| noise(seed, 60) + "急招日结兼职领取").collect();
    let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
    assert_eq!(learnt(&slots, 8000), Err(LearnError::Slots { fixed: 8, chars: 68 }));
}

#[test]
fn texts_that_do_not_belong_and_long_ones_are_left_out_and_counted() {
    let mut texts: Vec<String> = (0..40).map(|seed| noise(seed, 3) + "急招日结兼职领取福利").collect();
    texts.push(texts[0].clone());
    texts.push(noise(99, 30));
    texts.push(noise(98, MEMBER_CHARS_MAX + 1));
    texts.rotate_right(3);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let learned = learn(&texts, rare).unwrap();
    assert_eq!((learned.too_long, learned.unlike), (1, 1));
    assert_eq!(learned.used.len(), MEMBERS_MAX - 1);
    assert_eq!(learned.spare, texts.len() - 1 - MEMBERS_MAX);
    assert_eq!(learned.template.to_string(), "〔…〕急招日结兼职领取福利");
}

#[test]
fn a_text_with_much_more_than_the_template_does_not_fill_it() {
    let texts = ["甲急招日结兼职领取福利", "丙丁急招日结兼职领取福利", "己庚辛急招日结兼职领取福利"];
    let template = learn(&texts, rare).unwrap().template;
    let with = |chars: usize| noise(5, chars) + "急招日结兼职领取福利";
    assert!(template.matches(&with(template.filling_chars_max())).is_some());
    assert!(template.matches(&with(template.filling_chars_max() + 1)).is_none());
}

#[test]
fn parts_that_are_no_template_are_refused() {
    let stored = |runs: &str, keys: &str| {
        let json = format!(
            r#"{{"runs":{runs},"has_head":true,"has_tail":false,"filling_chars_max":9,"keys":{keys}}}"#
        );
        serde_json::from_str::<Template>(&json)
            .map(|template| template.to_string())
            .map_err(|e| e.to_string())
    };
    let keys = r#"[["急","招"]]"#;
    assert_eq!(stored(r#"["急招日结兼职","领取"]"#, keys).unwrap(), "〔…〕急招日结兼职〔…〕领取");
    for (runs, keys, problem) in [
        ("[]", keys, "1 to 64 runs"),
        (r#"["急招日结兼职领取","利"]"#, keys, "run 1 has fewer"),
        ("[\"急招日结兼职领取0\"]", keys, "run 0 has fewer"),
        (r#"["急招日结"]"#, keys, "4 characters and 3 distinct"),
        (r#"["急招日结兼职领取"]"#, "[]", "1 to 8 keys"),
        (r#"["急招日结兼职领取"]"#, r#"[["取","急"]]"#, "1 to 8 keys"),
    ] {
        let error = stored(runs, keys).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}

/// A template of its own for each seed, with a run that all have.
fn template(seed: u32, common: &str) -> Template {
    let texts =
        ["甲", "乙", "丙"].map(|filling| format!("{filling}{}{filling}{common}{filling}", noise(seed, 10)));
    learn(&texts.each_ref().map(String::as_str), rare).unwrap().template
}

fn found(set: &mut TemplateSet, text: &str, time_ms: i64) -> Vec<u64> {
    let mut found = Vec::new();
    assert_eq!(set.find_into(text, time_ms, &mut found).candidates_skipped, 0);
    found
}

proptest! {
    #[test]
    fn a_set_finds_what_each_template_by_itself_fits(
        seeds in prop::collection::vec(0_u32..40, 0..30),
        asked in prop::collection::vec((0_u32..40, 0_u32..40), 1..10),
    ) {
        let mut set = TemplateSet::new(100, 1000);
        for seed in seeds {
            set.insert(template(seed, "领取福利"), 0).unwrap();
        }
        let json = serde_json::to_string(&set).unwrap();
        let mut stored: TemplateSet = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(serde_json::to_string(&stored).unwrap(), json);
        for (first, second) in asked {
            let text = format!("天{}地{}领取福利", noise(first, 10), noise(second, 10));
            let fits = |id: &u64| set.get(*id).is_some_and(|template| template.matches(&text).is_some());
            let expected: Vec<u64> = (0..40).filter(fits).collect();
            prop_assert_eq!(found(&mut set, &text, 1), expected.as_slice());
            prop_assert_eq!(found(&mut stored, &text, 1), expected);
        }
    }
}

#[test]
fn unused_templates_expire_and_the_one_unused_for_longest_makes_room() {
    let mut set = TemplateSet::new(2, 1000);
    let insert = |set: &mut TemplateSet, seed, time| set.insert(template(seed, "领取"), time).unwrap();
    let ids = [insert(&mut set, 1, 0).id, insert(&mut set, 2, 10).id];
    assert_eq!(insert(&mut set, 1, 20).id, ids[0], "an equal one is the same one");
    let text = |seed| noise(seed, 10) + "天领取";
    assert_eq!(found(&mut set, &text(2), 15), [ids[1]]);
    let third = insert(&mut set, 3, 30);
    assert_eq!((third.evicted, set.len()), (Some(ids[1]), 2));
    assert_eq!(found(&mut set, &text(2), 40), [0; 0]);
    assert_eq!(found(&mut set, &text(1), 500), [ids[0]]);
    assert_eq!(found(&mut set, &text(1), 400), [ids[0]], "an earlier time changes nothing");
    assert_eq!(set.expire(1030), 0);
    assert_eq!(set.expire(1031), 1);
    assert!(set.get(third.id).is_none() && set.get(ids[0]).is_some());
    assert_eq!(set.expire(1500), 0);
    assert_eq!(set.expire(1501), 1);
    assert!(set.is_empty());
    assert_eq!(found(&mut set, &text(1), 1600), [0; 0]);
    assert!(insert(&mut set, 1, 1700).id > third.id, "numbers are not used again");
}

#[test]
fn templates_that_share_all_their_rare_pairs_are_bounded() {
    // The rarest pairs are those of the common run: eight of them, sixteen templates each.
    let common = "甲乙丙丁戊己庚辛壬癸";
    let rarity = |[first, _]: [char; 2]| if common.contains(first) { 20_000 } else { 1000 };
    let template = |seed: u32| {
        let texts = ["天", "地", "人"].map(|end| format!("{end}{common}{end}{}", noise(seed, 4)));
        learn(&texts.each_ref().map(String::as_str), rarity).unwrap().template
    };
    let mut set = TemplateSet::new(1000, 1000);
    let room = u32::try_from(8 * TEMPLATES_PER_KEY_MAX).unwrap();
    for seed in 0..room {
        set.insert(template(seed), 0).unwrap();
    }
    assert_eq!(set.insert(template(room), 0), Err(InsertError::Crowded));
    let mut found = Vec::new();
    let report = set.find_into(&format!("{common}天{}", noise(9, 4)), 0, &mut found);
    assert_eq!((report.candidates, report.candidates_skipped), (room as usize, 0));
    assert_eq!(found, [9]);
}

#[test]
fn a_stored_set_that_contradicts_itself_is_refused() {
    let mut set = TemplateSet::new(2, 1000);
    set.insert(template(1, "领取"), 5).unwrap();
    let json = serde_json::to_value(&set).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = json.clone();
        change(&mut json);
        serde_json::from_value::<TemplateSet>(json).is_ok()
    };
    assert!(with(&|_| {}));
    assert!(!with(&|json| json["next_id"] = 0.into()));
    assert!(!with(&|json| json["templates"][0]["key"] = serde_json::json!(["领", "地"])));
    assert!(!with(&|json| {
        let again = json["templates"][0].clone();
        json["templates"].as_array_mut().unwrap().push(again);
    }));
}
