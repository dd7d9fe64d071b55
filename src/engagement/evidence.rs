//! A target's hour → the answers to all questions.
//!
//! Nothing is computed for a count that is not clearly above its expectation, which is so for nearly all: a row without anything
//! unusual costs some sixty comparisons.

use super::cohort::{Norms, Share};
use super::config::Weights;
use super::event::{Kind, Reason};
use super::rounding::round;
use super::score::{EVIDENCE_CAP, Family, Prior, Signal, SignalName, Tail};
use super::target::{ACTS, Count, Hour, Past, Target};

/// The target's own past counts against this many observations of its cohort.
const OWN_PRIOR: f64 = 60.0;
const OWN_MIX_PRIOR: f64 = 20.0;
/// The own share is at most this factor of the cohort's and a little more: a slow attack teaches no more than that.
const OWN_FACTOR_MAX: f64 = 3.0;
const OWN_EXTRA_MAX: f64 = 0.05;
const OWN_FACTOR_MIN: f64 = 0.4;
/// Evidence is asked for from this many standard deviations above the expectation.
const DEVIATIONS_MIN: f64 = 1.0;
/// Events per hour that are expected of a target without a past, and the hours that this expectation is worth.
const PRIOR_RATE: f64 = 0.6;
const PRIOR_ACT_RATE: f64 = 0.15;
pub(super) const PRIOR_HOURS: f64 = 6.0;
/// A kind is asked about over a day from this many events.
const DAY_KIND_MIN: f64 = 8.0;
/// Variance of the logarithm of the gaps of independent visitors, π²/6.
const LN_GAP_VARIANCE: f64 = 1.645;
const GAPS_MIN: f64 = 12.0;
const CO_TARGET_MIN: u16 = 3;
const CO_TARGET_SIZE: f64 = 4.0;
const UNFOLLOW_SIZE: f64 = 2.0;
/// What a registered window adds to shares, and how firm a raised share is at most: nobody knows how large the response to a prize
/// is.
const RAISED_SHARE: f64 = 0.7;
const RAISED_SHARE_MAX: f64 = 0.9;
const RAISED_STRENGTH_MAX: f64 = 5.0;
/// The same for new accounts: half of those who come for a prize may be new, hardly all.
const RAISED_YOUNG_SHARE: f64 = 0.45;
const RAISED_YOUNG_STRENGTH_MAX: f64 = 10.0;
/// Of many pairs of targets the best is looked at: what it shares by chance beyond what a single pair does.
const CO_BEST_OF_MANY: f64 = 0.7;
/// Gaps beyond so many add nothing: acts of one visitor come in series, which makes large crowds a little more even than chance.
const GAPS_COUNTED_MAX: f64 = 200.0;
/// What is taken over from elsewhere follows all at once, and reads nothing.
const IMPORTED_SHARE: f64 = 0.98;

/// What a row is held against.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) norms: &'a Norms,
    pub(super) weights: &'a Weights,
    /// Season times shock.
    pub(super) factor: f64,
    pub(super) registered: &'a [Reason],
    /// How many accounts the best co-target would share by chance.
    pub(super) co_expected: f64,
}

/// A row with its day including the open hour.
struct Row<'a> {
    hour: &'a Hour,
    target: &'a Target,
    context: &'a Context<'a>,
    out: &'a mut Vec<Signal>,
}

/// Appends every signal with evidence above 0.
pub(super) fn signals_into(target: &Target, context: &Context<'_>, out: &mut Vec<Signal>) {
    let mut row = Row { hour: &target.hour, target, context, out };
    row.bursts();
    row.shares();
    row.mixes();
    row.lockstep();
    row.regularities();
}

/// The mean of an hour of this target: (reads, acts).
pub(super) fn usual_rates(target: &Target) -> (f64, f64) {
    let hours = f64::from(target.hours) + PRIOR_HOURS;
    let reads = (f64::from(target.reads) + (PRIOR_RATE - PRIOR_ACT_RATE) * PRIOR_HOURS) / hours;
    (reads, (f64::from(target.acts) + PRIOR_ACT_RATE * PRIOR_HOURS) / hours)
}

