//! How points become verdicts, on a bundle of a few terms.

use jiff::civil::date;
use qingliu::engine::{Bundle, Scratch, decision, embedded_files, evaluate};
use qingliu::lexicon::SourceFile;
use qingliu::model::{Account, Decision, Item, Surface, Verdict};

const TERMS: &str = r#"
label = "gambling"
severity = "low"
terms = [
  { id = "g.low", text = "甲甲甲", weight = 300 },
  { id = "g.low2", text = "乙乙乙", weight = 300 },
  { id = "g.mid", text = "丙丙丙", severity = "medium", weight = 900 },
  { id = "g.high", text = "丁丁丁", label = "gambling.platform", severity = "high", weight = 900 },
  { id = "f.low", text = "戊戊戊", label = "fraud", weight = 350 },
  { id = "c.one", text = "己己", weight = 0, mode = "anywhere", sets = ["one"] },
  { id = "c.two", text = "庚庚", weight = 0, mode = "anywhere", sets = ["two"] },
  { id = "c.law", text = "严禁", weight = 0, sets = ["law"] },
  { id = "old", text = "辛辛辛", weight = 900, expires = "2026-01-01" },
]
exemptions = [{ text = "好甲甲甲花" }]
"#;

const RULES: &str = r#"
[[rule]]
id = "r.pair"
label = "gambling.cards"
weight = 400
all = ["set:one", "set:two"]
none = ["text:不是"]
within = 10

[[rule]]
id = "r.comment"
label = "gambling"
weight = 300
all = ["text:壬壬"]
surfaces = ["comment"]

[[rule]]
id = "r.mitigates"
label = "*"
weight = -300
all = ["set:law"]
none = ["slot:any"]

[[rule]]
id = "r.pattern"
label = "fraud.loan"
weight = 320
all = ["re:癸\\d{3}"]
"#;

fn bundle() -> Bundle {
    let own = ["lexicon/", "rules/"];
    let mut files: Vec<SourceFile> = embedded_files()
        .into_iter()
        .filter(|f| !own.iter().any(|folder| f.path.starts_with(folder)))
        .collect();
    files.push(SourceFile { path: "lexicon/t.toml".to_owned(), text: TERMS.to_owned() });
    files.push(SourceFile { path: "rules/t.toml".to_owned(), text: RULES.to_owned() });
    Bundle::load(&files, date(2026, 11, 21)).expect("a valid bundle")
}

fn judge(bundle: &Bundle, item: &Item<'_>) -> Decision {
    let mut scratch = Scratch::default();
    evaluate(bundle, item, &mut scratch).expect("an item within the limits");
    decision(bundle, item, "i", &scratch)
}

#[test]
fn points_add_up_to_a_verdict_and_severity_is_its_ceiling() {
    let bundle = bundle();
    for (text, verdict, labels) in [
        ("平常的话", Verdict::Pass, vec![]),
        ("甲甲甲", Verdict::Limit, vec!["gambling"]),
        ("甲甲甲甲", Verdict::Limit, vec!["gambling"]),
        ("甲甲甲，又是甲甲甲，还是甲甲甲", Verdict::Limit, vec!["gambling"]),
        ("甲甲甲和乙乙乙", Verdict::Review, vec!["gambling"]),
        ("丙丙丙", Verdict::Review, vec!["gambling"]),
        ("丁丁丁", Verdict::Block, vec!["gambling", "gambling.platform"]),
        ("戊戊戊和甲甲甲", Verdict::Limit, vec!["fraud", "gambling"]),
        ("好甲甲甲花", Verdict::Pass, vec![]),
        ("辛辛辛", Verdict::Pass, vec![]),
        ("己己，庚庚", Verdict::Limit, vec!["gambling", "gambling.cards"]),
        ("己己一二三四五六七八九十庚庚", Verdict::Pass, vec![]),
        ("己己 不是 庚庚", Verdict::Pass, vec![]),
        ("壬壬", Verdict::Pass, vec![]),
        ("癸123", Verdict::Limit, vec!["fraud", "fraud.loan"]),
        ("癸12", Verdict::Pass, vec![]),
        ("癸 1 2 3", Verdict::Pass, vec![]),
    ] {
        let decision = judge(&bundle, &Item::from_text(text));
        assert_eq!(decision.verdict, verdict, "{text}: {:?}", decision.evidence);
        let found: Vec<&str> = decision.labels.iter().map(|l| l.label.as_str()).collect();
        assert_eq!(found, labels, "{text}");
    }
}

