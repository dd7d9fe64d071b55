//! The log keeps what it has acknowledged, whatever happens to the disk, and names what it cannot keep.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use qingliu::store::find::{find, index_one};
use qingliu::store::log::{
    Anchor, Append, DiskFile, HEADER_BYTES, Log, LogError, LogOptions, OpenReport, Position, Purged,
    RECORD_BYTES_MAX, Reader, Record, SegmentFile, purge, segments, verify, verify_against,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// 2026-11-21T08:00:00Z.
const NOW_MS: i64 = 1_795_248_000_000;

/// A record's parts.
type Parts = (Vec<u8>, Option<Vec<u8>>);

fn options(dir: &Path, segment_bytes_max: u64) -> LogOptions {
    LogOptions { segment_bytes_max, ..LogOptions::new(dir) }
}

fn open(dir: &Path, segment_bytes_max: u64) -> (Log, OpenReport) {
    Log::open(options(dir, segment_bytes_max), || NOW_MS).unwrap()
}

fn write(dir: &Path, segment_bytes_max: u64, records: &[Parts]) -> OpenReport {
    let (log, report) = open(dir, segment_bytes_max);
    for (public, private) in records {
        log.append_and_wait(public.clone(), private.clone()).unwrap();
    }
    report
}

/// Everything that can be read, and the damage on the way.
fn read(dir: &Path) -> (Vec<Record>, Vec<(u64, u64)>) {
    let (mut reader, mut records, mut damage) = (Reader::new(dir), Vec::new(), Vec::new());
    loop {
        match reader.read() {
            Ok(Some(found)) => records.push(found.record),
            Ok(None) => return (records, damage),
            Err(LogError::Damaged(place)) => damage.push((place.segment, place.offset)),
            Err(e) => panic!("{e}"),
        }
    }
}

fn parts(records: &[Record]) -> Vec<Parts> {
    records.iter().map(|record| (record.public.clone(), record.private.clone())).collect()
}

/// Where records begin and end.
fn places(dir: &Path) -> Vec<(Position, Position)> {
    let mut reader = Reader::new(dir);
    std::iter::from_fn(|| reader.read().unwrap()).map(|found| (found.position, found.end)).collect()
}

fn some_records() -> impl Strategy<Value = Vec<Parts>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..200);
    prop::collection::vec((bytes(), prop::option::of(bytes())), 1..30)
}

