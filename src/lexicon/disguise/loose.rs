//! Views without what was put between the characters of a word: repeated characters, letters, particles.

use super::tables::CharSet;
use crate::text::{Class, FoldedText, Transforms};

/// Particles that are put between characters; each of them, used throughout, makes a view.
const PARTICLES: [char; 12] = ['的', '了', '呢', '啊', '吧', '呀', '嘛', '哦', '么', '得', '嗯', '哈'];
/// Longest run of letters and digits between two characters, in characters.
const JUNK_CHARS_MAX: u32 = 2;
/// Fewest repetitions inside a word.
const REPEATS_MIN: u32 = 2;
/// Fewest characters of a word that particles stand between.
const PARTICLE_WORD_CHARS_MIN: u32 = 3;

/// A view: its characters and where each stands.
#[derive(Debug, Default)]
pub(super) struct LooseView {
    pub(super) chars: Vec<char>,
    /// First dense character, and one past the last of its run.
    places: Vec<(u32, u32)>,
    /// What is between two characters of a find.
    kind: Kind,
    /// Per character, whether it is read as another.
    changed: Vec<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Repetitions of the characters themselves.
    #[default]
    Repeated,
    /// Letters and digits, between every two.
    Junk,
    /// One and the same particle, between every two.
    Particle,
    /// Nothing: rare characters are read as the ordinary ones that they look like.
    Alike,
}

/// Rare characters that are read as the ordinary ones that they look like.
pub(super) struct Alike {
    /// By code point, the ordinary character; NUL for others.
    ordinary: Vec<char>,
    /// The characters of which the ordinary one belongs to a word.
    in_words: CharSet,
}

impl Alike {
    pub(super) fn new(ordinary: Vec<char>, in_words: &CharSet) -> Self {
        let read = (0..).zip(&ordinary).filter(|(_, read)| **read != '\0' && in_words.has(**read));
        Self { in_words: read.filter_map(|(code, _)| char::from_u32(code)).collect(), ordinary }
    }

    fn read(&self, c: char) -> Option<char> {
        self.ordinary.get(c as usize).copied().filter(|read| *read != '\0')
    }
}

/// Reused buffers.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    dense: Vec<char>,
    view: LooseView,
}

impl Buffers {
    /// Calls `search` with every view that may show a word in which something was left out; `in_words` are the
    /// characters that words consist of. O(characters) for texts without such a view.
    pub(super) fn for_each_view(
        &mut self,
        text: &FoldedText,
        (alike, in_words): (&Alike, &CharSet),
        mut search: impl FnMut(&LooseView, Transforms),
    ) {
        self.dense.clear();
        self.dense.extend(text.dense_chars());
        if self.dense.iter().any(|c| alike.in_words.has(*c)) {
            self.read_alike(alike);
            search(&self.view, Transforms::SHAPE);
        }
        let repeats = self.dense.windows(2).filter(|two| two[0] == two[1] && in_words.has(two[0])).count();
        if repeats >= REPEATS_MIN as usize {
            self.collapse();
            search(&self.view, Transforms::REPEATED);
        }
        let letters = text.count(Class::Latin) + text.count(Class::Digit);
        if letters > 0 && (letters as usize) < self.dense.len() && self.has_junk(in_words) {
            self.leave_out(Kind::Junk, is_junk);
            search(&self.view, Transforms::FILLER);
        }
        let particles = self.particles(in_words);
        for (_, particle) in PARTICLES.iter().enumerate().filter(|(rank, _)| particles >> rank & 1 != 0) {
            self.leave_out(Kind::Particle, |c| c == *particle);
            search(&self.view, Transforms::FILLER);
        }
    }

    /// Reads rare characters as the ordinary ones that they look like.
    fn read_alike(&mut self, alike: &Alike) {
        let view = self.view.begin(Kind::Alike);
        for (index, c) in (0_u32..).zip(&self.dense) {
            let read = alike.read(*c);
            view.chars.push(read.unwrap_or(*c));
            view.places.push((index, index + 1));
            view.changed.push(read.is_some());
        }
    }

    /// Whether letters or digits stand between two characters of words.
    fn has_junk(&self, in_words: &CharSet) -> bool {
        let is_word = |c: char| !is_junk(c) && in_words.has(c);
        let dense = &self.dense;
        (1..dense.len().saturating_sub(1)).any(|at| {
            let is_first = is_junk(dense[at]) && is_word(dense[at - 1]);
            let behind = if is_junk(dense[at + 1]) { dense.get(at + 2) } else { dense.get(at + 1) };
            is_first && behind.is_some_and(|c| is_word(*c))
        })
    }

