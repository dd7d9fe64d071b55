//! The automata: all that the scan looks for, in the view that can contain it.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::compile::{Exemption, Term};
use super::evaluate::RuleSet;
use super::gate::GateId;
use super::pattern::Need;
use super::rule::AtomId;

/// What one pattern of an automaton stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Key {
    /// Length in characters.
    pub(super) chars: u32,
    pub(super) terms: Vec<u32>,
    pub(super) exemptions: Vec<u32>,
    /// Patterns that this word satisfies.
    pub(super) words: Vec<AtomId>,
    /// Sets of required literals that it belongs to.
    pub(super) gates: Vec<GateId>,
}

/// One automaton and what its patterns stand for.
pub(super) struct Automaton {
    pub(super) automaton: Option<AhoCorasick>,
    pub(super) keys: Vec<Key>,
}

/// Whether a term's key is looked for in the dense view. A key with symbols can only be found in the plain one.
fn is_dense_key(key: &str) -> bool {
    key.chars().all(|c| crate::text::class_of(c).is_dense())
}

/// Patterns under construction.
#[derive(Default)]
struct AutomatonBuilder<'t> {
    patterns: Vec<&'t str>,
    keys: Vec<Key>,
    index: HashMap<&'t str, usize>,
}

impl<'t> AutomatonBuilder<'t> {
    /// What stands behind a text, made on first use.
    fn key(&mut self, text: &'t str) -> &mut Key {
        let at = *self.index.entry(text).or_insert_with(|| {
            self.patterns.push(text);
            let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            self.keys.push(Key { chars, ..Key::default() });
            self.keys.len() - 1
        });
        &mut self.keys[at]
    }

    fn build(self) -> Result<Automaton, String> {
        let automaton = if self.patterns.is_empty() {
            None
        } else {
            let built = AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .match_kind(MatchKind::Standard)
                .build(&self.patterns);
            Some(built.map_err(|e| e.to_string())?)
        };
        Ok(Automaton { automaton, keys: self.keys })
    }
}

/// The two automata under construction.
#[derive(Default)]
struct AutomataBuilder<'t> {
    dense: AutomatonBuilder<'t>,
    plain: AutomatonBuilder<'t>,
}

impl<'t> AutomataBuilder<'t> {
    /// What stands behind a text, in the automaton of the view that can contain it.
    fn key(&mut self, text: &'t str) -> &mut Key {
        if is_dense_key(text) { self.dense.key(text) } else { self.plain.key(text) }
    }
}

/// The automata over the dense and the plain view.
pub(super) fn build_automata(
    terms: &[Term],
    exemptions: &[Exemption],
    rules: &RuleSet,
) -> Result<(Automaton, Automaton), String> {
    let mut automata = AutomataBuilder::default();
    for (number, term) in (0..).zip(terms) {
        automata.key(&term.key).terms.push(number);
    }
    for (number, exemption) in (0..).zip(exemptions) {
        automata.key(&exemption.key).exemptions.push(number);
    }
    for (atom, pattern) in rules.patterns() {
        if let Need::Words(words) = &pattern.need {
            words.iter().for_each(|word| automata.key(word).words.push(atom));
        }
    }
    for (gate, words) in rules.gates() {
        words.iter().for_each(|word| automata.key(word).gates.push(gate));
    }
    Ok((automata.dense.build()?, automata.plain.build()?))
}
