//! What is suspicious about a lexicon that loads.

use std::collections::HashMap;

use super::compile::{Lexicon, Term};
use super::format::Mode;
use super::problem::Problem;
use super::rule::{AtomId, Rule};
use super::scanner::ScanBuffer;
use crate::model::{LabelId, Taxonomy};

impl Lexicon {
    /// Warnings about terms, exemptions and rules that load but cannot do what they are for.
    pub fn lint(&self, taxonomy: &Taxonomy) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.lint_doubles(&mut problems);
        self.lint_shadowed(taxonomy, &mut problems);
        self.lint_unused_cues(&mut problems);
        self.lint_exemptions(&mut problems);
        for rule in &self.rules.rules {
            self.lint_rule(rule, &mut problems);
        }
        problems.sort();
        problems
    }

    fn warn(&self, origin: super::Origin, message: String, problems: &mut Vec<Problem>) {
        let (file, line) = self.place(origin);
        problems.push(Problem::warning(file, line, message));
    }

    fn named(&self, term: &Term) -> String {
        let (file, line) = self.place(term.origin);
        format!("{:?} ({}, {file}:{line})", term.text, term.id)
    }

    fn lint_doubles(&self, problems: &mut Vec<Problem>) {
        let mut first: HashMap<(&str, LabelId, bool), &Term> = HashMap::new();
        for term in self.written_terms() {
            let key = (term.key.as_str(), term.label, term.weight > 0);
            if let Some(earlier) = first.get(&key) {
                let earlier = self.named(earlier);
                self.warn(
                    term.origin,
                    format!("term {:?} folds to the same as {earlier}", term.text),
                    problems,
                );
            } else {
                first.insert(key, term);
            }
        }
    }

    /// Terms that contain another one which hits wherever they do, for the same label and as many points.
    fn lint_shadowed(&self, taxonomy: &Taxonomy, problems: &mut Vec<Problem>) {
        for term in self.written_terms().filter(|term| term.weight > 0 && term.sets.is_empty()) {
            let shorter = self.terms_inside(&term.key).find(|other| {
                other.key.len() < term.key.len()
                    && other.mode == Mode::Anywhere
                    && other.weight == term.weight
                    && other.severity >= term.severity
                    && (other.dense || !term.dense)
                    && taxonomy.root(other.label) == taxonomy.root(term.label)
            });
            if let Some(shorter) = shorter {
                let shorter = self.named(shorter);
                self.warn(
                    term.origin,
                    format!("term {:?} adds nothing to {shorter}, which it contains", term.text),
                    problems,
                );
            }
        }
    }

    fn lint_unused_cues(&self, problems: &mut Vec<Problem>) {
        for term in self.written_terms().filter(|term| term.weight == 0) {
            if term.atoms.is_empty() && term.hint.is_none() {
                self.warn(
                    term.origin,
                    format!("cue {:?} is in no set that a rule uses", term.text),
                    problems,
                );
            }
        }
    }

    fn lint_exemptions(&self, problems: &mut Vec<Problem>) {
        for exemption in &self.exemptions {
            let covers = |index: u32| exemption.terms.as_ref().is_none_or(|terms| terms.contains(&index));
            let reachable = self
                .indexes_inside(&exemption.key)
                .any(|index| covers(index) && self.terms[index as usize].key.len() < exemption.key.len());
            if !reachable {
                let message = format!("exemption {:?} contains no term that it could exempt", exemption.text);
                self.warn(exemption.origin, message, problems);
            }
        }
    }

    fn lint_rule(&self, rule: &Rule, problems: &mut Vec<Problem>) {
        let is_possible = |atom: &AtomId| self.rules.can_occur(*atom, &self.terms);
        if rule.groups.iter().any(|group| !group.iter().any(is_possible)) {
            self.warn(
                rule.origin,
                format!("rule {:?} can never hold: a condition has no term", rule.id),
                problems,
            );
        }
        if rule.groups.iter().any(|group| group.iter().all(|atom| rule.none.contains(atom))) {
            let message = format!("rule {:?} can never hold: `none` excludes one of its conditions", rule.id);
            self.warn(rule.origin, message, problems);
        }
        if rule.within == Some(0) {
            self.warn(rule.origin, format!("rule {:?} can never hold: within = 0", rule.id), problems);
        }
    }

    /// Warnings about rules that make every text slower.
    pub fn lint_cost(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for rule in self.rules.unanchored() {
            let message = format!(
                "rule {:?} has no term, slot or literal that the scan could find first: its patterns run over every text",
                rule.id
            );
            self.warn(rule.origin, message, &mut problems);
        }
        problems
    }

    /// Terms out of term files, without the literals of rules.
    fn written_terms(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(|term| !term.id.starts_with("text:"))
    }

    fn terms_inside<'l>(&'l self, key: &str) -> impl Iterator<Item = &'l Term> {
        self.indexes_inside(key).map(|index| &self.terms[index as usize])
    }

    /// Indexes of the terms whose keys stand inside a key.
    fn indexes_inside(&self, key: &str) -> impl Iterator<Item = u32> + use<> {
        let (mut buffer, mut hits) = (ScanBuffer::default(), Vec::new());
        self.dense.scanner.find_in_chars_into(key.chars(), usize::MAX, &mut buffer, &mut hits);
        hits.sort_unstable();
        // The numbers behind those of the keys are of other spellings.
        let keys = hits.iter().filter_map(|hit| self.dense.keys.get(hit.term as usize));
        let dense = keys.flat_map(|key| &key.terms);
        let mut found: Vec<u32> = dense.copied().collect();
        found.extend(self.plain.keys_in(key).flat_map(|inner| inner.terms.iter().copied()));
        found.into_iter()
    }
}
