//! How many accounts use a pair of characters on a day, in fixed memory.

use super::minhash::mix64;
use crate::saved::{Format, Reader, SavedError, Writer, rule};

const FORMAT: Format = Format { magic: *b"QLGRAM\r\n", version: 1, what: "table of frequencies" };

/// Sizes that make sense, as powers of two.
const BITS: std::ops::RangeInclusive<u32> = 10..=24;
/// Rows of the table: the smaller of two counts is less often another pair's.
const ROWS: usize = 2;
/// Bits of the filter per cell.
const FILTER_BITS_LOG2: u32 = 6;
const DAY_MS: i64 = 86_400_000;
/// What a day leaves of the days before it: together they weigh as much as seven days.
const KEPT_PER_DAY: f32 = 6.0 / 7.0;
/// Days after which next to nothing is left.
const DAYS_MAX: i64 = 120;
/// Pairs that are counted together.
const GRAMS_AT_ONCE: usize = 64;
/// Accounts are sampled at one in 2 to the power of at most this.
const RATE_MAX: u32 = 32;

/// Accounts per day that use a gram, decayed over seven days; fixed memory.
///
/// A count-min sketch (Cormode and Muthukrishnan 2005) of two rows behind a Bloom filter that holds the day's pairs of
/// account and gram. When the filter is half full, half of the accounts are no longer counted, so that shares stay
/// right however many posts there are. Counts err upwards, so that rarity errs downwards.
#[derive(Clone, Debug)]
pub struct GramFrequency {
    bits: u32,
    /// Weighed accounts per cell, one row behind the other.
    cells: Vec<f32>,
    filter: Vec<u64>,
    /// Bits that are set in the filter.
    filled: u64,
    /// Weighed accounts.
    accounts: f32,
    day: i64,
    /// One in 2^rate accounts is counted.
    rate: u32,
}

impl GramFrequency {
    /// An empty table of two rows of 2^`bits` cells, 10 to 24: 16 · 2^`bits` bytes. Twenty bits (16 MB) serve some
    /// millions of posts a day.
    pub fn new(bits: u32) -> Self {
        let bits = bits.clamp(*BITS.start(), *BITS.end());
        Self {
            bits,
            cells: vec![0.0; ROWS << bits],
            filter: vec![0; Self::filter_words(bits)],
            filled: 0,
            accounts: 0.0,
            day: i64::MIN,
            rate: 0,
        }
    }

    const fn filter_words(bits: u32) -> usize {
        1 << (bits + FILTER_BITS_LOG2 - 6)
    }

    /// Counts the grams of one post of an account, each once per account and day. Posts of days gone by count for the
    /// current day. O(grams), and once a day O(cells).
    pub fn add(&mut self, account: u64, time_ms: i64, grams: &[u32]) {
        self.turn_to(time_ms.div_euclid(DAY_MS));
        let account = mix64(account ^ 0x4143_434F);
        if account >> (64 - RATE_MAX - 1) & ((1 << self.rate) - 1) != 0 {
            return;
        }
        if self.is_first(mix64(account)) {
            self.accounts += 1.0;
        }
        for grams in grams.chunks(GRAMS_AT_ONCE) {
            // Whether a pair is new is known late, when its line has come: each is written, and the next over it unless it
            // is, so that no branch waits and the lines of all pairs come together.
            let (mut new, mut count) = ([0; GRAMS_AT_ONCE], 0);
            for gram in grams {
                new[count] = *gram;
                count += usize::from(self.is_first(mix64(account ^ u64::from(*gram))));
            }
            for gram in &new[..count] {
                for place in self.places(*gram) {
                    self.cells[place] += 1.0;
                }
            }
        }
        if self.filled * 2 > self.filter.len() as u64 * 64 && self.rate < RATE_MAX {
            self.rate += 1;
            self.scale(0.5);
            self.clear_filter();
        }
    }

    /// How rare a gram is: −log₂ of the share of accounts that use it on a day, 0 and more; both counts plus one, so
    /// that nothing is rarer than the table can tell.
    pub fn bits(&self, gram: u32) -> f32 {
        let uses = self.places(gram).map(|place| self.cells[place]).into_iter().fold(f32::INFINITY, f32::min);
        ((self.accounts + 1.0) / (uses + 1.0)).log2().max(0.0)
    }

    /// Accounts per day, decayed over seven days; 0 before the first.
    pub fn accounts_per_day(&self) -> f32 {
        self.accounts / 7.0 * 2.0_f32.powf(self.rate_as_f32())
    }

    #[allow(clippy::cast_precision_loss, reason = "at most 32")]
    fn rate_as_f32(&self) -> f32 {
        self.rate as f32
    }

    /// Bytes that it takes.
    pub fn memory_bytes(&self) -> usize {
        self.cells.len() * 4 + self.filter.len() * 8
    }

    #[allow(clippy::cast_possible_truncation, reason = "masked to the size of the table")]
    fn places(&self, gram: u32) -> [usize; ROWS] {
        let hash = mix64(u64::from(gram) | 0x4652 << 32);
        let mask = (1 << self.bits) - 1;
        [hash as usize & mask, (1 << self.bits) + ((hash >> 32) as usize & mask)]
    }

