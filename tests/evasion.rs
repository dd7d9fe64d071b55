//! Disguised sentences and innocent look-alikes, judged by the shipped dictionaries.
//!
//! Every technique has violating sentences, each with the same sentence before it was disguised, and clean ones that
//! use the same device, or the same words, for an ordinary purpose. A failing run lists every case that fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use qingliu::engine::{Bundle, Scratch, decision, embedded_files, evaluate};
use qingliu::model::{Decision, Field, Item, Surface, Verdict};
use serde::Deserialize;

/// Loading takes longer than all cases together, so that it is done once.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).expect("the shipped bundle loads")
});

/// The techniques: A code point, B invisible characters, C splitting, D sound, E shape, F other words, G contacts,
/// H carriers, I camouflage.
#[rustfmt::skip]
const TECHNIQUES: [&str; 56] = [
    "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11",
    "B12", "B13", "B14", "B15", "B16", "B17", "B18",
    "C19", "C20", "C21", "C22", "C23", "C24", "C25", "C26", "C27", "C28",
    "D29", "D30", "D31", "D32", "D33", "D34", "D35", "D36", "D37", "D38",
    "E39", "E40", "E41", "E42", "E43", "E44",
    "F45", "F46", "F47", "F48", "F49",
    "G50", "G51", "G52", "G53", "G54",
    "H55",
    "I56",
];

/// Fewest disguised and fewest clean cases of a technique.
const DISGUISED_MIN: usize = 6;
const CLEAN_MIN: usize = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// A disguised sentence, or a clean one that looks like one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Begins with the technique in lower case.
    name: String,
    /// One of [`TECHNIQUES`].
    technique: String,
    #[serde(default)]
    clean: bool,
    /// The sentence without its disguise.
    #[serde(default)]
    base: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// The level-one label of the sentence, where it is clear.
    label: Option<String>,
    /// Why the disguise is not seen through yet.
    missed: Option<String>,
}

/// Least share of the disguised cases that is flagged.
const FLAGGED_PERCENT_MIN: usize = 91;

impl Case {
    fn item(&self) -> Item<'_> {
        // As profiles are sent: the name comes first.
        let (names, others): (Vec<_>, Vec<_>) = self.fields.iter().partition(|(name, _)| *name == "name");
        let field = |(name, text): (&'_ String, &'_ String)| Field {
            name: name.clone().into(),
            text: text.clone().into(),
        };
        let fields = names.into_iter().chain(others).map(field);
        Item { title: self.title.as_str().into(), fields: fields.collect(), ..post(&self.text) }
    }

    /// What is wrong with the case itself.
    fn fault(&self) -> Option<&'static str> {
        let is_clean_only = self.base.is_empty() && self.label.is_none() && self.missed.is_none();
        let begins_right = self.name.starts_with(&format!("{}_", self.technique.to_lowercase()));
        let is_empty = self.text.is_empty() && self.title.is_empty() && self.fields.is_empty();
        if !begins_right {
            Some("the name begins with the technique")
        } else if !TECHNIQUES.contains(&self.technique.as_str()) {
            Some("the technique is none of the table")
        } else if is_empty {
            Some("there is nothing to judge")
        } else if self.clean && !is_clean_only {
            Some("a clean case has no base, no label and no `missed`")
        } else if !self.clean && (self.base.is_empty() || self.base == self.text) {
            Some("a violating case has a base, and is not the same as its base")
        } else if self.missed.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            Some("`missed` gives a reason")
        } else {
            None
        }
    }
}

/// A post with nothing but a text.
fn post(text: &str) -> Item<'_> {
    Item { surface: Some(Surface::Post), text: Some(text.into()), ..Item::default() }
}

fn judge(item: &Item<'_>, id: &str, scratch: &mut Scratch) -> Decision {
    evaluate(&BUNDLE, item, scratch).expect("the item is within the limits");
    decision(&BUNDLE, item, id, scratch)
}

fn is_flagged(found: &Decision) -> bool {
    found.verdict >= Verdict::Limit
}

/// Whether the decision carries the label that the case names; a case without one asks for none.
fn is_labelled(case: &Case, found: &Decision) -> bool {
    case.label.as_ref().is_none_or(|want| found.labels.iter().any(|label| label.label == *want))
}