fn numbered(count: usize) -> Vec<Parts> {
    let private = |n: usize| n.is_multiple_of(2).then(|| format!("secret {n}").into_bytes());
    (0..count).map(|n| (format!("record {n}").into_bytes(), private(n))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_was_appended_is_read_back_in_order_across_segments_and_restarts(
        first in some_records(), second in some_records(), segment_bytes in 1_u64..3000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), segment_bytes, &first);
        let report = write(dir.path(), segment_bytes, &second);
        prop_assert_eq!((report.records, &report.torn), (first.len() as u64, &None));
        let (records, damage) = read(dir.path());
        prop_assert!(damage.is_empty());
        prop_assert_eq!(parts(&records), [first, second].concat());
        prop_assert!(records.iter().zip(1..).all(|(record, n)| record.sequence == n));
        let report = verify(dir.path()).unwrap();
        prop_assert_eq!((report.damage, report.last), (Vec::new(), records.len() as u64));
    }

    #[test]
    fn a_cut_tail_is_reported_and_kept_and_the_log_goes_on(
        records in some_records(), at in any::<prop::sample::Index>(), segment_bytes in 1_u64..3000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), segment_bytes, &records);
        let last = segments(dir.path()).unwrap().pop().unwrap();
        let all = places(dir.path());
        let bytes = fs::read(&last.path).unwrap();
        let cut = at.index(bytes.len() + 1) as u64;
        fs::write(&last.path, &bytes[..usize::try_from(cut).unwrap()]).unwrap();
        let whole = all.iter().filter(|(_, end)| end.segment < last.number || end.offset <= cut).count();
        let starts = all.iter().map(|(start, _)| start).filter(|start| start.segment == last.number);
        let is_border = starts.map(|start| start.offset).chain([bytes.len() as u64]).any(|border| border == cut);

        let report = write(dir.path(), segment_bytes, &numbered(3));
        prop_assert_eq!(report.records, whole as u64);
        prop_assert_eq!(report.torn.is_none(), is_border);
        let (found, damage) = read(dir.path());
        prop_assert!(damage.is_empty());
        prop_assert_eq!(parts(&found), [records[..whole].to_vec(), numbered(3)].concat());
        prop_assert!(verify(dir.path()).unwrap().damage.is_empty());
        if let Some(torn) = report.torn {
            let kept = fs::read(torn.kept).unwrap();
            prop_assert!(bytes.windows(kept.len().max(1)).any(|part| part == kept) || kept.is_empty());
        }
    }

    #[test]
    fn a_flipped_bit_is_named_with_its_place_and_hides_one_record_only(
        records in some_records(), which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        bit in 0_u8..8, segment_bytes in 1_u64..3000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), segment_bytes, &records);
        let all = places(dir.path());
        let (start, end) = all[which.index(all.len())];
        let segment = segments(dir.path()).unwrap().into_iter().find(|s| s.number == start.segment).unwrap();
        let mut bytes = fs::read(&segment.path).unwrap();
        let flipped = usize::try_from(start.offset).unwrap()
            + at.index(usize::try_from(end.offset - start.offset).unwrap());
        bytes[flipped] ^= 1 << bit;
        fs::write(&segment.path, bytes).unwrap();

        let report = verify(dir.path()).unwrap();
        let named: Vec<(u64, u64)> = report.damage.iter().map(|d| (d.segment, d.offset)).collect();
        prop_assert_eq!(&named, &[(start.segment, start.offset)]);
        let others: Vec<Parts> = all.iter().zip(&records).filter(|(place, _)| place.0 != start)
            .map(|(_, record)| record.clone()).collect();
        prop_assert_eq!(&parts(&read(dir.path()).0), &others);

        // The log goes on behind it, and what was damaged is still named.
        let report = write(dir.path(), segment_bytes, &numbered(2));
        prop_assert_eq!(parts(&read(dir.path()).0), [others, numbered(2)].concat());
        let is_at_the_end = Some(&(start, end)) == all.last();
        let still: Vec<(u64, u64)> = read(dir.path()).1;
        prop_assert_eq!(still, if is_at_the_end { Vec::new() } else { named });
        prop_assert_eq!(report.torn.is_some(), is_at_the_end);
    }

    #[test]
    fn nothing_that_was_acknowledged_is_lost_on_a_disk_that_fills_up(
        records in some_records(), room in prop::collection::vec(0_u64..2000, 0..6), segment_bytes in 200_u64..3000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(Mutex::new(Disk { room, used: 0 }));
        let handed = Arc::clone(&disk);
        let opened = move |path: &Path| -> io::Result<Box<dyn SegmentFile>> {
            Ok(Box::new(FullFile { disk: Arc::clone(&handed), file: DiskFile::open(path)? }))
        };
        let (log, _) =
            Log::open_with(options(dir.path(), segment_bytes), || NOW_MS, Box::new(opened)).unwrap();
        let mut acknowledged = Vec::new();
        for (public, private) in records {
            match log.append_and_wait(public.clone(), private.clone()) {
                Ok(stored) => {
                    prop_assert!(!log.is_failing());
                    acknowledged.push((stored.sequence, (public, private)));
                }
                Err(e) => {
                    prop_assert!(log.is_failing());
                    prop_assert!(e.to_string().contains("no room"), "{}", e);
                }
            }
        }
        drop(log);
        let (_, report) = open(dir.path(), segment_bytes);
        prop_assert_eq!(report.damage, Vec::new());
        let (found, damage) = read(dir.path());
        prop_assert!(damage.is_empty());
        let found: Vec<(u64, Parts)> =
            found.into_iter().map(|record| (record.sequence, (record.public, record.private))).collect();
        prop_assert_eq!(found, acknowledged);
        prop_assert!(verify(dir.path()).unwrap().damage.is_empty());
    }
}

/// Bytes that may be written until the next failure, one after the other; when none is left, there is room for all.
struct Disk {
    room: Vec<u64>,
    used: u64,
}

struct FullFile {
    disk: Arc<Mutex<Disk>>,
    file: Box<dyn SegmentFile>,
}

