//! A small engagement stream with one attack in it.

use serde_json::json;

use super::Place;

/// 2026-11-01T00:00:00Z.
pub(crate) const START_S: u64 = 1_793_491_200;
pub(crate) const HOUR_S: u64 = 3600;
/// The hour of the bought followers, and their target.
pub(crate) const ATTACK_HOUR: u64 = 80;
pub(crate) const ATTACKED: &str = "a7";

/// A place whose policy has small tables.
pub(crate) fn place() -> Place {
    let place = Place::new();
    let policy = place.text("bundle/policy.toml");
    let policy = policy
        .replace("targets_max = 10000000", "targets_max = 10000")
        .replace("actors_max = 50000000", "actors_max = 50000")
        .replace("names_megabytes_max = 64", "names_megabytes_max = 2");
    place.write("bundle/policy.toml", policy);
    place
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

pub(crate) fn action(
    time_s: u64,
    kind: &str,
    actor: &str,
    age_days: u64,
    target: &str,
    device: &str,
) -> String {
    json!({"type": "engagement", "time": time_s * 1000, "kind": kind, "actor": {"id": actor, "age_days": age_days},
           "target": {"kind": "account", "id": target}, "ip": format!("n{device}"), "device": device})
    .to_string()
        + "\n"
}

/// Four days of people who read and now and then act, and one hour in which 150 new accounts on five devices follow [`ATTACKED`]
/// without having read it.
pub(crate) fn stream(hours: u64) -> String {
    let mut numbers = Numbers(7);
    let mut lines = String::new();
    for hour in 0..hours {
        let mut events = Vec::new();
        for _ in 0..120 {
            let (actor, target) = (numbers.below(1_500), numbers.below(20));
            let at = START_S + hour * HOUR_S + numbers.below(3_300);
            let actor_id = format!("u{actor}");
            let age = 40 + actor % 900;
            let (target, device) = (format!("a{target}"), format!("d{actor}"));
            events.push((at, action(at, "read", &actor_id, age, &target, &device)));
            let kind = match numbers.below(10) {
                0 => "like",
                1 => "follow",
                2 => "comment",
                _ => continue,
            };
            events.push((at + 60, action(at + 60, kind, &actor_id, age, &target, &device)));
        }
        if hour == ATTACK_HOUR {
            for fake in 0..150 {
                let at = START_S + hour * HOUR_S + 600 + fake * 15;
                let (actor, device) = (format!("f{fake}"), format!("farm{}", fake % 5));
                events.push((at, action(at, "follow", &actor, 2, ATTACKED, &device)));
            }
        }
        events.sort();
        events.iter().for_each(|(_, line)| lines.push_str(line));
    }
    lines
}
