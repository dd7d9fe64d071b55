//! Who is heard: how evidence adds up to a score, and when it may alert.

use super::rounding::round;
use super::score::{FAMILY_EVIDENCE_MIN, Family, Signal, SignalName};

/// What evidence counts where the rule of families does not hold: what only one kind of evidence says happens to the innocent.
/// Evidence below [`FAMILY_EVIDENCE_MIN`] counts less still, by the square of its part of it, and in a crowd by the eighth power.
pub const UNCONFIRMED_FACTOR: f64 = 0.35;
/// The same for accounts shared with another target and for young readers: tastes are shared, and newcomers look around.
pub const UNCONFIRMED_COMMON_FACTOR: f64 = 0.1;
/// The same for what is never more than a mood: mixes of kinds, readers who act, mass unfollows, networks and repetitions; half of
/// it for a burst.
pub const UNCONFIRMED_MOOD_FACTOR: f64 = 0.02;
/// All moods together come near this and never reach it: hashtags and prize draws have all of them. It is less than what one weak
/// answer of another kind counts.
pub const UNCONFIRMED_MOOD_MAX: f64 = 0.01;
/// A crowd is a burst with so many events in the hour. It brings other people than usually come, who differ a little in all
/// respects; what is bought in such numbers gives full evidence.
pub const CROWD_EVENTS_MIN: f64 = 12.0;
const QUIET_POWER: i32 = 2;
const QUIET_POWER_CROWD: i32 = 8;

/// The score of some signals: the sum of weighted evidence, of which less counts unless the rule of families holds. Added up in
/// ten-thousandths, so that the order does not matter.
pub(super) fn total(signals: &[Signal]) -> f64 {
    let counted = |signal: &Signal, factor: f64| round(signal.evidence * signal.weight * factor, 4);
    if speaking(signals).holds() {
        return round(signals.iter().map(|signal| counted(signal, 1.0)).sum(), 4);
    }
    let power = if is_crowd(signals) { QUIET_POWER_CROWD } else { QUIET_POWER };
    let (mut voices, mut moods) = (0.0, 0.0);
    for signal in signals {
        let quiet = (signal.evidence / FAMILY_EVIDENCE_MIN).min(1.0).powi(power);
        match voice(signal.name) {
            Voice::Full if matches!(signal.name, SignalName::CoTarget | SignalName::YoungReaders) => {
                voices += counted(signal, UNCONFIRMED_COMMON_FACTOR * quiet);
            }
            Voice::Full => voices += counted(signal, UNCONFIRMED_FACTOR * quiet),
            Voice::Second if signal.family == Family::Burst => {
                moods += counted(signal, UNCONFIRMED_MOOD_FACTOR / 2.0);
            }
            Voice::Second | Voice::None => moods += counted(signal, UNCONFIRMED_MOOD_FACTOR),
        }
    }
    // Sums of ten-thousandths do not depend on their order once they are rounded.
    let moods = round(moods, 4);
    round(voices + UNCONFIRMED_MOOD_MAX * moods / (UNCONFIRMED_MOOD_MAX + moods), 4)
}

/// Whether many more came than usually do, and enough for a crowd.
fn is_crowd(signals: &[Signal]) -> bool {
    signals.iter().any(|signal| {
        signal.name == SignalName::Burst
            && signal.evidence >= FAMILY_EVIDENCE_MIN
            && signal.n >= CROWD_EVENTS_MIN
    })
}

/// Who speaks: a bit per family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speaking {
    families: u16,
    /// Whether a burst may confirm one of the families.
    can_confirm: bool,
}

impl Speaking {
    /// Families but the burst, in their order.
    pub(super) fn families(self) -> Vec<Family> {
        let speaks = |family: &Family| *family != Family::Burst && self.families & bit(*family) != 0;
        Family::ALL.into_iter().filter(speaks).collect()
    }

    pub(super) fn burst(self) -> bool {
        self.families & bit(Family::Burst) != 0
    }

    /// Two independent families, or one that a burst confirms.
    pub(super) fn holds(self) -> bool {
        let others = self.families & !bit(Family::Burst);
        others.count_ones() >= 2 || (self.can_confirm && self.burst())
    }
}

fn bit(family: Family) -> u16 {
    1 << family as u16
}

/// The families that reach [`FAMILY_EVIDENCE_MIN`].
pub(super) fn speaking(signals: &[Signal]) -> Speaking {
    let mut speaking = Speaking { families: 0, can_confirm: false };
    for signal in signals.iter().filter(|signal| signal.evidence >= FAMILY_EVIDENCE_MIN) {
        let voice = voice(signal.name);
        if voice != Voice::None {
            speaking.families |= bit(signal.family);
            speaking.can_confirm |= voice == Voice::Full;
        }
    }
    speaking
}

/// What the evidence of a signal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// It ranks only: networks are shared, readers come back.
    None,
    /// Its family counts beside another one. Moods, prize draws and hashtags change the mix of kinds and make readers
    /// act, and scandals drive followers away, in bursts too: a burst confirms none of these.
    Second,
    /// Its family counts beside another one, or with a burst.
    Full,
}

fn voice(name: SignalName) -> Voice {
    use SignalName as S;
    match name {
        S::SharedNetworks | S::ReaderNetworks | S::Repeats | S::RereadShare => Voice::None,
        S::Burst | S::FollowerChange | S::KindMix | S::KindMixDay | S::MassUnfollow | S::Conversion => {
            Voice::Second
        }
        S::YoungShare
        | S::YoungShareDay
        | S::YoungReaders
        | S::LowCredit
        | S::SharedDevices
        | S::SharedDevicesDay
        | S::ReaderDevices
        | S::ReaderDevicesDay
        | S::CoTarget
        | S::Company
        | S::CompanyDay
        | S::Churn
        | S::ChurnDay
        | S::Regularity
        | S::RegularityDay
        | S::NeverExposed
        | S::NeverExposedDay
        | S::UnreadUnfollows
        | S::UnexplainedFollowers => Voice::Full,
    }
}
