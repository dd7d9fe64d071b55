//! Rules as they are checked: combinations of terms, labels, slots and patterns inside a distance.
//!
//! At load time every atom that some rule names gets a number, and every term learns the numbers that it stands for.

use std::collections::{BTreeSet, HashMap};

use super::compile::{Loader, Term};
use super::evaluate::RuleSet;
use super::format::{Origin, RawRule};
use super::gate::number_gates;
use super::pattern::{Need, Pattern};
use super::problem::suggestion;
use crate::model::{LabelId, Milli, Severity, Taxonomy};
use crate::text::SlotKind;

/// Number of an atom.
pub(super) type AtomId = u32;

/// Most groups (entries of `all`, plus one for `any`) of a rule.
pub(super) const GROUPS_MAX: usize = 12;

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
    pub(super) surfaces: u8,
}

/// A rule that holds, and the ranges that make it hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// Index of the rule.
    pub rule: u32,
    /// First of its ranges in [`Matches::rule_ranges`](super::Matches::rule_ranges).
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
    /// So many rare Han characters close together.
    RareHan(u32),
    Pattern(String),
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
        let sets: BTreeSet<String> = loader.terms.iter().flat_map(|t| t.sets.iter().cloned()).collect();
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
        sets: &BTreeSet<String>,
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
        sets: &BTreeSet<String>,
        names: &[String],
        origin: Origin,
    ) -> Result<Vec<AtomId>, String> {
        names.iter().map(|name| self.atom(loader, sets, name, origin)).collect()
    }

    /// Resolves `kind:value` to a numbered atom.
    fn atom(
        &mut self,
        loader: &mut Loader<'_>,
        sets: &BTreeSet<String>,
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
            "set" if sets.contains(value) => Atom::Set(value.to_owned()),
            "set" => {
                let nearest = suggestion(value, sets.iter().map(String::as_str));
                return Err(format!("no term is in the set {value:?}{nearest}"));
            }
            "label" => Atom::Label(loader.label(value)?),
            "slot" => slot_atom(value)?,
            "rare" => Atom::RareHan(
                value
                    .parse()
                    .ok()
                    .filter(|n| (1..=64).contains(n))
                    .ok_or_else(|| format!("{name:?}: the number of rare characters must be 1 to 64"))?,
            ),
            "re" => Atom::Pattern(value.to_owned()),
            other => {
                let nearest = suggestion(other, ["term", "text", "set", "label", "slot", "rare", "re"]);
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
        let rare = self.atoms.iter().zip(0..).filter_map(|(atom, id)| match atom {
            Atom::RareHan(count) => Some((*count, id)),
            _ => None,
        });
        let rare_atoms = rare.collect();
        let mut patterns: Vec<Option<Pattern>> = (0..self.atoms.len()).map(|_| None).collect();
        for (atom, pattern) in self.patterns {
            patterns[atom as usize] = Some(pattern);
        }
        let (gates, gates_of) = number_gates(&patterns);
        let is_expression = |pattern: &Pattern| !matches!(pattern.need, Need::Words(_));
        let expressions =
            patterns.iter().map(|pattern| pattern.as_ref().is_some_and(is_expression)).collect();
        let (mut anchored, mut always) = (vec![Vec::new(); self.atoms.len()], Vec::new());
        for (index, rule) in (0..).zip(&self.rules) {
            // The group that the fewest terms can satisfy; slots count as many.
            let cost = |group: &Vec<AtomId>| -> Option<usize> {
                group.iter().try_fold(0, |sum, atom| match &self.atoms[*atom as usize] {
                    Atom::Pattern(_) => Some(sum + patterns[*atom as usize].as_ref().and_then(pattern_cost)?),
                    Atom::Slot(_) | Atom::Contact | Atom::AnySlot | Atom::RareHan(_) => Some(sum + 100),
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
            expressions,
            gates,
            gates_of,
            slot_atoms,
            rare_atoms,
        }
    }
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
