//! Stars.

use clap::Parser;

use crate::engagement::judge::Truth;
use crate::engagement::starscout::{Arguments, convert};

use super::{time_ms, values};

/// The options as they are typed.
#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(more: &[&str]) -> Arguments {
    let fixed = ["x", "--in", "a", "--months", "b", "--out", "c", "--truth", "d", "--actors", "2000"];
    let typed = fixed.iter().chain(&["--repositories", "50"]).chain(more);
    Typed::parse_from(typed).arguments
}

const MONTHS: &str =
    "repo,month,campaign,n_stars_real\nr1,2024-01,False,40.0\nr2,2024-01,False,3.0\nr3,2024-01,True,2.0\n";

/// Sixty stars of one repository in an hour, one of another two months later.
fn stars() -> String {
    let mut lines = vec!["target,actor,time".to_owned()];
    lines.extend((0..60).map(|at| format!("r1,u{at},2024-03-05T10:{at:02}:00Z")));
    lines.push("r2,u3,2024-05-01T00:00:00Z".to_owned());
    lines.join("\n")
}

fn converted(more: &[&str]) -> (String, String) {
    let (mut out, mut truth) = (Vec::new(), Vec::new());
    let inputs = stars();
    convert(&arguments(more), (inputs.as_bytes(), MONTHS.as_bytes()), &mut out, &mut truth).unwrap();
    (String::from_utf8(out).unwrap(), String::from_utf8(truth).unwrap())
}

#[test]
fn suspected_stars_become_likes_among_simulated_ones() {
    let (out, truth) = converted(&[]);
    assert_eq!((&out, &truth), (&converted(&[]).0, &converted(&[]).1));
    let events = values(&out);
    assert!(events.len() > 500, "{}", events.len());
    assert!(events.is_sorted_by_key(|event| time_ms(&event["time"])));
    assert!(events.iter().all(|event| event["kind"] == "like" && event["actor"]["age_days"].is_null()));
    let fake = values(&truth).iter().filter(|line| line["truth"] == "event").count();
    assert_eq!(fake, 61);
    let read = Truth::read(truth.as_bytes()).unwrap();
    assert_eq!(read.groups.len(), 2);
    assert_eq!(read.groups[0].actors.len(), 60);
    assert_eq!(read.rows.iter().map(|row| row.fake).max(), Some(60));
}

#[test]
fn a_time_can_be_chosen_and_tables_that_lack_something_are_refused() {
    let (_, truth) = converted(&["--to", "2024-04-01T00:00:00Z"]);
    assert_eq!(values(&truth).iter().filter(|line| line["truth"] == "campaign").count(), 1);
    let refused = |stars: &str, months: &str| {
        let (mut out, mut truth) = (Vec::new(), Vec::new());
        convert(&arguments(&[]), (stars.as_bytes(), months.as_bytes()), &mut out, &mut truth).is_err()
    };
    assert!(refused(&stars(), "repo,month\n"));
    assert!(refused(&stars(), "campaign,n_stars_real\nTrue,3\n"));
    assert!(refused("target,actor,time\n", MONTHS));
    assert!(refused("target,actor,time\nr1,u1,yesterday\n", MONTHS));
}
