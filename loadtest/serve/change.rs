//! Scenarios in which the service itself changes under load: other bundles, ends and starts.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::bench::Bench;
use super::load::{Load, Watch, WhenFull, fresh_prefix};
use super::mix::Mix;
use super::options::Arguments;
use super::report::{Bar, Report};
use super::server::End;
use super::tally::Tally;
use super::wire::{post_into, read_reply};

/// Normal traffic, requests a second, unless told otherwise.
const RATE: f64 = 1000.0;
/// Posts that carry the term which changes its label, a second.
const MARK_RATE: f64 = 5.0;
/// Longest run, seconds.
const SECONDS_MAX: u64 = 60 * 60;
/// How long the service runs between two ends.
const UP: Duration = Duration::from_millis(1500);
const MARK: &str = "载测标记甲乙";
const MARK_LABELS: [&str; 2] = ["gambling.platform", "fraud.brushing_jobs"];

/// Runs a load on a thread until it is told to stop.
struct Running {
    stop: Arc<AtomicBool>,
    loads: Vec<thread::JoinHandle<Result<Tally>>>,
}

impl Running {
    fn start(loads: Vec<Load>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |load: Load| {
            let load = Load { stop: Some(Arc::clone(&stop)), ..load };
            thread::spawn(move || load.run())
        };
        Self { loads: loads.into_iter().map(start).collect(), stop }
    }

    fn finish(self) -> Result<Vec<Tally>> {
        self.stop.store(true, Ordering::Relaxed);
        let join =
            |load: thread::JoinHandle<Result<Tally>>| load.join().map_err(|_| anyhow!("a load broke off"))?;
        self.loads.into_iter().map(join).collect()
    }
}

/// Which labels were seen under which version, and all versions that were named.
#[derive(Default)]
struct Versions {
    labels: Mutex<HashMap<String, HashSet<String>>>,
}

impl Watch for Versions {
    fn answered(&self, _number: u64, body: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
        let version = answer["versions"]["bundle"].as_str().unwrap_or_default().to_owned();
        let labels =
            answer["labels"].as_array().into_iter().flatten().filter_map(|label| label["label"].as_str());
        let marks = labels.filter(|label| MARK_LABELS.contains(label)).collect::<Vec<_>>().join("+");
        self.labels.lock().unwrap_or_else(PoisonError::into_inner).entry(version).or_default().insert(marks);
    }
}

/// Another bundle, again and again: nothing fails, and each answer is that of one bundle which was live.
pub(super) fn reload(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    let dir = tempfile::tempdir()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries"), dir.path())?;
    mark(dir.path(), 0)?;
    let path = dir.path().display().to_string();
    let bench = Bench::start(arguments, mix, arguments.service(&["--bundle", &path])?)?;
    let texts: Vec<String> = (0..200).map(|n| format!("第{n}条，{MARK}，请看{}号说明", n * 7919)).collect();
    let marks = Mix::of(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &fresh_prefix());
    let (normal, marked) = (Arc::new(Versions::default()), Arc::new(Versions::default()));
    let rate = arguments.rate.unwrap_or(RATE);
    let usual = Load { watch: Some(normal.clone()), ..bench.load(bench.arrivals(rate), SECONDS_MAX) };
    let marks = Load {
        mix: Arc::new(marks),
        connections: 4,
        watch: Some(marked.clone()),
        ..bench.load(bench.arrivals(MARK_RATE), SECONDS_MAX)
    };
    let running = Running::start(vec![usual, marks]);
    let (mut live, mut refused) = (HashSet::from([state(bench.address, None)?]), 0);
    for round in 1..=arguments.reloads {
        mark(dir.path(), round)?;
        match state(bench.address, Some(json!({ "author": "loadtest", "reason": format!("round {round}") })))
        {
            Ok(version) => {
                live.insert(version);
            }
            Err(e) => {
                report.line(&format!("reload {round}: {e}"));
                refused += 1;
            }
        }
    }
    let tallies = running.finish()?;
    report.line(&tallies[0].line("normal traffic"));
    report.line(&tallies[1].line("marked posts"));
    report.figure("normal", tallies[0].json());
    let lost = tallies.iter().map(|tally| tally.errors() + tally.shed.len()).sum::<u64>();
    let (named, labels) = (normal.labels.lock(), marked.labels.lock());
    let (named, labels) =
        (named.unwrap_or_else(PoisonError::into_inner), labels.unwrap_or_else(PoisonError::into_inner));
    let unknown = named.keys().chain(labels.keys()).filter(|&version| !live.contains(version)).count();
    let mixed = labels.values().filter(|labels| labels.len() != 1).count();
    report.line(&format!(
        "{} versions were live, {} of them named; marked posts: {labels:?}",
        live.len(),
        named.len()
    ));
    report.promise("reloads that were refused", (f64::from(refused), "reloads"), Bar::AtMost(0.0));
    report.promise("requests that failed", (lost as f64, "requests"), Bar::AtMost(0.0));
    report.promise("versions that were never live", (unknown as f64, "versions"), Bar::AtMost(0.0));
    report.promise("versions with mixed answers", (mixed as f64, "versions"), Bar::AtMost(0.0));
    report.promise(
        "versions that answered marked posts",
        (labels.len() as f64, "versions"),
        Bar::AtLeast(2.0),
    );
    Ok(())
}

