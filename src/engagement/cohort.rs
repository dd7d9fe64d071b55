//! Targets that are compared with each other, and what is usual among them.

use serde::{Deserialize, Serialize};

use super::event::{Kind, TargetKind};
use super::target::{Count, Target};

/// Kind, size and age of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cohort {
    /// Account, post or other.
    pub kind: TargetKind,
    /// Usual events per hour: 0 below 1, then a class for each factor of 6, up to 4.
    pub size: u8,
    /// Whether the target was first seen less than three days ago.
    pub is_new: bool,
}

const SIZES: usize = 5;
const SIZE_FACTOR: f64 = 6.0;
const NEW_DAYS: u32 = 3;
/// Number of cohorts.
pub(super) const COHORTS: usize = TargetKind::ALL.len() * SIZES * 2;

impl Cohort {
    pub(super) fn of(target: &Target, hour: u32) -> Self {
        let hours = f64::from(target.hours);
        let rate = f64::from(target.reads + target.acts) / (hours + 6.0);
        let mut size = 0;
        let mut limit = 1.0;
        while rate >= limit && usize::from(size) < SIZES - 1 {
            size += 1;
            limit *= SIZE_FACTOR;
        }
        let is_new = (hour / 24).saturating_sub(u32::from(target.first_day)) < NEW_DAYS;
        Self { kind: target.kind(), size, is_new }
    }

    pub(super) fn place(self) -> usize {
        ((self.kind as usize * SIZES) + usize::from(self.size)) * 2 + usize::from(self.is_new)
    }

    pub(super) fn at(place: usize) -> Self {
        let kind = TargetKind::ALL[(place / (2 * SIZES)).min(TargetKind::ALL.len() - 1)];
        let size = u8::try_from(place / 2 % SIZES).unwrap_or(0);
        Self { kind, size, is_new: place % 2 == 1 }
    }
}

/// A share that is usual in a cohort, and how much targets differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Usual {
    k: f64,
    n: f64,
    /// Squared residuals beyond those of chance, and what they would be if all of a target's events were one: their ratio
    /// is the intra-target correlation 1/(K + 1).
    excess: f64,
    pairs: f64,
    strength_max: f64,
}

/// What a row adds at most, in observations.
const ROW_MAX: f64 = 50.0;
/// Of the past, what a row leaves.
const KEEP: f64 = 0.9998;
/// A row below this says nothing about spread.
const SPREAD_ROW_MIN: f64 = 8.0;
/// Residuals count up to this many standard deviations of what is expected now.
const RESIDUAL_MAX: f64 = 4.0;
const PRIOR_ROWS: f64 = 200.0;

impl Usual {
    fn new(share: f64, strength: f64, strength_max: f64) -> Self {
        let pairs = share * (1.0 - share) * PRIOR_ROWS * 20.0;
        Self { k: share * PRIOR_ROWS, n: PRIOR_ROWS, excess: pairs / (strength + 1.0), pairs, strength_max }
    }

    pub(super) fn share(&self) -> f64 {
        (self.k / self.n).clamp(0.002, 0.98)
    }

    /// The observations that the prior is worth, K.
    pub(super) fn strength(&self) -> f64 {
        let correlation =
            (self.excess / self.pairs).clamp(1.0 / (self.strength_max + 1.0), 1.0 / (STRENGTH_MIN + 1.0));
        1.0 / correlation - 1.0
    }

    /// Takes a row in: k of n where `expected` was the target's own share, which only rows that say something of spread are asked
    /// for.
    pub(super) fn add(&mut self, k: f64, n: f64, expected: f64) {
        if n <= 0.0 {
            return;
        }
        let counted = n.min(ROW_MAX);
        self.k = self.k * KEEP + k / n * counted;
        self.n = self.n * KEEP + counted;
        if !says_spread(n) {
            return;
        }
        let chance = expected * (1.0 - expected);
        let now = n * chance * (1.0 + (n - 1.0) / (self.strength() + 1.0));
        let squared = (k - n * expected).powi(2).min(RESIDUAL_MAX.powi(2) * now);
        // Large rows would outweigh all others: each counts as one, in units of its own chance.
        let unit = n * (n - 1.0);
        let weight = 1.0 / (1.0 + n / 40.0).powi(2);
        self.excess = self.excess * KEEP + weight * (squared - n * chance);
        self.pairs = self.pairs * KEEP + weight * unit * chance;
    }
}

