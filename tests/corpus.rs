//! The golden cases and the samples, judged by the shipped dictionaries.
//!
//! A failing run lists every case that fails, not the first one only.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use qingliu::engine::{Bundle, Scratch, decision, embedded_files, evaluate, samples};
use qingliu::model::{Account, CharSpan, Decision, Field, Item, Surface, Verdict};
use serde::Deserialize;

/// Loading takes longer than all cases together, so that it is done once.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).expect("the shipped bundle loads")
});

/// Fewest violating and fewest benign cases of a level-one label.
const CASES_MIN: usize = 10;
/// Labels whose evidence is mostly in behaviour, not in a text, and how many cases they have at least. No text alone is a
/// copy: the cases of `copied_original` are in `tests/originals.rs`.
const CASES_MIN_OF: [(&str, usize); 3] =
    [("coordination", 10), ("fake_engagement", 7), ("copied_original", 0)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// One golden case, as docs/dictionaries.md describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    surface: Option<Surface>,
    /// Credit tier of the author.
    tier: Option<u8>,
    verdict: Option<Verdict>,
    at_least: Option<Verdict>,
    at_most: Option<Verdict>,
    label: Option<String>,
    #[serde(default)]
    matched: Vec<String>,
}

impl Case {
    fn item(&self) -> Item<'_> {
        Item {
            surface: Some(self.surface.unwrap_or(Surface::Post)),
            account: Account { credit_tier: self.tier, ..Account::default() },
            title: self.title.as_str().into(),
            text: Some(self.text.as_str().into()),
            fields: self
                .fields
                .iter()
                .map(|(name, text)| Field { name: name.as_str().into(), text: text.as_str().into() })
                .collect(),
            ..Item::default()
        }
    }

    fn is_violating(&self) -> bool {
        self.at_least.is_some() || self.verdict.is_some_and(|verdict| verdict != Verdict::Pass)
    }

    /// What the case asks for that the decision is not.
    fn faults(&self, found: &Decision) -> Vec<String> {
        let mut faults = Vec::new();
        let verdict = found.verdict;
        if let Some(want) = self.verdict.filter(|want| verdict != *want) {
            faults.push(format!("verdict = {}", want.as_str()));
        }
        if let Some(want) = self.at_least.filter(|want| verdict < *want) {
            faults.push(format!("at_least = {}", want.as_str()));
        }
        if let Some(want) = self.at_most.filter(|want| verdict > *want) {
            faults.push(format!("at_most = {}", want.as_str()));
        }
        if let Some(want) = self.label.as_deref().filter(|want| !top_is_under(found, want)) {
            faults.push(format!("label = {want}"));
        }
        let item = self.item();
        let pieces: Vec<String> =
            found.evidence.iter().flat_map(|e| &e.spans).map(|span| cut(&item, span)).collect();
        for want in self.matched.iter().filter(|want| !pieces.iter().any(|piece| piece.contains(*want))) {
            faults.push(format!("matched = {want:?} inside one of {pieces:?}"));
        }
        faults
    }
}

/// Whether the top label is `want`. Level-one labels hold the points of their children, so that they come first; a
/// child is on top when it is the strongest of its siblings, alone or tied.
fn top_is_under(found: &Decision, want: &str) -> bool {
    let labels = &BUNDLE.taxonomy;
    let want = labels.find(want).unwrap_or_else(|| panic!("{want:?} is no label of the taxonomy"));
    let ranked = || found.labels.iter().filter_map(|l| Some((labels.find(&l.label)?, l.score)));
    let Some((top, _)) = ranked().next() else { return false };
    let root = labels.root(top);
    if labels.root(want) == want {
        return want == root;
    }
    let children = || ranked().filter(|(label, _)| *label != root && labels.root(*label) == root);
    let strongest = children().map(|(_, score)| score).fold(0.0, f64::max);
    children().any(|(label, score)| label == want && score >= strongest)
}

/// The author's characters at a span.
fn cut(item: &Item<'_>, span: &CharSpan) -> String {
    let text = item.texts().find(|(name, _)| *name == span.field).map_or("", |(_, text)| text);
    text.chars().skip(span.start).take(span.end - span.start).collect()
}

fn judge(item: &Item<'_>, id: &str, scratch: &mut Scratch) -> Decision {
    evaluate(&BUNDLE, item, scratch).expect("the item is within the limits");
    decision(&BUNDLE, item, id, scratch)
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

/// All golden cases: file name without extension, case.
fn golden_cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let file: CaseFile =
            toml::from_str(&text).unwrap_or_else(|e| panic!("tests/corpus/{name}.toml: {e}"));
        cases.extend(file.case.into_iter().map(|case| (name.clone(), case)));
    }
    cases
}

