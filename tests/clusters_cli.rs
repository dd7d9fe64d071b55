//! `qingliu clusters` over inputs and over the state of a run that did not finish; items that came too late; copied articles.

mod common;

use std::fmt::Write as _;

use common::{Place, gzip};
use serde_json::Value;

/// Six accounts with one text each of two kinds, and one post that stands alone.
fn stream() -> String {
    let mut lines = String::new();
    for n in 0_i64..13 {
        let text = match n {
            12 => "楼下新开的面馆味道不错，推荐牛肉面".to_owned(),
            n if n % 2 == 0 => {
                format!(
                    "旧衣回收上门称重，一斤三块，整箱另算，找小丽登记地址{}",
                    "啊".repeat(usize::from(n >= 6))
                )
            }
            _ => "听说北湖公园的银杏这周全黄了，周末带上家里老人去走一走，拍了照片发群里".to_owned(),
        };
        writeln!(
            lines,
            "{{\"id\":\"p{n}\",\"text\":\"{text}\",\"account\":\"a{n}\",\"time\":{}}}",
            1_793_491_200_000_i64 + n * 60_000
        )
        .expect("a string takes all");
    }
    lines
}

fn clusters(place: &Place, arguments: &str) -> Value {
    let run = place.run(&format!("clusters --json {arguments}")).expect(0, &["clusters"]);
    serde_json::from_str(&run.stdout).expect("JSON")
}

/// A place in which a run came to the end of the stream and then met an input that is cut off.
fn interrupted() -> Place {
    let place = Place::new();
    place.write("in.jsonl", stream());
    let whole = gzip("no item\n".repeat(10_000));
    place.write("cut.jsonl.gz", &whole[..whole.len() / 2]);
    let run = place.rescan("--in in.jsonl cut.jsonl.gz --out out");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(place.exists("out.window-a"));
    place
}

#[test]
fn the_window_of_an_unfinished_run_shows_the_clusters_that_its_inputs_show() {
    let place = interrupted();
    let before = place.bytes("out.window-a");
    let window = clusters(&place, "--window out.window-a");
    let direct = clusters(&place, "--bundle bundle --in in.jsonl");
    assert_eq!(window.as_array().expect("clusters").len(), 2);
    assert_eq!(window, direct);
    let top = clusters(&place, "--window out.window-a --top 1");
    assert_eq!(top.as_array().expect("clusters")[..], window.as_array().expect("clusters")[..1]);
    place.run("clusters --window out.window-a --top 1").expect(0, &["out.window-a; 2 clusters, 1 shown"]);
    // Looking at it disturbs nothing.
    assert!(place.exists("out.checkpoint") && place.bytes("out.window-a") == before);
}

#[test]
fn a_window_that_is_not_whole_is_refused() {
    let place = interrupted();
    let window = place.bytes("out.window-a");
    for (name, bytes) in [("half", &window[..window.len() / 2]), ("none", &[][..]), ("few", &window[..3])] {
        place.write(name, bytes);
        place.run(&format!("clusters --window {name}")).expect(1, &["damaged or is being written"]);
    }
    let mut damaged = window.clone();
    damaged[window.len() / 2] ^= 1;
    place.write("damaged", damaged);
    place.run("clusters --window damaged").expect(1, &["damaged or is being written"]);
    place.run("clusters --window absent").expect(1, &["absent"]);
    place.run("clusters --window out.window-a --in in.jsonl").expect(2, &["cannot be used with"]);
    place.run("clusters").expect(2, &["--in"]);
    let input = place.bytes("in.jsonl");
    for (arguments, twice) in [
        ("--in in.jsonl --dot in.jsonl", "in.jsonl is named twice"),
        ("--window out.window-a --svg out.window-a", "out.window-a is named twice"),
        ("--in in.jsonl --dot o --svg o", "o is named twice"),
    ] {
        place.run(&format!("clusters {arguments}")).expect(2, &[twice]);
    }
    assert!(place.bytes("in.jsonl") == input && place.bytes("out.window-a") == window);
}

#[test]
fn items_that_come_too_late_are_counted() {
    let place = Place::new();
    let mut lines = stream();
    for n in 0..3 {
        writeln!(lines, "{{\"id\":\"late{n}\",\"text\":\"来晚了的第{n}条\",\"time\":1790000000000}}")
            .unwrap();
    }
    place.write("in.jsonl", lines);
    for threads in [1, 2] {
        place
            .rescan(&format!("--in in.jsonl --out out --summary summary --threads {threads}"))
            .expect(0, &["16 posts", "3 came too late"]);
        let summary: Value = serde_json::from_str(&place.text("summary")).unwrap();
        assert_eq!(summary["late"], 3);
    }
    place.write("in.jsonl", stream());
    let run = place.rescan("--in in.jsonl --out out --summary summary");
    assert!(!run.stderr.contains("too late"));
}

#[test]
fn ids_that_are_too_long_are_rejected_with_their_place() {
    let place = Place::new();
    let id = |len: usize| "i".repeat(len);
    let lines = [
        format!("{{\"id\":\"{}\",\"text\":\"a\"}}", id(256)),
        format!("{{\"id\":\"{}\",\"text\":\"a\"}}", id(257)),
        format!("{{\"account\":\"{}\",\"text\":\"a\"}}", id(300)),
        format!("{{\"account\":{{\"id\":\"a\",\"subject\":\"{}\"}},\"text\":\"a\"}}", id(300)),
        format!("{{\"device\":\"{}\",\"text\":\"a\"}}", "字".repeat(86)),
        format!("{{\"repost\":{{\"of\":\"{}\"}},\"text\":\"a\"}}", id(1_000_000)),
    ];
    place.write("in.jsonl", lines.join("\n"));
    place.rescan("--in in.jsonl --all --out out --rejects rejects").expect(0, &["rejected lines 5"]);
    let want = [
        (2, "id_bytes_max: 257 bytes in id, the limit is 256"),
        (3, "id_bytes_max: 300 bytes in account.id, the limit is 256"),
        (4, "id_bytes_max: 300 bytes in account.subject, the limit is 256"),
        (5, "id_bytes_max: 258 bytes in device, the limit is 256"),
        (6, "id_bytes_max: 1000000 bytes in repost.of, the limit is 256"),
    ];
    let rejects = place.rejects("rejects");
    let found: Vec<(u64, &str)> = rejects.iter().map(|(line, reason)| (*line, reason.as_str())).collect();
    assert_eq!(found, want);
}

#[test]
fn copied_articles_are_found_alike_on_any_number_of_threads() {
    let place = Place::new();
    let mut lines = String::new();
    for n in 0..600_u32 {
        // Every third article repeats that of three before.
        let seed = if n % 3 == 2 { n - 2 } else { n };
        let c = |k: u32| {
            let mixed = (seed.wrapping_mul(0x9E37_79B1) ^ k).wrapping_mul(0x85EB_CA6B);
            char::from_u32(0x4E00 + (mixed ^ (mixed >> 15)) % 8000).expect("a Han character")
        };
        let text: String = (0..500).map(c).collect();
        writeln!(lines, "{{\"id\":\"p{n}\",\"text\":\"{text}\",\"account\":\"a{n}\"}}").expect("a line");
    }
    place.write("in.jsonl", lines);
    for threads in [1, 2, 3] {
        place.rescan(&format!("--in in.jsonl --all --out out{threads} --threads {threads}")).expect(0, &[]);
    }
    let whole = place.text("out1");
    assert_eq!(whole.matches("\"finding\":\"copied_original\"").count(), 200);
    assert!(whole == place.text("out2") && whole == place.text("out3"));
}
