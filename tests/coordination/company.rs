//! Who writes together: answers to one post in several wordings, crews among strangers, people of one evening.

use super::*;

/// Five wordings of one praise.
fn praise(n: usize) -> String {
    let wordings = [
        "青石巷豆花店的老板娘手艺真是没话说，卤水香得整条街都闻得见",
        "排队四十分钟也值，青石巷豆花店的红糖桂花口味吃一次记一年",
        "带爸妈去了青石巷豆花店，老人家说跟小时候挑担子卖的一个味",
        "青石巷豆花店搬了新址还是那么火，分量足碗也干净，强烈安利",
        "同事推荐的青石巷豆花店果然名不虚传，咸甜两派在这里都服气",
    ];
    wordings[n % wordings.len()].to_owned()
}

/// Fifteen answers, three of each wording, to the posts and from the devices that are named.
fn answers(parent: impl Fn(usize) -> String, device: impl Fn(usize) -> String) -> Vec<Value> {
    let answer = |n: usize| {
        let item = with(post(n, 4 * n as i64, &praise(n)), "/parent", json!(parent(n)));
        with(with(item, "/type", json!("comment")), "/device", json!(device(n)))
    };
    (0_usize..15).map(answer).collect()
}

#[test]
fn answers_to_one_post_in_many_wordings_are_judged_together() {
    let farm = |n: usize| format!("farm{}", n % 3);
    let together = judge_on_a_site(&answers(|_| "shop".into(), farm));
    assert_eq!(proposed(&together).len(), 15);
    // Under posts of their own, and from people's own devices, three of a wording are no crowd.
    assert!(proposed(&judge_on_a_site(&answers(|n| format!("post{n}"), farm))).is_empty());
    let customers = judge_on_a_site(&answers(|_| "shop".into(), |n| format!("own{n}")));
    assert!(customers.iter().all(|d| tier(d) == 0 && d.proposals.is_empty()));
}

#[test]
fn answers_that_nobody_else_gave_are_no_part_of_a_crowd() {
    let mut items = answers(|_| "shop".into(), |n| format!("farm{}", n % 3));
    let own = "上周路过尝了一碗，豆花偏老，桂花倒是给得大方，下次想试试咸口的再说";
    let customer = with(post(70, 30, own), "/parent", json!("shop"));
    items.push(with(customer, "/device", json!("farm0")));
    assert!(!proposed(&judge_on_a_site(&items)).contains(&"a70"));
}

/// One of three texts that have nothing in common.
fn wave_text(wave: usize) -> &'static str {
    [
        "老旧小区加装电梯可以先装后付，勘测画图全免费，名额按楼栋排队，错过要等明年",
        "青少年暑期游泳班最后一批团购，教练持证上岗，学不会包第二期，泳池恒温水质公示",
        "闲置公积金账户帮忙盘活，手续齐全当场办结，异地缴存同样受理，周末照常接待",
    ][wave % 3]
}

#[test]
fn a_crew_is_seen_among_strangers_who_copy_its_texts() {
    let mut items = Vec::new();
    for wave in 0_usize..3 {
        let begin = wave as i64 * 26 * 60;
        items.extend((1000_usize..1200).map(|n| everyday(n, begin - 10)));
        // Ten people at home, others each time, and six who meet again from other networks each time.
        for n in 0_usize..10 {
            let (account, place) = (1000 + 20 * wave + n, json!(format!("s{wave}-{n}")));
            items.push(with(post(account, begin + n as i64, wave_text(wave)), "/id", place));
        }
        for n in 0_usize..6 {
            let item = post(n, begin + n as i64, wave_text(wave));
            let item = with(item, "/id", json!(format!("c{wave}-{n}")));
            items.push(with(item, "/ip", json!(format!("home{wave}-{n}"))));
        }
    }
    assert_eq!(proposed(&judge_on_a_site(&items)), ["a0", "a1", "a2", "a3", "a4", "a5"]);
}

#[test]
fn a_moment_that_people_with_a_life_share_limits_nobody() {
    let saying = "听说北湖公园的银杏这周全黄了，周末带上家里老人去走一走，拍了照片记得发群里给大家看看";
    let same =
        |account: usize, n: usize| with(post(account, n as i64, saying), "/id", json!(format!("s{n}")));
    let known: Vec<Value> = (0_usize..30).map(|n| same(1000 + n, n)).collect();
    assert!(judge_on_a_site(&known).iter().all(|d| tier(d) == 0));
    let unknown: Vec<Value> = (0_usize..30).map(|n| same(n, n)).collect();
    assert!(judge_on_a_site(&unknown).iter().any(|d| tier(d) == 1));
}
