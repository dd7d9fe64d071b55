//! Random numbers: one stream per part of a run, so that a change in one part leaves the others as they were.

/// A seeded stream.
#[derive(Debug)]
pub(crate) struct Random(fastrand::Rng);

/// Spreads a number over 64 bits: the finaliser of `SplitMix64` (Steele, Lea, Flood 2014), a bijection.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    /// The stream of the `index`-th thing of a named part.
    pub(crate) fn new(seed: u64, part: &str, index: usize) -> Self {
        let named = part.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
        Self(fastrand::Rng::with_seed(mix(named ^ index as u64)))
    }

    /// Uniform in `0..end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.usize(..end) }
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high.max(low))
    }

    /// Uniform number of things in `low..=high`.
    pub(crate) fn count(&mut self, (low, high): (usize, usize)) -> usize {
        self.0.usize(low..=high.max(low))
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// Uniform in `0..1`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.f64()
    }

    /// One of the values. The slice is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// Log-normal, by the method of Box and Muller (1958).
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// Standard normal, by the method of Box and Muller (1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Exponential.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Poisson: Knuth's product of uniforms (1969) for small means, a rounded normal above 40.
    pub(crate) fn poisson(&mut self, mean: f64) -> usize {
        if mean > 40.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as usize;
        }
        let (floor, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Log-uniform in `low..=high`, rounded down: small values are common, large ones occur.
    pub(crate) fn log_uniform(&mut self, low: usize, high: usize) -> usize {
        let (from, to) = ((low as f64).ln(), ((high + 1) as f64).ln());
        ((from + self.unit() * (to - from)).exp() as usize).clamp(low, high)
    }

    /// Puts the values into random order.
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        self.0.shuffle(values);
    }
}

/// Draws indexes by weight.
#[derive(Debug)]
pub(crate) struct Weighted(Vec<f64>);

impl Weighted {
    /// Weights of at least one thing.
    pub(crate) fn new(weights: impl Iterator<Item = f64>) -> Self {
        let sums = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self(sums.collect())
    }

    /// One index. O(log n).
    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let aim = random.unit() * self.0.last().copied().unwrap_or(0.0);
        self.0.partition_point(|sum| *sum <= aim).min(self.0.len().saturating_sub(1))
    }
}
