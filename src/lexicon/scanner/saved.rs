//! A scanner as bytes and back, so that a large lexicon need not be indexed again.
//!
//! The tables stand in fixed order, each as its number of items and the items. Whatever the checksum lets through is held against
//! the rules that a search relies on, so that no file makes one panic or run without end.

use std::io::{self, Write};

use super::symbols::{EXPANSION_MAX, NONE, PAGE, PAGES, SymbolMap};
use super::{Bucket, CROWDED, Entry, HEAD, LAST, PairFilter, Scanner, Singles, WINDOW};
use crate::saved::{Format, Reader, SavedError, Stream};

/// The version changes with every change of a table.
const FORMAT: Format = Format { magic: *b"QLSCAN\r\n", version: 1, what: "scanner" };

impl Scanner {
    /// Writes the scanner; [`Scanner::load`] reads it. As many bytes as [`Scanner::memory_bytes`]; writes blocks of 64
    /// KiB.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn save(&self, out: impl Write) -> io::Result<()> {
        let mut out = Stream::new(&FORMAT, out)?;
        out.table(self.map.bmp.as_slice(), |s| s.to_le_bytes())?;
        out.table(&self.map.pages, |p| p.to_le_bytes())?;
        out.table(&self.map.astral, |s| s.to_le_bytes())?;
        out.table(&self.map.expansions, |pair| pair_bytes(*pair))?;
        out.table(&self.map.expanded, |s| s.to_le_bytes())?;
        out.table(&self.anchors.words, |w| w.to_le_bytes())?;
        out.table(&self.buckets, |b| pair_bytes((b.first, b.beside)))?;
        out.table(&self.entries, |s| s.to_le_bytes())?;
        out.table(&self.crowded, |pair| pair_bytes(*pair))?;
        out.table(&self.crowds, |p| p.to_le_bytes())?;
        out.table(&self.singles.terms, |(symbol, term)| pair_bytes((u32::from(*symbol), *term)))?;
        out.finish()
    }

    /// Reads what [`Scanner::save`] wrote. O(bytes): some 40 ms for a million terms.
    ///
    /// # Errors
    /// Bytes that are foreign, of another version, cut off, damaged or invalid.
    pub fn load(bytes: &[u8]) -> Result<Self, SavedError> {
        let mut reader = Reader::new(&FORMAT, bytes)?;
        let bmp = reader.table("the basic plane", u16::from_le_bytes)?.into_boxed_slice();
        let map = SymbolMap {
            bmp: bmp
                .try_into()
                .map_err(|_| SavedError::Invalid { problem: "the basic plane has another size" })?,
            pages: reader.table("the list of pages", u16::from_le_bytes)?,
            astral: reader.table("the other planes", u16::from_le_bytes)?,
            expansions: reader.table("the list of expansions", pair)?,
            expanded: reader.table("the expansions", u16::from_le_bytes)?,
        };
        let mut scanner = Self {
            map,
            anchors: PairFilter { words: reader.table("the filter", u64::from_le_bytes)? },
            buckets: reader.table("the buckets", |bytes| {
                let (first, beside) = pair(bytes);
                Bucket { first, beside }
            })?,
            entries: reader.table("the entries", u16::from_le_bytes)?,
            crowded: reader.table("the crowded buckets", pair)?,
            crowds: reader.table("the entries of crowded buckets", u32::from_le_bytes)?,
            terms: 0,
            // Sixteen bits were written.
            singles: Singles::new(reader.table("the single symbols", |bytes| {
                let (symbol, term) = pair(bytes);
                (symbol as u16, term)
            })?),
        };
        reader.end()?;
        scanner.check().map_err(|problem| SavedError::Invalid { problem })?;
        Ok(scanner)
    }

    /// The rules that a search relies on; counts the terms. O(tables).
    fn check(&mut self) -> Result<(), &'static str> {
        let rule = |holds: bool, problem: &'static str| if holds { Ok(()) } else { Err(problem) };
        check_map(&self.map)?;
        rule(!self.anchors.words.is_empty() && !self.buckets.is_empty(), "a table is empty")?;
        rule(self.anchors.words.len().max(self.buckets.len()) < 1 << 32, "a table is too large")?;
        let walked = walk(&self.entries)?;
        self.terms = walked.count + self.singles.terms.len();
        rule(walked.terms_end as usize <= self.terms, "an entry is no term")?;
        let is_filled = |b: &Bucket| b.beside == 0 || walked.is_start(b.first);
        rule(self.buckets.iter().all(is_filled), "a bucket has no entry")?;
        rule(walked.crowded == self.crowded.len(), "a crowded bucket is not listed")?;
        rule(self.crowded.is_sorted_by(|a, b| a.0 < b.0), "crowded buckets are out of order")?;
        let is_whole = |(_, start): &(u32, u32)| {
            let places = self.crowds.get(*start as usize..).and_then(<[u32]>::split_first);
            places
                .and_then(|(count, places)| places.get(..*count as usize))
                .is_some_and(|places| places.iter().all(|place| walked.is_start(*place)))
        };
        rule(self.crowded.iter().all(is_whole), "a crowded bucket is cut off")?;
        rule(self.singles.terms.is_sorted(), "single symbols are out of order")?;
        let is_single = |(symbol, term): &(u16, u32)| *symbol != NONE && (*term as usize) < self.terms;
        rule(self.singles.terms.iter().all(is_single), "a single symbol is no term")
    }
}

