//! What breaks beside the process: two at once, a flipped byte, a full disk.

use crate::client::Served;
use crate::common::{Place, string, wait_until};

#[test]
fn a_second_service_on_the_same_data_is_refused() {
    let place = Place::new();
    let _served = Served::start(&place, "");
    let second = place.run("serve --listen 127.0.0.1:0 --data data --bundle bundle");
    second.expect(1, &["another process is writing it"]);
}

#[test]
fn a_flipped_byte_is_told_at_start_and_named_by_verify() {
    let place = Place::new();
    let served = Served::start(&place, "");
    for n in 0..5 {
        served.check(&format!(r#"{{"id":"p{n}","text":"真人荷官"}}"#));
    }
    served.stop().expect(0, &[]);
    let folder = place.path("data/log");
    let segment = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let segment =
        segment.into_iter().find(|path| path.extension().is_some_and(|e| e == "qlog")).expect("one");
    let mut bytes = std::fs::read(&segment).expect("bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).expect("a file");
    let verified = place.run("log --dir data/log --verify").expect(1, &["segment 1", "offset", "checksum"]);
    assert!(verified.stdout.contains("1 damaged places"));
    let run = Served::start(&place, "").stop();
    run.expect(0, &["log damaged", "segment 1"]);
    assert_eq!(place.run("log --dir data/log").code, Some(1));
}

#[test]
fn a_full_disk_is_told_and_nothing_that_was_acknowledged_is_lost() {
    let place = Place::new();
    let served = Served::start_on_full_disk(&place, 32);
    let mut client = served.client();
    let mut acknowledged = Vec::new();
    let refused = loop {
        let body = format!(r#"{{"id":"p{}","text":"真人荷官"}}"#, acknowledged.len());
        let reply = client.post("/v1/check", &body, &[]);
        if reply.status != 200 {
            break reply;
        }
        acknowledged.push((body, reply.body));
        assert!(acknowledged.len() < 1000, "the disk never fills up");
    };
    assert_eq!((refused.status, string(&refused.json()["code"])), (503, "log_unavailable".to_owned()));
    assert!(refused.header("retry-after").is_some());
    let ready = client.get("/readyz", &[]);
    assert_eq!((ready.status, string(&ready.json()["reason"])), (503, "log_unavailable".to_owned()));
    assert_eq!(client.get("/healthz", &[]).status, 200);
    // The refused one was not made: it may be sent again, and is refused again.
    let again = format!(r#"{{"id":"p{}","text":"真人荷官"}}"#, acknowledged.len());
    assert_eq!(client.post("/v1/check", &again, &[]).status, 503);
    // When there is room again, it is found without a restart and without a request.
    served.give_room();
    wait_until("readiness", || served.client().get("/readyz", &[]).status == 200);
    let later = format!(r#"{{"id":"p{}","text":"真人荷官"}}"#, acknowledged.len() + 1);
    let reply = client.post("/v1/check", &later, &[]);
    assert_eq!(reply.status, 200);
    acknowledged.push((later, reply.body));
    served.kill();

    let served = Served::start(&place, "");
    assert!(acknowledged.len() > 3);
    for (body, answer) in &acknowledged {
        assert_eq!(served.check(body).body, *answer);
    }
    assert_eq!(served.check(&again).status, 200);
    served.stop().expect(0, &[]);
    assert_eq!(Served::log(&place, "--verdict review").len(), acknowledged.len() + 1);
    place.run("log --dir data/log --verify").expect(0, &[]);
}
