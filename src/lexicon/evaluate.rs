//! Rules at run time: a rule is looked at only when an atom of its *anchor* group occurs.

use super::compile::{Lexicon, Term};
use super::gate::{Gate, GateId, OpenGates};
use super::pattern::Pattern;
use super::rule::{AtomId, GROUPS_MAX, Rule, RuleHit};
use super::scan::{Matches, PHRASE_SYMBOLS_MAX, ScanScratch};
use crate::model::{LabelId, Surface};
use crate::text::{Class, FoldedText, Slot, SlotKind, Squeezed, SymbolRange};

/// Stretch of text in which one place of a rule is enough.
const PLACE_SYMBOLS: u32 = 100;
/// Longest stretch in which rare characters count as close together.
const RARE_SYMBOLS_MAX: u32 = 60;
/// Most places of one pattern that are looked at in one text.
const PATTERN_HITS_MAX: usize = 1024;

/// All rules, ready to evaluate.
#[derive(Debug, Default)]
pub(super) struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) atoms: usize,
    /// Per atom, the rules that it is an anchor of.
    pub(super) anchored: Vec<Vec<u32>>,
    /// Rules of which a scan finds nothing: their patterns have no required literals.
    pub(super) always: Vec<u32>,
    /// Per atom, its pattern, if it is one.
    pub(super) patterns: Vec<Option<Pattern>>,
    /// Per atom, whether it is a pattern that is not only words.
    pub(super) expressions: Vec<bool>,
    /// Sets of required literals, each once.
    pub(super) gates: Vec<Gate>,
    /// Per atom, the sets of which its pattern needs one literal each.
    pub(super) gates_of: Vec<Vec<GateId>>,
    /// Atoms that ask for so many rare characters.
    pub(super) rare_atoms: Vec<(u32, AtomId)>,
    /// Per slot kind, the atoms that such a slot stands for.
    pub(super) slot_atoms: Vec<(SlotKind, Vec<AtomId>)>,
}

/// Where the atoms of a text occur, sorted by atom and place.
#[derive(Debug, Default)]
pub(super) struct Occurrences {
    list: Vec<(AtomId, SymbolRange)>,
    /// Per atom, whether it is in the list: rules ask for far more atoms than occur.
    occurs: Vec<bool>,
}

impl Occurrences {
    fn clear(&mut self) {
        for (atom, _) in self.list.drain(..) {
            self.occurs[atom as usize] = false;
        }
    }

    /// Puts the list in order.
    fn sort(&mut self, atoms: usize) {
        self.list.sort_unstable();
        self.list.dedup();
        self.occurs.resize(atoms, false);
        for (atom, _) in &self.list {
            self.occurs[*atom as usize] = true;
        }
    }

    fn has(&self, atom: AtomId) -> bool {
        self.occurs[atom as usize]
    }

    fn of(&self, atom: AtomId) -> &[(AtomId, SymbolRange)] {
        if !self.has(atom) {
            return &[];
        }
        let start = self.list.partition_point(|(a, _)| *a < atom);
        let end = start + self.list[start..].partition_point(|(a, _)| *a == atom);
        &self.list[start..end]
    }
}

/// Reused buffers of rule evaluation.
#[derive(Debug, Default)]
pub(super) struct RuleScratch {
    /// Patterns that are words, and where the scan found them.
    pub(super) words: Vec<(AtomId, SymbolRange)>,
    /// Sets of required literals of which the scan found one.
    pub(super) gates: OpenGates,
    candidates: Vec<u32>,
    points: Vec<(SymbolRange, u8)>,
    pattern_hits: Vec<PatternHits>,
    /// Number of the text at hand.
    text: u64,
    squeezed: Squeezed,
}

/// What is known of one pattern in the text at hand.
#[derive(Clone, Debug, Default)]
struct PatternHits {
    /// Number of the text that the ranges are of.
    text: u64,
    ranges: Vec<SymbolRange>,
}

impl RuleSet {
    /// Whether some rule must be looked at even when nothing hit.
    pub(super) fn has_always(&self) -> bool {
        !self.always.is_empty()
    }

    /// Rules without an atom that a scan finds: their patterns run over every text.
    pub(super) fn unanchored(&self) -> impl Iterator<Item = &Rule> {
        self.always.iter().map(|index| &self.rules[*index as usize])
    }

    /// The pattern of an atom that is one.
    fn pattern(&self, atom: AtomId) -> Option<&Pattern> {
        self.patterns.get(atom as usize)?.as_ref()
    }

    /// Whether an atom is a pattern that must be run, because it is not only words.
    fn is_expression(&self, atom: AtomId) -> bool {
        self.expressions[atom as usize]
    }

    /// The sets of required literals.
    pub(super) fn gates(&self) -> impl Iterator<Item = (GateId, &[String])> {
        (0..).zip(self.gates.iter().map(|gate| gate.words.as_slice()))
    }

