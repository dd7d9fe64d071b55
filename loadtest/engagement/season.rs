//! When people are about: hours of the day and days of the week in their own time zone, and a public holiday.

use crate::random::Random;
use crate::rhythm::{HOUR_MS, HOURS};

/// Zones of the audience, in hours from UTC, and the share of people in each: China, North America, Europe, Japan.
pub(crate) const ZONES: [(i64, f64); 4] = [(8, 0.955), (-5, 0.02), (1, 0.015), (9, 0.01)];
/// Activity of a weekend's hours beside those of a working day; people rise an hour later.
const WEEKEND: f64 = 1.15;
/// Activity of a public holiday beside an ordinary day.
const HOLIDAY: f64 = 1.7;
/// Spread of an hour's activity of the whole site.
const HOUR_SIGMA: f64 = 0.06;
/// Monday, the first day of January 1970 being a Thursday.
const WEEKDAY_OF_EPOCH: i64 = 3;

/// Hour of the day, and whether it is Saturday or Sunday, in the zone.
fn local(time_ms: i64, zone: usize) -> (usize, bool) {
    let hours = time_ms.div_euclid(HOUR_MS) + ZONES[zone].0;
    let weekday = (hours.div_euclid(24) + WEEKDAY_OF_EPOCH).rem_euclid(7);
    (hours.rem_euclid(24) as usize, weekday >= 5)
}

/// Whether people of the zone are at work: Monday to Friday, nine to six.
pub(crate) fn is_office_hour(time_ms: i64, zone: usize) -> bool {
    let (hour, weekend) = local(time_ms, zone);
    !weekend && (9..18).contains(&hour)
}

/// Relative activity of a zone's people: 1 at an average working hour.
pub(crate) fn activity(time_ms: i64, zone: usize) -> f64 {
    let (hour, weekend) = local(time_ms, zone);
    let mean = HOURS.iter().sum::<f64>() / 24.0;
    if weekend { WEEKEND * HOURS[(hour + 23) % 24] / mean } else { HOURS[hour] / mean }
}

/// A moment of `from_ms..to_ms` at which people of China are awake, by the weights of the hours.
pub(crate) fn awake_between(random: &mut Random, from_ms: i64, to_ms: i64) -> i64 {
    let top =
        (0..24).map(|hour| HOURS[hour]).fold(0.0, f64::max) * 24.0 / HOURS.iter().sum::<f64>() * WEEKEND;
    let mut moment = from_ms;
    // A stretch of deep night alone accepts 1 in 14: what is not accepted by then is taken as it is.
    for _ in 0..64 {
        moment = random.between(from_ms, (to_ms - 1).max(from_ms));
        if random.unit() * top <= activity(moment, 0) {
            break;
        }
    }
    moment
}

/// The hours of the run: how many events each zone's people make in each.
#[derive(Debug)]
pub(crate) struct Season {
    shares: Vec<[f64; ZONES.len()]>,
}

impl Season {
    /// `hours` hours from `start_ms` on; those of the `holiday` are busier.
    pub(crate) fn new(seed: u64, start_ms: i64, hours: usize, holiday: Option<(i64, i64)>) -> Self {
        let mut random = Random::new(seed, "season", 0);
        let mut shares: Vec<[f64; ZONES.len()]> = Vec::with_capacity(hours);
        for hour in 0..hours {
            let now_ms = start_ms + hour as i64 * HOUR_MS;
            let noise = random.log_normal(1.0, HOUR_SIGMA);
            let is_holiday = holiday.is_some_and(|(from, to)| (from..to).contains(&now_ms));
            shares.push(std::array::from_fn(|zone| {
                let calendar = if is_holiday && zone == 0 { HOLIDAY } else { 1.0 };
                ZONES[zone].1 * activity(now_ms, zone) * noise * calendar
            }));
        }
        let sum: f64 = shares.iter().flatten().sum();
        shares.iter_mut().flatten().for_each(|share| *share /= sum);
        Self { shares }
    }

    /// Events of each zone in an hour, of `total` in the run.
    pub(crate) fn budget(&self, hour: usize, total: usize) -> [f64; ZONES.len()] {
        self.shares[hour].map(|share| share * total as f64)
    }
}
