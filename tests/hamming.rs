//! The Hamming index against brute force.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use proptest::prelude::*;
use qingliu::neardup::{BUCKET_ROWS_MAX, FullError, HammingIndex, Radius, SEGMENTS_MAX, Segment};
use qingliu::saved::SavedError;

/// Number and distance of all within the radius, sorted.
fn brute_force(rows: &[(u64, u32)], query: u64, radius: u32) -> Vec<(u32, u32)> {
    let distances = rows.iter().map(|(fingerprint, id)| (*id, (fingerprint ^ query).count_ones()));
    let mut found: Vec<(u32, u32)> = distances.filter(|(_, distance)| *distance <= radius).collect();
    found.sort_unstable();
    found
}

fn query(index: &HammingIndex, query: u64, radius: u32) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let report = index.query_into(query, Radius::new(radius).unwrap(), &mut found);
    assert!(report.is_complete());
    found.sort_unstable();
    found
}

/// Fingerprints: of all kinds, or near a few, or with equal blocks.
fn fingerprints() -> impl Strategy<Value = Vec<u64>> {
    let few_bits = prop::collection::vec(0_u32..64, 0..6)
        .prop_map(|bits| bits.into_iter().fold(0x0123_4567_89ab_cdef, |word, bit| word ^ 1 << bit));
    let few_blocks = prop::array::uniform4(0_u64..3)
        .prop_map(|blocks| blocks.into_iter().fold(0, |word, block| word << 16 | block));
    prop_oneof![
        prop::collection::vec(any::<u64>(), 0..200),
        prop::collection::vec(few_bits, 0..200),
        prop::collection::vec(few_blocks, 0..200),
        prop::collection::vec(prop_oneof![Just(7), Just(15), any::<u64>()], 0..200),
    ]
}

/// An index with rows in segments and in the tail.
fn index_of(rows: &[(u64, u32)], sealed: &[usize]) -> HammingIndex {
    let mut index = HammingIndex::new(rows.len());
    for (place, (fingerprint, id)) in rows.iter().enumerate() {
        if sealed.contains(&place) {
            index.seal().unwrap();
        }
        index.insert(*fingerprint, *id).unwrap();
    }
    index
}

proptest! {
    #[test]
    fn the_index_finds_what_brute_force_finds(
        fingerprints in fingerprints(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(0_u32..64, 0..8)), 1..6),
        sealed in prop::collection::vec(0_usize..200, 0..3),
        radius in 0_u32..=7,
    ) {
        let rows: Vec<(u64, u32)> = fingerprints.iter().copied().zip(100..).collect();
        let mut index = index_of(&rows, &sealed);
        for merged in [false, true] {
            if merged {
                index.seal().unwrap();
                index.merge().unwrap();
                prop_assert!(index.segments().len() <= 1);
            }
            prop_assert_eq!(index.len(), rows.len());
            for (place, bits) in &flips {
                let source = if fingerprints.is_empty() { 0 } else { *place.get(&fingerprints) };
                let changed = bits.iter().fold(source, |word, bit| word ^ 1 << bit);
                prop_assert_eq!(query(&index, changed, radius), brute_force(&rows, changed, radius));
            }
        }
    }

    #[test]
    fn a_saved_segment_comes_back_and_a_changed_one_is_refused(
        fingerprints in fingerprints(),
        place in any::<prop::sample::Index>(),
        bit in 0_u32..8,
    ) {
        let rows: Vec<(u64, u32)> = fingerprints.into_iter().zip(5..).collect();
        let segment = Segment::build(&rows).unwrap();
        let mut bytes = Vec::new();
        segment.save(&mut bytes).unwrap();
        prop_assert_eq!(&Segment::load(&bytes).unwrap(), &segment);
        let mut sorted: Vec<(u64, u32)> = segment.rows().collect();
        sorted.sort_by_key(|(_, id)| *id);
        prop_assert_eq!(sorted, rows);
        let place = place.index(bytes.len());
        prop_assert!(Segment::load(&bytes[..place]).is_err());
        bytes[place] ^= 1 << bit;
        prop_assert!(Segment::load(&bytes).is_err());
    }

    #[test]
    fn bytes_with_a_right_checksum_never_make_a_search_panic(
        fingerprints in fingerprints(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        asked in any::<u64>(),
    ) {
        let rows: Vec<(u64, u32)> = fingerprints.into_iter().zip(5..).collect();
        let mut bytes = Vec::new();
        Segment::build(&rows).unwrap().save(&mut bytes).unwrap();
        let summed = bytes.len() - 4;
        for (place, byte) in changes {
            bytes[20 + place.index(summed - 20)] = byte;
        }
        let sum = crc32fast::hash(&bytes[..summed]).to_le_bytes();
        bytes[summed..].copy_from_slice(&sum);
        if let Ok(segment) = Segment::load(&bytes) {
            segment.query_into(asked, Radius::MAX, &mut Vec::new());
            prop_assert_eq!(segment.rows().count(), rows.len());
        }
    }
}

