//! Habits of accounts that break off: strange networks, strange devices.

use super::*;

/// What the site's own people write in the same hour, each at home as ever.
fn meanwhile(minutes: i64) -> impl Iterator<Item = Value> {
    (1000_usize..1200).map(move |n| everyday(n, minutes - 10))
}

/// Posts of ten accounts in three waves, a day apart, each from the network that is named.
fn waves(network: impl Fn(usize, usize) -> String) -> Vec<Value> {
    let item = |wave: usize, n: usize| {
        let item = post(n, wave as i64 * 24 * 60 + n as i64, &filled(n + wave));
        with(with(item, "/id", json!(format!("p{wave}-{n}"))), "/ip", json!(network(wave, n)))
    };
    let wave = |wave: usize| {
        let people = meanwhile(wave as i64 * 24 * 60);
        people.chain((0_usize..10).map(|n| item(wave, n)).collect::<Vec<Value>>())
    };
    (0_usize..3).flat_map(wave).collect()
}

#[test]
fn accounts_that_come_from_other_peoples_homes_each_time_are_proposed_and_travellers_are_not() {
    let decisions = judge_on_a_site(&waves(|wave, n| format!("home{wave}-{n}")));
    assert_eq!(proposed(&decisions).len(), 10);
    let reasons: Vec<&String> =
        decisions.iter().flat_map(|d| &d.proposals).flat_map(|p| &p.reasons).collect();
    assert!(reasons.iter().any(|reason| *reason == "coordination.roaming"), "{reasons:?}");
    // At home, on one campus, and together in another hotel every day.
    for network in
        [|_: usize, n: usize| format!("n{n}"), |_, _| "campus".into(), |wave, _| format!("hotel{wave}")]
    {
        assert!(proposed(&judge_on_a_site(&waves(network))).is_empty());
    }
}

#[test]
fn known_accounts_on_devices_of_their_own_never_seen_are_proposed_and_a_class_in_a_computer_room_is_not() {
    let known = ["今早", "昨晚", "刚才", "上午", "午后", "傍晚", "凌晨", "中午"];
    let before = known.iter().enumerate();
    let before = before.map(|(n, when)| {
        let item = post(n, 0, &format!("{when}路过{}号楼，看见一只{n}斤重的猫", n * 17));
        with(item, "/id", json!(format!("own{n}")))
    });
    let items = |network: &dyn Fn(usize) -> String| -> Vec<Value> {
        let after = (0_usize..8).map(|n| {
            let item = with(post(n, 900 + n as i64, &filled(n)), "/device", json!(format!("other{n}")));
            with(item, "/ip", json!(network(n)))
        });
        before.clone().chain(meanwhile(900)).chain(after).collect()
    };
    assert_eq!(proposed(&judge_on_a_site(&items(&|n| format!("other{n}")))).len(), 8);
    assert!(proposed(&judge_on_a_site(&items(&|_| "room".to_owned()))).is_empty());
}
