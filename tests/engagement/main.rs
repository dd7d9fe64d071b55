//! The engagement detector: kinds of attack and of innocents in a small world, and the laws of its state.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod crowds;
mod laws;

use qingliu::engagement::{
    Config, Detector, Event, Family, FollowerCount, Kind, Limits, Reason, Score, SignalName, Tags,
    TargetKind, Window, recompute, recompute_alert,
};

/// 2026-11-02, a Monday, in seconds.
const START_S: u32 = 1_793_577_600;
const DAYS: u32 = 4;
const HOUR_S: u32 = 3600;
const TARGETS: u64 = 60;
const ACTORS: u64 = 4000;
/// The target of attacks and of innocent events, and the hour in which they happen.
const VICTIM: u64 = 7;
const HOUR: u32 = (DAYS - 1) * 24 + 15;

/// Numbers that only depend on the seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn second(&mut self, hour: u32) -> u32 {
        START_S + hour * HOUR_S + u32::try_from(self.below(u64::from(HOUR_S))).unwrap()
    }
}

fn config() -> Config {
    let mut limits = Limits::SMALL;
    (limits.targets_max, limits.actors_max, limits.pairs_max) = (5000, 50_000, 1 << 18);
    limits.co_targets_max = 1 << 14;
    Config::new(limits)
}

fn device_of(actor: u64) -> u32 {
    u32::try_from(actor).unwrap() + 1_000_000
}

/// What an ordinary account of some years does, from its own phone and network.
fn event(time_s: u32, actor: u64, target: u64, kind: Kind) -> Event {
    Event {
        time_s,
        actor,
        target,
        device: device_of(actor),
        network: device_of(actor) ^ 0x55aa_0000,
        age_days: if actor.is_multiple_of(23) { 9 } else { 400 },
        kind,
        tags: Tags::new(TargetKind::Account, 5),
    }
}

/// Someone reads, and now and then does more.
fn visit(random: &mut Random, time_s: u32, actor: u64, target: u64, out: &mut Vec<Event>) {
    out.push(event(time_s, actor, target, Kind::Read));
    let later = time_s + 1 + u32::try_from(random.below(40)).unwrap();
    match random.below(20) {
        0..=3 => out.push(event(later, actor, target, Kind::Like)),
        4 => out.push(event(later, actor, target, Kind::Repost)),
        5 => out.push(event(later, actor, target, Kind::Comment)),
        6 => out.push(event(later, actor, target, Kind::Follow)),
        _ => {}
    }
}

/// Some days of ordinary life: targets of different size, a day and a night.
fn world(seed: u64) -> Vec<Event> {
    let (mut random, mut out) = (Random(seed), Vec::new());
    for hour in 0..DAYS * 24 {
        let waking = if (7..24).contains(&((hour + 8) % 24)) { 4 } else { 1 };
        for target in 0..TARGETS {
            let visits = random.below(waking * (2 + 120 / (target + 4)));
            for _ in 0..visits {
                let (time_s, actor) = (random.second(hour), random.below(ACTORS));
                visit(&mut random, time_s, actor, target, &mut out);
            }
        }
    }
    out
}

fn run(config: Config, mut events: Vec<Event>, windows: &[Window]) -> (Detector, Vec<Score>) {
    events.sort_by_key(|event| event.time_s);
    let (mut detector, mut out) = (Detector::new(config), Vec::new());
    for window in windows {
        assert!(detector.register(*window));
    }
    for batch in events.chunks(1000) {
        detector.observe(batch, &mut out);
    }
    detector.finish(&mut out);
    (detector, out)
}

/// The scores of the victim's hours from [`HOUR`] on.
fn of_victim(scores: &[Score]) -> Vec<&Score> {
    let from_s = START_S + HOUR * HOUR_S;
    scores.iter().filter(|score| score.target == VICTIM && score.hour_s >= from_s).collect()
}

