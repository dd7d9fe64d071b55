//! Rules: combinations of terms, labels, slots and patterns inside a distance.
//!
//! At load time every atom that some rule names gets a number, and every term learns the numbers that it stands for.
//! At run time a rule is looked at only when an atom of its *anchor* group occurs.

use std::collections::HashMap;

use super::compile::{Lexicon, Loader, Term};
use super::format::{Origin, RawRule};
use super::pattern::{Need, Pattern};
use super::problem::suggestion;
use super::scan::{Matches, PHRASE_SYMBOLS_MAX, ScanScratch};
use crate::model::{LabelId, Milli, Severity, Surface, Taxonomy};
use crate::text::{FoldedText, Slot, SlotKind, SymbolRange};

/// Number of an atom.
pub(super) type AtomId = u32;
/// Number of a set of required literals.
pub(super) type GateId = u32;

/// Most groups (entries of `all`, plus one for `any`) of a rule.
const GROUPS_MAX: usize = 12;
/// Most places of one pattern that are looked at in one text.
const PATTERN_HITS_MAX: usize = 64;

/// A checked rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Stable id.
    pub id: String,
    /// The label that it speaks for; none for all that have evidence (mitigating rules).
    pub label: Option<LabelId>,
    /// Strongest measure it may carry alone.
    pub severity: Severity,
    /// Points; negative for mitigating rules.
    pub weight: Milli,
    /// The operator's note.
    pub note: Option<String>,
    /// Where it was defined.
    pub origin: Origin,
    /// The atoms as written: `all` one by one, then `any` together.
    pub(super) groups: Vec<Vec<AtomId>>,
    pub(super) none: Vec<AtomId>,
    pub(super) within: Option<u32>,
    surfaces: u8,
}

/// A rule that holds, and the ranges that make it hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// Index of the rule.
    pub rule: u32,
    /// First of its ranges in [`Matches::rule_ranges`].
    pub first: u32,
    /// Number of its ranges, one per group.
    pub count: u32,
}

/// What an atom stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Atom {
    Term(u32),
    Set(String),
    Label(LabelId),
    /// A slot of one kind.
    Slot(SlotKind),
    /// Any slot but an address.
    Contact,
    AnySlot,
    Pattern(String),
}

/// All rules, ready to evaluate.
#[derive(Debug, Default)]
pub(super) struct RuleSet {
    pub(super) rules: Vec<Rule>,
    atoms: usize,
    /// Per atom, the rules that it is an anchor of.
    anchored: Vec<Vec<u32>>,
    /// Rules of which a scan finds nothing: their patterns have no required literals.
    always: Vec<u32>,
    /// Per atom, its pattern, if it is one.
    patterns: Vec<Option<Pattern>>,
    /// Sets of required literals, each once.
    gates: Vec<Gate>,
    /// Per atom, the sets of which its pattern needs one literal each.
    gates_of: Vec<Vec<GateId>>,
    /// Per slot kind, the atoms that such a slot stands for.
    slot_atoms: Vec<(SlotKind, Vec<AtomId>)>,
}

/// A set of literals of which some patterns need one.
#[derive(Debug)]
struct Gate {
    words: Vec<String>,
    /// The patterns whose most telling set this is.
    first_of: Vec<AtomId>,
}

/// The sets that a text satisfies.
#[derive(Debug, Default)]
pub(super) struct OpenGates {
    list: Vec<GateId>,
    is_open: Vec<bool>,
}

impl OpenGates {
    pub(super) fn clear(&mut self) {
        for gate in self.list.drain(..) {
            self.is_open[gate as usize] = false;
        }
    }

