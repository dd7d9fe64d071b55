//! Inputs and bundles that are broken, huge or meant to hurt: the program says what is wrong and goes on or stops
//! with exit code 1. It never panics, and its memory does not grow with the input.

mod common;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use common::{Place, Run, finish, gzip, items, parquet, posts, shipped_dictionaries, zstd};

const HIT: &str = "{\"text\":\"真人荷官\"}\n";

/// Runs over one input with everything written; the decisions are in `out`, the rejects in `rejects`.
fn judge(place: &Place, input: &str) -> Run {
    place.rescan(&format!("--in {input} --all --out out --rejects rejects --summary summary --threads 2"))
}

fn peak_memory_mb(place: &Place) -> u64 {
    let summary: serde_json::Value = serde_json::from_str(&place.text("summary")).expect("a summary");
    summary["peak_memory_bytes"].as_u64().unwrap_or(0) / 1_000_000
}

#[test]
fn a_line_of_100_mb_is_rejected_with_its_number_and_costs_no_memory() {
    let place = Place::new();
    let mut file = BufWriter::new(File::create(place.path("in.jsonl")).unwrap());
    file.write_all(HIT.as_bytes()).unwrap();
    let part = vec![b'x'; 1_000_000];
    for _ in 0..100 {
        file.write_all(&part).unwrap();
    }
    write!(file, "\n{HIT}").unwrap();
    file.into_inner().unwrap();
    judge(&place, "in.jsonl").expect(0, &["2 posts", "rejected lines 1"]);
    let reason = "line_bytes_max: 100000000 bytes, the limit is 16777216".to_owned();
    assert_eq!(place.rejects("rejects"), [(2, reason)]);
    assert_eq!(items(&place.lines("out")), ["in.jsonl:1", "in.jsonl:3"]);
    assert!(peak_memory_mb(&place) < 400, "{} MB", peak_memory_mb(&place));
}

#[test]
fn lines_that_are_no_items_are_rejected_one_by_one() {
    let deep = [b"{\"text\":".as_slice(), &[b'['; 10_000], &[b']'; 10_000], b"}"].concat();
    let bad: &[(&[u8], &str)] = &[
        (b"{\"text\":\"\xff\xfe\"}", "not UTF-8 at byte 9"),
        (b"{\"text\":\"\xed\xa0\x80\"}", "not UTF-8 at byte 9"),
        (b"{\"text\":\"a\0b\"}", "control character"),
        (b"\0", "JSON object"),
        (&[b'['; 10_000], "JSON object"),
        (&deep, "invalid type: sequence"),
        (b"{\"text\":\"\\ud8", "EOF"),
        (b"{\"id\":1e400,\"text\":\"\"}", "number out of range"),
        (b"{\"id\":123456789012345678901234567890,\"text\":\"\"}", "a string or a whole number"),
        (b"{\"id\":0.5,\"text\":\"\"}", "a string or a whole number"),
        (b"{\"id\":1e17,\"text\":\"\"}", "a string or a whole number"),
        (b"{\"text\":\"\",\"account\":{\"age_days\":-1}}", "expected u32"),
        (b"{\"text\":\"a\",\"text\":\"b\"}", "duplicate field"),
        (b"{\"text\":\"a\"} b", "trailing characters"),
        (b"nul", "JSON object"),
    ];
    let place = Place::new();
    let input: Vec<u8> = bad.iter().flat_map(|(line, _)| [line, HIT.as_bytes()].join(&b'\n')).collect();
    place.write("in.jsonl", input);
    judge(&place, "in.jsonl").expect(0, &[]);
    let rejects = place.rejects("rejects");
    assert_eq!(rejects.len(), bad.len(), "{rejects:?}");
    for (((line, reason), (_, want)), number) in rejects.iter().zip(bad).zip(0..) {
        assert_eq!(*line, number * 2 + 1);
        assert!(reason.contains(want), "line {line}: {reason}");
    }
    assert_eq!(place.lines("out").len(), bad.len());
}

#[test]
fn odd_but_valid_lines_are_judged() {
    let deep = format!("{{\"text\":\"a\",\"more\":{}{}}}", "[".repeat(100), "]".repeat(100));
    let lines = [
        r#"{"id":"nul","text":"a\u0000b"}"#,
        r#"{"id":"pair","text":"\ud83d\ude00"}"#,
        r#"{"id":"cut","text":"真人荷官\ud83d"}"#,
        r#"{"id":18446744073709551615,"text":"a"}"#,
        r#"{"id":-9223372036854775808,"text":"a"}"#,
        r#"{"id":"null","text":null}"#,
        r#"{"id":7.0,"text":"a","time":1763712000000.0}"#,
        r#"{"id":"far","text":"a","time":-99999999999999999}"#,
        &deep,
    ];
    let place = Place::new();
    place.write("in.jsonl", lines.join("\r\n"));
    judge(&place, "in.jsonl").expect(0, &["9 posts", "rejected lines 0", "review 1"]);
    let want = [
        "nul",
        "pair",
        "cut",
        "18446744073709551615",
        "-9223372036854775808",
        "null",
        "7",
        "far",
        "in.jsonl:9",
    ]
    .map(str::to_owned);
    assert_eq!(items(&place.lines("out")), want);
}