/// Whether the platform writes the events of such a window itself, as fast and as evenly as it likes.
pub(super) fn is_written_by_platform(reason: Reason) -> bool {
    matches!(reason, Reason::Import | Reason::Merge)
}

/// How much of what is seen a registered window explains.
fn raises(reason: Reason, family: Family) -> bool {
    match reason {
        Reason::Lottery => {
            matches!(family, Family::Burst | Family::Young | Family::Mix | Family::Exposure | Family::Churn)
        }
        Reason::Push => matches!(family, Family::Burst | Family::Mix | Family::Exposure),
        Reason::Import | Reason::Merge => {
            matches!(family, Family::Burst | Family::Young | Family::Mix | Family::Exposure)
                || matches!(family, Family::Lockstep | Family::Followers | Family::Churn | Family::Regularity)
        }
        Reason::Exempt => false,
    }
}

/// What a registered window multiplies the expected rate by.
pub(super) fn rate_factor(reason: Reason) -> f64 {
    match reason {
        Reason::Lottery => 10.0,
        Reason::Push => 20.0,
        Reason::Import | Reason::Merge => 50.0,
        Reason::Exempt => 1.0,
    }
}

impl Row<'_> {
    fn count(&self, count: Count) -> f64 {
        f64::from(self.hour.get(count))
    }

    fn is_raised(&self, family: Family) -> bool {
        self.context.registered.iter().any(|reason| raises(*reason, family))
    }

    /// Asks whether k events are many where `expected` are the mean.
    fn ask_rate(&mut self, name: SignalName, family: Family, k: f64, mean: f64, size: f64) {
        let is_raised = self.is_raised(family);
        let raise = self.context.registered.iter().map(|reason| rate_factor(*reason)).fold(1.0, f64::max);
        let mean = if is_raised { mean * raise } else { mean };
        if k < 2.0 || k <= mean {
            return;
        }
        self.push(Signal {
            tail: Tail::NegativeBinomial,
            k,
            n: f64::from(self.hour.events),
            expected: round(mean, 4),
            strength: round(size, 2),
            raised: is_raised,
            ..blank(name, family, Prior::Own)
        });
    }

    /// Asks whether k of n are many where `share` is usual.
    fn ask_share(&mut self, blank: Signal, k: f64, n: f64, share: f64, strength: f64) {
        if k < 2.0 || k <= n * share {
            return;
        }
        let is_raised = self.is_raised(blank.family);
        let is_imported = self.context.registered.iter().any(|reason| is_written_by_platform(*reason));
        let (added, strength_max) = match blank.family {
            Family::Young => (RAISED_YOUNG_SHARE, RAISED_YOUNG_STRENGTH_MAX),
            _ => (RAISED_SHARE, RAISED_STRENGTH_MAX),
        };
        let share = match (is_raised, is_imported) {
            (false, _) => share,
            (true, true) => share.max(IMPORTED_SHARE),
            (true, false) => (share + added).min(RAISED_SHARE_MAX).max(share),
        };
        let strength = if is_raised { strength.min(strength_max) } else { strength };
        let chance = n * share * (1.0 - share) * (1.0 + (n - 1.0) / (strength + 1.0));
        let above = k - n * share;
        if above <= 0.0 || above * above < DEVIATIONS_MIN * DEVIATIONS_MIN * chance {
            return;
        }
        self.push(Signal {
            tail: Tail::BetaBinomial,
            k,
            n,
            expected: round(share, 6).clamp(1e-6, 1.0 - 1e-6),
            strength: round(strength, 2),
            raised: is_raised,
            ..blank
        });
    }

    fn push(&mut self, mut signal: Signal) {
        signal.weight = self.context.weights.of(signal.name);
        signal.evidence = signal.recompute();
        if signal.evidence > 0.0 {
            self.out.push(signal);
        }
    }

    fn bursts(&mut self) {
        let (reads, acts) = usual_rates(self.target);
        let hours = f64::from(self.target.hours).min(100.0);
        let size = 1.5 + 0.02 * hours;
        let factor = self.context.factor;
        // Acts are asked about by themselves, so that reads do not hide them.
        let scale = f64::from(1_u32 << self.hour.scale);
        let own_acts = f64::from(self.hour.acts()) * scale;
        let mark = self.out.len();
        self.ask_rate(
            SignalName::Burst,
            Family::Burst,
            f64::from(self.hour.events),
            (reads + acts) * factor,
            size,
        );
        self.ask_rate(SignalName::Burst, Family::Burst, own_acts, acts * factor, size);
        keep_strongest(self.out, mark);
        let share = |past: &Past, kind: usize| f64::from(past.kind(kind)) / f64::from(past.events).max(1.0);
        let usual = (reads + acts) * share(&self.target.slow, Kind::Unfollow as usize);
        let unfollows = f64::from(self.hour.kinds[Kind::Unfollow as usize]) * scale;
        self.ask_rate(
            SignalName::MassUnfollow,
            Family::Churn,
            unfollows,
            (usual + 0.3) * factor.max(1.0),
            UNFOLLOW_SIZE,
        );
    }

    /// The share that is expected of this target: its own past, drawn toward its cohort, within bounds around it.
    fn expected(&self, share: Share) -> (f64, f64) {
        expected_share(self.target, self.context.norms, share)
    }

    fn shares(&mut self) {
        use SignalName as S;
        let (actors, readers) = (self.count(Count::Actors), self.count(Count::Readers));
        let acts = f64::from(self.hour.acts());
        let reads = f64::from(self.hour.kinds[Kind::Read as usize]);
        let total = f64::from(self.hour.total());
        let (converts, came) = converted(actors, self.count(Count::Unexposed), readers);
        let asked = [
            (Share::Conversion, S::Conversion, Family::Mix, converts, came),
            (Share::Young, S::YoungShare, Family::Young, self.count(Count::Young), actors),
            (Share::YoungReaders, S::YoungReaders, Family::Young, self.count(Count::YoungReaders), readers),
            (Share::LowCredit, S::LowCredit, Family::Young, self.count(Count::LowCredit), actors),
            (Share::Device, S::SharedDevices, Family::Concentration, self.count(Count::Device), actors),
            (
                Share::ReaderDevice,
                S::ReaderDevices,
                Family::Concentration,
                self.count(Count::ReaderDevice),
                readers,
            ),
            (Share::Network, S::SharedNetworks, Family::Concentration, self.count(Count::Network), actors),
            (
                Share::ReaderNetwork,
                S::ReaderNetworks,
                Family::Concentration,
                self.count(Count::ReaderNetwork),
                readers,
            ),
            (Share::Repeat, S::Repeats, Family::Concentration, (acts - actors).max(0.0), acts),
            (Share::Reread, S::RereadShare, Family::Concentration, (reads - readers).max(0.0), reads),
            (Share::Churn, S::Churn, Family::Churn, self.count(Count::Churn), total),
            (Share::Unexposed, S::NeverExposed, Family::Exposure, self.count(Count::Unexposed), actors),
            (Share::Company, S::Company, Family::Lockstep, self.count(Count::Company), actors),
            (
                Share::UnreadUnfollow,
                S::UnreadUnfollows,
                Family::Exposure,
                self.count(Count::UnreadUnfollow),
                f64::from(self.hour.kinds[Kind::Unfollow as usize]),
            ),
        ];
        for (share, name, family, k, n) in asked {
            if k >= 2.0 {
                let (expected, strength) = self.expected(share);
                self.ask_share(blank(name, family, Prior::Own), k, n, expected, strength);
            }
        }
        self.day_shares(actors, readers, total);
    }

    fn day_shares(&mut self, actors: f64, readers: f64, total: f64) {
        use SignalName as S;
        let day = self.target.day;
        let (day_actors, day_readers) = (f64::from(day.actors) + actors, f64::from(day.readers) + readers);
        let asked = [
            (Share::Young, S::YoungShareDay, Family::Young, day_actors),
            (Share::Device, S::SharedDevicesDay, Family::Concentration, day_actors),
            (Share::ReaderDevice, S::ReaderDevicesDay, Family::Concentration, day_readers),
            (Share::Churn, S::ChurnDay, Family::Churn, f64::from(day.events) + total),
            (Share::Unexposed, S::NeverExposedDay, Family::Exposure, day_actors),
            (Share::Company, S::CompanyDay, Family::Lockstep, day_actors),
        ];
        for (share, name, family, n) in asked {
            let Some(count) = share.count() else { continue };
            let own = self.count(count);
            let k = (f64::from(day.count_of(count)) + own).round();
            if own < 1.0 || k < 2.0 {
                continue;
            }
            let hour_n = match share {
                Share::ReaderDevice => readers,
                Share::Churn => total,
                _ => actors,
            };
            let (expected, strength) = self.expected(share);
            let factor = part_of_hour(own, hour_n, k, n);
            let blank = Signal { factor, ..blank(name, family, Prior::Own) };
            self.ask_share(blank, k, n.round().max(k), expected, strength);
        }
    }

    fn mixes(&mut self) {
        let (slow, day) = (self.target.slow, self.target.day);
        let total = f64::from(self.hour.total());
        let day_total = (f64::from(day.events) + total).round();
        let mark = self.out.len();
        for kind in Kind::ALL {
            let (place, k) = (kind as usize, f64::from(self.hour.kinds[kind as usize]));
            if k < 2.0 {
                continue;
            }
            let usual = self.context.norms.kinds[place];
            let own = (f64::from(slow.kind(place)) + OWN_MIX_PRIOR * usual.share())
                / (f64::from(slow.events) + OWN_MIX_PRIOR);
            let factor = if kind == Kind::Read { 0.5 } else { 1.0 };
            // Unfollows that stand out are the same fact as a mass unfollow.
            let family = if kind == Kind::Unfollow { Family::Churn } else { Family::Mix };
            let blank = Signal { kind: Some(kind), factor, ..blank(SignalName::KindMix, family, Prior::Own) };
            self.ask_share(blank, k, total, own.clamp(0.001, 0.999), usual.strength());
        }
        keep_strongest(self.out, mark);
        let mark = self.out.len();
        for place in ACTS {
            let k = (f64::from(day.kind(place)) + f64::from(self.hour.kinds[place])).round();
            let own = f64::from(self.hour.kinds[place]);
            if k >= DAY_KIND_MIN && own >= 1.0 {
                let usual = self.context.norms.day_kinds[place];
                let blank = Signal {
                    kind: Some(Kind::ALL[place]),
                    factor: part_of_hour(own, total, k, day_total),
                    ..blank(SignalName::KindMixDay, Family::Mix, Prior::Cohort)
                };
                self.ask_share(blank, k, day_total.max(k), usual.share(), usual.strength());
            }
        }
        keep_strongest(self.out, mark);
    }

    fn lockstep(&mut self) {
        let count = self.hour.co_count;
        if count >= CO_TARGET_MIN {
            let (name, count) = (SignalName::CoTarget, f64::from(count));
            // Where regulars meet, those who are new share what the others share: a club and its habits.
            let expected = CO_BEST_OF_MANY + self.context.co_expected + self.target.regular_share() * count;
            self.ask_rate(name, Family::Lockstep, count, expected, CO_TARGET_SIZE);
            if let Some(signal) = self.out.last_mut().filter(|signal| signal.name == name) {
                signal.prior = Prior::Chance;
            }
        }
    }

    fn regularities(&mut self) {
        if self.is_raised(Family::Regularity) {
            return;
        }
        let hour = [f64::from(self.hour.gaps), f64::from(self.hour.ln_gap), f64::from(self.hour.ln_gap2)];
        let day: [f64; 3] = std::array::from_fn(|i| f64::from(self.target.day_gaps[i]) + hour[i]);
        let mark = self.out.len();
        for (name, [gaps, ln, ln2]) in [(SignalName::Regularity, hour), (SignalName::RegularityDay, day)] {
            if gaps < GAPS_MIN || hour[0] < 2.0 {
                continue;
            }
            let mean = ln / gaps;
            let variance = ln2 / gaps - mean * mean;
            if variance < LN_GAP_VARIANCE {
                self.push(Signal {
                    tail: Tail::Regularity,
                    k: round(variance.max(0.0), 4),
                    n: gaps.round().min(GAPS_COUNTED_MAX),
                    expected: LN_GAP_VARIANCE,
                    strength: round(mean, 4),
                    ..blank(name, Family::Regularity, Prior::Chance)
                });
            }
        }
        keep_strongest(self.out, mark);
    }
}

