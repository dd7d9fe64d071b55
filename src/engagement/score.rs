//! What comes out: one record per target and hour, with every number that its score is made of.

use serde::{Deserialize, Serialize};

use super::cohort::Cohort;
use super::event::{Kind, Reason, TargetKind};
use super::rounding::round;
use super::tail::{bb_tail, nb_lower_tail, nb_tail, regularity};
use super::voices::{speaking, total};

/// Evidence of one signal counts up to this many decimal orders.
pub const EVIDENCE_CAP: f64 = 12.0;
/// A family speaks from this evidence on; so does a burst as corroboration.
pub const FAMILY_EVIDENCE_MIN: f64 = 3.0;

/// A kind of evidence; kinds that do not follow from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// More than usual. Corroborates, and is no family by itself.
    Burst,
    /// Accounts that are new or of low credit.
    Young,
    /// Many accounts on few devices, few accounts with many actions.
    Concentration,
    /// The same accounts at the same other targets.
    Lockstep,
    /// An unusual mix of kinds of actions.
    Mix,
    /// Follows taken back, or taken back in masses.
    Churn,
    /// Gaps that are too even.
    Regularity,
    /// Actions without a read before.
    Exposure,
    /// Follower counts that moved without follows.
    Followers,
}

impl Family {
    /// All families, in their order.
    pub const ALL: [Self; 9] = [
        Self::Burst,
        Self::Young,
        Self::Concentration,
        Self::Lockstep,
        Self::Mix,
        Self::Churn,
        Self::Regularity,
        Self::Exposure,
        Self::Followers,
    ];
}

/// One question that is asked of a target's hour or day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalName {
    /// Actions in this hour against the target's own past and the hour of the week.
    Burst,
    /// Acting accounts (like, repost, comment, follow) younger than 30 days.
    YoungShare,
    /// The same over 24 hours.
    YoungShareDay,
    /// Reading accounts younger than 30 days.
    YoungReaders,
    /// Acting accounts of low credit.
    LowCredit,
    /// Acting accounts on a device that another account used here within a day.
    SharedDevices,
    /// The same over 24 hours.
    SharedDevicesDay,
    /// Reading accounts on a device that another account used here within a day.
    ReaderDevices,
    /// The same over 24 hours.
    ReaderDevicesDay,
    /// Acting accounts on a network that another account used here; shared networks do not count.
    SharedNetworks,
    /// Reading accounts on a network that another account used here; shared networks do not count.
    ReaderNetworks,
    /// Actions beyond the first of the same account.
    Repeats,
    /// Reads beyond the first of the same account.
    RereadShare,
    /// Accounts that this target shares with one other target, against chance.
    CoTarget,
    /// Accounts that keep company with others of this target elsewhere.
    Company,
    /// The same over 24 hours.
    CompanyDay,
    /// Kinds of actions in this hour against the target's own.
    KindMix,
    /// Kinds of actions over 24 hours against similar targets.
    KindMixDay,
    /// Follows taken back within a day.
    Churn,
    /// The same over 24 hours.
    ChurnDay,
    /// Unfollows in this hour against the target's own past.
    MassUnfollow,
    /// Gaps between actions more even than chance, in this hour.
    Regularity,
    /// The same over 24 hours.
    RegularityDay,
    /// Actions by accounts that did not read the target before.
    NeverExposed,
    /// The same over 24 hours.
    NeverExposedDay,
    /// Unfollows by accounts that did not read the target before.
    UnreadUnfollows,
    /// The follower count rose or fell against its own past.
    FollowerChange,
    /// The follower count moved more than the follows and unfollows that were seen.
    UnexplainedFollowers,
    /// Reading accounts that acted too: whoever is paid for it, and nobody else.
    Conversion,
}

