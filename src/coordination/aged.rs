//! A map that forgets.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// A map in two generations. What is written goes to the younger; when that is old or full it becomes the older one,
/// whose entries are dropped at once. An entry lives for one to two spans after it was last written.
///
/// O(1) per call but for the change of generations, which frees the older one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "K: Eq + Hash + Serialize + for<'a> Deserialize<'a>, V: Serialize + for<'a> Deserialize<'a>")]
pub(crate) struct Aged<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// Time of the first entry of the younger generation.
    since_ms: Option<i64>,
    span_ms: i64,
    /// Most entries of one generation.
    len_max: usize,
}

impl<K: Eq + Hash + Copy, V> Aged<K, V> {
    pub(crate) fn new(span_ms: i64, len_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), since_ms: None, span_ms, len_max }
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    /// The entry of a key, made young again, or a new one. `now_ms` is the newest time that was seen, not that of the
    /// entry, so that late entries do not turn the generations.
    pub(crate) fn entry(&mut self, key: K, now_ms: i64, new: impl FnOnce() -> V) -> &mut V {
        self.turn(now_ms);
        let old = self.old.remove(&key);
        self.young.entry(key).or_insert_with(|| old.unwrap_or_else(new))
    }

    /// The entry of a key, made young again, if there is one.
    pub(crate) fn get_mut(&mut self, key: K, now_ms: i64) -> Option<&mut V> {
        self.turn(now_ms);
        if let Some(value) = self.old.remove(&key) {
            self.young.insert(key, value);
        }
        self.young.get_mut(&key)
    }

    /// Entries of both generations.
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// All values, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.young.values().chain(self.old.values())
    }

    /// Changes the generations where it is time, as every call that writes does; what is dropped.
    pub(crate) fn turn(&mut self, now_ms: i64) -> HashMap<K, V> {
        let since = *self.since_ms.get_or_insert(now_ms);
        let is_old = now_ms.saturating_sub(since) >= self.span_ms;
        if is_old || self.young.len() >= self.len_max {
            self.since_ms = Some(now_ms);
            return std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        }
        HashMap::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