/// A line of `samples/posts.jsonl` beside its item.
#[derive(Deserialize)]
struct Marks {
    label: String,
}

/// All samples: the item and its label.
fn labelled_samples() -> Vec<(Item<'static>, String)> {
    let parse = |(number, line): (usize, &'static str)| {
        let place = format!("samples/posts.jsonl:{}", number + 1);
        let item = Item::from_json(line).unwrap_or_else(|e| panic!("{place}: {e}"));
        let marks: Marks = serde_json::from_str(line).unwrap_or_else(|e| panic!("{place}: {e}"));
        (item, marks.label)
    };
    samples().lines().enumerate().map(parse).collect()
}

#[test]
fn every_golden_case_is_judged_as_it_says() {
    let (mut scratch, mut report, mut failing) = (Scratch::default(), String::new(), 0);
    let cases = golden_cases();
    for (file, case) in &cases {
        let found = judge(&case.item(), &case.name, &mut scratch);
        let faults = case.faults(&found);
        if faults.is_empty() {
            continue;
        }
        failing += 1;
        writeln!(
            report,
            "{file}.toml {}\n  wanted {}\n  found  {}",
            case.name,
            faults.join("; "),
            summary(&found)
        )
        .unwrap();
    }
    assert!(failing == 0, "{failing} of {} golden cases fail:\n{report}", cases.len());
}

#[test]
fn every_golden_case_has_its_own_name_and_asks_for_a_verdict() {
    let mut names = BTreeMap::new();
    for (file, case) in &golden_cases() {
        let wanted = [case.verdict, case.at_least, case.at_most].iter().flatten().count();
        assert_eq!(wanted, 1, "{file}.toml {}: one of verdict, at_least, at_most", case.name);
        let other = names.insert(case.name.clone(), file.clone());
        assert_eq!(other, None, "{file}.toml: another case is named {:?}", case.name);
    }
}

#[test]
fn every_level_one_label_has_violating_and_benign_cases() {
    let cases = golden_cases();
    let labels = &BUNDLE.taxonomy;
    for (_, root) in labels.iter().filter(|(id, _)| labels.root(*id) == *id) {
        let under = |label: &str| {
            label == root.id || label.split_once('.').is_some_and(|(above, _)| above == root.id)
        };
        // Cases stand in the file of their label; some carry a label of another root.
        let of_label = |file: &String, case: &Case| case.label.as_deref().map_or(*file == root.id, under);
        let own = || cases.iter().filter(|(file, case)| of_label(file, case));
        let violating = own().filter(|(_, case)| case.is_violating()).count();
        let benign = own().filter(|(_, case)| !case.is_violating()).count();
        let least = CASES_MIN_OF.iter().find(|(id, _)| *id == root.id).map_or(CASES_MIN, |(_, least)| *least);
        assert!(violating >= least, "{}: {violating} violating cases, {least} are needed", root.id);
        assert!(benign >= least, "{}: {benign} benign cases, {least} are needed", root.id);
    }
}

#[test]
fn every_sample_is_an_item_with_a_known_label() {
    let labels = &BUNDLE.taxonomy;
    for (item, label) in labelled_samples() {
        assert!(label == "benign" || labels.find(&label).is_some(), "{}: unknown label {label:?}", item.id);
    }
}

/// How many of the samples that are `benign` or not reach a verdict, of how many, and those for which that is wrong.
fn tally(benign: bool, least: Verdict) -> (usize, usize, String) {
    let (mut scratch, mut reached, mut all, mut wrong) = (Scratch::default(), 0, 0, String::new());
    for (item, label) in labelled_samples().iter().filter(|(_, label)| (label == "benign") == benign) {
        let found = judge(item, &item.id, &mut scratch);
        all += 1;
        reached += usize::from(found.verdict >= least);
        if (found.verdict >= least) == benign {
            writeln!(wrong, "{} {label}: {}", item.id, summary(&found)).unwrap();
        }
    }
    (reached, all, wrong)
}

#[test]
fn at_most_one_benign_sample_in_a_hundred_is_held() {
    let (held, all, wrong) = tally(true, Verdict::Review);
    assert!(held * 100 <= all, "{held} of {all} benign samples are held:\n{wrong}");
}

#[test]
fn at_least_nine_violating_samples_in_ten_are_flagged() {
    let (flagged, all, wrong) = tally(false, Verdict::Limit);
    assert!(flagged * 10 >= all * 9, "{flagged} of {all} violating samples are flagged; missed:\n{wrong}");
}
