//! Every stage at which a caller may have to give up: what is told, and that the full decision follows under the same id.

use std::sync::Arc;

use axum::body::Body;
use crossbeam_channel::{Sender, bounded};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::access::Caller;
use super::correlator::{Stage, Ticket};
use super::request::{Context, read_body};
use super::service::Service;
use super::{Answer, Contract, ServeOptions};
use crate::engine::{Bundle, Scratch, embedded_files};
use crate::model::Verdict;
use crate::store::entry::{Entry, ServiceEntry};
use crate::store::log::{Append, Reader};

/// A text that goes to review, as a post.
const GAMBLING: &str =
    r#"{"id":"p1","account":"a1","text":"高价收银行卡四件套，一张日结两千，加微信 abc12345"}"#;

fn service(dir: &tempfile::TempDir) -> Arc<Service> {
    let mut options = ServeOptions { workers: 1, ..ServeOptions::new(dir.path()) };
    options.log.queue_records_max = 1;
    let bundle = Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).unwrap();
    Arc::new(Service::start(options, bundle).unwrap().0)
}

/// Somebody who does not wait at all.
fn hasty(service: &Service) -> Context {
    Context {
        request: "r".to_owned(),
        caller: Caller::local(),
        deadline: Instant::now(),
        patience: std::time::Duration::ZERO,
        key: None,
        reason: String::new(),
        roster: service.roster(),
    }
}

/// Holds the log's thread until what is returned goes.
fn hold_log(service: &Service) -> Sender<()> {
    let (release, released) = bounded::<()>(0);
    let (begin, begun) = bounded::<()>(1);
    let (event, empty) = ("held".to_owned(), String::new());
    let public = Entry::Service(ServiceEntry {
        event,
        bundle: String::new(),
        author: empty.clone(),
        reason: empty.clone(),
        detail: empty,
    });
    let done = Box::new(move |_| {
        let _ = begin.send(());
        let _ = released.recv();
    });
    service.log().append_blocking(Append { public: public.to_bytes(), private: None, done }).unwrap();
    begun.recv().unwrap();
    release
}

fn check(service: &Arc<Service>, body: &str) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let bytes = runtime.block_on(async {
        let body = read_body(service, Body::from(body.to_owned())).await.unwrap();
        service.check(hasty(service), Instant::now(), body).await.unwrap()
    });
    serde_json::from_slice(&bytes).unwrap()
}

/// The decisions of the log, each with whether somebody was told something else first.
fn logged(dir: &tempfile::TempDir) -> Vec<(String, Verdict, bool)> {
    let mut reader = Reader::new(&dir.path().join("log"));
    let mut found = Vec::new();
    while let Some(next) = reader.read().unwrap() {
        if let (Entry::Decision(entry), _) = Entry::read(&next.record).unwrap() {
            found.push((entry.id, entry.decision.verdict, entry.decision.degraded.is_some()));
        }
    }
    found
}

/// What every degraded answer says.
fn assert_degraded(answer: &Answer, undone: &str, verdict: Verdict) {
    assert_eq!(answer.decision.degraded.as_deref(), Some(undone));
    assert_eq!((answer.decision.verdict, answer.contract), (verdict, Some(Contract::Open)));
    assert!(answer.recheck && answer.decision.proposals.is_empty());
}

#[test]
fn what_was_not_judged_is_judged_later() {
    let dir = tempfile::tempdir().unwrap();
    let service = service(&dir);
    let (release, released) = bounded::<()>(0);
    let hold = move |_: &mut Scratch| {
        let _ = released.recv();
    };
    service.hand_over(Box::new(hold)).unwrap();
    let long = GAMBLING.replace("\"text\":\"", &format!("\"text\":\"{}", "今天天气很好。".repeat(600)));
    let answer = check(&service, &long);
    assert_degraded(&answer, "deadline_content", Verdict::Pass);
    drop(release);
    service.finish().unwrap();
    let found = logged(&dir);
    assert!(
        found.len() == 1 && found[0].0 == answer.id && found[0].1 > Verdict::Pass && !found[0].2,
        "{found:?}"
    );
}

#[test]
fn what_was_not_correlated_is_correlated_later() {
    let dir = tempfile::tempdir().unwrap();
    let service = service(&dir);
    let release = hold_log(&service);
    // The log takes one record; the correlating thread waits with the second or third one, whatever else is written.
    let before: Vec<Answer> =
        (0..3).map(|n| check(&service, &format!(r#"{{"id":"b{n}","text":"好{n}"}}"#))).collect();
    let answer = check(&service, GAMBLING);
    assert_degraded(&answer, "deadline_correlation", answer.decision.verdict);
    assert!(answer.decision.verdict > Verdict::Pass && !answer.decision.evidence.is_empty());
    drop(release);
    service.finish().unwrap();
    let found = logged(&dir);
    let ids: Vec<&String> = found.iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, before.iter().chain([&answer]).map(|answer| &answer.id).collect::<Vec<_>>());
    assert!(
        found[3].1 == answer.decision.verdict && found.iter().all(|(.., is_degraded)| !is_degraded),
        "{found:?}"
    );
}

#[test]
fn what_is_not_on_the_disk_yet_is_told_in_full_and_gets_there() {
    let dir = tempfile::tempdir().unwrap();
    let service = service(&dir);
    let release = hold_log(&service);
    let (ticket, (deliver, delivered)) = (Arc::new(Ticket::default()), oneshot::channel());
    let (context, mut scratch) = (hasty(&service), Scratch::default());
    service.submit(&context, (GAMBLING, None), &mut scratch, (Arc::clone(&ticket), deliver));
    while !matches!(ticket.stage(), Stage::Answered(_)) {
        std::thread::yield_now();
    }
    let answer = service.late(&context, (GAMBLING, None), &ticket).unwrap();
    drop(release);
    let bytes = delivered.blocking_recv().unwrap().unwrap();
    let full: Answer = serde_json::from_slice(&bytes).unwrap();
    assert_degraded(&answer, "deadline_log", full.decision.verdict);
    assert_eq!((&answer.id, answer.decision.score), (&full.id, full.decision.score));
    service.finish().unwrap();
    assert_eq!(logged(&dir), [(full.id, full.decision.verdict, false)]);
}