#[test]
fn a_value_nested_10_000_deep_does_not_overflow_the_stack() {
    let place = Place::new();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for end in [close.repeat(10_000), String::new()] {
            let account = format!("{{\"text\":\"a\",\"account\":{{\"b\":{}1{end}}}}}\n", open.repeat(10_000));
            let other = format!("{{\"text\":\"a\",\"b\":{}1{end}}}\n", open.repeat(10_000));
            place.write("in.jsonl", format!("{account}{other}{HIT}"));
            judge(&place, "in.jsonl").expect(0, &["review 1"]);
        }
    }
}

#[test]
fn a_million_combining_marks_hide_nothing() {
    let place = Place::new();
    let marks = "\u{301}".repeat(500_000);
    place.write("in.jsonl", format!("{{\"text\":\"真{marks}人荷官{marks}\"}}\n"));
    judge(&place, "in.jsonl").expect(0, &["review 1"]);
    assert_eq!(place.lines("out")[0]["evidence"][0]["rule"], "g.1");
    let shipped =
        place.run("rescan --in in.jsonl --all --out shipped").expect(0, &["1 posts", "rejected lines 0"]);
    assert!(shipped.stdout.is_empty());
}

#[test]
fn a_text_beyond_the_limit_is_rejected_naming_the_limit() {
    let place = Place::new();
    place.write("in.jsonl", format!("{HIT}{{\"text\":\"{}\"}}\n{HIT}", "好".repeat(3_500_000)));
    judge(&place, "in.jsonl").expect(0, &["2 posts", "rejected lines 1"]);
    let reason = "text_bytes_max: 10500000 bytes of text, the limit is 2097152".to_owned();
    assert_eq!(place.rejects("rejects"), [(2, reason)]);
}

#[test]
fn an_empty_file_has_no_posts() {
    let place = Place::new();
    for (name, bytes) in [
        ("a.jsonl", b"".as_slice()),
        ("b.jsonl", b"\n \r\n\t\n"),
        ("c.jsonl", b"\xef\xbb\xbf"),
        ("d.csv", b""),
        ("e.csv", b"text\n"),
        ("f.jsonl.gz", &gzip("")),
        ("g.jsonl.zst", &zstd("")),
        ("h.parquet", &parquet(&[])),
    ] {
        place.write(name, bytes);
        judge(&place, name).expect(0, &["0 posts", "rejected lines 0"]);
        assert!(place.bytes("out").is_empty(), "{name}");
    }
}

#[test]
fn cut_off_compressed_files_fail_after_everything_before_the_damage_is_written() {
    let place = Place::new();
    let lines = posts(3_000, 2);
    let rows: Vec<String> = (0..3_000).map(|n| format!("p{n},真人荷官{n}\n")).collect();
    let csv = format!("id,text\n{}", rows.concat());
    for (name, whole) in [
        ("a.jsonl.zst", zstd(&lines)),
        ("b.jsonl.gz", gzip(&lines)),
        ("c.csv.zst", zstd(&csv)),
        ("d.csv.gz", gzip(&csv)),
    ] {
        // A whole frame, so that something before the damage can be read for sure, and half a frame.
        place.write(name, [&whole, &whole[..whole.len() / 2]].concat());
        let run = place.rescan(&format!("--in {name} --all --out {name}.out --threads 2"));
        run.expect(1, &[name, "the compressed data is cut off or damaged"]);
        let found = items(&place.lines(&format!("{name}.out")));
        assert!(found.len() >= 3_000, "{name}: {}", found.len());
        assert!(found.iter().take(3_000).enumerate().all(|(n, id)| *id == format!("p{n}")), "{name}");
    }
}