#[test]
fn every_planted_distance_is_found_among_many() {
    // A generator of full period, so that fingerprints are spread and the test is the same every time.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ state >> 32
    };
    let rows: Vec<(u64, u32)> = (0..200_000).map(|id| (next(), id)).collect();
    let index = index_of(&rows, &[150_000]);
    for (fingerprint, id) in rows.iter().step_by(97) {
        for radius in [3, 6, 7] {
            let mut changed = *fingerprint;
            while (changed ^ fingerprint).count_ones() < radius {
                changed ^= 1 << (next() >> 58);
            }
            assert!(query(&index, changed, radius).contains(&(*id, radius)), "{fingerprint:x} {changed:x}");
        }
    }
}

#[test]
fn a_flooded_bucket_is_reported_and_hides_nothing_that_another_block_finds() {
    let flood = 0x1111_2222_3333_4444_u64;
    // Found over blocks 0, 1 and 2 only; inserted first, so that the flood pushes it out of their buckets.
    let hidden = flood ^ 1 << 63;
    // Found over block 3 as well, whose bucket has no flood: it differs from the flood there, not from the query.
    let asked = flood ^ 0b11 << 62;
    let rows: Vec<(u64, u32)> = [(hidden, 1), (asked, 2)]
        .into_iter()
        .chain((10..).map(|id| (flood, id)).take(BUCKET_ROWS_MAX + 5))
        .collect();
    for is_sealed in [false, true] {
        let mut index = index_of(&rows, &[]);
        if is_sealed {
            index.seal().unwrap();
        }
        let mut found = Vec::new();
        let report = index.query_into(asked, Radius::new(3).unwrap(), &mut found);
        assert!(!report.is_complete());
        // Seven rows too many in each of three buckets.
        assert_eq!(report.rows_skipped, 3 * 7, "sealed: {is_sealed}");
        assert!(found.contains(&(2, 0)), "sealed: {is_sealed}");
        assert_eq!(found.iter().filter(|(id, _)| *id == 2).count(), 1);
        assert!(report.rows <= 4 * BUCKET_ROWS_MAX as u64);
        // With a radius of 2 one table may be left out: one that is flooded.
        found.clear();
        let narrow = index.query_into(asked, Radius::new(2).unwrap(), &mut found);
        assert_eq!(narrow.rows_skipped, 2 * 7, "sealed: {is_sealed}");
        // An exact search needs the smallest bucket only.
        found.clear();
        assert!(index.query_into(asked, Radius::new(0).unwrap(), &mut found).is_complete());
        assert_eq!(found, [(2, 0)]);
    }
}

#[test]
fn radii_end_at_seven_and_full_indexes_say_so() {
    assert_eq!(Radius::new(7), Some(Radius::MAX));
    assert_eq!(Radius::new(8), None);
    let mut index = HammingIndex::new(1);
    index.insert(1, 1).unwrap();
    assert_eq!(index.insert(2, 2), Err(FullError::Tail { rows: 1 }));
    let segment = Segment::build(&[(5, 5)]).unwrap();
    for _ in 0..SEGMENTS_MAX {
        index.add_segment(segment.clone()).unwrap();
    }
    assert_eq!(index.add_segment(segment), Err(FullError::Segments));
    assert_eq!(index.seal(), Err(FullError::Segments));
    assert_eq!(index.len(), SEGMENTS_MAX + 1, "nothing is lost");
    index.merge().unwrap();
    index.seal().unwrap();
    assert_eq!(query(&index, 1, 0), [(1, 0)]);
    assert_eq!(query(&index, 5, 0).len(), SEGMENTS_MAX);
}

#[test]
fn bytes_of_something_else_are_refused_by_name() {
    let mut bytes = Vec::new();
    Segment::build(&[(5, 5)]).unwrap().save(&mut bytes).unwrap();
    assert_eq!(Segment::load(b"{}"), Err(SavedError::Foreign { what: "segment" }));
    assert!(matches!(Segment::load(&bytes[..9]), Err(SavedError::Truncated { .. })));
    let of_version = |byte: u8| {
        let mut bytes = bytes.clone();
        bytes[8] = byte;
        Segment::load(&bytes)
    };
    assert_eq!(of_version(9), Err(SavedError::Version { found: 9, expected: 1 }));
    let mut other = bytes.clone();
    other[12] ^= 1;
    let summed = other.len() - 4;
    let sum = crc32fast::hash(&other[..summed]).to_le_bytes();
    other[summed..].copy_from_slice(&sum);
    assert!(matches!(Segment::load(&other), Err(SavedError::Invalid { .. })));
}
