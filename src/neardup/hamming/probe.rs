//! A query → the buckets to look into, and which of the rows found there are new.

use super::{BLOCK_BITS, BLOCKS, BUCKET_ROWS_MAX, QueryReport, Radius, block};

/// How far around the query's block one table is searched.
#[derive(Clone, Copy, Debug)]
struct Reach {
    table: usize,
    /// 0: its own bucket; 1: also the buckets whose number differs in one bit.
    bits: u32,
}

/// Rows at the start of one bucket that were left out: those before `position`.
#[derive(Clone, Copy, Debug)]
struct Cut {
    table: usize,
    bucket: u16,
    position: u32,
}

/// One query in one segment or tail.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) fingerprint: u64,
    pub(super) radius: u32,
    pub(super) report: QueryReport,
    /// The tables in the order in which they are searched; the first `tables` of them are.
    reaches: [Reach; BLOCKS],
    tables: usize,
    cuts: Vec<Cut>,
}

impl Probe {
    /// Plans a query, given the number of rows in the query's own bucket of each table.
    ///
    /// With radius `4 s + a`, either one of any `a + 1` blocks differs in at most `s` bits or one of the others in at most
    /// `s - 1`: were it not so, the distance would be at least `(a + 1)(s + 1) + (3 - a) s = 4 s + a + 1`. The blocks
    /// with the smallest buckets get the longer reach, so that a flooded bucket is searched as seldom as can be.
    pub(super) fn new(fingerprint: u64, radius: Radius, own_rows: [usize; BLOCKS]) -> Self {
        let (reach, longer) = (radius.bits() / 4, radius.bits() as usize % 4 + 1);
        let mut order = [0, 1, 2, 3];
        order.sort_by_key(|table: &usize| own_rows[*table]);
        let mut reaches = [Reach { table: 0, bits: 0 }; BLOCKS];
        for (place, (slot, table)) in reaches.iter_mut().zip(order).enumerate() {
            *slot = Reach { table, bits: if place < longer { reach } else { reach.saturating_sub(1) } };
        }
        let tables = if reach == 0 { longer } else { BLOCKS };
        let report = QueryReport::default();
        Self { fingerprint, radius: radius.bits(), report, reaches, tables, cuts: Vec::new() }
    }

    /// How many tables are searched.
    pub(super) fn tables(&self) -> usize {
        self.tables
    }

    /// The table that is searched at a place of the order.
    pub(super) fn table(&self, place: usize) -> usize {
        self.reaches[place].table
    }

    /// The buckets of that table, and how many bits each differs from the query's block.
    pub(super) fn buckets(&self, place: usize) -> impl Iterator<Item = (u16, u32)> + use<> {
        let Reach { table, bits } = self.reaches[place];
        let own = block(self.fingerprint, table);
        let neighbours = if bits == 0 { 0 } else { BLOCK_BITS };
        std::iter::once((own, 0)).chain((0..neighbours).map(move |bit| (own ^ 1 << bit, 1)))
    }

    /// How many rows of a bucket may be looked at, the last ones; counts them.
    pub(super) fn admit(&mut self, rows: usize) -> usize {
        let admitted = rows.min(BUCKET_ROWS_MAX);
        self.report.rows += admitted as u64;
        self.report.rows_skipped += (rows - admitted) as u64;
        admitted
    }

    /// Notes that the rows of a bucket before a position are left out.
    pub(super) fn cut(&mut self, place: usize, bucket: u16, position: u32) {
        self.cuts.push(Cut { table: self.table(place), bucket, position });
    }

    /// Whether a row that is found at a place of the order was not found at an earlier one.
    pub(super) fn is_new(&self, place: usize, row: u64, position: u32) -> bool {
        let is_found = |reach: &Reach| {
            let bucket = block(row, reach.table);
            let distance = (bucket ^ block(self.fingerprint, reach.table)).count_ones();
            let is_cut =
                |cut: &Cut| cut.table == reach.table && cut.bucket == bucket && position < cut.position;
            distance <= reach.bits && !self.cuts.iter().any(is_cut)
        };
        !self.reaches[..place].iter().any(is_found)
    }
}
