//! Special functions: ln Γ, the error of Stirling's formula, the regularised incomplete beta function in logarithms.
//!
//! What tails of distributions are made of, here and in two other modules. Nothing allocates. Arguments outside the stated
//! ranges give a finite number, never a panic.
#![allow(clippy::many_single_char_names, reason = "the names of the formulas")]

/// ln √(2π).
const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// From here on Stirling's series is exact to fourteen digits.
const SERIES_MIN: f64 = 16.0;

/// Steps of the continued fraction; enough for arguments up to 2³², which need some 2^16.
const FRACTION_STEPS_MAX: u32 = 1 << 18;

/// ln Γ(x + 1), x ≥ 0; the logarithm of x! for whole numbers. O(1), at most sixteen multiplications.
pub(crate) fn ln_factorial(x: f64) -> f64 {
    if x < SERIES_MIN {
        // Γ(x + 1) = Γ(x + 1 + m) / ((x + 1) ⋯ (x + m)), with x + m where the series holds.
        let mut product = 1.0;
        let mut shifted = x;
        while shifted < SERIES_MIN {
            shifted += 1.0;
            product *= shifted;
        }
        return ln_factorial_series(shifted) - product.ln();
    }
    ln_factorial_series(x)
}

fn ln_factorial_series(x: f64) -> f64 {
    (x + 0.5) * x.ln() - x + LN_SQRT_TAU + stirling_series(x)
}

/// What Stirling's formula lacks, x ≥ 16: 1/12x − 1/360x³ + 1/1260x⁵ − 1/1680x⁷.
fn stirling_series(x: f64) -> f64 {
    let square = 1.0 / (x * x);
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - square / 1680.0) * square) * square) / x
}

/// δ(x) = ln Γ(x + 1) − (x + ½) ln x + x − ln √(2π), x > 0.
fn stirling_error(x: f64) -> f64 {
    if x < SERIES_MIN {
        return ln_factorial(x) - (x + 0.5) * x.ln() + x - LN_SQRT_TAU;
    }
    stirling_series(x)
}

/// The deviance x ln(x/m) + m − x, x and m > 0, without the loss of digits where x is near m.
///
/// C. Loader, *Fast and accurate computation of binomial probabilities*, 2000, section 3.
fn deviance(x: f64, m: f64) -> f64 {
    let difference = x - m;
    if difference.abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() - difference;
    }
    let v = difference / (x + m);
    let square = v * v;
    let mut sum = difference * v;
    let mut term = 2.0 * x * v;
    let mut divisor = 1.0;
    while divisor < DEVIANCE_DIVISOR_MAX {
        term *= square;
        divisor += 2.0;
        let next = sum + term / divisor;
        if next.to_bits() == sum.to_bits() {
            return sum;
        }
        sum = next;
    }
    sum
}

/// v² is at most 1/100, so that twelve terms are all.
const DEVIANCE_DIVISOR_MAX: f64 = 31.0;

/// ln of Γ(n+1) / (Γ(x+1) Γ(n−x+1)) pˣ qⁿ⁻ˣ for real 0 ≤ x ≤ n, n > 0 and p + q = 1, both positive.
///
/// The binomial probability where x and n are whole. Exact to some thirteen digits of the probability for n up to 10⁹ (Loader
/// 2000, the saddle-point form). O(1).
pub(crate) fn ln_binomial(x: f64, n: f64, p: f64, q: f64) -> f64 {
    let rest = n - x;
    if x <= 0.0 {
        return n * if p < q { (-p).ln_1p() } else { q.ln() };
    }
    if rest <= 0.0 {
        return n * if q < p { (-q).ln_1p() } else { p.ln() };
    }
    let errors = stirling_error(n) - stirling_error(x) - stirling_error(rest);
    let scale = 0.5 * (n / (x * rest)).ln() - LN_SQRT_TAU;
    errors + scale - deviance(x, n * p) - deviance(rest, n * q)
}

/// ln Γ(z + a) − ln Γ(z + 1) for z ≥ 16, a > 0, without the loss of digits of a difference. O(1), two logarithms.
pub(crate) fn ln_rising(z: f64, a: f64) -> f64 {
    let (high, low) = (z + a, z + 1.0);
    let step = a - 1.0;
    (z + 0.5) * (step / low).ln_1p() + step * (high.ln() - 1.0) + stirling_series(high) - stirling_series(low)
}

/// ln of xᵃ yᵇ / B(a, b), a, b > 0, x + y = 1, both positive.
pub(crate) fn ln_beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    ln_binomial(a, a + b, x, y) + (a / (a + b) * b).ln()
}

