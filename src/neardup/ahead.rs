//! Reading early what will be needed.
//!
//! A post needs some thirty lines of memory of a window that is far larger than the caches. One after the other they would take
//! longer than everything else that is done. So they are asked for together, and where the next posts are known, those of
//! several posts: loads whose values nobody needs yet overlap, as many as the processor has under way at once. Nothing
//! follows from what is read here.

use std::hint::black_box;

use super::fingerprint::Fingerprint;
use super::window::{Buffers, Window};

impl Window {
    /// Reads what [`Window::observe`] will need for the next few posts, in their order. That changes no answer, also if
    /// other posts come; worth it for 4 to 32 posts that are observed at once. O(keys of the posts).
    pub fn announce<'p>(&mut self, prints: impl Iterator<Item = &'p Fingerprint> + Clone) {
        let mut buffers = std::mem::take(&mut self.buffers);
        black_box(prints.clone().zip(self.tail..).fold(0, |sum, (print, insertion)| {
            sum ^ self.exact.touch(print.exact) ^ self.touch_leaving(insertion)
        }));
        // Of a copy nothing else is looked up.
        for print in prints.filter(|print| self.exact.slots(print.exact).next().is_none()) {
            buffers.read_keys(print);
            self.touch_keys(&buffers);
        }
        self.buffers = buffers;
    }

    /// Reads what one post needs first.
    pub(super) fn touch(&self, print: &Fingerprint, buffers: &Buffers) {
        black_box(self.exact.touch(print.exact) ^ self.touch_leaving(self.tail));
        self.touch_keys(buffers);
    }

    /// Reads what it takes to forget an insertion, where the window is full.
    fn touch_leaving(&self, insertion: u64) -> u64 {
        let is_full = self.posts() >= self.limits.posts as usize;
        let record = self.records.get(self.slot_of(insertion) as usize).filter(|_| is_full);
        record.map_or(0, |record| self.exact.touch(record.exact))
    }

    fn touch_keys(&self, buffers: &Buffers) {
        black_box(self.keys.touch(&buffers.keys) ^ self.keys.touch(&buffers.other_keys));
    }

    /// Reads the records and the sets of posts that are about to be compared.
    pub(super) fn touch_ranked(&self, ranked: &[(u32, u32)]) {
        let records = || ranked.iter().filter_map(|(_, slot)| self.records.get(*slot as usize));
        black_box(records().fold(0, |sum, record| sum ^ record.position));
        black_box(records().fold(0, |sum, record| sum ^ self.grams.touch(record.grams)));
    }
}
