//! Item in, decision out.

use std::collections::HashMap;

use super::bundle::Bundle;
use super::inspect::{Scratch, inspect};
use crate::decide::{Piece, collect_into, decide};
use crate::lexicon::Matches;
use crate::model::{
    CharSpan, Counterfactual, Decision, Evidence, EvidenceDetail, EvidenceKind, Item, ItemError, LabelId,
    LabelScore, Milli, Verdict, to_char_spans,
};
use crate::text::{FoldedText, SymbolRange};

/// The short form of a decision; the long form is built only when somebody wants to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The label with the most points; none on `pass` without evidence.
    pub top: Option<LabelId>,
}

/// Judges one item. The particulars stay in the scratch for [`decision`].
///
/// # Errors
/// An item beyond the limits of the policy.
pub fn evaluate(bundle: &Bundle, item: &Item<'_>, scratch: &mut Scratch) -> Result<Outcome, ItemError> {
    inspect(bundle, item, scratch)?;
    let thresholds = bundle.policy.thresholds(item.surface(), item.account.credit_tier);
    let (folded, matches, pieces, judgement) = scratch.parts();
    let is_complete =
        collect_into(&bundle.policy, (&bundle.taxonomy, &bundle.lexicon), (folded, matches), pieces);
    let floor = if matches.hits_cut || matches.slots_cut {
        bundle.policy.limits().overflow_verdict
    } else {
        Verdict::Pass
    };
    decide(&bundle.policy, &bundle.taxonomy, (thresholds, floor), pieces, judgement);
    let verdict = judgement.verdict.unwrap_or(floor);
    let top = judgement.labels.first().map(|(label, _)| *label);
    scratch.evidence_cut = !is_complete;
    Ok(Outcome { verdict, top })
}

/// Puts the last judgement of a scratch into words. `id` names the item. Allocates.
pub fn decision(bundle: &Bundle, item: &Item<'_>, id: &str, scratch: &Scratch) -> Decision {
    let findings = scratch.findings();
    let judgement = &scratch.judgement;
    let verdict = judgement.verdict.unwrap_or(Verdict::Pass);
    let texts: Vec<(&str, &str)> = item.texts().collect();
    let offsets = char_offsets(&texts, findings.folded, &scratch.evidence_ranges());
    let writer =
        Writer { bundle, texts: &texts, folded: findings.folded, matches: findings.matches, offsets };
    let top = judgement.labels.first();
    let basis = match top {
        Some((label, _)) if verdict != Verdict::Pass => {
            bundle.articles.basis(&bundle.taxonomy, *label, item.time)
        }
        _ => Vec::new(),
    };
    let labels = judgement.labels.iter().map(|(label, points)| LabelScore {
        label: bundle.taxonomy.label(*label).id.clone(),
        score: unit(*points),
    });
    let necessary = judgement.necessary.iter();
    Decision {
        verdict,
        score: top.map_or(0.0, |(_, points)| unit(*points)),
        labels: labels.collect(),
        evidence: scratch
            .pieces
            .iter()
            .zip(necessary)
            .map(|(piece, needed)| writer.evidence(piece, *needed))
            .collect(),
        basis,
        counterfactual: judgement
            .counterfactual
            .as_ref()
            .map(|(without, verdict)| Counterfactual { without: without.clone(), verdict: *verdict }),
        limits: limits(findings.matches, scratch.evidence_cut).map(str::to_owned).collect(),
        ..plain_decision(bundle, id)
    }
}

/// Whether nothing was found in the item that was judged last with a scratch: then [`plain_decision`] says as much as
/// [`decision`].
pub fn is_plain(scratch: &Scratch) -> bool {
    let judgement = &scratch.judgement;
    scratch.pieces.is_empty()
        && judgement.labels.is_empty()
        && judgement.verdict.unwrap_or(Verdict::Pass) == Verdict::Pass
        && limits(scratch.findings().matches, scratch.evidence_cut).next().is_none()
}

/// The decision on an item in which nothing was found. Allocates.
pub fn plain_decision(bundle: &Bundle, id: &str) -> Decision {
    Decision {
        item: id.to_owned(),
        verdict: Verdict::Pass,
        score: 0.0,
        labels: Vec::new(),
        evidence: Vec::new(),
        near_duplicate: None,
        proposals: Vec::new(),
        basis: Vec::new(),
        counterfactual: None,
        versions: bundle.versions().clone(),
        limits: Vec::new(),
        degraded: None,
        follow_up: None,
    }
}

fn limits(matches: &Matches, evidence_cut: bool) -> impl Iterator<Item = &'static str> {
    let reached =
        [(matches.hits_cut, "hits_max"), (matches.slots_cut, "slots_max"), (evidence_cut, "evidence_max")];
    reached.into_iter().filter(|(cut, _)| *cut).map(|(_, name)| name)
}