    /// The patterns that need a literal of a set.
    pub(super) fn patterns_of(&self, gate: GateId) -> impl Iterator<Item = AtomId> + '_ {
        (0..).zip(&self.gates_of).filter(move |(_, gates)| gates.contains(&gate)).map(|(atom, _)| atom)
    }

    /// Per atom, the labels of the rules that name it, through `bit`.
    pub(super) fn roots_of_atoms(&self, bit: impl Fn(LabelId) -> u32) -> Vec<u32> {
        let mut roots = vec![0; self.atoms];
        for rule in &self.rules {
            let own = rule.label.map_or(0, &bit);
            rule.groups.iter().flatten().for_each(|atom| roots[*atom as usize] |= own);
        }
        roots
    }

    /// All patterns with their atoms.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (AtomId, &Pattern)> {
        (0..).zip(&self.patterns).filter_map(|(atom, pattern)| Some((atom, pattern.as_ref()?)))
    }

    /// Whether an atom can ever occur, given the terms.
    pub(super) fn can_occur(&self, atom: AtomId, terms: &[Term]) -> bool {
        self.pattern(atom).is_some()
            || self.rare_atoms.iter().any(|(_, rare)| *rare == atom)
            || self.slot_atoms.iter().any(|(_, atoms)| atoms.contains(&atom))
            || terms.iter().any(|term| term.atoms.contains(&atom))
    }

    /// Adds the rules that hold to `out`.
    pub(super) fn evaluate(
        &self,
        lexicon: &Lexicon,
        text: &FoldedText,
        surface: Surface,
        scratch: &mut ScanScratch,
        out: &mut Matches,
    ) {
        let ScanScratch { occurrences, rule: buffers, .. } = scratch;
        occurrences.clear();
        self.collect(lexicon, out, &buffers.words, &mut occurrences.list);
        self.collect_rare(text, &mut occurrences.list);
        occurrences.sort(self.atoms);
        buffers.candidates.clear();
        buffers.candidates.extend(&self.always);
        let mut last = None;
        for (atom, _) in &occurrences.list {
            if last != Some(*atom) {
                buffers.candidates.extend(&self.anchored[*atom as usize]);
                last = Some(*atom);
            }
        }
        for gate in &buffers.gates.list {
            for atom in &self.gates[*gate as usize].first_of {
                buffers.candidates.extend(&self.anchored[*atom as usize]);
            }
        }
        buffers.text += 1;
        buffers.pattern_hits.resize_with(self.atoms, PatternHits::default);
        buffers.candidates.sort_unstable();
        buffers.candidates.dedup();
        if !buffers.candidates.is_empty() {
            buffers.squeezed.fill(text);
        }
        let candidates = std::mem::take(&mut buffers.candidates);
        for index in &candidates {
            let rule = &self.rules[*index as usize];
            if rule.surfaces & 1 << surface as u8 == 0 {
                continue;
            }
            let mut search = Search {
                set: self,
                text,
                squeezed: &buffers.squeezed,
                number: buffers.text,
                occurrences,
                gates: &buffers.gates,
                patterns: &mut buffers.pattern_hits,
                out,
            };
            if !search.collect_points(rule, &mut buffers.points) {
                continue;
            }
            search.find_places(rule, *index, &buffers.points);
        }
        buffers.candidates = candidates;
    }

    /// Lists where each atom occurs.
    fn collect(
        &self,
        lexicon: &Lexicon,
        matches: &Matches,
        words: &[(AtomId, SymbolRange)],
        list: &mut Vec<(AtomId, SymbolRange)>,
    ) {
        list.extend(words);
        for hit in &matches.hits {
            for atom in &lexicon.terms[hit.term as usize].atoms {
                list.push((*atom, hit.range));
            }
        }
        for Slot { kind, range, .. } in &matches.slots {
            let atoms = self.slot_atoms.iter().find(|(k, _)| k == kind).map_or(&[][..], |(_, atoms)| atoms);
            list.extend(atoms.iter().map(|atom| (*atom, *range)));
        }
        debug_assert!(list.iter().all(|(atom, _)| (*atom as usize) < self.atoms));
    }

    /// Adds the stretches in which rare Han characters stand close together.
    fn collect_rare(&self, text: &FoldedText, list: &mut Vec<(AtomId, SymbolRange)>) {
        for (count, atom) in &self.rare_atoms {
            if text.count(Class::RareHan) < *count {
                continue;
            }
            let places = (0_u32..)
                .zip(text.symbols())
                .filter(|(_, s)| s.class == Class::RareHan)
                .map(|(index, _)| index);
            let ends = places.clone().skip(*count as usize - 1);
            let stretches = places.zip(ends).map(|(start, last)| SymbolRange { start, end: last + 1 });
            list.extend(
                stretches
                    .filter(|stretch| {
                        stretch.len() <= RARE_SYMBOLS_MAX
                            && text.field_of(stretch.start) == text.field_of(stretch.end - 1)
                    })
                    .map(|stretch| (*atom, stretch)),
            );
        }
    }
}

/// One rule against one text.
struct Search<'a> {
    set: &'a RuleSet,
    text: &'a FoldedText,
    squeezed: &'a Squeezed,
    number: u64,
    occurrences: &'a Occurrences,
    gates: &'a OpenGates,
    patterns: &'a mut [PatternHits],
    out: &'a mut Matches,
}

