//! Who writes together: answers to one post in several wordings, people of one evening.

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

/// Thirty answers, six of each wording, to the posts and from the devices that are named.
fn answers(parent: impl Fn(usize) -> String, device: impl Fn(usize) -> String) -> Vec<Value> {
    let answer = |n: usize| {
        let item = with(post(n, 2 * n as i64, &praise(n)), "/parent", json!(parent(n)));
        with(with(item, "/type", json!("comment")), "/device", json!(device(n)))
    };
    (0_usize..30).map(answer).collect()
}

#[test]
fn answers_to_one_post_in_many_wordings_are_judged_together() {
    let farm = |n: usize| format!("farm{}", n % 3);
    let together = judge_on_a_site(&answers(|_| "shop".into(), farm));
    // What is common to a wording is known from its third answer on.
    assert!(proposed(&together).len() >= 20, "{}", proposed(&together).len());
    // Under posts of their own, and from people's own devices, six of a wording are no campaign.
    assert!(proposed(&judge_on_a_site(&answers(|n| format!("post{n}"), farm))).is_empty());
    let customers = judge_on_a_site(&answers(|_| "shop".into(), |n| format!("own{n}")));
    assert!(customers.iter().all(|d| tier(d) <= 1 && d.proposals.is_empty()));
}

#[test]
fn answers_that_nobody_else_gave_are_no_part_of_a_crowd() {
    let mut items = answers(|_| "shop".into(), |n| format!("farm{}", n % 3));
    let own = "上周路过尝了一碗，豆花偏老，桂花倒是给得大方，下次想试试咸口的再说";
    let customer = with(post(70, 30, own), "/parent", json!("shop"));
    items.push(with(customer, "/device", json!("farm0")));
    assert!(!proposed(&judge_on_a_site(&items)).contains(&"a70"));
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
