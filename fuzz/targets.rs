//! What is fuzzed: bytes in, and what must hold whatever they are. Used by the fuzzers beside this file and by
//! `tests/fuzz.rs`, which runs the kept corpus through the same functions.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt as _;
use qingliu::config::Config;
use qingliu::decide::{Articles, Policy};
use qingliu::engine::{
    Bundle, EventBatch, Ledger, Scratch, Shard, Trace, amend_decision, correlate, decision, embedded_files,
    evaluate,
};
use qingliu::lexicon::{Bigrams, DisguiseTables, Lexicon, LoadContext, SourceFile};
use qingliu::model::{Decision, EventLine, Item};
use qingliu::serve::{Problem, ServeOptions, in_process};
use qingliu::store::log::{Log, LogError, LogOptions, Reader, purge, verify};
use tower::ServiceExt as _;

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 21);
/// 2026-11-21T08:00:00Z.
const NOW_MS: i64 = 1_795_248_000_000;

fn shipped() -> Bundle {
    Bundle::load(&embedded_files(), TODAY).expect("the shipped bundle loads")
}

/// The service with everything that a request can reach.
struct Served {
    router: Router,
    runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a directory");
    let options = ServeOptions { workers: 1, ..ServeOptions::new(dir.path()) };
    let router = in_process(options, shipped()).expect("it starts");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    Served { router, runtime, _dir: dir }
});

/// A request as text: `METHOD PATH`, lines of headers, an empty line, the body. Every answer is one that is described.
pub(crate) fn http(data: &[u8]) {
    let Some(request) = request_of(data) else { return };
    let served = &*SERVED;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answered = served.runtime.block_on(async {
        let response = served.router.clone().oneshot(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        (head, body.collect().await.expect("a body").to_bytes())
    });
    let (head, body) = answered;
    let status = head.status.as_u16();
    assert!(status != 500, "{method} {path}: {}", String::from_utf8_lossy(&body));
    if status >= 400 && method != Method::HEAD && path != "/readyz" {
        let problem: Problem = serde_json::from_slice(&body).expect("a problem");
        assert_eq!(problem.status, status);
        assert_eq!(head.headers["content-type"], "application/problem+json");
    } else if path.starts_with("/v1/") && method != Method::HEAD {
        serde_json::from_slice::<serde_json::Value>(&body).expect("JSON");
    }
}

fn request_of(data: &[u8]) -> Option<Request<Body>> {
    let mut rest = data;
    let mut line = || {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(line)
    };
    let first = line()?;
    let blank = first.iter().position(|byte| *byte == b' ')?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(&first[..blank]).ok()?;
    *request.uri_mut() = Uri::try_from(&first[blank + 1..]).ok()?;
    while let Some(header) = line().filter(|header| !header.is_empty()) {
        let colon = header.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&header[..colon]).ok()?;
        let value = HeaderValue::from_bytes(header[colon + 1..].trim_ascii_start()).ok()?;
        request.headers_mut().append(name, value);
    }
    *request.body_mut() = Body::from(rest.to_vec());
    Some(request)
}

thread_local! {
    /// What judges, with the state that judging leaves.
    static JUDGE: RefCell<(Bundle, Scratch, Shard)> = RefCell::new({
        let bundle = shipped();
        let shard = Shard::new(&bundle);
        (bundle, Scratch::default(), shard)
    });
}

/// Lines of content, judged and correlated. Spans lie in the text, the decision goes through JSON and back, and judging twice
/// says the same.
pub(crate) fn jsonl(data: &[u8]) {
    JUDGE.with_borrow_mut(|(bundle, scratch, shard)| {
        for line in data.split(|byte| *byte == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Ok(item) = Item::from_json(line) else { continue };
            let Ok(outcome) = evaluate(bundle, &item, scratch) else { continue };
            let id = item.id.clone();
            let mut judged = decision(bundle, &item, &id, scratch);
            assert_eq!(outcome.verdict, judged.verdict);
            let trace = Trace::of(bundle, &item, &id, scratch);
            let correlated = correlate(bundle, shard, &trace, outcome.verdict);
            evaluate(bundle, &item, scratch).expect("it was judged before");
            assert_eq!(decision(bundle, &item, &id, scratch), judged);
            let follow_ups = amend_decision(bundle, &trace, &correlated, &mut judged);
            assert!(judged.verdict >= outcome.verdict, "neighbours never make a decision milder");
            for decision in follow_ups.iter().chain([&judged]) {
                let json = serde_json::to_string(decision).expect("JSON");
                let read: Decision = serde_json::from_str(&json).expect("a decision");
                assert_eq!(&read, decision);
                for span in decision.evidence.iter().flat_map(|evidence| &evidence.spans) {
                    assert!(span.start <= span.end);
                }
            }
        }
    });
}