#[test]
fn nothing_behind_a_damaged_input_is_judged_on_any_number_of_threads() {
    let place = Place::new();
    let damaged = gzip(posts(5_000, 1));
    place.write("a.jsonl.gz", &damaged[..damaged.len() / 2]);
    place.write("b.csv.gz", &gzip("id,text\n1,真人荷官\n")[..30]);
    place.write("c.parquet", "no Parquet");
    place.write("good.jsonl", posts(50, 1));
    for damaged in ["a.jsonl.gz", "b.csv.gz", "c.parquet"] {
        let outputs = [1, 2, 4].map(|threads| {
            let run =
                place.rescan(&format!("--in {damaged} good.jsonl --out out --restart --threads {threads}"));
            run.expect(1, &[damaged]);
            place.text("out")
        });
        assert!(outputs.iter().all(|output| *output == outputs[0]), "{damaged}");
        assert!(!outputs[0].contains("真人荷官在线发牌 49\""), "{damaged}");
    }
}

#[test]
fn a_damaged_parquet_file_fails_with_a_message() {
    let place = Place::new();
    let rows: Vec<[&str; 3]> = (0..500).map(|n| [["a", "bb", "c c"][n % 3], "真人荷官", "u"]).collect();
    let whole = parquet(&rows);
    place.write("whole.parquet", &whole);
    judge(&place, "whole.parquet").expect(0, &["500 posts"]);
    let mut flipped = whole.clone();
    flipped[8..whole.len() / 2].iter_mut().for_each(|byte| *byte = !*byte);
    let mut footer = whole.clone();
    let end = whole.len();
    footer[end - 60..end - 20].iter_mut().for_each(|byte| *byte ^= 0x55);
    let garbage: Vec<u8> = (0..5_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let cases =
        [whole[..end / 2].to_vec(), whole[..end - 1].to_vec(), whole[..4].to_vec(), flipped, footer, garbage];
    for (number, bytes) in cases.into_iter().enumerate() {
        let name = format!("{number}.parquet");
        place.write(&name, bytes);
        place.rescan(&format!("--in {name} --out {number}.out")).expect(1, &[&name]);
    }
}

#[test]
fn a_quote_left_open_does_not_bring_the_whole_file_into_memory() {
    let place = Place::new();
    let mut file = BufWriter::new(File::create(place.path("in.csv")).unwrap());
    write!(file, "id,text\n1,真人荷官\n2,\"open\n").unwrap();
    for _ in 0..300 {
        file.write_all(&b"aaaa,bbb\n".repeat(50_000)).unwrap();
    }
    file.into_inner().unwrap();
    let run =
        place.command("rescan --bundle bundle --in in.csv --out out --summary summary").spawn().unwrap();
    let run = finish(run).expect(1, &["in.csv: record at line 3: longer than", "is a quote left open?"]);
    assert!(run.stdout.is_empty());
    assert_eq!(items(&place.lines("out")), ["1"]);
}

#[test]
fn a_reader_that_stops_ends_the_run_with_a_message() {
    let place = Place::new();
    place.write("in.jsonl", posts(20_000, 1));
    let mut child = place.command("rescan --bundle bundle --in in.jsonl --threads 2").spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"item\":\"p0\""), "{first}");
    finish(child).expect(1, &["--out", "Broken pipe"]);
    let mut child = place.command("explain --bundle bundle --json 真人荷官").spawn().unwrap();
    drop(child.stdout.take());
    finish(child);
}

#[test]
#[cfg(target_os = "linux")]
fn an_explanation_that_cannot_be_printed_is_exit_code_1() {
    let place = Place::new();
    for options in ["", "--json"] {
        let mut command = place.command(&format!("explain --bundle bundle {options} 真人荷官"));
        command.stdout(std::fs::File::create("/dev/full").unwrap());
        finish(command.spawn().unwrap()).expect(1, &["No space left on device"]);
    }
}

