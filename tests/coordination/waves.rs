//! What changes from post to post and from evening to evening: lines that go round, words that others take up, newcomers.

use super::*;

/// Posts of twelve accounts at home on three days, in one wording with the line that is named for account and day.
fn with_lines(line: impl Fn(usize, usize) -> String) -> Vec<Value> {
    let item = |day: usize, n: usize| {
        let text = format!("旧货市场周边仓库清空，成套家具半价处理，先看后付，来的提前约，{}", line(n, day));
        let item = post(n, day as i64 * 24 * 60 + 3 * n as i64, &text);
        with(item, "/id", json!(format!("p{day}-{n}")))
    };
    (0_usize..3).flat_map(|day| (0_usize..12).map(move |n| (day, n))).map(|(day, n)| item(day, n)).collect()
}

#[test]
fn lines_that_change_with_every_post_are_a_campaigns_and_what_is_shared_or_kept_or_new_every_day_is_not() {
    let changing: [&dyn Fn(usize, usize) -> String; 3] = [
        &|n, day| format!("看网站www.k{}q{day}z.example", n * 17),
        &|n, day| format!("加QQ{}", 410_200_317 + 7919 * n + 104_729 * day),
        &|n, day| format!("电话138{:08}", 20_031_777 + 7919 * n + 104_729 * day),
    ];
    for (case, line) in changing.iter().enumerate() {
        let decisions = judge_on_a_site(&with_lines(line));
        assert_eq!(proposed(&decisions).len(), 12, "case {case}");
        let reasons = decisions.iter().flat_map(|d| &d.proposals).flat_map(|p| &p.reasons);
        assert!(reasons.clone().any(|reason| reason == "coordination.contacts"));
    }
    let harmless: [&dyn Fn(usize, usize) -> String; 6] = [
        // A page of one shop for each, made by its share button; a site, a number of everybody's own.
        &|n, day| format!("看网站www.shop.example/a{n}d{day}"),
        &|n, _| format!("看网站www.k{}q.example", n * 17),
        &|n, _| format!("加QQ{}", 410_200_317 + 7919 * n),
        // The vote of the day, the group of the day.
        &|_, day| format!("看网站www.vote{day}.example"),
        &|_, day| format!("加QQ{}", 410_200_317 + 104_729 * day),
        &|_, day| format!("电话138{:08}", 20_031_777 + 104_729 * day),
    ];
    for (case, line) in harmless.iter().enumerate() {
        assert!(proposed(&judge_on_a_site(&with_lines(line))).is_empty(), "case {case}");
    }
}

#[test]
fn a_page_that_others_lead_to_as_well_is_nobodys_line() {
    let words = [
        "昨天逛过",
        "常去这家",
        "不太好用",
        "图很清楚",
        "打开很慢",
        "东西挺全",
        "有人用吗",
        "存下来看",
        "收藏夹里",
        "晚上再看",
    ];
    let mut items = Vec::new();
    for (n, day) in (0_usize..12).flat_map(|n| (0_i64..3).map(move |day| (n, day))) {
        // Ten people have named the same site before, each in words of their own.
        for (other, words) in words.iter().enumerate() {
            let before = everyday(1000 + 10 * n + other, -900 - day);
            let text = format!("{words}www.k{}q{day}z.example", n * 17);
            items.push(with(before, "/text", json!(text)));
        }
    }
    items.extend(with_lines(|n, day| format!("看网站www.k{}q{day}z.example", n * 17)));
    let decisions = judge_on_a_site(&items);
    assert!(proposed(&decisions).is_empty(), "{:?}", decisions.iter().find(|d| !d.proposals.is_empty()));
}

/// A text that thirty people write one evening, and two days later eight others, on the devices that are named.
fn taken_up(device: impl Fn(usize) -> String) -> Vec<Value> {
    let text = "老旧小区加装电梯可以先装后付，勘测画图全免费，名额按楼栋排队，错过要等明年，物业那边已经谈好";
    let people = (0_usize..30).map(|n| post(n, 5 * n as i64, text));
    let later = |n: usize| with(post(n, 2 * 24 * 60 + 2 * n as i64, text), "/device", json!(device(n)));
    people.chain((50_usize..58).map(later)).collect()
}

#[test]
fn a_farm_that_takes_up_the_words_of_others_is_seen_by_itself_and_they_are_left_alone() {
    let decisions = judge_on_a_site(&taken_up(|n| format!("farm{}", n % 2)));
    let found = proposed(&decisions);
    assert_eq!(found, ["a50", "a51", "a52", "a53", "a54", "a55", "a56", "a57"]);
    // Each of them once, and nobody is told again what was told.
    let of_each =
        |id: &str| decisions.iter().flat_map(|d| &d.proposals).filter(|p| p.target.id == id).count();
    assert!(found.iter().all(|id| of_each(id) == 1));
    // Neighbours, among whom are two couples.
    let couples = |n: usize| if n < 54 { format!("home{}", n / 2) } else { format!("own{n}") };
    assert!(proposed(&judge_on_a_site(&taken_up(couples))).is_empty());
}

/// One chat id by sixteen accounts that the site does not know, most of whom come again on two days, all from other people's
/// networks; and, on the third day, by one who is known and at home or not, and sixteen whom nobody knows.
fn joined(is_at_home: bool) -> Vec<Value> {
    let item = |day: usize, n: usize, network: String| {
        let text = format!("{}，微信kd88zz06", filled(0));
        let item = post(n, day as i64 * 24 * 60 + 2 * n as i64, &text);
        with(with(item, "/id", json!(format!("p{day}-{n}"))), "/ip", json!(network))
    };
    let mut items: Vec<Value> = (1..8).map(|nth| everyday(40, -600 - 10 * nth)).collect();
    for day in 0_usize..3 {
        items.extend(life(day as i64 * 24 * 60));
        items.extend((0_usize..16).map(|n| item(day, n, format!("home{day}-{n}"))));
    }
    items.push(item(2, 40, if is_at_home { "n40".into() } else { "home2-40".into() }));
    items.extend((20_usize..36).map(|n| item(2, n, format!("home2-{n}"))));
    items
}

#[test]
fn whom_nobody_knows_is_one_of_those_who_are_never_at_home_unless_somebody_is() {
    let strangers = |decisions: &[Decision]| {
        proposed(decisions).iter().filter(|id| (20..36).any(|n| **id == format!("a{n}"))).count()
    };
    let decisions = judge_on_a_site(&joined(false));
    assert!(strangers(&decisions) >= 14, "{:?}", proposed(&decisions));
    assert_eq!(strangers(&judge_on_a_site(&joined(true))), 0);
}
