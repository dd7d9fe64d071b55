//! The stateless stages: fold, scan, slots, rules.

use super::bundle::Bundle;
use crate::decide::{Judgement, Piece};
use crate::lexicon::{Matches, ScanScratch};
use crate::model::{EvidenceKind, Item, ItemError, LabelId, Milli};
use crate::neardup::Fingerprinter;
use crate::text::{FoldedText, SymbolRange};

/// Reused buffers of one worker.
#[derive(Debug, Default)]
pub struct Scratch {
    folded: FoldedText,
    /// The text with its disguises undone.
    restored: FoldedText,
    scan: ScanScratch,
    matches: Matches,
    fingerprinter: Fingerprinter,
    pub(super) pieces: Vec<Piece>,
    pub(super) judgement: Judgement,
    /// Whether the last judgement left evidence out.
    pub(super) evidence_cut: bool,
}

/// What the stateless stages found in one item; lives in the scratch until the next item.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'s> {
    /// The folded texts.
    pub folded: &'s FoldedText,
    /// Hits, slots and rules.
    pub matches: &'s Matches,
}

impl Scratch {
    /// The findings of the last item.
    pub fn findings(&self) -> Findings<'_> {
        Findings { folded: &self.folded, matches: &self.matches }
    }

    /// Labels with points of the last judgement, strongest first.
    pub fn labels(&self) -> &[(LabelId, Milli)] {
        &self.judgement.labels
    }

    /// Every range that the evidence of the last judgement points to.
    pub fn evidence_ranges(&self) -> Vec<SymbolRange> {
        let mut ranges = Vec::new();
        for piece in &self.pieces {
            if piece.kind == EvidenceKind::Rule {
                let hit = self.matches.rules[piece.source as usize];
                ranges.extend(self.matches.ranges_of(&hit));
            } else {
                ranges.push(piece.range);
            }
        }
        ranges
    }

    pub(super) fn fingerprinting(&mut self) -> (&mut Fingerprinter, &FoldedText, &Matches) {
        (&mut self.fingerprinter, &self.folded, &self.matches)
    }

    pub(super) fn parts(&mut self) -> (&FoldedText, &Matches, &mut Vec<Piece>, &mut Judgement) {
        (&self.folded, &self.matches, &mut self.pieces, &mut self.judgement)
    }
}

/// Buffers larger than this are given back with the next item, so that one huge post does not stay in memory.
const KEPT_TEXT_BYTES: usize = 1 << 20;

/// Runs the stateless stages over one item.
///
/// O(text + hits). A warm scratch and an item in which nothing hits: no heap allocation. Runs on any thread.
///
/// # Errors
/// An item beyond the limits of the policy.
pub fn inspect<'s>(
    bundle: &Bundle,
    item: &Item<'_>,
    scratch: &'s mut Scratch,
) -> Result<Findings<'s>, ItemError> {
    let limits = bundle.policy.limits();
    let found = item.text_bytes();
    if found > limits.text_bytes_max {
        return Err(ItemError::TooLong { found, limit: limits.text_bytes_max });
    }
    if item.fields.len() > limits.fields_max {
        return Err(ItemError::TooManyFields { found: item.fields.len(), limit: limits.fields_max });
    }
    item.check_ids(limits.id_bytes_max)?;
    item.check_names()?;
    if scratch.folded.plain().len() > KEPT_TEXT_BYTES {
        *scratch = Scratch::default();
    }
    scratch.folded.clear();
    for (_, text) in item.texts() {
        scratch.folded.push_field(&bundle.table, text);
    }
    let Scratch { folded, restored, scan, matches, .. } = scratch;
    let helpers = (&bundle.segmenter, &bundle.slots);
    bundle.lexicon.scan_into(folded, item.surface(), helpers, scan, matches);
    let is_restored = {
        let mut edits = bundle.lexicon.find_disguised(folded, &bundle.segmenter, scan, matches).peekable();
        let is_disguised = edits.peek().is_some();
        if is_disguised {
            folded.rewrite_into(&bundle.table, edits, restored);
        }
        is_disguised
    };
    if is_restored {
        std::mem::swap(folded, restored);
        let was_cut = matches.hits_cut;
        bundle.lexicon.scan_into(folded, item.surface(), helpers, scan, matches);
        matches.hits_cut |= was_cut;
    }
    Ok(scratch.findings())
}
