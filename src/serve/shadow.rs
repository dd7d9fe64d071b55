//! A candidate on trial: it judges a share of the same traffic beside the path, and what differs is counted.
//!
//! Only the judgement by content is compared; windows and clusters are one state, which the candidate must not touch.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::canary::Share;
use super::metrics::{Metrics, Shadowed};
use crate::engine::{Bundle, Scratch, decision, evaluate};
use crate::model::{Decision, Item, Surface, Verdict};

/// Items that wait for the candidate; one more is dropped and counted.
const QUEUE_ITEMS_MAX: usize = 1024;
/// Text of the items that wait, bytes.
const QUEUE_BYTES_MAX: usize = 32 << 20;
/// Labels and rules that are counted by name, each; more are counted together.
const NAMES_MAX: usize = 4096;
/// Labels and rules that a report names, each, those with the most changes first.
const NAMES_SHOWN: usize = 100;
/// Examples that are kept for each pair of verdicts: the last ones.
const EXAMPLES_MAX: usize = 4;
/// Rules and labels named in one example.
const EXAMPLE_NAMES_MAX: usize = 16;
/// Characters of an example's text.
const EXAMPLE_CHARS_MAX: usize = 200;

/// How often two bundles judged differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShadowReport {
    /// Version of the candidate.
    pub candidate: String,
    /// Version of the live bundle that it is compared with.
    pub live: String,
    /// Since when, milliseconds since 1970.
    pub since_ms: i64,
    /// Share of the items that the candidate judges beside the live bundle, percent.
    pub shadow_percent: f64,
    /// Items that both have judged by their content.
    pub judged: u64,
    /// Items of the share that were left out because too many waited.
    pub dropped: u64,
    /// Items that the candidate could not judge.
    pub failed: u64,
    /// Items with another verdict.
    pub changed: u64,
    /// How often one verdict became another.
    pub verdicts: Vec<VerdictChange>,
    /// Labels that items gained or lost, the most frequent first.
    pub labels: Vec<NameChange>,
    /// Rules, terms and kinds of contacts that items gained or lost as evidence, the most frequent first.
    pub rules: Vec<NameChange>,
    /// Changes of labels and rules beyond those that are counted by name.
    pub unnamed: u64,
    /// Decisions that the candidate made in earnest, for the accounts of the canary.
    pub canary: Vec<VerdictCount>,
    /// Some items with another verdict, the last ones of each kind.
    pub examples: Vec<ShadowExample>,
}

/// How often one verdict became another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictChange {
    /// Of the live bundle.
    pub live: Verdict,
    /// Of the candidate.
    pub candidate: Verdict,
    /// Items.
    pub items: u64,
}

/// How often a verdict was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictCount {
    /// The verdict.
    pub verdict: Verdict,
    /// Items.
    pub items: u64,
}

/// How often a label or rule came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NameChange {
    /// Id of the label or rule.
    pub id: String,
    /// Items that have it with the candidate only.
    pub gained: u64,
    /// Items that have it with the live bundle only.
    pub lost: u64,
}

/// An item with another verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShadowExample {
    /// The item's id, or the decision's where it has none.
    pub item: String,
    /// Where it is shown.
    pub surface: Surface,
    /// Verdict of the live bundle.
    pub live: Verdict,
    /// Verdict of the candidate.
    pub candidate: Verdict,
    /// Labels and rules that the candidate alone found.
    pub gained: Vec<String>,
    /// Labels and rules that the live bundle alone found.
    pub lost: Vec<String>,
    /// The beginning of its text; absent unless it was asked for and texts are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What the live bundle made of an item.
#[derive(Debug)]
pub(super) struct Observed {
    /// The item as it was sent.
    pub(super) text: String,
    /// What examples are called.
    id: String,
    verdict: Verdict,
    labels: Vec<String>,
    rules: Vec<String>,
}

impl Observed {
    pub(super) fn new(text: &str, decision: &Decision) -> Self {
        let (labels, rules) = names(decision);
        let id = decision.item.clone();
        Self { text: text.to_owned(), id, verdict: decision.verdict, labels, rules }
    }
}

