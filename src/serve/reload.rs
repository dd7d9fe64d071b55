//! Another bundle while requests go on: read → lint → compile → self-check → swap. Whatever fails, the last good one stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Problem, ProblemCode};
use super::service::Service;
use crate::engine::{Bundle, Scratch, embedded_files, evaluate, samples};
use crate::model::{Item, Verdict};
use crate::store::entry::{Entry, ServiceEntry};
use crate::store::read_bundle_dir;
use crate::telemetry::Clock;

/// Who wants a change, and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleChange {
    /// Who wants it; the name of the key when absent.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub author: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: String,
    /// Whether the new bundle may have far fewer terms or rules than the old one.
    #[serde(default)]
    pub allow_shrink: bool,
}

/// Which bundle judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleState {
    /// Version of the bundle that judges.
    pub live: String,
    /// Its terms.
    pub terms: usize,
    /// Its rules.
    pub rules: usize,
    /// Version of the one before, which a rollback brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Why the last change was refused; absent after one that was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Longest author and reason, characters.
const AUTHOR_CHARS_MAX: usize = 200;
const REASON_CHARS_MAX: usize = 2000;
/// A bundle with less than so many hundredths of the terms or rules of the one before is taken for a half-written one.
const SHRINK_PERCENT_MIN: usize = 70;
/// Most hundredths of the benign samples that a bundle may hold back or block.
const BENIGN_PERCENT_MAX: usize = 5;
/// Cases of its own that a bundle has to pass: items, one a line, each with a `verdict`.
const GOLDEN_FILE: &str = "golden.jsonl";
/// Largest file of these.
const GOLDEN_BYTES_MAX: u64 = 16 << 20;
/// Deepest folder of a bundle that is watched.
const DEPTH_MAX: usize = 8;

/// What a directory looked like: its files with length and time.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// What is known of changes.
#[derive(Debug, Default)]
pub(super) struct Reloader {
    /// Held during a change: one at a time.
    turn: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    previous: Option<Arc<Bundle>>,
    refused: Option<String>,
    /// The directory when it was looked at last, and when it was last taken or refused.
    seen: Stamp,
    taken: Stamp,
}

