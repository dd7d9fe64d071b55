//! `qingliu explain`.

use std::io::Read as _;
use std::process::ExitCode;

use super::args::{ExplainArguments, Languages};
use super::{Failure, load_bundle, render};
use crate::decide::{Language, counterfactual, headline, sentence};
use crate::engine::{Bundle, Scratch, decision, evaluate};
use crate::model::{ByteSpan, Decision, Item, Verdict};

/// Most bytes that are read from standard input.
const STDIN_BYTES_MAX: u64 = 64 << 20;

pub(super) fn run(arguments: &ExplainArguments) -> Result<ExitCode, Failure> {
    let bundle = load_bundle(arguments.bundle.as_deref())?;
    let stdin;
    let typed = arguments.item.as_deref().or(arguments.text.as_deref()).unwrap_or("");
    let typed = if typed == "-" {
        stdin = read_stdin()?;
        stdin.as_str()
    } else {
        typed
    };
    let item = if arguments.item.is_some() {
        Item::from_json(typed.trim()).map_err(|e| Failure::Usage(format!("--item: {e}")))?
    } else {
        Item { surface: Some(arguments.surface), ..Item::from_text(typed.trim_end_matches('\n')) }
    };
    let mut scratch = Scratch::default();
    evaluate(&bundle, &item, &mut scratch).map_err(Failure::run)?;
    let id = if item.id.is_empty() { "-" } else { item.id.as_ref() };
    let decision = decision(&bundle, &item, id, &scratch);
    if arguments.json {
        let json = serde_json::to_string_pretty(&decision).map_err(Failure::run)?;
        render::raw(format!("{json}\n").as_bytes()).map_err(Failure::run)?;
    } else {
        show(&bundle, &item, &decision, &scratch, arguments.lang);
    }
    Ok(ExitCode::SUCCESS)
}

fn read_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().take(STDIN_BYTES_MAX).read_to_end(&mut bytes).map_err(Failure::run)?;
    let invalid = |e: std::string::FromUtf8Error| {
        Failure::Usage(format!("standard input is not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
    };
    String::from_utf8(bytes).map_err(invalid)
}

fn show(bundle: &Bundle, item: &Item<'_>, decision: &Decision, scratch: &Scratch, languages: Languages) {
    let languages: &[Language] = match languages {
        Languages::Zh => &[Language::Chinese],
        Languages::En => &[Language::English],
        Languages::Both => &[Language::Chinese, Language::English],
    };
    let style = render::style_of(decision.verdict);
    let heads: Vec<String> = languages.iter().map(|l| headline(&bundle.taxonomy, decision, *l)).collect();
    render::line(&format!("{style}{}{style:#}", heads.join("  ·  ")));
    let spans: Vec<ByteSpan> = evidence_spans(decision, scratch);
    for (index, (name, text)) in (0_u16..).zip(item.texts()) {
        if text.is_empty() {
            continue;
        }
        let own: Vec<ByteSpan> = spans.iter().filter(|s| s.field == index).copied().collect();
        let prefix = if item.texts().filter(|(_, t)| !t.is_empty()).count() > 1 {
            format!("{}: ", render::harmless(name))
        } else {
            String::new()
        };
        render::line(&format!("  {prefix}{}", render::highlight(text, &own)));
    }
    for (number, evidence) in decision.evidence.iter().enumerate() {
        for (nth, language) in languages.iter().enumerate() {
            let lead = if nth == 0 { format!("{:>3}. ", number + 1) } else { "     ".to_owned() };
            render::line(&format!("{lead}{}", sentence(&bundle.taxonomy, evidence, *language)));
        }
    }
    for language in languages {
        if let Some(line) = counterfactual(decision, *language) {
            render::line(&format!("  => {line}"));
        }
    }
    if decision.verdict != Verdict::Pass && !decision.basis.is_empty() {
        show_basis(bundle, decision, languages);
    }
    render::line(&format!("  bundle {}, engine {}", decision.versions.bundle, decision.versions.engine));
}

/// Every article that the measure rests on: its duty, and whether its instrument binds.
fn show_basis(bundle: &Bundle, decision: &Decision, languages: &[Language]) {
    for id in &decision.basis {
        let Some(article) = bundle.articles.find(id) else {
            render::line(&format!("  basis {id}"));
            continue;
        };
        let status = bundle.articles.instrument(&article.instrument).map_or("", |i| i.status.as_str());
        for (nth, language) in languages.iter().enumerate() {
            let duty = match language {
                Language::Chinese => &article.duty_zh,
                Language::English => &article.duty,
            };
            let lead =
                if nth == 0 { format!("basis {id} ({})", status.replace('_', " ")) } else { " ".to_owned() };
            render::line(&format!("  {lead} {duty}"));
        }
    }
}

/// The byte ranges behind the evidence of a decision.
fn evidence_spans(decision: &Decision, scratch: &Scratch) -> Vec<ByteSpan> {
    let findings = scratch.findings();
    let ranges = scratch.evidence_ranges();
    debug_assert!(ranges.len() >= decision.evidence.len());
    ranges.into_iter().map(|range| findings.folded.source_span(range)).collect()
}