/// Labels of a decision that are more than a trace, and what its evidence rests on; sorted, each once.
fn names(decision: &Decision) -> (Vec<String>, Vec<String>) {
    let mut labels: Vec<String> = decision.labels.iter().map(|label| label.label.clone()).collect();
    let mut rules: Vec<String> = decision.evidence.iter().map(|evidence| evidence.rule.clone()).collect();
    for names in [&mut labels, &mut rules] {
        names.sort_unstable();
        names.dedup();
    }
    (labels, rules)
}

/// A candidate and what is known of it. Ends when nobody holds it any more.
#[derive(Debug)]
pub(super) struct Trial {
    shared: Arc<Shared>,
    sender: Sender<Observed>,
}

#[derive(Debug)]
struct Shared {
    bundle: Arc<Bundle>,
    /// Version that it is compared with.
    live: String,
    since_ms: i64,
    share: Share,
    keep_text: bool,
    is_over: AtomicBool,
    queued_bytes: AtomicUsize,
    books: Mutex<Books>,
    metrics: Arc<Metrics>,
}

/// What a trial is made of.
#[derive(Debug)]
pub(super) struct TrialOptions {
    pub(super) bundle: Arc<Bundle>,
    pub(super) live: String,
    pub(super) since_ms: i64,
    /// Items that the candidate judges beside the path.
    pub(super) share: Share,
    /// Whether examples have text.
    pub(super) keep_text: bool,
}

impl Trial {
    /// Starts the candidate's thread.
    pub(super) fn start(options: TrialOptions, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let (trial, receiver) = Self::idle(options, metrics, QUEUE_ITEMS_MAX);
        let shared = Arc::clone(&trial.shared);
        thread::Builder::new().name("shadow".to_owned()).spawn(move || shared.run(&receiver))?;
        Ok(trial)
    }

    fn idle(options: TrialOptions, metrics: Arc<Metrics>, items_max: usize) -> (Self, Receiver<Observed>) {
        let (sender, receiver) = bounded(items_max);
        let TrialOptions { bundle, live, since_ms, share, keep_text } = options;
        let shared = Shared {
            bundle,
            live,
            since_ms,
            share,
            keep_text,
            is_over: AtomicBool::new(false),
            queued_bytes: AtomicUsize::new(0),
            books: Mutex::default(),
            metrics,
        };
        (Self { shared: Arc::new(shared), sender }, receiver)
    }

    pub(super) fn bundle(&self) -> &Arc<Bundle> {
        &self.shared.bundle
    }

    pub(super) fn share(&self) -> Share {
        self.shared.share
    }

    pub(super) fn since_ms(&self) -> i64 {
        self.shared.since_ms
    }

    /// Hands an item to the candidate if it is in the share. `number` is spread evenly over items. Never waits.
    pub(super) fn offer(&self, number: u64, text: &str, decision: &Decision) {
        let shared = &*self.shared;
        if !shared.share.includes(number) {
            return;
        }
        let waiting = shared.queued_bytes.fetch_add(text.len(), Ordering::Relaxed);
        let is_full = waiting + text.len() > QUEUE_BYTES_MAX || self.sender.is_full();
        if is_full || self.sender.try_send(Observed::new(text, decision)).is_err() {
            shared.queued_bytes.fetch_sub(text.len(), Ordering::Relaxed);
            shared.books().dropped += 1;
            shared.metrics.shadowed(Shadowed::Dropped);
        }
    }

    /// Counts a decision that the candidate made in earnest.
    pub(super) fn decided(&self, verdict: Verdict) {
        self.shared.books().canary[verdict as usize] += 1;
        self.shared.metrics.canary_decided(verdict);
    }

    /// What is known so far, with the texts of examples or without.
    pub(super) fn report(&self, with_text: bool) -> ShadowReport {
        let shared = &*self.shared;
        shared.books().report(shared, with_text)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, receiver: &Receiver<Observed>) {
        let mut scratch = Scratch::default();
        while let Ok(observed) = receiver.recv() {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            self.queued_bytes.fetch_sub(observed.text.len(), Ordering::Relaxed);
            self.compare(&observed, &mut scratch);
        }
    }

