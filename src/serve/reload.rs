//! Another bundle while requests go on: read → lint → compile → self-check → swap, or first on trial. Whatever fails, the last
//! good one stays. Each change is in the log before it holds, with author, reason and time; refused ones are there too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::canary::{Canary, Share};
use super::changes::{BundleChange, BundleState, CanaryChange, CandidateChange, CandidateState};
use super::kept::{Kept, KeptState, Name, Starting};
use super::metrics::Change;
use super::options::ServeOptions;
use super::problem::{Problem, ProblemCode};
use super::roster::{Candidate, Roster, account_hash};
use super::service::Service;
use super::shadow::{ShadowReport, Trial, TrialOptions};
use super::vet::{Demands, Sizes, Vetted, compile, vet};
use super::watch::{Stamp, stamp};
use crate::engine::Bundle;
use crate::lexicon::SourceFile;
use crate::store::entry::{Entry, ServiceEntry, TextPolicy};
use crate::telemetry::Clock;

/// Changes that may wait for each other.
pub(super) const CHANGES_MAX: usize = 4;

/// What is known of changes.
#[derive(Debug)]
pub(super) struct Reloader {
    /// Held during a change: one at a time.
    turn: Mutex<()>,
    /// One for each that waits for its turn.
    places: Arc<Semaphore>,
    state: Mutex<State>,
    kept: Kept,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// What is noted on the disk; none for a bundle that was put together in memory.
    kept: Option<KeptState>,
    /// In memory, and under which name it is kept.
    previous: Option<(Arc<Bundle>, Option<Name>)>,
    /// The files of the candidate, with its name.
    candidate: Option<(Vec<SourceFile>, Name)>,
    refused: Option<String>,
    /// The directory when it was looked at last, and when it was last taken or refused.
    pub(super) seen: Stamp,
    pub(super) taken: Stamp,
}

/// A bundle that is to become the live one.
struct Successor {
    bundle: Arc<Bundle>,
    /// None for one that is not kept.
    name: Option<Name>,
    /// Its files, unless they are kept already.
    files: Vec<SourceFile>,
    /// Whether it is what the bundle directory holds now.
    is_source: bool,
}

/// What a change leads to.
enum Next {
    /// Another live bundle. The flag says whether the trial is over.
    Live(Box<Successor>, bool),
    /// The same live bundle, and this beside it.
    Beside(Option<Candidate>, Option<(Vec<SourceFile>, Name)>),
}

impl Reloader {
    /// The directory as it is now counts as taken. A bundle that cannot be kept, on a full disk say, judges nevertheless.
    pub(super) fn new(options: &ServeOptions, starting: &Starting) -> Self {
        let taken = options.bundle_dir.as_deref().map(stamp).unwrap_or_default();
        let kept = Kept::new(&options.data_dir);
        let mut state = State { seen: taken.clone(), taken, ..State::default() };
        state.refused.clone_from(&starting.refused);
        if let Some((files, noted)) = &starting.origin {
            let done = kept.save(&noted.live.checksum, files).and_then(|()| kept.note(noted));
            if let Err(e) = done {
                tracing::warn!(error = %e, "the bundle could not be kept below the data directory");
            }
            state.kept = Some(noted.clone());
        }
        let places = Arc::new(Semaphore::new(CHANGES_MAX));
        Self { turn: Mutex::new(()), places, state: Mutex::new(state), kept }
    }

    /// A place among those that wait for their turn, if there is one.
    pub(super) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Which bundle judges.
    pub(super) fn bundle_state(&self) -> BundleState {
        state_of(&self.roster(), &self.reloader().lock())
    }

    /// What is known of the candidate.
    pub(super) fn shadow_report(&self, with_text: bool) -> Result<ShadowReport, Problem> {
        let roster = self.roster();
        let candidate = roster.candidate.as_ref();
        let report = candidate.map(|candidate| candidate.trial.report(with_text));
        report.ok_or_else(|| Problem::new(ProblemCode::NotFound, "no bundle is being tried"))
    }

