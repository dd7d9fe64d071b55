//! What is remembered of an actor: 36 bytes.

use serde::{Deserialize, Serialize};

use super::event::Kind;
use super::table::Row;

/// Targets that an actor acted on last.
pub(super) const RING: usize = 4;
/// For company, ring entries count for three days, in ticks of ten minutes: those who are paid for it get one task after another,
/// but not one every day.
pub(super) const COMPANY_TICKS: u16 = 432;
/// A follow is taken back within a day.
pub(super) const CHURN_TICKS: u16 = 144;
/// Seconds of a tick.
pub(super) const TICK_S: u32 = 600;

/// An actor and the last targets of its likes, reposts, comments and follows. Reads do not enter: they would push the
/// others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub(super) struct Actor {
    // What every event asks for comes first, so that it lies in one cache line more often than not.
    hash_low: u32,
    hash_high: u16,
    /// Hour of the last event, its low bits.
    pub(super) last_hour: u16,
    /// Some bits of the network that was used last.
    pub(super) network: u16,
    /// Three bits each.
    kinds: u16,
    refs: [u32; RING],
    ticks: [u16; RING],
}

const _: () = assert!(size_of::<Actor>() == 36);

impl Row for Actor {
    fn hash(&self) -> u64 {
        u64::from(self.hash_high) << 32 | u64::from(self.hash_low)
    }

    fn staleness(&self, now_hour: u32) -> u32 {
        u32::from(low16(now_hour).wrapping_sub(self.last_hour))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the low bits are what is asked for")]
pub(super) fn low16(value: u32) -> u16 {
    value as u16
}

#[allow(clippy::cast_possible_truncation, reason = "the parts of a hash")]
impl Actor {
    pub(super) fn new(hash: u64, now_hour: u32) -> Self {
        Self {
            hash_low: hash as u32,
            hash_high: (hash >> 32) as u16,
            refs: [0; RING],
            ticks: [0; RING],
            kinds: 0,
            last_hour: low16(now_hour),
            network: 0,
        }
    }

    /// Targets of the last `ticks` with the kinds, newest first. `now` is a tick.
    pub(super) fn recent(&self, now: u16, ticks: u16) -> impl Iterator<Item = (u32, Kind)> + '_ {
        let is_live = move |i: &usize| self.refs[*i] != 0 && now.wrapping_sub(self.ticks[*i]) <= ticks;
        (0..RING).filter(is_live).map(|i| {
            let kind = Kind::ALL[usize::from(self.kinds >> (3 * i) & 7) % Kind::COUNT];
            (self.refs[i], kind)
        })
    }

    /// Puts a target first; where it is there already, it moves up.
    pub(super) fn push(&mut self, target: u32, kind: Kind, now: u16) {
        let at = self.refs.iter().position(|own| *own == target).unwrap_or(RING - 1);
        for i in (0..at).rev() {
            self.refs[i + 1] = self.refs[i];
            self.ticks[i + 1] = self.ticks[i];
        }
        let (kept, moved) =
            (self.kinds >> (3 * (at + 1)) << (3 * (at + 1)), self.kinds & ((1 << (3 * at)) - 1));
        self.kinds = kept | moved << 3 | kind as u16;
        self.refs[0] = target;
        self.ticks[0] = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_keeps_the_last_four_targets_newest_first() {
        let mut actor = Actor::new(0xabcd_1234_5678, 5);
        assert_eq!(actor.hash(), 0xabcd_1234_5678);
        for (target, kind) in [(1, Kind::Like), (2, Kind::Follow), (3, Kind::Repost), (1, Kind::Comment)] {
            actor.push(target, kind, 10);
        }
        let recent: Vec<_> = actor.recent(10, 144).collect();
        assert_eq!(recent, [(1, Kind::Comment), (3, Kind::Repost), (2, Kind::Follow)]);
        actor.push(4, Kind::Like, 150);
        actor.push(5, Kind::Follow, 151);
        let recent: Vec<_> = actor.recent(151, 144).collect();
        assert_eq!(recent, [(5, Kind::Follow), (4, Kind::Like), (1, Kind::Comment), (3, Kind::Repost)]);
        assert_eq!(actor.recent(155, 144).collect::<Vec<_>>(), [(5, Kind::Follow), (4, Kind::Like)]);
    }
}
