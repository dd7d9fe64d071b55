//! Events wait until their minute cannot get more of them, and leave it in an order that does not depend on their arrival.

use std::collections::VecDeque;

use super::config::Config;
use super::detector::Counts;
use super::doubt::Doubt;
use super::event::Event;

/// Seconds of a minute.
pub(super) const MINUTE_S: u32 = 60;
/// So many events in a row have to agree on a time far ahead before it is believed.
const AHEAD_BELIEVED: u32 = 8;

/// Bits of a sorting key that hold the place of its event.
const PLACE_BITS: u32 = 32;

/// Orders events of one minute as they are ordered themselves, where it tells them apart. 96 bits.
fn key(event: &Event) -> u128 {
    u128::from(event.time_s % MINUTE_S) << 90 | u128::from(event.actor) << 26 | u128::from(event.target >> 38)
}

/// Minutes that are still open.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    minutes: VecDeque<Vec<Event>>,
    /// Minute of the first of `minutes`; what is older is late.
    pub(super) base: u32,
    /// Newest time that was believed, in seconds; 0 before the first event.
    pub(super) newest_s: u32,
    /// Events in a row that were far ahead.
    pub(super) ahead_in_row: u32,
    /// Whether the newest time may itself be a wrong one.
    pub(super) doubt: Doubt,
    pub(super) len: usize,
    spare: Vec<Event>,
    /// What a minute is sorted by, and where it goes.
    keys: Vec<u128>,
    sorted: Vec<Event>,
}

impl Waiting {
    /// Whether a time is believed; moves the newest time.
    pub(super) fn sees(&mut self, time_s: u32, config: &Config, counts: &mut Counts) -> bool {
        if self.newest_s == 0 {
            self.base = time_s.saturating_sub(config.lateness_s) / MINUTE_S;
            self.newest_s = time_s.max(1);
        }
        if time_s > self.newest_s.saturating_add(config.ahead_max_s) {
            self.ahead_in_row += 1;
            if self.ahead_in_row < AHEAD_BELIEVED {
                counts.ahead = counts.ahead.saturating_add(1);
                return false;
            }
            self.doubt.settle();
        }
        self.ahead_in_row = 0;
        self.newest_s = self.newest_s.max(time_s);
        true
    }

    /// Puts an event into its minute; false where that is closed. Minutes ahead of the first are few, since the caller takes
    /// out what is due.
    pub(super) fn push(&mut self, event: Event) -> bool {
        let Some(place) = (event.time_s / MINUTE_S).checked_sub(self.base) else { return false };
        let place = place as usize;
        while self.minutes.len() <= place {
            let spare = std::mem::take(&mut self.spare);
            self.minutes.push_back(spare);
        }
        self.minutes[place].push(event);
        self.len += 1;
        true
    }

    /// The first minute with its events in order, if it begins before `before`. Empty minutes are passed over.
    pub(super) fn pop_before(&mut self, before: u32) -> Option<(u32, Vec<Event>)> {
        while self.base < before {
            let minute = self.base;
            let Some(mut events) = self.minutes.pop_front() else {
                self.base = before;
                return None;
            };
            self.base += 1;
            if events.is_empty() {
                self.give_back(events);
                continue;
            }
            self.len -= events.len();
            self.sort(&mut events);
            return Some((minute, events));
        }
        None
    }

    /// Sorts events of one minute as `events.sort()` does. Keys of second, actor and a part of the target are moved about instead of
    /// events and compared without branches; what has equal keys, which is little, is sorted once more.
    fn sort(&mut self, events: &mut Vec<Event>) {
        if u32::try_from(events.len()).is_err() {
            events.sort_unstable();
            return;
        }
        let keys = (0_u128..).zip(&*events).map(|(place, event)| key(event) << PLACE_BITS | place);
        self.keys.clear();
        self.keys.extend(keys);
        self.keys.sort_unstable();
        let place = |key: u128| (key & ((1 << PLACE_BITS) - 1)) as usize;
        let sorted = &mut self.sorted;
        sorted.clear();
        sorted.extend(self.keys.iter().map(|key| events[place(*key)]));
        let mut first = 0;
        for run in self.keys.chunk_by(|a, b| a >> PLACE_BITS == b >> PLACE_BITS) {
            sorted[first..first + run.len()].sort_unstable();
            first += run.len();
        }
        std::mem::swap(events, sorted);
    }

    /// Takes a buffer back for the next minute.
    pub(super) fn give_back(&mut self, mut events: Vec<Event>) {
        events.clear();
        if events.capacity() > self.spare.capacity() {
            self.spare = events;
        }
    }

    /// The first minute after all that wait.
    pub(super) fn end(&self) -> u32 {
        self.base.saturating_add(u32::try_from(self.minutes.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.minutes.iter().flatten()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let minutes =
            self.minutes.iter().chain([&self.spare, &self.sorted]).map(Vec::capacity).sum::<usize>();
        minutes * size_of::<Event>() + self.keys.capacity() * size_of::<u128>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::event::{Kind, Tags, TargetKind};
    use super::*;

    proptest! {
        #[test]
        fn a_minute_leaves_in_the_order_of_its_events(
            seeds in prop::collection::vec((0_u32..3, 0_u64..3, 0_u64..3, 0_u32..3, any::<bool>()), 0..60),
        ) {
            let events = seeds.into_iter().map(|(second, actor, target, device, is_read)| Event {
                time_s: 600 + second,
                // Actors and targets that differ in their lowest bits alone have equal keys.
                actor: u64::MAX - actor,
                target: target << 37,
                device,
                network: 0,
                age_days: 9,
                kind: if is_read { Kind::Read } else { Kind::Like },
                tags: Tags::new(TargetKind::Post, 3),
            });
            let mut expected: Vec<Event> = events.collect();
            let mut waiting = Waiting { base: 10, ..Waiting::default() };
            prop_assert!(expected.iter().all(|event| waiting.push(*event)));
            expected.sort_unstable();
            let found = waiting.pop_before(11).map(|(_, events)| events).unwrap_or_default();
            prop_assert_eq!(found, expected);
        }
    }
}
