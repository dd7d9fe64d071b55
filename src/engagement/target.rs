//! What is remembered of a target: its open hour, its last day, its own long past. 192 bytes at most.

use core::mem::offset_of;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::event::{Kind, TargetKind};
use super::table::{Row, mix};

/// Counters of an hour beside those of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Accounts that liked, reposted, commented or followed.
    Actors,
    /// Accounts that read.
    Readers,
    /// Of `Actors`: younger than 30 days.
    Young,
    /// Of `Readers`.
    YoungReaders,
    /// Of `Actors`.
    LowCredit,
    /// Of `Actors`: on a device that another one used.
    Device,
    /// Of `Readers`.
    ReaderDevice,
    /// Of `Actors`: on a network that another one used, unless strangers share it.
    Network,
    /// Of `Readers`.
    ReaderNetwork,
    /// Unfollows of a follow of the last day.
    Churn,
    /// Of `Actors`: without a read before.
    Unexposed,
    /// Of `Actors`: met others of this target elsewhere.
    Company,
    /// Of unfollows: without a read before.
    UnreadUnfollow,
}

/// Number of [`Count`]s.
pub(super) const COUNTS: usize = 13;
/// Kinds that are acts: like, repost, comment, follow.
pub(super) const ACTS: [usize; 4] = [1, 2, 3, 4];
/// Counts that the day and the long past keep, as shares.
pub(super) const SHARES: [Count; 8] = [
    Count::Young,
    Count::YoungReaders,
    Count::LowCredit,
    Count::Device,
    Count::ReaderDevice,
    Count::Churn,
    Count::Unexposed,
    Count::Company,
];

/// Half-lives in hours.
const DAY_HOURS: f32 = 24.0;
const SLOW_HOURS: f32 = 168.0;
const RATE_HOURS: f32 = 72.0;
/// Silence counts for at most this many hours at once.
const SILENCE_HOURS_MAX: u32 = 72;
/// Silences up to this many hours have their decays in a table.
const TABLED_HOURS: usize = 256;

/// What so many hours leave, by half-life: `exp2` is a call, and every row needs two of them twice an hour.
struct Decays {
    day: [f32; TABLED_HOURS],
    rate: [f32; TABLED_HOURS],
    slow_hour: f32,
}

static DECAYS: LazyLock<Decays> = LazyLock::new(|| Decays {
    day: core::array::from_fn(|hours| keep(hours, DAY_HOURS)),
    rate: core::array::from_fn(|hours| keep(hours, RATE_HOURS)),
    slow_hour: keep(1, SLOW_HOURS),
});

#[allow(clippy::cast_precision_loss, reason = "hours since 1970 at most; beyond 2^24 nothing is left")]
fn keep(hours: usize, half_life_hours: f32) -> f32 {
    (-(hours as f32) / half_life_hours).exp2()
}

/// The open hour. Counters are those of one in 2^`scale` accounts: when one is full, all are halved and the scale rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[repr(C)]
#[allow(clippy::struct_field_names, reason = "which hour it is")]
pub(super) struct Hour {
    /// Hours since 1970.
    pub(super) hour: u32,
    /// Events, all of them.
    pub(super) events: u32,
    pub(super) kinds: [u16; Kind::COUNT],
    counts: [u16; COUNTS],
    pub(super) scale: u8,
    pub(super) flags: u8,
    /// The target that shares most accounts.
    pub(super) co_ref: u32,
    /// How many accounts are shared with `co_ref`.
    pub(super) co_count: u16,
    pub(super) gaps: u16,
    /// Sums of ln(gap + .5 s) of acts and of its square.
    pub(super) ln_gap: f32,
    pub(super) ln_gap2: f32,
}

/// The row was scored and waits for its next hour.
pub(super) const CLOSED: u8 = 1;
/// An alert was given before the end of the hour.
pub(super) const ALERTED: u8 = 2;
/// The row is listed for scoring before the end of the hour.
pub(super) const BUSY: u8 = 4;
/// A registered prize draw holds in this hour, as far as was known when it began.
pub(super) const DRAWN: u8 = 8;

impl Hour {
    pub(super) fn get(&self, count: Count) -> u16 {
        self.counts[count as usize]
    }

    /// Whether events of an actor are counted at this scale.
    pub(super) fn takes(&self, actor_hash: u64) -> bool {
        actor_hash >> 20 & ((1 << self.scale) - 1) == 0
    }

    /// Counts one more; whether all counters were halved.
    fn add(&mut self, count: Count) -> bool {
        let counter = &mut self.counts[count as usize];
        *counter += 1;
        let is_full = *counter == u16::MAX;
        if is_full {
            self.halve();
        }
        is_full
    }

    fn add_kind(&mut self, kind: Kind) -> bool {
        let counter = &mut self.kinds[kind as usize];
        *counter += 1;
        let is_full = *counter == u16::MAX;
        if is_full {
            self.halve();
        }
        is_full
    }

