//! Who may do what.

use crate::client::{Reply, Served};
use crate::common::{Place, wait_until};

const ROLES: [&str; 5] = ["publisher", "operator", "reviewer", "auditor", "admin"];

/// Method, path, and the roles that may.
const PATHS: [(&str, &str, &[&str]); 11] = [
    ("POST", "/v1/check", &["publisher", "admin"]),
    ("POST", "/v1/check/batch", &["publisher", "admin"]),
    ("GET", "/v1/explain/00000000000000000000000000000000", &["reviewer", "auditor", "admin"]),
    ("POST", "/v1/engagement", &["publisher", "admin"]),
    ("GET", "/v1/engagement/a1", &["operator", "reviewer", "auditor", "admin"]),
    ("GET", "/v1/bundles", &["operator", "admin"]),
    ("POST", "/v1/bundles", &["operator", "admin"]),
    ("POST", "/v1/bundles/rollback", &["operator", "admin"]),
    ("GET", "/metrics", &["operator", "auditor", "admin"]),
    ("GET", "/openapi.json", &ROLES),
    ("GET", "/docs", &ROLES),
];

fn ask(served: &Served, method: &str, path: &str, key: Option<&str>) -> Reply {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let body: &[u8] = match path {
        "/v1/check" => br#"{"text":"x"}"#,
        "/v1/bundles" | "/v1/bundles/rollback" => b"{}",
        "/v1/check/batch" => br#"{"items":[{"text":"x"}]}"#,
        "/v1/engagement" => br#"[{"type":"nothing"}]"#,
        _ => b"",
    };
    served.client().request(method, path, &headers, body)
}

fn add_key(place: &Place, role: &str, more: &str) -> String {
    place
        .run(&format!("key add {role}-key --role {role} --data data {more}"))
        .expect(0, &[])
        .stdout
        .trim()
        .to_owned()
}

#[test]
fn every_path_opens_for_its_roles_and_for_nobody_else() {
    let place = Place::new();
    let keys: Vec<(&str, String)> = ROLES.iter().map(|role| (*role, add_key(&place, role, ""))).collect();
    let expired = add_key(&place, "admin", "--days 0");
    let served = Served::start(&place, "");
    let document = ask(&served, "GET", "/openapi.json", Some(&keys[4].1)).json();
    for (method, path, allowed) in PATHS {
        let template =
            path.replace("00000000000000000000000000000000", "{decision}").replace("/a1", "/{target}");
        let described = &document["paths"][&template][method.to_lowercase()]["responses"];
        for (role, key) in &keys {
            let status = ask(&served, method, path, Some(key)).status;
            assert!(described.get(status.to_string()).is_some(), "{path} {status}");
            // What is not there is told only to those who may ask.
            let is_open = matches!(status, 200 | 404 | 422);
            assert_eq!(is_open, allowed.contains(role), "{path} {role}: {status}");
            assert!(is_open || status == 403, "{path} {role}: {status}");
        }
        let wrong = format!("{}0", &keys[4].1);
        for key in [None, Some(""), Some("ql_00000000_00"), Some(wrong.as_str()), Some(expired.as_str())] {
            let reply = ask(&served, method, path, key);
            assert_eq!(
                (reply.status, reply.header("www-authenticate")),
                (401, Some("Bearer")),
                "{path} {key:?}"
            );
        }
    }
    for open in ["/healthz", "/readyz"] {
        assert_eq!(ask(&served, "GET", open, None).status, 200);
    }
    assert_eq!(ask(&served, "GET", "/nothing", None).status, 401);
}

#[test]
fn without_any_key_this_machine_is_let_in_until_there_is_one() {
    let place = Place::new();
    let served = Served::start(&place, "");
    assert_eq!(ask(&served, "GET", "/metrics", None).status, 200);
    let key = add_key(&place, "admin", "");
    wait_until("closed door", || ask(&served, "GET", "/metrics", None).status == 401);
    assert_eq!(ask(&served, "GET", "/metrics", Some(&key)).status, 200);
    let id = key.split('_').nth(1).expect("an id");
    let rotated = place.run(&format!("key rotate {id} --grace-hours 0 --data data")).expect(0, &[]);
    wait_until("new key", || ask(&served, "GET", "/metrics", Some(rotated.stdout.trim())).status == 200);
    assert_eq!(ask(&served, "GET", "/metrics", Some(&key)).status, 401);
    let listed = place.run("key list --data data").expect(0, &[]).stdout;
    assert!(listed.lines().count() == 2 && !listed.contains(key.rsplit('_').next().expect("a secret")));
    place.run("key revoke 00000000 --data data").expect(1, &["there is no key"]);
}

#[test]
fn a_key_that_has_used_up_its_rate_is_told_when_to_come_again() {
    let place = Place::new();
    let key = add_key(&place, "publisher", "--rate 1");
    let served = Served::start(&place, "");
    let replies: Vec<Reply> = (0..50).map(|_| ask(&served, "POST", "/v1/check", Some(&key))).collect();
    let limited = replies.iter().find(|reply| reply.status == 429).expect("a limit");
    assert!(limited.header("retry-after").is_some());
    assert_eq!(replies[0].status, 200);
}