/// What a walk over all entries found.
struct Walked {
    /// One bit per place at which an entry begins.
    starts: Vec<u64>,
    count: usize,
    crowded: usize,
    /// One past the highest number of a term.
    terms_end: u32,
}

impl Walked {
    fn is_start(&self, place: u32) -> bool {
        self.starts.get(place as usize / 64).is_some_and(|word| word >> (place % 64) & 1 != 0)
    }
}

/// Goes from entry to entry and holds each against the rules.
fn walk(entries: &[u16]) -> Result<Walked, &'static str> {
    let starts = vec![0; entries.len() / 64 + 1];
    let mut walked = Walked { starts, count: 0, crowded: 0, terms_end: 0 };
    let end = entries.len().checked_sub(WINDOW).ok_or("the entries have no end")?;
    let (mut place, mut is_last) = (0, true);
    while place < end {
        let entry = Entry::at(entries, place).ok_or("an entry is cut off")?;
        let next = place + HEAD + entry.len();
        // Nothing can match the padding around a text.
        if entry.before() + 2 > entry.len() || next > end || entry.symbols().contains(&NONE) {
            return Err("an entry is no term");
        }
        walked.starts[place / 64] |= 1 << (place % 64);
        walked.count += 1;
        walked.crowded += usize::from(entry.high & CROWDED != 0);
        walked.terms_end = walked.terms_end.max(entry.term() + 1);
        is_last = entry.high & LAST != 0;
        place = next;
    }
    if is_last { Ok(walked) } else { Err("the last bucket has no end") }
}

fn check_map(map: &SymbolMap) -> Result<(), &'static str> {
    let blocks = map.astral.len() / PAGE;
    let is_inside = |(_, start): &(u32, u32)| {
        let parts = map.expanded.get(*start as usize..).unwrap_or(&[]);
        parts.first().is_some_and(|len| usize::from(*len) <= EXPANSION_MAX.min(parts.len() - 1))
    };
    if map.pages.len() != PAGES || map.pages.iter().any(|page| usize::from(*page) > blocks) {
        Err("a page of the other planes is not there")
    } else if !map.expansions.is_sorted_by(|a, b| a.0 < b.0) {
        Err("expansions are out of order")
    } else if !map.expansions.iter().all(is_inside) {
        Err("an expansion is cut off")
    } else {
        Ok(())
    }
}

fn pair_bytes((first, second): (u32, u32)) -> [u8; 8] {
    (u64::from(first) | (u64::from(second) << 32)).to_le_bytes()
}

fn pair(bytes: [u8; 8]) -> (u32, u32) {
    let both = u64::from_le_bytes(bytes);
    // The lower and the upper half.
    (both as u32, (both >> 32) as u32)
}
