//! Symbols in, hits out: two filters without a branch, then comparison.

use super::symbols::{NONE, PAD, SymbolStream};
use super::{CROWDED, Entry, HEAD, LAST, Scanner, WINDOW, hash, left_of, right_of, scale};

/// One occurrence of a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermHit {
    /// First symbol.
    pub start: u32,
    /// One past the last symbol.
    pub end: u32,
    /// Number of the term.
    pub term: u32,
}

/// Reused buffers of a search; one per thread.
#[derive(Clone, Debug, Default)]
pub struct ScanBuffer {
    /// The text as symbols.
    pub stream: SymbolStream,
    /// Places that may be anchors.
    candidates: Vec<u32>,
    /// First entry of each candidate's bucket.
    firsts: Vec<u32>,
}

impl Scanner {
    /// Finds every occurrence of every term in a text, overlapping ones too, and appends at most `hits_max` of them.
    /// Returns false when there were more.
    ///
    /// The hits stand in no particular order; [`SymbolStream::span`] gives the bytes of one. O(bytes + hits), and no
    /// allocation once the buffers have grown.
    pub fn find_into(
        &self,
        text: &str,
        hits_max: usize,
        buffer: &mut ScanBuffer,
        hits: &mut Vec<TermHit>,
    ) -> bool {
        self.map.read_into(text, &mut buffer.stream);
        self.find_in_stream(hits_max, buffer, hits)
    }

    /// Finds every occurrence of every term in characters that are folded already, like [`Scanner::find_into`]. Nothing
    /// is folded, dropped or expanded here, so that the places of hits count characters of the iterator;
    /// [`SymbolStream::span`] has no meaning for them.
    pub fn find_in_chars_into(
        &self,
        chars: impl Iterator<Item = char>,
        hits_max: usize,
        buffer: &mut ScanBuffer,
        hits: &mut Vec<TermHit>,
    ) -> bool {
        self.map.read_chars_into(chars, &mut buffer.stream);
        self.find_in_stream(hits_max, buffer, hits)
    }

    /// The stages behind the reading.
    fn find_in_stream(&self, hits_max: usize, buffer: &mut ScanBuffer, hits: &mut Vec<TermHit>) -> bool {
        let ScanBuffer { stream, candidates, firsts } = buffer;
        let ids = &stream.ids[..stream.len + 2 * PAD];
        if candidates.len() < ids.len() {
            candidates.resize(ids.len(), 0);
            firsts.resize(ids.len(), 0);
        }
        let limit = hits.len().saturating_add(hits_max);
        let count = self.find_anchors(ids, candidates);
        let count = self.find_buckets(ids, count, candidates, firsts);
        let rest = self.compare_single(ids, count, (candidates, firsts), hits);
        let mut sink = Sink { limit, hits, is_complete: true };
        sink.cut();
        for (at, first) in candidates[..rest].iter().zip(&*firsts) {
            self.compare_bucket(ids, *at as usize, *first as usize, &mut sink);
            if !sink.is_complete {
                break;
            }
        }
        self.find_singles(ids, &mut sink);
        sink.is_complete
    }

    /// Fills `candidates` with the places of pairs that may be an anchor, and returns their number.
    fn find_anchors(&self, ids: &[u16], candidates: &mut [u32]) -> usize {
        let mut count = 0;
        let text = &ids[PAD..=ids.len() - PAD];
        for (at, two) in (PAD as u32..).zip(text.windows(2)) {
            candidates[count] = at;
            count += self.anchors.get(hash(two[0], two[1])) as usize;
        }
        count
    }

    /// Looks up the bucket of each candidate, keeps those beside which a symbol stands that some term has there, and
    /// returns their number. The loads do not wait for each other: with a million terms they are what a search waits
    /// for.
    fn find_buckets(&self, ids: &[u16], count: usize, candidates: &mut [u32], firsts: &mut [u32]) -> usize {
        let mut kept = 0;
        for index in 0..count {
            let at = candidates[index];
            let Some([left, first, second, right]) = ids[at as usize - 1..].first_chunk::<4>() else { break };
            let bucket = self.buckets[scale(hash(*first, *second), self.buckets.len())];
            let fits = bucket.beside >> right_of(*right) | bucket.beside >> left_of(*left);
            let is_known = u32::from(*first != NONE) & u32::from(*second != NONE);
            candidates[kept] = at;
            firsts[kept] = bucket.first;
            kept += (fits & is_known & 1) as usize;
        }
        kept
    }

