//! What has been answered already: the same key and body give the same answer and count once.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, VecDeque};

use tokio::sync::oneshot;

use super::problem::Problem;
use crate::store::log::Position;

/// 128 bits of a SHA-256.
pub(super) type Key = [u8; 16];

/// What a request gets in the end: the bytes of an answer, or a problem.
pub(super) type Delivery = Result<axum::body::Bytes, Problem>;

/// Who waits for a delivery.
pub(super) type Deliver = oneshot::Sender<Delivery>;

/// The keys of the last while. O(1) for each call; some 100 bytes for each key.
#[derive(Debug)]
pub(super) struct Keys {
    slots: HashMap<Key, Slot>,
    /// Keys in the order of their claims, with the time.
    order: VecDeque<(Key, i64)>,
    most: usize,
    window_ms: i64,
}

#[derive(Debug)]
struct Slot {
    body: Key,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first request is under way; others wait for its answer.
    Pending(Vec<Deliver>),
    /// The answer is in the log.
    Done(Position),
}

/// What a key stands for.
#[derive(Debug)]
pub(super) enum Claim {
    /// Nobody has used it; the caller does now, and must complete or abandon it.
    Fresh(Deliver),
    /// It was used with another body.
    Conflict(Deliver),
    /// The answer is in the log.
    Done(Deliver, Position),
    /// The answer of the first request will be delivered.
    Waiting,
}

impl Keys {
    pub(super) fn new(most: usize, window_ms: i64) -> Self {
        Self { slots: HashMap::new(), order: VecDeque::new(), most: most.max(1), window_ms }
    }

    /// Claims a key for a body.
    pub(super) fn claim(&mut self, (key, body): (Key, Key), now_ms: i64, deliver: Deliver) -> Claim {
        self.forget(now_ms);
        match self.slots.entry(key) {
            Place::Vacant(vacant) => {
                vacant.insert(Slot { body, state: State::Pending(Vec::new()) });
                self.order.push_back((key, now_ms));
                Claim::Fresh(deliver)
            }
            Place::Occupied(slot) if slot.get().body != body => Claim::Conflict(deliver),
            Place::Occupied(mut slot) => match &mut slot.get_mut().state {
                State::Done(position) => Claim::Done(deliver, *position),
                State::Pending(waiting) => {
                    waiting.push(deliver);
                    Claim::Waiting
                }
            },
        }
    }

    /// Remembers an answer that is in the log. Returns who else waits for it.
    pub(super) fn complete(&mut self, key: Key, position: Position) -> Vec<Deliver> {
        let Some(slot) = self.slots.get_mut(&key) else { return Vec::new() };
        match std::mem::replace(&mut slot.state, State::Done(position)) {
            State::Pending(waiting) => waiting,
            State::Done(_) => Vec::new(),
        }
    }

    /// Forgets a claim that came to nothing. Returns who else waits for it.
    pub(super) fn abandon(&mut self, key: &Key) -> Vec<Deliver> {
        match self.slots.remove(key).map(|slot| slot.state) {
            Some(State::Pending(waiting)) => waiting,
            Some(State::Done(_)) | None => Vec::new(),
        }
    }

    /// Puts a key back that the log remembers.
    pub(super) fn restore(&mut self, (key, body): (Key, Key), time_ms: i64, position: Position) {
        self.forget(time_ms);
        self.slots.insert(key, Slot { body, state: State::Done(position) });
        self.order.push_back((key, time_ms));
    }

    /// What was answered and is remembered, oldest first: key, body, time of the claim, place.
    pub(super) fn answered(&self) -> Vec<(Key, Key, i64, Position)> {
        let answered = |(key, time_ms): &(Key, i64)| match self.slots.get(key)? {
            Slot { body, state: State::Done(position) } => Some((*key, *body, *time_ms, *position)),
            Slot { state: State::Pending(_), .. } => None,
        };
        self.order.iter().filter_map(answered).collect()
    }

