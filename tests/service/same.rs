//! The same items in the same order get the same decisions from a service as from a rescan.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::client::Served;
use crate::common::{Place, string};

/// 2026-11-01T00:00:00Z.
const START_MS: i64 = 1_793_491_200_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// A character that depends on two numbers and looks random.
fn word(n: u32, k: u32) -> char {
    let mixed = (n.wrapping_mul(0x9E37_79B1) ^ k).wrapping_mul(0x85EB_CA6B);
    char::from_u32(0x4E00 + (mixed ^ (mixed >> 15)).wrapping_mul(0xC2B2_AE35) % 20_000).unwrap_or('一')
}

/// A post of an account with a home of its own.
fn post(id: &str, account: u32, minutes: i64, text: &str) -> Value {
    json!({
        "type": "post", "id": id, "time": START_MS + minutes * MINUTE_MS, "text": text,
        "account": {"id": format!("a{account}"), "kind": "personal", "age_days": 400 + 37 * account},
        "ip": format!("n{account}"), "device": format!("d{account}"),
    })
}

fn with(mut item: Value, key: &str, value: Value) -> Value {
    item[key] = value;
    item
}

/// What the site's own people write, each in words of their own.
fn everyday(minutes: i64) -> Vec<Value> {
    let own = |n: u32| {
        let text: String = (0..20).map(|k| word(n, k + u32::try_from(minutes + 5000).unwrap_or(0))).collect();
        post(&format!("e{n}-{minutes}"), n, minutes, &text)
    };
    (1000..1200).map(own).collect()
}

/// One wording with another name, number and ending each time.
fn filled(n: u32) -> String {
    const NAMES: [&str; 10] =
        ["小丽", "阿强", "老周", "琳琳", "大刘", "晓芸", "阿凯", "小秦", "老马", "佳佳"];
    const ENDS: [&str; 5] = ["先到先得", "名额不多", "今晚截止", "欢迎咨询", "随时都在"];
    let (name, end) = (NAMES[n as usize % 10], ENDS[n as usize % 5]);
    format!("旧衣回收上门称重，一斤{}块，整箱另算，找{name}登记地址，{end}", 3 + n % 7)
}

/// Three waves of one template by accounts that are never at home, accounts on one device, copies of an article, and in front of all
/// an item whose clock is years ahead; behind all one that is late.
fn items() -> Vec<Value> {
    let mut items = vec![post("ahead", 1, 4000 * DAY_MINUTES, "钟表店门口的猫今天睡在账本上")];
    items.extend(everyday(-300));
    for wave in 0..3_u32 {
        let minutes = i64::from(wave) * DAY_MINUTES;
        items.extend(everyday(minutes - 10));
        items.extend((0..10).map(|n| {
            let item = post(&format!("w{wave}-{n}"), n, minutes + i64::from(n), &filled(n + wave));
            with(item, "ip", json!(format!("home{wave}-{n}")))
        }));
    }
    let last = 2 * DAY_MINUTES + 60;
    items.extend((20..27).map(|n| {
        let text = filled(n).replace("旧衣回收上门称重", "二手课本整箱打包带走");
        with(post(&format!("f{n}"), n, last + i64::from(n), &text), "device", json!("farm"))
    }));
    let article: String = (0..600).map(|k| word(7, k)).collect();
    let spun: String = article.chars().enumerate().map(|(n, c)| if n % 9 == 8 { '某' } else { c }).collect();
    for (n, text) in [&article, &spun, &format!("{article}来源：南城晚报")].into_iter().enumerate() {
        let item = post(&format!("o{n}"), 40 + u32::try_from(n).unwrap_or(0), last + 60, text);
        items.push(with(item, "surface", json!("article")));
    }
    items.push(with(
        post("contact", 50, last + 70, "高价收银行卡四件套，一张日结两千，加微信 abc12345"),
        "title",
        json!("刷单返利"),
    ));
    items.push(post("late", 51, -30 * DAY_MINUTES, &filled(3)));
    items
}

#[test]
fn items_of_campaigns_get_the_decisions_and_follow_ups_of_a_rescan() {
    let place = Place::new();
    let mut lines = String::new();
    for item in items() {
        writeln!(lines, "{item}").expect("a string takes all");
    }
    lines.push_str(include_str!("../../samples/stream.jsonl"));
    place.write("in.jsonl", &lines);
    place.write("service.toml", "[jsonl]\npath = \"sink.jsonl\"\nall = true\n");
    place.run("rescan --in in.jsonl --out out.jsonl --all --summary s").expect(0, &[]);
    let wanted = place.lines("out.jsonl");

    let served = Served::start_shipped(&place, "--config service.toml");
    let mut client = served.client();
    for line in lines.lines() {
        let reply = client.post("/v1/check", line, &[]);
        assert_eq!((reply.status, &reply.json()["degraded"]), (200, &Value::Null), "{line}");
    }
    let metrics = String::from_utf8(client.get("/metrics", &[]).body).expect("text");
    served.stop().expect(0, &[]);

    let log = Served::log(&place, "");
    let found: Vec<&Value> = log.iter().filter(|r| r["kind"] == "decision").map(|r| &r["decision"]).collect();
    for (number, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
        assert_eq!(*found, wanted, "decision {number}");
    }
    assert_eq!(found.len(), wanted.len());
    // The sink has the same without the authors' words.
    let sink: Vec<String> =
        place.lines("sink.jsonl").iter().map(|e| string(&e["decision"]["item"])).collect();
    assert_eq!(sink, wanted.iter().map(|decision| string(&decision["item"])).collect::<Vec<_>>());

    // What is compared has all that comes of other items.
    let text = place.text("out.jsonl");
    for part in [
        "\"follow_up\":",
        "copied_original",
        "coordination.roaming",
        "coordination.device",
        "\"template\":",
        "block",
    ] {
        assert!(text.contains(part), "{part} does not occur");
    }
    let follow_ups = wanted.iter().filter(|decision| !decision["follow_up"].is_null()).count();
    let summary: Value = serde_json::from_str(&place.text("s")).expect("JSON");
    assert_eq!(summary["follow_ups"], follow_ups);
    assert!(summary["late"].as_u64() >= Some(1), "{summary}");
    for line in [
        format!("qingliu_follow_ups_total {follow_ups}"),
        format!("qingliu_late_items_total {}", summary["late"]),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is missing in {metrics}");
    }
}

#[test]
fn a_first_item_of_the_far_future_does_not_end_the_search_for_its_likes() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let mut client = served.client();
    let mut check = |item: &Value| client.post("/v1/check", &item.to_string(), &[]).json();
    check(&post("ahead", 1, 4000 * DAY_MINUTES, "钟表店门口的猫今天睡在账本上"));
    for n in 0..8 {
        check(&post(
            &format!("e{n}"),
            2,
            n,
            &(0..20).map(|k| word(5, k + 40 * u32::try_from(n).unwrap_or(0))).collect::<String>(),
        ));
    }
    check(&post("first", 3, 20, &filled(1)));
    let second = check(&post("second", 4, 21, &filled(1)));
    assert_eq!(second["near_duplicate"]["of"], "first", "{second}");
}