    /// Takes the bundle directory as it is now. Takes as long as a start; nobody waits for it but the caller.
    pub(super) fn reload(&self, change: BundleChange) -> Result<BundleState, Problem> {
        self.change(Change::Bundle, change, String::new(), |change| {
            let Some(dir) = self.options().bundle_dir.clone() else {
                return Err("serve.bundle is not set: the bundle is built into the program".to_owned());
            };
            self.reloader().lock().taken = stamp(&dir);
            let Vetted { bundle, files, checksum } =
                vet(Some(&dir), Some(&Sizes::of(&self.bundle())), self.demands(change))?;
            let name = Name { checksum, version: bundle.versions().bundle.clone() };
            let bundle = Arc::new(bundle);
            let successor = Successor { bundle, name: Some(name), files, is_source: true };
            Ok(Next::Live(Box::new(successor), false))
        })
    }

    /// Brings the bundle before back.
    pub(super) fn roll_back(&self, change: BundleChange) -> Result<BundleState, Problem> {
        self.change(Change::Rollback, change, String::new(), |change| {
            let (in_memory, kept) = {
                let state = self.reloader().lock();
                (state.previous.clone(), state.kept.as_ref().and_then(|kept| kept.previous.clone()))
            };
            let (bundle, name) = match (in_memory, kept) {
                (Some(previous), _) => previous,
                (None, Some(name)) => {
                    (Arc::new(compile(&self.reloader().kept.load(&name.checksum)?)?), Some(name))
                }
                (None, None) => return Err("there is no bundle before this one".to_owned()),
            };
            expect_version(change, &bundle)?;
            let successor = Successor { bundle, name, files: Vec::new(), is_source: false };
            Ok(Next::Live(Box::new(successor), false))
        })
    }

    /// Puts the bundle of the candidate directory on trial, in place of the one that was.
    pub(super) fn try_candidate(&self, change: CandidateChange) -> Result<BundleState, Problem> {
        let CandidateChange { author, reason, allow_shrink, expected_version, .. } = change;
        let shadow = change.shadow_percent.map(|percent| Share::asked(percent, "/shadow_percent"));
        let shadow = shadow.transpose()?.unwrap_or(self.options().bundles.shadow);
        let canary = Share::asked(change.canary_percent, "/canary_percent")?;
        let detail = format!("shadow {} %, canary {} %", shadow.percent(), canary.percent());
        let change = BundleChange { author, reason, allow_shrink, expected_version };
        self.change(Change::Candidate, change, detail, |change| {
            let options = self.options();
            let dir = options.bundles.candidate_dir.as_deref().or(options.bundle_dir.as_deref());
            let Some(dir) = dir else {
                return Err("neither bundles.candidate nor serve.bundle is set".to_owned());
            };
            let live = self.bundle();
            let Vetted { bundle, files, checksum } =
                vet(Some(dir), Some(&Sizes::of(&live)), self.demands(change))?;
            if bundle.versions() == live.versions() {
                return Err("it is the live bundle".to_owned());
            }
            let name = Name { checksum, version: bundle.versions().bundle.clone() };
            let hash = account_hash(&options.data_dir).map_err(|e| format!("canary.key: {e}"))?;
            let trial = self.trial(Arc::new(bundle), &live, shadow).map_err(|e| e.to_string())?;
            let candidate = Candidate { trial: Arc::new(trial), canary: Canary::new(hash, canary) };
            Ok(Next::Beside(Some(candidate), Some((files, name))))
        })
    }

    /// Gives the candidate another share of the accounts.
    pub(super) fn set_canary(&self, change: CanaryChange) -> Result<BundleState, Problem> {
        let CanaryChange { author, reason, percent } = change;
        let share = Share::asked(percent, "/percent")?;
        let change = BundleChange { author, reason, ..BundleChange::default() };
        self.change(Change::Canary, change, format!("canary {} %", share.percent()), |_| {
            let roster = self.roster();
            let Candidate { trial, canary } = roster.candidate.as_ref().ok_or_else(no_candidate)?;
            let candidate = Candidate { trial: Arc::clone(trial), canary: canary.with(share) };
            Ok(Next::Beside(Some(candidate), self.reloader().lock().candidate.clone()))
        })
    }

