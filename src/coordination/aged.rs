//! A map that forgets.

use std::collections::HashMap;
use std::collections::hash_map::IntoIter;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// Entries of a forgotten generation that are given back with each call.
const FADING_PER_CALL: usize = 8;

/// How much of a generation's room a value takes.
pub(crate) trait Weigh {
    /// 1 for what has one size.
    fn weight(&self) -> usize {
        1
    }
}

/// A map in two generations. What is written goes to the younger; when that is old or full it becomes the older one,
/// whose entries are forgotten at once. An entry lives for one to two spans after it was last written.
///
/// O(1) per call, but for the growth of the table, in which an entry takes two words: values stand apart from it. The memory of forgotten
/// entries is given back a few at a time.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "K: Eq + Hash + Serialize + for<'a> Deserialize<'a>, V: Serialize + for<'a> Deserialize<'a>")]
pub(crate) struct Aged<K, V> {
    young: Generation<K, V>,
    old: Generation<K, V>,
    /// Time of the first entry of the younger generation.
    since_ms: Option<i64>,
    span_ms: i64,
    /// Weight of the younger generation, and from which on it is full.
    weight: usize,
    weight_max: usize,
    /// What is forgotten, and not given back yet.
    #[serde(skip, default)]
    fading: IntoIter<K, Box<V>>,
}

/// Entries that are forgotten together.
pub(crate) type Generation<K, V> = HashMap<K, Box<V>>;

impl<K: Eq + Hash + Copy, V: Weigh> Aged<K, V> {
    pub(crate) fn new(span_ms: i64, weight_max: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            since_ms: None,
            span_ms,
            weight: 0,
            weight_max,
            fading: IntoIter::default(),
        }
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.young.get(&key).or_else(|| self.old.get(&key)).map(|value| &**value)
    }

    /// The entry of a key, made young again, or a new one. `now_ms` is the newest time that was seen, not that of the
    /// entry, so that late entries do not turn the generations.
    pub(crate) fn entry(&mut self, key: K, now_ms: i64, new: impl FnOnce() -> V) -> &mut V {
        self.forget(now_ms);
        let (old, weight) = (self.take_old(key), &mut self.weight);
        self.young.entry(key).or_insert_with(|| {
            let value = old.unwrap_or_else(|| Box::new(new()));
            *weight = weight.saturating_add(value.weight());
            value
        })
    }

    /// An entry of the younger generation has gained weight.
    pub(crate) fn grew(&mut self, by: usize) {
        self.weight = self.weight.saturating_add(by);
    }

    /// The entry of a key, made young again, if there is one.
    pub(crate) fn get_mut(&mut self, key: K, now_ms: i64) -> Option<&mut V> {
        self.forget(now_ms);
        if let Some(value) = self.take_old(key) {
            self.grew(value.weight());
            self.young.insert(key, value);
        }
        self.young.get_mut(&key).map(|value| &mut **value)
    }

    fn take_old(&mut self, key: K) -> Option<Box<V>> {
        // An empty table hashes the key all the same.
        if self.old.is_empty() { None } else { self.old.remove(&key) }
    }

    /// Entries of both generations.
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// All values, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.young.values().chain(self.old.values()).map(|value| &**value)
    }

    /// Changes the generations where it is time, as every call that writes does; what is forgotten.
    pub(crate) fn turn(&mut self, now_ms: i64) -> Generation<K, V> {
        let since = *self.since_ms.get_or_insert(now_ms);
        let is_old = now_ms.saturating_sub(since) >= self.span_ms;
        if is_old || self.weight >= self.weight_max {
            (self.since_ms, self.weight) = (Some(now_ms), 0);
            // As large as the last one, so that it need not grow step by step.
            let young = HashMap::with_capacity(self.young.len());
            return std::mem::replace(&mut self.old, std::mem::replace(&mut self.young, young));
        }
        HashMap::new()
    }

    /// Changes the generations where it is time, and gives back a little of what is forgotten.
    fn forget(&mut self, now_ms: i64) {
        let forgotten = self.turn(now_ms);
        if !forgotten.is_empty() {
            self.fading = forgotten.into_iter();
        }
        if self.fading.len() > 0 && self.fading.nth(FADING_PER_CALL - 1).is_none() {
            // The table, too.
            self.fading = IntoIter::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    impl Weigh for i32 {}

    impl Weigh for Rc<()> {}

    impl Weigh for Vec<u8> {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn what_grows_takes_room_and_is_weighed_again_when_it_is_made_young() {
        let mut map = Aged::new(i64::MAX, 10);
        map.entry(0, 0, Vec::new).extend([0; 9]);
        map.grew(9);
        map.entry(1, 0, || vec![0; 2]);
        // Full: the next one begins another generation.
        map.entry(2, 0, || vec![0; 2]);
        assert_eq!((map.young.len(), map.old.len(), map.weight), (1, 2, 2));
        assert!(map.get_mut(0, 0).is_some());
        assert_eq!((map.young.len(), map.old.len(), map.weight), (2, 1, 11));
        map.entry(3, 0, Vec::new);
        assert_eq!((map.len(), map.get(0).map(Vec::len), map.get(1)), (3, Some(9), None));
    }

    #[test]
    fn entries_live_for_one_to_two_spans_after_they_were_written() {
        let mut map = Aged::new(10, 100);
        for (key, time) in [(1, 0), (2, 9), (1, 12), (3, 25)] {
            *map.entry(key, time, || 0) += 1;
        }
        assert_eq!((map.get(1), map.get(2), map.get(3)), (Some(&2), None, Some(&1)));
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn a_full_generation_makes_room() {
        let mut map = Aged::new(i64::MAX, 4);
        for key in 0..100 {
            map.entry(key, 0, || key);
            assert!(map.len() <= 8 && map.get(key) == Some(&key));
        }
    }

    #[test]
    fn what_is_forgotten_is_given_back_a_little_at_a_time_and_whole() {
        let token = Rc::new(());
        let mut map = Aged::new(i64::MAX, 100);
        let held = |token: &Rc<()>| Rc::strong_count(token) - 1;
        for key in 0..201 {
            map.entry(key, 0, || Rc::clone(&token));
        }
        // The first hundred are forgotten with the 201st, and not yet all given back.
        assert_eq!((map.len(), held(&token)), (101, 201 - FADING_PER_CALL));
        for _ in 0..100 / FADING_PER_CALL {
            assert!(map.get_mut(0, 0).is_none());
        }
        assert_eq!(held(&token), map.len());
    }
}
