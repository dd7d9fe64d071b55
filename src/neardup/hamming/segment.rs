//! Many fingerprints, immutable, in 34 bytes each.
//!
//! The first table holds the rows, sorted by block 0: the other three blocks and the number. The other tables hold for
//! every row its position in the first, and two of its blocks as a *filter* (block 0 among them, which the first table
//! only knows by its bucket). A query reads filters one behind the other; few rows pass, and only those are looked up.

use super::{BLOCKS, BUCKETS, FullError, Probe, QueryReport, Radius, SEGMENT_ROWS_MAX, block};

/// Filters that are compared before one of them is looked at by itself.
const LANES: usize = 16;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First row of every bucket of the first table, and the end.
    pub(super) starts: Vec<u32>,
    /// Blocks 1 and 2 of every row.
    pub(super) low: Vec<u32>,
    /// Block 3.
    pub(super) high: Vec<u16>,
    pub(super) ids: Vec<u32>,
    /// The tables of blocks 1, 2 and 3.
    others: [Table; BLOCKS - 1],
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    starts: Vec<u32>,
    filters: Vec<u32>,
    positions: Vec<u32>,
}

impl Segment {
    /// Files fingerprints, each with its number. O(rows): counting sorts.
    ///
    /// # Errors
    /// There are more than [`SEGMENT_ROWS_MAX`] rows.
    pub fn build(rows: &[(u64, u32)]) -> Result<Self, FullError> {
        if rows.len() > SEGMENT_ROWS_MAX {
            return Err(FullError::Rows { rows: rows.len() });
        }
        let starts = starts(rows.iter().map(|(fingerprint, _)| block(*fingerprint, 0)));
        let mut next = starts.clone();
        let (mut low, mut high, mut ids) = (vec![0; rows.len()], vec![0; rows.len()], vec![0; rows.len()]);
        for (fingerprint, id) in rows {
            let next = &mut next[usize::from(block(*fingerprint, 0))];
            let position = *next as usize;
            *next += 1;
            low[position] = (fingerprint >> 16) as u32;
            high[position] = block(*fingerprint, 3);
            ids[position] = *id;
        }
        Ok(Self::of_first_table(starts, low, high, ids))
    }

    /// Completes a segment whose first table is given: `starts` ascends from 0 to the number of rows, in `BUCKETS + 1`
    /// steps.
    pub(super) fn of_first_table(starts: Vec<u32>, low: Vec<u32>, high: Vec<u16>, ids: Vec<u32>) -> Self {
        let mut segment = Self { starts, low, high, ids, others: Default::default() };
        segment.others = [1, 2, 3].map(|table| segment.table(table));
        segment
    }

    fn table(&self, table: usize) -> Table {
        let starts = starts(self.fingerprints().map(|fingerprint| block(fingerprint, table)));
        let mut next = starts.clone();
        let (mut filters, mut positions) = (vec![0; self.len()], vec![0; self.len()]);
        for (position, fingerprint) in (0..).zip(self.fingerprints()) {
            let next = &mut next[usize::from(block(fingerprint, table))];
            filters[*next as usize] = filter(fingerprint, table);
            positions[*next as usize] = position;
            *next += 1;
        }
        Table { starts, filters, positions }
    }

    /// The fingerprints by block 0.
    fn fingerprints(&self) -> impl Iterator<Item = u64> {
        let bounds = self.starts.iter().zip(self.starts.iter().skip(1));
        (0..=u16::MAX).zip(bounds).flat_map(move |(bucket, (start, end))| {
            (*start..*end).map(move |position| self.fingerprint(bucket, position as usize))
        })
    }

    fn fingerprint(&self, bucket: u16, position: usize) -> u64 {
        u64::from(bucket) | u64::from(self.low[position]) << 16 | u64::from(self.high[position]) << 48
    }

    /// The fingerprints and their numbers, by their lowest sixteen bits.
    pub fn rows(&self) -> impl Iterator<Item = (u64, u32)> {
        self.fingerprints().zip(self.ids.iter().copied())
    }

    /// The number of fingerprints.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no fingerprint.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Memory, in bytes: 34 per fingerprint and 1 MiB.
    pub fn memory_bytes(&self) -> usize {
        let others = self.others.iter().map(|table| {
            4 * (table.starts.capacity() + table.filters.capacity() + table.positions.capacity())
        });
        let first = self.starts.capacity() + self.low.capacity() + self.ids.capacity();
        4 * first + 2 * self.high.capacity() + others.sum::<usize>()
    }

