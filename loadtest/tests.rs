//! What the generator and the score promise.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use serde_json::Value;

use crate::campaigns::KINDS;
use crate::edits::{EDITS, Edit, apply, spin};
use crate::generate::{Summary, generate};
use crate::grammar::{Texts, fill, slots};
use crate::lookalikes::SHAPES;
use crate::options::Run;
use crate::people::Population;
use crate::random::{Random, Weighted};
use crate::report;
use crate::rhythm::posts_per_hour;
use crate::score::{Figures, Truth, score};

/// A run with every kind in it.
fn small_run(seed: u64) -> Run {
    Run {
        seed,
        posts: 9_000,
        start_ms: 1_793_491_200_000,
        hours: 9 * 24,
        accounts: 1_500,
        campaigns: KINDS.into_iter().cycle().take(20).collect(),
        look_alikes: SHAPES.iter().map(|shape| shape.kind).collect(),
    }
}

/// Items, truth and summary of a run.
fn written(run: &Run) -> (String, String, Summary) {
    let (mut items, mut truth) = (Vec::new(), Vec::new());
    let summary = generate(run, &mut items, &mut truth).unwrap();
    (String::from_utf8(items).unwrap(), String::from_utf8(truth).unwrap(), summary)
}

fn values(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn time_ms(item: &Value) -> i64 {
    item["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (items, truth, _) = written(&small_run(7));
    let (again, truth_again, _) = written(&small_run(7));
    assert!(items == again && truth == truth_again);
    let (other, _, _) = written(&small_run(8));
    assert_ne!(items, other);
}

#[test]
fn items_are_in_the_order_of_time_with_ids_of_their_own_and_refer_only_to_the_past() {
    let run = small_run(3);
    let (items, _, _) = written(&run);
    let (mut known, mut last_ms) = (BTreeSet::new(), run.start_ms);
    for item in values(&items) {
        let now_ms = time_ms(&item);
        assert!(now_ms >= last_ms && now_ms < run.end_ms(), "{item}");
        last_ms = now_ms;
        for reference in [&item["parent"], &item["repost"]["of"]].into_iter().filter_map(Value::as_str) {
            assert!(known.contains(reference), "{item}");
        }
        assert!(!item["text"].as_str().unwrap().is_empty(), "{item}");
        assert!(item["text"].as_str().unwrap().chars().count() <= 2_000, "{item}");
        assert!(known.insert(item["id"].as_str().unwrap().to_owned()), "{item}");
    }
    assert_eq!(known.len(), run.posts);
}

#[test]
fn the_truth_names_every_item_and_its_groups_agree_with_their_items() {
    let (items, truth, summary) = written(&small_run(4));
    let authors: HashMap<String, String> = values(&items)
        .iter()
        .map(|item| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&item["id"]), text(&item["account"]["id"]))
        })
        .collect();
    let mut members: BTreeMap<String, (Vec<String>, BTreeSet<String>)> = BTreeMap::new();
    let (mut told, mut groups, mut kinds) = (0, 0, BTreeSet::new());
    for line in values(&truth) {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        if line["truth"] == "item" {
            told += 1;
            assert_eq!(authors[&text("id")], text("account"));
            if line["source"] == "campaign" || line["source"] == "look_alike" {
                let entry = members.entry(text("group")).or_default();
                entry.0.push(text("id"));
                entry.1.insert(text("account"));
            }
            continue;
        }
        groups += 1;
        kinds.insert(text("kind"));
        let names = |key: &str| line[key].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned());
        let (ids, accounts) = &members[&text("id")];
        assert_eq!(*ids, names("items").collect::<Vec<_>>());
        assert_eq!(*accounts, names("accounts").collect::<BTreeSet<_>>());
    }
    assert_eq!((told, groups), (authors.len(), members.len()));
    assert_eq!((summary.items, summary.campaigns + summary.look_alikes), (told, groups));
    let expected = KINDS.into_iter().chain(SHAPES.iter().map(|shape| shape.kind));
    assert_eq!(kinds, expected.map(str::to_owned).collect());
}

#[test]
fn an_account_is_never_older_than_a_later_post_says_nor_posts_before_it_registered() {
    let (items, _, _) = written(&small_run(5));
    let mut registered: HashMap<String, (i64, i64)> = HashMap::new();
    for item in values(&items) {
        let age_days = item["account"]["age_days"].as_i64().unwrap();
        // The moment of registration lies in this day.
        let latest = time_ms(&item) - age_days * 86_400_000;
        let bounds = (latest - 86_400_000, latest);
        let known = registered.entry(item["account"]["id"].as_str().unwrap().to_owned()).or_insert(bounds);
        *known = (known.0.max(bounds.0), known.1.min(bounds.1));
        assert!(known.0 <= known.1, "{item}");
    }
}