    /// The particles that stand between every two of at least three characters of words, one bit each by rank.
    fn particles(&self, in_words: &CharSet) -> u32 {
        let (mut found, shortest) = (0, PARTICLE_WORD_CHARS_MIN as usize * 2 - 1);
        for stretch in self.dense.windows(shortest).filter(|stretch| stretch[1] == stretch[3]) {
            let Some(rank) = PARTICLES.iter().position(|particle| *particle == stretch[1]) else { continue };
            let is_word = stretch.iter().step_by(2).all(|c| *c != stretch[1] && in_words.has(*c));
            let is_separated = stretch.iter().skip(1).step_by(2).all(|c| *c == stretch[1]);
            found |= u32::from(is_word && is_separated) << rank;
        }
        found
    }

    fn collapse(&mut self) {
        let view = self.view.begin(Kind::Repeated);
        for (index, c) in (0_u32..).zip(&self.dense) {
            match view.places.last_mut() {
                Some(place) if view.chars.last() == Some(c) => place.1 = index + 1,
                _ => {
                    view.chars.push(*c);
                    view.places.push((index, index + 1));
                }
            }
        }
    }

    fn leave_out(&mut self, kind: Kind, is_left_out: impl Fn(char) -> bool) {
        let view = self.view.begin(kind);
        for (index, c) in (0_u32..).zip(&self.dense) {
            if !is_left_out(*c) {
                view.chars.push(*c);
                view.places.push((index, index + 1));
            }
        }
    }
}

fn is_junk(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

impl LooseView {
    /// Empties the view for another one.
    fn begin(&mut self, kind: Kind) -> &mut Self {
        self.chars.clear();
        self.places.clear();
        self.changed.clear();
        self.kind = kind;
        self
    }

    /// The dense characters of a hit, if what is left out inside it looks like a disguise.
    pub(super) fn stretch(&self, start: u32, end: u32) -> Option<(u32, u32)> {
        let places = self.places.get(start as usize..end as usize)?;
        let (first, last) = (places.first()?.0, places.last()?.1);
        let gap = |pair: &[(u32, u32)]| pair[1].0 - pair[0].1;
        let holds = match self.kind {
            Kind::Repeated => {
                // One doubled character is an ordinary word: 妈妈, 天天.
                let repeats = places.iter().map(|(from, to)| to - from - 1);
                repeats.sum::<u32>() >= REPEATS_MIN
            }
            Kind::Junk => places.windows(2).all(|pair| (1..=JUNK_CHARS_MAX).contains(&gap(pair))),
            Kind::Alike => self.changed[start as usize..end as usize].contains(&true),
            Kind::Particle => {
                end - start >= PARTICLE_WORD_CHARS_MIN && places.windows(2).all(|pair| gap(pair) == 1)
            }
        };
        holds.then_some((first, last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::as_u32;
    use super::*;
    use crate::text::FoldTable;

    const WORDS: [&[char]; 4] = [&['甲', '乙'], &['乙', '丙', '甲'], &['丁', '丁'], &['甲', '的', '丙']];

    /// Stretches of words in a view, by transform.
    fn stretches(view: &LooseView, transforms: Transforms, out: &mut Vec<(Transforms, u32, u32)>) {
        for word in WORDS {
            for (start, _) in view.chars.windows(word.len()).enumerate().filter(|(_, here)| *here == word) {
                let (start, end) = (as_u32(start), as_u32(start + word.len()));
                out.extend(view.stretch(start, end).map(|(first, last)| (transforms, first, last)));
            }
        }
    }

    proptest! {
        #[test]
        fn a_view_that_shows_a_word_is_searched(text in "[甲乙丙丁戊曱的了1a，]{0,24}") {
            let table = FoldTable::build(|_| Some("")).expect("empty files are tables");
            let mut folded = FoldedText::default();
            folded.fold(&table, &text);
            let in_words: CharSet = WORDS.concat().into_iter().collect();
            let mut ordinary = vec!['\0'; 1 << 16];
            (ordinary['曱' as usize], ordinary['戊' as usize]) = ('甲', '己');
            let alike = Alike::new(ordinary, &in_words);
            let (mut buffers, mut found, mut want) = (Buffers::default(), Vec::new(), Vec::new());
            buffers.for_each_view(&folded, (&alike, &in_words), |view, transforms| {
                stretches(view, transforms, &mut found);
            });
            buffers.read_alike(&alike);
            stretches(&buffers.view, Transforms::SHAPE, &mut want);
            buffers.collapse();
            stretches(&buffers.view, Transforms::REPEATED, &mut want);
            buffers.leave_out(Kind::Junk, is_junk);
            stretches(&buffers.view, Transforms::FILLER, &mut want);
            for particle in PARTICLES {
                buffers.leave_out(Kind::Particle, |c| c == particle);
                stretches(&buffers.view, Transforms::FILLER, &mut want);
            }
            prop_assert_eq!(found, want);
        }
    }
}
