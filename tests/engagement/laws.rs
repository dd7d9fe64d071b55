//! The laws of the state: order, restarts, limits, recounts.

use proptest::prelude::*;
use qingliu::engagement::{
    CREDIT_UNKNOWN, Detector, Event, Kind, Limits, Reason, Score, SignalName, StateError, Tags, TargetKind,
    Window,
};

use super::{HOUR_S, Random, START_S, VICTIM, config, event, many, run, window, world, young};

#[test]
fn the_order_of_arrival_within_the_lateness_changes_nothing() {
    let mut events = world(2);
    events.extend(many(200, |actor, time_s| young(event(time_s, actor, VICTIM, Kind::Follow))));
    events.sort_by_key(|event| event.time_s);
    let (_, want) = run(config(), events.clone(), &[]);
    let mut random = Random(8);
    // Each event is held up by at most nine minutes.
    let mut held: Vec<(u32, Event)> = events
        .iter()
        .map(|event| (event.time_s + u32::try_from(random.below(540)).unwrap(), *event))
        .collect();
    held.sort_by_key(|(arrival, _)| *arrival);
    let (mut detector, mut got) = (Detector::new(config()), Vec::new());
    for (_, event) in &held {
        detector.observe(&[*event], &mut got);
    }
    detector.finish(&mut got);
    assert_eq!(detector.counts().late, 0);
    // Only the time at which a record was made may differ.
    let plain =
        |scores: &[Score]| scores.iter().map(|score| Score { at_s: 0, ..score.clone() }).collect::<Vec<_>>();
    assert_eq!(plain(&got), plain(&want));
}

#[test]
fn a_restored_detector_goes_on_as_if_it_had_never_stopped() {
    let mut events = world(3);
    events.extend(many(200, |actor, time_s| young(event(time_s, actor, VICTIM, Kind::Follow))));
    events.sort_by_key(|event| event.time_s);
    let (_, want) = run(config(), events.clone(), &[window(Reason::Push)]);
    let (mut detector, mut got) = (Detector::new(config()), Vec::new());
    assert!(detector.register(window(Reason::Push)));
    for (i, batch) in events.chunks(1000).enumerate() {
        detector.observe(batch, &mut got);
        if i % 7 == 3 {
            let bytes = detector.save().unwrap();
            detector = Detector::load(config(), &bytes).unwrap();
            assert_eq!(detector.save().unwrap(), bytes);
        }
    }
    detector.finish(&mut got);
    assert_eq!(got, want);
}

#[test]
fn bytes_that_are_no_detector_are_refused() {
    let (detector, _) = run(config(), world(4).into_iter().take(3000).collect(), &[]);
    let bytes = detector.save().unwrap();
    let error = |bytes: &[u8]| Detector::load(config(), bytes).err().unwrap();
    assert_eq!(error(b"nothing"), StateError::Foreign);
    assert_eq!(error(&bytes[..bytes.len() - 1]), StateError::Damaged);
    for place in [8, 30, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(matches!(error(&changed), StateError::Damaged | StateError::Version { .. }), "{place}");
    }
    let mut other = config();
    other.alarm_rate = 0.01;
    assert_eq!(Detector::load(other, &bytes).err().unwrap(), StateError::Config);
}

#[test]
fn late_events_and_those_of_the_future_are_counted_and_dropped() {
    let (mut detector, mut out) = (Detector::new(config()), Vec::new());
    let at = |time_s| event(time_s, 1, 1, Kind::Read);
    detector.observe(&[at(START_S), at(START_S + 3000)], &mut out);
    detector.observe(&[at(START_S + 3000 - 2000), at(0), at(u32::MAX)], &mut out);
    assert_eq!((detector.counts().late, detector.counts().ahead), (2, 1));
    // Eight in a row are believed, with the one before: the stream has moved on.
    detector.observe(&[at(u32::MAX - 5); 8], &mut out);
    assert_eq!((detector.counts().late, detector.counts().ahead), (2, 7));
    detector.finish(&mut out);
    assert_eq!(detector.counts().events, 13);
}

#[test]
fn a_wrong_first_time_is_given_up_when_eight_agree_on_an_earlier_one_and_one_that_eight_agreed_on_is_not() {
    let at = |time_s| event(time_s, 1, 1, Kind::Read);
    let after = |first_s: &[u32]| {
        let (mut detector, mut out) = (Detector::new(config()), Vec::new());
        let window =
            Window { target: 1, reason: Reason::Push, from_s: START_S, to_s: START_S + HOUR_S, id: 1 };
        assert!(detector.register(window));
        first_s.iter().for_each(|time_s| detector.observe(&[at(*time_s)], &mut out));
        let later: Vec<Event> = (0..20).map(|n| at(START_S + n)).collect();
        detector.observe(&later[..10], &mut out);
        detector = Detector::load(config(), &detector.save().unwrap()).unwrap();
        detector.observe(&later[10..], &mut out);
        let newest_s = detector.newest_s();
        detector.finish(&mut out);
        (newest_s, detector.counts().late, out.iter().map(|score| score.events).collect::<Vec<_>>())
    };
    let future = START_S + 4000 * 24 * HOUR_S;
    assert_eq!(after(&[]), (START_S + 19, 0, vec![20]));
    // The seven that came before the proof are lost.
    assert_eq!(after(&[future]), (START_S + 19, 7, vec![13]));
    assert_eq!(after(&[future, future + 1, future + 50]), (START_S + 19, 7, vec![13]));
    assert_eq!(after(&[future; 8]), (future, 20, vec![8]));
    // One that is far ahead of a first one that is right.
    assert_eq!(after(&[START_S, future]), (START_S + 19, 0, vec![21]));
}