impl SegmentFile for FullFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.used += bytes.len() as u64;
        match disk.room.first().copied() {
            Some(room) if disk.used > room => {
                disk.room.remove(0);
                disk.used = 0;
                // A full disk takes a part.
                self.file.append(&bytes[..bytes.len() / 2])?;
                Err(io::Error::other("no room"))
            }
            _ => self.file.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.cut(bytes)
    }
}

#[test]
fn many_who_wait_are_written_together_and_each_is_told_its_own_place() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), 1 << 20);
    let told = Arc::new(Mutex::new(Vec::new()));
    for n in 0..500_u64 {
        let told = Arc::clone(&told);
        let done = Box::new(move |stored: Result<_, _>| told.lock().unwrap().push((n, stored.unwrap())));
        log.append_blocking(Append { public: n.to_string().into_bytes(), private: None, done }).unwrap();
    }
    let mut follower = log.durable();
    drop(log);
    let told = told.lock().unwrap();
    assert_eq!(told.iter().map(|(n, _)| *n).collect::<Vec<_>>(), (0..500).collect::<Vec<_>>());
    for (n, stored) in told.iter() {
        let found = Reader::at(dir.path(), stored.position).read().unwrap().unwrap();
        assert_eq!(
            (found.record.sequence, found.record.public),
            (stored.sequence, n.to_string().into_bytes())
        );
    }
    assert!(*follower.borrow_and_update() > told[499].1.position);
}

#[test]
fn a_reader_at_the_end_sees_what_is_appended_later() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), 100);
    let mut reader = Reader::new(dir.path());
    assert_eq!(reader.read().unwrap(), None);
    for (n, (public, private)) in numbered(20).into_iter().enumerate() {
        log.append_and_wait(public.clone(), private).unwrap();
        let found = reader.read().unwrap().unwrap();
        assert_eq!((found.record.sequence, found.record.public), (n as u64 + 1, public));
        assert_eq!(reader.read().unwrap(), None);
    }
    assert!(segments(dir.path()).unwrap().len() > 5);
}

#[test]
fn one_process_writes_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _) = open(dir.path(), 100);
    assert!(matches!(Log::open(LogOptions::new(dir.path()), || NOW_MS), Err(LogError::Locked(_))));
}

#[test]
fn a_record_that_is_too_large_is_refused_and_its_neighbours_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), 1 << 20);
    log.append_and_wait(b"a".to_vec(), None).unwrap();
    assert_eq!(
        log.append_and_wait(vec![0; RECORD_BYTES_MAX], None),
        Err(LogError::TooLarge(RECORD_BYTES_MAX))
    );
    log.append_and_wait(b"b".to_vec(), None).unwrap();
    assert_eq!(read(dir.path()).0.len(), 2);
}

#[test]
fn a_record_that_was_put_in_later_breaks_the_chain() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(dir.path(), 1 << 20, &numbered(3));
    let mut forged = numbered(3);
    forged[1].0 = b"forged 1".to_vec();
    write(other.path(), 1 << 20, &forged);
    // The forged record has a right checksum, and stands at the same place.
    let (ours, theirs) = (segments(dir.path()).unwrap(), segments(other.path()).unwrap());
    let place = places(dir.path())[1];
    let range = usize::try_from(place.0.offset).unwrap()..usize::try_from(place.1.offset).unwrap();
    let mut bytes = fs::read(&ours[0].path).unwrap();
    bytes[range.clone()].copy_from_slice(&fs::read(&theirs[0].path).unwrap()[range]);
    fs::write(&ours[0].path, bytes).unwrap();
    let damage = verify(dir.path()).unwrap().damage;
    assert!(damage[0].what.contains("does not continue the chain"), "{damage:?}");
    assert_eq!((damage[0].segment, damage[0].offset), (1, place.0.offset));
}

#[test]
fn a_missing_segment_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 1, &numbered(4));
    let all = segments(dir.path()).unwrap();
    fs::remove_file(&all[1].path).unwrap();
    let damage = verify(dir.path()).unwrap().damage;
    assert_eq!((damage[0].segment, damage[0].offset), (3, 0));
    assert!(damage[0].what.contains("missing"));
}

