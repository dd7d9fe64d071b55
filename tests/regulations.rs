//! Pages that talk about prohibited things, and a hacked page. The texts are the project's own; where the environment
//! variable `QINGLIU_REGULATIONS` names a folder with the regulation texts that the project grew out of, they are
//! tried as well.

use jiff::civil::date;
use qingliu::engine::{
    Bundle, Scratch, Shard, Trace, amend_decision, correlate, decision, embedded_files, evaluate,
};
use qingliu::model::{CopiedDetail, Decision, Item, Surface, Verdict};
use qingliu::text::{FoldTable, FoldedText};

fn bundle() -> Bundle {
    Bundle::load(&embedded_files(), date(2026, 11, 21)).expect("the shipped bundle")
}

fn judge(bundle: &Bundle, text: &str, surface: Surface) -> Decision {
    let item = Item { surface: Some(surface), ..Item::from_text(text) };
    let mut scratch = Scratch::default();
    evaluate(bundle, &item, &mut scratch).expect("an item within the limits");
    decision(bundle, &item, "page", &scratch)
}

fn table() -> FoldTable {
    let files = embedded_files();
    FoldTable::build(|name| files.iter().find(|f| f.path == format!("fold/{name}")).map(|f| f.text.as_str()))
        .expect("the shipped tables")
}

/// Original pieces of a text whose folded form is `needle`.
fn look_up(table: &FoldTable, text: &str, needle: &str) -> Vec<String> {
    let mut folded = FoldedText::default();
    folded.fold(table, text);
    let found = folded.plain().match_indices(needle).map(|(start, piece)| start..start + piece.len());
    found
        .map(|bytes| {
            let span = folded.source_span(folded.from_plain(bytes));
            text[span.start as usize..span.end as usize].to_owned()
        })
        .collect()
}

/// An announcement of our own in traditional characters, with readings in brackets as a broken page tool leaves them.
const GLOSSED: &str = "本站公告：互聯(lián)網(wǎng)論壇將於今晚(20:00)維護，請各位網(wǎng)友提前保存草稿(draft)。\
互聯(lián)網(wǎng)交流，貴在(zài)真誠；閱讀(dú)愉快。";

#[test]
fn readings_in_brackets_are_seen_through_and_other_brackets_stay() {
    let table = table();
    assert_eq!(look_up(&table, GLOSSED, "互联网"), ["互聯(lián)網(wǎng)", "互聯(lián)網(wǎng)"]);
    assert!(!GLOSSED.contains("互联网"));
    assert_eq!(look_up(&table, GLOSSED, "(20:00)"), ["(20:00)"]);
    assert_eq!(look_up(&table, GLOSSED, "(draft)"), ["(draft)"]);
    assert_eq!(judge(&bundle(), GLOSSED, Surface::Article).verdict, Verdict::Pass);
}

/// House rules of a forum, written for this test: they name what they forbid.
const HOUSE_RULES: &str = "第一条 本论坛禁止发布赌博、诈骗、色情、毒品、枪支等违法信息，禁止代开发票、买卖账号、刷单刷赞。\n\
第二条 对侮辱、恐吓、人肉搜索他人的用户，管理员依法处理，情节严重的移送公安机关。\n\
第三条 违反本规定的，给予警告、禁言或者注销账号；构成犯罪的，依法追究刑事责任。\n";

#[test]
fn rules_that_forbid_things_are_not_the_things() {
    let bundle = bundle();
    for surface in Surface::ALL {
        let decision = judge(&bundle, HOUSE_RULES, surface);
        assert_eq!(decision.verdict, Verdict::Pass, "{surface:?}: {:?}", decision.evidence);
    }
}

#[test]
fn a_hidden_tail_is_found_and_the_article_before_it_is_not_evidence() {
    let article = HOUSE_RULES.repeat(12);
    let tail = "同城约炮上门服务|无码成人视频在线观看|附近楼凤包夜电话|激情裸聊直播平台";
    let page = format!("{article}{tail}");
    let decision = judge(&bundle(), &page, Surface::Article);
    assert!(decision.verdict >= Verdict::Review, "{:?}", decision.verdict);
    assert_eq!(decision.labels[0].label, "porn");
    let start = article.chars().count();
    let porn = decision.evidence.iter().filter(|e| e.label.starts_with("porn") && e.necessary);
    assert!(porn.flat_map(|e| &e.spans).all(|span| span.start >= start));
}

