//! What the service tells of itself, and the files that build on it.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Value, json};

use crate::client::Served;
use crate::common::{Place, wait_until};

const ITEM: &str = r#"{"id":"p1","text":"真人荷官在线发牌","account":"a1"}"#;

/// A service with a sink, so that all metrics are there.
fn start(place: &Place) -> Served {
    place.write("jsonl.toml", "[jsonl]\npath = \"out.jsonl\"\nall = true\n[telemetry]\nlog = \"off\"\n");
    Served::start(place, "--config jsonl.toml")
}

fn metrics(served: &Served) -> String {
    String::from_utf8(served.client().get("/metrics", &[]).body).expect("text")
}

/// What a page of metrics says of one of them.
#[derive(Debug, Default)]
struct Family {
    has_help: bool,
    kind: String,
    labels: BTreeSet<String>,
    series: usize,
}

fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let label = Regex::new(r#"(\w+)=""#).expect("a pattern");
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            families.entry(name.to_owned()).or_default().has_help = !help.is_empty();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            kind.clone_into(&mut families.entry(name.to_owned()).or_default().kind);
        } else {
            let name = line.split(['{', ' ']).next().expect("a name");
            let family = families.entry(family_of(name, &families)).or_default();
            family.series += 1;
            family.labels.extend(label.captures_iter(line).map(|found| found[1].to_owned()));
        }
    }
    families
}

/// The metric that a series belongs to: histograms have several.
fn family_of(name: &str, families: &BTreeMap<String, Family>) -> String {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    let is_histogram = |base: &&str| families.get(*base).is_some_and(|family| family.kind == "histogram");
    of_histogram.filter(is_histogram).unwrap_or(name).to_owned()
}

