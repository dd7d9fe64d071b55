//! The fold pass: one walk over the original bytes.

use super::folded::{Class, FoldedText, Transforms};
use super::table::{Act, Entry, FoldTable};
use super::{bidi, encoded, escape, gloss};

/// Transforms of dropped characters that hang on the character in front of them.
const TRAILING: Transforms = Transforms::COMBINING.union(Transforms::SELECTOR);

impl FoldedText {
    /// Folds one more text into the buffers, as the next field. O(bytes of `text`); no allocation once warm.
    pub fn push_field(&mut self, table: &FoldTable, text: &str) {
        self.begin_field();
        let mut pass = Pass {
            table,
            text,
            out: self,
            dropped: Transforms::empty(),
            backward: bidi::Backward::default(),
        };
        pass.run();
    }

    /// Folds a single text into emptied buffers.
    pub fn fold(&mut self, table: &FoldTable, text: &str) {
        self.clear();
        self.push_field(table, text);
    }
}

/// Characters on either side of a word that are looked at for the script that it stands in.
const NEIGHBOURS: usize = 16;

struct Pass<'a> {
    table: &'a FoldTable,
    text: &'a str,
    out: &'a mut FoldedText,
    /// Invisible characters dropped since the last symbol.
    dropped: Transforms,
    /// What a direction control shows from back to front.
    backward: bidi::Backward,
}