#[test]
fn private_parts_are_purged_and_the_chain_holds() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 200, &numbered(10));
    let before = verify(dir.path()).unwrap();
    assert_eq!(purge(dir.path(), 0, NOW_MS - 1).unwrap().records, 0);
    let before_places = places(dir.path());
    let (purged, through) =
        purge(dir.path(), 0, NOW_MS).map(|purged| (purged.records, purged.through)).unwrap();
    assert_eq!((through, places(dir.path())), (4, before_places));
    assert_eq!(purge(dir.path(), through + 1, NOW_MS).unwrap(), Purged::default());
    let after = verify(dir.path()).unwrap();
    assert!(purged >= 4 && after.purged == purged);
    assert_eq!((after.damage, after.link, after.records), (Vec::new(), before.link, before.records));
    let bytes: Vec<u8> =
        segments(dir.path()).unwrap()[..4].iter().flat_map(|s| fs::read(&s.path).unwrap()).collect();
    assert!(!bytes.windows(6).any(|part| part == b"secret"));
    assert_eq!(parts(&read(dir.path()).0)[1].0, b"record 1");
}

#[test]
fn segments_are_removed_after_their_term_and_not_before_six_months() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(NOW_MS));
    let clock = Arc::clone(&now);
    let options = LogOptions { segment_bytes_max: 1, retain_days: 1, ..LogOptions::new(dir.path()) };
    let (log, _) = Log::open(options, move || clock.load(Ordering::Relaxed)).unwrap();
    let at = |days: i64, name: &str| {
        now.store(NOW_MS + days * DAY_MS, Ordering::Relaxed);
        log.append_and_wait(name.as_bytes().to_vec(), None).unwrap();
        parts(&read(dir.path()).0).into_iter().map(|(public, _)| String::from_utf8(public).unwrap()).collect()
    };
    let _: Vec<String> = at(0, "old");
    let names: Vec<String> = at(183, "young");
    assert_eq!(names, ["old", "young"]);
    // A segment goes when even its youngest possible record is old enough.
    let names: Vec<String> = at(183 + 184, "new");
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names[0] == "young" && names[1].contains("\"through_segment\":1") && names[2] == "new");
    drop(log);
    assert!(verify(dir.path()).unwrap().damage.is_empty());
}

#[test]
fn a_segment_that_was_only_begun_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 1 << 20, &numbered(2));
    let name = segments(dir.path()).unwrap()[0].path.with_file_name("0000000002-20261121T080000Z.qlog");
    fs::write(&name, vec![7; HEADER_BYTES - 1]).unwrap();
    let report = write(dir.path(), 1 << 20, &numbered(1));
    let torn = report.torn.unwrap();
    assert_eq!((torn.place.segment, torn.bytes, report.records), (2, HEADER_BYTES as u64 - 1, 2));
    assert_eq!(read(dir.path()).0.len(), 3);
}

#[test]
fn a_time_that_jumps_back_seals_nothing_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let calls = AtomicU64::new(0);
    let clock = move || if calls.fetch_add(1, Ordering::Relaxed) == 0 { NOW_MS } else { i64::MIN };
    let (log, _) = Log::open(LogOptions::new(dir.path()), clock).unwrap();
    log.append_and_wait(b"a".to_vec(), None).unwrap();
    log.append_and_wait(b"b".to_vec(), None).unwrap();
    assert_eq!((read(dir.path()).0.len(), segments(dir.path()).unwrap().len()), (2, 1));
}

#[test]
fn records_that_are_cut_off_at_the_end_or_replaced_are_missed_by_an_anchor() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("anchors.jsonl");
    assert_eq!(Anchor::read(&file).unwrap(), []);
    for round in 0..3 {
        write(dir.path(), 200, &numbered(5));
        let report = verify_against(dir.path(), &Anchor::read(&file).unwrap()).unwrap();
        assert_eq!((report.damage.len(), report.last), (0, 5 * (round + 1)));
        Anchor::of(&report, NOW_MS).unwrap().append(&file).unwrap();
    }
    let anchors = Anchor::read(&file).unwrap();
    assert_eq!(anchors.iter().map(|anchor| anchor.sequence).collect::<Vec<_>>(), [5, 10, 15]);

    // The last record is cut off in order: the chain alone does not show it.
    let last = places(dir.path()).pop().unwrap().0;
    let segment = segments(dir.path()).unwrap().pop().unwrap();
    let bytes = fs::read(&segment.path).unwrap();
    fs::write(&segment.path, &bytes[..usize::try_from(last.offset).unwrap()]).unwrap();
    assert_eq!(verify(dir.path()).unwrap().damage, []);
    let damage = verify_against(dir.path(), &anchors).unwrap().damage;
    assert!(damage.len() == 1 && damage[0].what.contains("record 15 was anchored"), "{damage:?}");

    // The whole log is written anew, with a sound chain.
    let other = tempfile::tempdir().unwrap();
    let mut forged = numbered(15);
    forged[3].0 = b"forged".to_vec();
    write(other.path(), 200, &forged);
    assert_eq!(verify(other.path()).unwrap().damage, []);
    let damage = verify_against(other.path(), &anchors).unwrap().damage;
    assert!(damage.len() == 3 && damage[0].what.contains("not the one that was anchored"), "{damage:?}");
    assert_eq!(verify_against(tempfile::tempdir().unwrap().path(), &anchors).unwrap().damage.len(), 3);
    // A device has no end.
    assert!(Anchor::read(Path::new("/dev/zero")).unwrap_err().to_string().contains("is larger than"));
}