#[test]
fn two_hundred_thousand_copies_of_one_line_need_no_more_memory_than_one() {
    let place = Place::new();
    place.write("one.jsonl", HIT);
    judge(&place, "one.jsonl").expect(0, &["1 posts", "review 1"]);
    let for_one = peak_memory_mb(&place);
    place.write("in.jsonl", HIT.repeat(200_000));
    judge(&place, "in.jsonl").expect(0, &["200000 posts", "review 200000"]);
    let for_many = peak_memory_mb(&place);
    // Some chunks of decisions on their way, and the state that is being saved; not two hundred thousand of anything.
    assert!(for_many < for_one + 200, "{for_one} MB and {for_many} MB");
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn a_half_written_dictionary_is_refused_with_file_and_line() {
    let place = Place::new();
    place.write("in.jsonl", HIT);
    copy_dir(shipped_dictionaries(), &place.path("copy"));
    place.run("rescan --bundle copy --in in.jsonl --out out").expect(0, &["1 posts"]);
    for name in ["lexicon/gambling.toml", "rules/fraud.toml", "taxonomy.toml"] {
        let whole = place.text(&format!("copy/{name}"));
        let middle = whole.floor_char_boundary(whole.len() / 2);
        let half = &whole[..=whole[..middle].rfind('=').unwrap()];
        let line = half.lines().count();
        place.write(&format!("copy/{name}"), half);
        let place_of_fault = format!("{name}:{line}: error:");
        place.run("rescan --bundle copy --in in.jsonl --out out").expect(1, &[&place_of_fault]);
        place.write(&format!("copy/{name}"), whole);
    }
}

#[test]
fn bundles_without_contents_are_refused() {
    let place = Place::new();
    place.write("in.jsonl", HIT);
    place.write("empty/readme.md", "nothing");
    place.bundle("zero", "label = \"gambling\"\nseverity = \"low\"\nterms = []\n");
    place.bundle("blank", "");
    for (bundle, part) in [
        ("empty", "taxonomy.toml: error: the file is missing"),
        ("zero", "there is no term at all"),
        ("blank", "there is no term at all"),
        ("absent", "is not a directory"),
        ("in.jsonl", "is not a directory"),
    ] {
        place.run(&format!("rescan --bundle {bundle} --in in.jsonl --out out")).expect(1, &[part]);
        assert!(!place.exists("out"), "{bundle}");
    }
}

#[test]
fn faults_in_a_bundle_name_their_place_and_what_was_meant() {
    let place = Place::new();
    place.write("in.jsonl", HIT);
    let term =
        |keys: &str| format!("severity = \"low\"\nlabel = \"gambling\"\nterms = [\n  {{ {keys} }},\n]\n");
    let deep = format!("terms = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let tables = format!("terms = {}", "{ a = ".repeat(100_000));
    let dotted = format!("{}b = 1", "a.".repeat(100_000));
    for (text, part) in [
        (
            term(r#"id = "t.1", text = "真人荷官", wieght = 3"#).as_str(),
            "terms.toml:4: error: unknown field `wieght`",
        ),
        (&term(r#"id = "t.1", text = "真人荷官", wieght = 3"#), "did you mean \"weight\"?"),
        (&term(r#"id = "t.1", text = "真人荷官", severity = "hgih""#), "did you mean \"high\"?"),
        (&term(r#"id = "t.1", text = "真人荷官", label = "gambing""#), "terms.toml:4: error:"),
        (&term(r#"id = "t.1", text = "真人荷官", weight = 99999999999"#), "terms.toml:4: error:"),
        (&deep, "terms.toml:1: error: "),
        (&tables, "terms.toml:1: error: "),
        (&dotted, "terms.toml"),
    ] {
        place.write("bundle/lexicon/terms.toml", text);
        place.rescan("--in in.jsonl").expect(1, &["error: the bundle has 1 problem(s)", part]);
    }
}

#[test]
fn a_rule_whose_pattern_is_malformed_or_too_large_is_refused() {
    let place = Place::new();
    place.write("in.jsonl", HIT);
    for (pattern, part) in [
        (r"\d{100}{100}{100}{100}", "size limit"),
        (r"\p{L}{1000}", "size limit"),
        ("(".repeat(1000).as_str(), "unclosed group"),
        (&format!("{}a{}", "(".repeat(1000), ")".repeat(1000)), "nested parentheses"),
        (r"(a)\1", "backreferences are not supported"),
        ("a(?=b)", "look-around"),
    ] {
        let rule =
            format!("[[rule]]\nid = \"r.1\"\nlabel = \"gambling\"\nweight = 100\nall = ['re:{pattern}']\n");
        place.write("bundle/rules/rules.toml", rule);
        place.rescan("--in in.jsonl").expect(1, &["rules/rules.toml:1: error: ", part]);
    }
}

#[test]
fn bundle_files_that_are_no_text_are_refused_by_name() {
    let place = Place::new();
    place.write("in.jsonl", HIT);
    place.write("bundle/lexicon/more.toml", b"label = \"\xff\"");
    place.write("bundle/fold/case.tsv", b"\0\0\0");
    place.rescan("--in in.jsonl").expect(1, &["lexicon/more.toml: error: is not UTF-8 at byte 9"]);
    fs::remove_file(place.path("bundle/lexicon/more.toml")).unwrap();
    place.rescan("--in in.jsonl").expect(1, &["case.tsv"]);
    fs::remove_file(place.path("bundle/fold/case.tsv")).unwrap();
    // What is waited for, or never ends, is no file of a bundle.
    std::os::unix::fs::symlink("/dev/zero", place.path("bundle/lexicon/endless.toml")).unwrap();
    place.rescan("--in in.jsonl").expect(1, &["lexicon/endless.toml: error: is not a regular file"]);
}
