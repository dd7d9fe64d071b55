//! How often two characters stand side by side in ordinary text; decides which pair of a term is its anchor.

use std::collections::HashMap;

/// Frequencies of pairs of folded Han characters, as a rounded logarithm; a pair that is not listed is rare.
#[derive(Clone, Debug, Default)]
pub struct Bigrams {
    classes: HashMap<(char, char), u8>,
    /// Frequency class of single characters, from the pairs that they are in.
    chars: HashMap<char, u8>,
    /// Lowest class of a pair that is listed.
    least: u8,
}

impl Bigrams {
    /// Reads lines of a pair of characters, a tab and a class from 0 to 255; lines that start with `#` are comments.
    ///
    /// # Errors
    /// The number of a line that is none of these, from 1, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut bigrams = Self { least: u8::MAX, ..Self::default() };
        for (number, line) in (1..).zip(text.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (pair, class) =
                line.split_once('\t').ok_or_else(|| (number, "needs PAIR and CLASS".to_owned()))?;
            let mut chars = pair.chars();
            let (Some(left), Some(right), None) = (chars.next(), chars.next(), chars.next()) else {
                return Err((number, format!("{pair:?} is no pair of characters")));
            };
            let class: u8 =
                class.trim_end().parse().map_err(|_| (number, format!("{class:?} is not 0 to 255")))?;
            bigrams.classes.insert((left, right), class);
            bigrams.least = class.min(bigrams.least);
            for c in [left, right] {
                let most = bigrams.chars.entry(c).or_default();
                *most = class.max(*most);
            }
        }
        Ok(bigrams)
    }

    /// Whether two characters stand side by side often enough to be listed.
    pub fn is_common(&self, left: char, right: char) -> bool {
        self.classes.contains_key(&(left, right))
    }

    /// Whether a character is in a pair that is listed.
    pub fn is_used(&self, c: char) -> bool {
        self.chars.contains_key(&c)
    }

    /// How often a character stands in its most frequent pair: 4 · log2(occurrences per million pairs); 0 where it is in
    /// none that is listed.
    pub fn frequency(&self, c: char) -> u8 {
        self.chars.get(&c).copied().unwrap_or(0)
    }

    /// How often a pair occurs: a logarithm to the base of the fourth root of two, 0 or 1 for the rarest.
    pub(super) fn class(&self, left: char, right: char) -> u32 {
        if let Some(class) = self.classes.get(&(left, right)) {
            return u32::from(*class);
        }
        // Pairs that are not listed are rarer than those that are, and ordered by their characters.
        let single = |c: char| u32::from(self.chars.get(&c).copied().unwrap_or(0));
        (single(left) + single(right)) * u32::from(self.least) / 128
    }
}
