//! The keys with blanks or symbols in them, which only the plain view can contain.
//!
//! They are few, and most texts hold none of them but ordinary punctuation. Keys of one character are looked up where a
//! text has a symbol; for the others a small automaton walks the text, if something tells of one: of each key a symbol
//! and the character beside it are listed.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::index::Key;
use crate::text::{FoldedText, SymbolRange};

/// What the plain view is searched for.
pub(super) struct PlainIndex {
    keys: Vec<Key>,
    /// Keys of one character, and their places in `keys`; in order.
    single: Vec<(char, usize)>,
    /// The longer keys; none where there are none.
    automaton: Option<AhoCorasick>,
    /// By number of the automaton's pattern, the place in `keys`.
    longer: Vec<usize>,
    telltales: Telltales,
}

impl PlainIndex {
    /// Indexes keys; `texts` are what they are looked for by.
    pub(super) fn build(texts: &[&str], keys: Vec<Key>) -> Result<Self, String> {
        let (mut single, mut longer, mut telltales) = (Vec::new(), Vec::new(), Telltales::default());
        for (place, text) in texts.iter().enumerate() {
            let chars: Vec<char> = text.chars().collect();
            if let [one] = chars.as_slice() {
                single.push((*one, place));
            } else {
                longer.push(place);
                telltales.add(&chars);
            }
        }
        single.sort_unstable();
        telltales.sort();
        let build = |longer: &[usize]| {
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .match_kind(MatchKind::Standard)
                .build(longer.iter().map(|place| texts[*place]))
        };
        let automaton = if longer.is_empty() { None } else { Some(build(&longer)) };
        let automaton = automaton.transpose().map_err(|e| e.to_string())?;
        Ok(Self { keys, single, automaton, longer, telltales })
    }

    /// Bytes of the automaton.
    pub(super) fn memory_bytes(&self) -> usize {
        self.automaton.as_ref().map_or(0, AhoCorasick::memory_usage)
    }

    /// The key that a character is.
    fn single(&self, c: char) -> Option<&Key> {
        let found = self.single.binary_search_by_key(&c, |(c, _)| *c).ok()?;
        Some(&self.keys[self.single[found].1])
    }

    /// The keys in a folded text, once for each time that they occur. O(characters + occurrences).
    pub(super) fn keys_in<'k>(&'k self, text: &'k str) -> impl Iterator<Item = &'k Key> {
        let found = self.automaton.iter().flat_map(move |automaton| automaton.find_overlapping_iter(text));
        let longer = found.map(|found| &self.keys[self.longer[found.pattern().as_usize()]]);
        text.chars().filter_map(|c| self.single(c)).chain(longer)
    }

    /// Calls `take` with every occurrence of every key, in no particular order. O(symbols + occurrences).
    pub(super) fn for_each_hit(&self, text: &FoldedText, mut take: impl FnMut(&Key, SymbolRange)) {
        if self.keys.is_empty() || text.plain().len() == text.dense().len() {
            return;
        }
        let symbols = text.symbols();
        let folded = |at: Option<usize>| Some(symbols.get(at?)?.folded);
        let mut may_be_longer = false;
        for (at, symbol) in symbols.iter().enumerate().filter(|(_, symbol)| !symbol.class.is_dense()) {
            let c = symbol.folded;
            if let Some(key) = self.single(c) {
                // Texts are far shorter than 2^32.
                let start = u32::try_from(at).unwrap_or(u32::MAX - 1);
                take(key, SymbolRange { start, end: start + 1 });
            }
            may_be_longer |= self.telltales.fit(folded(at.checked_sub(1)), c, folded(Some(at + 1)));
        }
        if let Some(automaton) = self.automaton.as_ref().filter(|_| may_be_longer) {
            for found in automaton.find_overlapping_iter(text.plain()) {
                let place = self.longer[found.pattern().as_usize()];
                take(&self.keys[place], text.from_plain(found.range()));
            }
        }
    }
}

/// Pairs of neighbours of which the dense view leaves one out, or both: one of each longer key.
#[derive(Debug, Default)]
struct Telltales {
    /// A character that is left out, and the one in front of it; in order.
    behind: Vec<(char, char)>,
    /// Such a character that begins its key, and the one behind it; in order.
    before: Vec<(char, char)>,
}

impl Telltales {
    /// Ordinary punctuation tells little; anything beside it is taken first.
    fn add(&mut self, key: &[char]) {
        let symbols = key.iter().enumerate().filter(|(_, c)| !crate::text::class_of(**c).is_dense());
        let Some((at, symbol)) = symbols.min_by_key(|(_, c)| c.is_ascii()) else { return };
        match (at.checked_sub(1).and_then(|at| key.get(at)), key.get(at + 1)) {
            (Some(before), _) => self.behind.push((*symbol, *before)),
            (None, Some(behind)) => self.before.push((*symbol, *behind)),
            (None, None) => {}
        }
    }

    fn sort(&mut self) {
        for pairs in [&mut self.behind, &mut self.before] {
            pairs.sort_unstable();
            pairs.dedup();
        }
    }

    /// Whether a character and its neighbours in a text are those of a key.
    fn fit(&self, before: Option<char>, symbol: char, behind: Option<char>) -> bool {
        let has = |pairs: &[(char, char)], other: Option<char>| {
            other.is_some_and(|other| pairs.binary_search(&(symbol, other)).is_ok())
        };
        has(&self.behind, before) || has(&self.before, behind)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::FoldTable;

    proptest! {
        #[test]
        fn every_occurrence_of_every_key_is_found(
            keys in proptest::collection::btree_set("[ab+🐧，]{0,2}[+🐧，][ab+🐧，]{0,2}", 0..5),
            text in "[ab+🐧，]{0,16}",
        ) {
            let table = FoldTable::build(|_| Some("")).expect("empty files are tables");
            let mut folded = FoldedText::default();
            folded.fold(&table, &text);
            let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
            let numbered = (0..).zip(&texts).map(|(place, _)| Key { gates: vec![place], ..Key::default() });
            let index = PlainIndex::build(&texts, numbered.collect()).expect("the keys can be indexed");
            let mut found = Vec::new();
            index.for_each_hit(&folded, |key, range| found.push((key.gates[0], range.start, range.end)));
            found.sort_unstable();
            let plain: Vec<char> = folded.plain().chars().collect();
            let mut want = Vec::new();
            for (number, key) in (0..).zip(&keys) {
                let key: Vec<char> = key.chars().collect();
                let len = u32::try_from(key.len()).expect("keys are short");
                let places = (0_u32..).zip(plain.windows(key.len())).filter(|(_, here)| *here == key);
                want.extend(places.map(|(start, _)| (number, start, start + len)));
            }
            want.sort_unstable();
            prop_assert_eq!(found, want);
        }
    }
}
