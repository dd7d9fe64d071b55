//! Normalised texts → compact keys and templates, and indexes that find what is near.

mod hamming;
mod simhash;

pub use hamming::{
    BUCKET_ROWS_MAX, FullError, HammingIndex, QueryReport, Radius, SEGMENT_ROWS_MAX, SEGMENTS_MAX, Segment,
    SegmentError, TAIL_ROWS_MAX,
};
pub use simhash::{SimhashScratch, simhash, simhash_by_definition};
