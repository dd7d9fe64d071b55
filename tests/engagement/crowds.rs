//! Crowds of people who have their own lives, beside bought ones of the same size.

use proptest::prelude::*;
use qingliu::engagement::{
    Detector, Event, FAMILY_EVIDENCE_MIN, Family, Kind, Prior, Reason, Score, Signal, SignalName, Tail,
    UNCONFIRMED_FACTOR, UNCONFIRMED_MOOD_MAX, Window, recompute,
};

use super::{
    ACTORS, HOUR, HOUR_S, Random, START_S, VICTIM, assert_alert, assert_no_alert, config, event, many,
    of_victim, run, visit, world, young,
};

/// The least that one full answer counts where nothing confirms it: the smallest weight of those that may alert is .7.
const ONE_VOICE: f64 = UNCONFIRMED_FACTOR * FAMILY_EVIDENCE_MIN * 0.7;

/// The highest score of the victim's final records.
fn highest(scores: &[Score]) -> f64 {
    of_victim(scores).iter().filter(|score| score.is_final).map(|score| score.score).fold(0.0, f64::max)
}

/// Regulars meet at a fixed hour and talk: each comes back several times, reads, and mostly answers.
fn hashtag() -> Vec<Event> {
    let (mut random, mut out) = (Random(41), Vec::new());
    for i in 0..60 {
        for _ in 0..=random.below(6) {
            let time_s = random.second(HOUR);
            out.push(event(time_s, ACTORS + i, VICTIM, Kind::Read));
            if random.below(5) > 0 {
                out.push(event(time_s + 9, ACTORS + i, VICTIM, Kind::Comment));
            }
        }
    }
    out
}

/// Read, follow and repost to win; nobody registered it.
fn draw() -> Vec<Event> {
    let kinds = [Kind::Read, Kind::Follow, Kind::Repost];
    let steps = |(step, kind): (u32, Kind)| {
        many(60, move |actor, time_s| event(time_s + 5 * step, actor, VICTIM, kind))
    };
    (0..).zip(kinds).flat_map(steps).collect()
}

/// People come, read and answer, and a fifth of them takes an old follow back.
fn scandal() -> Vec<Event> {
    let (mut random, mut out) = (Random(43), Vec::new());
    for i in 0..120 {
        let time_s = random.second(HOUR);
        out.push(event(time_s, ACTORS + i, VICTIM, Kind::Read));
        match random.below(5) {
            0 => out.push(event(time_s + 20, ACTORS + i, VICTIM, Kind::Unfollow)),
            1 | 2 => out.push(event(time_s + 20, ACTORS + i, VICTIM, Kind::Comment)),
            _ => {}
        }
    }
    out
}

#[test]
fn hashtags_draws_and_scandals_score_below_one_full_answer_and_far_below_what_is_bought() {
    for (name, innocent) in [("hashtag", hashtag()), ("draw", draw()), ("scandal", scandal())] {
        let size = u64::try_from(innocent.len()).unwrap();
        let innocent = highest(&assert_no_alert(name, innocent, &[]));
        let bought = many(size, |actor, time_s| young(event(time_s, actor, VICTIM, Kind::Follow)));
        let bought = highest(&assert_alert("bought", bought, &[Family::Exposure]));
        assert!(innocent < ONE_VOICE, "{name}: {innocent}");
        assert!(innocent * 10.0 < bought, "{name}: {innocent}, bought: {bought}");
    }
}

/// The first task of the workers, and the hour of the second one's beginning: two days apart.
const FIRST: u64 = 50;
const FIRST_HOUR: u32 = HOUR - 50;

/// The same people read and follow one target, and two days later another.
fn tasks() -> Vec<Event> {
    let (mut random, mut out) = (Random(47), Vec::new());
    for (target, hour) in [(FIRST, FIRST_HOUR), (VICTIM, HOUR)] {
        for i in 0..60 {
            let time_s = random.second(hour);
            out.push(event(time_s, ACTORS + i, target, Kind::Read));
            out.push(event(time_s + 9, ACTORS + i, target, Kind::Follow));
        }
    }
    out
}

#[test]
fn people_who_are_paid_for_tasks_keep_company_over_days() {
    let scores = assert_alert("crowd work", tasks(), &[Family::Lockstep]);
    let hours = of_victim(&scores);
    assert!(hours.iter().any(|score| score.co_target.is_some_and(|other| other.target == FIRST)));
}

