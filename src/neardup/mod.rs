//! Texts in, near-duplicates among the texts of a sliding window out.
//!
//! [`Fingerprinter`] reduces a folded text to its [`Fingerprint`]: the normalised stream's key, the set of its pairs of
//! characters, and a sketch of that set. [`Window`] looks a fingerprint up among those of the last posts and puts it
//! there. [`GramFrequency`] says how rare a pair of characters is among accounts, [`Boilerplate`] which passages everybody
//! uses, [`TemplateSet`] which filled form a text is, [`HammingIndex`] what was like it long ago. Similarity of texts alone proves nothing; what it means is for `coordination` to say.

mod fingerprint;
mod minhash;
mod normalise;
mod spread;

mod compare;

mod arena;
mod exact;
mod keys;
mod record;
mod saved;
mod window;

mod ahead;

mod boilerplate;
mod frequency;

mod archive;
mod hamming;
mod simhash;
mod template;

pub use archive::{ARCHIVE_CHARS_MIN, ARCHIVE_POSTS_MAX, Archive, Archived, StoredArchiveError};
pub use boilerplate::{Addition, Author, Boilerplate, BoilerplateLimits, StoredBoilerplateError};
pub use compare::{Overlap, Strength, overlap};
pub use fingerprint::{Fingerprint, Fingerprinter, GRAMS_MAX, PASSAGES_MAX};
pub use frequency::GramFrequency;
pub use hamming::{
    BUCKET_ROWS_MAX, FullError, HammingIndex, QueryReport, Radius, SEGMENT_ROWS_MAX, SEGMENTS_MAX, Segment,
    TAIL_ROWS_MAX,
};
pub use minhash::{PERMUTATIONS, gram as gram_key};
pub use normalise::SLOT_MARK;
pub use simhash::{SimhashScratch, simhash, simhash_by_definition};
pub use template::{
    CANDIDATES_MAX, FILLING_CHARS, FILLINGS_MAX, FIXED_CHARS_MIN, FIXED_GRAMS_MIN, Filled, Fillings,
    InsertError, Inserted, KEYS_MAX, LearnError, Learned, LookupReport, MEMBER_CHARS_MAX, MEMBERS_MAX,
    MEMBERS_MIN, RARITY_MILLIBITS_MIN, RUN_CHARS_MIN, RUNS_MAX, StoredFillingsError, TEMPLATES_MAX,
    TEMPLATES_PER_KEY_MAX, Template, TemplateError, TemplateSet, learn,
};
pub use window::{
    NEIGHBOURS_MAX, NO_POSITION, Neighbour, Observation, WINDOW_POSTS_MAX, Window, WindowLimits,
};
