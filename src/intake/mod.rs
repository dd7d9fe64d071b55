//! Files in: JSONL, CSV and Parquet, compressed or not, in chunks of lines.
//!
//! Every format becomes chunks of JSON lines with their numbers, so that parsing runs on the workers and errors carry
//! the place in the file. Memory is bounded by the chunk size and the longest allowed line.

mod chunk;
mod csv;
mod jsonl;
mod parquet;
mod rows;
mod source;
mod surrogates;

pub use chunk::{Chunk, Position, Reject};
pub use source::{Intake, IntakeError, expand_inputs};
pub(crate) use surrogates::mend as mend_surrogates;
