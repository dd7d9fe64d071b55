//! `qingliu check`: what is wrong with a bundle, and what its terms would do to ordinary posts.

use std::process::ExitCode;

use super::args::CheckArguments;
use super::corpus::{Marks, for_each_line, parse};
use super::{Failure, bundle_files, render};
use crate::engine::{Bundle, BundleError, Scratch, evaluate, samples};
use crate::lexicon::{Level, Problem};
use crate::model::{Item, Verdict};
use crate::telemetry::Clock;

/// Terms that the table of hit rates shows.
const TABLE_ROWS: usize = 20;

/// How often the terms and rules of a bundle hit ordinary posts.
struct Rates {
    posts: u64,
    /// Posts per verdict.
    verdicts: [u64; 4],
    /// Posts that each term hits.
    terms: Vec<u64>,
    /// Posts that each rule holds for.
    rules: Vec<u64>,
}

pub(super) fn run(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    let loaded =
        bundle_files(arguments.bundle.as_deref()).and_then(|files| Bundle::load(&files, Clock::today()));
    let bundle = match loaded {
        Ok(bundle) => bundle,
        Err(BundleError(problems)) => {
            problems.iter().for_each(|problem| render::line(&problem.to_string()));
            render::line(&format!("refused: {} error(s)", problems.len()));
            return Ok(ExitCode::from(1));
        }
    };
    let rates = measure(&bundle, arguments.corpus.as_deref())?;
    let mut problems = bundle.lexicon.lint(&bundle.taxonomy);
    problems.extend(bundle.lexicon.lint_cost());
    problems.extend(ordinary_words(&bundle, &rates, arguments.rate_max));
    problems.sort();
    problems.iter().for_each(|problem| render::line(&problem.to_string()));
    show(&bundle, &rates, problems.len());
    let fails = problems.iter().any(|problem| problem.level == Level::Error || arguments.strict);
    Ok(ExitCode::from(u8::from(fails)))
}

/// Judges ordinary posts: those of a file, or the benign samples of the program. Labelled violating ones are skipped.
fn measure(bundle: &Bundle, corpus: Option<&str>) -> Result<Rates, Failure> {
    let mut rates = Rates {
        posts: 0,
        verdicts: [0; 4],
        terms: vec![0; bundle.lexicon.terms().len()],
        rules: vec![0; bundle.lexicon.rules().len()],
    };
    let mut scratch = Scratch::default();
    let mut each = |place: &str, line: &str| {
        let (item, marks): (Item<'_>, Marks) = parse(place, line)?;
        if marks.label.is_some_and(|label| label != "benign") {
            return Ok(());
        }
        let outcome =
            evaluate(bundle, &item, &mut scratch).map_err(|e| Failure::Run(format!("{place}: {e}")))?;
        rates.posts += 1;
        rates.verdicts[outcome.verdict as usize] += 1;
        let matches = scratch.findings().matches;
        let mut hit: Vec<u32> = matches.hits.iter().map(|hit| hit.term).collect();
        hit.sort_unstable();
        hit.dedup();
        hit.into_iter().for_each(|term| rates.terms[term as usize] += 1);
        matches.rules.iter().for_each(|hit| rates.rules[hit.rule as usize] += 1);
        Ok(())
    };
    match corpus {
        Some(path) => for_each_line(&[path.to_owned()], each)?,
        None => {
            for (index, line) in samples().lines().enumerate() {
                each(&format!("samples:{}", index + 1), line)?;
            }
        }
    }
    Ok(rates)
}

fn per_ten_thousand(count: u64, posts: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people; counts stay far below 2^52")]
    {
        count as f64 * 10_000.0 / posts.max(1) as f64
    }
}

/// Fewest posts that a term has to hit before its rate says anything.
const HITS_MIN: u64 = 2;

/// Weighted terms and rules that hit ordinary posts more often than is allowed.
fn ordinary_words(bundle: &Bundle, rates: &Rates, rate_max: f64) -> Vec<Problem> {
    let lexicon = &bundle.lexicon;
    let mut problems = Vec::new();
    for (term, count) in lexicon.terms().iter().zip(&rates.terms) {
        let rate = per_ten_thousand(*count, rates.posts);
        if term.weight >= ALARMING_WEIGHT && *count >= HITS_MIN && rate > rate_max {
            let word = if bundle.segmenter.knows(&term.key) { "an ordinary word" } else { "common" };
            let (file, line) = lexicon.place(term.origin);
            let message = format!(
                "term {:?} ({}) is {word}: it hits {rate:.1} of 10,000 ordinary posts ({count} of {})",
                term.text, term.id, rates.posts
            );
            problems.push(Problem::warning(file, line, message));
        }
    }
    for (rule, count) in lexicon.rules().iter().zip(&rates.rules) {
        let rate = per_ten_thousand(*count, rates.posts);
        if rule.weight >= ALARMING_WEIGHT && *count >= HITS_MIN && rate > rate_max {
            let (file, line) = lexicon.place(rule.origin);
            let message = format!(
                "rule {:?} holds for {rate:.1} of 10,000 ordinary posts ({count} of {})",
                rule.id, rates.posts
            );
            problems.push(Problem::warning(file, line, message));
        }
    }
    problems
}

/// Points from which a frequent term would change verdicts by itself.
const ALARMING_WEIGHT: crate::model::Milli = 300;

fn show(bundle: &Bundle, rates: &Rates, problems: usize) {
    let lexicon = &bundle.lexicon;
    let mut frequent: Vec<_> = lexicon
        .terms()
        .iter()
        .zip(&rates.terms)
        .filter(|(term, count)| term.weight > 0 && **count > 0)
        .collect();
    frequent.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then(a.id.cmp(&b.id)));
    if !frequent.is_empty() {
        render::line(&format!("{:>10}  {:<20} {:>6}  term", "per 10,000", "id", "weight"));
    }
    for (term, count) in frequent.iter().take(TABLE_ROWS) {
        let rate = per_ten_thousand(**count, rates.posts);
        render::line(&format!("{rate:>10.1}  {:<20} {:>6}  {}", term.id, term.weight, term.text));
    }
    let share = |verdict: Verdict| per_ten_thousand(rates.verdicts[verdict as usize], rates.posts) / 100.0;
    render::line(&format!(
        "{} ordinary posts: limit {:.2}%, review {:.2}%, block {:.2}%",
        rates.posts,
        share(Verdict::Limit),
        share(Verdict::Review),
        share(Verdict::Block)
    ));
    let cues = lexicon.terms().iter().filter(|term| term.weight == 0).count();
    render::line(&format!(
        "bundle {}: {} terms and {cues} cues, {} exemptions, {} rules, indexes {} KiB; {problems} warning(s)",
        bundle.versions().bundle,
        lexicon.terms().len() - cues,
        lexicon.exemptions().len(),
        lexicon.rules().len(),
        lexicon.memory_bytes() >> 10
    ));
}