#[test]
fn segments_that_are_taken_from_the_beginning_are_missed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 1, &numbered(4));
    fs::remove_file(&segments(dir.path()).unwrap()[0].path).unwrap();
    let damage = verify(dir.path()).unwrap().damage;
    assert!(damage.len() == 1 && damage[0].what.contains("no record says"), "{damage:?}");
}

#[test]
fn a_length_that_is_too_large_hides_one_record_only_wherever_it_stands() {
    for is_sealed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 1 << 20, &numbered(5));
        let all = places(dir.path());
        let segment = segments(dir.path()).unwrap().pop().unwrap();
        let mut bytes = fs::read(&segment.path).unwrap();
        bytes[usize::try_from(all[1].0.offset).unwrap() + 1] ^= 0x40;
        fs::write(&segment.path, bytes).unwrap();
        if is_sealed {
            // What is damaged is not written behind.
            write(dir.path(), 1 << 20, &numbered(1));
        }
        let (limit, mut reader) = (all[4].1, Reader::new(dir.path()));
        let (mut found, mut damage) = (Vec::new(), Vec::new());
        loop {
            match reader.read_until(limit) {
                Ok(Some(record)) => found.push(record.record.sequence),
                Ok(None) => break,
                Err(LogError::Damaged(place)) => damage.push(place.offset),
                Err(e) => panic!("{e}"),
            }
        }
        assert_eq!((found, damage), (vec![1, 3, 4, 5], vec![all[1].0.offset]));
        if is_sealed {
            assert_eq!(read(dir.path()).0.len(), 5);
        }
    }
}

/// A record under an id, as decisions are.
fn named(n: u64) -> Vec<u8> {
    format!(r#"{{"kind":"decision","id":"{n:032x}","decision":{{"id":"x"}}}}"#).into_bytes()
}

#[test]
fn a_decision_is_found_in_a_log_of_many_segments_with_and_without_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let bits = |n: u64| u128::from(n).to_be_bytes();
    // Number 3 is there twice; the younger one counts.
    let numbers: Vec<u64> = (0..40).chain([3]).collect();
    write(dir.path(), 700, &numbers.iter().map(|n| (named(*n), None)).collect::<Vec<_>>());
    let all = places(dir.path());
    let check = || {
        for n in 0..40 {
            let place = if n == 3 { all[40].0 } else { all[usize::try_from(n).unwrap()].0 };
            assert_eq!(find(dir.path(), &bits(n)).unwrap(), Some(place), "{n}");
        }
        assert_eq!(find(dir.path(), &bits(40)).unwrap(), None);
    };
    check();
    let sealed = segments(dir.path()).unwrap().len() - 1;
    assert!(sealed > 3);
    assert_eq!((0..100).take_while(|_| index_one(dir.path()).unwrap()).count(), sealed);
    check();
    // A damaged index is as good as none, and one that lies is not believed.
    let index = segments(dir.path()).unwrap()[0].path.with_extension("ids");
    let whole = fs::read(&index).unwrap();
    fs::write(&index, &whole[..whole.len() - 1]).unwrap();
    check();
    let mut lying = whole;
    let last = lying.len() - 4;
    lying[last] ^= 1;
    fs::write(&index, lying).unwrap();
    assert!((0..40).all(|n| {
        find(dir.path(), &bits(n)).unwrap().is_none_or(|place| all.iter().any(|(p, _)| *p == place))
    }));
}