    /// Sets two bits of one word; whether one of them was clear.
    #[allow(clippy::cast_possible_truncation, reason = "masked to the size of the filter")]
    fn is_first(&mut self, hash: u64) -> bool {
        let word = (hash >> 12) as usize & (self.filter.len() - 1);
        let bits = 1_u64 << (hash & 63) | 1_u64 << (hash >> 6 & 63);
        let new = bits & !self.filter[word];
        self.filter[word] |= bits;
        self.filled += u64::from(new.count_ones());
        new != 0
    }

    fn turn_to(&mut self, day: i64) {
        if day <= self.day {
            return;
        }
        let days = if self.day == i64::MIN { 0 } else { day.saturating_sub(self.day).min(DAYS_MAX) };
        self.day = day;
        if days == 0 {
            return;
        }
        let mut kept = (0..days).fold(1.0, |kept, _| kept * KEPT_PER_DAY);
        // A quiet day makes room for more accounts.
        if self.rate > 0 && self.filled * 8 < self.filter.len() as u64 * 64 {
            self.rate -= 1;
            kept *= 2.0;
        }
        self.scale(kept);
        self.clear_filter();
    }

    fn scale(&mut self, factor: f32) {
        self.cells.iter_mut().for_each(|cell| *cell *= factor);
        self.accounts *= factor;
    }

    fn clear_filter(&mut self) {
        self.filter.fill(0);
        self.filled = 0;
    }

    /// The table as bytes, a checksum at the end.
    pub fn save(&self) -> Vec<u8> {
        let mut out = Writer::new(&FORMAT);
        out.u32(self.bits);
        out.u32(self.rate);
        out.i64(self.day);
        out.f32(self.accounts);
        self.cells.iter().for_each(|cell| out.f32(*cell));
        self.filter.iter().for_each(|word| out.u64(*word));
        out.finish()
    }

    /// Reads what [`GramFrequency::save`] wrote.
    ///
    /// # Errors
    /// Bytes that are foreign, of another version, cut off, damaged or invalid.
    pub fn load(bytes: &[u8]) -> Result<Self, SavedError> {
        let mut reader = Reader::new(&FORMAT, bytes)?;
        let (bits, rate) = (reader.u32("the head")?, reader.u32("the head")?);
        rule(BITS.contains(&bits) && rate <= RATE_MAX, "the size")?;
        let (day, accounts) = (reader.i64("the head")?, reader.f32("the head")?);
        let filter_words = Self::filter_words(bits);
        if reader.remaining() != (ROWS << bits) * 4 + filter_words * 8 {
            return Err(SavedError::Truncated { part: "the table" });
        }
        let is_count = |count: f32| count.is_finite() && count >= 0.0;
        rule(is_count(accounts), "the number of accounts")?;
        let mut cells = Vec::with_capacity(ROWS << bits);
        for _ in 0..ROWS << bits {
            cells.push(reader.f32("the table")?);
        }
        rule(cells.iter().all(|cell| is_count(*cell)), "a count")?;
        let mut filter = Vec::with_capacity(filter_words);
        for _ in 0..filter_words {
            filter.push(reader.u64("the filter")?);
        }
        reader.end()?;
        let filled = filter.iter().map(|word| u64::from(word.count_ones())).sum();
        Ok(Self { bits, cells, filter, filled, accounts, day, rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_pairs_have_more_bits_and_old_days_fade() {
        let day = 86_400_000;
        let mut table = GramFrequency::new(12);
        for account in 0..1_000 {
            table.add(account, 0, &[1]);
            table.add(account, 0, &[1]);
            if account % 100 == 0 {
                table.add(account, 0, &[2]);
            }
        }
        assert!((table.bits(1) - 0.0).abs() < 0.01, "{}", table.bits(1));
        assert!((table.bits(2) - (1_001.0_f32 / 11.0).log2()).abs() < 0.1, "{}", table.bits(2));
        assert!((table.bits(3) - 1_001.0_f32.log2()).abs() < 0.1, "{}", table.bits(3));
        for later in 1..30 {
            (0..1_000).for_each(|account| table.add(account, later * day, &[2]));
        }
        assert!(table.bits(2) < 0.1 && table.bits(1) > 4.0, "{} {}", table.bits(2), table.bits(1));
        assert!((table.accounts_per_day() - 1_000.0).abs() < 100.0, "{}", table.accounts_per_day());
    }

    #[test]
    fn shares_stay_right_when_accounts_are_sampled() {
        let mut table = GramFrequency::new(10);
        for account in 0..200_000 {
            table.add(account, 0, &[1]);
            if account % 4 == 0 {
                table.add(account, 0, &[2]);
            }
        }
        assert!(
            table.bits(1) < 0.3 && (table.bits(2) - 2.0).abs() < 0.3,
            "{} {}",
            table.bits(1),
            table.bits(2)
        );
    }
}
