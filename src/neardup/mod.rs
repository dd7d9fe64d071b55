//! Normalised texts → compact keys and templates, and indexes that find what is near.

mod hamming;
mod simhash;
mod template;

pub use hamming::{
    BUCKET_ROWS_MAX, FullError, HammingIndex, QueryReport, Radius, SEGMENT_ROWS_MAX, SEGMENTS_MAX, Segment,
    SegmentError, TAIL_ROWS_MAX,
};
pub use simhash::{SimhashScratch, simhash, simhash_by_definition};
pub use template::{
    CANDIDATES_MAX, FIXED_CHARS_MIN, FIXED_GRAMS_MIN, InsertError, Inserted, KEYS_MAX, LearnError, Learned,
    LookupReport, MEMBER_CHARS_MAX, MEMBERS_MAX, MEMBERS_MIN, RARITY_MILLIBITS_MIN, RUN_CHARS_MIN, RUNS_MAX,
    SLOT_MARK, TEMPLATES_MAX, TEMPLATES_PER_KEY_MAX, Template, TemplateError, TemplateSet, learn,
};
