//! Comma-separated values with a header line; columns are named as the keys of an item (`account.id` for nested ones).

use std::io::{self, BufRead, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::chunk::{Chunk, LINE_BYTES_MAX, Position};
use super::rows::{RowChunk, set_cell};

pub(super) struct CsvRows {
    reader: Reader<Bounded>,
    columns: Vec<String>,
    record: ByteRecord,
    path: String,
    position: Position,
    at_end: bool,
    /// What the reader failed with; told once everything before it is delivered.
    failure: Option<io::Error>,
}

impl CsvRows {
    /// Reads the header and skips the records before `position`. A file of no bytes has no records.
    pub(super) fn open(
        reader: Box<dyn BufRead + Send>,
        path: String,
        position: Position,
    ) -> io::Result<Self> {
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .from_reader(Bounded { inner: reader, left: RECORD_BYTES_MAX });
        let header = reader.byte_headers().map_err(into_io)?.clone();
        let mut columns = Vec::new();
        for name in &header {
            let name = std::str::from_utf8(name).map_err(|_| invalid("the header line is not UTF-8"))?;
            columns.push(name.trim_start_matches('\u{FEFF}').trim().to_owned());
        }
        let is_empty = columns.is_empty() && reader.is_done();
        if !is_empty && !columns.iter().any(|c| c == "text" || c == "title" || c.starts_with("fields.")) {
            return Err(invalid("the header line names no `text` column"));
        }
        let mut rows =
            Self { reader, columns, record: ByteRecord::new(), path, position, at_end: false, failure: None };
        for _ in 0..position.offset {
            rows.read_record()?;
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
        let mut rows = RowChunk::new(&self.path, self.position);
        while !rows.is_full() {
            match self.read_record() {
                Ok(true) => {}
                Ok(false) => {
                    self.at_end = true;
                    break;
                }
                Err(e) => {
                    self.failure = Some(e);
                    break;
                }
            }
            let line = self.record.position().map_or(0, csv::Position::line);
            rows.push(line, self.row());
        }
        let chunk = rows.finish();
        match &chunk {
            Some(chunk) => self.position = chunk.end,
            None => return self.failure.take().map_or(Ok(None), Err),
        }
        Ok(chunk)
    }

    /// Reads one record into `record`; false at the end.
    fn read_record(&mut self) -> io::Result<bool> {
        self.reader.get_mut().left = RECORD_BYTES_MAX;
        let line = self.reader.position().line();
        self.reader.read_byte_record(&mut self.record).map_err(|e| {
            let e = into_io(e);
            io::Error::new(e.kind(), format!("record at line {line}: {e}"))
        })
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

/// Bytes that may be read for one record; a record whose JSON form is short enough may need twice the room in CSV.
const RECORD_BYTES_MAX: usize = 2 * LINE_BYTES_MAX;

/// Gives out a bounded number of bytes, so that a quote left open does not bring the rest of the file into memory.
struct Bounded {
    inner: Box<dyn BufRead + Send>,
    left: usize,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(invalid(&format!("longer than {RECORD_BYTES_MAX} bytes; is a quote left open?")));
        }
        let room = buffer.len().min(self.left);
        let length = self.inner.read(&mut buffer[..room])?;
        self.left -= length;
        Ok(length)
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