fn deployed(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn every_metric_has_a_kind_and_a_description_and_the_dashboard_and_the_alerts_name_no_other() {
    let place = Place::new();
    let served = start(&place);
    served.check(ITEM);
    let families = families(&metrics(&served));
    for (name, family) in &families {
        assert!(family.has_help && !family.kind.is_empty(), "{name}: {family:?}");
        assert!(family.series > 0, "{name}");
    }
    let dashboard: Value = serde_json::from_str(&deployed("deploy/grafana/qingliu.json")).expect("JSON");
    let alerts = deployed("deploy/prometheus/alerts.yml");
    // A name, and the labels that are asked for right behind it.
    let used = Regex::new(r"qingliu_\w+(?:\{[^}]*\})?").expect("a pattern");
    let label = Regex::new(r"(\w+)\s*(?:=~|!~|!=|=)").expect("a pattern");
    let mut named = BTreeSet::new();
    for text in [dashboard.to_string().replace("\\\"", "\""), alerts.clone()] {
        for found in used.find_iter(&text) {
            let (name, labels) = found.as_str().split_once('{').unwrap_or((found.as_str(), ""));
            let Some(family) = families.get(&family_of(name, &families)) else {
                panic!("{name} is not exported: {:?}", families.keys());
            };
            // Prometheus itself says which instance it asked.
            for label in label.captures_iter(labels).filter(|label| &label[1] != "instance") {
                assert!(family.labels.contains(&label[1]), "{name} has no label {}: {family:?}", &label[1]);
            }
            named.insert(family_of(name, &families));
        }
    }
    let unseen: Vec<&String> = families.keys().filter(|name| !named.contains(*name)).collect();
    assert!(unseen.is_empty(), "nobody looks at {unseen:?}");
    assert_eq!(alerts.matches("- alert:").count(), alerts.matches("severity:").count());
    assert_eq!(alerts.matches("- alert:").count(), alerts.matches("summary:").count());
}

#[test]
fn every_stage_of_an_item_is_timed_and_sinks_tell_how_far_they_are_behind() {
    let place = Place::new();
    let served = start(&place);
    for n in 0..64 {
        // No two resemble each other.
        let text: String = (0..40).filter_map(|k| char::from_u32(0x4e00 + (n * 40 + k) * 5)).collect();
        served.check(&json!({"id": format!("p{n}"), "text": text}).to_string());
    }
    served.check(ITEM);
    let text = metrics(&served);
    for line in [
        r#"qingliu_stage_seconds_count{stage="content"} 65"#,
        r#"qingliu_stage_seconds_count{stage="correlate"} 65"#,
        r#"qingliu_stage_seconds_count{stage="log"} 65"#,
        r#"qingliu_request_seconds_bucket{operation="check",le="+Inf"} 65"#,
        r#"qingliu_verdicts_total{surface="post",verdict="review"} 1"#,
        r#"qingliu_labels_total{label="gambling",surface="post"} 1"#,
        r#"qingliu_build_info{version=""#,
        r#"qingliu_bundle_info{role="live",version=""#,
        "qingliu_bundle_terms 2",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    let gauge = |name: &str| -> f64 {
        let text = metrics(&served);
        let line =
            text.lines().find_map(|line| line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')));
        line.unwrap_or_else(|| panic!("{name} is missing in {text}")).parse().expect("a number")
    };
    assert!(gauge("qingliu_window_posts") >= 60.0 && gauge("qingliu_window_bytes") > 0.0);
    assert!(gauge("qingliu_resident_bytes") > 1e6 && gauge("qingliu_start_seconds") > 1.7e9);
    wait_until("size of the log", || gauge("qingliu_log_bytes") > 0.0);
    wait_until("end of the lag", || {
        let is_written = place.exists("out.jsonl") && place.text("out.jsonl").lines().count() == 65;
        is_written && gauge(r#"qingliu_sink_lag_seconds{sink="jsonl"}"#) == 0.0
    });
    assert!(gauge(r#"qingliu_sink_failing{sink="jsonl"}"#) == 0.0);
}

#[test]
fn a_sink_that_gets_no_answer_falls_behind() {
    let place = Place::new();
    // Nobody listens there: the port was free a moment ago.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let config = format!(
        "[webhook]\nurl = \"http://127.0.0.1:{port}/\"\nsecrets = [\"s\"]\nallow_private = true\nall = true\n\
         [telemetry]\nlog = \"off\"\n"
    );
    place.write("webhook.toml", config);
    let served = Served::start(&place, "--config webhook.toml");
    served.check(ITEM);
    wait_until("lag", || {
        let text = metrics(&served);
        let lag =
            text.lines().find_map(|line| line.strip_prefix(r#"qingliu_sink_lag_seconds{sink="webhook"} "#));
        lag.is_some_and(|lag| lag.parse::<f64>().expect("a number") > 0.0)
            && text.contains(r#"qingliu_sink_waiting_events{sink="webhook"} 1"#)
    });
    served.kill();
}

#[test]
fn lines_on_standard_error_name_requests_and_nothing_of_what_they_say() {
    let place = Place::new();
    place.write("debug.toml", "[telemetry]\nlog = \"json\"\nlevel = \"debug\"\n");
    let served = Served::start(&place, "--config debug.toml");
    let headers = [("x-request-id", "r42"), ("idempotency-key", "key-43")];
    let secret =
        r#"{"id":"post-44","text":"真人荷官 加微信 abc12345","account":{"id":"account-45"},"ip":"10.1.2.3"}"#;
    assert_eq!(served.client().post("/v1/check", secret, &headers).status, 200);
    assert_eq!(served.client().post("/v1/bundles", "{}", &[]).status, 200);
    let run = served.stop().expect(0, &["\"request\":\"r42\"", "\"level\":\"INFO\"", "\"level\":\"DEBUG\""]);
    for line in run.stderr.lines() {
        let _: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
    for word in ["荷官", "abc12345", "post-44", "account-45", "10.1.2.3", "key-43"] {
        assert!(!run.stderr.contains(word), "{word} is in {}", run.stderr);
    }
}

#[test]
fn the_page_of_keys_is_what_the_program_says() {
    let place = Place::new();
    let described = place.run("config describe").expect(0, &[]).stdout;
    let hint = "write it anew: qingliu config describe > docs/configuration.md";
    assert!(deployed("docs/configuration.md") == described, "{hint}");
}

#[test]
fn what_holds_is_shown_with_its_origin_and_without_secrets() {
    let place = Place::new();
    place.write(
        "c.toml",
        "[limits]\nin_flight = 7\nbody_bytes = 1000\n[webhook]\nurl = \"http://example.com/\"\nsecrets = [\"hush\"]\n",
    );
    let mut command = place.command("config show c.toml");
    command.env("QINGLIU_LIMITS_IN_FLIGHT", "9").env("QINGLIU_TELEMETRY_LEVEL", "info");
    let run = crate::common::finish(command.spawn().expect("the program starts")).expect(0, &[]);
    for line in [
        "in_flight = 9  # environment",
        "body_bytes = 1000  # file",
        "level = \"info\"  # environment",
        "listen = \"127.0.0.1:8080\"  # default",
        "secrets = \"(hidden)\"  # set",
    ] {
        assert!(run.stdout.contains(line), "{line} is missing in {}", run.stdout);
    }
    assert!(!run.stdout.contains("hush"));
    place.write("bad.toml", "[limits]\nin_flght = 7\n[bundles]\nshadow_percent = 101\n");
    for command in ["check", "show"] {
        let bad = place.run(&format!("config {command} bad.toml"));
        bad.expect(2, &["limits.in_flght", "bundles.shadow_percent: expected 0 to 100"]);
    }
    place.run("config check c.toml").expect(0, &[]);
}