thread_local! {
    static LEDGER: RefCell<(Bundle, Ledger)> = RefCell::new({
        let bundle = shipped();
        let ledger = Ledger::new(&bundle);
        (bundle, ledger)
    });
}

/// Lines of the engagement stream. Records go through JSON, and the ledger can be saved and taken up.
pub(crate) fn engagement(data: &[u8]) {
    LEDGER.with_borrow_mut(|(bundle, ledger)| {
        let mut batch = EventBatch::default();
        for line in data.split(|byte| *byte == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Ok(line) = EventLine::from_json(line) else { continue };
            // What is refused leaves the batch as it was.
            let before = (batch.events(), batch.others());
            if batch.push(bundle.policy.engagement(), &line).is_err() {
                assert_eq!(before, (batch.events(), batch.others()));
            }
        }
        for notice in ledger.observe(bundle, &batch, true) {
            serde_json::to_string(&notice.record).expect("JSON");
        }
        if data.first() == Some(&b'!') {
            ledger.finish(bundle, true).iter().for_each(|notice| {
                serde_json::to_string(&notice.record).expect("JSON");
            });
            *ledger = Ledger::new(bundle);
        }
    });
}

/// Texts that a bundle of strange files judges.
const TEXTS: [&str; 4] = [
    "真人荷官在线发牌，加微信 abc12345",
    "高价收银行卡四件套，一张日结两千",
    "今天天气很好，我们去公园散步。Ｖ❤信：１３８-００１２-３４５６",
    "",
];

/// A file of a bundle: its path, a line's end, its text. It is refused with reasons or it judges.
pub(crate) fn bundle(data: &[u8]) {
    static HELD: LazyLock<Mutex<(Bundle, DisguiseTables)>> = LazyLock::new(|| {
        let files = embedded_files();
        let find = |path: String| files.iter().find(|f| f.path == path).map(|f| f.text.as_str());
        let tables = DisguiseTables::parse(|name| find(format!("fold/{name}"))).expect("tables");
        Mutex::new((shipped(), tables))
    });
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((path, text)) = text.split_once('\n') else { return };
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let (bundle, disguises) = &mut *held;
    let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
    match path {
        "policy.toml" => {
            let Ok(policy) = Policy::parse(path, text, &bundle.taxonomy) else { return };
            let before = std::mem::replace(&mut bundle.policy, policy);
            judge_all(bundle);
            bundle.policy = before;
        }
        "articles.toml" => {
            let Ok(articles) = Articles::parse(path, text, &bundle.taxonomy) else { return };
            let before = std::mem::replace(&mut bundle.articles, articles);
            judge_all(bundle);
            bundle.articles = before;
        }
        "bigrams.tsv" => {
            let _ = Bigrams::parse(text);
        }
        _ => {
            let context = LoadContext {
                table: &bundle.table,
                bigrams: &bundle.bigrams,
                disguises,
                segmenter: &bundle.segmenter,
                taxonomy: &bundle.taxonomy,
                today: TODAY,
            };
            let is_rules = path.starts_with("rules/");
            let (terms, rules) =
                if is_rules { (vec![own_terms()], vec![file]) } else { (vec![file], vec![]) };
            let Ok(lexicon) = Lexicon::load(&terms, &rules, context) else { return };
            let before = std::mem::replace(&mut bundle.lexicon, lexicon);
            judge_all(bundle);
            bundle.lexicon = before;
        }
    }
}

/// Terms for rules to build on.
fn own_terms() -> SourceFile {
    let text = "severity = \"medium\"\nterms = [\n{ id = \"g.1\", text = \"真人荷官\", label = \"gambling.platform\", weight = 900 },\n\
                { id = \"g.2\", text = \"在线发牌\", label = \"gambling.platform\", weight = 100 },\n]\n";
    SourceFile { path: "lexicon/own.toml".to_owned(), text: text.to_owned() }
}

