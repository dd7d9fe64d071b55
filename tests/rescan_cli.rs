//! `qingliu rescan` as its users see it: order, formats, options, exit codes, and runs that are cut off. What hostile
//! input does is in `hostile.rs`.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::process::Child;

use common::{
    Place, TERMS, finish, gunzip, gzip, items, json_lines, parquet, posts, string, unzstd, wait_until, zstd,
};
use serde_json::Value;

/// Posts with blank lines, lines that are no items and items without an id between them, in several chunks.
fn mixed_lines() -> String {
    let mut lines = String::new();
    for (n, line) in posts(24_000, 3).lines().enumerate() {
        lines.push_str(line);
        lines.push('\n');
        match n % 1000 {
            100 => lines.push_str("\r\n\n"),
            200 => lines.push_str("no item\n"),
            300 => lines.push_str("{\"text\":\"真人荷官\"}\n"),
            _ => {}
        }
    }
    lines
}

#[test]
fn the_output_is_the_same_on_any_number_of_threads_and_in_input_order() {
    let place = Place::new();
    place.write("in.jsonl", mixed_lines());
    let outputs = [1, 2, 4].map(|threads| {
        let options = format!("--in in.jsonl --all --out out --rejects rejects --threads {threads}");
        place.rescan(&options).expect(0, &["24024 posts", "rejected lines 24"]);
        (place.text("out"), place.text("rejects"))
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    let decisions = place.lines("out");
    let ids: Vec<String> = items(&decisions).into_iter().filter(|id| id.starts_with('p')).collect();
    assert!(ids.iter().enumerate().all(|(n, id)| *id == format!("p{n}")) && ids.len() == 24_000);
    let lines: Vec<u64> = place.rejects("rejects").into_iter().map(|(line, _)| line).collect();
    assert!(lines.is_sorted() && lines[0] == 204, "{lines:?}");
}

#[test]
fn only_what_does_not_pass_is_written_unless_all_is_asked_for() {
    let place = Place::new();
    place.write("in.jsonl", posts(9, 3));
    let run = place
        .rescan("--in in.jsonl")
        .expect(0, &["9 posts: pass 6, limit 0, review 3, block 0", "gambling 3"]);
    assert_eq!(items(&json_lines(&run.stdout)), ["p0", "p3", "p6"]);
    let all = json_lines(&place.rescan("--in in.jsonl --all").stdout);
    assert_eq!(items(&all), (0..9).map(|n| format!("p{n}")).collect::<Vec<_>>());
    assert_eq!(
        (string(&all[0]["verdict"]), string(&all[1]["verdict"])),
        ("review".to_owned(), "pass".to_owned())
    );
    assert_eq!(all[0]["evidence"][0]["matched"], "真人荷官");
}

#[test]
fn every_format_gives_the_same_decisions() {
    let place = Place::new();
    let rows = [["1", "真人荷官", "u1"], ["2", "今天, \"天气\" 很好", "u2"], ["3", "多行\n刷单返利", "u3"]];
    let jsonl: String = rows
        .iter()
        .map(|[id, text, account]| {
            serde_json::json!({"id": id, "text": text, "account": {"id": account}}).to_string()
        })
        .map(|line| line + "\n")
        .collect();
    let csv = "\u{feff}id,text,account.id\r\n1,真人荷官,u1\r\n2,\"今天, \"\"天气\"\" 很好\",u2\r\n3,\"多行\n刷单返利\",u3\r\n";
    place.write("a.jsonl", &jsonl);
    let want = place.rescan("--in a.jsonl --all").expect(0, &["3 posts: pass 1, limit 0, review 2"]).stdout;
    for (name, bytes) in [
        ("b.jsonl.zst", zstd(&jsonl)),
        ("c.jsonl.gz", gzip(&jsonl)),
        ("d.csv", csv.into()),
        ("e.csv.zst", zstd(csv)),
        ("f.csv.gz", gzip(csv)),
        ("g.parquet", parquet(&rows)),
        ("two-frames.jsonl.zst", [zstd(&jsonl[..40]), zstd(&jsonl[40..])].concat()),
        ("two-members.jsonl.gz", [gzip(&jsonl[..40]), gzip(&jsonl[40..])].concat()),
        ("any-other-name", jsonl.clone().into()),
    ] {
        place.write(name, bytes);
        let run = place.rescan(&format!("--in {name} --all")).expect(0, &["rejected lines 0"]);
        assert_eq!(run.stdout, want, "{name}");
    }
    assert_eq!(place.rescan_stdin("--in - --all", jsonl.as_bytes()).expect(0, &[]).stdout, want);
    place.rescan("--in a.jsonl --all --out out.jsonl.zst").expect(0, &[]);
    assert_eq!(unzstd(&place.bytes("out.jsonl.zst")), want.as_bytes());
    place.rescan("--in a.jsonl --all --out out.jsonl.gz").expect(0, &[]);
    assert_eq!(gunzip(&place.bytes("out.jsonl.gz")), want.as_bytes());
}

#[test]
fn several_inputs_and_patterns_are_read_in_order() {
    let place = Place::new();
    for name in ["d/2.jsonl", "d/1.jsonl", "d/10.jsonl", "[x].jsonl"] {
        place.write(name, "{\"text\":\"真人荷官\"}\n");
    }
    place.write("d/sub.jsonl/no", "a directory that matches");
    let run = place.rescan("--in [x].jsonl d/*.jsonl d/2.jsonl").expect(0, &["5 posts"]);
    let want = ["[x].jsonl:1", "d/1.jsonl:1", "d/10.jsonl:1", "d/2.jsonl:1", "d/2.jsonl:1"];
    assert_eq!(items(&json_lines(&run.stdout)), want);
}

#[test]
fn items_are_named_by_their_id_or_by_file_and_line() {
    let place = Place::new();
    place.write(
        "in.jsonl",
        "\n{\"text\":\"真人荷官\"}\n{\"id\":17,\"text\":\"真人荷官\"}\n{\"id\":\"\",\"text\":\"真人荷官\"}",
    );
    place.write("in.csv", "text\r\n\"一\r\n二\"\r\n真人荷官\r\n\r\n真人荷官\r\n");
    place.write("in.parquet", parquet(&[["", "好", ""], ["", "真人荷官", ""]]));
    let run = place.rescan("--in in.jsonl in.csv in.parquet").expect(0, &["rejected lines 0"]);
    let want = ["in.jsonl:2", "17", "in.jsonl:4", "in.csv:4", "in.csv:6", "in.parquet:2"];
    assert_eq!(items(&json_lines(&run.stdout)), want);
    let run =
        place.rescan_stdin("--in -", b"{\"text\":\"\xe7\x9c\x9f\xe4\xba\xba\xe8\x8d\xb7\xe5\xae\x98\"}");
    assert_eq!(items(&json_lines(&run.stdout)), ["-:1"]);
}

#[test]
fn rejected_lines_are_told_with_number_and_reason_and_strict_makes_them_exit_code_3() {
    let place = Place::new();
    place.write("a.jsonl", "{\"text\":\"好\"}\n\n{\"id\":\"x\"}\n{\"text\":1}\n{\"text\":\"真人荷官\"}\n");
    place.write(
        "b.csv",
        b"id,text,account.credit_tier\n1,a,2\n2,b\n3,c,1,more\n4,\xff\xfe,\n5,d,high\n6,e,\n",
    );
    let options = "--in a.jsonl b.csv --rejects r --out out";
    place.rescan(options).expect(0, &["4 posts", "rejected lines 6"]);
    let rejects = place.rejects("r");
    let parts = [
        (3, "needs `text`"),
        (4, "expected a string"),
        (3, "2 cells, the header has 3"),
        (4, "4 cells, the header has 3"),
        (5, "column \"text\" is not UTF-8 at byte 0"),
        (6, "expected u8"),
    ];
    assert_eq!(rejects.len(), parts.len(), "{rejects:?}");
    for ((line, reason), (want_line, part)) in rejects.iter().zip(parts) {
        assert!(*line == want_line && reason.contains(part), "{line}: {reason}");
    }
    let inputs: Vec<String> = place.lines("r").iter().map(|reject| string(&reject["input"])).collect();
    assert_eq!(inputs, ["a.jsonl", "a.jsonl", "b.csv", "b.csv", "b.csv", "b.csv"]);
    place.rescan(&format!("{options} --strict")).expect(3, &["rejected lines 6"]);
    assert_eq!(place.lines("out").len(), 1);
    place.write("a.jsonl", posts(2, 1));
    place.rescan("--in a.jsonl --strict").expect(0, &["rejected lines 0"]);
}

#[test]
fn the_account_of_a_table_decides_like_that_of_a_json_line() {
    let place = Place::new();
    let terms = TERMS.replace("weight = 1000", "weight = 550");
    place.bundle("bundle", &terms);
    place.write(
        "in.csv",
        "id,text,account.id,account.credit_tier\n1,真人荷官,u,1\n2,真人荷官,u,3\n3,真人荷官,u,\n",
    );
    let run = place.rescan("--in in.csv").expect(0, &["review 1", "limit 2"]);
    assert_eq!(items(&json_lines(&run.stdout)), ["1", "2", "3"]);
    assert_eq!(json_lines(&run.stdout)[0]["verdict"], "review");
}

#[test]
fn the_summary_counts_what_was_done() {
    let place = Place::new();
    place.write("in.jsonl", posts(10, 5) + "no\n{\"text\":\"刷单返利\"}\n");
    place.rescan("--in in.jsonl --out out --summary s.json --threads 2").expect(0, &[]);
    let summary: Value = serde_json::from_str(&place.text("s.json")).unwrap();
    assert_eq!(summary["posts"], 11);
    assert_eq!(summary["rejected"], 1);
    assert_eq!(summary["verdicts"], serde_json::json!({"pass": 8, "limit": 0, "review": 3, "block": 0}));
    assert_eq!(summary["labels"], serde_json::json!({"gambling": 2, "fraud": 1}));
    assert_eq!((&summary["threads"], &summary["resumed"]), (&Value::from(2), &Value::from(false)));
    assert!(summary["text_bytes"].as_u64() > Some(100) && summary.get("changed").is_none());
    assert_eq!(summary["bundle"], place.lines("out")[0]["versions"]["bundle"]);
    for rate in ["seconds", "posts_per_second", "load_seconds"] {
        assert!(summary[rate].as_f64() > Some(0.0), "{rate}");
    }
    assert!(
        place.rescan("--in in.jsonl --summary no/s.json").expect(1, &["no/s.json: No such file"]).code
            == Some(1)
    );
}

#[test]
fn diff_prints_exactly_the_items_that_an_older_run_judged_otherwise() {
    let place = Place::new();
    let line = |id: &str, text: &str| format!("{{\"id\":\"{id}\",\"text\":\"{text}\"}}\n");
    let same = [line("stays", "真人荷官"), line("passes", "好")].concat();
    let other = [line("loses", "刷单返利"), line("gains", "高薪"), line("moves", "真人荷官高薪")].concat();
    place.write("in.jsonl", same + &other);
    place.bundle(
        "new",
        "severity = \"medium\"\nterms = [
        { id = \"g.1\", text = \"真人荷官\", label = \"gambling\", weight = 900 },
        { id = \"f.2\", text = \"高薪\", label = \"fraud\", weight = 1000 } ]",
    );
    place.rescan("--in in.jsonl --out old.jsonl.zst").expect(0, &["review 3"]);
    let run = place
        .run("rescan --bundle new --in in.jsonl --diff old.jsonl.zst --summary s")
        .expect(0, &["3 changed"]);
    let want =
        "loses\treview fraud -> pass\ngains\tpass -> review fraud\nmoves\treview gambling -> review fraud\n";
    assert_eq!(run.stdout, want);
    assert!(place.text("s").contains("\"changed\": 3"));
    let run = place.rescan("--in in.jsonl --diff old.jsonl.zst --out new.jsonl").expect(0, &["0 changed"]);
    assert!(run.stdout.is_empty() && place.lines("new.jsonl").len() == 3);
    place.rescan("--in in.jsonl --diff in.jsonl").expect(1, &["in.jsonl:1: is not a decision"]);
    place
        .rescan("--in in.jsonl --diff old.jsonl.zst --out -")
        .expect(2, &["--diff prints to standard output"]);
}

#[test]
fn diff_shows_what_is_said_later_of_earlier_items() {
    let place = Place::new();
    // Twelve accounts on one device advertise with one wording; the first of them pass when they come.
    let line = |n: i64| {
        let time = 1_793_491_200_000_i64 + n * 60_000;
        let text = format!("旧衣回收上门称重，一斤三块，整箱另算，找小丽登记地址，先到先得，今天第{n}位");
        format!(
            "{{\"id\":\"p{n}\",\"text\":\"{text}\",\"account\":\"a{n}\",\"device\":\"farm\",\"time\":{time}}}\n"
        )
    };
    // An alert on a target that is named like an item is no decision on the item.
    let alert = "{\"item\":\"p0\",\"verdict\":\"review\",\"evidence\":[{\"kind\":\"engagement\"}]}\n";
    place.write("few.jsonl", (0..2).map(line).collect::<String>());
    place.write("many.jsonl", (0..12).map(line).collect::<String>());
    place.run("rescan --in few.jsonl --out few.out").expect(0, &[]);
    place.run("rescan --in many.jsonl --out many.out").expect(0, &[]);
    place.write("few.out", place.text("few.out") + alert);
    let decisions = place.lines("many.out");
    let told: BTreeSet<&str> = decisions
        .iter()
        .filter(|decision| !decision["follow_up"].is_null())
        .filter_map(|decision| decision["item"].as_str())
        .collect();
    assert!(told.contains("p0") && told.contains("p1"), "{told:?}");

    let diff =
        |new: &str, old: &str| place.run(&format!("rescan --in {new} --diff {old}")).expect(0, &[]).stdout;
    let later = |changes: &str| -> Vec<String> {
        changes.lines().filter(|line| line.contains("\tfollow-up: ")).map(str::to_owned).collect()
    };
    assert_eq!(diff("many.jsonl", "many.out"), "");
    let (gained, lost) = (later(&diff("many.jsonl", "few.out")), later(&diff("few.jsonl", "many.out")));
    assert_eq!(gained.len(), told.len());
    for ((gained, lost), item) in gained.iter().zip(&lost).zip(&told) {
        let (name, change) = gained.split_once("\tfollow-up: none -> ").expect("a change");
        assert_eq!((name, lost), (*item, &format!("{item}\tfollow-up: {change} -> none")));
    }
    assert_eq!(gained.len(), lost.len());
    assert!(!diff("few.jsonl", "few.out").contains("p0"));
}

#[test]
fn bad_usage_is_exit_code_2() {
    let place = Place::new();
    place.write("in.jsonl", posts(1, 1));
    for arguments in [
        "rescan",
        "rescan --in",
        "rescan --in in.jsonl --threads 0",
        "rescan --in in.jsonl --threads many",
        "rescan --in in.jsonl --resume --restart",
        "rescan --in in.jsonl --checkpoint-seconds -1",
        "rescan --in in.jsonl --outt x",
        "rescann",
        "",
    ] {
        let run = place.run(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("Usage") || run.stderr.contains("error"), "{run:?}");
    }
    place.run("--version").expect(0, &[]);
}

#[test]
fn inputs_that_cannot_be_read_are_exit_code_1() {
    let place = Place::new();
    place.write("dir/in.jsonl", posts(1, 1));
    place.write("no-text.csv", "id,body\n1,a\n");
    for (input, part) in [
        ("absent.jsonl", "absent.jsonl: no such file"),
        ("dir", "dir: is a directory; name files or use a pattern such as DIR/*.jsonl"),
        ("dir/*.csv", "dir/*.csv: no file matches"),
        ("dir/[", "dir/["),
        ("no-text.csv", "the header line names no `text` column"),
    ] {
        place.rescan(&format!("--in {input} --out out")).expect(1, &[part]);
    }
}

#[test]
fn an_output_that_is_an_input_is_refused_and_nothing_is_lost() {
    let place = Place::new();
    let posts = posts(5, 1);
    place.write("in.jsonl", &posts);
    place.rescan("--in in.jsonl --out in.jsonl").expect(2, &["in.jsonl is named twice"]);
    place.rescan("--in in.jsonl --out bundle/../in.jsonl").expect(2, &["is named twice"]);
    place.rescan("--in in.jsonl --out out --rejects in.jsonl").expect(2, &["is named twice"]);
    place.rescan("--in in.jsonl --out out --rejects out").expect(2, &["is named twice"]);
    assert_eq!(place.text("in.jsonl"), posts);
}

#[test]
fn outputs_that_cannot_be_written_are_exit_code_1() {
    let place = Place::new();
    place.write("in.jsonl", posts(2_000, 1));
    place.write("file", "");
    place.rescan("--in in.jsonl --out file/out").expect(1, &["file/out: Not a directory"]);
    place.rescan("--in in.jsonl --out no/out").expect(1, &["no/out: No such file"]);
    place.rescan("--in in.jsonl --out bundle").expect(1, &["bundle: Is a directory"]);
    place.rescan("--in in.jsonl --out out --rejects file/r").expect(1, &["file/r: Not a directory"]);
    if cfg!(target_os = "linux") {
        place.rescan("--in in.jsonl --out /dev/full").expect(1, &["No space left on device"]);
        let run = place.rescan("--in in.jsonl bundle/lexicon/terms.toml --out out --rejects /dev/full");
        run.expect(1, &["No space left on device"]);
        place.rescan("--in in.jsonl --out /dev/null").expect(0, &["2000 posts"]);
    }
    assert!(!place.exists("out.checkpoint"));
}

/// A run that nobody lets finish: its changes go to a pipe that is not read, so that it stands still once the pipe is
/// full, after several checkpoints.
fn start_run_that_stalls(place: &Place, options: &str) -> Child {
    let options =
        format!("rescan --bundle bundle {options} --diff none.jsonl --checkpoint-seconds 0 --threads 2");
    place.command(&options).spawn().expect("the program starts")
}

/// Inputs that need more changes than a pipe takes, with rejected lines on the way.
fn write_long_inputs(place: &Place) {
    let mut lines = String::new();
    for (n, line) in posts(90_000, 12).lines().enumerate() {
        let bad = if n.is_multiple_of(500) { "no item\n" } else { "" };
        lines.extend([line, "\n", bad]);
    }
    let cut = lines.find("{\"id\":\"p60000\"").expect("a post");
    place.write("a.jsonl", &lines[..cut]);
    place.write("b.jsonl.zst", zstd(&lines[cut..]));
    place.write("none.jsonl", "");
}

/// Starts a run, waits for a checkpoint that `before` does not know, and kills the run.
fn kill_after_a_checkpoint(place: &Place, options: &str, before: &[u8], checkpoint: &str) -> Vec<u8> {
    let mut child = start_run_that_stalls(place, options);
    let mut found = Vec::new();
    wait_until("new checkpoint", || {
        found = fs::read(place.path(checkpoint)).unwrap_or_default();
        !found.is_empty() && found != before
    });
    child.kill().expect("the run is still there");
    assert_eq!(finish(child).code, None, "the run ended by itself");
    place.bytes(checkpoint)
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes_as_one_that_was_never_cut_off() {
    let place = Place::new();
    write_long_inputs(&place);
    place.rescan("--in a.jsonl b.jsonl.zst --all --out whole --rejects whole.r").expect(0, &["90000 posts"]);
    for (out, rejects) in [("out", "r"), ("out.zst", "r.gz")] {
        let options = format!("--in a.jsonl b.jsonl.zst --all --out {out} --rejects {rejects}");
        let checkpoint = format!("{out}.checkpoint");
        let first = kill_after_a_checkpoint(&place, &options, b"", &checkpoint);
        let resume = format!("{options} --resume");
        kill_after_a_checkpoint(&place, &resume, &first, &checkpoint);
        place.rescan(&format!("{resume} --summary s --threads 1")).expect(0, &["90000 posts"]);
        assert!(!place.exists(&checkpoint));
        let (decisions, refused) = (place.bytes(out), place.bytes(rejects));
        let is_plain = out == "out";
        assert!(place.bytes("whole") == if is_plain { decisions } else { unzstd(&decisions) }, "{out}");
        assert!(place.bytes("whole.r") == if is_plain { refused } else { gunzip(&refused) }, "{rejects}");
        let summary: Value = serde_json::from_str(&place.text("s")).unwrap();
        assert_eq!((&summary["posts"], &summary["rejected"]), (&Value::from(90_000), &Value::from(180)));
        assert_eq!(summary["resumed"], true);
    }
}

#[test]
fn an_unfinished_run_is_neither_overwritten_nor_mixed_with_another() {
    let place = Place::new();
    write_long_inputs(&place);
    place.bundle("other", &TERMS.replace("1000", "999"));
    kill_after_a_checkpoint(&place, "--in a.jsonl --out out", b"", "out.checkpoint");
    let (output, checkpoint) = (place.bytes("out"), place.bytes("out.checkpoint"));
    let refused = |options: &str, code, part| {
        place.run(&format!("rescan {options} --out out")).expect(code, &[part]);
        assert!(place.bytes("out") == output && place.bytes("out.checkpoint") == checkpoint, "{options}");
    };
    refused("--bundle bundle --in a.jsonl", 2, "--resume goes on from there, --restart begins anew");
    refused("--bundle bundle --in -", 2, "an earlier run did not finish");
    refused("--bundle bundle --in - --resume", 1, "an input changed");
    refused("--bundle bundle --in a.jsonl b.jsonl.zst --resume", 1, "an input changed");
    refused("--bundle other --in a.jsonl --resume", 1, "the bundle changed");
    refused("--bundle bundle --in a.jsonl --all --resume", 1, "an option changed");
    refused("--bundle bundle --in a.jsonl --rejects r --resume", 1, "an option changed");
    let input = place.text("a.jsonl");
    place.write("a.jsonl", input.clone() + "{}\n");
    refused("--bundle bundle --in a.jsonl --resume", 1, "an input changed");
    place.write("out.checkpoint", &checkpoint[..checkpoint.len() / 2]);
    place.rescan("--in a.jsonl --out out --resume").expect(1, &["checkpoint out.checkpoint is damaged"]);
    place.rescan("--in a.jsonl --out out --restart --rejects r").expect(0, &["60"]);
    place.rescan("--in a.jsonl --out whole").expect(0, &[]);
    assert!(place.bytes("out") == place.bytes("whole") && !place.exists("out.checkpoint"));
}

#[test]
fn an_output_that_was_shortened_since_its_checkpoint_is_not_resumed() {
    let place = Place::new();
    write_long_inputs(&place);
    kill_after_a_checkpoint(&place, "--in a.jsonl --all --out out", b"", "out.checkpoint");
    place.write("out", "short");
    place
        .rescan("--in a.jsonl --all --out out --resume")
        .expect(1, &["out: has 5 bytes, but its checkpoint counts"]);
    assert_eq!(place.text("out"), "short");
}

#[test]
fn a_restart_forgets_the_old_checkpoint_before_it_writes() {
    let place = Place::new();
    write_long_inputs(&place);
    kill_after_a_checkpoint(&place, "--in a.jsonl --all --out out.zst", b"", "out.zst.checkpoint");
    // Without a checkpoint of its own until the kill.
    let mut child = start_run_that_stalls(&place, "--in - --all --out out.zst --restart");
    wait_until("removed checkpoint", || !place.exists("out.zst.checkpoint"));
    child.kill().unwrap();
    finish(child);
    place.rescan("--in a.jsonl --all --out out.zst --resume").expect(0, &[]);
    place.rescan("--in a.jsonl --all --out whole").expect(0, &[]);
    assert!(unzstd(&place.bytes("out.zst")) == place.bytes("whole"));
}

#[test]
fn a_text_in_utf_16_is_named_as_such() {
    let place = Place::new();
    let text = "{\"text\":\"今天天气很好\"}\n";
    let units = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(to_bytes).collect()
    };
    for (name, bytes) in [("little.jsonl", units(u16::to_le_bytes)), ("big.csv", units(u16::to_be_bytes))] {
        place.write(name, bytes);
        place.rescan(&format!("--in {name} --out out --restart")).expect(1, &[name, "UTF-16"]);
    }
}

#[test]
fn two_runs_cannot_write_one_output() {
    let place = Place::new();
    write_long_inputs(&place);
    let mut first = start_run_that_stalls(&place, "--in a.jsonl b.jsonl.zst --out out");
    wait_until("checkpoint", || place.exists("out.checkpoint"));
    for option in ["", "--resume", "--restart"] {
        let second = place.rescan(&format!("--in a.jsonl b.jsonl.zst --out out {option}"));
        second.expect(1, &["out: another run is writing this file"]);
    }
    first.kill().expect("the first run is still there");
    assert_eq!(finish(first).code, None);
}

#[test]
fn a_run_that_failed_on_its_input_can_go_on_once_the_rest_is_there() {
    let place = Place::new();
    let (first, second) = (gzip(posts(5_000, 1)), gzip(posts(10, 1)));
    place.write("in.jsonl.gz", [&first, &second[..second.len() / 2]].concat());
    place.rescan("--in in.jsonl.gz --out out").expect(1, &["in.jsonl.gz: "]);
    assert!(place.lines("out").len() >= 5_000 && place.exists("out.checkpoint"));
    place.rescan("--in in.jsonl.gz --out out").expect(2, &["out.checkpoint exists"]);
    place.write("in.jsonl.gz", [first, second].concat());
    place.rescan("--in in.jsonl.gz --out out --restart").expect(0, &["5010 posts"]);
    assert!(place.lines("out").len() == 5_010 && !place.exists("out.checkpoint"));
}
