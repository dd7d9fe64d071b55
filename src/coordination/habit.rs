//! With which habits of its author a post breaks, and how often posts do.

use serde::{Deserialize, Serialize};

use super::background::{DAY_MS, HOUR_MS};

/// An account that was not seen for so long was silent.
pub(super) const SILENT_MS: i64 = 5 * DAY_MS;
/// Numbers of earlier posts that are told apart; more of them count as the last.
const STEPS: usize = 8;
/// Spans of the two memories of how often habits are broken: at least so long, and at most twice as long.
const LONG_MS: i64 = 14 * DAY_MS;
const SHORT_MS: i64 = 2 * HOUR_MS;
/// Shares while little is known, and how many posts these count for.
const PRIOR_NETWORK: f64 = 0.4;
const PRIOR_DEVICE: f64 = 0.05;
const PRIOR_SILENT: f64 = 0.1;
const PRIOR_UNSEEN: f64 = 0.5;
const PRIOR_POSTS: f64 = 100.0;
/// How many expected breaks of the last hours count as ordinary beforehand.
const PRIOR_BREAKS: f64 = 5.0;
/// Thousandths, in which expectations are added up.
const MILLI: f64 = 1000.0;

/// What was known of the author when a post came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habit {
    /// Posts of the author that were seen before this one.
    pub earlier: u32,
    /// Whether the author was never seen on the network before, which few others use; none where the post names none or
    /// the author was not seen on any.
    pub is_strange_network: Option<bool>,
    /// Whether the author was never seen on the device before; none where the post names none or the author was not seen
    /// on any.
    pub is_strange_device: Option<bool>,
    /// Whether the author was silent for days; none where there is no earlier post.
    pub was_silent: Option<bool>,
}

impl Habit {
    /// Whether this is the first post of its author that was seen.
    pub(super) fn is_unseen(self) -> bool {
        self.earlier == 0
    }

    fn step(self) -> usize {
        usize::try_from(self.earlier.saturating_sub(1)).unwrap_or(STEPS).min(STEPS - 1)
    }
}

/// How often something was asked and how often it was so.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Ratio {
    asked: u32,
    so: u32,
}

impl Ratio {
    fn count(&mut self, answer: Option<bool>) {
        self.asked = self.asked.saturating_add(u32::from(answer.is_some()));
        self.so = self.so.saturating_add(u32::from(answer == Some(true)));
    }

    fn plus(self, other: Self) -> Self {
        Self { asked: self.asked.saturating_add(other.asked), so: self.so.saturating_add(other.so) }
    }

    /// The share, as if [`PRIOR_POSTS`] more had been asked of which `prior` were so.
    fn share(self, prior: f64) -> f64 {
        (f64::from(self.so) + PRIOR_POSTS * prior) / (f64::from(self.asked) + PRIOR_POSTS)
    }
}

/// The habits, and whether there is an author who could have any.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Network,
    Device,
    Silence,
    Unseen,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Network, Self::Device, Self::Silence, Self::Unseen];

    fn answer(self, habit: Habit) -> Option<bool> {
        match self {
            Self::Network => habit.is_strange_network,
            Self::Device => habit.is_strange_device,
            Self::Silence => habit.was_silent,
            Self::Unseen => Some(habit.is_unseen()),
        }
    }

    fn prior(self) -> f64 {
        match self {
            Self::Network => PRIOR_NETWORK,
            Self::Device => PRIOR_DEVICE,
            Self::Silence => PRIOR_SILENT,
            Self::Unseen => PRIOR_UNSEEN,
        }
    }

    /// The place of a post's count: by the number of earlier posts, but for the question whether there are any.
    fn step(self, habit: Habit) -> usize {
        match self {
            Self::Network | Self::Device | Self::Silence => habit.step(),
            Self::Unseen => 0,
        }
    }
}

/// Answers by the number of earlier posts.
type Counts = [[Ratio; STEPS]; Kind::ALL.len()];

/// Breaks of the last hours, and the thousandths of breaks that were expected of the same posts.
type Lately = [(u32, u64); Kind::ALL.len()];

/// Counts of one to two spans of event time: the younger ones become the older, which are dropped.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Recent<T> {
    young: T,
    old: T,
    since_ms: Option<i64>,
    span_ms: i64,
}

impl<T: Default> Recent<T> {
    fn new(span_ms: i64) -> Self {
        Self { young: T::default(), old: T::default(), since_ms: None, span_ms }
    }