/// How much of a day's evidence the hour itself bears out: a day that was unusual says nothing against an hour that is not.
/// 1 where the hour's share is the day's, 0 where it is a quarter of it; half for a single event.
fn part_of_hour(k: f64, n: f64, day_k: f64, day_n: f64) -> f64 {
    let ratio = (k / n.max(1.0)) / (day_k / day_n.max(1.0));
    let part = ((ratio - 0.25) / 0.75).clamp(0.0, 1.0);
    round(if k < 2.0 { part / 2.0 } else { part }, 2)
}

/// Accounts that read and acted, out of those that read. Acts without a read are another question; who read in the hour before
/// counts as a reader of this one.
pub(super) fn converted(actors: f64, unexposed: f64, readers: f64) -> (f64, f64) {
    let exposed = (actors - unexposed).max(0.0);
    (exposed, readers.max(exposed))
}

/// The share that is expected of a target, and what it is worth.
pub(super) fn expected_share(target: &Target, norms: &Norms, share: Share) -> (f64, f64) {
    let usual = norms.shares[share as usize];
    let cohort = usual.share();
    let slow = &target.slow;
    let part = match (share, share.count()) {
        (_, Some(count)) => slow.count_of(count),
        (Share::Conversion, None) => (slow.actors - slow.count_of(Count::Unexposed)).clamp(0.0, slow.readers),
        (_, None) => return (cohort, usual.strength()),
    };
    let whole = match share {
        Share::YoungReaders | Share::ReaderDevice | Share::Conversion => slow.readers,
        Share::Churn => slow.events,
        _ => slow.actors,
    };
    let own = (f64::from(part) + OWN_PRIOR * cohort) / (f64::from(whole) + OWN_PRIOR);
    let bounded = own.clamp(cohort * OWN_FACTOR_MIN, cohort * OWN_FACTOR_MAX + OWN_EXTRA_MAX);
    (bounded.clamp(0.001, 0.98), usual.strength())
}

