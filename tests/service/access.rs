//! Who may do what.

use axum::body::Body;
use axum::http::Request;
use qingliu::engine::{Bundle, embedded_files};
use qingliu::serve::{ServeOptions, in_process};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::client::{Reply, Served};
use crate::common::{Place, wait_until};

pub(crate) const ROLES: [&str; 5] = ["publisher", "operator", "reviewer", "auditor", "admin"];

/// Every operation of the description, and the roles that may. An operation that is not here fails the test.
const MATRIX: &[(&str, &str, &[&str])] = &[
    ("POST", "/v1/check", &["publisher", "admin"]),
    ("POST", "/v1/check/batch", &["publisher", "admin"]),
    ("GET", "/v1/explain/{decision}", &["reviewer", "auditor", "admin"]),
    ("POST", "/v1/decisions/{decision}/appeal", &["publisher", "reviewer", "admin"]),
    ("POST", "/v1/decisions/{decision}/outcome", &["reviewer", "admin"]),
    ("GET", "/v1/appeals", &["operator", "reviewer", "auditor", "admin"]),
    ("POST", "/v1/engagement", &["publisher", "admin"]),
    ("GET", "/v1/engagement/{target}", &["operator", "reviewer", "auditor", "admin"]),
    ("POST", "/v1/bundles/candidate", &["operator", "admin"]),
    ("POST", "/v1/bundles/canary", &["operator", "admin"]),
    ("POST", "/v1/bundles/promote", &["operator", "admin"]),
    ("POST", "/v1/bundles/abort", &["operator", "admin"]),
    ("GET", "/v1/bundles/shadow", &["operator", "admin"]),
    ("GET", "/v1/bundles", &["operator", "admin"]),
    ("POST", "/v1/bundles", &["operator", "admin"]),
    ("POST", "/v1/bundles/rollback", &["operator", "admin"]),
    ("GET", "/metrics", &["operator", "auditor", "admin"]),
    ("GET", "/openapi.json", &ROLES),
    ("GET", "/docs", &ROLES),
];

/// What everybody may ask, from anywhere: whether the service is alive and ready. They say nothing else.
const OPEN: [(&str, &str); 2] = [("GET", "/healthz"), ("GET", "/readyz")];

/// The operations of a description, in its order.
fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().expect("methods").keys().map(|method| method.to_uppercase());
        methods.map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// A path with something in the place of each name.
fn filled(template: &str) -> String {
    let fill = |part: &str| if part.starts_with('{') { "0".repeat(32) } else { part.to_owned() };
    template.split('/').map(fill).collect::<Vec<_>>().join("/")
}

fn ask(served: &Served, method: &str, path: &str, key: Option<&str>) -> Reply {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![("content-type", "application/json"), ("x-access-reason", "test")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let body: &[u8] = match path {
        "/v1/check" => br#"{"text":"x"}"#,
        "/v1/check/batch" => br#"{"items":[{"text":"x"}]}"#,
        "/v1/engagement" => br#"[{"type":"nothing"}]"#,
        _ if method == "POST" => b"{}",
        _ => b"",
    };
    served.client().request(method, path, &headers, body)
}

pub(crate) fn add_key(place: &Place, role: &str, more: &str) -> String {
    place
        .run(&format!("key add {role}-key --role {role} --data data {more}"))
        .expect(0, &[])
        .stdout
        .trim()
        .to_owned()
}

fn revoke(place: &Place, key: &str) {
    let id = key.split('_').nth(1).expect("an id");
    place.run(&format!("key revoke {id} --data data")).expect(0, &[]);
}

#[test]
fn every_operation_opens_for_its_roles_and_for_nobody_else() {
    let place = Place::new();
    let keys: Vec<(&str, String)> = ROLES.iter().map(|role| (*role, add_key(&place, role, ""))).collect();
    let expired: Vec<String> = ROLES.iter().map(|role| add_key(&place, role, "--days 0")).collect();
    let revoked: Vec<String> = ROLES.iter().map(|role| add_key(&place, role, "")).collect();
    revoked.iter().for_each(|key| revoke(&place, key));
    let served = Served::start(&place, "");
    let document = ask(&served, "GET", "/openapi.json", Some(&keys[4].1)).json();
    let mut described = operations(&document);
    let listed = MATRIX.iter().map(|(method, path, _)| (*method, *path)).chain(OPEN);
    let mut listed: Vec<(String, String)> = listed.map(|(m, p)| (m.to_owned(), p.to_owned())).collect();
    described.sort();
    listed.sort();
    assert_eq!(described, listed, "every operation stands in the matrix of this test");

    let wrong = format!("{}0", &keys[4].1);
    let shut = [None, Some(""), Some("ql_00000000_00"), Some(wrong.as_str())];
    let shut = shut.into_iter().chain(expired.iter().chain(&revoked).map(|key| Some(key.as_str())));
    let shut: Vec<Option<&str>> = shut.collect();
    for (method, template, allowed) in MATRIX {
        let path = filled(template);
        let responses = &document["paths"][template][method.to_lowercase()]["responses"];
        for (role, key) in &keys {
            let status = ask(&served, method, &path, Some(key)).status;
            assert!(responses.get(status.to_string()).is_some(), "{path} {status}");
            // What is wrong with a request is told only to those who may ask.
            let is_open = matches!(status, 200 | 400 | 404 | 409 | 422);
            assert_eq!(is_open, allowed.contains(role), "{path} {role}: {status}");
            assert!(is_open || status == 403, "{path} {role}: {status}");
        }
        for key in &shut {
            let reply = ask(&served, method, &path, *key);
            let challenge = reply.header("www-authenticate");
            assert_eq!((reply.status, challenge), (401, Some("Bearer")), "{path} {key:?}");
        }
    }
    for (method, open) in OPEN {
        assert_eq!(ask(&served, method, open, None).status, 200);
        assert_eq!(ask(&served, method, open, Some(&wrong)).status, 200);
    }
    assert_eq!(ask(&served, "GET", "/nothing", None).status, 401);
}

#[test]
fn a_key_is_called_what_can_stand_in_a_log_and_in_a_list() {
    let place = Place::new();
    for name in ["local", "a\nb", "a\u{1b}[2J", "", &"n".repeat(65)] {
        let mut command = place.command("key add --role reviewer --data data");
        let run = command.arg(name).output().expect("it runs");
        let told = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(!run.status.success() && told.contains("a name has 1 to 64 characters"), "{name:?}: {told}");
    }
    assert!(!place.exists("data/keys.json"));
    place.run(&format!("key add {} --role reviewer --data data", "审".repeat(64))).expect(0, &[]);
}

#[test]
fn beyond_this_machine_health_alone_is_open_even_without_any_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = ServeOptions::new(dir.path());
    options.listen.set_ip([0, 0, 0, 0].into());
    let bundle = Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).expect("a bundle");
    let router = in_process(options, bundle).expect("a service");
    let document: Value = serde_json::from_str(qingliu::serve::openapi_json()).expect("JSON");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for (method, template) in operations(&document) {
        let request = Request::builder().method(method.as_str()).uri(filled(&template));
        let request = request.header("content-type", "application/json").body(Body::from("{}")).expect("fit");
        let status = runtime.block_on(router.clone().oneshot(request)).expect("an answer").status();
        let is_open = OPEN.contains(&(method.as_str(), template.as_str()));
        assert_eq!(status.as_u16(), if is_open { 200 } else { 401 }, "{method} {template}");
    }
}