#[test]
fn the_regulation_texts_pass_where_they_are_at_hand() {
    let Some(folder) = std::env::var_os("QINGLIU_REGULATIONS") else { return };
    let (bundle, table) = (bundle(), table());
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let is_hacked = path.to_string_lossy().contains("injected");
        for surface in [Surface::Article, Surface::Post] {
            let decision = judge(&bundle, &text, surface);
            if is_hacked {
                assert_eq!((decision.verdict, decision.labels[0].label.as_str()), (Verdict::Review, "porn"));
            } else {
                assert_eq!(decision.verdict, Verdict::Pass, "{}: {:?}", path.display(), decision.evidence);
            }
        }
        if is_hacked {
            assert_eq!((look_up(&table, &text, "互联网").len(), text.matches("互联网").count()), (9, 0));
        }
    }
}

/// A shipped bundle with a small window.
fn small_bundle() -> Bundle {
    let mut files = embedded_files();
    let policy = files.iter_mut().find(|file| file.path == "policy.toml").expect("a policy");
    policy.text = policy.text.replace("posts = 1000000", "posts = 100");
    Bundle::load(&files, date(2026, 11, 21)).expect("the shipped bundle")
}

/// The decision on the second of two articles by different accounts, an hour apart.
fn judge_second(bundle: &Bundle, first: &str, second: &str) -> Decision {
    let (mut shard, mut scratch) = (Shard::new(bundle), Scratch::default());
    let mut last = None;
    for (n, text) in (0_i64..).zip([first, second]) {
        let line = serde_json::json!({
            "id": format!("p{n}"), "surface": "article", "text": text, "account": {"id": format!("a{n}")},
            "time": 1_793_491_200_000_i64 + n * 3_600_000,
        })
        .to_string();
        let item = Item::from_json(&line).expect("an item");
        evaluate(bundle, &item, &mut scratch).expect("an item within the limits");
        let mut own = decision(bundle, &item, &item.id, &scratch);
        let trace = Trace::of(bundle, &item, &item.id, &mut scratch);
        let correlated = correlate(bundle, &mut shard, &trace, own.verdict);
        amend_decision(bundle, &trace, &correlated, &mut own);
        last = Some(own);
    }
    last.expect("two decisions")
}

fn copied(decision: &Decision) -> Option<&CopiedDetail> {
    decision.evidence.iter().find_map(|evidence| evidence.detail.copied.as_ref())
}

#[test]
fn copies_among_the_regulation_texts_are_found_where_they_are_at_hand() {
    let Some(folder) = std::env::var_os("QINGLIU_REGULATIONS") else { return };
    let read = |name: &str| std::fs::read_to_string(std::path::Path::new(&folder).join(name)).unwrap();
    let (rules, both) = (read("rules_2017.zh.txt"), read("rules_2017_with_group_rules.zh.txt"));
    let (draft, spun) = (read("draft_2020_official.en-zh.txt"), read("draft_2020_spun_copy.zh.txt"));
    let bundle = small_bundle();
    for (first, second) in [(&rules, &both), (&both, &rules)] {
        let decision = judge_second(&bundle, first, second);
        let found = copied(&decision).expect("one is contained in the other");
        assert!(found.contained > 0.9 && found.longest_passage_chars > 50, "{found:?}");
    }
    let decision = judge_second(&bundle, &draft, &spun);
    let found = copied(&decision).expect("a spun copy is found");
    assert!((0.32..0.5).contains(&found.contained), "{found:?}");
    assert_eq!(decision.verdict, Verdict::Review);
    assert!(decision.proposals.is_empty());
    for (first, second) in [(&draft, &rules), (&rules, &draft), (&draft, &both), (&rules, &spun)] {
        let decision = judge_second(&bundle, first, second);
        assert!(copied(&decision).is_none() && decision.near_duplicate.is_none(), "{decision:?}");
    }
}
