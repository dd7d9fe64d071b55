//! All that the scan looks for, in the view that can contain it: the scanner over the dense view, and [`PlainIndex`] over
//! the plain view for the few keys with blanks or symbols in them.

use std::collections::HashMap;

use super::compile::{Exemption, Term};
use super::disguise::{DisguiseTables, Disguises, Prepared, Spelling};
use super::evaluate::RuleSet;
use super::gate::GateId;
use super::pattern::Need;
use super::plain::PlainIndex;
use super::rule::AtomId;
use super::scanner::{Bigrams, Scanner};
use crate::segment::Segmenter;

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
    /// Level-one labels that it may speak for, one bit each.
    pub(super) roots: u32,
}

/// Level-one labels, one bit each, of terms and of the rules that name an atom.
pub(super) struct Roots {
    pub(super) terms: Vec<u32>,
    pub(super) atoms: Vec<u32>,
}

/// The scanner and what its terms stand for.
pub(super) struct DenseIndex {
    pub(super) scanner: Scanner,
    /// By number of the scanner's term; the numbers behind them are of `spellings`.
    pub(super) keys: Vec<Key>,
    /// Other spellings of words.
    pub(super) spellings: Vec<Spelling>,
    /// The word that a key is.
    pub(super) words_of_keys: Vec<Option<u32>>,
}

/// Whether a term's key is looked for in the dense view. A key with symbols can only be found in the plain one.
fn is_dense_key(key: &str) -> bool {
    key.chars().all(|c| crate::text::class_of(c).is_dense())
}

/// Keys under construction.
#[derive(Default)]
struct KeysBuilder<'t> {
    texts: Vec<&'t str>,
    keys: Vec<Key>,
    index: HashMap<&'t str, usize>,
}

impl<'t> KeysBuilder<'t> {
    /// What stands behind a text, made on first use.
    fn key(&mut self, text: &'t str) -> &mut Key {
        let at = *self.index.entry(text).or_insert_with(|| {
            self.texts.push(text);
            let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            self.keys.push(Key { chars, ..Key::default() });
            self.keys.len() - 1
        });
        &mut self.keys[at]
    }

    fn dense(
        self,
        roots: Roots,
        sources: (&DisguiseTables, &Bigrams, &Segmenter),
    ) -> Result<(DenseIndex, Disguises), String> {
        let keys = self.texts.iter().copied().zip(self.keys.iter().map(|key| key.roots));
        let Prepared { disguises, words_of_keys, spellings } = Disguises::build(sources, keys, roots)?;
        let texts = self.texts.iter().copied().chain(spellings.iter().map(|(text, _)| text.as_str()));
        let scanner = Scanner::build(texts, sources.1, |c, out| out.push(c)).map_err(|e| e.to_string())?;
        let spellings = spellings.iter().map(|(_, spelling)| *spelling).collect();
        Ok((DenseIndex { scanner, keys: self.keys, spellings, words_of_keys }, disguises))
    }

    fn plain(self) -> Result<PlainIndex, String> {
        PlainIndex::build(&self.texts, self.keys)
    }
}

/// Both indexes under construction.
#[derive(Default)]
struct IndexesBuilder<'t> {
    dense: KeysBuilder<'t>,
    plain: KeysBuilder<'t>,
}

impl<'t> IndexesBuilder<'t> {
    /// What stands behind a text, in the index of the view that can contain it.
    fn key(&mut self, text: &'t str) -> &mut Key {
        if is_dense_key(text) { self.dense.key(text) } else { self.plain.key(text) }
    }
}

/// The indexes of the dense and the plain view, and the words that may stand in the text in disguise. `roots` gives the
/// level-one labels of each term, one bit each.
pub(super) fn build_indexes(
    terms: &[Term],
    exemptions: &[Exemption],
    rules: &RuleSet,
    roots: Roots,
    sources: (&DisguiseTables, &Bigrams, &Segmenter),
) -> Result<(DenseIndex, PlainIndex, Disguises), String> {
    let mut indexes = IndexesBuilder::default();
    for (number, term) in (0..).zip(terms) {
        let key = indexes.key(&term.key);
        key.terms.push(number);
        key.roots |= roots.terms[number as usize];
    }
    for (number, exemption) in (0..).zip(exemptions) {
        indexes.key(&exemption.key).exemptions.push(number);
    }
    for (atom, pattern) in rules.patterns() {
        if let Need::Words(words) = &pattern.need {
            for word in words {
                let key = indexes.key(word);
                key.words.push(atom);
                key.roots |= roots.atoms[atom as usize];
            }
        }
    }
    for (gate, words) in rules.gates() {
        let own = rules.patterns_of(gate).fold(0, |all, atom| all | roots.atoms[atom as usize]);
        for word in words {
            let key = indexes.key(word);
            key.gates.push(gate);
            key.roots |= own;
        }
    }
    let (dense, disguises) = indexes.dense.dense(roots, sources)?;
    Ok((dense, indexes.plain.plain()?, disguises))
}
