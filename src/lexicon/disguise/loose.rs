//! Views without what was put between the characters of a word: repeated characters, letters, particles.

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

/// Reused buffers.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    dense: Vec<char>,
    view: LooseView,
}

impl Buffers {
    /// Calls `search` with every view in which the text has something to leave out.
    pub(super) fn for_each_view(
        &mut self,
        text: &FoldedText,
        ordinary: &[char],
        mut search: impl FnMut(&LooseView, Transforms),
    ) {
        self.dense.clear();
        self.dense.extend(text.dense().chars());
        if self.read_alike(ordinary) {
            search(&self.view, Transforms::SHAPE);
        }
        let repeats = self.dense.windows(2).filter(|two| two[0] == two[1]).count();
        if repeats >= REPEATS_MIN as usize {
            self.collapse();
            search(&self.view, Transforms::REPEATED);
        }
        let letters = text.count(Class::Latin) + text.count(Class::Digit);
        if letters > 0 && (letters as usize) < self.dense.len() && self.has_junk() {
            self.leave_out(Kind::Junk, is_junk);
            search(&self.view, Transforms::FILLER);
        }
        for particle in PARTICLES {
            if self.dense.windows(3).any(|w| w[0] == particle && w[2] == particle && w[1] != particle) {
                self.leave_out(Kind::Particle, |c| c == particle);
                search(&self.view, Transforms::FILLER);
            }
        }
    }

    /// Reads rare characters as the ordinary ones that `ordinary` gives by code point; false when there are none.
    fn read_alike(&mut self, ordinary: &[char]) -> bool {
        let is_rare = |c: &char| ordinary.get(*c as usize).is_some_and(|read| *read != '\0');
        if !self.dense.iter().any(is_rare) {
            return false;
        }
        let view = self.view.begin(Kind::Alike);
        for (index, c) in (0_u32..).zip(&self.dense) {
            let read = ordinary.get(*c as usize).filter(|read| **read != '\0');
            view.chars.push(*read.unwrap_or(c));
            view.places.push((index, index + 1));
            view.changed.push(read.is_some());
        }
        true
    }

    /// Whether letters or digits stand between two other characters.
    fn has_junk(&self) -> bool {
        let pair = |w: &[char]| !is_junk(w[0]) && is_junk(w[1]) && (!is_junk(w[2]) || !is_junk(w[3]));
        self.dense.windows(4).any(pair)
            || self
                .dense
                .windows(3)
                .next_back()
                .is_some_and(|w| !is_junk(w[0]) && is_junk(w[1]) && !is_junk(w[2]))
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
