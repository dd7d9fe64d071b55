//! `qingliu eval` as its users see it, on rows that carry a clean text beside the disguised one.

mod common;

use common::{Place, Run};
use serde_json::{Value, json};

/// One term that alone reaches `limit` on a post but not in an article.
const FAINT: &str = r#"severity = "medium"
terms = [{ id = "g.1", text = "真人荷官", label = "gambling.platform", weight = 350 }]
"#;

/// `qingliu eval` of these rows with a bundle of the place, and its figures.
fn eval(place: &Place, bundle: &str, rows: &[Value]) -> (Run, Value) {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    place.write("rows.jsonl", lines.join("\n"));
    let run = place.run(&format!("eval --bundle {bundle} rows.jsonl --json figures.json")).expect(0, &[]);
    let figures = serde_json::from_str(&place.text("figures.json")).expect("JSON");
    (run, figures)
}

#[test]
fn pairs_are_counted_per_method_beside_the_labelled_figures() {
    let place = Place::new();
    let rows = [
        json!({"text": "真人荷倌在线", "original": "真人荷官在线", "label": "benign", "method": "sound"}),
        json!({"text": "今天天气很好", "original": "真人荷官在线", "label": "gambling", "method": "sound"}),
        json!({"text": "真人荷官在线", "original": "真人荷官在线", "label": "gambling", "method": "sound"}),
        json!({"text": "刷单返利日结", "original": "去公园散步", "label": "fraud", "method": "sound"}),
        json!({"text": "去公园散步", "original": "今天天气很好", "label": "fraud", "method": "split"}),
        json!({"text": "去公园散步", "label": "benign"}),
    ];
    let (run, figures) = eval(&place, "bundle", &rows);
    let third = 2.0 / 3.0;
    let want = json!({
        "sound": {"pairs": 3, "clean_recall": third, "disguised_recall": third, "ratio": 1.0, "kept": 0.5},
        "split": {"pairs": 1, "clean_recall": 0.0, "disguised_recall": 0.0, "ratio": null, "kept": null},
    });
    assert_eq!(figures["pairs"], want);
    assert_eq!((&figures["rows"], &figures["labels"]["gambling"]["recall"]), (&json!(6), &json!(0.5)));
    let table = "\n\n\
        method                     pairs     clean disguised  ratio   kept\n\
        sound                          3     0.667     0.667  1.000  0.500\n\
        split                          1     0.000     0.000      -      -\n";
    assert!(run.stdout.starts_with("label ") && run.stdout.contains("6 rows: "), "{}", run.stdout);
    assert!(run.stdout.ends_with(table), "{}", run.stdout);
}

#[test]
fn pairs_need_neither_label_nor_method() {
    let place = Place::new();
    let rows = [
        json!({"text": "去公园散步", "normalized": "真人荷官在线"}),
        json!({"text": "真人荷官在线", "normalized": "真人荷官在线", "label": null, "method": null}),
    ];
    let (run, figures) = eval(&place, "bundle", &rows);
    let want = json!({"pairs": 2, "clean_recall": 1.0, "disguised_recall": 0.5, "ratio": 0.5, "kept": 0.5});
    assert_eq!(figures["pairs"], json!({ "all": want }));
    assert_eq!((&figures["rows"], &figures["labels"]), (&json!(0), &json!({})));
    let header = run.stdout.lines().next();
    assert!(header.is_some_and(|line| line.starts_with("method ")), "{}", run.stdout);
    place.write("rows.csv", "text,original,method\n去公园散步,真人荷官在线,sound\n真人荷官在线,真人荷官,\n");
    let run = place.run("eval --bundle bundle rows.csv").expect(0, &[]);
    for line in ["all   1 1.000 1.000 1.000 1.000", "sound   1 1.000 0.000 0.000 0.000"] {
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert!(run.stdout.lines().any(|l| l.split_whitespace().eq(cells.iter().copied())), "{}", run.stdout);
    }
}

#[test]
fn the_clean_text_is_judged_where_the_disguised_one_stands() {
    let place = Place::new();
    place.bundle("faint", FAINT);
    let (clean, text) = ("真人荷官在线", "去公园散步");
    for (row, clean_recall, disguised_recall) in [
        (json!({"text": text, "original": clean}), 1.0, 0.0),
        (json!({"text": text, "original": clean, "surface": "article"}), 0.0, 0.0),
        (json!({"text": text, "original": clean, "account": {"id": "u", "credit_tier": 5}}), 0.0, 0.0),
        (json!({"text": text, "original": text, "fields": {"bio": clean}}), 1.0, 1.0),
    ] {
        let (_, figures) = eval(&place, "faint", std::slice::from_ref(&row));
        let found = &figures["pairs"]["all"];
        assert_eq!(
            (&found["clean_recall"], &found["disguised_recall"]),
            (&json!(clean_recall), &json!(disguised_recall)),
            "{row}"
        );
    }
}

#[test]
fn rows_without_a_clean_text_are_no_pairs_and_need_a_label() {
    let place = Place::new();
    let rows = [
        json!({"text": "真人荷官在线", "original": true, "label": "gambling"}),
        json!({"text": "真人荷官在线", "normalized": 7, "label": "gambling", "method": ["sound"]}),
    ];
    let (run, figures) = eval(&place, "bundle", &rows);
    assert_eq!((figures.get("pairs"), &figures["rows"]), (None, &json!(2)));
    assert!(!run.stdout.contains("method "), "{}", run.stdout);
    for row in [r#"{"text":"真人荷官"}"#, r#"{"text":"真人荷官","original":"真人荷官","label":"gamblin"}"#]
    {
        place.write("rows.jsonl", row);
        place.run("eval --bundle bundle rows.jsonl").expect(1, &["rows.jsonl:1: unknown label"]);
    }
}