/// Fails unless the victim alerts with one of these families; all numbers must follow from the record.
fn assert_alert(name: &str, attack: Vec<Event>, families: &[Family]) -> Vec<Score> {
    let mut events = world(1);
    events.extend(attack);
    let (_, scores) = run(config(), events, &[]);
    let victim = of_victim(&scores);
    let alerts: Vec<_> = victim.iter().filter(|score| score.alert).collect();
    assert!(
        !alerts.is_empty(),
        "{name}: {:?}",
        victim.iter().map(|s| (s.score, &s.signals)).collect::<Vec<_>>()
    );
    for family in families {
        assert!(alerts.iter().any(|alert| alert.families.contains(family)), "{name} without {family:?}");
    }
    for score in &scores {
        assert_eq!(recompute(score).to_bits(), score.score.to_bits());
        assert_eq!(recompute_alert(score), score.alert);
        let json = serde_json::to_string(score).unwrap();
        let back: Score = serde_json::from_str(&json).unwrap();
        assert_eq!(&back, score);
        assert_eq!(recompute(&back).to_bits(), score.score.to_bits());
    }
    scores
}

fn assert_no_alert(name: &str, innocent: Vec<Event>, windows: &[Window]) -> Vec<Score> {
    let mut events = world(1);
    events.extend(innocent);
    let (_, scores) = run(config(), events, windows);
    for score in of_victim(&scores) {
        assert!(!score.alert, "{name}: {} {:?}", score.score, score.signals);
    }
    scores
}

/// Events of accounts beyond the ordinary ones in the victim's hour.
fn many(count: u64, each: impl Fn(u64, u32) -> Event) -> Vec<Event> {
    let mut random = Random(99);
    (0..count).map(|i| each(ACTORS + i, random.second(HOUR))).collect()
}

fn young(mut event: Event) -> Event {
    event.age_days = 3;
    event.tags = Tags::new(TargetKind::Account, 0);
    event
}

#[test]
fn an_ordinary_world_hardly_alerts() {
    let (detector, scores) = run(config(), world(1), &[]);
    let alerts = scores.iter().filter(|score| score.alert).count();
    assert!(detector.counts().scored_hours > 3000);
    assert!(alerts <= 8, "{alerts}");
}

#[test]
fn bought_followers_alert_before_the_hour_is_over_and_are_named() {
    let attack = many(200, |actor, time_s| young(event(time_s, actor, VICTIM, Kind::Follow)));
    let scores = assert_alert("burst of follows", attack, &[Family::Young, Family::Exposure]);
    let early = of_victim(&scores).into_iter().find(|score| score.alert).unwrap();
    assert!(!early.is_final && early.at_s < early.hour_s + HOUR_S, "{} {}", early.at_s, early.hour_s);
    let last = of_victim(&scores).into_iter().find(|score| score.is_final).unwrap();
    assert_eq!(last.actors.len(), 20);
    assert!(last.actors.iter().all(|actor| actor.actor >= ACTORS), "{:?}", last.actors);
    assert!(last.baseline_guarded && last.marked_others > 100);
    assert!(last.counterfactual.iter().any(|without| without.family == Family::Young));
}

#[test]
fn a_slow_drip_alerts_by_the_company_of_a_day() {
    let mut random = Random(5);
    let mut attack = Vec::new();
    for hour in HOUR - 20..HOUR + 8 {
        for i in 0..6 {
            let mut follow =
                young(event(random.second(hour), ACTORS + u64::from(hour * 6 + i), VICTIM, Kind::Follow));
            follow.device = 5 + i % 3;
            attack.push(follow);
        }
    }
    assert_alert("slow drip", attack, &[Family::Young]);
}

#[test]
fn aged_accounts_that_go_from_target_to_target_are_a_ring() {
    let mut events = world(1);
    let targets = [50, 51, 52, 53, 54];
    for (step, target) in (0..).zip(targets) {
        let mut random = Random(target);
        for i in 0..40 {
            let time_s = random.second(HOUR - 3 + step);
            events.push(event(time_s, ACTORS + i, target, Kind::Read));
            events.push(event(time_s + 1, ACTORS + i, target, Kind::Like));
        }
    }
    let (detector, scores) = run(config(), events, &[]);
    let ring_alerts = |score: &&Score| score.alert && targets.contains(&score.target);
    let alert = scores.iter().rfind(ring_alerts).unwrap();
    assert!(alert.families.contains(&Family::Lockstep), "{:?}", alert.signals);
    assert!(alert.co_target.is_some_and(|other| targets.contains(&other.target)));
    let ring = detector.rings().into_iter().next().unwrap();
    assert!(ring.actors.len() >= 15 && ring.actors.iter().all(|(actor, _)| *actor >= ACTORS), "{ring:?}");
    assert!(ring.targets.iter().all(|(target, _)| targets.contains(target)));
}