impl Search<'_> {
    /// Fills `points` with every place of every group, by start; false when some group has none.
    fn collect_points(&mut self, rule: &Rule, points: &mut Vec<(SymbolRange, u8)>) -> bool {
        points.clear();
        if !rule.groups.iter().all(|group| group.iter().any(|atom| self.may_occur(*atom))) {
            return false;
        }
        // What the scan found is free; expressions run only when the rest is there.
        for patterns in [false, true] {
            for (number, group) in (0_u8..).zip(&rule.groups) {
                let has_expression = group.iter().any(|atom| self.set.is_expression(*atom));
                if has_expression != patterns {
                    continue;
                }
                let before = points.len();
                for atom in group {
                    self.add_points(*atom, number, points);
                }
                if points.len() == before {
                    return false;
                }
            }
        }
        points.sort_unstable();
        true
    }

    fn add_points(&mut self, atom: AtomId, group: u8, points: &mut Vec<(SymbolRange, u8)>) {
        if self.set.is_expression(atom) {
            points.extend(self.pattern_ranges(atom).iter().map(|range| (*range, group)));
        } else {
            points.extend(self.occurrences.of(atom).iter().map(|(_, range)| (*range, group)));
        }
    }

    /// Where an expression matches; it runs once per text, and only if the scan found what it needs.
    fn pattern_ranges(&mut self, atom: AtomId) -> &[SymbolRange] {
        let hits = &mut self.patterns[atom as usize];
        let Some(pattern) = self.set.pattern(atom) else { return &[] };
        if hits.text != self.number {
            hits.text = self.number;
            hits.ranges.clear();
            if self.set.gates_of[atom as usize].iter().all(|gate| self.gates.has(*gate)) {
                let text = self.text;
                let view = self.squeezed;
                for field in view.fields() {
                    let found =
                        pattern.regex.find_iter(&view.text(text)[field.clone()]).filter(|m| !m.is_empty());
                    let place = |m: regex::Match<'_>| {
                        view.symbols(text, field.start + m.start()..field.start + m.end())
                    };
                    hits.ranges.extend(found.take(PATTERN_HITS_MAX - hits.ranges.len()).map(place));
                    self.out.hits_cut |= hits.ranges.len() == PATTERN_HITS_MAX;
                }
            }
        }
        &hits.ranges
    }

    /// Whether an atom occurs, or, for an expression, may match.
    fn may_occur(&self, atom: AtomId) -> bool {
        if self.set.is_expression(atom) {
            self.set.gates_of[atom as usize].iter().all(|gate| self.gates.has(*gate))
        } else {
            self.occurrences.has(atom)
        }
    }

    /// Adds the places where the rule holds, at most one per [`PLACE_SYMBOLS`]; a rule of several conditions without a
    /// distance has one place, the whole item. O(points × groups).
    fn find_places(&mut self, rule: &Rule, index: u32, points: &[(SymbolRange, u8)]) {
        let mut latest = [None::<SymbolRange>; GROUPS_MAX];
        let groups = rule.groups.len();
        let is_whole_item = rule.within.is_none() && groups > 1;
        let mut next_start = 0;
        for (range, group) in points {
            let slot = &mut latest[usize::from(*group)];
            if is_whole_item && slot.is_some() {
                continue;
            }
            *slot = Some(*range);
            let chosen = || latest[..groups].iter().flatten();
            if chosen().count() < groups {
                continue;
            }
            let start = chosen().map(|r| r.start).min().unwrap_or(0);
            let end = chosen().map(|r| r.end).max().unwrap_or(0);
            let near = rule.within.is_none_or(|within| self.squeezed.distance(start, end) <= within);
            if near && start >= next_start && !self.is_voided(rule, start, end) {
                let first = as_u32(self.out.rule_ranges.len());
                self.out.rule_ranges.extend(chosen());
                self.out.rules.push(RuleHit { rule: index, first, count: as_u32(groups) });
                next_start = start + PLACE_SYMBOLS;
            }
            if is_whole_item {
                return;
            }
        }
    }

    /// Whether an atom of `none` stands inside or near the matched stretch.
    fn is_voided(&mut self, rule: &Rule, start: u32, end: u32) -> bool {
        let (from, to) = match rule.within {
            Some(within) => (start.saturating_sub(within), end.saturating_add(within)),
            None => (0, u32::MAX),
        };
        rule.none.iter().any(|atom| {
            if self.set.is_expression(*atom) {
                self.pattern_ranges(*atom).iter().any(|range| range.start <= to && range.end >= from)
            } else {
                let places = self.occurrences.of(*atom);
                let before = places.partition_point(|(_, range)| range.start <= to);
                let near = places[..before].iter().rev().map(|(_, range)| range);
                near.take_while(|range| range.start.saturating_add(PHRASE_SYMBOLS_MAX) >= from)
                    .any(|range| range.end >= from)
            }
        })
    }
}

/// Lists are far shorter than 2^32.
fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
