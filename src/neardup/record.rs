//! What a window keeps of one post, 48 bytes beside its sketch and its set of pairs.

use super::arena::SetAt;
use super::fingerprint::Fingerprint;
use super::minhash::PERMUTATIONS;

/// The low byte of each minimum: enough to guess the Jaccard index before the sets are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Sketch(pub(super) [u8; PERMUTATIONS]);

impl Default for Sketch {
    fn default() -> Self {
        Self([0; PERMUTATIONS])
    }
}

impl Sketch {
    #[allow(clippy::cast_possible_truncation, reason = "the low byte")]
    pub(super) fn new(minima: &[u32; PERMUTATIONS]) -> Self {
        Self(minima.map(|least| least as u8))
    }

    /// Minima that agree: on average 64·(J + (1 − J)/256).
    pub(super) fn agreeing(&self, other: &Self) -> u8 {
        self.0.iter().zip(&other.0).map(|(a, b)| u8::from(a == b)).sum()
    }
}

/// Not a position: the record is free.
const FREE: u64 = u64::MAX;

/// One post of the window, and the exact copies of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) position: u64,
    pub(super) exact: u64,
    /// Time of the newest copy.
    pub(super) last_ms: i64,
    pub(super) grams: SetAt,
    pub(super) chars: u32,
    /// Posts with this stream, the first one included.
    pub(super) copies: u32,
    /// Whether a copy came since the record was last the newest.
    pub(super) is_refreshed: bool,
    /// The lower bits of the number of insertions when its keys were last put in front.
    pub(super) renewed: u32,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            position: FREE,
            exact: 0,
            last_ms: i64::MIN,
            grams: SetAt::default(),
            chars: 0,
            copies: 0,
            is_refreshed: false,
            renewed: 0,
        }
    }
}

impl Record {
    pub(super) fn is_free(&self) -> bool {
        self.position == FREE
    }

    pub(super) fn new(position: u64, print: &Fingerprint, time_ms: i64, grams: SetAt, renewed: u32) -> Self {
        Self {
            position,
            exact: print.exact,
            last_ms: time_ms,
            grams,
            chars: print.chars,
            copies: 1,
            is_refreshed: false,
            renewed,
        }
    }
}
