//! Comma-separated values with a header line; columns are named as the keys of an item (`account.id` for nested ones).

use std::io::{self, BufRead};

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::chunk::{Chunk, Position};
use super::rows::{RowChunk, set_cell};

pub(super) struct CsvRows {
    reader: Reader<Box<dyn BufRead + Send>>,
    columns: Vec<String>,
    record: ByteRecord,
    path: String,
    position: Position,
    at_end: bool,
}

impl CsvRows {
    /// Reads the header and skips the records before `position`.
    pub(super) fn open(reader: Box<dyn BufRead + Send>, path: String, position: Position) -> io::Result<Self> {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(reader);
        let header = reader.byte_headers().map_err(into_io)?.clone();
        let mut columns = Vec::new();
        for name in &header {
            let name = std::str::from_utf8(name).map_err(|_| invalid("the header line is not UTF-8"))?;
            columns.push(name.trim_start_matches('\u{FEFF}').trim().to_owned());
        }
        if !columns.iter().any(|c| c == "text" || c == "title" || c.starts_with("fields.")) {
            return Err(invalid("the header line names no `text` column"));
        }
        let mut rows = Self { reader, columns, record: ByteRecord::new(), path, position, at_end: false };
        for _ in 0..position.offset {
            rows.reader.read_byte_record(&mut rows.record).map_err(into_io)?;
        }
        Ok(rows)
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        if self.at_end {
            return Ok(None);
        }
        let mut rows = RowChunk::new(&self.path, self.position);
        while !rows.is_full() {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => {
                    self.at_end = true;
                    break;
                }
                Err(e) => return Err(into_io(e)),
            }
            let line = self.record.position().map_or(0, csv::Position::line);
            rows.push(line, self.row());
        }
        let chunk = rows.finish();
        if let Some(chunk) = &chunk {
            self.position = chunk.end;
        }
        Ok(chunk)
    }

    fn row(&self) -> Result<Map<String, Value>, String> {
        if self.record.len() != self.columns.len() {
            return Err(format!("{} cells, the header has {}", self.record.len(), self.columns.len()));
        }
        let mut row = Map::new();
        for (column, cell) in self.columns.iter().zip(&self.record) {
            let cell = std::str::from_utf8(cell)
                .map_err(|e| format!("column {column:?} is not UTF-8 at byte {}", e.valid_up_to()))?;
            set_cell(&mut row, column, Value::String(cell.to_owned()));
        }
        Ok(row)
    }
}

fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => invalid(&format!("{other:?}")),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}