impl Pass<'_> {
    fn run(&mut self) {
        let mut decoder = encoded::Decoder::default();
        let mut from = 0;
        while let Some(run) = decoder.next(self.text, from) {
            from = self.fold_until(from, run.start);
            if from == run.start {
                self.write_decoded(decoder.text(), run.clone());
                from = run.end;
            }
        }
        self.fold_until(from, self.text.len());
        self.backward.close(self.out);
    }

    /// Folds the characters from one byte to another, and what belongs to the last of them; returns where that ends.
    fn fold_until(&mut self, from: usize, stop: usize) -> usize {
        let text = self.text;
        let mut chars = text.get(from..stop).unwrap_or("").chars();
        let mut at = from;
        while let Some(c) = chars.next() {
            let start = at;
            at = stop - chars.as_str().len();
            let entry = self.table.entry(c);
            if entry.is_kept() {
                self.keep(entry, start, at, Transforms::empty());
                continue;
            }
            let next = self.slow(c, entry, start, at);
            if next != at {
                at = next;
                chars = text.get(next..stop).unwrap_or("").chars();
            }
        }
        at
    }

    /// Writes what an encoded run says, with the whole run as the source of every character.
    #[cold]
    fn write_decoded(&mut self, decoded: &str, run: std::ops::Range<usize>) {
        for c in decoded.chars() {
            self.write(c, run.start, run.end, Transforms::ESCAPE);
        }
    }

    #[inline]
    fn keep(&mut self, entry: Entry, start: usize, end: usize, extra: Transforms) {
        let transforms = entry.transform() | extra | self.dropped;
        self.dropped = Transforms::empty();
        self.out.push(entry.target(), entry.class(), self.table.numeral(entry), start..end, transforms);
    }

    /// Handles a character off the fast path and returns where the pass goes on.
    #[cold]
    fn slow(&mut self, c: char, entry: Entry, start: usize, end: usize) -> usize {
        match entry.act() {
            Act::Drop => {
                self.backward.see(c, self.out);
                self.write(c, start, end, Transforms::empty());
            }
            Act::Keep | Act::Expand => self.write(c, start, end, Transforms::empty()),
            Act::LookAlike => return self.fold_word(start),
            Act::Escape => {
                if let Some((decoded, length, disguise)) = escape::decode(&self.text[start..]) {
                    let extra = if disguise { Transforms::ESCAPE } else { Transforms::empty() };
                    self.write(decoded, start, start + length, extra);
                    return start + length;
                }
                self.keep(entry, start, end, Transforms::empty());
            }
            Act::Bracket => {
                if let Some(next) = self.skip_gloss(start) {
                    return next;
                }
                self.keep(entry, start, end, Transforms::empty());
            }
        }
        end
    }

    /// Writes what one character folds to, without looking at its neighbours.
    fn write(&mut self, c: char, start: usize, end: usize, extra: Transforms) {
        let (table, entry) = (self.table, self.table.entry(c));
        match entry.act() {
            Act::Keep | Act::LookAlike | Act::Escape | Act::Bracket => self.keep(entry, start, end, extra),
            Act::Expand => {
                for part in table.expansion(entry) {
                    self.keep(*part, start, end, extra);
                }
            }
            Act::Drop => self.drop(entry.transform() | extra, end),
        }
    }

    /// Leaves a character out and remembers that on the symbol that it disturbs.
    fn drop(&mut self, transforms: Transforms, end: usize) {
        if !transforms.intersects(TRAILING) {
            self.dropped |= transforms;
            return;
        }
        let field_start = self.out.field_start();
        if self.out.symbols.len() <= field_start {
            return;
        }
        if let Some(last) = self.out.symbols.last_mut() {
            last.source_end = super::folded::as_u32(end);
            // Emoji carry selectors and keycaps carry marks by their nature.
            if last.class.is_dense() && !(transforms == Transforms::SELECTOR && last.class == Class::Digit) {
                last.transforms |= transforms;
            }
        }
    }

    /// Drops a reading in brackets behind a Han character; returns the place behind it.
    fn skip_gloss(&mut self, start: usize) -> Option<usize> {
        let last = self.out.symbols.last()?;
        let adjacent = last.class.is_han() && last.source_end as usize == start;
        if !adjacent || self.out.symbols.len() <= self.out.field_start() {
            return None;
        }
        let han = self.out.plain[last.plain_start as usize..].chars().next()?;
        let length = gloss::length(self.table, han, &self.text[start..])?;
        if let Some(last) = self.out.symbols.last_mut() {
            last.source_end = super::folded::as_u32(start + length);
            last.transforms |= Transforms::GLOSS;
        }
        Some(start + length)
    }

    /// Folds the rest of a word in which a look-alike letter stands, then decides for the word as a whole: inside a
    /// Latin word, or where no other script is near, look-alikes become the letters that they imitate.
    fn fold_word(&mut self, start: usize) -> usize {
        // What stands before is Latin already, or not a letter that could imitate one.
        let first = self.out.symbols.len();
        let mut next = start;
        for c in self.text[start..].chars() {
            let entry = self.table.entry(c);
            let in_word = match entry.act() {
                Act::Keep => entry.class() == Class::Latin,
                Act::Drop => c != bidi::OVERRIDE,
                Act::LookAlike => true,
                Act::Expand => self.table.expansion(entry).iter().all(|part| part.class() == Class::Latin),
                Act::Escape | Act::Bracket => false,
            };
            if !in_word {
                break;
            }
            self.write(c, next, next + c.len_utf8(), Transforms::empty());
            next += c.len_utf8();
        }
        self.resolve_word(first, next);
        next
    }

    /// Whether the nearest letter on either side of a word is one of a script that is neither Latin nor Han.
    fn stands_in_a_script(&self, first: usize, next: usize) -> bool {
        let before = self.out.symbols[self.out.field_start()..first].iter().rev().map(|s| s.class);
        let after = self.text[next..].chars().map(|c| self.table.first_class(c));
        let nearest_before = before.take(NEIGHBOURS).find(|class| class.is_dense());
        let nearest_after = after.take(NEIGHBOURS).find(|class| class.is_dense());
        nearest_before == Some(Class::Letter) || nearest_after == Some(Class::Letter)
    }

    fn resolve_word(&mut self, first: usize, next: usize) {
        let word = &self.out.symbols[first..];
        let previous = (first > self.out.field_start()).then(|| self.out.symbols[first - 1].class);
        let has_latin = previous == Some(Class::Latin) || word.iter().any(|s| s.class == Class::Latin);
        let imitates = |s: &super::folded::Symbol| {
            let c = self.out.plain[s.plain_start as usize..].chars().next();
            s.class == Class::Latin || c.is_some_and(|c| self.table.look_alike(c).is_some())
        };
        if !(has_latin || (word.iter().all(imitates) && !self.stands_in_a_script(first, next))) {
            return;
        }
        let mut saved = std::mem::take(&mut self.out.saved_run);
        saved.clear();
        for symbol in word {
            if let Some(c) = self.out.plain[symbol.plain_start as usize..].chars().next() {
                saved.push((c, *symbol));
            }
        }
        self.out.truncate(first);
        for (c, symbol) in &saved {
            let source = symbol.source_start as usize..symbol.source_end as usize;
            match self.table.look_alike(*c) {
                Some(latin) => {
                    let class = super::table::classify(latin);
                    let numeral = self.table.numeral(self.table.entry(latin));
                    self.out.push(latin, class, numeral, source, symbol.transforms | Transforms::LOOK_ALIKE);
                }
                None => self.out.push(*c, symbol.class, symbol.numeral, source, symbol.transforms),
            }
        }
        self.out.saved_run = saved;
    }
}