#[test]
fn reads_from_a_few_devices_alert() {
    let attack = many(300, |actor, time_s| {
        let mut read = event(time_s, actor, VICTIM, Kind::Read);
        read.device = u32::try_from(actor % 6).unwrap() + 1;
        read
    });
    assert_alert("read inflation", attack, &[Family::Concentration]);
}

#[test]
fn follows_that_are_taken_back_alert() {
    let mut attack = many(80, |actor, time_s| event(time_s, actor, VICTIM, Kind::Follow));
    let back: Vec<Event> = attack
        .iter()
        .map(|follow| Event { time_s: follow.time_s + 2 * HOUR_S, kind: Kind::Unfollow, ..*follow })
        .collect();
    attack.extend(back);
    assert_alert("churn", attack, &[Family::Churn]);
}

#[test]
fn likes_and_comments_without_reads_alert() {
    for kind in [Kind::Like, Kind::Repost, Kind::Comment] {
        let attack = many(150, |actor, time_s| event(time_s, actor, VICTIM, kind));
        assert_alert("brushing", attack, &[Family::Exposure]);
    }
}

#[test]
fn unfollows_in_masses_by_accounts_that_never_read_alert() {
    let attack = many(200, |actor, time_s| event(time_s, actor, VICTIM, Kind::Unfollow));
    assert_alert("deleted followers", attack, &[Family::Churn]);
}

#[test]
fn a_small_dose_in_a_large_account_alerts() {
    // The largest target has some hundred reads an hour.
    let attack = many(45, |actor, time_s| {
        let mut follow = young(event(time_s, actor, VICTIM, Kind::Follow));
        follow.device = u32::try_from(actor % 5).unwrap() + 1;
        follow
    });
    let mut events = world(1);
    let mut random = Random(77);
    for hour in 0..DAYS * 24 {
        for _ in 0..150 {
            let (time_s, actor) = (random.second(hour), random.below(ACTORS));
            visit(&mut random, time_s, actor, VICTIM, &mut events);
        }
    }
    events.extend(attack);
    let (_, scores) = run(config(), events, &[]);
    assert!(of_victim(&scores).iter().any(|score| score.alert));
}

/// Crowds of ordinary people, for posts that go round and for those whom television names.
fn crowd(count: u64) -> Vec<Event> {
    let (mut random, mut out) = (Random(3), Vec::new());
    for i in 0..count {
        let time_s = random.second(HOUR);
        visit(&mut random, time_s, ACTORS + i, VICTIM, &mut out);
    }
    out
}

#[test]
fn a_crowd_that_reads_first_is_a_burst_and_no_alert() {
    let scores = assert_no_alert("television", crowd(2000), &[]);
    let hour = of_victim(&scores).into_iter().find(|score| score.is_final && score.events > 1000).unwrap();
    assert!(hour.burst && hour.families.is_empty(), "{:?}", hour.families);
}

#[test]
fn readers_who_all_act_are_asked_about_and_need_a_second_family() {
    let visit = |kind: Option<Kind>| {
        let act = move |actor, time_s| {
            [
                Some(event(time_s, actor, VICTIM, Kind::Read)),
                kind.map(|kind| event(time_s + 5, actor, VICTIM, kind)),
            ]
        };
        let mut random = Random(99);
        (0..60).flat_map(|i| act(ACTORS + i, random.second(HOUR))).flatten().collect::<Vec<Event>>()
    };
    let conversion = |scores: &[Score]| {
        let signals = of_victim(scores).into_iter().flat_map(|score| score.signals.clone());
        let found = signals.filter(|signal| signal.name == SignalName::Conversion);
        found.map(|signal| signal.evidence).fold(0.0, f64::max)
    };
    // A prize draw that nobody registered looks so too.
    let acting = assert_no_alert("paid readers", visit(Some(Kind::Like)), &[]);
    assert!(conversion(&acting) > 2.0, "{}", conversion(&acting));
    let reading = assert_no_alert("readers", visit(None), &[]);
    assert!(conversion(&reading) < 0.5, "{}", conversion(&reading));
}

#[test]
fn one_network_with_a_crowd_is_no_evidence() {
    let mut events = crowd(400);
    events.iter_mut().for_each(|event| event.network = 4242);
    assert_no_alert("campus", events, &[]);
}

#[test]
fn a_holiday_moves_all_and_alerts_none() {
    let mut random = Random(11);
    let mut events = Vec::new();
    for target in 0..TARGETS {
        for _ in 0..200 / (target + 4) * 5 + 10 {
            let (time_s, actor) = (random.second(HOUR), random.below(ACTORS * 3));
            visit(&mut random, time_s, actor, target, &mut events);
        }
    }
    assert_no_alert("holiday", events, &[]);
}

