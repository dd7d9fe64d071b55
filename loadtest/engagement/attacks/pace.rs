//! When the events of an attack come.

use crate::engagement::season::awake_between;
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// A profile of delays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Fast at first, then fading: a panel that works an order off.
    Fading { hours: f64 },
    /// Evenly at random.
    Level { hours: f64 },
    /// One after the other with nearly equal gaps.
    Clockwork { hours: f64 },
    /// By day only, as people do.
    Daytime { hours: f64 },
    /// Slow at first: people take a task on as it spreads.
    Growing { hours: f64 },
}

impl Pace {
    /// A profile of one to twelve hours.
    pub(crate) fn short(random: &mut Random) -> Self {
        let hours = random.log_normal(3.0, 0.6).clamp(0.7, 12.0);
        match random.below(4) {
            0 => Self::Level { hours },
            1 => Self::Clockwork { hours },
            2 => Self::Growing { hours },
            _ => Self::Fading { hours },
        }
    }

    /// A profile of days.
    pub(crate) fn days(random: &mut Random, days: f64) -> Self {
        let hours = 24.0 * days;
        match random.below(3) {
            0 => Self::Clockwork { hours },
            1 => Self::Level { hours },
            _ => Self::Daytime { hours },
        }
    }

    /// What the truth file says.
    pub(crate) fn describe(self) -> String {
        let (name, hours) = match self {
            Self::Fading { hours } => ("fading", hours),
            Self::Level { hours } => ("level", hours),
            Self::Clockwork { hours } => ("clockwork", hours),
            Self::Daytime { hours } => ("daytime", hours),
            Self::Growing { hours } => ("growing", hours),
        };
        format!("{name}, {hours:.1} h")
    }

    /// How long it takes.
    pub(crate) fn length_ms(self) -> i64 {
        let (Self::Fading { hours }
        | Self::Level { hours }
        | Self::Clockwork { hours }
        | Self::Daytime { hours }
        | Self::Growing { hours }) = self;
        (hours * HOUR_MS as f64) as i64
    }

    /// `count` moments from `from_ms` on, in order.
    pub(crate) fn times(self, random: &mut Random, from_ms: i64, count: usize) -> Vec<i64> {
        let length = self.length_ms() as f64;
        let mut times: Vec<i64> = Vec::with_capacity(count);
        for nth in 0..count {
            let share = match self {
                Self::Fading { .. } => (random.exponential(0.3)).min(1.3),
                Self::Level { .. } => random.unit(),
                Self::Clockwork { .. } => (nth as f64 + 0.15 * random.normal()) / count as f64,
                Self::Growing { .. } => random.unit().sqrt(),
                Self::Daytime { .. } => {
                    times.push(awake_between(random, from_ms, from_ms + length as i64));
                    continue;
                }
            };
            times.push(from_ms + (share * length).max(0.0) as i64);
        }
        times.sort_unstable();
        times
    }
}