#[test]
fn who_goes_from_a_registered_draw_to_the_next_keeps_no_company() {
    let from_s = START_S + FIRST_HOUR * HOUR_S;
    let window = Window { target: FIRST, reason: Reason::Lottery, from_s, to_s: from_s + 2 * HOUR_S, id: 1 };
    let scores = assert_no_alert("prize hunters", tasks(), &[window]);
    for score in of_victim(&scores) {
        let lockstep = score.signals.iter().filter(|signal| signal.family == Family::Lockstep);
        assert!(lockstep.map(|signal| signal.evidence).fold(0.0, f64::max) < 1.0, "{:?}", score.signals);
    }
}

#[test]
fn regulars_of_a_list_are_a_club_and_no_ring() {
    let list = [30, 31, 32];
    let mut events = world(1);
    let mut random = Random(53);
    for day in 0..4 {
        for i in (0..80).filter(|_| random.below(10) < 7).collect::<Vec<u64>>() {
            let mut time_s = random.second(day * 24 + 13);
            for target in list {
                visit(&mut random, time_s, ACTORS + i, target, &mut events);
                events.push(event(time_s + 3, ACTORS + i, target, Kind::Like));
                time_s += 30;
            }
        }
    }
    let (_, scores) = run(config(), events, &[]);
    let strongest = |day: u32| {
        let from_s = START_S + day * 24 * HOUR_S;
        let of_day = scores.iter().filter(|score| {
            list.contains(&score.target) && (from_s..from_s + 24 * HOUR_S).contains(&score.hour_s)
        });
        let pairs =
            of_day.flat_map(|score| &score.signals).filter(|signal| signal.name == SignalName::CoTarget);
        pairs.map(|signal| signal.evidence).fold(0.0, f64::max)
    };
    // On the first day nothing tells them from a ring.
    assert!(strongest(0) > FAMILY_EVIDENCE_MIN, "{}", strongest(0));
    assert!(strongest(3) < FAMILY_EVIDENCE_MIN, "{}", strongest(3));
}

/// A record without signals.
fn record() -> Score {
    let (mut detector, mut out) = (Detector::new(config()), Vec::new());
    let reads: Vec<Event> = (0..3).map(|i| event(START_S + 60, i, VICTIM, Kind::Read)).collect();
    detector.observe(&reads, &mut out);
    detector.finish(&mut out);
    Score { signals: Vec::new(), ..out.swap_remove(0) }
}

fn share(name: SignalName, family: Family, k: f64, n: f64) -> Signal {
    Signal {
        name,
        family,
        kind: None,
        tail: Tail::BetaBinomial,
        k,
        n,
        expected: 0.05,
        strength: 15.0,
        prior: Prior::Own,
        factor: 1.0,
        cap: 12.0,
        evidence: 0.0,
        weight: 1.0,
        raised: false,
    }
}

proptest! {
    #[test]
    fn moods_stay_below_their_bound_and_more_of_them_never_count_less(
        counts in proptest::collection::vec((2_u32..400, 0_u32..400), 1..8),
    ) {
        let names = [
            (SignalName::Conversion, Family::Mix),
            (SignalName::KindMix, Family::Mix),
            (SignalName::KindMixDay, Family::Mix),
            (SignalName::Repeats, Family::Concentration),
            (SignalName::SharedNetworks, Family::Concentration),
        ];
        let mut record = record();
        let mut before = recompute(&record);
        for ((k, more), (name, family)) in counts.into_iter().zip(names.into_iter().cycle()) {
            record.signals.push(share(name, family, f64::from(k), f64::from(k + more)));
            let now = recompute(&record);
            prop_assert!(now >= before && now <= UNCONFIRMED_MOOD_MAX, "{now} after {before}");
            before = now;
        }
    }

    #[test]
    fn a_crowd_takes_weight_from_weak_answers_and_none_from_full_ones(k in 2_u32..60, more in 0_u32..60) {
        let young = share(SignalName::YoungShare, Family::Young, f64::from(k), f64::from(k + more));
        let mut record = record();
        record.signals.push(young);
        let alone = recompute(&record);
        let burst = Signal {
            tail: Tail::NegativeBinomial,
            expected: 1.0,
            strength: 2.0,
            ..share(SignalName::Burst, Family::Burst, 200.0, 200.0)
        };
        record.signals.push(burst);
        let crowded = recompute(&record);
        if young.recompute() >= FAMILY_EVIDENCE_MIN {
            prop_assert!(crowded > alone, "{crowded} beside {alone}");
        } else {
            prop_assert!(crowded <= alone + UNCONFIRMED_MOOD_MAX, "{crowded} beside {alone}");
        }
    }
}