#[test]
fn floods_stay_within_the_limits_and_are_counted() {
    let mut config = config();
    (config.limits.targets_max, config.limits.actors_max, config.limits.marked_max) = (100, 100, 50);
    config.limits.waiting_max = 5000;
    let bytes_max = Detector::table_bytes_max(&config.limits) + 5000 * 4 * size_of::<Event>();
    let (mut detector, mut out) = (Detector::new(config), Vec::new());
    for i in 0..200_000_u32 {
        // One account with everything, one target with everything, ids that share their low bits.
        let (actor, target) = match i % 3 {
            0 => (1, u64::from(i)),
            1 => (u64::from(i) << 32, 1),
            _ => (u64::from(i) << 40, u64::from(i) << 44),
        };
        let kind = Kind::ALL[usize::try_from(i).unwrap() % Kind::COUNT];
        detector.observe(&[young(event(START_S + i / 50, 0, target, kind)).with_actor(actor)], &mut out);
    }
    detector.finish(&mut out);
    let counts = detector.counts();
    assert_eq!(detector.rows(), (100, 100));
    assert!(counts.targets_evicted > 1000 && counts.actors_evicted > 1000 && counts.marked_dropped > 0);
    assert!(detector.memory_bytes() < bytes_max, "{} of {bytes_max}", detector.memory_bytes());
    assert!(out.iter().any(|score| score.target == 1 && score.events > 10_000));
}

#[test]
fn an_empty_detector_and_its_saved_state_are_small_whatever_the_limits_and_grow_with_what_is_counted() {
    let mut large = config();
    large.limits = Limits::LARGE;
    let (mut detector, mut out) = (Detector::new(large.clone()), Vec::new());
    assert!(detector.memory_bytes() < 300_000, "{}", detector.memory_bytes());
    detector.observe(&world(7)[..1000], &mut out);
    detector.finish(&mut out);
    // A chunk of targets and one of actors are a megabyte.
    assert!(detector.memory_bytes() < 3_000_000, "{}", detector.memory_bytes());
    let bytes = detector.save().unwrap();
    assert!(bytes.len() < 1_000_000, "{}", bytes.len());
    assert!(Detector::load(large, &bytes).unwrap().memory_bytes() <= detector.memory_bytes());
}

#[test]
fn the_bound_of_ten_million_targets_and_fifty_million_actors_is_the_one_that_is_stated() {
    let limits = Limits::LARGE;
    let rows = 192 * 10_000_000 + 36 * 50_000_000 + 4 * ((1 << 24) + (1 << 26));
    // Pairs; lists of the hour in which every target is touched; chunks that are not full, marks, follower counts.
    let others = (160 << 20) + 6 * 4 * 10_000_000 + (100 << 20);
    let bound = Detector::table_bytes_max(&limits);
    assert!((rows..rows + others).contains(&bound), "{bound}");
}

trait WithActor {
    fn with_actor(self, actor: u64) -> Self;
}

impl WithActor for Event {
    fn with_actor(self, actor: u64) -> Self {
        Self { actor, ..self }
    }
}

#[test]
fn an_hour_of_a_million_events_keeps_its_shares() {
    let (mut detector, mut out) = (Detector::new(config()), Vec::new());
    for i in 0..600_000_u32 {
        let mut read = event(START_S + i / 200, u64::from(i % 300_000), 1, Kind::Read);
        (read.age_days, read.tags) =
            (if i % 10 < 4 { 3 } else { 400 }, Tags::new(TargetKind::Post, CREDIT_UNKNOWN));
        detector.observe(&[read], &mut out);
    }
    detector.finish(&mut out);
    let score = out.iter().find(|score| score.is_final).unwrap();
    assert_eq!(score.events, 600_000);
    let young = score.signals.iter().find(|signal| signal.name == SignalName::YoungReaders).unwrap();
    assert!((young.k / young.n - 0.4).abs() < 0.03, "{young:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Counts of hours are those of a recount, whatever comes in whatever order.
    #[test]
    fn events_of_hours_are_those_of_a_recount(
        rows in proptest::collection::vec((0..20_000_u32, 0..40_u64, 0..6_u64, 0..6_usize, 0..500_u32), 1..400)
    ) {
        let mut rows = rows;
        rows.sort_by_key(|row| row.0 + row.4);
        let mut config = config();
        config.report_score_min = 0.0;
        let (mut detector, mut out) = (Detector::new(config), Vec::new());
        let mut want = std::collections::BTreeMap::<(u64, u32), u32>::new();
        for (at, actor, target, kind, _) in &rows {
            let one = event(START_S + at, *actor, *target, Kind::ALL[*kind]);
            *want.entry((*target, one.time_s / HOUR_S * HOUR_S)).or_default() += 1;
            detector.observe(&[one], &mut out);
        }
        detector.finish(&mut out);
        want.retain(|_, count| *count >= 3);
        let got: std::collections::BTreeMap<(u64, u32), u32> =
            out.iter().filter(|score| score.is_final).map(|score| ((score.target, score.hour_s), score.events)).collect();
        prop_assert_eq!(detector.counts().late, 0);
        prop_assert_eq!(got, want);
    }
}
