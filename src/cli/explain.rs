//! `qingliu explain`.

use std::io::Read as _;
use std::process::ExitCode;

use super::args::{ExplainArguments, Languages};
use super::{Failure, load_bundle, render};
use crate::decide::{Language, ScoreRecord, counterfactual, headline, score_page, sentence};
use crate::engine::{Bundle, Scratch, decision, evaluate};
use crate::model::{ByteSpan, Decision, Item, Verdict};

/// Most bytes that are read from standard input or a file of records.
const STDIN_BYTES_MAX: u64 = 64 << 20;

pub(super) fn run(arguments: &ExplainArguments) -> Result<ExitCode, Failure> {
    if let Some(score) = &arguments.score {
        return show_score(score, arguments);
    }
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
    read_text(std::io::stdin())
}

fn read_text(reader: impl std::io::Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    reader.take(STDIN_BYTES_MAX).read_to_end(&mut bytes).map_err(Failure::run)?;
    let invalid = |e: std::string::FromUtf8Error| {
        Failure::Usage(format!("the input is not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
    };
    String::from_utf8(bytes).map_err(invalid)
}

fn shown(languages: Languages) -> &'static [Language] {
    match languages {
        Languages::Zh => &[Language::Chinese],
        Languages::En => &[Language::English],
        Languages::Both => &[Language::Chinese, Language::English],
    }
}

/// Prints a score record as a page. Exit code 1 where its numbers do not give what it says.
fn show_score(typed: &str, arguments: &ExplainArguments) -> Result<ExitCode, Failure> {
    let text = if typed == "-" {
        read_stdin()?
    } else if typed.trim_start().starts_with('{') {
        typed.to_owned()
    } else {
        let file = std::fs::File::open(typed).map_err(|e| Failure::Run(format!("{typed}: {e}")))?;
        read_text(file)?
    };
    let record = find_record(&text, arguments.target.as_deref())?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&record).map_err(Failure::run)?;
        render::raw(format!("{json}\n").as_bytes()).map_err(Failure::run)?;
    } else {
        for line in score_page(&record, shown(arguments.lang)) {
            render::line(&render::harmless(&line));
        }
    }
    Ok(if record.replay().matches { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The first alert among the records, or the first record; of one target, if one is asked for.
fn find_record(text: &str, target: Option<&str>) -> Result<ScoreRecord, Failure> {
    let mut first = None;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let kind: RecordKind =
            serde_json::from_str(line).map_err(|e| Failure::Usage(format!("--score: line {number}: {e}")))?;
        if kind.record != "engagement_score" || target.is_some_and(|id| kind.target != id) {
            continue;
        }
        if !kind.alert && first.is_some() {
            continue;
        }
        let record: ScoreRecord =
            serde_json::from_str(line).map_err(|e| Failure::Usage(format!("--score: line {number}: {e}")))?;
        if record.alert {
            return Ok(record);
        }
        first = Some(record);
    }
    first.ok_or_else(|| Failure::Usage("--score: there is no such record".to_owned()))
}

/// What tells records apart.
#[derive(serde::Deserialize)]
struct RecordKind {
    #[serde(rename = "type", default)]
    record: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    alert: bool,
}

fn show(bundle: &Bundle, item: &Item<'_>, decision: &Decision, scratch: &Scratch, languages: Languages) {
    let languages = shown(languages);
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