fn blank(name: SignalName, family: Family, prior: Prior) -> Signal {
    Signal {
        name,
        family,
        kind: None,
        tail: Tail::NegativeBinomial,
        k: 0.0,
        n: 0.0,
        expected: 0.0,
        strength: 0.0,
        prior,
        factor: match name {
            SignalName::SharedNetworks | SignalName::ReaderNetworks => 0.5,
            _ => 1.0,
        },
        cap: EVIDENCE_CAP,
        evidence: 0.0,
        weight: 0.0,
        raised: false,
    }
}

/// Of the signals from `mark` on, which ask the same of several things, keeps the one with the most evidence.
fn keep_strongest(out: &mut Vec<Signal>, mark: usize) {
    let mut best = mark;
    for i in mark..out.len() {
        if out[i].evidence > out[best].evidence {
            best = i;
        }
    }
    if best < out.len() {
        out.swap(mark, best);
        out.truncate(mark + 1);
    }
}

/// A signal about follower counts.
pub(super) fn follower_signal(name: SignalName, k: f64, mean: f64, size: f64, weights: &Weights) -> Signal {
    let family = if name == SignalName::FollowerChange { Family::Burst } else { Family::Followers };
    let mut signal = Signal {
        k,
        n: k,
        expected: round(mean, 4),
        strength: size,
        weight: weights.of(name),
        ..blank(name, family, Prior::Own)
    };
    signal.evidence = signal.recompute();
    signal
}
