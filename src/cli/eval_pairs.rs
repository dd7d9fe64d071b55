//! What a disguise costs: rows that carry a clean text beside the disguised one, judged twice.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::eval::ratio;
use super::{Failure, render};
use crate::engine::{Bundle, Scratch, evaluate};
use crate::model::{Item, ItemError, Verdict};

/// The method of rows that name none.
const NO_METHOD: &str = "all";

/// The clean counterpart of a row's `text`.
pub(super) struct Counterpart {
    method: String,
    text: String,
}

/// Both texts of a row, judged. Found means a verdict other than `pass`.
#[derive(Debug)]
pub(super) struct Pair {
    method: String,
    clean_found: bool,
    disguised_found: bool,
}

/// Figures of the pairs of one method.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct PairFigures {
    pairs: u64,
    /// Share of the pairs whose clean text is found.
    clean_recall: Option<f64>,
    /// Share of the pairs whose disguised text is found.
    disguised_recall: Option<f64>,
    /// Disguised over clean recall; nothing unless a clean text is found.
    ratio: Option<f64>,
    /// Of the pairs whose clean text is found, the share whose disguised text is found, too.
    kept: Option<f64>,
}

/// The keys of a row that matter here. Data sets give them other meanings, too (`original: true`); what is no text
/// counts as absent.
#[derive(Deserialize)]
struct RawCounterpart {
    original: Option<Value>,
    normalized: Option<Value>,
    method: Option<Value>,
}

impl Counterpart {
    /// The counterpart of a row, if it has one: `original`, else `normalized`.
    pub(super) fn parse(place: &str, line: &str) -> Result<Option<Self>, Failure> {
        let raw: RawCounterpart =
            serde_json::from_str(line).map_err(|e| Failure::Run(format!("{place}: {e}")))?;
        let text = into_text(raw.original).or_else(|| into_text(raw.normalized));
        let method = into_text(raw.method).unwrap_or_else(|| NO_METHOD.to_owned());
        Ok(text.map(|text| Self { method, text }))
    }

    /// Judges the item as it would be with the clean text: same surface, account and other texts. `disguised` is the
    /// verdict on the item itself.
    pub(super) fn judge(
        self,
        bundle: &Bundle,
        item: &Item<'_>,
        disguised: Verdict,
        scratch: &mut Scratch,
    ) -> Result<Pair, ItemError> {
        let clean = Item { text: Some(Cow::Borrowed(&self.text)), ..item.clone() };
        let outcome = evaluate(bundle, &clean, scratch)?;
        Ok(Pair {
            clean_found: outcome.verdict != Verdict::Pass,
            disguised_found: disguised != Verdict::Pass,
            method: self.method,
        })
    }
}

fn into_text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Figures per method.
pub(super) fn pair_figures(pairs: &[Pair]) -> BTreeMap<String, PairFigures> {
    let mut methods: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs {
        methods.entry(&pair.method).or_default().push(pair);
    }
    methods.into_iter().map(|(method, pairs)| (method.to_owned(), figures(&pairs))).collect()
}

fn figures(pairs: &[&Pair]) -> PairFigures {
    let clean = pairs.iter().filter(|pair| pair.clean_found).count();
    let disguised = pairs.iter().filter(|pair| pair.disguised_found).count();
    let both = pairs.iter().filter(|pair| pair.clean_found && pair.disguised_found).count();
    PairFigures {
        pairs: pairs.len() as u64,
        clean_recall: ratio(clean, pairs.len()),
        disguised_recall: ratio(disguised, pairs.len()),
        ratio: ratio(disguised, clean),
        kept: ratio(both, clean),
    }
}

pub(super) fn print(methods: &BTreeMap<String, PairFigures>) {
    let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let line = |name: &str, cells: [&str; 5]| {
        let [pairs, clean, disguised, ratio, kept] = cells;
        render::line(&format!("{name:<24} {pairs:>7} {clean:>9} {disguised:>9} {ratio:>6} {kept:>6}"));
    };
    line("method", ["pairs", "clean", "disguised", "ratio", "kept"]);
    for (method, f) in methods {
        let recalls = [f.clean_recall, f.disguised_recall, f.ratio, f.kept].map(show);
        let [clean, disguised, ratio, kept] = recalls.each_ref().map(String::as_str);
        line(&render::harmless(method), [&f.pairs.to_string(), clean, disguised, ratio, kept]);
    }
}
