//! Ids → keys of 64 bits that nobody outside can choose.

use sha2::{Digest, Sha256};

/// A keyed hash of ids: `SipHash`-1-3 (J.-P. Aumasson, D. J. Bernstein, *`SipHash`: a fast short-input PRF*, 2012).
///
/// Without the phrase behind it nobody can make two ids one, or crowd a table. The same phrase gives the same keys on every machine
/// and in every version. O(length), some ten nanoseconds; allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash {
    k0: u64,
    k1: u64,
}

impl KeyHash {
    /// The hash behind a phrase.
    pub fn new(phrase: &str) -> Self {
        let digest = Sha256::digest(phrase.as_bytes());
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Self { k0: number(&digest[..8]), k1: number(&digest[8..16]) }
    }

    /// The key of an id.
    pub fn key(&self, id: &[u8]) -> u64 {
        let mut state = State {
            v0: self.k0 ^ 0x736f_6d65_7073_6575,
            v1: self.k1 ^ 0x646f_7261_6e64_6f6d,
            v2: self.k0 ^ 0x6c79_6765_6e65_7261,
            v3: self.k1 ^ 0x7465_6462_7974_6573,
        };
        let (words, tail) = id.as_chunks::<8>();
        for word in words {
            state.absorb(u64::from_le_bytes(*word));
        }
        let last = tail.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        state.absorb(last | (id.len() as u64) << 56);
        state.v2 ^= 0xff;
        for _ in 0..3 {
            state.round();
        }
        state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    }

    /// The key in 32 bits; never 0, which stands for what is not known.
    pub fn short_key(&self, id: &[u8]) -> u32 {
        ((self.key(id) >> 32) as u32).max(1)
    }
}

impl core::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The key stays out of logs.
        f.write_str("KeyHash")
    }
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hasher as _};

    use super::*;

    #[test]
    fn it_is_the_hash_of_the_paper() {
        // The standard library's hasher is SipHash-1-3 with both halves of the key 0.
        let hash = KeyHash { k0: 0, k1: 0 };
        for length in 0..40_u8 {
            let id: Vec<u8> = (0..length).collect();
            let mut reference = DefaultHasher::new();
            reference.write(&id);
            assert_eq!(hash.key(&id), reference.finish(), "{length}");
        }
    }

    #[test]
    fn another_phrase_gives_other_keys_and_a_short_key_is_never_none() {
        let (one, other) = (KeyHash::new("one"), KeyHash::new("other"));
        assert!(one.key(b"a1") != other.key(b"a1") && one == KeyHash::new("one"));
        assert!(one.short_key(b"") > 0 && format!("{one:?}") == "KeyHash");
    }
}
