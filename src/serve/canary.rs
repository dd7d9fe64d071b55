//! A share of accounts or of items.

use crate::model::KeyHash;

/// A share, in hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share(u16);

impl Share {
    const WHOLE: u16 = 10_000;

    /// A share in percent, rounded to hundredths; nothing for what is not 0 to 100.
    pub fn from_percent(percent: f64) -> Option<Self> {
        // 0 to 10 000, a whole number: the conversion loses nothing.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let share = || Self((percent * 100.0).round() as u16);
        (0.0..=100.0).contains(&percent).then(share)
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Whether a number that is spread evenly falls into the share. What falls into one falls into every larger one.
    pub(super) fn includes(self, number: u64) -> bool {
        number % u64::from(Self::WHOLE) < u64::from(self.0)
    }
}

/// Which accounts a candidate judges: a stable share by keyed hash.
#[derive(Clone, Copy)]
pub(super) struct Canary {
    hash: KeyHash,
    pub(super) share: Share,
}

impl std::fmt::Debug for Canary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canary").field("share", &self.share).finish_non_exhaustive()
    }
}

impl Canary {
    pub(super) fn new(hash: KeyHash, share: Share) -> Self {
        Self { hash, share }
    }

    /// Whether an account is in. Nobody without a name is.
    pub(super) fn includes(&self, account: &str) -> bool {
        !account.is_empty() && self.share.includes(self.hash.key(account.as_bytes()))
    }

    /// The same accounts' order with another share.
    pub(super) fn with(self, share: Share) -> Self {
        Self { share, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_zero_to_a_hundred_percent() {
        for (percent, share) in [(0.0, 0), (0.01, 1), (0.29, 29), (12.5, 1250), (100.0, 10_000)] {
            assert_eq!(Share::from_percent(percent), Some(Share(share)));
            assert!((Share(share).percent() - percent).abs() < 1e-9);
        }
        for percent in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::from_percent(percent), None);
        }
    }

    proptest! {
        #[test]
        fn a_growing_share_loses_nobody(phrase: String, account: String, small in 0.0..100.0_f64, large in 0.0..100.0_f64) {
            let canary = Canary::new(KeyHash::new(&phrase), Share::from_percent(small.min(large)).unwrap());
            let grown = canary.with(Share::from_percent(small.max(large)).unwrap());
            prop_assert!(!canary.includes(&account) || grown.includes(&account));
            prop_assert_eq!(canary.with(Share(10_000)).includes(&account), !account.is_empty());
            prop_assert!(!canary.with(Share(0)).includes(&account));
        }
    }

    #[test]
    fn about_as_many_accounts_are_in_as_the_share_says_and_another_key_chooses_others() {
        let chosen = |phrase: &str| -> Vec<bool> {
            let canary = Canary::new(KeyHash::new(phrase), Share::from_percent(20.0).unwrap());
            (0..5000).map(|n| canary.includes(&format!("account-{n}"))).collect()
        };
        let (one, other) = (chosen("one"), chosen("other"));
        let count = |chosen: &[bool]| chosen.iter().filter(|is_in| **is_in).count();
        assert!((850..1150).contains(&count(&one)), "{}", count(&one));
        let both = one.iter().zip(&other).filter(|(a, b)| **a && **b).count();
        assert!((120..290).contains(&both), "{both}");
        assert_eq!(one, chosen("one"));
    }
}
