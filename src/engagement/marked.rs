//! Actions that carry a mark, so that accounts can be named when their target alerts; and rings among them.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::detector::Ring;
use super::score::{Implicated, Marks};

/// One marked action.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Marked {
    pub(super) actor: u64,
    pub(super) target: u64,
    pub(super) time_s: u32,
    pub(super) marks: u8,
}

/// A ring has at least so many accounts on each of its targets, and each of its accounts has so many of its targets.
const RING_ACTORS_MIN: u32 = 4;
const RING_TARGETS_MIN: u32 = 3;
/// Rings look back this far.
const RING_SPAN_S: u32 = 86_400;
/// Actions with company that are looked at, the newest.
const RING_ACTIONS_MAX: usize = 1 << 18;

/// The newest marked actions, bounded in number.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct MarkedLog {
    actions: VecDeque<Marked>,
}

impl MarkedLog {
    /// Notes an action; true where an older one of the same hour made room.
    pub(super) fn push(&mut self, action: Marked, actions_max: u32) -> bool {
        let mut is_dropped = false;
        if self.actions.len() >= actions_max as usize {
            let old = self.actions.pop_front();
            is_dropped = old.is_some_and(|old| old.time_s / 3600 == action.time_s / 3600);
        }
        self.actions.push_back(action);
        is_dropped
    }

    /// For each of some targets (sorted), the marked actions of the hour per account: who, how often, with which marks. Most first.
    /// O(marked actions of the hour).
    pub(super) fn of_targets(&self, targets: &[u64], hour: u32) -> Vec<Vec<(u64, u32, u8)>> {
        let mut found = vec![HashMap::<u64, (u32, u8)>::new(); targets.len()];
        // The log is in the order of time but for the seconds of one minute.
        let of_hour = self.actions.iter().rev().skip_while(|action| action.time_s / 3600 > hour);
        for action in of_hour.take_while(|action| action.time_s / 3600 == hour) {
            if let Ok(place) = targets.binary_search(&action.target) {
                let entry = found[place].entry(action.actor).or_default();
                *entry = (entry.0.saturating_add(1), entry.1 | action.marks);
            }
        }
        let sorted = |actors: HashMap<u64, (u32, u8)>| {
            let mut actors: Vec<(u64, u32, u8)> =
                actors.into_iter().map(|(actor, (count, marks))| (actor, count, marks)).collect();
            actors.sort_unstable_by_key(|(actor, count, marks)| {
                (std::cmp::Reverse((marks.count_ones(), *count)), *actor)
            });
            actors
        };
        found.into_iter().map(sorted).collect()
    }

    /// Accounts that went together from target to target: of the actions in company, what remains when accounts with too few of
    /// the targets and targets with too few of the accounts are taken away again and again (a bipartite core), by connected
    /// parts. O(actions).
    pub(super) fn rings(&self) -> Vec<Ring> {
        let newest = self.actions.back().map_or(0, |action| action.time_s);
        let in_company = |action: &&Marked| {
            action.marks & Marks::COMPANY != 0 && newest.saturating_sub(action.time_s) <= RING_SPAN_S
        };
        let mut edges: Vec<(u64, u64, u32)> = self
            .actions
            .iter()
            .rev()
            .filter(in_company)
            .take(RING_ACTIONS_MAX)
            .map(|action| (action.actor, action.target, action.time_s))
            .collect();
        edges.sort_unstable();
        edges.dedup_by_key(|edge| (edge.0, edge.1));
        loop {
            let (actors, targets) = degrees(&edges);
            let before = edges.len();
            edges.retain(|(actor, target, _)| {
                actors[actor] >= RING_TARGETS_MIN && targets[target] >= RING_ACTORS_MIN
            });
            if edges.len() == before {
                break;
            }
        }
        parts(&edges)
    }

    pub(super) fn len(&self) -> usize {
        self.actions.len()
    }

    /// What [`Self::memory_bytes`] is at most: the ring may be half empty.
    pub(super) fn memory_bytes_max(actions_max: u32) -> usize {
        2 * (actions_max as usize + 4) * size_of::<Marked>()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.actions.capacity() * size_of::<Marked>()
    }
}

/// How many targets each account has, and how many accounts each target.
fn degrees(edges: &[(u64, u64, u32)]) -> (HashMap<u64, u32>, HashMap<u64, u32>) {
    let (mut actors, mut targets) = (HashMap::new(), HashMap::new());
    for (actor, target, _) in edges {
        *actors.entry(*actor).or_default() += 1;
        *targets.entry(*target).or_default() += 1;
    }
    (actors, targets)
}

/// The connected parts of what is left, largest first.
fn parts(edges: &[(u64, u64, u32)]) -> Vec<Ring> {
    // Union-find over edges: each edge belongs to the first edge of its account and of its target.
    let mut leader: Vec<usize> = (0..edges.len()).collect();
    let find = |leader: &mut Vec<usize>, mut at: usize| {
        while leader[at] != at {
            leader[at] = leader[leader[at]];
            at = leader[at];
        }
        at
    };
    let (mut first_of_actor, mut first_of_target) = (HashMap::new(), HashMap::new());
    for (i, (actor, target, _)) in edges.iter().enumerate() {
        for first in
            [*first_of_actor.entry(*actor).or_insert(i), *first_of_target.entry(*target).or_insert(i)]
        {
            let (a, b) = (find(&mut leader, first), find(&mut leader, i));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut groups: HashMap<usize, Vec<(u64, u64, u32)>> = HashMap::new();
    for (i, edge) in edges.iter().enumerate() {
        groups.entry(find(&mut leader, i)).or_default().push(*edge);
    }
    let mut rings: Vec<Ring> = groups.into_values().map(|edges| ring(&edges)).collect();
    rings.sort_unstable_by(|a, b| {
        (b.actors.len(), b.targets.len(), &a.actors).cmp(&(a.actors.len(), a.targets.len(), &b.actors))
    });
    rings
}

fn ring(edges: &[(u64, u64, u32)]) -> Ring {
    let (actors, targets) = degrees(edges);
    let sorted = |counts: HashMap<u64, u32>| {
        let mut counts: Vec<(u64, u32)> = counts.into_iter().collect();
        counts.sort_unstable_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        counts
    };
    let times = edges.iter().map(|edge| edge.2);
    Ring {
        actors: sorted(actors),
        targets: sorted(targets),
        from_s: times.clone().min().unwrap_or(0),
        to_s: times.max().unwrap_or(0),
    }
}

/// The first `listed_max` accounts with their shares, and how many marked actions the others have.
pub(super) fn implicated(actors: &[(u64, u32, u8)], listed_max: u32) -> (Vec<Implicated>, u32) {
    let total: u32 = actors.iter().fold(0, |sum, (_, count, _)| sum.saturating_add(*count));
    let listed = actors.iter().take(listed_max as usize);
    let named: u32 = listed.clone().fold(0, |sum, (_, count, _)| sum.saturating_add(*count));
    let share = |count: u32| super::rounding::round(f64::from(count) / f64::from(total.max(1)), 4);
    let list = listed
        .map(|(actor, count, marks)| Implicated { actor: *actor, share: share(*count), marks: Marks(*marks) })
        .collect();
    (list, total - named)
}