#[test]
fn content_is_shown_only_to_those_who_say_why_and_that_is_recorded() {
    let place = Place::new();
    let (publisher, reviewer) = (add_key(&place, "publisher", ""), add_key(&place, "reviewer", ""));
    let served = Served::start(&place, "");
    let bearer = |key: &str| format!("Bearer {key}");
    let checked = served.client().post(
        "/v1/check",
        r#"{"id":"p1","text":"真人荷官在线发牌"}"#,
        &[("authorization", &bearer(&publisher))],
    );
    let path = format!("/v1/explain/{}", crate::common::string(&checked.json()["id"]));
    let look = |why: Option<&str>| {
        let bearer = bearer(&reviewer);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(why.map(|why| ("x-access-reason", why)));
        served.client().get(&path, &headers)
    };
    let long = "x".repeat(257);
    for why in [None, Some(""), Some(long.as_str())] {
        let refused = look(why);
        assert_eq!((refused.status, &refused.json()["code"]), (400, &"invalid_header".into()), "{why:?}");
    }
    assert_eq!(look(Some("申诉 7")).body, checked.body);
    served.stop().expect(0, &[]);
    let log = Served::log(&place, "");
    let looks: Vec<(&Value, &Value)> = log
        .iter()
        .filter(|record| record["kind"] == "access")
        .map(|look| (&look["who"], &look["why"]))
        .collect();
    assert_eq!(looks, [(&"reviewer-key".into(), &"申诉 7".into())]);
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
fn without_any_key_the_name_of_another_site_opens_nothing() {
    let place = Place::new();
    let served = Served::start(&place, "");
    let ask = |host: &str| served.client().get("/openapi.json", &[("host", host)]);
    for here in
        ["localhost", "LOCALHOST:8080", "a.localhost", "127.0.0.1", "10.0.0.1:1", "[::1]:80", "moderation"]
    {
        assert_eq!(ask(here).status, 200, "{here}");
    }
    for elsewhere in ["example.com", "localhost.example.com.", "127.0.0.1.example.com:80", "a b", ""] {
        let refused = ask(elsewhere);
        assert_eq!((refused.status, &refused.json()["code"]), (401, &"unauthorized".into()), "{elsewhere}");
    }
    // With a key the name does not matter.
    let key = format!("Bearer {}", add_key(&place, "admin", ""));
    let with_key = || served.client().get("/metrics", &[("host", "example.com"), ("authorization", &key)]);
    wait_until("a key", || with_key().status == 200);
}

#[test]
fn a_batch_takes_of_a_rate_what_its_items_would() {
    let place = Place::new();
    let key = format!("Bearer {}", add_key(&place, "publisher", "--rate 60"));
    let served = Served::start(&place, "");
    let ask = |items: usize| {
        let items = vec![r#"{"text":"今天天气很好"}"#; items].join(",");
        let body = format!(r#"{{"items":[{items}]}}"#);
        let headers = [("content-type", "application/json"), ("authorization", key.as_str())];
        served.client().request("POST", "/v1/check/batch", &headers, body.as_bytes())
    };
    let over = ask(61);
    assert_eq!((over.status, &over.json()["pointer"]), (429, &"/items".into()));
    assert_eq!(ask(30).status, 200);
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