/// Verdict, labels and evidence ids on one line.
fn summary(found: &Decision) -> String {
    let mut line = format!("{} {:.2}", found.verdict.as_str(), found.score);
    for label in &found.labels {
        write!(line, " {}={:.2}", label.label, label.score).unwrap();
    }
    line.push_str(" |");
    for evidence in &found.evidence {
        write!(line, " {}{:+.2}", evidence.rule, evidence.weight).unwrap();
    }
    line
}

/// All cases, in the order of the files.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/evasion");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let file: CaseFile = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        file.case
    };
    paths.iter().flat_map(read).collect()
}

/// One technique: how many disguised sentences there are, and how many are found.
#[derive(Default)]
struct Tally {
    all: usize,
    flagged: usize,
    /// Flagged, and under the label of the case.
    labelled: usize,
}

#[test]
fn every_technique_has_six_disguised_and_two_clean_cases() {
    let (cases, mut names, mut wrong) = (cases(), BTreeSet::new(), String::new());
    for case in &cases {
        if let Some(fault) = case.fault() {
            writeln!(wrong, "{}: {fault}", case.name).unwrap();
        }
        if !names.insert(case.name.as_str()) {
            writeln!(wrong, "{}: another case has this name", case.name).unwrap();
        }
    }
    for technique in TECHNIQUES {
        let count = |clean: bool| {
            cases.iter().filter(|case| case.technique == technique && case.clean == clean).count()
        };
        let (disguised, clean) = (count(false), count(true));
        if disguised < DISGUISED_MIN || clean < CLEAN_MIN {
            writeln!(wrong, "{technique}: {disguised} disguised and {clean} clean cases").unwrap();
        }
    }
    assert!(wrong.is_empty(), "of {} cases:\n{wrong}", cases.len());
}

#[test]
fn no_clean_look_alike_is_held() {
    let (mut scratch, mut wrong) = (Scratch::default(), String::new());
    for case in cases().iter().filter(|case| case.clean) {
        let found = judge(&case.item(), &case.name, &mut scratch);
        if found.verdict != Verdict::Pass {
            writeln!(wrong, "{}: {}", case.name, summary(&found)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "clean look-alikes that do not pass:\n{wrong}");
}

#[test]
fn every_base_is_flagged_without_its_disguise() {
    let (mut scratch, mut wrong) = (Scratch::default(), String::new());
    for case in cases().iter().filter(|case| !case.clean) {
        let found = judge(&post(&case.base), &case.name, &mut scratch);
        if !is_flagged(&found) || !is_labelled(case, &found) {
            writeln!(wrong, "{}: {} {}", case.name, case.base, summary(&found)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "bases that are not flagged, or not under their label:\n{wrong}");
}

#[test]
#[allow(clippy::print_stdout, reason = "the table is for a reader: -- --nocapture shows it")]
fn disguised_cases_are_flagged_unless_a_reason_is_given() {
    let (cases, mut scratch) = (cases(), Scratch::default());
    let (mut tallies, mut wrong) = (BTreeMap::<&str, Tally>::new(), String::new());
    for case in cases.iter().filter(|case| !case.clean) {
        let found = judge(&case.item(), &case.name, &mut scratch);
        let tally = tallies.entry(case.technique.as_str()).or_default();
        tally.all += 1;
        tally.flagged += usize::from(is_flagged(&found));
        tally.labelled += usize::from(is_flagged(&found) && is_labelled(case, &found));
        match (is_flagged(&found), &case.missed) {
            (true, Some(_)) => writeln!(wrong, "{}: found; remove the mark `missed`", case.name).unwrap(),
            (false, None) => writeln!(wrong, "{}: not found: {}", case.name, summary(&found)).unwrap(),
            (true, None) | (false, Some(_)) => {}
        }
    }
    let mut table = String::new();
    for technique in TECHNIQUES {
        let Some(Tally { all, flagged, labelled }) = tallies.get(technique) else { continue };
        writeln!(table, "{technique:>4}  {flagged:>2}/{all:<2}  under the label {labelled:>2}").unwrap();
    }
    let all: usize = tallies.values().map(|tally| tally.all).sum();
    let flagged: usize = tallies.values().map(|tally| tally.flagged).sum();
    println!("{flagged} of {all} disguised cases are flagged:\n{table}");
    assert!(wrong.is_empty(), "{flagged} of {all} are flagged:\n{table}{wrong}");
    assert!(flagged * 100 >= all * FLAGGED_PERCENT_MIN, "{flagged} of {all} are flagged:\n{table}");
}