/// ln Iₓ(a, b), the regularised incomplete beta function, a, b > 0; `y` is 1 − x, given apart so that neither loses digits.
///
/// A continued fraction by Lentz's method (*Numerical Recipes*, 3rd ed., 6.4), on the side on which it converges: O(√max(a, b))
/// steps. Relative error of I below 10⁻¹⁰ for a, b up to 10⁹.
pub(crate) fn ln_beta_inc(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if y <= 0.0 {
        return 0.0;
    }
    let kernel = ln_beta_kernel(a, b, x, y);
    if x * (a + b + 2.0) < a + 1.0 {
        return (kernel + (beta_fraction(a, b, x) / a).ln()).min(0.0);
    }
    let upper = kernel + (beta_fraction(b, a, y) / b).ln();
    (-upper.min(0.0).exp()).ln_1p()
}

/// The continued fraction of Iₓ(a, b) without its factor xᵃ yᵇ / (a B(a, b)).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guarded = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (sum, above, below) = (a + b, a + 1.0, a - 1.0);
    let mut c = 1.0;
    let mut d = 1.0 / guarded(1.0 - sum * x / above);
    let mut fraction = d;
    for step in 1..=FRACTION_STEPS_MAX {
        let m = f64::from(step);
        let twice = 2.0 * m;
        let even = m * (b - m) * x / ((below + twice) * (a + twice));
        d = 1.0 / guarded(1.0 + even * d);
        c = guarded(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (sum + m) * x / ((a + twice) * (above + twice));
        d = 1.0 / guarded(1.0 + odd * d);
        c = guarded(1.0 + odd / c);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < 4.0 * f64::EPSILON {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_factorial_is_the_logarithm_of_the_product() {
        let mut exact = 0.0;
        for i in 1..200_u32 {
            exact += f64::from(i).ln();
            let found = ln_factorial(f64::from(i));
            assert!((found - exact).abs() <= 1e-13 * exact.max(1.0), "{i}: {found} and {exact}");
        }
        // Γ(1/2) = √π, Γ(3/2) = √π/2.
        let half = std::f64::consts::PI.sqrt() / 2.0;
        assert!((ln_factorial(0.5) - half.ln()).abs() < 1e-13 && ln_factorial(0.0).abs() < 1e-13);
    }

    #[test]
    fn ln_factorial_obeys_the_recurrence_at_any_size() {
        for x in [1e-9, 0.3, 3.7, 15.5, 16.0, 17.25, 1e3, 1e6] {
            let step: f64 = ln_factorial(x + 1.0) - ln_factorial(x);
            assert!((step - (x + 1.0_f64).ln()).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn the_difference_of_two_is_that_of_their_logarithms() {
        for z in [16.0, 40.5, 1e3, 1e6] {
            for a in [1e-6, 0.5, 1.0, 3.7, 500.0] {
                let plain = ln_factorial(z + a - 1.0) - ln_factorial(z);
                assert!((ln_rising(z, a) - plain).abs() < 1e-8, "{z} {a}");
            }
        }
    }

    #[test]
    fn binomial_probabilities_sum_to_one() {
        for (n, p) in [(1_u32, 0.3_f64), (7, 0.01), (40, 0.5), (300, 0.9), (2_000, 0.2)] {
            let sum: f64 = (0..=n).map(|x| ln_binomial(f64::from(x), f64::from(n), p, 1.0 - p).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{n} at {p}: {sum}");
        }
    }

    #[test]
    fn the_incomplete_beta_function_has_its_closed_forms() {
        for x in [1e-6, 0.1, 0.5, 0.73, 0.999] {
            let y = 1.0 - x;
            for shape in [0.2, 1.0, 3.5, 40.0, 1e4] {
                // I(a, 1) = xᵃ and I(1, b) = 1 − yᵇ.
                let (left, right) = (ln_beta_inc(shape, 1.0, x, y), ln_beta_inc(1.0, shape, x, y));
                let (power, rest) = (shape * f64::ln(x), -(shape * f64::ln_1p(-x)).exp_m1());
                assert!((left - power).abs() < 1e-10 * power.abs().max(1.0), "{left} {power}");
                assert!((right - rest.ln()).abs() < 1e-10 * rest.ln().abs().max(1.0), "{right} {rest}");
            }
        }
    }

    #[test]
    fn the_two_sides_of_the_incomplete_beta_function_sum_to_one() {
        for (a, b) in [(0.02, 0.5), (1.5, 30.0), (25.0, 25.0), (1e3, 4.0), (3e6, 2e6), (0.1, 1e8)] {
            for x in [1e-7, 0.02, 0.5, 0.6, 0.97] {
                let sum = ln_beta_inc(a, b, x, 1.0 - x).exp() + ln_beta_inc(b, a, 1.0 - x, x).exp();
                assert!((sum - 1.0).abs() < 1e-9, "{a} {b} {x}: {sum}");
            }
        }
    }
}