    /// Compares the terms that are alone in their bucket and not longer than their window, again without a branch; the
    /// other candidates move to the front. Returns their number.
    fn compare_single(
        &self,
        ids: &[u16],
        count: usize,
        (candidates, firsts): (&mut [u32], &mut [u32]),
        hits: &mut Vec<TermHit>,
    ) -> usize {
        let (mut found, mut rest) = (hits.len(), 0);
        hits.resize(found + count, TermHit::default());
        let found_in = hits.as_mut_slice();
        for index in 0..count {
            let (at, first) = (candidates[index], firsts[index]);
            let Some(entry) = Entry::at(&self.entries, first as usize) else { break };
            let from = (at as usize).saturating_sub(entry.before());
            // Wraps where the window begins in the padding; such a window does not occur.
            let start = (from as u32).wrapping_sub(PAD as u32);
            let end = start.wrapping_add(u32::from(entry.shape >> 8));
            found_in[found] = TermHit { start, end, term: entry.term() };
            found += usize::from(entry.is_regular() & window_occurs(&entry, ids, from));
            candidates[rest] = at;
            firsts[rest] = first;
            rest += usize::from(!entry.is_regular());
        }
        hits.truncate(found);
        rest
    }

    /// Compares the terms of a bucket with what stands around an anchor.
    fn compare_bucket(&self, ids: &[u16], at: usize, first: usize, sink: &mut Sink<'_>) {
        let mut place = first;
        while let Some(entry) = Entry::at(&self.entries, place) {
            if entry.high & CROWDED != 0 {
                return self.compare_crowded(ids, at, first, sink);
            }
            if let Some(start) = at.checked_sub(entry.before())
                && window_occurs(&entry, ids, start)
                && (entry.len() <= WINDOW || ids.get(start..start + entry.len()) == Some(entry.symbols()))
            {
                sink.push(entry.term(), start, entry.len());
            }
            if entry.high & LAST != 0 {
                return;
            }
            place += HEAD + entry.len();
        }
    }

    /// Compares the terms of a bucket with many entries: one search in halves per shape (length and place of the
    /// anchor), of which there are few.
    #[cold]
    fn compare_crowded(&self, ids: &[u16], at: usize, first: usize, sink: &mut Sink<'_>) {
        // Every crowded bucket is in the list.
        let Ok(place) = self.crowded.binary_search_by_key(&first, |(start, _)| *start as usize) else {
            return;
        };
        let Some((count, places)) = self.crowds[self.crowded[place].1 as usize..].split_first() else {
            return;
        };
        let mut places = &places[..*count as usize];
        let entry = |place: &u32| Entry::at(&self.entries, *place as usize);
        let order = |place: &u32| entry(place).map_or((0, 0), |e| (e.before(), e.len()));
        while let Some(head) = places.first() {
            let (before, len) = order(head);
            let (alike, others) = places.split_at(places.partition_point(|p| order(p) <= (before, len)));
            places = others;
            let Some(start) = at.checked_sub(before) else { continue };
            let Some(here) = ids.get(start..start + len) else { continue };
            let symbols = |place: &u32| entry(place).map_or(&[][..], |e| e.symbols());
            let from = alike.partition_point(|place| symbols(place) < here);
            for entry in alike[from..].iter().take_while(|place| symbols(place) == here).filter_map(entry) {
                sink.push(entry.term(), start, len);
            }
        }
    }

    fn find_singles(&self, ids: &[u16], sink: &mut Sink<'_>) {
        if self.singles.terms.is_empty() {
            return;
        }
        for (at, symbol) in (PAD..).zip(&ids[PAD..ids.len() - PAD]) {
            if self.singles.has(*symbol) {
                self.singles.of(*symbol).for_each(|term| sink.push(term, at, 1));
            }
        }
    }
}

/// Whether the first four symbols of an entry stand at a place, or all where there are fewer.
#[inline]
fn window_occurs(entry: &Entry<'_>, ids: &[u16], from: usize) -> bool {
    let Some(here) = ids.get(from..).and_then(<[u16]>::first_chunk::<WINDOW>) else { return false };
    let word = |[a, b, c, d]: [u16; WINDOW]| {
        u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48
    };
    let unused = 16 * WINDOW.saturating_sub(entry.len());
    (word(*here) ^ word(entry.window)) << unused == 0
}

/// Takes hits up to a limit.
struct Sink<'o> {
    hits: &'o mut Vec<TermHit>,
    limit: usize,
    is_complete: bool,
}

impl Sink<'_> {
    /// Drops hits beyond the limit.
    fn cut(&mut self) {
        self.is_complete = self.hits.len() <= self.limit;
        self.hits.truncate(self.limit);
    }

    #[inline]
    fn push(&mut self, term: u32, at: usize, len: usize) {
        if self.hits.len() >= self.limit {
            self.is_complete = false;
            return;
        }
        // Texts are far shorter than 2^32 symbols.
        let start = (at - PAD) as u32;
        self.hits.push(TermHit { start, end: start + len as u32, term });
    }
}