    /// The counts to add to.
    fn at(&mut self, now_ms: i64) -> &mut T {
        let age = now_ms.saturating_sub(*self.since_ms.get_or_insert(now_ms));
        if age >= self.span_ms {
            let is_long_ago = age >= self.span_ms.saturating_mul(2);
            let young = std::mem::take(&mut self.young);
            self.old = if is_long_ago { T::default() } else { young };
            self.since_ms = Some(now_ms);
        }
        &mut self.young
    }
}

/// How often the posts of the site break with the habits of their authors, by how well these are known.
///
/// What was usual in the last weeks is multiplied with what is unusual in the last hours, where more habits are broken than
/// usual: on a holiday everybody is somewhere else, and after an update every device has another name. The posts of the
/// accounts in question are among those counted, which can only make the shares larger. O(1) per call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Habits {
    long: Recent<Counts>,
    short: Recent<Lately>,
}

impl Habits {
    pub(super) fn new() -> Self {
        Self { long: Recent::new(LONG_MS), short: Recent::new(SHORT_MS) }
    }

    /// Counts a post; a first one has broken with no habit. `now_ms` is the newest time that was seen.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares from 0 to 1")]
    pub(super) fn add(&mut self, habit: Habit, now_ms: i64) {
        for kind in Kind::ALL {
            if habit.is_unseen() && !matches!(kind, Kind::Unseen) {
                continue;
            }
            let answer = kind.answer(habit);
            let expected = answer.map_or(0.0, |_| self.usual_share(habit, kind));
            self.long.at(now_ms)[kind as usize][kind.step(habit)].count(answer);
            let (breaks, expected_milli) = &mut self.short.at(now_ms)[kind as usize];
            *breaks = breaks.saturating_add(u32::from(answer == Some(true)));
            *expected_milli = expected_milli.saturating_add((expected * MILLI) as u64);
        }
    }

    /// Share of the posts of accounts with as many earlier posts that come from a strange network which few use.
    pub(super) fn strange_network_share(&self, habit: Habit) -> f64 {
        self.share(habit, Kind::Network)
    }

    /// The same for strange devices.
    pub(super) fn strange_device_share(&self, habit: Habit) -> f64 {
        self.share(habit, Kind::Device)
    }

    /// The same for posts after a silence.
    pub(super) fn silent_share(&self, habit: Habit) -> f64 {
        self.share(habit, Kind::Silence)
    }

    /// The same for posts of accounts that were never seen before.
    pub(super) fn unseen_share(&self) -> f64 {
        self.share(Habit::default(), Kind::Unseen)
    }

    fn usual_share(&self, habit: Habit, kind: Kind) -> f64 {
        let of = |counts: &Counts| counts[kind as usize][kind.step(habit)];
        of(&self.long.young).plus(of(&self.long.old)).share(kind.prior())
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of posts")]
    fn share(&self, habit: Habit, kind: Kind) -> f64 {
        let (young, old) = (self.short.young[kind as usize], self.short.old[kind as usize]);
        let breaks = f64::from(young.0) + f64::from(old.0);
        let expected = young.1.saturating_add(old.1) as f64 / MILLI;
        let lift = ((breaks + PRIOR_BREAKS) / (expected + PRIOR_BREAKS)).max(1.0);
        (self.usual_share(habit, kind) * lift).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(is_strange: bool) -> Habit {
        Habit { earlier: 3, is_strange_network: Some(is_strange), ..Habit::default() }
    }

    #[test]
    fn what_everybody_does_today_is_ordinary_today_and_forgotten_later() {
        let mut habits = Habits::new();
        for minute in 0..10_000 {
            habits.add(post(minute % 10 == 0), minute * 60_000);
        }
        let usual = habits.strange_network_share(post(true));
        assert!((0.1..0.15).contains(&usual), "{usual}");
        for second in 0..1000 {
            habits.add(post(true), 10 * DAY_MS + second * 1000);
        }
        let holiday = habits.strange_network_share(post(true));
        assert!(holiday > 0.5, "{holiday}");
        for minute in 0..60_000 {
            habits.add(post(false), 11 * DAY_MS + minute * 60_000);
        }
        let after = habits.strange_network_share(post(true));
        assert!(after < 0.02, "{after}");
    }

    #[test]
    fn first_posts_say_nothing() {
        let mut habits = Habits::new();
        for _ in 0..1000 {
            habits.add(Habit { earlier: 0, is_strange_device: Some(true), ..Habit::default() }, 0);
        }
        let one = Habit { earlier: 1, ..Habit::default() };
        assert!((habits.strange_device_share(one) - PRIOR_DEVICE).abs() < 1e-9);
    }
}