impl SignalName {
    /// All names, in the order of their numbers.
    pub const ALL: [Self; 29] = [
        Self::Burst,
        Self::YoungShare,
        Self::YoungShareDay,
        Self::YoungReaders,
        Self::LowCredit,
        Self::SharedDevices,
        Self::SharedDevicesDay,
        Self::ReaderDevices,
        Self::ReaderDevicesDay,
        Self::SharedNetworks,
        Self::ReaderNetworks,
        Self::Repeats,
        Self::RereadShare,
        Self::CoTarget,
        Self::Company,
        Self::CompanyDay,
        Self::KindMix,
        Self::KindMixDay,
        Self::Churn,
        Self::ChurnDay,
        Self::MassUnfollow,
        Self::Regularity,
        Self::RegularityDay,
        Self::NeverExposed,
        Self::NeverExposedDay,
        Self::UnreadUnfollows,
        Self::FollowerChange,
        Self::UnexplainedFollowers,
        Self::Conversion,
    ];
    /// Number of names.
    pub const COUNT: usize = Self::ALL.len();
}

/// How `evidence` follows from the other numbers of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tail {
    /// k events where `expected` are the mean, size `strength`, or more.
    NegativeBinomial,
    /// k events where `expected` are the mean, size `strength`, or fewer.
    NegativeBinomialLower,
    /// k of n where the share `expected` is usual, with a prior worth `strength` observations, or more.
    BetaBinomial,
    /// n gaps whose logarithms have mean `strength` and variance `k`, where `expected` is that of independent visitors.
    Regularity,
}

/// Where the expectation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prior {
    /// Similar targets.
    Cohort,
    /// The target's own past, with similar targets where there is little of it.
    Own,
    /// Chance: independent accounts, independent times.
    Chance,
}

/// One answer, with all numbers that it is computed from. Numbers have few decimals, so that JSON keeps them exactly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The question.
    pub name: SignalName,
    /// What kind of evidence the answer is.
    pub family: Family,
    /// Of a mix of kinds, the kind that stands out.
    pub kind: Option<Kind>,
    /// How the evidence is computed.
    pub tail: Tail,
    /// What was seen.
    pub k: f64,
    /// Of how many; for negative binomials the actions of the window.
    pub n: f64,
    /// The mean (negative binomial) or the share (beta-binomial) that is usual.
    pub expected: f64,
    /// How firm the expectation is: the size of the negative binomial, the observations that the prior is worth.
    pub strength: f64,
    /// Where the expectation comes from.
    pub prior: Prior,
    /// What the tail is multiplied with before the cap: 1, or .5 for weak indicators.
    pub factor: f64,
    /// Most that `evidence` can be.
    pub cap: f64,
    /// −log10 of the probability of so much by chance, capped.
    pub evidence: f64,
    /// What the evidence counts in the score.
    pub weight: f64,
    /// Whether a registered window raised `expected`.
    pub raised: bool,
}

impl Signal {
    /// The evidence that follows from the other numbers. O(√n).
    pub fn recompute(&self) -> f64 {
        let orders = match self.tail {
            Tail::NegativeBinomial => nb_tail(count(self.k), self.expected, self.strength),
            Tail::NegativeBinomialLower => nb_lower_tail(count(self.k), self.expected, self.strength),
            Tail::BetaBinomial => {
                let (a, b) = (self.expected * self.strength, (1.0 - self.expected) * self.strength);
                bb_tail(count(self.k), count(self.n), a, b)
            }
            Tail::Regularity => {
                let sum = self.n * self.strength;
                regularity(count(self.n), sum, self.n * (self.k + self.strength * self.strength))
            }
        };
        round((orders * self.factor).min(self.cap), 4)
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn count(value: f64) -> u32 {
    value.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// Whether there is enough of a past to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// At least three hours and twenty actions.
    Sufficient,
    /// Less: expectations are those of similar targets.
    Insufficient,
}

/// An account that took part, by the marks it carries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Implicated {
    /// Hash of the account.
    pub actor: u64,
    /// Its share of the marked actions of this hour, 0 to 1.
    pub share: f64,
    /// Which families its actions carry marks of.
    pub marks: Marks,
}

/// What is unusual about one action. Bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(pub u8);

impl Marks {
    /// By a young account.
    pub const YOUNG: u8 = 1;
    /// On a device that another account used at the target.
    pub const DEVICE: u8 = 1 << 1;
    /// Without a read before.
    pub const UNEXPOSED: u8 = 1 << 2;
    /// Takes a follow of the last day back.
    pub const CHURN: u8 = 1 << 3;
    /// Together with other accounts of the target elsewhere.
    pub const COMPANY: u8 = 1 << 4;
    /// By an account of low credit.
    pub const LOW_CREDIT: u8 = 1 << 5;
    /// Again by the same account in this hour.
    pub const REPEAT: u8 = 1 << 6;

