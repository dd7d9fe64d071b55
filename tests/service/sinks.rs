//! Those who act on decisions get each of them, in order, whatever breaks on the way.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use qingliu::emit::{Secret, signature};
use serde_json::Value;

use crate::client::Served;
use crate::common::{Place, string, wait_until};

/// What a receiver got: the body, and the headers that matter.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    body: Vec<u8>,
    pub(crate) headers: HashMap<String, String>,
}

impl Delivered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// Answers what `answer` says to the n-th request; what it accepts, it keeps.
pub(crate) struct Receiver {
    address: SocketAddr,
    accepted: Arc<Mutex<Vec<Delivered>>>,
}

impl Receiver {
    pub(crate) fn start(answer: impl Fn(usize, &Delivered) -> u16 + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepted = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer, count) = (Arc::clone(&accepted), Arc::new(answer), Arc::new(Mutex::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, answer, count) = (Arc::clone(&kept), Arc::clone(&answer), Arc::clone(&count));
                let stream = stream.expect("a connection");
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(delivered) = receive(&mut stream) {
                        let mut count = count.lock().expect("a lock");
                        let status = answer(*count, &delivered);
                        *count += 1;
                        if status == 200 {
                            kept.lock().expect("a lock").push(delivered);
                        }
                        drop(count);
                        let reply = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                        if stream.get_mut().write_all(reply.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, accepted }
    }

    pub(crate) fn accepted(&self) -> Vec<Delivered> {
        self.accepted.lock().expect("a lock").clone()
    }
}

fn receive(stream: &mut BufReader<TcpStream>) -> Option<Delivered> {
    let mut headers = HashMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some(Delivered { body, headers })
}

pub(crate) fn configure(place: &Place, receiver: &Receiver, more: &str) {
    let url = format!("http://{}/hook", receiver.address);
    place.write(
        "service.toml",
        format!(
            "[webhook]\nurl = \"{url}\"\nsecrets = [\"first\", \"second\"]\nallow_private = true\n\
             backoff_ms = 1\nbackoff_max_ms = 4\n{more}\n"
        ),
    );
}

fn gambling(id: &str, account: &str) -> String {
    format!(r#"{{"id":"{id}","account":"{account}","text":"真人荷官在线发牌"}}"#)
}

/// Items of each account in the order of their first delivery.
fn by_account(delivered: &[Delivered]) -> HashMap<String, Vec<String>> {
    let (mut seen, mut order) = (HashSet::new(), HashMap::<String, Vec<String>>::new());
    for event in delivered.iter().map(Delivered::json) {
        if seen.insert(string(&event["id"])) {
            order.entry(string(&event["account"])).or_default().push(string(&event["decision"]["item"]));
        }
    }
    order
}

#[test]
fn a_receiver_that_stumbles_gets_every_decision_in_order_and_signed_through_crashes() {
    const ROUNDS: usize = 4;
    const POSTS: usize = 12;
    let place = Place::new();
    // Every third request fails, so that every event is tried again at some time.
    let receiver = Receiver::start(|n, _| if n % 3 == 0 { 503 } else { 200 });
    configure(&place, &receiver, "");
    for round in 0..ROUNDS {
        let served = Served::start(&place, "--config service.toml");
        let mut client = served.client();
        for n in 0..POSTS {
            let post = gambling(&format!("p{round}-{n}"), &format!("a{}", n % 3));
            assert_eq!(client.post("/v1/check", &post, &[]).status, 200);
            assert_eq!(client.post("/v1/check", r#"{"text":"今天天气很好"}"#, &[]).status, 200);
        }
        if round + 1 < ROUNDS {
            served.kill();
        } else {
            wait_until("deliveries", || {
                by_account(&receiver.accepted()).values().map(Vec::len).sum::<usize>() == ROUNDS * POSTS
            });
            served.stop().expect(0, &[]);
        }
    }
    let accepted = receiver.accepted();
    for (account, items) in by_account(&accepted) {
        let number = |item: &String| -> (usize, usize) {
            let (round, n) = item[1..].split_once('-').expect("two numbers");
            (round.parse().expect("a number"), n.parse().expect("a number"))
        };
        let numbers: Vec<_> = items.iter().map(number).collect();
        assert!(numbers.is_sorted() && numbers.len() == ROUNDS * POSTS / 3, "{account}: {items:?}");
    }
    for event in &accepted {
        let claimed = &event.headers["qingliu-signature"];
        let seconds = claimed.split(['=', ',']).nth(1).and_then(|t| t.parse().ok()).expect("a time");
        let secrets = ["first", "second"].map(|secret| Secret(secret.to_owned()));
        assert_eq!(claimed, &signature(&secrets, seconds, &event.body));
        assert_eq!(event.headers["idempotency-key"], string(&event.json()["id"]));
        assert!(!String::from_utf8_lossy(&event.body).contains("荷官"), "no word of the author's");
    }
}

#[test]
fn what_a_receiver_refuses_is_put_aside_with_what_follows_and_tried_again_at_the_next_start() {
    let place = Place::new();
    let is_mended = Arc::new(Mutex::new(false));
    let mended = Arc::clone(&is_mended);
    let refuses = move |_, event: &Delivered| {
        let is_bad = event.json()["account"] == "bad" && !*mended.lock().expect("a lock");
        if is_bad { 422 } else { 200 }
    };
    let receiver = Receiver::start(refuses);
    configure(&place, &receiver, "");
    let served = Served::start(&place, "--config service.toml");
    for (n, account) in ["bad", "good", "bad", "good"].iter().enumerate() {
        served.check(&gambling(&format!("p{n}"), account));
    }
    wait_until("deliveries", || receiver.accepted().len() == 2);
    let dead = "data/outbox/webhook.dead.jsonl";
    wait_until("dead letters", || place.exists(dead) && place.text(dead).lines().count() == 2);
    served.stop().expect(0, &[]);
    assert!(place.text(dead).contains("422"));
    *is_mended.lock().expect("a lock") = true;
    let served = Served::start(&place, "--config service.toml");
    wait_until("deliveries", || receiver.accepted().len() == 4);
    wait_until("an empty file", || !place.exists("data/outbox/webhook.replay.jsonl"));
    served.stop().expect(0, &[]);
    assert_eq!(by_account(&receiver.accepted())["bad"], ["p0", "p2"]);
    assert!(!place.exists(dead));
}

#[test]
fn addresses_inside_the_network_are_not_called_unless_that_is_allowed() {
    let place = Place::new();
    let receiver = Receiver::start(|_, _| 200);
    let url = format!("http://localhost:{}/", receiver.address.port());
    place.write("service.toml", format!("[webhook]\nurl = \"{url}\"\nsecrets = [\"s\"]\nattempts = 1\n"));
    let served = Served::start(&place, "--config service.toml");
    served.check(&gambling("p", "a"));
    let dead = "data/outbox/webhook.dead.jsonl";
    wait_until("a dead letter", || place.exists(dead) && place.text(dead).contains("no public address"));
    served.stop().expect(0, &[]);
    assert!(receiver.accepted().is_empty());
}

#[test]
fn a_file_of_decisions_has_each_once_and_in_order_through_crashes() {
    let place = Place::new();
    place.write("service.toml", "[jsonl]\npath = \"out.jsonl\"\n");
    for round in 0..5 {
        let served = Served::start(&place, "--config service.toml");
        for n in 0..10 {
            served.check(&gambling(&format!("p{round}-{n}"), "a"));
            served.check(&format!(r#"{{"id":"c{round}-{n}","text":"今天天气很好"}}"#));
        }
        if round % 2 == 0 {
            served.kill();
        } else {
            served.stop().expect(0, &[]);
        }
    }
    Served::start(&place, "--config service.toml").stop().expect(0, &[]);
    let ids = |lines: Vec<Value>| lines.iter().map(|line| string(&line["id"])).collect::<Vec<_>>();
    let (written, logged) = (ids(place.lines("out.jsonl")), ids(Served::log(&place, "--verdict review")));
    assert_eq!(logged.len(), 50);
    assert_eq!(written, logged);
}

#[test]
fn a_configuration_is_checked_before_anything_starts() {
    let place = Place::new();
    let keys = place.run("config keys").expect(0, &[]).stdout;
    place.write("good.toml", &keys);
    place.run("config check good.toml").expect(0, &[]);
    place.write("bad.toml", "[webhook]\nurl = \"http://x/\"\n[limits]\nin_flght = 3\n");
    place.run("config check bad.toml").expect(2, &["in_flight", "webhook.secrets"]);
    place.run("serve --config bad.toml").expect(2, &["2 problem(s)"]);
    place.run("config check nothing.toml").expect(2, &["nothing.toml"]);
    place.run("config check /dev/zero").expect(2, &["/dev/zero", "is longer than"]);
    let mut command = place.command("config check");
    command.env("QINGLIU_LOG_TEXT", "dorp");
    let run = crate::common::finish(command.spawn().expect("the program starts"));
    run.expect(2, &["log.text", "drop"]);
}
