//! One pass of the scanner over a folded text, then verification of what it found.

use super::compile::{Lexicon, TERM_CHARS_MAX};
use super::disguise::{DisguiseScratch, Found};
use super::evaluate::{Occurrences, RuleScratch};
use super::format::Mode;
use super::rule::RuleHit;
use super::scanner::{ScanBuffer, TermHit};
use super::verify::{self, Window};
use crate::model::Surface;
use crate::segment::Segmenter;
use crate::text::{Edit, FoldedText, Hint, Slot, SlotFinder, SymbolRange, Transforms};

/// Most verified hits that are kept of one item; the decision says when there were more.
pub(crate) const HITS_MAX: usize = 1 << 16;

/// Most hits of keys that are looked at in one item.
const RAW_HITS_MAX: usize = 1 << 20;

impl Matches {
    /// The ranges that make a rule hold, one per condition.
    pub fn ranges_of(&self, hit: &RuleHit) -> &[SymbolRange] {
        let first = hit.first as usize;
        self.rule_ranges.get(first..first + hit.count as usize).unwrap_or(&[])
    }
}

/// Longest term or exempt phrase in a text, separators included.
pub(super) const PHRASE_SYMBOLS_MAX: u32 = TERM_CHARS_MAX * (verify::GAP_SYMBOLS_MAX + 1);

/// A verified hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of the term.
    pub term: u32,
    /// Where.
    pub range: SymbolRange,
    /// What was undone to find it.
    pub transforms: Transforms,
}

/// Everything that the dictionaries found in one text.
#[derive(Debug, Default)]
pub struct Matches {
    /// Term hits in the order of the text, cues included.
    pub hits: Vec<Hit>,
    /// Contacts and addresses.
    pub slots: Vec<Slot>,
    /// Rules that hold.
    pub rules: Vec<RuleHit>,
    /// The ranges that rule hits point to.
    pub rule_ranges: Vec<SymbolRange>,
    /// How many stretches were tokenised because they could be a word in disguise.
    pub weighed: u32,
    /// Whether the limit on hits (65,536) cut the list.
    pub hits_cut: bool,
    /// Whether the limit on slots cut the list.
    pub slots_cut: bool,
}

/// Reused buffers of a scan; one per worker.
#[derive(Debug, Default)]
pub struct ScanScratch {
    buffer: ScanBuffer,
    raw: Vec<TermHit>,
    disguise: DisguiseScratch,
    innocent: Vec<(SymbolRange, u32)>,
    hints: Vec<Hint>,
    pub(super) window: Window,
    pub(super) occurrences: Occurrences,
    pub(super) rule: RuleScratch,
}

impl Lexicon {
    /// Finds terms, slots and rules of a folded text.
    ///
    /// O(text + hits); a text without hits costs the scan alone and allocates nothing. Tokenises windows around hits
    /// of terms in [`Mode::Word`] only.
    pub fn scan_into(
        &self,
        text: &FoldedText,
        surface: Surface,
        (segmenter, finder): (&Segmenter, &SlotFinder),
        scratch: &mut ScanScratch,
        out: &mut Matches,
    ) {
        out.hits.clear();
        out.rules.clear();
        out.rule_ranges.clear();
        out.hits_cut = false;
        self.scan_dense(text, segmenter, scratch, out);
        self.scan_plain(text, scratch, out);
        out.hits.sort_unstable_by_key(|hit| (hit.range, hit.term));
        self.find_slots(text, finder, scratch, out);
        let has_patterns = !scratch.rule.words.is_empty() || !scratch.rule.gates.is_empty();
        if !out.hits.is_empty() || !out.slots.is_empty() || has_patterns || self.rules.has_always() {
            self.rules.evaluate(self, text, surface, scratch, out);
        }
    }

    fn scan_dense(
        &self,
        text: &FoldedText,
        segmenter: &Segmenter,
        scratch: &mut ScanScratch,
        out: &mut Matches,
    ) {
        let ScanScratch { buffer, raw, disguise, .. } = scratch;
        raw.clear();
        disguise.spelled.clear();
        out.hits_cut |= !self.dense.scanner.find_in_chars_into(text.dense_chars(), RAW_HITS_MAX, buffer, raw);
        scratch.rule.words.clear();
        scratch.rule.gates.clear();
        scratch.innocent.clear();
        self.take_spelled(scratch);
        if scratch.raw.is_empty() {
            return;
        }
        scratch.raw.sort_unstable_by_key(|raw| (raw.end, raw.start));
        for raw in &scratch.raw {
            let key = &self.dense.keys[raw.term as usize];
            if key.exemptions.is_empty() {
                continue;
            }
            let range = text.from_dense(raw.start, raw.end);
            if verify::gaps_are_allowed(text, range, key.chars) {
                scratch.innocent.extend(key.exemptions.iter().map(|exemption| (range, *exemption)));
            }
        }
        scratch.window.clear();
        for raw in &scratch.raw {
            let key = &self.dense.keys[raw.term as usize];
            scratch.rule.gates.see(&key.gates);
            if key.terms.is_empty() && key.words.is_empty() {
                continue;
            }
            let range = text.from_dense(raw.start, raw.end);
            let gap = range.len() - key.chars;
            let is_split = gap > 0 && verify::is_split_between_fields(text, range, key.chars);
            if gap == 0 || is_split || verify::reads_without_blanks(text, range) {
                scratch.rule.words.extend(key.words.iter().map(|atom| (*atom, range)));
            }
            if gap > 0 && !is_split && !verify::gaps_are_allowed(text, range, key.chars) {
                continue;
            }
            let split = if is_split { Transforms::ACROSS_FIELDS } else { Transforms::empty() };
            let mut on_boundary = None;
            for index in &key.terms {
                let term = &self.terms[*index as usize];
                if gap > 0 && !term.dense || self.is_innocent(*index, range, &scratch.innocent) {
                    continue;
                }
                let stands = match term.mode {
                    Mode::Anywhere if is_split => scratch.window.is_word(text, segmenter, raw.start, raw.end),
                    Mode::Anywhere => true,
                    Mode::Latin => verify::is_latin_word(text, range),
                    Mode::Word => *on_boundary
                        .get_or_insert_with(|| scratch.window.is_word(text, segmenter, raw.start, raw.end)),
                };
                if stands {
                    let transforms = text.transforms_of(range, true) | split;
                    push(out, Hit { term: *index, range, transforms });
                }
            }
        }
    }

