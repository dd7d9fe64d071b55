//! Comma-separated values with a header line; columns are named as the keys of an item (`account.id` for nested ones).

use std::io::{self, BufRead, Read};

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};
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
        // Lines end with \n alone, as the parser counts them: it would be one behind after \r\n. The \r is cut off below.
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .from_reader(Bounded { inner: reader, left: RECORD_BYTES_MAX, length: 0, mark: END_MARK });
        let header = reader.byte_headers().map_err(into_io)?.clone();
        let mut columns = Vec::new();
        for name in &header {
            let name = std::str::from_utf8(name).map_err(|_| invalid("the header line is not UTF-8"))?;
            columns.push(name.trim_start_matches('\u{FEFF}').trim().to_owned());
        }
        let is_empty = has_read_mark(&reader) && is_mark(&header);
        if has_read_mark(&reader) && !is_empty {
            return Err(invalid("a quote is opened in the header line and never closed"));
        }
        for (index, name) in columns.iter().enumerate() {
            if columns[..index].contains(name) {
                return Err(invalid(&format!("the header line names {name:?} twice")));
            }
        }
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
            rows.push(self.line(), self.row());
        }
        let chunk = rows.finish();
        match &chunk {
            Some(chunk) => self.position = chunk.end,
            None => return self.failure.take().map_or(Ok(None), Err),
        }
        Ok(chunk)
    }

    /// The last record read holds the mark: alone, or behind a quote that was left open.
    fn end(&self) -> io::Result<bool> {
        if is_mark(&self.record) {
            return Ok(false);
        }
        // No line break behind it: all are inside.
        let line = self.line() + 1;
        Err(invalid(&format!("record at line {line}: a quote is opened in it and never closed")))
    }

    /// Reads the next record that is not blank into `record`; false at the end.
    fn read_record(&mut self) -> io::Result<bool> {
        loop {
            self.reader.get_mut().left = RECORD_BYTES_MAX;
            let line = self.reader.position().line();
            let found = self.reader.read_byte_record(&mut self.record).map_err(|e| {
                let e = into_io(e);
                io::Error::new(e.kind(), format!("record at line {line}: {e}"))
            })?;
            if !found {
                return Ok(false);
            }
            if has_read_mark(&self.reader) {
                return self.end();
            }
            if self.record.as_slice() != b"\r" {
                return Ok(true);
            }
        }
    }

    /// The line, from 1, where the record begins: counted back from its end, since blank lines may stand before it.
    fn line(&self) -> u64 {
        let inside = memchr::memchr_iter(b'\n', self.record.as_slice()).count() as u64;
        self.reader.position().line().saturating_sub(inside + 1)
    }

    fn row(&self) -> Result<Map<String, Value>, String> {
        if self.record.len() != self.columns.len() {
            return Err(format!("{} cells, the header has {}", self.record.len(), self.columns.len()));
        }
        let mut row = Map::new();
        let last = self.columns.len().saturating_sub(1);
        for (index, (column, cell)) in self.columns.iter().zip(&self.record).enumerate() {
            let cell = if index == last { cell.strip_suffix(b"\r").unwrap_or(cell) } else { cell };
            let cell = std::str::from_utf8(cell)
                .map_err(|e| format!("column {column:?} is not UTF-8 at byte {}", e.valid_up_to()))?;
            set_cell(&mut row, column, Value::String(cell.to_owned()));
        }
        Ok(row)
    }
}

/// Bytes that may be read for one record; a record whose JSON form is short enough may need twice the room in CSV.
const RECORD_BYTES_MAX: usize = 2 * LINE_BYTES_MAX;

/// What is read behind the end of a file: a record of its own, unless a quote was left open.
const END_MARK: &[u8] = b"\n.\n";

/// Whether the record that was read last holds the mark. A real one ends with the line break of the mark at the latest.
fn has_read_mark(reader: &Reader<Bounded>) -> bool {
    reader.position().byte() > reader.get_ref().length + 1
}

fn is_mark(record: &ByteRecord) -> bool {
    record.len() == 1 && record.as_slice() == b"."
}

/// Gives out a bounded number of bytes, so that a quote left open does not bring the rest of the file into memory, and
/// then [`END_MARK`].
struct Bounded {
    inner: Box<dyn BufRead + Send>,
    left: usize,
    /// Bytes of the file so far.
    length: u64,
    mark: &'static [u8],
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(invalid(&format!("longer than {RECORD_BYTES_MAX} bytes; is a quote left open?")));
        }
        let room = buffer.len().min(self.left);
        let length = self.inner.read(&mut buffer[..room])?;
        self.left -= length;
        self.length += length as u64;
        if length == 0 {
            return self.mark.read(buffer);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `(line, text)` of every row, from `position` on.
    fn rows(table: &str, position: Position) -> Vec<(u64, String)> {
        let reader = Box::new(io::Cursor::new(table.as_bytes().to_vec()));
        let mut rows = CsvRows::open(reader, "x".to_owned(), position).unwrap();
        let Some(chunk) = rows.next().unwrap() else { return Vec::new() };
        let text =
            |line: &[u8]| serde_json::from_slice::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
        chunk.numbered_lines().map(|(number, line)| (number, text(line))).collect()
    }

    #[test]
    fn rows_keep_the_number_of_the_line_they_begin_on() {
        let table = "id,text\n1,a\n\n\n2,\"b\nb\"\n3,c\n\n4,\"d\"";
        let want = [(2, "a"), (5, "b\nb"), (7, "c"), (9, "d")].map(|(line, text)| (line, text.to_owned()));
        let behind_two = Position { input: 0, offset: 2, lines: 5 };
        assert_eq!(rows(table, Position::default()), want);
        assert_eq!(rows(&(table.to_owned() + "\n"), Position::default()), want);
        assert_eq!(rows(table, behind_two), want[2..]);
        let windows = table.replace('\n', "\r\n");
        let want = want.map(|(line, text)| (line, text.replace('\n', "\r\n")));
        assert_eq!(rows(&windows, Position::default()), want);
        assert_eq!(rows(&(windows.clone() + "\r\n\r\n"), Position::default()), want);
        assert_eq!(rows(&windows, behind_two), want[2..]);
    }

    #[test]
    fn a_quote_left_open_is_an_error_with_its_line() {
        let open = |table: &str| {
            let reader = Box::new(io::Cursor::new(table.as_bytes().to_vec()));
            CsvRows::open(reader, "x".to_owned(), Position::default())
        };
        for table in ["id,text\n1,a\n2,\"b\n3,c\n4,d\n", "id,text\n1,a\n2,\"b"] {
            let mut rows = open(table).unwrap();
            let before = rows.next().unwrap().unwrap();
            assert_eq!(before.numbered_lines().map(|(line, _)| line).collect::<Vec<_>>(), [2]);
            let error = rows.next().unwrap_err().to_string();
            assert!(error.contains("line 3") && error.contains("never closed"), "{error}");
        }
        assert!(open("id,\"text\n1,a\n").is_err());
        // The same characters inside the file are a row like any other.
        assert_eq!(rows("text\n.\n\n.\n", Position::default()), [(2, ".".to_owned()), (4, ".".to_owned())]);
    }

    #[test]
    fn a_file_of_no_bytes_has_no_rows() {
        assert!(rows("", Position::default()).is_empty());
        assert!(rows("\n", Position::default()).is_empty());
        assert!(rows("\u{feff}text\r\n", Position::default()).is_empty());
    }
}
