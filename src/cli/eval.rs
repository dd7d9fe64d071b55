//! `qingliu eval`: figures on labelled items, and on pairs of a clean and a disguised text.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::Serialize;

use super::args::EvalArguments;
use super::corpus::{for_each_line, parse};
use super::eval_pairs::{self, Counterpart, Pair, PairFigures, pair_figures};
use super::{Failure, load_bundle, render};
use crate::engine::{Bundle, Scratch, evaluate};
use crate::model::{ItemError, LabelId, Verdict};
use crate::store::FileIdentity;

/// One judged item.
struct Row {
    source: String,
    /// The given label: a taxonomy id, `benign`, or `spam`.
    truth: String,
    verdict: Verdict,
    /// The predicted label on the level of the data; `benign` for `pass`.
    prediction: String,
}

/// What one line gives.
struct Judged {
    /// Nothing for a pair without a label.
    row: Option<Row>,
    /// Of a line with a clean counterpart that is not labelled `benign`.
    pair: Option<Pair>,
}

#[derive(Debug, Default, Serialize)]
struct LabelFigures {
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    support: u64,
}

#[derive(Debug, Serialize)]
struct SourceFigures {
    rows: u64,
    recall: Option<f64>,
    precision: Option<f64>,
    benign_false_positive_rate: Option<f64>,
    macro_f1: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    rows: u64,
    macro_f1: Option<f64>,
    benign_false_positive_rate: Option<f64>,
    labels: BTreeMap<String, LabelFigures>,
    sources: BTreeMap<String, SourceFigures>,
    /// Per method, of lines with a clean counterpart.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pairs: BTreeMap<String, PairFigures>,
    bundle: String,
}

/// Lines that are judged at a time, so that memory stays flat.
const BATCH_LINES: usize = 8192;

pub(super) fn run(arguments: &EvalArguments) -> Result<ExitCode, Failure> {
    if let Some(json) = arguments.json.as_deref().and_then(FileIdentity::of)
        && arguments.inputs.iter().any(|input| FileIdentity::of(input.as_ref()).as_ref() == Some(&json))
    {
        return Err(Failure::Usage("--json names one of the inputs".to_owned()));
    }
    let bundle = load_bundle(arguments.bundle.as_deref())?;
    let threads = super::rescan::threads(arguments.threads);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(Failure::run)?;
    let mut judged = Vec::new();
    let mut batch: Vec<(String, String)> = Vec::with_capacity(BATCH_LINES);
    for_each_line(&arguments.inputs, |place, line| {
        batch.push((place.to_owned(), line.to_owned()));
        if batch.len() == BATCH_LINES {
            judged.extend(pool.install(|| judge(&bundle, &batch))?);
            batch.clear();
        }
        Ok(())
    })?;
    judged.extend(pool.install(|| judge(&bundle, &batch))?);
    let report = report(&bundle, judged);
    if report.rows > 0 || report.pairs.is_empty() {
        print(&report);
    }
    if !report.pairs.is_empty() {
        eval_pairs::print(&report.pairs);
    }
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(Failure::run)?;
        fs::write(path, json + "\n").map_err(|e| Failure::Run(format!("{}: {e}", path.display())))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn judge(bundle: &Bundle, batch: &[(String, String)]) -> Result<Vec<Judged>, Failure> {
    batch
        .par_iter()
        .map_init(Scratch::default, |scratch, (place, line)| judge_line(bundle, place, line, scratch))
        .collect()
}

fn judge_line(bundle: &Bundle, place: &str, line: &str, scratch: &mut Scratch) -> Result<Judged, Failure> {
    let fails = |e: ItemError| Failure::Run(format!("{place}: {e}"));
    let (item, marks) = parse(place, line)?;
    let counterpart = Counterpart::parse(place, line)?.filter(|_| item.text.is_some());
    let has_label = marks.label.is_some() || counterpart.is_none();
    let truth = marks.label.unwrap_or_default();
    let truth_id = bundle.taxonomy.find(&truth);
    if has_label && truth_id.is_none() && truth != "benign" && truth != "spam" {
        let nearest = crate::lexicon::suggestion(&truth, bundle.taxonomy.iter().map(|(_, l)| l.id.as_str()));
        return Err(Failure::Run(format!("{place}: unknown label {truth:?}{nearest}")));
    }
    let outcome = evaluate(bundle, &item, scratch).map_err(fails)?;
    let prediction = match outcome.top.filter(|_| outcome.verdict != Verdict::Pass) {
        Some(top) => on_level_of(bundle, top, truth_id, scratch),
        None => "benign".to_owned(),
    };
    // Finding a benign text is no recall.
    let counterpart = counterpart.filter(|_| truth != "benign");
    let pair = counterpart.map(|clean| clean.judge(bundle, &item, outcome.verdict, scratch));
    let pair = pair.transpose().map_err(fails)?;
    let source = marks.source.unwrap_or_default();
    let row = has_label.then_some(Row { source, truth, verdict: outcome.verdict, prediction });
    Ok(Judged { row, pair })
}

/// The predicted label on the level of the given one: the level-one label, or the strongest child of it.
fn on_level_of(bundle: &Bundle, top: LabelId, truth: Option<LabelId>, scratch: &Scratch) -> String {
    let taxonomy = &bundle.taxonomy;
    let root = taxonomy.root(top);
    let wants_child = truth.is_some_and(|truth| taxonomy.root(truth) != truth);
    let child =
        scratch.labels().iter().map(|(label, _)| *label).find(|l| *l != root && taxonomy.root(*l) == root);
    let id = child.filter(|_| wants_child).unwrap_or(root);
    taxonomy.label(id).id.clone()
}

fn report(bundle: &Bundle, judged: Vec<Judged>) -> Report {
    let (mut rows, mut pairs) = (Vec::new(), Vec::new());
    for Judged { row, pair } in judged {
        rows.extend(row);
        pairs.extend(pair);
    }
    let mut sources: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        sources.entry(row.source.clone()).or_default().push(row);
    }
    let all: Vec<&Row> = rows.iter().collect();
    let labels = label_figures(&all);
    Report {
        rows: rows.len() as u64,
        macro_f1: macro_f1(&labels),
        benign_false_positive_rate: benign_rate(&all),
        labels,
        sources: sources.into_iter().map(|(name, rows)| (name, source_figures(&rows))).collect(),
        pairs: pair_figures(&pairs),
        bundle: bundle.versions().bundle.clone(),
    }
}

