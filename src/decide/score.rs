//! Pieces of evidence → points per label → verdict.

use super::counterfactual;
use super::evidence::Piece;
use super::policy::{Policy, Thresholds};
use crate::model::{EvidenceKind, LabelId, Milli, Severity, Taxonomy, Verdict};

/// What the evidence amounts to.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The verdict; `None` only before the first use.
    pub verdict: Option<Verdict>,
    /// Level-one labels and their children with their points, strongest first.
    pub labels: Vec<(LabelId, Milli)>,
    /// Per piece, whether the verdict would be milder without it.
    pub necessary: Vec<bool>,
    /// A smallest set of pieces, found greedily, without which the verdict would be milder, and that verdict.
    pub counterfactual: Option<(Vec<usize>, Verdict)>,
}

/// Judges pieces of evidence. The verdict is not milder than `floor`.
///
/// O(pieces²) per level-one label, and O(pieces³) to explain a verdict other than `pass`; `evidence_max` bounds the pieces.
pub fn decide(
    policy: &Policy,
    taxonomy: &Taxonomy,
    (thresholds, floor): (Thresholds, Verdict),
    pieces: &[Piece],
    out: &mut Judgement,
) {
    out.labels.clear();
    out.necessary.clear();
    out.necessary.resize(pieces.len(), false);
    out.counterfactual = None;
    let all = vec![true; pieces.len()];
    let verdict = verdict_of(policy, thresholds, pieces, &all);
    out.verdict = Some(verdict.max(floor));
    if pieces.is_empty() {
        return;
    }
    rank_labels(policy, taxonomy, thresholds, pieces, &mut out.labels);
    // Below the floor no evidence makes a difference.
    if verdict > floor {
        counterfactual::explain(policy, thresholds, pieces, verdict, out);
    }
}

/// The verdict of the pieces that are kept.
pub(super) fn verdict_of(
    policy: &Policy,
    thresholds: Thresholds,
    pieces: &[Piece],
    kept: &[bool],
) -> Verdict {
    roots(pieces, kept)
        .map(|root| strongest_passage(policy, thresholds, pieces, kept, root).0)
        .max()
        .unwrap_or(Verdict::Pass)
}

/// Level-one labels with evidence of their own, each once.
fn roots<'p>(pieces: &'p [Piece], kept: &'p [bool]) -> impl Iterator<Item = LabelId> + 'p {
    let own = move |index: usize| {
        let piece = &pieces[index];
        piece.root.filter(|_| kept[index] && piece.weight + piece.disguise > 0)
    };
    (0..pieces.len())
        .filter_map(move |index| own(index).filter(|root| !(0..index).any(|i| own(i) == Some(*root))))
}

/// A stretch of text and what it amounts to for one label.
#[derive(Clone, Copy, Debug, Default)]
struct Passage {
    points: Milli,
    strong: u32,
    medium: u32,
    pieces: u32,
}

impl Passage {
    /// The strongest verdict that its kinds of evidence may carry, whatever the points.
    fn ceiling(self) -> Verdict {
        if self.strong > 0 {
            Verdict::Block
        } else if self.medium > 0 || self.pieces > 1 {
            Verdict::Review
        } else {
            Verdict::Limit
        }
    }
}

/// The strongest verdict of any passage for a level-one label, and the most points among passages of that verdict.
/// Pieces are sorted by place. Contacts count for every label.
fn strongest_passage(
    policy: &Policy,
    thresholds: Thresholds,
    pieces: &[Piece],
    kept: &[bool],
    root: LabelId,
) -> (Verdict, Milli) {
    let mut best = (Verdict::Pass, 0);
    let counts = |piece: &Piece| piece.kind == EvidenceKind::Contact || piece.root.is_none_or(|r| r == root);
    let relevant = |index: &usize| kept[*index] && counts(&pieces[*index]);
    for first in (0..pieces.len()).filter(relevant).filter(|index| pieces[*index].weight >= 0) {
        let start = pieces[first].range.start;
        let end = start.saturating_add(policy.passage_chars);
        let reach = start.saturating_sub(policy.passage_chars);
        // Mitigation counts as far ahead of the passage as the passage is long.
        let ahead = (0..first).filter(|index| pieces[*index].weight < 0 && pieces[*index].range.end >= reach);
        let behind = (first..pieces.len()).take_while(|index| pieces[*index].range.start < end);
        let inside = ahead.chain(behind).filter(relevant);
        let passage = add_up(policy, pieces, root, inside);
        best = best.max((thresholds.verdict(passage.points).min(passage.ceiling()), passage.points));
    }
    best
}

fn add_up(policy: &Policy, pieces: &[Piece], root: LabelId, inside: impl Iterator<Item = usize>) -> Passage {
    let (mut term, mut rule, mut contact, mut disguise, mut mitigation) = (0, 0, 0, 0, 0);
    let mut passage = Passage::default();
    let mut has_own = false;
    for index in inside {
        let piece = &pieces[index];
        let family = match piece.kind {
            EvidenceKind::Rule if piece.weight < 0 => &mut mitigation,
            EvidenceKind::Rule => &mut rule,
            EvidenceKind::Contact => &mut contact,
            EvidenceKind::Term
            | EvidenceKind::NearDuplicate
            | EvidenceKind::Coordination
            | EvidenceKind::Engagement
            | EvidenceKind::Profile
            | EvidenceKind::Model => &mut term,
        };
        *family += piece.weight;
        disguise += piece.disguise;
        has_own |= piece.root == Some(root) && piece.weight + piece.disguise > 0;
        if piece.weight > 0 && piece.kind != EvidenceKind::Contact {
            passage.strong += u32::from(piece.severity == Severity::High);
            passage.medium += u32::from(piece.severity == Severity::Medium);
            passage.pieces += 1;
        }
    }
    let caps = &policy.caps;
    // A contact or a disguise alone is no evidence of anything.
    if has_own {
        let sum = term.min(caps.term)
            + rule.min(caps.rule)
            + contact.min(caps.contact)
            + disguise.min(caps.disguise);
        passage.points = (sum + mitigation).max(0);
    }
    passage
}

/// Labels and their points: each level-one label, and below it its children by their own evidence.
fn rank_labels(
    policy: &Policy,
    taxonomy: &Taxonomy,
    thresholds: Thresholds,
    pieces: &[Piece],
    out: &mut Vec<(LabelId, Milli)>,
) {
    let all = vec![true; pieces.len()];
    for root in roots(pieces, &all) {
        let (_, points) = strongest_passage(policy, thresholds, pieces, &all, root);
        if points == 0 {
            continue;
        }
        out.push((root, points));
        for piece in pieces {
            let Some(label) = piece.label.filter(|label| *label != root && taxonomy.root(*label) == root)
            else {
                continue;
            };
            let own = piece.weight.max(0) + piece.disguise;
            match out.iter_mut().find(|(known, _)| *known == label) {
                Some((_, sum)) => *sum = (*sum + own).min(points),
                None => out.push((label, own.min(points))),
            }
        }
    }
    out.sort_by(|(a, a_points), (b, b_points)| b_points.cmp(a_points).then(a.cmp(b)));
}