    fn compare(&self, observed: &Observed, scratch: &mut Scratch) {
        // A defect that the candidate has must not end its trial: it is what the trial is for.
        let judged = catch_unwind(AssertUnwindSafe(|| self.judge(observed, scratch)));
        match judged.unwrap_or_default() {
            Some((surface, decision)) => {
                self.metrics.shadowed(Shadowed::Judged);
                if decision.verdict != observed.verdict {
                    self.metrics.shadow_changed(observed.verdict, decision.verdict);
                }
                let text = self.keep_text.then(|| beginning(&observed.text));
                self.books().count(observed, (surface, text), &decision);
            }
            None => {
                *scratch = Scratch::default();
                self.metrics.shadowed(Shadowed::Failed);
                self.books().failed += 1;
            }
        }
    }

    fn judge(&self, observed: &Observed, scratch: &mut Scratch) -> Option<(Surface, Decision)> {
        let item = Item::from_json(&observed.text).ok()?;
        evaluate(&self.bundle, &item, scratch).ok()?;
        Some((item.surface(), decision(&self.bundle, &item, &observed.id, scratch)))
    }
}

/// Gained and lost, by id.
#[derive(Debug, Default)]
struct Names(HashMap<String, (u64, u64)>);

impl Names {
    /// Counts an id; false if there are too many.
    fn count(&mut self, id: &str, is_gained: bool) -> bool {
        if self.0.len() >= NAMES_MAX && !self.0.contains_key(id) {
            return false;
        }
        let (gained, lost) = self.0.entry(id.to_owned()).or_default();
        *(if is_gained { gained } else { lost }) += 1;
        true
    }

    fn report(&self) -> Vec<NameChange> {
        let of = |(id, (gained, lost)): (&String, &(u64, u64))| NameChange {
            id: id.clone(),
            gained: *gained,
            lost: *lost,
        };
        let mut all: Vec<NameChange> = self.0.iter().map(of).collect();
        all.sort_by(|a, b| (b.gained + b.lost).cmp(&(a.gained + a.lost)).then_with(|| a.id.cmp(&b.id)));
        all.truncate(NAMES_SHOWN);
        all
    }
}

#[derive(Debug, Default)]
struct Books {
    judged: u64,
    dropped: u64,
    failed: u64,
    /// By verdict of the live bundle and of the candidate.
    verdicts: [[u64; 4]; 4],
    canary: [u64; 4],
    labels: Names,
    rules: Names,
    unnamed: u64,
    /// By both verdicts, as `verdicts`.
    examples: [[Vec<ShadowExample>; 4]; 4],
}

impl Books {
    fn count(
        &mut self,
        observed: &Observed,
        (surface, text): (Surface, Option<String>),
        decision: &Decision,
    ) {
        self.judged += 1;
        let (live, candidate) = (observed.verdict, decision.verdict);
        self.verdicts[live as usize][candidate as usize] += 1;
        let (labels, rules) = names(decision);
        let (mut gained, mut lost) = (Vec::new(), Vec::new());
        for (is_label, old, new) in [(true, &observed.labels, &labels), (false, &observed.rules, &rules)] {
            for (from, without, is_gained) in [(new, old, true), (old, new, false)] {
                for id in from.iter().filter(|id| without.binary_search(id).is_err()) {
                    let names = if is_label { &mut self.labels } else { &mut self.rules };
                    self.unnamed += u64::from(!names.count(id, is_gained));
                    let list = if is_gained { &mut gained } else { &mut lost };
                    if list.len() < EXAMPLE_NAMES_MAX {
                        list.push(id.clone());
                    }
                }
            }
        }
        if live != candidate {
            let item = observed.id.clone();
            let examples = &mut self.examples[live as usize][candidate as usize];
            if examples.len() >= EXAMPLES_MAX {
                examples.remove(0);
            }
            examples.push(ShadowExample { item, surface, live, candidate, gained, lost, text });
        }
    }

