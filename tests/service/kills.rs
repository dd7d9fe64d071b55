//! The process is killed at random moments under load: nothing that was acknowledged is lost, and a receiver that takes each
//! event once by its key ends with every decision, in order for each account.
//!
//! `QINGLIU_KILLS=50` kills so often, and prints what happened; without it a few kills stand for them.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::client::{Client, Served};
use crate::common::{Place, string, wait_until};
use crate::sinks::{Receiver, configure};

/// Kills without the variable.
const KILLS: usize = 4;
const CLIENTS: usize = 4;
const ACCOUNTS: usize = 5;
/// Most acknowledgements between a start and the kill.
const ROUND_MAX: usize = 120;

/// One client over all rounds: it sends its posts in order, and what was not acknowledged once more.
struct Caller {
    name: usize,
    next: usize,
}

impl Caller {
    fn post(&self) -> String {
        let (name, n) = (self.name, self.next);
        format!(
            r#"{{"id":"{name}-{n}","account":"a{}","text":"真人荷官 {name} {n}"}}"#,
            (name + n) % ACCOUNTS
        )
    }

    /// Sends until the connection breaks.
    fn run(&mut self, mut connection: Client, acknowledged: &Mutex<HashSet<String>>, count: &AtomicUsize) {
        loop {
            let body = self.post();
            connection.send("POST", "/v1/check", &[("content-type", "application/json")], body.as_bytes());
            let Some(reply) = connection.receive() else { return };
            assert_eq!(reply.status, 200);
            acknowledged.lock().expect("a lock").insert(string(&reply.json()["id"]));
            count.fetch_add(1, Ordering::Relaxed);
            self.next += 1;
        }
    }
}

/// Writes the beginning of a record behind the last one, as a crash of the machine in the middle of a write leaves it.
fn tear(place: &Place, bytes: usize) {
    let files =
        std::fs::read_dir(place.path("data/log")).expect("a folder").map(|e| e.expect("an entry").path());
    let mut segments: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "qlog")).collect();
    segments.sort();
    let last = segments.last().expect("a segment");
    let whole = std::fs::read(last).expect("bytes");
    let part: Vec<u8> = whole.iter().skip(68).take(bytes).copied().collect();
    std::fs::OpenOptions::new().append(true).open(last).expect("a file").write_all(&part).expect("room");
}

#[test]
fn nothing_acknowledged_is_lost_and_each_decision_arrives_once_in_order_however_often_the_process_is_killed()
{
    let asked = std::env::var("QINGLIU_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills: usize = asked.unwrap_or(KILLS);
    let mut random = fastrand::Rng::with_seed(20_261_122);
    let place = Place::new();
    let requests = AtomicUsize::new(0);
    // Every fifth request is refused for the moment; what is accepted when the process is killed comes again.
    let receiver = Receiver::start(|n, _| if n % 5 == 4 { 503 } else { 200 });
    configure(&place, &receiver, "");
    let acknowledged = Mutex::new(HashSet::new());
    let mut callers: Vec<Caller> = (0..CLIENTS).map(|name| Caller { name, next: 0 }).collect();
    for _ in 0..kills {
        let served = Served::start(&place, "--config service.toml");
        let (address, wanted, spins) = (served.address, random.usize(0..ROUND_MAX), random.usize(0..200_000));
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for caller in &mut callers {
                let (acknowledged, count) = (&acknowledged, &count);
                scope.spawn(move || caller.run(Client::connect(address), acknowledged, count));
            }
            wait_until("answers", || count.load(Ordering::Relaxed) >= wanted);
            // Somewhere between two answers, not right after one.
            (0..spins).for_each(|_| std::hint::spin_loop());
            served.kill();
        });
        requests.fetch_add(count.into_inner(), Ordering::Relaxed);
        if random.u8(0..3) == 0 {
            tear(&place, random.usize(1..90));
        }
    }
    let served = Served::start(&place, "--config service.toml");
    let logged = Served::log(&place, "--verdict review");
    let ids: Vec<String> = logged.iter().map(|record| string(&record["id"])).collect();
    let distinct: HashSet<&String> = ids.iter().collect();
    let acknowledged = acknowledged.into_inner().expect("a lock");
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !distinct.contains(id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(ids.len(), distinct.len(), "each is in the log once");

    let mut seen = HashSet::new();
    wait_until("deliveries", || {
        seen.extend(receiver.accepted().iter().map(|event| event.headers["idempotency-key"].clone()));
        seen.len() >= ids.len()
    });
    served.stop().expect(0, &[]);
    let accepted = receiver.accepted();
    check_deliveries(
        &accepted
            .iter()
            .map(|event| (event.headers["idempotency-key"].clone(), event.json()))
            .collect::<Vec<_>>(),
        &logged,
    );
    place.run("log --dir data/log --verify").expect(0, &[]);
    if asked.is_some() {
        let torn = std::fs::read_dir(place.path("data/log")).expect("a folder");
        let torn = torn
            .filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().contains("cut-at")))
            .count();
        let line = format!(
            "{kills} kills, {} acknowledged, {} in the log, 0 lost; {} events accepted by the receiver, {} distinct; {torn} torn tails mended\n",
            acknowledged.len(),
            ids.len(),
            accepted.len(),
            seen.len(),
        );
        std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    }
}

/// Each decision of the log once by its key and no other; for each account in the order of the log.
fn check_deliveries(accepted: &[(String, Value)], logged: &[Value]) {
    let mut order: HashMap<String, Vec<String>> = HashMap::new();
    let mut taken = HashSet::new();
    for (key, event) in accepted {
        assert_eq!(key, &string(&event["id"]));
        if taken.insert(key.clone()) {
            order.entry(string(&event["account"])).or_default().push(key.clone());
        }
    }
    let mut wanted: HashMap<String, Vec<String>> = HashMap::new();
    for record in logged {
        wanted.entry(string(&record["account"])).or_default().push(string(&record["id"]));
    }
    assert_eq!(order, wanted);
}