/// Writes the term whose label tells which bundle judged.
fn mark(bundle: &Path, round: usize) -> Result<()> {
    let label = MARK_LABELS[round % 2];
    let terms = format!(
        "severity = \"medium\"\nterms = [\n  {{ id = \"loadtest.1\", text = \"{MARK}\", label = \"{label}\", weight = 1000 }},\n]\n"
    );
    // The directory is watched: no file of it is ever half-written.
    let (new, place) = (bundle.join("loadtest.new"), bundle.join("lexicon/loadtest.toml"));
    fs::write(&new, terms)?;
    Ok(fs::rename(new, place)?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

/// Changes the bundle, if there is a body, and returns the version that is live.
fn state(address: SocketAddr, change: Option<Value>) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut stream = TcpStream::connect(address).await?;
        let mut request = Vec::new();
        match change {
            Some(change) => post_into("/v1/bundles", change.to_string().as_bytes(), &mut request),
            None => request.extend_from_slice(b"GET /v1/bundles HTTP/1.1\r\nhost: service\r\n\r\n"),
        }
        stream.write_all(&request).await?;
        let mut reply = Vec::new();
        let head = read_reply(&mut stream, &mut reply).await?;
        ensure!(head.status == 200, "status {}: {}", head.status, String::from_utf8_lossy(&reply));
        let state: Value = serde_json::from_slice(&reply)?;
        Ok(state["live"].as_str().context("no live version")?.to_owned())
    })
}

/// Decisions that were acknowledged: the item and the decision's id.
#[derive(Default)]
struct Acknowledged(Mutex<Vec<(String, String)>>);

impl Watch for Acknowledged {
    fn answered(&self, _number: u64, body: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
        let [item, id] = ["item", "id"].map(|key| answer[key].as_str().unwrap_or_default().to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((item, id));
    }
}

/// The service is ended, in order and without warning, and started again. Callers send again what was not answered.
pub(super) fn restart(arguments: &Arguments, mix: &Mix, report: &mut Report) -> Result<()> {
    let mut bench = Bench::of(arguments, mix)?;
    let acknowledged = Arc::new(Acknowledged::default());
    let load = Load {
        when_full: WhenFull::Insist,
        watch: Some(acknowledged.clone()),
        ..bench.load(bench.arrivals(arguments.rate.unwrap_or(RATE)), SECONDS_MAX)
    };
    let running = Running::start(vec![load]);
    let server = bench.own()?;
    for round in 0..arguments.restarts {
        thread::sleep(UP);
        server.end(if round % 2 == 0 { End::Killed } else { End::Asked })?;
        server.start_again()?;
    }
    thread::sleep(UP);
    let tallies = running.finish()?;
    server.end(End::Asked)?;
    report.line(&tallies[0].line("service"));
    report.figure("service", tallies[0].json());
    let acknowledged = acknowledged.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut by_id, mut by_item) = (HashMap::<String, u32>::new(), HashMap::<String, u32>::new());
    for line in server.log()?.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let record: Value = serde_json::from_slice(line)?;
        // Follow-ups were asked for by nobody.
        if record["kind"] == "decision" && record.get("surface").is_some() {
            *by_id.entry(record["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            *by_item
                .entry(record["decision"]["item"].as_str().unwrap_or_default().to_owned())
                .or_default() += 1;
        }
    }
    let missing = acknowledged.iter().filter(|(_, id)| !by_id.contains_key(id)).count();
    let twice = acknowledged
        .iter()
        .filter(|(item, id)| by_id.get(id) != Some(&1) || by_item.get(item) != Some(&1))
        .count();
    let (acked, kept) = (acknowledged.len(), by_id.len());
    report.line(&format!("{acked} decisions acknowledged, {kept} in the log, {} ends", arguments.restarts));
    report.promise("acknowledged decisions", (acked as f64, "decisions"), Bar::AtLeast(1.0));
    report.promise("acknowledged and not in the log", (missing as f64, "decisions"), Bar::AtMost(0.0));
    report.promise(
        "acknowledged and not exactly once in the log",
        (twice as f64, "decisions"),
        Bar::AtMost(0.0),
    );
    let lost = tallies[0].errors() + tallies[0].shed.len();
    report.promise("requests that were never answered", (lost as f64, "requests"), Bar::AtMost(0.0));
    Ok(())
}