    /// Notes that a literal of these sets was found.
    #[inline]
    pub(super) fn see(&mut self, gates: &[GateId]) {
        for gate in gates {
            let index = *gate as usize;
            if index >= self.is_open.len() {
                self.is_open.resize(index + 1, false);
            }
            if !self.is_open[index] {
                self.is_open[index] = true;
                self.list.push(*gate);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn has(&self, gate: GateId) -> bool {
        self.is_open.get(gate as usize).is_some_and(|open| *open)
    }
}

/// Where the atoms of a text occur, sorted by atom and place.
#[derive(Debug, Default)]
pub(super) struct Occurrences {
    list: Vec<(AtomId, SymbolRange)>,
}

impl Occurrences {
    fn of(&self, atom: AtomId) -> &[(AtomId, SymbolRange)] {
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
}

/// What is known of one pattern in the text at hand.
#[derive(Clone, Debug, Default)]
struct PatternHits {
    /// Number of the text that the ranges are of.
    text: u64,
    ranges: Vec<SymbolRange>,
}

/// Rules that were read and checked, before terms know their atoms.
#[derive(Debug, Default)]
pub(super) struct RuleBook {
    rules: Vec<Rule>,
    atoms: Vec<Atom>,
    ids: HashMap<Atom, AtomId>,
    patterns: HashMap<AtomId, Pattern>,
}

impl RuleBook {
    /// Checks raw rules; problems go to the loader.
    pub(super) fn read(loader: &mut Loader<'_>, raw: Vec<(RawRule, Origin)>) -> Self {
        let mut book = Self::default();
        let mut seen: HashMap<String, Origin> = HashMap::new();
        let sets: Vec<String> = loader.terms.iter().flat_map(|t| t.sets.iter().cloned()).collect();
        for (rule, origin) in raw {
            if let Some(first) = seen.insert(rule.id.clone(), origin) {
                let place = format!("{}:{}", loader.files[first.file as usize], first.line);
                loader.problem(origin, format!("rule id {:?} is already used at {place}", rule.id));
                continue;
            }
            match book.check(loader, &sets, rule, origin) {
                Ok(rule) => book.rules.push(rule),
                Err(message) => loader.problem(origin, message),
            }
        }
        book
    }

    fn check(
        &mut self,
        loader: &mut Loader<'_>,
        sets: &[String],
        raw: RawRule,
        origin: Origin,
    ) -> Result<Rule, String> {
        let severity = raw.severity.unwrap_or(Severity::Low);
        let weight = raw.weight.unwrap_or_else(|| severity.default_weight());
        if !(-1000..=1000).contains(&weight) || weight == 0 {
            return Err(format!("rule {:?}: weight {weight} is zero or outside -1000–1000", raw.id));
        }
        let label = match raw.label.as_str() {
            "*" if weight < 0 => None,
            "*" => {
                return Err(format!(
                    "rule {:?}: label \"*\" is for mitigating rules (negative weight)",
                    raw.id
                ));
            }
            name => Some(loader.label(name)?),
        };
        let mut groups = Vec::new();
        for atom in &raw.all {
            groups.push(vec![self.atom(loader, sets, atom, origin)?]);
        }
        if !raw.any.is_empty() {
            groups.push(self.atoms_of(loader, sets, &raw.any, origin)?);
        }
        if groups.is_empty() || groups.len() > GROUPS_MAX {
            let found = groups.len();
            return Err(format!(
                "rule {:?} needs 1 to {GROUPS_MAX} conditions in `all` and `any`, it has {found}",
                raw.id
            ));
        }
        let none = self.atoms_of(loader, sets, &raw.none, origin)?;
        let surfaces =
            raw.surfaces.map_or(u8::MAX, |list| list.iter().fold(0, |mask, s| mask | 1 << *s as u8));
        Ok(Rule {
            id: raw.id,
            label,
            severity,
            weight,
            note: raw.note,
            origin,
            groups,
            none,
            within: raw.within,
            surfaces,
        })
    }

    fn atoms_of(
        &mut self,
        loader: &mut Loader<'_>,
        sets: &[String],
        names: &[String],
        origin: Origin,
    ) -> Result<Vec<AtomId>, String> {
        names.iter().map(|name| self.atom(loader, sets, name, origin)).collect()
    }

    /// Resolves `kind:value` to a numbered atom.
    fn atom(
        &mut self,
        loader: &mut Loader<'_>,
        sets: &[String],
        name: &str,
        origin: Origin,
    ) -> Result<AtomId, String> {
        let (kind, value) = name
            .split_once(':')
            .ok_or_else(|| format!("{name:?} is no atom; write term:ID, set:NAME, slot:KIND …"))?;
        let atom = match kind {
            "term" => match loader.by_id.get(value) {
                Some(index) => Atom::Term(*index),
                None => {
                    let nearest = suggestion(value, loader.by_id.keys().map(String::as_str));
                    return Err(format!("unknown term {value:?}{nearest}"));
                }
            },
            "text" => Atom::Term(loader.literal(value, origin)?),
            "set" if sets.iter().any(|set| set == value) => Atom::Set(value.to_owned()),
            "set" => {
                let nearest = suggestion(value, sets.iter().map(String::as_str));
                return Err(format!("no term is in the set {value:?}{nearest}"));
            }
            "label" => Atom::Label(loader.label(value)?),
            "slot" => slot_atom(value)?,
            "re" => Atom::Pattern(value.to_owned()),
            other => {
                let nearest = suggestion(other, ["term", "text", "set", "label", "slot", "re"]);
                return Err(format!("unknown kind of atom {other:?} in {name:?}{nearest}"));
            }
        };
        let pattern = match &atom {
            Atom::Pattern(pattern) if !self.ids.contains_key(&atom) => Some(Pattern::new(pattern)?),
            _ => None,
        };
        let next = u32::try_from(self.atoms.len()).map_err(|_| "too many atoms".to_owned())?;
        let id = *self.ids.entry(atom.clone()).or_insert(next);
        if id == next {
            self.atoms.push(atom);
        }
        if let Some(pattern) = pattern {
            self.patterns.insert(id, pattern);
        }
        Ok(id)
    }

    /// Tells the terms their atoms and indexes the rules by anchor.
    pub(super) fn compile(self, terms: &mut [Term], taxonomy: &Taxonomy) -> RuleSet {
        let mut uses = vec![0_usize; self.atoms.len()];
        for (index, term) in (0..).zip(terms.iter_mut()) {
            let mut atoms: Vec<AtomId> = Vec::new();
            let mut add = |atom: Atom| atoms.extend(self.ids.get(&atom));
            add(Atom::Term(index));
            term.sets.iter().for_each(|set| add(Atom::Set(set.clone())));
            if term.weight > 0 {
                add(Atom::Label(term.label));
                if taxonomy.root(term.label) != term.label {
                    add(Atom::Label(taxonomy.root(term.label)));
                }
            }
            atoms.sort_unstable();
            atoms.dedup();
            atoms.iter().for_each(|atom| uses[*atom as usize] += 1);
            term.atoms = atoms.into();
        }
        let slot_atoms = SlotKind::ALL
            .into_iter()
            .map(|kind| {
                let contact = (kind != SlotKind::Url).then_some(Atom::Contact);
                let atoms = [Some(Atom::Slot(kind)), contact, Some(Atom::AnySlot)];
                (kind, atoms.into_iter().flatten().filter_map(|atom| self.ids.get(&atom).copied()).collect())
            })
            .collect();
        let mut patterns: Vec<Option<Pattern>> = (0..self.atoms.len()).map(|_| None).collect();
        for (atom, pattern) in self.patterns {
            patterns[atom as usize] = Some(pattern);
        }
        let (gates, gates_of) = number_gates(&patterns);
        let (mut anchored, mut always) = (vec![Vec::new(); self.atoms.len()], Vec::new());
        for (index, rule) in (0..).zip(&self.rules) {
            // The group that the fewest terms can satisfy; slots count as many.
            let cost = |group: &Vec<AtomId>| -> Option<usize> {
                group.iter().try_fold(0, |sum, atom| match &self.atoms[*atom as usize] {
                    Atom::Pattern(_) => Some(sum + patterns[*atom as usize].as_ref().and_then(pattern_cost)?),
                    Atom::Slot(_) | Atom::Contact | Atom::AnySlot => Some(sum + 100),
                    Atom::Term(_) | Atom::Set(_) | Atom::Label(_) => Some(sum + uses[*atom as usize]),
                })
            };
            match rule.groups.iter().filter_map(|g| cost(g).map(|c| (c, g))).min_by_key(|(c, _)| *c) {
                Some((_, group)) => group.iter().for_each(|atom| anchored[*atom as usize].push(index)),
                None => always.push(index),
            }
        }
        RuleSet {
            rules: self.rules,
            atoms: self.atoms.len(),
            anchored,
            always,
            patterns,
            gates,
            gates_of,
            slot_atoms,
        }
    }
}

/// Numbers the sets of required literals of all patterns; equal sets share a number.
fn number_gates(patterns: &[Option<Pattern>]) -> (Vec<Gate>, Vec<Vec<GateId>>) {
    let (mut gates, mut numbers) = (Vec::new(), HashMap::new());
    let mut gates_of = vec![Vec::new(); patterns.len()];
    for (atom, pattern) in (0_u32..).zip(patterns) {
        let Some(Pattern { need: Need::AllOf(sets), .. }) = pattern else { continue };
        for (rank, words) in sets.iter().enumerate() {
            let next = u32::try_from(gates.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(words).or_insert_with(|| {
                gates.push(Gate { words: words.clone(), first_of: Vec::new() });
                next
            });
            gates_of[atom as usize].push(number);
            if rank == 0 {
                gates[number as usize].first_of.push(atom);
            }
        }
    }
    (gates, gates_of)
}

/// How often a pattern is likely to be looked at, in the unit of terms; nothing for one that nothing announces.
fn pattern_cost(pattern: &Pattern) -> Option<usize> {
    match &pattern.need {
        Need::Words(words) => Some(words.len()),
        Need::AllOf(sets) => {
            let words = sets.first()?;
            let single = words.iter().filter(|word| word.chars().count() == 1).count();
            Some(50 + words.len() + 100 * single)
        }
        Need::Nothing => None,
    }
}

fn slot_atom(value: &str) -> Result<Atom, String> {
    match value {
        "contact" => Ok(Atom::Contact),
        "any" => Ok(Atom::AnySlot),
        name => {
            SlotKind::ALL.into_iter().find(|kind| kind.as_str() == name).map(Atom::Slot).ok_or_else(|| {
                let names = SlotKind::ALL.map(SlotKind::as_str).into_iter().chain(["contact", "any"]);
                format!("unknown slot {name:?}{}", suggestion(name, names))
            })
        }
    }
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

    /// The pattern of an atom that must be run, because it is not only words.
    fn expression(&self, atom: AtomId) -> Option<&Pattern> {
        self.pattern(atom).filter(|pattern| !matches!(pattern.need, Need::Words(_)))
    }

    /// The sets of required literals.
    pub(super) fn gates(&self) -> impl Iterator<Item = (GateId, &[String])> {
        (0..).zip(self.gates.iter().map(|gate| gate.words.as_slice()))
    }

    /// All patterns with their atoms.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (AtomId, &Pattern)> {
        (0..).zip(&self.patterns).filter_map(|(atom, pattern)| Some((atom, pattern.as_ref()?)))
    }

    /// Whether an atom can ever occur, given the terms.
    pub(super) fn can_occur(&self, atom: AtomId, terms: &[Term]) -> bool {
        self.pattern(atom).is_some()
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
        self.collect(lexicon, out, &buffers.words, &mut occurrences.list);
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
        let candidates = std::mem::take(&mut buffers.candidates);
        for index in &candidates {
            let rule = &self.rules[*index as usize];
            if rule.surfaces & 1 << surface as u8 == 0 {
                continue;
            }
            let mut search = Search {
                set: self,
                text,
                number: buffers.text,
                occurrences,
                gates: &buffers.gates,
                patterns: &mut buffers.pattern_hits,
            };
            if !search.collect_points(rule, &mut buffers.points) {
                continue;
            }
            let first = out.rule_ranges.len();
            if search.holds(rule, &buffers.points, &mut out.rule_ranges) {
                let as_u32 = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let count = as_u32(out.rule_ranges.len() - first);
                out.rules.push(RuleHit { rule: *index, first: as_u32(first), count });
            }
        }
        buffers.candidates = candidates;
    }

    /// Lists where each atom occurs, sorted.
    fn collect(
        &self,
        lexicon: &Lexicon,
        matches: &Matches,
        words: &[(AtomId, SymbolRange)],
        list: &mut Vec<(AtomId, SymbolRange)>,
    ) {
        list.clear();
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
        list.sort_unstable();
        list.dedup();
        debug_assert!(list.iter().all(|(atom, _)| (*atom as usize) < self.atoms));
    }
}

/// One rule against one text.
struct Search<'a> {
    set: &'a RuleSet,
    text: &'a FoldedText,
    number: u64,
    occurrences: &'a Occurrences,
    gates: &'a OpenGates,
    patterns: &'a mut [PatternHits],
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
                let has_expression = group.iter().any(|atom| self.set.expression(*atom).is_some());
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
        if self.set.expression(atom).is_some() {
            points.extend(self.pattern_ranges(atom).iter().map(|range| (*range, group)));
        } else {
            points.extend(self.occurrences.of(atom).iter().map(|(_, range)| (*range, group)));
        }
    }

    /// Where an expression matches; it runs once per text, and only if the scan found what it needs.
    fn pattern_ranges(&mut self, atom: AtomId) -> &[SymbolRange] {
        let hits = &mut self.patterns[atom as usize];
        let Some(pattern) = self.set.expression(atom) else { return &[] };
        if hits.text != self.number {
            hits.text = self.number;
            hits.ranges.clear();
            if self.set.gates_of[atom as usize].iter().all(|gate| self.gates.has(*gate)) {
                let text = self.text;
                let found = pattern.regex.find_iter(text.plain()).filter(|m| !m.is_empty());
                hits.ranges.extend(found.take(PATTERN_HITS_MAX).map(|m| text.from_plain(m.range())));
            }
        }
        &hits.ranges
    }

    /// Whether an atom occurs, or, for an expression, may match.
    fn may_occur(&self, atom: AtomId) -> bool {
        if self.set.expression(atom).is_some() {
            self.set.gates_of[atom as usize].iter().all(|gate| self.gates.has(*gate))
        } else {
            !self.occurrences.of(atom).is_empty()
        }
    }

    /// Appends one range per group for the first place where the rule holds. O(points × groups).
    fn holds(&mut self, rule: &Rule, points: &[(SymbolRange, u8)], ranges: &mut Vec<SymbolRange>) -> bool {
        let mut latest = [None::<SymbolRange>; GROUPS_MAX];
        let groups = rule.groups.len();
        for (range, group) in points {
            let slot = &mut latest[usize::from(*group)];
            if rule.within.is_none() && slot.is_some() {
                continue;
            }
            *slot = Some(*range);
            let chosen = || latest[..groups].iter().flatten();
            if chosen().count() < groups {
                continue;
            }
            let start = chosen().map(|r| r.start).min().unwrap_or(0);
            let end = chosen().map(|r| r.end).max().unwrap_or(0);
            let near = rule.within.is_none_or(|within| end - start <= within);
            if near && !self.is_voided(rule, start, end) {
                ranges.extend(chosen());
                return true;
            }
            if rule.within.is_none() {
                return false;
            }
        }
        false
    }

    /// Whether an atom of `none` stands inside or near the matched stretch.
    fn is_voided(&mut self, rule: &Rule, start: u32, end: u32) -> bool {
        let (from, to) = match rule.within {
            Some(within) => (start.saturating_sub(within), end.saturating_add(within)),
            None => (0, u32::MAX),
        };
        rule.none.iter().any(|atom| {
            if self.set.expression(*atom).is_some() {
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