    pub(super) fn add_gap(&mut self, gap_s: f32) {
        if self.gaps < u16::MAX {
            let ln = (gap_s + 0.5).ln();
            self.gaps += 1;
            self.ln_gap += ln;
            self.ln_gap2 += ln * ln;
        }
    }

    /// Leaves gaps out of the day: they are not those of visitors.
    pub(super) fn forget_gaps(&mut self) {
        (self.gaps, self.ln_gap, self.ln_gap2) = (0, 0.0, 0.0);
    }

    fn halve(&mut self) {
        self.kinds.iter_mut().chain(&mut self.counts).for_each(|counter| *counter /= 2);
        // Eight million accounts in an hour are counted exactly enough by one in 2^16.
        self.scale = (self.scale + 1).min(16);
    }

    pub(super) fn acts(&self) -> u32 {
        ACTS.iter().map(|kind| u32::from(self.kinds[*kind])).sum()
    }

    pub(super) fn total(&self) -> u32 {
        self.kinds.iter().map(|count| u32::from(*count)).sum()
    }
}

/// Decayed totals with the shares of their parts in 65,535ths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub(super) struct Past {
    pub(super) events: f32,
    pub(super) actors: f32,
    pub(super) readers: f32,
    kinds: [u16; Kind::COUNT],
    shares: [u16; SHARES.len()],
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 65,535")]
fn to_share(part: f32, whole: f32) -> u16 {
    if part <= 0.0 || whole <= 0.0 {
        return 0;
    }
    // Rounds half up: the sum is exact in 64 bits, and a cast is an instruction where `round` is a call.
    (f64::from(part / whole * 65_535.0) + 0.5).min(65_535.0) as u16
}

impl Past {
    /// The total that a count is a share of.
    fn whole(&self, count: Count) -> f32 {
        match count {
            Count::YoungReaders | Count::ReaderDevice | Count::ReaderNetwork | Count::Readers => self.readers,
            Count::Churn => self.events,
            Count::Actors
            | Count::Young
            | Count::LowCredit
            | Count::Device
            | Count::Network
            | Count::Unexposed
            | Count::UnreadUnfollow
            | Count::Company => self.actors,
        }
    }

    pub(super) fn kind(&self, kind: usize) -> f32 {
        self.events * f32::from(self.kinds[kind]) / 65_535.0
    }

    /// A count of [`SHARES`], by its place there.
    pub(super) fn count(&self, place: usize) -> f32 {
        self.whole(SHARES[place]) * f32::from(self.shares[place]) / 65_535.0
    }

    pub(super) fn count_of(&self, count: Count) -> f32 {
        SHARES.iter().position(|own| *own == count).map_or(0.0, |place| self.count(place))
    }

    /// Decays by `keep` and adds an hour.
    fn merge(&mut self, hour: &Hour, keep: f32) {
        // Most parts of most rows are nothing and stay so.
        let kinds: [f32; Kind::COUNT] = std::array::from_fn(|i| match (self.kinds[i], hour.kinds[i]) {
            (0, now) => f32::from(now),
            (_, now) => self.kind(i) * keep + f32::from(now),
        });
        let parts: [f32; SHARES.len()] =
            std::array::from_fn(|i| match (self.shares[i], hour.get(SHARES[i])) {
                (0, now) => f32::from(now),
                (_, now) => self.count(i) * keep + f32::from(now),
            });
        self.events = kinds.iter().sum();
        self.actors = self.actors * keep + f32::from(hour.get(Count::Actors));
        self.readers = self.readers * keep + f32::from(hour.get(Count::Readers));
        self.kinds = kinds.map(|part| to_share(part, self.events));
        self.shares = std::array::from_fn(|i| to_share(parts[i], self.whole(SHARES[i])));
    }
}

/// A target. What a read touches comes first and shares a cache line; what acts add is in the next one, the past in the last two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C, align(64))]
pub(super) struct Target {
    hash_low: u32,
    hash_high: u16,
    /// Goes up when the slot gets another target.
    pub(super) generation: u8,
    kind: u8,
    /// Time of the last act, in seconds.
    pub(super) last_act_s: u32,
    /// Days since 1970.
    pub(super) first_day: u16,
    /// Of the open hour's `Count::Actors`: acted here before this hour, within a week.
    pub(super) regulars: u16,
    pub(super) hour: Hour,
    pub(super) key: u64,
    /// Decayed sums of reads and of acts, and the hours that they came in, half-life 72 hours.
    pub(super) reads: f32,
    pub(super) acts: f32,
    pub(super) hours: f32,
    /// Gaps of the last day: count and sums of ln and ln².
    pub(super) day_gaps: [f32; 3],
    /// The last day, half-life 24 hours, everything.
    pub(super) day: Past,
    /// The target's own long past, half-life seven days, suspicious hours left out.
    pub(super) slow: Past,
}