/// Whether a row of so many is asked how much targets differ.
pub(super) fn says_spread(n: f64) -> bool {
    n >= SPREAD_ROW_MIN
}

const STRENGTH_MIN: f64 = 6.0;
const MIX_STRENGTH_MAX: f64 = 15.0;
const DAY_MIX_STRENGTH_MAX: f64 = 10.0;

/// Shares that are asked of every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Young,
    YoungReaders,
    LowCredit,
    Device,
    ReaderDevice,
    Network,
    ReaderNetwork,
    Repeat,
    Reread,
    Churn,
    Unexposed,
    Company,
    UnreadUnfollow,
    Conversion,
}

/// A share with what is usual before anything was seen, what that is worth, and what it can be worth at most: K bounds the
/// evidence, and some shares change with the mood of the day.
type Norm = (Share, f64, f64, f64);

impl Share {
    pub(super) const ALL: [Norm; 14] = [
        (Self::Young, 0.05, 25.0, 100.0),
        (Self::YoungReaders, 0.05, 25.0, 100.0),
        (Self::LowCredit, 0.05, 25.0, 100.0),
        (Self::Device, 0.04, 20.0, 60.0),
        (Self::ReaderDevice, 0.04, 20.0, 60.0),
        (Self::Network, 0.08, 15.0, 40.0),
        (Self::ReaderNetwork, 0.08, 15.0, 40.0),
        (Self::Repeat, 0.10, 8.0, 10.0),
        (Self::Reread, 0.15, 8.0, 10.0),
        (Self::Churn, 0.004, 30.0, 60.0),
        (Self::Unexposed, 0.30, 6.0, 40.0),
        (Self::Company, 0.02, 15.0, 40.0),
        (Self::UnreadUnfollow, 0.50, 6.0, 20.0),
        (Self::Conversion, 0.10, 10.0, 15.0),
    ];

    /// The count that the past keeps of it.
    pub(super) fn count(self) -> Option<Count> {
        match self {
            Self::Young => Some(Count::Young),
            Self::YoungReaders => Some(Count::YoungReaders),
            Self::LowCredit => Some(Count::LowCredit),
            Self::Device => Some(Count::Device),
            Self::ReaderDevice => Some(Count::ReaderDevice),
            Self::Churn => Some(Count::Churn),
            Self::Unexposed => Some(Count::Unexposed),
            Self::Company => Some(Count::Company),
            Self::Network
            | Self::ReaderNetwork
            | Self::Repeat
            | Self::Reread
            | Self::UnreadUnfollow
            | Self::Conversion => None,
        }
    }
}

/// What is usual in one cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Norms {
    pub(super) shares: [Usual; Share::ALL.len()],
    /// Shares of kinds in an hour, and over a day.
    pub(super) kinds: [Usual; Kind::COUNT],
    pub(super) day_kinds: [Usual; Kind::COUNT],
}

impl Norms {
    pub(super) fn new() -> Self {
        let kinds = [0.70, 0.12, 0.05, 0.06, 0.06, 0.01];
        Self {
            shares: Share::ALL
                .map(|(_, share, strength, strength_max)| Usual::new(share, strength, strength_max)),
            kinds: kinds.map(|share| Usual::new(share, 15.0, MIX_STRENGTH_MAX)),
            day_kinds: kinds.map(|share| Usual::new(share, 10.0, DAY_MIX_STRENGTH_MAX)),
        }
    }
}
