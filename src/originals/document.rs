//! A long text → its grams, prints and places.

use super::attribution::is_attributed;
use super::limits::{PRINTS_PER_DOCUMENT_MAX, TOKENS_MAX, TOKENS_MIN};
use super::winnow::{grams_into, mix, prints_into};
use crate::model::to_char_spans;
use crate::neardup::{Fingerprinter, SLOT_MARK};
use crate::text::{Class, FoldedText, SymbolRange};

/// Letters of one word; the rest of a longer one is another word.
const WORD_CHARS_MAX: usize = 16;

/// Where a token stands in the author's text, in code points of one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Index of the field in the item's field order.
    pub field: u16,
    /// First code point.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// What a long text leaves. Some 25 bytes per token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The hash of every five neighbouring tokens, in the order of the text.
    pub(super) grams: Vec<u32>,
    /// The same without repetitions, sorted.
    pub(super) distinct: Vec<u32>,
    /// The winnowed sample of them, sorted and distinct; of very long texts the smallest.
    pub(super) prints: Vec<u32>,
    /// The place of each token.
    pub(super) places: Vec<Place>,
    /// Whether the text says where it comes from.
    pub(super) is_attributed: bool,
    is_cut: bool,
}

impl Document {
    /// The document of the text that a fingerprinter has read last; none for a text of fewer than [`TOKENS_MIN`] tokens.
    ///
    /// A token is a Han character or a word of other letters; numbers, contacts, names behind `@`, tags and whatever a repost
    /// quotes are left out. `texts` are the item's own, in the order of its fields. O(text log text); allocates.
    pub fn read<'t>(
        fingerprinter: &Fingerprinter,
        folded: &FoldedText,
        texts: impl Iterator<Item = &'t str>,
    ) -> Option<Self> {
        let (tokens, ranges, is_cut) = tokens(fingerprinter, folded);
        if tokens.len() < TOKENS_MIN {
            return None;
        }
        // Words behind `//@` are read only where there are hardly any before.
        let is_quoted = ranges.last().is_some_and(|last| last.end > fingerprinter.quote_start());
        let mut document = Self {
            places: places(folded, &ranges, texts),
            is_attributed: is_quoted || is_attributed(folded),
            is_cut,
            ..Self::default()
        };
        document.take(&tokens);
        Some(document)
    }

    /// A document of tokens without places, as by [`Self::read`].
    pub fn from_tokens(tokens: &[u32]) -> Self {
        let tokens = &tokens[..tokens.len().min(TOKENS_MAX)];
        let place = |n: u32| Place { field: 0, start: n, end: n + 1 };
        let mut document = Self { places: (0..).map(place).take(tokens.len()).collect(), ..Self::default() };
        document.take(tokens);
        document
    }

    fn take(&mut self, tokens: &[u32]) {
        grams_into(tokens, &mut self.grams);
        self.distinct.clone_from(&self.grams);
        self.distinct.sort_unstable();
        self.distinct.dedup();
        prints_into(&self.grams, &mut self.prints);
        self.prints.truncate(PRINTS_PER_DOCUMENT_MAX);
    }

    /// The hashes of every five neighbouring tokens, in the order of the text.
    pub fn grams(&self) -> &[u32] {
        &self.grams
    }

    /// Whether the text credits somebody: 转载自, 来源：, 作者： with a name, an agency's dateline.
    pub fn is_attributed(&self) -> bool {
        self.is_attributed
    }

    /// Marks the text as somebody else's by its own account, as the platform or a repost mark says.
    pub fn attribute(&mut self) {
        self.is_attributed = true;
    }

    /// Whether the text has more than [`TOKENS_MAX`] tokens, of which the first were read.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// Tokens with their symbols, and whether some were left out.
fn tokens(fingerprinter: &Fingerprinter, folded: &FoldedText) -> (Vec<u32>, Vec<SymbolRange>, bool) {
    let (mut tokens, mut ranges) = (Vec::new(), Vec::new());
    // The word that is being read: its hash, its first symbol and one past its last, its letters.
    let mut word: Option<(u64, SymbolRange, usize)> = None;
    let mut push = |token: u32, range: SymbolRange| {
        if tokens.len() < TOKENS_MAX {
            tokens.push(token);
            ranges.push(range);
        }
        tokens.len() == TOKENS_MAX
    };
    let mut is_cut = false;
    for (index, c) in fingerprinter.normalised().chars().enumerate() {
        let Some(symbol) = fingerprinter.symbol_of(index) else { break };
        let class = folded.symbols().get(symbol as usize).map_or(Class::Noise, |symbol| symbol.class);
        let is_letter = c != SLOT_MARK && !class.is_han();
        if let Some((hash, range, letters)) = word.take() {
            if is_letter && range.end == symbol && letters < WORD_CHARS_MAX {
                word = Some((add_letter(hash, c), SymbolRange { end: symbol + 1, ..range }, letters + 1));
                continue;
            }
            is_cut |= push(mix(hash), range);
        }
        let range = SymbolRange { start: symbol, end: symbol + 1 };
        if is_letter {
            word = Some((add_letter(0, c), range, 1));
        } else if c != SLOT_MARK {
            is_cut |= push(c as u32, range);
        }
        if is_cut {
            break;
        }
    }
    if let Some((hash, range, _)) = word {
        push(mix(hash), range);
    }
    (tokens, ranges, is_cut)
}

fn add_letter(hash: u64, letter: char) -> u64 {
    (hash ^ u64::from(letter)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
}

/// Where the symbols stand in the author's texts.
fn places<'t>(
    folded: &FoldedText,
    ranges: &[SymbolRange],
    texts: impl Iterator<Item = &'t str>,
) -> Vec<Place> {
    let offset = |chars: usize| u32::try_from(chars).unwrap_or(u32::MAX);
    let spans: Vec<_> = ranges.iter().map(|range| folded.source_span(*range)).collect();
    let mut places = Vec::with_capacity(spans.len());
    let mut rest = spans.as_slice();
    for (field, text) in (0_u16..).zip(texts) {
        let own = rest.partition_point(|span| span.field <= field);
        let bytes: Vec<(usize, usize)> =
            rest[..own].iter().map(|span| (span.start as usize, span.end as usize)).collect();
        let chars = to_char_spans(text, &bytes);
        places.extend(chars.into_iter().map(|(start, end)| Place {
            field,
            start: offset(start),
            end: offset(end),
        }));
        rest = &rest[own..];
    }
    places
}