    fn report(&self, trial: &Shared, with_text: bool) -> ShadowReport {
        let verdicts = Verdict::ALL.into_iter().flat_map(|live| {
            let of = move |candidate: Verdict| {
                let items = self.verdicts[live as usize][candidate as usize];
                VerdictChange { live, candidate, items }
            };
            Verdict::ALL.map(of)
        });
        let verdicts: Vec<VerdictChange> =
            verdicts.filter(|change| change.live != change.candidate && change.items > 0).collect();
        let examples = self.examples.iter().flatten().flatten().cloned();
        ShadowReport {
            candidate: trial.bundle.versions().bundle.clone(),
            live: trial.live.clone(),
            since_ms: trial.since_ms,
            shadow_percent: trial.share.percent(),
            judged: self.judged,
            dropped: self.dropped,
            failed: self.failed,
            changed: verdicts.iter().map(|change| change.items).sum(),
            verdicts,
            labels: self.labels.report(),
            rules: self.rules.report(),
            unnamed: self.unnamed,
            canary: Verdict::ALL
                .into_iter()
                .map(|verdict| VerdictCount { verdict, items: self.canary[verdict as usize] })
                .collect(),
            examples: examples
                .map(|example| {
                    let text = example.text.filter(|_| with_text);
                    ShadowExample { text, ..example }
                })
                .collect(),
        }
    }
}

/// The beginning of what an item says.
fn beginning(item: &str) -> String {
    let Ok(item) = Item::from_json(item) else { return String::new() };
    let words: Vec<&str> = item.texts().map(|(_, text)| text).collect();
    words.join(" / ").chars().take(EXAMPLE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{embedded_files, plain_decision};
    use crate::model::LabelScore;

    fn with_label(decision: &Decision, label: &str, verdict: Verdict) -> Decision {
        let label = LabelScore { label: label.to_owned(), score: 1.0 };
        Decision { labels: vec![label], verdict, ..decision.clone() }
    }

    #[test]
    fn what_does_not_fit_is_dropped_what_cannot_be_judged_is_counted_and_names_are_bounded() {
        let bundle = Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).unwrap();
        let bundle = Arc::new(bundle);
        let options = TrialOptions {
            bundle: Arc::clone(&bundle),
            live: "live".to_owned(),
            since_ms: 7,
            share: Share::from_percent(50.0).unwrap(),
            keep_text: false,
        };
        let (trial, receiver) = Trial::idle(options, Arc::new(Metrics::new().unwrap()), 2);
        let plain = plain_decision(&bundle, "p1");
        let item = r#"{"text":"今天天气很好"}"#;
        // Of these the even half is in the share.
        for number in [0, 9_999, 1, 5_000, 4_999, 10_000] {
            trial.offer(number, item, &plain);
        }
        assert_eq!((receiver.len(), trial.report(true).dropped), (2, 2));
        assert_eq!(trial.shared.queued_bytes.load(Ordering::Relaxed), 2 * item.len());
        let long = " ".repeat(QUEUE_BYTES_MAX);
        receiver.recv().unwrap();
        trial.offer(0, &long, &plain);
        assert_eq!((receiver.len(), trial.report(true).dropped), (1, 3), "beside what waits it is too much");

        let mut scratch = Scratch::default();
        let shared = &trial.shared;
        shared.compare(&Observed::new(item, &plain), &mut scratch);
        shared.compare(&Observed::new("no item", &plain), &mut scratch);
        let other = with_label(&plain, "fraud", Verdict::Review);
        for n in 0..EXAMPLES_MAX + 3 {
            let other = Decision { item: format!("p{n}"), ..other.clone() };
            shared.compare(&Observed::new(item, &other), &mut scratch);
        }
        let report = trial.report(true);
        assert_eq!((report.judged, report.failed, report.changed), (8, 1, 7));
        let lost = NameChange { id: "fraud".to_owned(), gained: 0, lost: 7 };
        assert_eq!((report.labels.as_slice(), report.rules.len()), ([lost].as_slice(), 0));
        let examples: Vec<&str> = report.examples.iter().map(|example| example.item.as_str()).collect();
        assert_eq!(examples, ["p3", "p4", "p5", "p6"], "the last ones");
        assert!(report.examples.iter().all(|example| example.text.is_none()));

        for n in 0..NAMES_MAX + 10 {
            let many = with_label(&plain, &format!("label-{n}"), Verdict::Pass);
            shared.books().count(&Observed::new(item, &many), (Surface::Post, None), &plain);
        }
        let report = trial.report(true);
        assert_eq!((report.labels.len(), report.unnamed), (NAMES_SHOWN, 11));
        assert_eq!(report.labels[0].id, "fraud");
    }
}