    /// Makes the candidate the live bundle.
    pub(super) fn promote(&self, change: BundleChange) -> Result<BundleState, Problem> {
        self.change(Change::Promote, change, String::new(), |change| {
            let roster = self.roster();
            let candidate = roster.candidate.as_ref().ok_or_else(no_candidate)?;
            let bundle = Arc::clone(candidate.trial.bundle());
            expect_version(change, &bundle)?;
            let (files, name) = self.reloader().lock().candidate.clone().ok_or_else(no_candidate)?;
            let successor = Successor { bundle, name: Some(name), files, is_source: false };
            Ok(Next::Live(Box::new(successor), true))
        })
    }

    /// Ends the trial.
    pub(super) fn abort(&self, change: BundleChange) -> Result<BundleState, Problem> {
        self.change(Change::Abort, change, String::new(), |change| {
            let roster = self.roster();
            let candidate = roster.candidate.as_ref().ok_or_else(no_candidate)?;
            expect_version(change, candidate.trial.bundle())?;
            Ok(Next::Beside(None, None))
        })
    }

    fn demands<'c>(&self, change: &'c BundleChange) -> Demands<'c> {
        Demands {
            expected_version: &change.expected_version,
            allow_shrink: change.allow_shrink,
            is_manifest_required: self.options().bundles.is_manifest_required,
        }
    }

    fn trial(&self, bundle: Arc<Bundle>, live: &Bundle, share: Share) -> std::io::Result<Trial> {
        let options = TrialOptions {
            bundle,
            live: live.versions().bundle.clone(),
            since_ms: Clock::now_ms(),
            share,
            keep_text: self.options().text_policy == TextPolicy::Keep,
        };
        Trial::start(options, Arc::clone(self.metrics()))
    }

    /// One change after the other: finds out what it leads to, notes it, makes it hold.
    fn change(
        &self,
        kind: Change,
        change: BundleChange,
        detail: String,
        find: impl FnOnce(&BundleChange) -> Result<Next, String>,
    ) -> Result<BundleState, Problem> {
        change.check()?;
        let _turn = self.reloader().turn();
        let version = self.bundle().versions().bundle.clone();
        match find(&change) {
            Ok(Next::Live(successor, ends_trial)) => self.succeed(kind, change, *successor, ends_trial),
            Ok(Next::Beside(candidate, files)) => {
                let detail = match &candidate {
                    Some(candidate) => {
                        format!("candidate {}: {detail}", candidate.trial.bundle().versions().bundle)
                    }
                    None => detail,
                };
                self.note_change(kind.as_str(), change, (version, detail))?;
                self.metrics().changed(kind, true);
                self.store_roster(Roster { live: self.bundle(), candidate });
                let mut state = self.reloader().lock();
                state.candidate = files;
                state.refused = None;
                Ok(state_of(&self.roster(), &state))
            }
            Err(why) => {
                tracing::warn!(change = kind.as_str(), "a change of the bundle was refused");
                self.metrics().changed(kind, false);
                self.reloader().lock().refused = Some(why.clone());
                let noted =
                    self.note_change(&format!("{}_refused", kind.as_str()), change, (version, why.clone()));
                noted.and(Err(Problem::new(ProblemCode::BundleRefused, why)))
            }
        }
    }

    /// Another live bundle. Its files are kept and the change is in the log before it holds.
    fn succeed(
        &self,
        kind: Change,
        change: BundleChange,
        successor: Successor,
        ends_trial: bool,
    ) -> Result<BundleState, Problem> {
        let Successor { bundle, name, files, is_source } = successor;
        let before = self.roster();
        let reloader = self.reloader();
        if let Some(name) = name.as_ref().filter(|_| !files.is_empty()) {
            let kept = reloader.kept.save(&name.checksum, &files);
            kept.map_err(|e| Problem::new(ProblemCode::LogUnavailable, format!("the bundle: {e}")))?;
        }
        self.note_change(kind.as_str(), change, (bundle.versions().bundle.clone(), String::new()))?;
        self.metrics().changed(kind, true);
        let candidate = before.candidate.as_ref().filter(|_| !ends_trial);
        // The candidate is compared with another bundle from now on: its counts begin anew.
        let candidate = candidate.and_then(|candidate| {
            let trial = &candidate.trial;
            let trial = self.trial(Arc::clone(trial.bundle()), &bundle, trial.share()).ok()?;
            Some(Candidate { trial: Arc::new(trial), canary: candidate.canary })
        });
        let mut state = reloader.lock();
        if candidate.is_none() {
            state.candidate = None;
        }
        if bundle.versions() != before.live.versions() {
            let name = state.kept.as_ref().map(|kept| kept.live.clone());
            state.previous = Some((Arc::clone(&before.live), name));
        }
        state.refused = None;
        state.kept = name.map(|live| noted(state.kept.take(), live, &bundle, is_source));
        if let Some(kept) = &state.kept
            && reloader.kept.note(kept).is_err()
        {
            // The change is in the log and holds; only a restart would begin with another bundle.
            tracing::warn!("the live bundle could not be noted below the data directory");
        }
        self.store_roster(Roster { live: bundle, candidate });
        Ok(state_of(&self.roster(), &state))
    }

    fn note_change(
        &self,
        event: &str,
        change: BundleChange,
        (bundle, detail): (String, String),
    ) -> Result<(), Problem> {
        let BundleChange { author, reason, .. } = change;
        tracing::info!(event, bundle, "bundle");
        let entry = Entry::Service(ServiceEntry { event: event.to_owned(), bundle, author, reason, detail });
        let noted = self.log().append_and_wait(entry.to_bytes(), None);
        noted.map(|_| ()).map_err(|e| Problem::new(ProblemCode::LogUnavailable, e.to_string()))
    }
}

