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
fn three_devices_with_three_accounts_each_are_a_farm_and_three_couples_are_none() {
    let items = |per_device: usize| -> Vec<Value> {
        let is_on_one = |n: usize| n.is_multiple_of(2) && n < 6 * per_device;
        let device = |n: usize| if is_on_one(n) { format!("home{}", n / 2 % 3) } else { format!("own{n}") };
        (0_usize..20).map(|n| with(post(n, 3 * n as i64, &filled(n)), "/device", json!(device(n)))).collect()
    };
    assert_eq!(proposed(&judge_on_a_site(&items(3))).len(), 9);
    assert!(proposed(&judge_on_a_site(&items(2))).is_empty());
    // In one room, they are no couples.
    let room = |mut item: Value| {
        let is_shared = item["device"].as_str().unwrap().starts_with("home");
        item["ip"] = if is_shared { json!("room") } else { item["ip"].take() };
        item
    };
    let together: Vec<Value> = items(2).into_iter().map(room).collect();
    assert_eq!(proposed(&judge_on_a_site(&together)).len(), 6);
}

/// Answers of thirty accounts to one post, on the days that are named for each; the first twelve on three devices.
fn shifts(farm: usize, comes: impl Fn(usize, usize) -> bool) -> Vec<Value> {
    let answer = |day: usize, n: usize| {
        let device = if n < farm { format!("farm{}", n % 3) } else { format!("own{n}") };
        let minutes = day as i64 * 24 * 60 + 2 * n as i64;
        let item = with(post(n, minutes, &praise(n + day)), "/parent", json!("shop"));
        with(with(item, "/id", json!(format!("p{day}-{n}"))), "/device", json!(device))
    };
    let day = |day: usize| (0_usize..30).filter(|n| comes(day, *n)).map(|n| answer(day, n)).collect();
    (0_usize..3).flat_map(|nth| -> Vec<Value> { day(nth) }).collect()
}

#[test]
fn who_answers_beside_a_farm_again_and_again_belongs_to_it_and_who_copied_it_once_does_not() {
    // Of the others, those with even numbers come every day, and the odd ones on one day each.
    let comes = |day: usize, n: usize| n < 12 || n.is_multiple_of(2) || n % 3 == day;
    let decisions = judge_on_a_site(&shifts(12, comes));
    let found = proposed(&decisions);
    for n in 0_usize..30 {
        let is_found = found.contains(&format!("a{n}").as_str());
        assert_eq!(is_found, n < 12 || n.is_multiple_of(2), "a{n} of {found:?}");
    }
    let reasons = decisions.iter().flat_map(|d| &d.proposals).flat_map(|p| &p.reasons);
    assert!(reasons.clone().any(|reason| reason == "coordination.company"));
    // A club that praises its idol every day, from its own telephones.
    assert!(proposed(&judge_on_a_site(&shifts(0, comes))).is_empty());
}

/// One hour of answers by twelve accounts that the site knows, from the networks that are named for their posts before, and of
/// which some are at home, and by eighteen that it does not know.
fn hour(at_home: usize, before: impl Fn(usize, usize) -> String) -> Vec<Value> {
    let own = |n: usize, nth: usize| {
        let item = everyday(n, -600 - 10 * nth as i64);
        with(item, "/ip", json!(before(n, nth)))
    };
    let known: Vec<Value> = (0_usize..60).map(|at| own(at % 12, at / 12)).collect();
    let answer = |n: usize| {
        let item = with(post(n, 2 * n as i64, &praise(n)), "/parent", json!("shop"));
        let network = if n < at_home { format!("n{n}") } else { format!("stranger{n}") };
        with(with(item, "/type", json!("comment")), "/ip", json!(network))
    };
    known.into_iter().chain(life(0)).chain((0_usize..30).map(answer)).collect()
}

#[test]
fn where_nobody_who_is_known_is_at_home_the_unknown_are_no_other_and_one_who_is_at_home_clears_them() {
    let home = |n: usize, _: usize| format!("n{n}");
    let decisions = judge_on_a_site(&hour(0, home));
    let found = proposed(&decisions);
    // All who are known but the first, and the unknown, of whom nobody was first with a text.
    let expected: Vec<String> = (1_usize..30).map(|n| format!("a{n}")).collect();
    assert!(expected.iter().all(|id| found.contains(&id.as_str())) && found.len() == 29, "{found:?}");
    let reasons = |id: &str| -> Vec<String> {
        let proposals = decisions.iter().flat_map(|d| &d.proposals).filter(|p| p.target.id == id);
        proposals.flat_map(|p| p.reasons.clone()).collect()
    };
    assert!(reasons("a5").contains(&"coordination.roaming".to_owned()), "{:?}", reasons("a5"));
    assert!(reasons("a25").contains(&"coordination.unseen".to_owned()), "{:?}", reasons("a25"));
    assert!(proposed(&judge_on_a_site(&hour(1, home))).is_empty());
    // Who writes from another network each time breaks with no habit.
    assert!(proposed(&judge_on_a_site(&hour(0, |n, nth| format!("n{n}-{nth}")))).is_empty());
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

/// Three texts on three days, each copied by eight people at home, others each time, and by six accounts that are named,
/// from the network that is named; amid what the people of the site write at home.
fn crew(account: impl Fn(usize, usize) -> usize, network: impl Fn(usize, usize) -> String) -> Vec<Value> {
    let mut items = Vec::new();
    for wave in 0_usize..3 {
        let begin = wave as i64 * 26 * 60;
        items.extend(life(begin));
        for n in 0_usize..8 {
            let (account, id) = (1000 + 20 * wave + n, json!(format!("s{wave}-{n}")));
            items.push(with(post(account, begin + 40 * n as i64, wave_text(wave)), "/id", id));
        }
        for n in 0_usize..6 {
            let item = post(account(wave, n), begin + 40 * n as i64, wave_text(wave));
            let item = with(item, "/id", json!(format!("c{wave}-{n}")));
            items.push(with(item, "/ip", json!(network(wave, n))));
        }
    }
    items
}

#[test]
fn a_crew_is_seen_among_strangers_who_copy_its_texts() {
    let elsewhere = |wave: usize, n: usize| format!("home{wave}-{n}");
    let decisions = judge_on_a_site(&crew(|_, n| n, elsewhere));
    assert_eq!(proposed(&decisions), ["a0", "a1", "a2", "a3", "a4", "a5"]);
    let together = decisions.iter().flat_map(|d| &d.proposals).flat_map(|p| &p.reasons);
    assert!(together.clone().any(|reason| reason == "coordination.roaming"));
    // Six friends at home, and six others each day, from wherever they are.
    assert!(proposed(&judge_on_a_site(&crew(|_, n| n, |_, n| format!("n{n}")))).is_empty());
    assert!(proposed(&judge_on_a_site(&crew(|wave, n| 1100 + 10 * wave + n, elsewhere))).is_empty());
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
    // Whom something has moved to write for the first time, among as many others with no other post today.
    let moved =
        (0_usize..30).map(|n| if n.is_multiple_of(2) { everyday(n, -300) } else { everyday(2000 + n, -300) });
    let moved: Vec<Value> = moved.chain((0_usize..30).map(|n| same(n, n))).collect();
    assert!(judge_on_a_site(&moved).iter().all(|d| tier(d) == 0));
}
