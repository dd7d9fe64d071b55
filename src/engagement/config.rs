//! Limits, windows and weights.

use serde::{Deserialize, Serialize};

use super::rounding::round;
use super::score::SignalName;

/// What bounds the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Targets that are remembered; the stalest of a few makes room. At most [`Limits::TARGETS_MAX`].
    pub targets_max: u32,
    /// Actors that are remembered. At most [`Limits::ACTORS_MAX`].
    pub actors_max: u32,
    /// Actions of pairs (actor, target), remembered for a week where there is room, and of pairs (target, device), together; 4
    /// bytes each.
    pub pairs_max: u32,
    /// Pairs of targets whose common actors are counted; 8 bytes each.
    pub co_targets_max: u32,
    /// Marked actions that are kept to name actors; 24 bytes each.
    pub marked_max: u32,
    /// Events that wait for their minute to be over; beyond, minutes are closed early. 32 bytes each.
    pub waiting_max: u32,
    /// Registered windows.
    pub windows_max: u32,
    /// Targets whose follower counts are remembered.
    pub follower_counts_max: u32,
    /// Actors listed in a record.
    pub actors_listed_max: u32,
}

impl Limits {
    /// Targets beyond this cannot be told apart.
    pub const TARGETS_MAX: u32 = (1 << 27) - 1;
    /// Actors beyond this cannot be told apart.
    pub const ACTORS_MAX: u32 = (1 << 28) - 1;

    /// For tests and small sites: some 80 MB when all tables are full.
    pub const SMALL: Self = Self {
        targets_max: 100_000,
        actors_max: 500_000,
        pairs_max: 1 << 21,
        co_targets_max: 1 << 18,
        marked_max: 1 << 17,
        waiting_max: 1 << 20,
        windows_max: 10_000,
        follower_counts_max: 10_000,
        actors_listed_max: 20,
    };

    /// Ten million targets and fifty million actors in less than 4 GiB.
    pub const LARGE: Self = Self {
        targets_max: 10_000_000,
        actors_max: 50_000_000,
        pairs_max: 1 << 25,
        co_targets_max: 1 << 21,
        marked_max: 1 << 20,
        waiting_max: 1 << 21,
        windows_max: 100_000,
        follower_counts_max: 200_000,
        actors_listed_max: 20,
    };
}

/// How a detector works. Its hash stands in every record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What bounds the state.
    pub limits: Limits,
    /// How far behind the newest event one may come, in seconds; later ones are counted and dropped.
    pub lateness_s: u32,
    /// How far ahead of all others an event may be before it is doubted, in seconds.
    pub ahead_max_s: u32,
    /// Share of target-hours that should alarm.
    pub alarm_rate: f64,
    /// Records with a lower score are not written, unless they are alerts.
    pub report_score_min: f64,
    /// Changes of weights, each a factor from .5 to 1.5; the others are 1.
    pub weights: Vec<(SignalName, f64)>,
    /// Seed of all tables.
    pub seed: u64,
}

impl Config {
    /// The defaults with the given limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lateness_s: 600,
            ahead_max_s: 2 * 86_400,
            alarm_rate: 1e-3,
            report_score_min: 0.0,
            weights: Vec::new(),
            seed: 0x716c_5f65_6e67_6167,
        }
    }

    /// A hash of all settings.
    pub fn hash(&self) -> u64 {
        let bytes = postcard::to_stdvec(self).unwrap_or_default();
        // FNV-1a, which does not change with the compiler.
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}

/// The weight of every signal in the score.
#[derive(Clone, Debug)]
pub(super) struct Weights([f64; SignalName::COUNT]);

impl Weights {
    /// Defaults times the factors of a configuration, each held between .5 and 1.5: labels may tune a signal, never switch it
    /// off.
    pub(super) fn new(factors: &[(SignalName, f64)]) -> Self {
        let mut weights = SignalName::ALL.map(default_weight);
        for (name, factor) in factors {
            let factor = if factor.is_nan() { 1.0 } else { factor.clamp(0.5, 1.5) };
            weights[*name as usize] = round(default_weight(*name) * factor, 4);
        }
        Self(weights)
    }

    pub(super) fn of(&self, name: SignalName) -> f64 {
        self.0[name as usize]
    }
}

/// What a signal counts in the score. Bursts are common among the innocent; gaps are easily made random; a second look at the
/// same thing counts less than the first.
fn default_weight(name: SignalName) -> f64 {
    use SignalName as S;
    match name {
        S::Burst | S::FollowerChange => 0.3,
        S::KindMix
        | S::Regularity
        | S::RegularityDay
        | S::YoungReaders
        | S::LowCredit
        | S::SharedDevicesDay
        | S::ReaderDevicesDay
        | S::CompanyDay
        | S::ChurnDay
        | S::NeverExposedDay => 0.7,
        S::Repeats | S::RereadShare | S::SharedNetworks | S::ReaderNetworks => 0.5,
        S::YoungShare
        | S::YoungShareDay
        | S::SharedDevices
        | S::ReaderDevices
        | S::CoTarget
        | S::Company
        | S::KindMixDay
        | S::Churn
        | S::MassUnfollow
        | S::UnreadUnfollows
        | S::NeverExposed
        | S::UnexplainedFollowers
        | S::Conversion => 1.0,
    }
}