    /// Sets hits of other spellings aside.
    fn take_spelled(&self, scratch: &mut ScanScratch) {
        let ScanScratch { raw, disguise, .. } = scratch;
        raw.retain(|hit| {
            let spelling = (hit.term as usize).checked_sub(self.dense.keys.len());
            if let Some(spelling) = spelling.and_then(|index| self.dense.spellings.get(index)) {
                disguise.spelled.push((hit.start, hit.end, *spelling));
            }
            spelling.is_none()
        });
    }

    /// Lists what of a scanned text is in disguise and has to be rewritten before it is scanned again, in order; nothing
    /// for most texts. Goes by what [`Self::scan_into`] left in `scratch` and `out`.
    pub fn find_disguised<'s>(
        &'s self,
        text: &FoldedText,
        segmenter: &Segmenter,
        scratch: &'s mut ScanScratch,
        out: &mut Matches,
    ) -> impl Iterator<Item = Edit<'s>> + use<'s> {
        let ScanScratch { innocent, disguise, rule, .. } = scratch;
        let index = &self.dense;
        let found = Found { hits: &out.hits, slots: &out.slots, words: &rule.words, innocent };
        self.disguises.find_into(text, found, (segmenter, &index.scanner, &index.words_of_keys), disguise);
        out.hits_cut |= !disguise.is_complete;
        out.weighed = disguise.weighed;
        self.disguises.edits(disguise)
    }

    fn scan_plain(&self, text: &FoldedText, scratch: &mut ScanScratch, out: &mut Matches) {
        self.plain.for_each_hit(text, |key, range| {
            // The line break between two fields belongs to neither.
            if text.symbols()[range.indexes()].iter().any(|symbol| symbol.source_end == 0) {
                return;
            }
            scratch.rule.gates.see(&key.gates);
            scratch.rule.words.extend(key.words.iter().map(|atom| (*atom, range)));
            for index in &key.terms {
                let latin = self.terms[*index as usize].mode == Mode::Latin;
                if self.is_innocent(*index, range, &scratch.innocent) {
                    continue;
                }
                if !latin || verify::is_latin_word(text, range) {
                    push(out, Hit { term: *index, range, transforms: text.transforms_of(range, false) });
                }
            }
        });
    }

    fn find_slots(
        &self,
        text: &FoldedText,
        finder: &SlotFinder,
        scratch: &mut ScanScratch,
        out: &mut Matches,
    ) {
        scratch.hints.clear();
        for hit in &out.hits {
            if let Some(kind) = self.terms[hit.term as usize].hint {
                scratch.hints.push(Hint { range: hit.range, kind });
            }
        }
        // Of hints that end at the same place one is enough.
        scratch.hints.sort_unstable_by_key(|hint| (hint.range.end, hint.kind));
        scratch.hints.dedup_by_key(|hint| (hint.range.end, hint.kind));
        out.slots_cut = !finder.find_into(text, &scratch.hints, &mut out.slots);
    }

    /// Whether a longer phrase around a hit voids it.
    fn is_innocent(&self, term: u32, range: SymbolRange, innocent: &[(SymbolRange, u32)]) -> bool {
        // Phrases stand in the order of their ends; none is longer than the bound.
        let first = innocent.partition_point(|(phrase, _)| phrase.end < range.end);
        let near =
            innocent[first..].iter().take_while(|(phrase, _)| phrase.end <= range.start + PHRASE_SYMBOLS_MAX);
        near.into_iter().any(|(phrase, exemption)| {
            let covered = phrase.contains(range) && phrase.len() > range.len();
            covered
                && self.exemptions[*exemption as usize]
                    .terms
                    .as_ref()
                    .is_none_or(|terms| terms.contains(&term))
        })
    }
}

fn push(out: &mut Matches, hit: Hit) {
    if out.hits.len() < HITS_MAX {
        out.hits.push(hit);
    } else {
        out.hits_cut = true;
    }
}