fn window(reason: Reason) -> Window {
    let from_s = START_S + HOUR * HOUR_S;
    Window { target: VICTIM, reason, from_s, to_s: from_s + 4 * HOUR_S, id: 1 }
}

#[test]
fn what_operators_register_is_expected() {
    let follows = many(300, |actor, time_s| event(time_s, actor, VICTIM, Kind::Follow));
    for reason in [Reason::Lottery, Reason::Push, Reason::Import, Reason::Merge, Reason::Exempt] {
        let scores = assert_no_alert("registered", follows.clone(), &[window(reason)]);
        let hour = of_victim(&scores).into_iter().find(|score| score.is_final).unwrap();
        assert_eq!(hour.registered, [reason]);
    }
    assert_alert("not registered", follows, &[Family::Exposure]);
    // A prize draw does not explain a farm.
    let farm = many(300, |actor, time_s| {
        let mut follow = event(time_s, actor, VICTIM, Kind::Follow);
        follow.device = u32::try_from(actor % 4).unwrap() + 1;
        follow
    });
    let mut events = world(1);
    events.extend(farm);
    let (_, scores) = run(config(), events, &[window(Reason::Lottery)]);
    assert!(of_victim(&scores).iter().any(|score| score.families.contains(&Family::Concentration)));
}

#[test]
fn an_import_may_be_as_even_as_a_machine() {
    // Two hours and a half, one follow every half minute.
    let import: Vec<Event> = (0..300)
        .map(|i| event(START_S + HOUR * HOUR_S + i * 30, ACTORS + u64::from(i), VICTIM, Kind::Follow))
        .collect();
    assert_alert("not registered", import.clone(), &[Family::Regularity]);
    let scores = assert_no_alert("import", import, &[window(Reason::Import)]);
    let later = of_victim(&scores).into_iter().filter(|score| score.is_final && score.registered.is_empty());
    assert!(later.flat_map(|score| &score.signals).all(|signal| signal.family != Family::Regularity));
}

#[test]
fn a_target_without_a_past_says_so() {
    let mut events = world(1);
    events.extend(many(30, |actor, time_s| event(time_s, actor, 5555, Kind::Read)));
    let (_, scores) = run(config(), events, &[]);
    let new = scores.iter().find(|score| score.target == 5555).unwrap();
    assert_eq!(new.history, qingliu::engagement::History::Insufficient);
    let old = scores.iter().rfind(|score| score.target == 0).unwrap();
    assert_eq!(old.history, qingliu::engagement::History::Sufficient);
}

#[test]
fn follower_counts_that_move_without_follows_are_evidence() {
    for jump in [5000_i64, -5000] {
        let (mut detector, mut out) = (Detector::new(config()), Vec::new());
        let mut events = world(1);
        events.sort_by_key(|event| event.time_s);
        let mut counts = [100_000_i64; 8];
        let mut next = events.iter().peekable();
        for hour in 1..DAYS * 24 {
            let until = START_S + hour * HOUR_S;
            while let Some(event) = next.next_if(|event| event.time_s < until) {
                if event.kind == Kind::Follow && event.target < 8 {
                    counts[usize::try_from(event.target).unwrap()] += 1;
                }
                detector.observe(&[*event], &mut out);
            }
            if hour == HOUR {
                counts[usize::try_from(VICTIM).unwrap()] += jump;
            }
            for (target, count) in (0..).zip(counts) {
                let count = u64::try_from(count).unwrap();
                detector.follower_count(FollowerCount { target, time_s: until - 1, count }, &mut out);
            }
        }
        detector.finish(&mut out);
        let told = |score: &&Score, name| {
            score.signals.iter().any(|signal| signal.name == name && signal.evidence >= 3.0)
        };
        let victim: Vec<&Score> = out.iter().filter(|score| score.target == VICTIM).collect();
        assert!(victim.iter().any(|score| told(score, SignalName::FollowerChange)), "{jump}");
        assert!(victim.iter().any(|score| score.families.contains(&Family::Followers)), "{jump}");
        let others = out.iter().filter(|score| score.target != VICTIM);
        assert_eq!(others.filter(|score| told(score, SignalName::UnexplainedFollowers)).count(), 0);
    }
}