    /// The families that the marks belong to.
    pub fn families(self) -> Vec<Family> {
        let families = [
            (Self::YOUNG | Self::LOW_CREDIT, Family::Young),
            (Self::DEVICE | Self::REPEAT, Family::Concentration),
            (Self::UNEXPOSED, Family::Exposure),
            (Self::CHURN, Family::Churn),
            (Self::COMPANY, Family::Lockstep),
        ];
        families.into_iter().filter(|(bits, _)| self.0 & bits != 0).map(|(_, family)| family).collect()
    }
}

/// The other target with which this one shares most accounts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoTarget {
    /// Hash of the other target.
    pub target: u64,
    /// Accounts that acted on both within a day.
    pub actors: u32,
    /// How many of them chance would give.
    pub expected: f64,
}

/// What the score would be without one family.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Without {
    /// The family that is left out.
    pub family: Family,
    /// The score without it.
    pub score: f64,
    /// Whether there would be an alert without it.
    pub alert: bool,
}

/// One target's hour. Everything that a complaint can be judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "facts of a record, which JSON names one by one")]
pub struct Score {
    /// Hash of the target.
    pub target: u64,
    /// Its kind.
    pub target_kind: TargetKind,
    /// Start of the hour, in seconds since 1970.
    pub hour_s: u32,
    /// Newest event time that was known when this was written, in seconds since 1970.
    pub at_s: u32,
    /// Whether the hour is over; else an alert that did not wait for its end.
    pub is_final: bool,
    /// Events of the hour on the target.
    pub events: u32,
    /// Sum of capped, weighted evidence.
    pub score: f64,
    /// What an alert needs at least, from the cohort's own rows.
    pub threshold: f64,
    /// Whether a person should look: score at or over the threshold, and the rule of families.
    pub alert: bool,
    /// Families whose evidence reaches [`FAMILY_EVIDENCE_MIN`].
    pub families: Vec<Family>,
    /// Whether the burst reaches it too.
    pub burst: bool,
    /// All questions with evidence above 0, strongest first.
    pub signals: Vec<Signal>,
    /// Accounts that carry most of the marks, at most [`super::Limits::actors_listed_max`].
    pub actors: Vec<Implicated>,
    /// Marked actions of the hour beyond those of `actors`.
    pub marked_others: u32,
    /// The other target that shares most accounts.
    pub co_target: Option<CoTarget>,
    /// Whether this hour was kept out of baselines and cohorts.
    pub baseline_guarded: bool,
    /// Whether there is a past to compare with.
    pub history: History,
    /// With which targets it was compared.
    pub cohort: Cohort,
    /// Share of the cohort's target-hours that should alarm.
    pub requested_rate: f64,
    /// Share of the cohort's target-hours whose score reached the threshold so far.
    pub realised_rate: f64,
    /// Registered windows that hold at this time.
    pub registered: Vec<Reason>,
    /// What the score would be without each family that speaks, strongest first.
    pub counterfactual: Vec<Without>,
    /// Hash of the configuration; scores of different configurations are not compared.
    pub config: u64,
}

/// The score that follows from the numbers in a record: its evidence is computed again, and added up. O(signals · √n).
pub fn recompute(score: &Score) -> f64 {
    total(&again(score))
}

/// Whether the alert of a record follows from its numbers, as its score does.
pub fn recompute_alert(score: &Score) -> bool {
    let signals = again(score);
    let is_exempt = score.registered.contains(&Reason::Exempt);
    !is_exempt && speaking(&signals).holds() && total(&signals) >= score.threshold
}

fn again(score: &Score) -> Vec<Signal> {
    score.signals.iter().map(|signal| Signal { evidence: signal.recompute(), ..*signal }).collect()
}
