//! What readers hand to workers.

use serde::{Deserialize, Serialize};

/// A place between two records of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Index of the input.
    pub input: usize,
    /// Decompressed bytes (JSONL) or records (CSV, Parquet) before this place.
    pub offset: u64,
    /// Lines or records before this place, as people count them.
    pub lines: u64,
}

/// A record that could not be read, before it was an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The input's path.
    pub input: String,
    /// Line or record, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// A stretch of one input: JSON lines, each with its number.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Running number over all inputs.
    pub sequence: u64,
    /// Index of the input.
    pub input: usize,
    /// JSON objects, each ended by `\n` (the last one may not be).
    pub lines: Vec<u8>,
    /// Number of the first line, from 1.
    pub first_line: u64,
    /// The number of each line, where they do not follow one another.
    pub numbers: Option<Vec<u64>>,
    /// Records that were refused while reading.
    pub rejects: Vec<Reject>,
    /// The place behind the chunk.
    pub end: Position,
}

impl Chunk {
    /// The lines with their numbers, blank ones left out.
    pub fn numbered_lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let body = self.lines.strip_suffix(b"\n").unwrap_or(&self.lines);
        let lines = body.split(|b| *b == b'\n').enumerate().map(|(index, line)| {
            let number = match &self.numbers {
                Some(numbers) => numbers.get(index).copied().unwrap_or(0),
                None => self.first_line + index as u64,
            };
            (number, line.strip_suffix(b"\r").unwrap_or(line))
        });
        lines.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
    }
}

/// Bytes that a reader aims at per chunk: large enough to share the cost of a hand-over, small enough that memory
/// stays flat and the last chunk does not keep the others waiting.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Longest line of JSONL, and longest record of CSV and Parquet.
pub(super) const LINE_BYTES_MAX: usize = 16 << 20;