#[test]
fn kinds_can_be_chosen_and_a_plan_that_does_not_fit_is_an_error() {
    let mut run = small_run(6);
    (run.campaigns, run.look_alikes) = (vec!["slow_drip"], Vec::new());
    let (_, truth, summary) = written(&run);
    assert_eq!((summary.campaigns, summary.look_alikes), (1, 0));
    let groups = values(&truth).into_iter().filter(|line| line["truth"] != "item");
    assert!(groups.map(|group| group["kind"].clone()).eq(["slow_drip"]));
    let error = generate(&Run { posts: 3, ..small_run(6) }, &mut Vec::new(), &mut Vec::new());
    assert!(error.unwrap_err().to_string().contains("--posts is 3"));
}

#[test]
fn hijacked_accounts_are_residents_of_a_year_and_innocent_posts_are_never_campaign_items() {
    let run = Run { campaigns: vec!["hijacked_accounts", "mixed_innocent"], ..small_run(9) };
    let (items, truth, _) = written(&run);
    let items: HashMap<String, Value> =
        values(&items).into_iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item)).collect();
    let mut covers = 0;
    for line in values(&truth) {
        if line["truth"] == "item" {
            covers += usize::from(line["source"] == "cover");
        } else if line["kind"] == "hijacked_accounts" {
            for id in line["items"].as_array().unwrap() {
                let account = &items[id.as_str().unwrap()]["account"];
                assert!(account["age_days"].as_i64().unwrap() >= 365, "{account}");
            }
        }
    }
    assert!(covers >= 9, "{covers}");
}

