//! Texts in, near-duplicates among the texts of a sliding window out.
//!
//! [`Fingerprinter`] reduces a folded text to its [`Fingerprint`]: the normalised stream's key, the set of its pairs of
//! characters, and a sketch of that set. [`Window`] looks a fingerprint up among those of the last posts and puts it
//! there. [`GramFrequency`] says how rare a pair of characters is among accounts, [`Boilerplate`] which passages everybody
//! uses. Similarity of texts alone proves nothing; what it means is for `coordination` to say.

mod bytes;
mod fingerprint;
mod minhash;
mod normalise;

mod compare;

mod arena;
mod exact;
mod keys;
mod record;
mod saved;
mod window;

mod boilerplate;
mod frequency;

pub use boilerplate::{Addition, Author, Boilerplate, BoilerplateLimits};
pub use bytes::SavedError;
pub use compare::{Overlap, Strength, overlap};
pub use fingerprint::{Fingerprint, Fingerprinter, GRAMS_MAX, PASSAGES_MAX};
pub use frequency::GramFrequency;
pub use minhash::{PERMUTATIONS, gram as gram_key};
pub use normalise::SLOT_MARK;
pub use window::{
    NEIGHBOURS_MAX, NO_POSITION, Neighbour, Observation, WINDOW_POSTS_MAX, Window, WindowLimits,
};
