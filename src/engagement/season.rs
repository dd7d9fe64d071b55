//! How busy the site is: by the hour of the day and the day of the week, and in this very hour.

use serde::{Deserialize, Serialize};

use super::event::TargetKind;

const HOURS: usize = 24;
const DAYS: usize = 7;
/// What a new hour counts in the mean of its kind; the mean of a weekday or an hour reaches back some weeks.
const GAIN: f32 = 0.2;
/// Ratios that a shock is taken from.
pub(super) const RATIOS_MAX: usize = 4096;
const RATIOS_MIN: usize = 24;

/// Mean events by hour of day, and the factor of the day of the week, per kind of target.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Season {
    hours: [[f32; HOURS]; TargetKind::ALL.len()],
    days: [[f32; DAYS]; TargetKind::ALL.len()],
    /// Events of the open hour.
    open: [f32; TargetKind::ALL.len()],
}

impl Season {
    pub(super) fn count(&mut self, kind: TargetKind, events: f32) {
        self.open[kind as usize] += events;
    }

    /// Takes the hour that is over into the means.
    pub(super) fn close(&mut self, hour: u32) {
        let (of_day, of_week) = (hour as usize % HOURS, hour as usize / HOURS % DAYS);
        for kind in TargetKind::ALL {
            let events = std::mem::take(&mut self.open[kind as usize]);
            let usual = &mut self.hours[kind as usize][of_day];
            let day = &mut self.days[kind as usize][of_week];
            if *usual > 0.0 {
                let now = if *day > 0.0 { *day } else { 1.0 };
                let ratio = (events / *usual).clamp(0.2, 5.0);
                *day = now + (ratio - now) * GAIN / 4.0;
                *usual += (events.min(5.0 * *usual) / now - *usual) * GAIN;
            } else {
                *usual = events;
            }
        }
    }

    /// What the hour of the week does to targets, per kind.
    pub(super) fn factors(&self, hour: u32) -> [f64; TargetKind::ALL.len()] {
        TargetKind::ALL.map(|kind| self.factor(kind, hour))
    }

    /// What the hour of the week does to a target of a kind, 1 on the average. At least .1.
    fn factor(&self, kind: TargetKind, hour: u32) -> f64 {
        let hours = &self.hours[kind as usize];
        let own = hours[hour as usize % HOURS];
        let known: Vec<f32> = hours.iter().copied().filter(|events| *events > 0.0).collect();
        if own <= 0.0 || known.len() < HOURS {
            return 1.0;
        }
        let mean = known.iter().sum::<f32>() / 24.0;
        let day = self.days[kind as usize][hour as usize / HOURS % DAYS];
        let day = if day > 0.0 { day } else { 1.0 };
        f64::from((0.3 + 0.7 * own * day / mean).max(0.1))
    }
}

/// What moves all targets of an hour alike: the median of what came over what was expected, between 1/4 and 20.
///
/// A holiday, an outage or an evening before a feast moves the median; an attack on some targets does not.
pub(super) fn shock(ratios: &mut Vec<f32>) -> f64 {
    ratios.truncate(RATIOS_MAX);
    if ratios.len() < RATIOS_MIN {
        return 1.0;
    }
    let middle = ratios.len() / 2;
    let (_, median, _) = ratios.select_nth_unstable_by(middle, f32::total_cmp);
    f64::from(*median).clamp(0.25, 20.0)
}