/// Points as the interface shows them: 1000 milli-points are 1.0, and no more is shown.
fn unit(points: Milli) -> f64 {
    f64::from(points.clamp(-1000, 1000)) / 1000.0
}

/// Code points before each end of the ranges, with one walk per field.
fn char_offsets(
    texts: &[(&str, &str)],
    folded: &FoldedText,
    ranges: &[SymbolRange],
) -> HashMap<(u16, usize), usize> {
    let mut offsets = HashMap::new();
    for (field, (_, text)) in (0_u16..).zip(texts) {
        let parts = ranges.iter().flat_map(|range| folded.parts_of(*range));
        let own = parts.map(|part| folded.source_span(part)).filter(|bytes| bytes.field == field);
        let bytes: Vec<(usize, usize)> =
            own.map(|bytes| (bytes.start as usize, bytes.end as usize)).collect();
        for ((start, end), place) in bytes.iter().zip(to_char_spans(text, &bytes)) {
            offsets.insert((field, *start), place.0);
            offsets.insert((field, *end), place.1);
        }
    }
    offsets
}

struct Writer<'a> {
    bundle: &'a Bundle,
    texts: &'a [(&'a str, &'a str)],
    folded: &'a FoldedText,
    matches: &'a Matches,
    /// Field and byte → code points before it, for all ends of evidence.
    offsets: HashMap<(u16, usize), usize>,
}

impl Writer<'_> {
    fn evidence(&self, piece: &Piece, necessary: bool) -> Evidence {
        let (rule, note, ranges, detail) = self.particulars(piece);
        let (spans, matched) = self.spans(&ranges);
        let label = piece.label.map_or("*", |label| self.bundle.taxonomy.label(label).id.as_str());
        let folded = detail.folded.filter(|folded| *folded != matched);
        Evidence {
            kind: piece.kind,
            label: label.to_owned(),
            rule,
            spans,
            matched,
            transforms: piece.transforms.names().map(str::to_owned).collect(),
            weight: unit(piece.weight + piece.disguise),
            necessary,
            detail: EvidenceDetail {
                folded,
                occurrences: (piece.occurrences > 1).then_some(piece.occurrences),
                disguise: (piece.disguise > 0).then(|| unit(piece.disguise)),
                note,
                ..detail
            },
        }
    }

    /// Id, note, ranges and canonical forms of what a piece was made from.
    fn particulars(&self, piece: &Piece) -> (String, Option<String>, Vec<SymbolRange>, EvidenceDetail) {
        let detail = EvidenceDetail::default();
        match piece.kind {
            EvidenceKind::Rule => {
                let hit = self.matches.rules[piece.source as usize];
                let rule = &self.bundle.lexicon.rules()[hit.rule as usize];
                let mut ranges = self.matches.ranges_of(&hit).to_vec();
                ranges.sort_unstable();
                ranges.dedup();
                (rule.id.clone(), rule.note.clone(), ranges, detail)
            }
            EvidenceKind::Contact => {
                let slot = &self.matches.slots[piece.source as usize];
                let canonical = Some(slot.canonical.clone());
                (
                    slot.kind.as_str().to_owned(),
                    None,
                    vec![slot.range],
                    EvidenceDetail { canonical, ..detail },
                )
            }
            EvidenceKind::Term
            | EvidenceKind::NearDuplicate
            | EvidenceKind::Coordination
            | EvidenceKind::Engagement
            | EvidenceKind::Profile
            | EvidenceKind::Model => {
                let term = &self.bundle.lexicon.terms()[piece.source as usize];
                let folded = Some(term.key.clone());
                (term.id.clone(), term.note.clone(), vec![piece.range], EvidenceDetail { folded, ..detail })
            }
        }
    }

    /// Code points of a field before a byte at which a piece of evidence begins or ends.
    fn chars_before(&self, field: u16, byte: usize) -> usize {
        self.offsets.get(&(field, byte)).copied().unwrap_or(0)
    }

    /// The ranges in code points of their fields, and the author's characters at the first one; a line break stands
    /// between parts in different fields.
    fn spans(&self, ranges: &[SymbolRange]) -> (Vec<CharSpan>, String) {
        let mut spans = Vec::with_capacity(ranges.len());
        let mut matched = String::new();
        let parts = ranges
            .iter()
            .enumerate()
            .flat_map(|(rank, range)| self.folded.parts_of(*range).map(move |part| (rank, part)));
        for (rank, part) in parts {
            let bytes = self.folded.source_span(part);
            let Some((field, text)) = self.texts.get(usize::from(bytes.field)) else { continue };
            let (start, end) = (bytes.start as usize, bytes.end as usize);
            if rank == 0 {
                matched.extend((!matched.is_empty()).then_some('\n'));
                matched.push_str(text.get(start..end).unwrap_or(""));
            }
            let (start, end) = (self.chars_before(bytes.field, start), self.chars_before(bytes.field, end));
            spans.push(CharSpan { field: (*field).to_owned(), start, end });
        }
        (spans, matched)
    }
}