impl Reloader {
    /// The directory as it is now counts as taken.
    pub(super) fn new(dir: Option<&Path>) -> Self {
        let taken = dir.map(stamp).unwrap_or_default();
        let state = State { seen: taken.clone(), taken, ..State::default() };
        Self { turn: Mutex::new(()), state: Mutex::new(state) }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Which bundle judges.
    pub(super) fn bundle_state(&self) -> BundleState {
        state_of(&self.bundle(), &self.reloader().lock())
    }

    /// Takes the bundle directory as it is now. Takes as long as a start; nobody waits for it but the caller.
    pub(super) fn reload(&self, change: BundleChange) -> Result<BundleState, Problem> {
        check(&change)?;
        let Some(dir) = self.options().bundle_dir.clone() else {
            let detail = "serve.bundle is not set: the bundle is built into the program";
            return Err(Problem::new(ProblemCode::BundleRefused, detail));
        };
        let _turn = self.reloader().turn();
        self.reloader().lock().taken = stamp(&dir);
        match load(&dir, &self.bundle(), change.allow_shrink) {
            Ok(bundle) => self.swap(&Arc::new(bundle), ("bundle", change)),
            Err(why) => {
                self.reloader().lock().refused = Some(why.clone());
                self.metrics().reloads[1].increment(1);
                let reason = why.clone();
                let noted = self.note_change("bundle_refused", BundleChange { reason, ..change });
                noted.and(Err(Problem::new(ProblemCode::BundleRefused, why)))
            }
        }
    }

    /// Brings the bundle before back.
    pub(super) fn roll_back(&self, change: BundleChange) -> Result<BundleState, Problem> {
        check(&change)?;
        let _turn = self.reloader().turn();
        let previous = self.reloader().lock().previous.clone();
        match previous {
            Some(previous) => self.swap(&previous, ("rollback", change)),
            None => Err(Problem::new(ProblemCode::BundleRefused, "there is no bundle before this one")),
        }
    }

    /// Looks whether the directory has changed and come to rest since the last look, and takes it then.
    pub(super) fn watch_bundle(&self) {
        let Some(dir) = self.options().bundle_dir.as_deref() else { return };
        let found = stamp(dir);
        {
            let mut state = self.reloader().lock();
            let is_at_rest = state.seen == found;
            if found == state.taken || !is_at_rest {
                state.seen = found;
                return;
            }
        }
        let author = "watch".to_owned();
        let reason = "the directory has changed".to_owned();
        // A refusal is in the state, the log and the metrics.
        let _ = self.reload(BundleChange { author, reason, allow_shrink: false });
    }

    /// The change is in the log before it holds.
    fn swap(
        &self,
        bundle: &Arc<Bundle>,
        (event, change): (&str, BundleChange),
    ) -> Result<BundleState, Problem> {
        let before = self.bundle();
        let version = bundle.versions().bundle.clone();
        self.note_version(event, change, version)?;
        let mut state = self.reloader().lock();
        if bundle.versions() != before.versions() {
            state.previous = Some(before);
        }
        state.refused = None;
        self.store_bundle(Arc::clone(bundle));
        self.metrics().reloads[0].increment(1);
        Ok(state_of(bundle, &state))
    }

    fn note_change(&self, event: &str, change: BundleChange) -> Result<(), Problem> {
        self.note_version(event, change, self.bundle().versions().bundle.clone())
    }

    fn note_version(&self, event: &str, change: BundleChange, bundle: String) -> Result<(), Problem> {
        let BundleChange { author, reason, .. } = change;
        let entry = Entry::Service(ServiceEntry { event: event.to_owned(), bundle, author, reason });
        let noted = self.log().append_and_wait(entry.to_bytes(), None);
        noted.map(|_| ()).map_err(|e| Problem::new(ProblemCode::LogUnavailable, e.to_string()))
    }
}

fn check(change: &BundleChange) -> Result<(), Problem> {
    let too_long = |text: &str, most: usize| text.chars().count() > most;
    if too_long(&change.author, AUTHOR_CHARS_MAX) {
        return Err(Problem::new(ProblemCode::InvalidBody, "author_chars_max: 200").at("/author"));
    }
    if too_long(&change.reason, REASON_CHARS_MAX) {
        return Err(Problem::new(ProblemCode::InvalidBody, "reason_chars_max: 2000").at("/reason"));
    }
    Ok(())
}

fn state_of(bundle: &Bundle, state: &State) -> BundleState {
    BundleState {
        live: bundle.versions().bundle.clone(),
        terms: bundle.lexicon.terms().len(),
        rules: bundle.lexicon.rules().len(),
        previous: state.previous.as_ref().map(|bundle| bundle.versions().bundle.clone()),
        refused: state.refused.clone(),
    }
}

/// Reads and checks the bundle of a directory.
fn load(dir: &Path, live: &Bundle, allow_shrink: bool) -> Result<Bundle, String> {
    let files = read_bundle_dir(dir, &embedded_files()).map_err(|e| e.to_string())?;
    let bundle = Bundle::load(&files, Clock::today()).map_err(|e| e.to_string())?;
    let counts = [
        ("terms", bundle.lexicon.terms().len(), live.lexicon.terms().len()),
        ("rules", bundle.lexicon.rules().len(), live.lexicon.rules().len()),
    ];
    for (what, new, old) in counts {
        if !allow_shrink && new * 100 < old * SHRINK_PERCENT_MIN {
            return Err(format!(
                "it has {new} {what} where {old} were before; allow_shrink takes it nevertheless"
            ));
        }
    }
    check_benign(&bundle)?;
    check_golden(&bundle, &dir.join(GOLDEN_FILE))?;
    Ok(bundle)
}

/// Judges the benign samples of the program: a slip of the pen must not hold back half of a site.
fn check_benign(bundle: &Bundle) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Sample {
        label: String,
    }
    let mut scratch = Scratch::default();
    let (mut items, mut held) = (0, 0);
    for line in samples().lines() {
        let sample: Sample = serde_json::from_str(line).map_err(|e| e.to_string())?;
        if sample.label != "benign" {
            continue;
        }
        let item = Item::from_json(line).map_err(|e| e.to_string())?;
        let outcome = evaluate(bundle, &item, &mut scratch).map_err(|e| e.to_string())?;
        items += 1;
        held += usize::from(outcome.verdict >= Verdict::Review);
    }
    if held * 100 > items * BENIGN_PERCENT_MAX {
        return Err(format!("it holds back or blocks {held} of {items} ordinary texts"));
    }
    Ok(())
}

/// Judges the cases that a bundle brings along.
fn check_golden(bundle: &Bundle, path: &Path) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Want {
        verdict: Verdict,
    }
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    if metadata.len() > GOLDEN_BYTES_MAX {
        return Err(format!("{GOLDEN_FILE} is larger than {GOLDEN_BYTES_MAX} bytes"));
    }
    let text = fs::read_to_string(path).map_err(|e| format!("{GOLDEN_FILE}: {e}"))?;
    let mut scratch = Scratch::default();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let failed = |e: String| format!("{GOLDEN_FILE}:{number}: {e}");
        let want: Want = serde_json::from_str(line).map_err(|e| failed(e.to_string()))?;
        let item = Item::from_json(line).map_err(|e| failed(e.to_string()))?;
        let outcome = evaluate(bundle, &item, &mut scratch).map_err(|e| failed(e.to_string()))?;
        if outcome.verdict != want.verdict {
            let (found, want) = (outcome.verdict.as_str(), want.verdict.as_str());
            return Err(failed(format!("the verdict is {found} and should be {want}")));
        }
    }
    Ok(())
}

/// What a directory looks like now. What cannot be read is left out; reading the bundle will tell.
fn stamp(dir: &Path) -> Stamp {
    let mut stamp = Vec::new();
    walk(dir, DEPTH_MAX, &mut stamp);
    stamp.sort();
    stamp
}

fn walk(dir: &Path, depth: usize, stamp: &mut Stamp) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        // Follows links: a directory of a bundle may be replaced by moving one.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, stamp);
            }
        } else {
            stamp.push((path, metadata.len(), metadata.modified().ok()));
        }
    }
}
