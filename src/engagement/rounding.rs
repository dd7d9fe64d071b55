//! Numbers with few decimals, as records have them.

/// To so many decimals, half away from zero; what is no number is 0.
pub(super) fn round(value: f64, decimals: i32) -> f64 {
    let scale = match decimals {
        2 => 1e2,
        4 => 1e4,
        6 => 1e6,
        _ => 10_f64.powi(decimals),
    };
    let scaled = value * scale;
    let rounded = if scaled.abs() < WHOLE_MAX { half_away(scaled) } else { scaled.round() } / scale;
    if rounded.is_finite() { rounded } else { 0.0 }
}

/// Below this a number with a fraction fits into 64 bits with some to spare.
const WHOLE_MAX: f64 = 4e15;

/// `f64::round` by a cast, which is an instruction where `round` is a call without SSE 4.1. The remainder is exact.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "below 2^52")]
fn half_away(value: f64) -> f64 {
    let whole = value as i64 as f64;
    let rest = value - whole;
    let rounded = if rest.abs() >= 0.5 { whole + 1.0_f64.copysign(rest) } else { whole };
    // Nothing keeps its sign, too.
    rounded.copysign(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::half_away;

    proptest! {
        #[test]
        fn rounding_by_a_cast_is_that_of_the_library(value in -1e9_f64..1e9, halves in -2_000_i32..2_000) {
            for value in [value, f64::from(halves) / 2.0, f64::from(halves) / 2.0 - f64::EPSILON, -0.0] {
                prop_assert_eq!(half_away(value).to_bits(), value.round().to_bits());
            }
        }
    }
}
