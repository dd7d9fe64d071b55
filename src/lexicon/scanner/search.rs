//! Symbols in, hits out: two filters without a branch, then comparison.

use super::symbols::{NONE, PAD, SymbolStream};
use super::{CROWDED, Entry, LAST, LONG, Scanner, WINDOW, hash, left_of, right_of, scale};

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
        let text = &ids[PAD..ids.len() - PAD + 1];
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
            let entry = &self.entries[first as usize];
            let from = at - u32::from(entry.in_window);
            let is_regular = entry.flags == LAST;
            // Wraps where the window begins in the padding; such a window does not occur.
            let start = from.wrapping_sub(PAD as u32);
            found_in[found] = TermHit { start, end: start.wrapping_add(u32::from(entry.len)), term: entry.term };
            found += usize::from(is_regular & window_occurs(entry, ids, from as usize));
            candidates[rest] = at;
            firsts[rest] = first;
            rest += usize::from(!is_regular);
        }
        hits.truncate(found);
        rest
    }

    /// Compares the terms of a bucket with what stands around an anchor.
    fn compare_bucket(&self, ids: &[u16], at: usize, first: usize, sink: &mut Sink<'_>) {
        if self.entries[first].flags & CROWDED != 0 {
            return self.compare_crowded(ids, at, first, sink);
        }
        for (index, entry) in (first..).zip(&self.entries[first..]) {
            let occurs = window_occurs(entry, ids, at - usize::from(entry.in_window));
            if occurs && (entry.flags & LONG == 0 || self.rest_occurs(index, ids, at)) {
                sink.push(entry.term, at - entry.before(), entry.len);
            }
            if entry.flags & LAST != 0 {
                return;
            }
        }
    }

    /// The symbols of an entry's term.
    fn symbols(&self, entry: usize) -> &[u16] {
        &self.arena[self.places[entry] as usize..][..usize::from(self.entries[entry].len)]
    }

    fn rest_occurs(&self, entry: usize, ids: &[u16], at: usize) -> bool {
        let symbols = self.symbols(entry);
        let Some(start) = at.checked_sub(self.entries[entry].before()) else { return false };
        ids.get(start..start + symbols.len()).is_some_and(|here| here == symbols)
    }

    /// Compares the terms of a bucket with many entries: one search in halves per shape (length and place of the
    /// anchor), of which there are few.
    #[cold]
    fn compare_crowded(&self, ids: &[u16], at: usize, first: usize, sink: &mut Sink<'_>) {
        // Every crowded bucket is in the list.
        let Ok(place) = self.crowded.binary_search_by_key(&first, |(start, _)| *start as usize) else { return };
        let end = first + self.crowded[place].1 as usize;
        let mut head = first;
        while head < end {
            let (before, len) = (self.entries[head].before(), self.entries[head].len);
            let is_alike = |e: &Entry| (e.before(), e.len) <= (before, len);
            let shape_end = head + self.entries[head..end].partition_point(is_alike);
            let here = at.checked_sub(before).and_then(|start| ids.get(start..start + usize::from(len)));
            if let Some(here) = here {
                // In halves: the first entry that is not in front of what stands here.
                let (mut low, mut high) = (head, shape_end);
                while low < high {
                    let middle = usize::midpoint(low, high);
                    if self.symbols(middle) < here { low = middle + 1 } else { high = middle }
                }
                for entry in (low..shape_end).take_while(|entry| self.symbols(*entry) == here) {
                    sink.push(self.entries[entry].term, at - before, len);
                }
            }
            head = shape_end;
        }
    }

    fn find_singles(&self, ids: &[u16], sink: &mut Sink<'_>) {
        if self.singles.is_empty() {
            return;
        }
        for (at, symbol) in (PAD..).zip(&ids[PAD..ids.len() - PAD]) {
            if *symbol == NONE {
                continue;
            }
            let start = self.singles.partition_point(|(s, _)| s < symbol);
            for (_, term) in self.singles[start..].iter().take_while(|(s, _)| s == symbol) {
                sink.push(*term, at, 1);
            }
        }
    }
}

/// Whether the window of an entry stands at a place.
#[inline]
fn window_occurs(entry: &Entry, ids: &[u16], from: usize) -> bool {
    let Some([a, b, c, d]) = ids[from..].first_chunk::<WINDOW>() else { return false };
    let here = u64::from(*a) | u64::from(*b) << 16 | u64::from(*c) << 32 | u64::from(*d) << 48;
    let unused = 16 * (WINDOW as u32).saturating_sub(u32::from(entry.len));
    here << unused == entry.window << unused
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
    fn push(&mut self, term: u32, at: usize, len: u8) {
        if self.hits.len() >= self.limit {
            self.is_complete = false;
            return;
        }
        // Texts are far shorter than 2^32 symbols.
        let start = (at - PAD) as u32;
        self.hits.push(TermHit { start, end: start + u32::from(len), term });
    }
}
