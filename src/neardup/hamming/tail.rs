//! The newest fingerprints of an index: rows in the order of their insertion, chained by block.

use super::{BLOCKS, BUCKETS, FullError, Probe, QueryReport, Radius, block};

/// End of a chain.
const NONE: u32 = u32::MAX;

/// The last row of a bucket and the number of its rows.
#[derive(Clone, Copy, Debug)]
struct Chain {
    last: u32,
    rows: u32,
}

const EMPTY: Chain = Chain { last: NONE, rows: 0 };

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    rows_max: usize,
    rows: Vec<(u64, u32)>,
    /// For each row and table, the row before it in the same bucket.
    before: Vec<[u32; BLOCKS]>,
    /// Four tables, one behind the other.
    chains: Vec<Chain>,
}

impl Tail {
    pub(super) fn new(rows_max: usize) -> Self {
        Self { rows_max, rows: Vec::new(), before: Vec::new(), chains: vec![EMPTY; BLOCKS * BUCKETS] }
    }

    pub(super) fn rows(&self) -> &[(u64, u32)] {
        &self.rows
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(self.chains.as_slice()) + self.rows.capacity() * 16 + self.before.capacity() * 16
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.before.clear();
        self.chains.fill(EMPTY);
    }

    pub(super) fn insert(&mut self, fingerprint: u64, id: u32) -> Result<(), FullError> {
        if self.rows.len() >= self.rows_max {
            return Err(FullError::Tail { rows: self.rows.len() });
        }
        // A tail has far fewer rows than 2^32.
        let row = self.rows.len() as u32;
        let mut before = [NONE; BLOCKS];
        for (table, before) in before.iter_mut().enumerate() {
            let chain = &mut self.chains[slot(table, block(fingerprint, table))];
            *before = chain.last;
            *chain = Chain { last: row, rows: chain.rows + 1 };
        }
        self.rows.push((fingerprint, id));
        self.before.push(before);
        Ok(())
    }

    pub(super) fn query_into(
        &self,
        fingerprint: u64,
        radius: Radius,
        out: &mut Vec<(u32, u32)>,
    ) -> QueryReport {
        if self.rows.is_empty() {
            return QueryReport::default();
        }
        let chain = |table, bucket| self.chains[slot(table, bucket)];
        let own_rows = std::array::from_fn(|table| chain(table, block(fingerprint, table)).rows as usize);
        let mut probe = Probe::new(fingerprint, radius, own_rows);
        for place in 0..probe.tables() {
            let table = probe.table(place);
            for (bucket, _) in probe.buckets(place) {
                let Chain { last, rows } = chain(table, bucket);
                let (mut row, mut seen) = (last, NONE);
                for _ in 0..probe.admit(rows as usize) {
                    let (found, id) = self.rows[row as usize];
                    let distance = (found ^ fingerprint).count_ones();
                    if distance <= radius.bits() && probe.is_new(place, found, row) {
                        out.push((id, distance));
                    }
                    (seen, row) = (row, self.before[row as usize][table]);
                }
                if row != NONE {
                    probe.cut(place, bucket, seen);
                }
            }
        }
        probe.report
    }
}

/// Where the chain of a bucket stands.
const fn slot(table: usize, bucket: u16) -> usize {
    table * BUCKETS + bucket as usize
}