fn judge_all(bundle: &Bundle) {
    let mut scratch = Scratch::default();
    for text in TEXTS {
        let item = Item::from_text(text);
        if evaluate(bundle, &item, &mut scratch).is_ok() {
            let json = serde_json::to_string(&decision(bundle, &item, "p", &scratch)).expect("JSON");
            serde_json::from_str::<Decision>(&json).expect("a decision");
        }
    }
}

/// A configuration file. It is refused with reasons, or is fit.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::read(text, []) {
        Ok(config) => assert!(config.serve.in_flight_max > 0 && config.serve.body_bytes_max > 0),
        Err(e) => assert!(!e.to_string().is_empty()),
    }
}

/// The segments of a small log, each with its file's name.
static SEGMENTS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a directory");
    {
        let (log, _) = open_log(dir.path()).expect("a log");
        for n in 0..9_u8 {
            let private = (n % 2 == 0).then(|| vec![b'p'; usize::from(n) * 9]);
            log.append_and_wait(vec![b'a' + n; usize::from(n) * 7], private).expect("a record");
        }
    }
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(dir.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            (entry.file_name().into_string().expect("a name"), fs::read(entry.path()).expect("bytes"))
        })
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|extension| extension == "qlog"))
        .collect();
    files.sort();
    files
});

fn open_log(dir: &Path) -> Result<(Log, qingliu::store::log::OpenReport), LogError> {
    Log::open(LogOptions { segment_bytes_max: 600, ..LogOptions::new(dir) }, || NOW_MS)
}

/// Changes to the segments of a log, five bytes each: what, which file, where (two), with what. Afterwards everything can be
/// read past the damage, the log can be opened, what is appended is read back last, and what was cut off is kept.
pub(crate) fn log(data: &[u8]) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut files = SEGMENTS.clone();
    for change in data.chunks_exact(5).take(64) {
        let count = files.len();
        let (_, bytes) = &mut files[usize::from(change[1]) % count];
        let at = usize::from(u16::from_le_bytes([change[2], change[3]])) % (bytes.len() + 1);
        apply(bytes, (change[0], at, change[4]));
    }
    for (name, bytes) in &files {
        fs::write(dir.path().join(name), bytes).expect("a file");
    }
    read_all(dir.path());
    let report = verify(dir.path()).expect("files that can be read");
    let _ = purge(dir.path(), 0, NOW_MS);
    let opened = open_log(dir.path());
    if let Ok((log, _)) = opened {
        let appended = log.append_and_wait(b"new".to_vec(), None);
        drop(log);
        if appended.is_ok() {
            let read = read_all(dir.path());
            assert_eq!(read.last().map(Vec::as_slice), Some(b"new".as_slice()), "{report:?}");
            let again = open_log(dir.path()).expect("it was opened before").1;
            assert_eq!((again.torn, again.damage), (None, Vec::new()));
        }
    }
}

fn apply(bytes: &mut Vec<u8>, (what, at, with): (u8, usize, u8)) {
    match what % 6 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= with;
            }
        }
        1 => bytes.truncate(at),
        2 => bytes.insert(at, with),
        3 => {
            let end = (at + usize::from(with)).min(bytes.len());
            bytes.drain(at..end);
        }
        4 => {
            let end = (at + usize::from(with)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.extend(copy);
        }
        // A right checksum over whatever the record says its length is: what a hand that knows the format leaves.
        _ => {
            let at = bytes.windows(8).position(|w| w[1..4] == [0, 0, 0] && w[0] == with).unwrap_or(at);
            let Some(head) = bytes.get(at..at + 8) else { return };
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let Some(body) = bytes.get(at + 8..(at + 8).saturating_add(length)) else { return };
            let mut sum = crc32fast::Hasher::new();
            sum.update(&bytes[at..at + 4]);
            sum.update(body);
            let sum = sum.finalize().to_le_bytes();
            bytes[at + 4..at + 8].copy_from_slice(&sum);
        }
    }
}

/// Everything that can be read. Damage is passed over, and there is an end to it.
fn read_all(dir: &Path) -> Vec<Vec<u8>> {
    const STEPS_MAX: usize = 100_000;
    let (mut reader, mut records) = (Reader::new(dir), Vec::new());
    for _ in 0..STEPS_MAX {
        match reader.read() {
            Ok(Some(found)) => records.push(found.record.public),
            Ok(None) => return records,
            Err(LogError::Damaged(_)) => {}
            Err(e) => panic!("{e}"),
        }
    }
    panic!("reading has no end");
}
