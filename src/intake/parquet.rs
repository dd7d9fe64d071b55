//! Parquet files; columns are named as the keys of an item, nested groups or `account.id` spellings both work.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;

use parquet::file::reader::SerializedFileReader;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use serde_json::{Map, Value};

use super::chunk::{Chunk, Position};
use super::rows::{RowChunk, set_cell};

pub(super) struct ParquetRows {
    rows: RowIter<'static>,
    path: String,
    position: Position,
    at_end: bool,
    /// What the reader failed with; told once everything before it is delivered.
    failure: Option<io::Error>,
}

impl ParquetRows {
    /// Opens a file and skips the rows before `position`.
    pub(super) fn open(file: &Path, path: String, position: Position) -> io::Result<Self> {
        let reader = guarded(|| SerializedFileReader::new(File::open(file)?).map_err(invalid))??;
        let rows = reader.into_iter();
        let mut rows = Self { rows, path, position, at_end: false, failure: None };
        for _ in 0..position.offset {
            rows.row()?;
        }
        Ok(rows)
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.at_end {
            return Ok(None);
        }
        let mut chunk = RowChunk::new(&self.path, self.position);
        let mut number = self.position.lines;
        while !chunk.is_full() {
            let row = match self.row() {
                Ok(Some(row)) => row,
                Ok(None) => {
                    self.at_end = true;
                    break;
                }
                Err(e) => {
                    self.failure = Some(e);
                    break;
                }
            };
            number += 1;
            chunk.push(number, Ok(to_json(&row)));
        }
        let chunk = chunk.finish();
        match &chunk {
            Some(chunk) => self.position = chunk.end,
            None => return self.failure.take().map_or(Ok(None), Err),
        }
        Ok(chunk)
    }

    fn row(&mut self) -> io::Result<Option<Row>> {
        match guarded(|| self.rows.next())? {
            Some(Ok(row)) => Ok(Some(row)),
            Some(Err(e)) => Err(invalid(e)),
            None => Ok(None),
        }
    }
}

thread_local! {
    /// Whether this thread is inside [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// The decoder asserts what a well-formed file promises; a damaged file must be an error all the same, and no trace of
/// a panic on standard error.
fn guarded<T>(read: impl FnOnce() -> T) -> io::Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                usual(info);
            }
        }));
    });
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(false);
    result.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the Parquet file is damaged"))
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

fn to_json(row: &Row) -> Map<String, Value> {
    let mut json = Map::new();
    for (name, field) in row.get_column_iter() {
        set_cell(&mut json, name, value(field));
    }
    json
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Str(text) => Value::String(text.clone()),
        Field::Bytes(bytes) => Value::String(String::from_utf8_lossy(bytes.data()).into_owned()),
        Field::TimestampMillis(millis) => Value::from(*millis),
        Field::TimestampMicros(micros) => Value::from(micros.div_euclid(1000)),
        Field::Group(group) => {
            let mut below = Map::new();
            for (name, field) in group.get_column_iter() {
                set_cell(&mut below, name, value(field));
            }
            Value::Object(below)
        }
        Field::Bool(value) => Value::from(*value),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        // Nothing in an item has such a type; the text form lets the item's own check speak.
        other => Value::String(other.to_string()),
    }
}