#[test]
fn texts_expand_without_leftovers() {
    let texts = Texts::load().unwrap();
    let mut random = Random::new(1, "test", 0);
    for section in ["food", "comment.any", "nickname", "org.post", "trade.loan", "article.title"] {
        for _ in 0..50 {
            let text = texts.line(section, &mut random);
            assert!(!text.is_empty() && !text.contains(['{', '}', '|']), "{text}");
        }
    }
    for trade in texts.lines("trade") {
        let lines = texts.lines(&format!("trade.{trade}"));
        assert!(lines.iter().any(|line| slots(line).any(|name| name != "contact")), "{trade} has no form");
        assert!(lines.iter().all(|line| slots(line).any(|name| name == "contact")), "{trade}");
    }
    assert_eq!(slots("a<x>b<y>").collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(fill("a<x>b<y>c", str::to_uppercase), "aXbYc");
}

#[test]
fn every_edit_changes_some_copies_and_none_touches_the_contact() {
    let texts = Texts::load().unwrap();
    let text = "宝妈在家就能做的兼职，一单赚8块，想做的朋友加微信wxab12345，名额有限。";
    for edit in EDITS {
        let mut random = Random::new(2, "edit", 0);
        let copies: Vec<String> = (0..40).map(|_| apply(&texts, &mut random, text, edit)).collect();
        assert!(copies.iter().any(|copy| copy != text), "{edit:?}");
        assert!(copies.iter().all(|copy| copy.contains("ab12345")), "{edit:?}");
    }
    let mut random = Random::new(2, "edit", 1);
    assert_eq!(spin(&texts, &mut random, text, 0), text);
    assert_eq!(apply(&texts, &mut random, "", Edit::Deletion), "");
}

#[test]
fn ids_of_accounts_are_distinct() {
    let texts = Texts::load().unwrap();
    let population = Population::new(&texts, 1, 20_000, (0, 86_400_000));
    let ids: BTreeSet<&str> = population.people.iter().map(|person| person.id.as_str()).collect();
    assert_eq!(ids.len(), 20_000);
}

/// A run of eight items: a campaign of five, an innocent post of one of its accounts, a look-alike, a bystander.
const TRUTH: &str = r#"
{"truth":"item","id":"p1","account":"a","source":"campaign","kind":"spun_copies","group":"c1"}
{"truth":"item","id":"p2","account":"b","source":"campaign","kind":"spun_copies","group":"c1"}
{"truth":"item","id":"p3","account":"c","source":"campaign","kind":"spun_copies","group":"c1"}
{"truth":"item","id":"p4","account":"a","source":"cover","kind":"spun_copies","group":"c1"}
{"truth":"item","id":"p5","account":"d","source":"campaign","kind":"spun_copies","group":"c1"}
{"truth":"item","id":"p6","account":"e","source":"campaign","kind":"spun_copies","group":"c1"}
{"truth":"item","id":"p7","account":"x","source":"look_alike","kind":"poem","group":"l1"}
{"truth":"item","id":"p8","account":"y","source":"background","kind":"food","group":null}
{"truth":"campaign","id":"c1","kind":"spun_copies","accounts":["a","b","c","d","e"],"items":["p1","p2","p3","p5","p6"]}
{"truth":"look_alike","id":"l1","kind":"poem","accounts":["x"],"items":["p7"]}
"#;

/// Tier 1 with the third member; tier 2 for `e` alone; a follow-up brings a proposal against `a` and one against `x`.
const DECISIONS: &str = r#"
{"item":"p1"}
{"item":"p2","near_duplicate":{"cluster":"k1","of":"p1","strength":"strong"}}
{"item":"p3","near_duplicate":{"cluster":"k2"},"evidence":[{"kind":"coordination","detail":{"tier":1}}]}
{"item":"p4","evidence":[{"kind":"term","detail":{"tier":3}}]}
{"item":"p5","near_duplicate":{"cluster":"k3"},"evidence":[{"kind":"coordination","detail":{"tier":0}}]}
{"item":"p6","near_duplicate":{"cluster":"k2"},"evidence":[{"kind":"coordination","detail":{"tier":2}},{"kind":"coordination","detail":{"tier":1}}]}
{"item":"p7"}
{"item":"p8","evidence":[{"kind":"coordination","detail":{"tier":1}}]}
{"item":"p1","follow_up":true,"proposals":[{"target":{"kind":"account","id":"a"}},{"target":{"kind":"post","id":"p1"}}]}
{"item":"p7","follow_up":true,"proposals":[{"target":{"kind":"account","id":"x"}}]}
{"item":"q9"}
"#;

fn figures(decisions: &str) -> Figures {
    let truth = Truth::read(TRUTH.trim().as_bytes()).unwrap();
    score(&truth, decisions.trim().as_bytes()).unwrap()
}

#[test]
fn the_score_of_a_case_counted_by_hand() {
    let figures = figures(DECISIONS);
    let found = &figures.kinds["spun_copies"][0];
    assert_eq!((found.campaigns, found.accounts, found.proposed), (1, 5, 1));
    // a by its proposal, c and e by their evidence; e alone and a have tier 2.
    assert_eq!((found.tier_1, found.tier_2), (3, 2));
    assert_eq!(found.first_member, [3]);
    // p2 names p1, p3 and p6 share a cluster, p5 is alone in its own.
    assert_eq!((found.followers, found.linked), (4, 3));
    assert_eq!(*found, figures.total[1], "five accounts count as five and more");
    assert_eq!((figures.proposed, figures.proposed_rightly), (2, 1));
    let poem = &figures.look_alikes["poem"];
    assert_eq!((poem.groups, poem.accounts, poem.proposed.len(), poem.tier_1), (1, 1, 1, 1));
    let background = &figures.background;
    assert_eq!((background.proposed.len(), background.tier_1, background.tier_2), (0, 1, 0));
    assert_eq!((figures.decisions, figures.unknown), (11, 1));
    let json = report::json(&figures);
    assert_eq!(json["precision"], 0.5);
    assert_eq!(json["kinds"]["spun_copies"]["all"]["recall_tier_1"], 0.6);
    assert_eq!(json["look_alikes"]["poem"]["proposed"], serde_json::json!(["x"]));
    assert!(report::table(&figures).contains("precision 50.0 %"));
}

#[test]
fn no_decision_at_all_finds_nothing_and_harms_nobody() {
    let figures = figures("{\"item\":\"p8\"}");
    let found = &figures.total[0];
    assert_eq!((found.proposed, found.tier_1, found.linked, found.first_member.len()), (0, 0, 0, 0));
    assert_eq!(report::json(&figures)["precision"], Value::Null);
}

#[test]
fn shares_and_medians() {
    assert_eq!((report::share(1, 4), report::share(0, 0)), (Some(0.25), None));
    assert_eq!(report::median(&[9, 1, 5]), Some(5));
    assert_eq!(report::median(&[4, 1]), Some(1));
    assert_eq!(report::median(&[]), None);
}

proptest! {
    #[test]
    fn every_hour_gets_its_share_and_no_post_is_lost(seed: u64, hours in 1usize..200, total in 0usize..5_000) {
        let counts = posts_per_hour(&mut Random::new(seed, "hours", 0), 0, hours, total);
        prop_assert_eq!((counts.len(), counts.iter().sum::<usize>()), (hours, total));
    }

    #[test]
    fn a_weighted_draw_is_what_a_scan_over_the_weights_finds(
        seed: u64,
        weights in prop::collection::vec(0u8..9, 1..40),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let drawn = Weighted::new(weights.iter().map(|weight| f64::from(*weight)))
            .draw(&mut Random::new(seed, "draw", 0));
        let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        let mut left = Random::new(seed, "draw", 0).unit() * total;
        let scanned = weights.iter().position(|weight| {
            left -= f64::from(*weight);
            left < 0.0
        });
        prop_assert_eq!(Some(drawn), scanned);
    }

    #[test]
    fn edits_stand_any_text_and_lose_no_digit(seed: u64, text in "\\PC{0,40}|[微信加你，。0-9a-z !]{0,40}") {
        let texts = Texts::load().unwrap();
        let digits = |text: &str| {
            let mut digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
            digits.sort_unstable();
            digits
        };
        for edit in EDITS {
            let copy = apply(&texts, &mut Random::new(seed, "edit", 0), &text, edit);
            if !matches!(edit, Edit::Suffix | Edit::Prefix) {
                prop_assert_eq!(digits(&copy), digits(&text));
            }
        }
    }
}