/// Bytes of a target.
pub(super) const TARGET_BYTES: usize = size_of::<Target>();
const _: () = assert!(TARGET_BYTES <= 192);
// Reads touch nothing of an hour beyond its flags.
const _: () = assert!(offset_of!(Target, hour) + offset_of!(Hour, flags) < 64);

impl Row for Target {
    fn hash(&self) -> u64 {
        u64::from(self.hash_high) << 32 | u64::from(self.hash_low)
    }

    fn staleness(&self, now_hour: u32) -> u32 {
        now_hour.saturating_sub(self.hour.hour)
    }
}

impl Target {
    #[allow(clippy::cast_possible_truncation, reason = "parts of a hash; days since 1970 fit for 179 years")]
    pub(super) fn new(key: u64, seed: u64, kind: TargetKind, hour: u32, generation: u8) -> Self {
        let hash = mix(key, seed);
        Self {
            key,
            hash_low: hash as u32,
            hash_high: (hash >> 32) as u16,
            first_day: (hour / 24) as u16,
            last_act_s: 0,
            generation,
            kind: kind as u8,
            regulars: 0,
            hour: Hour { hour, flags: CLOSED, ..Hour::default() },
            day: Past::default(),
            slow: Past::default(),
            day_gaps: [0.0; 3],
            reads: 0.0,
            acts: 0.0,
            hours: 0.0,
        }
    }

    pub(super) fn kind(&self) -> TargetKind {
        TargetKind::ALL[usize::from(self.kind).min(TargetKind::ALL.len() - 1)]
    }

    /// Begins an hour: brings the past up to date and clears the counters.
    pub(super) fn begin(&mut self, hour: u32) {
        self.decay_to(hour);
        self.hour = Hour { hour, ..Hour::default() };
        self.regulars = 0;
    }

    /// Counts one more.
    pub(super) fn add(&mut self, count: Count) {
        if self.hour.add(count) {
            self.regulars /= 2;
        }
    }

    /// Counts one more of a kind.
    pub(super) fn add_kind(&mut self, kind: Kind) {
        if self.hour.add_kind(kind) {
            self.regulars /= 2;
        }
    }

    /// Share of the open hour's acting accounts that acted here before, within a week.
    pub(super) fn regular_share(&self) -> f64 {
        f64::from(self.regulars) / f64::from(self.hour.get(Count::Actors)).max(1.0)
    }

    /// Lets the sums shrink for the hours since the last one with events. The day's sums and those of the rate know nothing of
    /// silence otherwise.
    fn decay_to(&mut self, hour: u32) {
        let gap = hour.saturating_sub(self.hour.hour);
        if gap <= 1 || self.hours == 0.0 {
            return;
        }
        let silent = (gap - 1) as usize;
        let tabled = |table: &[f32; TABLED_HOURS], half_life| {
            table.get(silent).copied().unwrap_or_else(|| keep(silent, half_life))
        };
        let keep = tabled(&DECAYS.day, DAY_HOURS);
        self.day.events *= keep;
        self.day.actors *= keep;
        self.day.readers *= keep;
        self.day_gaps.iter_mut().for_each(|sum| *sum *= keep);
        let keep = tabled(&DECAYS.rate, RATE_HOURS);
        self.reads *= keep;
        self.acts *= keep;
        #[allow(clippy::cast_precision_loss, reason = "at most 72")]
        let counted = (gap - 1).min(SILENCE_HOURS_MAX) as f32;
        self.hours = self.hours * keep + counted * (1.0 + keep) / 2.0;
    }

    /// Ends the open hour. `rate` is what the baseline absorbs, reads and acts; none where the hour is kept out of it, which
    /// then absorbs its own expectation.
    pub(super) fn close(&mut self, rate: Option<(f32, f32)>) {
        let hour = self.hour;
        let decays = &*DECAYS;
        let keep = decays.day[1];
        self.day.merge(&hour, keep);
        for (sum, new) in self.day_gaps.iter_mut().zip([f32::from(hour.gaps), hour.ln_gap, hour.ln_gap2]) {
            *sum = *sum * keep + new;
        }
        let keep = decays.rate[1];
        let usual = |sum: f32, hours: f32| if hours > 0.0 { sum / hours } else { 0.0 };
        let (reads, acts) = rate.unwrap_or((usual(self.reads, self.hours), usual(self.acts, self.hours)));
        self.reads = self.reads * keep + reads;
        self.acts = self.acts * keep + acts;
        self.hours = self.hours * keep + 1.0;
        if rate.is_some() {
            self.slow.merge(&hour, decays.slow_hour);
        }
        self.hour.flags |= CLOSED;
    }
}