fn source_figures(rows: &[&Row]) -> SourceFigures {
    let violating = rows.iter().filter(|row| row.truth != "benign");
    let caught = violating.clone().filter(|row| row.prediction != "benign").count();
    let flagged = rows.iter().filter(|row| row.prediction != "benign").count();
    SourceFigures {
        rows: rows.len() as u64,
        recall: ratio(caught, violating.count()),
        precision: ratio(caught, flagged),
        benign_false_positive_rate: benign_rate(rows),
        macro_f1: macro_f1(&label_figures(rows)),
    }
}

/// Share of benign items with verdict `review` or `block`.
fn benign_rate(rows: &[&Row]) -> Option<f64> {
    let benign = rows.iter().filter(|row| row.truth == "benign");
    ratio(benign.clone().filter(|row| row.verdict >= Verdict::Review).count(), benign.count())
}

/// Per label that the data has. A violating row of unknown category counts as right when anything was found.
fn label_figures(rows: &[&Row]) -> BTreeMap<String, LabelFigures> {
    let mut truths: Vec<&str> = rows.iter().map(|row| row.truth.as_str()).collect();
    truths.sort_unstable();
    truths.dedup();
    let predicted = |row: &Row, label: &str| {
        row.prediction == label || (label == "spam" && row.truth == "spam" && row.prediction != "benign")
    };
    let figures = |label: &str| {
        let support = rows.iter().filter(|row| row.truth == label).count();
        let right = rows.iter().filter(|row| row.truth == label && predicted(row, label)).count();
        let found = rows.iter().filter(|row| predicted(row, label) && row.truth != "spam").count();
        let found = if label == "spam" { right } else { found };
        let (precision, recall) = (ratio(right, found), ratio(right, support));
        let f1 = ratio(2 * right, support + found);
        LabelFigures { precision, recall, f1, support: support as u64 }
    };
    truths.into_iter().map(|label| (label.to_owned(), figures(label))).collect()
}

/// Mean F1 over the labels; nothing unless there are at least two.
fn macro_f1(labels: &BTreeMap<String, LabelFigures>) -> Option<f64> {
    let scores: Vec<f64> = labels.values().map(|figures| figures.f1.unwrap_or(0.0)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a handful of labels")]
    (scores.len() > 1).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a share for people; counts stay far below 2^52")]
pub(super) fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn print(report: &Report) {
    let show = |value: Option<f64>| value.map_or("     -".to_owned(), |v| format!("{v:>6.3}"));
    let rate = |value: Option<f64>| value.map_or("      -".to_owned(), |v| format!("{:>6.2}%", v * 100.0));
    render::line(&format!("{:<24} {:>7} {:>9} {:>6} {:>6}", "label", "rows", "precision", "recall", "F1"));
    for (label, f) in &report.labels {
        let line = format!(
            "{label:<24} {:>7} {:>9} {} {}",
            f.support,
            show(f.precision),
            show(f.recall),
            show(f.f1)
        );
        render::line(&line);
    }
    render::line(&format!(
        "\n{:<24} {:>7} {:>9} {:>6} {:>7} {:>8}",
        "source", "rows", "precision", "recall", "benign+", "macro-F1"
    ));
    for (source, f) in &report.sources {
        let name = if source.is_empty() { "(none)" } else { source };
        let line = format!(
            "{name:<24} {:>7} {:>9} {} {} {:>8}",
            f.rows,
            show(f.precision),
            show(f.recall),
            rate(f.benign_false_positive_rate),
            show(f.macro_f1)
        );
        render::line(&line);
    }
    render::line(&format!(
        "\n{} rows: macro-F1 {}, benign items held or blocked {}",
        report.rows,
        show(report.macro_f1).trim(),
        rate(report.benign_false_positive_rate).trim()
    ));
    if !report.pairs.is_empty() {
        render::line("");
    }
}
