//! Table rows → JSON lines.

use serde_json::{Map, Value};

use super::chunk::{CHUNK_BYTES, Chunk, LINE_BYTES_MAX, Position, Reject};

/// Columns whose cells are numbers in an item.
const NUMBER_COLUMNS: [&str; 2] = ["account.credit_tier", "account.age_days"];

/// Collects rows into a chunk of JSON lines.
pub(super) struct RowChunk {
    chunk: Chunk,
    path: String,
}

impl RowChunk {
    /// An empty chunk behind `position`.
    pub(super) fn new(path: &str, position: Position) -> Self {
        let chunk =
            Chunk { input: position.input, numbers: Some(Vec::new()), end: position, ..Chunk::default() };
        Self { chunk, path: path.to_owned() }
    }

    /// Whether it holds enough to be handed over.
    pub(super) fn is_full(&self) -> bool {
        self.chunk.lines.len() >= CHUNK_BYTES || self.chunk.rejects.len() >= 1024
    }

    /// Adds one record, `line` as people count it.
    pub(super) fn push(&mut self, line: u64, row: Result<Map<String, Value>, String>) {
        self.chunk.end.offset += 1;
        self.chunk.end.lines = line;
        let json = row.and_then(|row| serde_json::to_vec(&row).map_err(|e| e.to_string()));
        match json {
            Ok(json) if json.len() <= LINE_BYTES_MAX => {
                self.chunk.lines.extend_from_slice(&json);
                self.chunk.lines.push(b'\n');
                if let Some(numbers) = &mut self.chunk.numbers {
                    numbers.push(line);
                }
            }
            Ok(json) => {
                self.reject(
                    line,
                    format!("line_bytes_max: {} bytes, the limit is {LINE_BYTES_MAX}", json.len()),
                );
            }
            Err(reason) => self.reject(line, reason),
        }
    }

    fn reject(&mut self, line: u64, reason: String) {
        self.chunk.rejects.push(Reject { input: self.path.clone(), line, reason });
    }

    /// The chunk, or nothing if no record was added.
    pub(super) fn finish(self) -> Option<Chunk> {
        let is_empty = self.chunk.lines.is_empty() && self.chunk.rejects.is_empty();
        (!is_empty).then_some(self.chunk)
    }
}

/// Puts a cell under its column; `account.id` becomes a key inside `account`. Empty cells are left out.
pub(super) fn set_cell(row: &mut Map<String, Value>, column: &str, cell: Value) {
    let is_empty = cell.is_null() || cell.as_str().is_some_and(str::is_empty);
    if is_empty && column != "text" {
        return;
    }
    let cell = match cell {
        Value::String(text) if NUMBER_COLUMNS.contains(&column) => {
            text.parse::<u64>().map_or(Value::String(text), Value::from)
        }
        Value::Null => Value::String(String::new()),
        other => other,
    };
    match column.split_once('.') {
        Some((outer, inner)) => {
            let below = row.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                // A table with both `account` and `account.id`: the bare column is the id.
                let id = below.take();
                *below = Value::Object(Map::from_iter([("id".to_owned(), id)]));
            }
            if let Value::Object(below) = below {
                below.insert(inner.to_owned(), cell);
            }
        }
        None => {
            // A table with both `account.credit_tier` and `account`: the bare column is the id.
            if let Some(Value::Object(below)) = row.get_mut(column) {
                below.insert("id".to_owned(), cell);
            } else {
                row.insert(column.to_owned(), cell);
            }
        }
    }
}