    /// Forgets what is too old or too much. What is under way is bounded elsewhere, and stays.
    fn forget(&mut self, now_ms: i64) {
        while let Some((key, time_ms)) = self.order.front().copied() {
            let is_old = now_ms.saturating_sub(time_ms) > self.window_ms;
            if !is_old && self.order.len() < self.most {
                return;
            }
            self.order.pop_front();
            match self.slots.get(&key).map(|slot| &slot.state) {
                Some(State::Pending(_)) => {
                    self.order.push_back((key, now_ms));
                    return;
                }
                Some(State::Done(_)) => {
                    self.slots.remove(&key);
                }
                None => {}
            }
        }
    }
}

/// A bounded map that forgets what came first.
#[derive(Debug)]
pub(super) struct Recent {
    places: HashMap<Key, Position>,
    order: VecDeque<Key>,
    max: usize,
}

impl Recent {
    pub(super) fn new(max: usize) -> Self {
        Self { places: HashMap::new(), order: VecDeque::new(), max: max.max(1) }
    }

    pub(super) fn insert(&mut self, key: Key, position: Position) {
        if self.places.insert(key, position).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > self.max {
            if let Some(oldest) = self.order.pop_front() {
                self.places.remove(&oldest);
            }
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Position> {
        self.places.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Position = Position { segment: 1, offset: 64 };

    fn claim(keys: &mut Keys, key: u8, body: u8, now_ms: i64) -> Claim {
        keys.claim(([key; 16], [body; 16]), now_ms, oneshot::channel().0)
    }

    #[test]
    fn a_key_stands_for_one_body_until_it_is_forgotten() {
        let mut keys = Keys::new(100, 1000);
        assert!(matches!(claim(&mut keys, 1, 1, 0), Claim::Fresh(_)));
        assert!(matches!(claim(&mut keys, 1, 1, 1), Claim::Waiting));
        assert!(matches!(claim(&mut keys, 1, 2, 1), Claim::Conflict(_)));
        assert_eq!(keys.complete([1; 16], AT).len(), 1);
        assert!(matches!(claim(&mut keys, 1, 1, 2), Claim::Done(_, AT)));
        assert!(matches!(claim(&mut keys, 1, 2, 2), Claim::Conflict(_)));
        assert!(matches!(claim(&mut keys, 1, 2, 1001), Claim::Fresh(_)));
    }

    #[test]
    fn a_claim_that_came_to_nothing_may_be_made_again() {
        let mut keys = Keys::new(100, 1000);
        assert!(matches!(claim(&mut keys, 1, 1, 0), Claim::Fresh(_)));
        assert!(matches!(claim(&mut keys, 1, 1, 0), Claim::Waiting));
        assert_eq!(keys.abandon(&[1; 16]).len(), 1);
        assert!(matches!(claim(&mut keys, 1, 2, 0), Claim::Fresh(_)));
    }

    #[test]
    fn memory_is_bounded_and_what_is_under_way_stays() {
        let mut keys = Keys::new(10, i64::MAX);
        assert!(matches!(claim(&mut keys, 255, 0, 0), Claim::Fresh(_)));
        for key in 0..200 {
            assert!(matches!(claim(&mut keys, key, 0, 0), Claim::Fresh(_)));
            keys.complete([key; 16], AT);
            assert!(keys.slots.len() <= 11 && keys.order.len() <= 11);
        }
        assert!(matches!(claim(&mut keys, 255, 0, 0), Claim::Waiting));
        assert!(matches!(claim(&mut keys, 199, 0, 0), Claim::Done(..)));
        assert!(matches!(claim(&mut keys, 0, 0, 0), Claim::Fresh(_)));
        let mut recent = Recent::new(3);
        (0..10).for_each(|key| recent.insert([key; 16], AT));
        assert_eq!((recent.get(&[6; 16]), recent.get(&[7; 16]), recent.places.len()), (None, Some(AT), 3));
    }
}