/// What is noted on the disk once a bundle has become the live one.
fn noted(before: Option<KeptState>, live: Name, bundle: &Bundle, is_source: bool) -> KeptState {
    let before = before.unwrap_or_default();
    let previous = if before.live.checksum == live.checksum { before.previous } else { Some(before.live) };
    let source = if is_source { live.checksum.clone() } else { before.source };
    KeptState {
        live,
        sizes: Sizes::of(bundle),
        previous: previous.filter(|name| !name.checksum.is_empty()),
        dir: before.dir,
        source,
    }
}

fn no_candidate() -> String {
    "no bundle is being tried".to_owned()
}

fn expect_version(change: &BundleChange, bundle: &Bundle) -> Result<(), String> {
    let (expected, found) = (&change.expected_version, &bundle.versions().bundle);
    if expected.is_empty() || expected == found {
        return Ok(());
    }
    Err(format!("its version is {found} and not the expected {expected}"))
}

fn state_of(roster: &Roster, state: &State) -> BundleState {
    let candidate = roster.candidate.as_ref().map(|Candidate { trial, canary }| {
        let lexicon = &trial.bundle().lexicon;
        CandidateState {
            version: trial.bundle().versions().bundle.clone(),
            terms: lexicon.terms().len(),
            rules: lexicon.rules().len(),
            since_ms: trial.since_ms(),
            shadow_percent: trial.share().percent(),
            canary_percent: canary.share.percent(),
        }
    });
    let kept = state.kept.as_ref();
    let previous = state.previous.as_ref().map(|(bundle, _)| bundle.versions().bundle.clone());
    BundleState {
        live: roster.live.versions().bundle.clone(),
        checksum: kept.map(|kept| kept.live.checksum.clone()),
        terms: roster.live.lexicon.terms().len(),
        rules: roster.live.lexicon.rules().len(),
        previous: previous.or_else(|| kept?.previous.as_ref().map(|name| name.version.clone())),
        refused: state.refused.clone(),
        candidate,
    }
}
