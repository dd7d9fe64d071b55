//! When people post: the hours of a day in China, with some noise from hour to hour.

use crate::random::Random;

pub(crate) const HOUR_MS: i64 = 3_600_000;
/// China is eight hours ahead of UTC the whole year.
const ZONE_MS: i64 = 8 * HOUR_MS;
/// Relative activity of the hours of a day, local time: a deep night, peaks at noon and at nine in the evening.
pub(crate) const HOURS: [f64; 24] = [
    3.0, 1.8, 1.0, 0.7, 0.6, 0.8, 1.7, 3.2, 4.4, 4.9, 5.1, 5.4, 6.2, 5.8, 5.0, 4.9, 5.0, 5.3, 5.9, 6.6, 7.2,
    7.6, 7.0, 5.0,
];

/// The hour of the day, local time.
fn hour_of(time_ms: i64) -> usize {
    ((time_ms + ZONE_MS).div_euclid(HOUR_MS)).rem_euclid(24) as usize
}

/// How many of `total` posts each hour from `start_ms` on gets; the sum is `total`.
pub(crate) fn posts_per_hour(random: &mut Random, start_ms: i64, hours: usize, total: usize) -> Vec<usize> {
    let weight = |hour: usize, random: &mut Random| {
        HOURS[hour_of(start_ms + hour as i64 * HOUR_MS)] * random.log_normal(1.0, 0.15)
    };
    let weights: Vec<f64> = (0..hours).map(|hour| weight(hour, random)).collect();
    let sum: f64 = weights.iter().sum();
    let (mut reached, mut given) = (0.0, 0);
    let mut counts: Vec<usize> = Vec::with_capacity(hours);
    for weight in weights {
        reached += weight / sum;
        let upto = ((reached * total as f64).round() as usize).min(total);
        counts.push(upto - given);
        given = upto;
    }
    if let Some(last) = counts.last_mut() {
        *last += total - given;
    }
    counts
}

/// A moment near `time_ms` at which people are awake: the same day, by the weights of the hours.
pub(crate) fn awake(random: &mut Random, time_ms: i64) -> i64 {
    let day = (time_ms + ZONE_MS).div_euclid(24 * HOUR_MS) * 24 * HOUR_MS - ZONE_MS;
    let top = HOURS.iter().copied().fold(0.0, f64::max);
    loop {
        let moment = day + random.between(0, 24 * HOUR_MS - 1);
        if random.unit() * top <= HOURS[hour_of(moment)] {
            return moment;
        }
    }
}