#[test]
fn surface_and_credit_tier_move_the_thresholds() {
    let bundle = bundle();
    let on = |surface, tier| {
        let account = Account { credit_tier: tier, ..Account::default() };
        let item = Item { surface: Some(surface), account, ..Item::from_text("甲甲甲") };
        judge(&bundle, &item).verdict
    };
    assert_eq!(on(Surface::Post, None), Verdict::Limit);
    assert_eq!(on(Surface::Article, None), Verdict::Pass);
    assert_eq!(on(Surface::Article, Some(1)), Verdict::Limit);
    assert_eq!(on(Surface::Post, Some(5)), Verdict::Pass);
    assert_eq!(on(Surface::Post, Some(99)), Verdict::Limit);
    let comment = Item { surface: Some(Surface::Comment), ..Item::from_text("壬壬") };
    assert_eq!(judge(&bundle, &comment).verdict, Verdict::Limit);
}

#[test]
fn evidence_far_apart_does_not_add_up_and_mitigation_works_ahead_of_it() {
    let bundle = bundle();
    let far = format!("甲甲甲{}乙乙乙", "，平常的话".repeat(80));
    assert_eq!(judge(&bundle, &Item::from_text(&far)).verdict, Verdict::Limit);
    assert_eq!(judge(&bundle, &Item::from_text("严禁甲甲甲")).verdict, Verdict::Pass);
    assert_eq!(judge(&bundle, &Item::from_text("甲甲甲严禁")).verdict, Verdict::Pass);
    let advertised = judge(&bundle, &Item::from_text("严禁甲甲甲 http://a.example.com"));
    assert_eq!(advertised.verdict, Verdict::Limit, "an address voids the mitigating rule");
}

#[test]
fn the_counterfactual_is_a_smallest_set_that_makes_the_verdict_milder() {
    let bundle = bundle();
    let single = judge(&bundle, &Item::from_text("甲甲甲和乙乙乙"));
    assert!(single.evidence.iter().all(|e| e.necessary));
    let what_if = single.counterfactual.expect("a verdict that can fall");
    assert_eq!((what_if.without.len(), what_if.verdict), (1, Verdict::Limit));
    // Either of two sufficient pieces could go: none is necessary alone, both are together.
    let both = judge(&bundle, &Item::from_text("丙丙丙，戊戊戊，丁丁丁"));
    assert_eq!(both.verdict, Verdict::Block);
    assert_eq!(both.evidence.iter().filter(|e| e.necessary).count(), 1);
    let pass = judge(&bundle, &Item::from_text("平常的话"));
    assert!(pass.counterfactual.is_none() && pass.basis.is_empty());
    assert!(!both.basis.is_empty());
}

#[test]
fn disguise_adds_points_up_to_its_cap_and_ordinary_typography_adds_none() {
    let bundle = bundle();
    let points = |text: &str| judge(&bundle, &Item::from_text(text)).score;
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(points("甲甲甲"), 0.3));
    assert!(close(points("甲 甲 甲"), 0.34));
    assert!(close(points("甲\u{200B}甲甲"), 0.42));
    assert!(close(points("甲❤甲甲"), 0.38));
    assert!(close(points("甲\u{20E3}甲\u{20E3}甲\u{20E3}"), 0.6));
    assert!(close(points("（甲甲甲）"), 0.3));
    assert!(close(points("甲甲甲"), points("【甲甲甲】🎉")));
}
