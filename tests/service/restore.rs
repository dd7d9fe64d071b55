//! The drill: the segments alone are copied to another place, and everything is there.

use crate::client::Served;
use crate::common::{Place, string};

#[test]
fn a_copy_of_the_segments_is_verified_and_served_with_all_that_was_decided() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let posts: Vec<String> =
        (0..20).map(|n| format!(r#"{{"id":"p{n}","account":"a{}","text":"真人荷官 {n}"}}"#, n % 3)).collect();
    let answers: Vec<Vec<u8>> = posts.iter().map(|post| served.check(post).body).collect();
    served.kill();
    // The anchor lies elsewhere.
    place.run("log --dir data/log --verify --anchor anchors.jsonl").expect(0, &[]);
    std::fs::create_dir_all(place.path("restored/log")).expect("a folder");
    for entry in std::fs::read_dir(place.path("data/log")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "qlog") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            place.write(&format!("restored/log/{name}"), std::fs::read(&path).expect("bytes"));
        }
    }
    let checked = place.run("log --dir restored/log --verify --anchor anchors.jsonl").expect(0, &[]);
    assert!(checked.stdout.starts_with("21 records"), "{}", checked.stdout);
    let lines = |dir: &str| place.run(&format!("log --dir {dir}/log")).expect(0, &[]).stdout;
    assert_eq!(lines("data"), lines("restored"));

    let serve = "serve --listen 127.0.0.1:0 --data restored --bundle bundle";
    let served = Served::begin(place.command(serve));
    for (post, answer) in posts.iter().zip(&answers) {
        assert_eq!(served.check(post).body, *answer, "the same request has the same answer");
        let id = string(&serde_json::from_slice::<serde_json::Value>(answer).expect("JSON")["id"]);
        let shown = served.client().get(&format!("/v1/explain/{id}"), &[("x-access-reason", "drill")]);
        assert_eq!(shown.body, *answer);
    }
    assert_eq!(served.check(r#"{"id":"new","text":"真人荷官"}"#).status, 200);
    served.stop().expect(0, &[]);
    // The chain goes on, and the anchors of the first place hold in the second.
    place.run("log --dir restored/log --verify --anchor anchors.jsonl").expect(0, &[]);
    assert_eq!(place.lines("anchors.jsonl").len(), 3);
    // In the first place nothing went on: what the last anchor says is missed there.
    place
        .run("log --dir data/log --verify --anchor anchors.jsonl")
        .expect(1, &["was anchored and is not there"]);
}

#[test]
fn the_log_is_filtered_by_time_and_label_and_forgets_words_without_breaking() {
    let place = Place::new();
    place.write("service.toml", "[log]\nsegment_bytes = 65536\n");
    let served = Served::start(&place, "--config service.toml");
    let long = "今天天气很好。".repeat(500);
    for n in 0..8 {
        let text = ["真人荷官", "刷单返利", "好"][n % 3];
        served.check(&format!(r#"{{"id":"p{n}","text":"{text} {long}"}}"#));
    }
    served.stop().expect(0, &[]);
    let count = |filter: &str| Served::log(&place, filter).len();
    assert_eq!(
        (count("--label gambling"), count("--label fraud.brushing_jobs"), count("--label fraud.brush")),
        (3, 3, 0)
    );
    assert_eq!((count("--since 2020-01-01T00:00:00Z"), count("--until 2020-01-01T00:00:00Z")), (10, 0));
    let with_text =
        |lines: Vec<serde_json::Value>| lines.iter().filter(|line| line.get("item_sent").is_some()).count();
    assert_eq!(with_text(Served::log(&place, "")), 8);
    let purged = place.run("log --dir data/log --purge-before 2100-01-01T00:00:00Z").expect(0, &[]).stdout;
    let left = with_text(Served::log(&place, ""));
    let gone = 8 - left;
    assert!(gone > 0 && left > 0, "sealed segments only");
    assert!(purged.starts_with(&format!("{gone} records")), "{purged}");
    let verified = place.run("log --dir data/log --verify").expect(0, &[]).stdout;
    assert!(verified.contains(&format!("{gone} without their private part")), "{verified}");
    // What was decided is still there, and the service goes on.
    assert_eq!(count("--label gambling"), 3);
    Served::start(&place, "--config service.toml").stop().expect(0, &[]);
}