    /// As [`super::HammingIndex::query_into`].
    pub fn query_into(&self, fingerprint: u64, radius: Radius, out: &mut Vec<(u32, u32)>) -> QueryReport {
        let own_rows = std::array::from_fn(|table| {
            let (start, end) = bounds(self.starts(table), block(fingerprint, table));
            end - start
        });
        let mut probe = Probe::new(fingerprint, radius, own_rows);
        for place in 0..probe.tables() {
            for (bucket, distance) in probe.buckets(place) {
                match probe.table(place) {
                    0 => self.search_first(&mut probe, place, bucket, distance, out),
                    table => self.search_other(&mut probe, place, table, bucket, distance, out),
                }
            }
        }
        probe.report
    }

    fn starts(&self, table: usize) -> &[u32] {
        table.checked_sub(1).map_or(&self.starts, |other| &self.others[other].starts)
    }

    /// Searches one bucket of the first table.
    fn search_first(
        &self,
        probe: &mut Probe,
        place: usize,
        bucket: u16,
        distance: u32,
        out: &mut Vec<(u32, u32)>,
    ) {
        let (start, end) = bounds(&self.starts, bucket);
        let first = end - probe.admit(end - start);
        if first > start {
            probe.cut(place, bucket, first as u32);
        }
        let wanted = (probe.fingerprint >> 16) as u32;
        each_within(&self.low[first..end], wanted, probe.radius - distance, |index| {
            let position = first + index;
            self.check(probe, place, bucket, position, out);
        });
    }

    /// Searches one bucket of another table.
    fn search_other(
        &self,
        probe: &mut Probe,
        place: usize,
        table: usize,
        bucket: u16,
        distance: u32,
        out: &mut Vec<(u32, u32)>,
    ) {
        let Table { starts, filters, positions } = &self.others[table - 1];
        let (start, end) = bounds(starts, bucket);
        let first = end - probe.admit(end - start);
        if first > start {
            // Rows of a bucket stand in the order of their positions.
            probe.cut(place, bucket, positions[first]);
        }
        let wanted = filter(probe.fingerprint, table);
        each_within(&filters[first..end], wanted, probe.radius - distance, |index| {
            let row = first + index;
            self.check(probe, place, filters[row] as u16, positions[row] as usize, out);
        });
    }

    /// Reports a row that passed a filter, if its distance is within the radius and it is new.
    fn check(&self, probe: &Probe, place: usize, bucket: u16, position: usize, out: &mut Vec<(u32, u32)>) {
        let row = self.fingerprint(bucket, position);
        let distance = (row ^ probe.fingerprint).count_ones();
        if distance <= probe.radius && probe.is_new(place, row, position as u32) {
            out.push((self.ids[position], distance));
        }
    }
}

/// Block 0 and one more block, neither the table's own.
const fn filter(fingerprint: u64, table: usize) -> u32 {
    block(fingerprint, 0) as u32 | (block(fingerprint, table % 3 + 1) as u32) << 16
}

/// Where each bucket starts, and the end of the last.
fn starts(buckets: impl Iterator<Item = u16>) -> Vec<u32> {
    let mut starts = vec![0; BUCKETS + 1];
    buckets.for_each(|bucket| starts[usize::from(bucket) + 1] += 1);
    let mut rows = 0;
    for start in &mut starts {
        rows += *start;
        *start = rows;
    }
    starts
}

fn bounds(starts: &[u32], bucket: u16) -> (usize, usize) {
    let bucket = usize::from(bucket);
    (starts[bucket] as usize, starts[bucket + 1] as usize)
}

/// Calls back with the index of every filter within a distance. Few are, so that whole chunks are compared first, without a
/// branch, in a form that compilers turn into vector code.
#[inline]
fn each_within(filters: &[u32], wanted: u32, distance: u32, mut found: impl FnMut(usize)) {
    let is_within = |filter: &u32| (filter ^ wanted).count_ones() <= distance;
    let (chunks, rest) = filters.as_chunks::<LANES>();
    for (chunk, start) in chunks.iter().zip((0..).step_by(LANES)) {
        if chunk.iter().fold(0, |any, filter| any | u32::from(is_within(filter))) == 0 {
            continue;
        }
        (start..).zip(chunk).filter(|(_, filter)| is_within(filter)).for_each(|(index, _)| found(index));
    }
    let start = chunks.len() * LANES;
    (start..).zip(rest).filter(|(_, filter)| is_within(filter)).for_each(|(index, _)| found(index));
}
