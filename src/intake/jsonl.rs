//! JSON lines.

use std::io::{self, BufRead, Read as _};

use memchr::{memchr, memrchr};

use super::chunk::{CHUNK_BYTES, Chunk, LINE_BYTES_MAX, Position, Reject};
use super::surrogates::mend;

/// Cuts a byte stream into chunks at line ends.
pub(super) struct JsonLines {
    reader: Box<dyn BufRead + Send>,
    path: String,
    /// The beginning of a line whose end has not been read.
    carry: Vec<u8>,
    position: Position,
    at_end: bool,
}

impl JsonLines {
    /// Reads on from `position`, skipping what lies before it.
    pub(super) fn open(
        mut reader: Box<dyn BufRead + Send>,
        path: String,
        position: Position,
    ) -> io::Result<Self> {
        let skipped = io::copy(&mut (&mut reader).take(position.offset), &mut io::sink())?;
        if skipped < position.offset {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the input is shorter than its checkpoint",
            ));
        }
        let mut lines = Self { reader, path, carry: Vec::new(), position, at_end: false };
        if position.offset == 0 {
            lines.skip_byte_order_mark()?;
        }
        Ok(lines)
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        if self.reader.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
            self.reader.consume(3);
            self.position.offset += 3;
        }
        Ok(())
    }

    /// The next chunk; nothing at the end. An error leaves everything before it delivered.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        if self.at_end {
            return Ok(None);
        }
        let mut chunk =
            Chunk { input: self.position.input, first_line: self.position.lines + 1, ..Chunk::default() };
        chunk.lines = std::mem::take(&mut self.carry);
        // The search for a line end needs to look at new bytes only.
        let mut searched = 0;
        loop {
            if chunk.lines.len() >= CHUNK_BYTES
                && let Some(end) = memrchr(b'\n', &chunk.lines[searched..])
            {
                let end = searched + end + 1;
                self.carry = chunk.lines.split_off(end);
                break;
            }
            searched = if chunk.lines.len() >= CHUNK_BYTES { chunk.lines.len() } else { 0 };
            if chunk.lines.len() > LINE_BYTES_MAX {
                self.skip_long_line(&mut chunk)?;
                break;
            }
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return self.fail(chunk, e),
            };
            if buffer.is_empty() {
                self.at_end = true;
                break;
            }
            // Never past the limit, so that what is too long does not depend on how the bytes come in.
            let length = buffer.len().min(LINE_BYTES_MAX + 1 - chunk.lines.len());
            chunk.lines.extend_from_slice(&buffer[..length]);
            self.reader.consume(length);
        }
        mend(&mut chunk.lines);
        self.advance(&mut chunk);
        Ok((!chunk.lines.is_empty() || !chunk.rejects.is_empty()).then_some(chunk))
    }

    /// Delivers the whole lines before a read error; the error comes with the next call.
    fn fail(&mut self, mut chunk: Chunk, error: io::Error) -> io::Result<Option<Chunk>> {
        let Some(end) = memrchr(b'\n', &chunk.lines) else { return Err(error) };
        chunk.lines.truncate(end + 1);
        mend(&mut chunk.lines);
        self.reader = Box::new(io::BufReader::new(Failed(Some(error))));
        self.advance(&mut chunk);
        Ok(Some(chunk))
    }

    /// Drops a line that is longer than the limit without keeping it in memory. The chunk holds no whole line yet
    /// but this one's beginning.
    fn skip_long_line(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let mut length = chunk.lines.len();
        chunk.lines = Vec::new();
        let mut seen = length as u64;
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if buffer.is_empty() {
                self.at_end = true;
                break;
            }
            let (taken, is_end) = match memchr(b'\n', buffer) {
                Some(end) => (end + 1, true),
                None => (buffer.len(), false),
            };
            self.reader.consume(taken);
            seen += taken as u64;
            length += taken - usize::from(is_end);
            if is_end {
                break;
            }
        }
        self.position.offset += seen;
        self.position.lines += 1;
        chunk.rejects.push(Reject {
            input: self.path.clone(),
            line: self.position.lines,
            reason: format!("line_bytes_max: {length} bytes, the limit is {LINE_BYTES_MAX}"),
        });
        Ok(())
    }

    fn advance(&mut self, chunk: &mut Chunk) {
        let ends = memchr::memchr_iter(b'\n', &chunk.lines).count() as u64;
        let unfinished = u64::from(chunk.lines.last().is_some_and(|last| *last != b'\n'));
        self.position.lines += ends + unfinished;
        self.position.offset += chunk.lines.len() as u64;
        chunk.end = self.position;
    }
}

/// A reader that only has an error to give.
struct Failed(Option<io::Error>);

impl io::Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::Error::other("the input failed before")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8], position: Position) -> Vec<Chunk> {
        let reader = Box::new(io::BufReader::with_capacity(1 << 16, io::Cursor::new(bytes.to_vec())));
        let mut lines = JsonLines::open(reader, "x".to_owned(), position).unwrap();
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn lines_keep_their_numbers_and_any_position_can_be_resumed() {
        let text: Vec<String> = (0..60_000).map(|n| format!("{{\"text\":\"{n}\"}}\r\n\n")).collect();
        let text = text.concat();
        let chunks = read_all(text.as_bytes(), Position::default());
        assert!(chunks.len() > 2);
        let numbered: Vec<(u64, Vec<u8>)> =
            chunks.iter().flat_map(|c| c.numbered_lines().map(|(n, l)| (n, l.to_vec()))).collect();
        assert_eq!(numbered.len(), 60_000);
        assert_eq!(numbered[59_999], (119_999, b"{\"text\":\"59999\"}".to_vec()));
        let rest = read_all(text.as_bytes(), chunks[0].end);
        let resumed: usize = rest.iter().map(|c| c.numbered_lines().count()).sum();
        assert_eq!(resumed + chunks[0].numbered_lines().count(), 60_000);
        assert_eq!(rest[0].numbered_lines().next(), chunks[1].numbered_lines().next());
    }

    #[test]
    fn a_line_beyond_the_limit_is_rejected_with_its_number_and_the_run_goes_on() {
        let mut bytes = b"{\"text\":\"a\"}\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', LINE_BYTES_MAX + CHUNK_BYTES * 3));
        bytes.extend(b"\n{\"text\":\"b\"}");
        let chunks = read_all(&bytes, Position::default());
        let rejects: Vec<_> = chunks.iter().flat_map(|c| &c.rejects).map(|r| r.line).collect();
        assert_eq!(rejects, [2]);
        let lines: Vec<_> = chunks.iter().flat_map(|c| c.numbered_lines().map(|(n, _)| n)).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn the_limit_is_exact_however_the_bytes_come_in() {
        for (length, rejected) in [(LINE_BYTES_MAX, 0), (LINE_BYTES_MAX + 1, 1)] {
            for end in ["", "\n", "\n{}\n"] {
                let mut bytes = vec![b'x'; length];
                bytes.extend(end.as_bytes());
                let chunks = read_all(&bytes, Position::default());
                assert_eq!(
                    chunks.iter().map(|c| c.rejects.len()).sum::<usize>(),
                    rejected,
                    "{length} {end:?}"
                );
            }
        }
    }

    #[test]
    fn a_byte_order_mark_and_an_empty_input_are_no_lines() {
        assert!(read_all(b"", Position::default()).is_empty());
        let chunks = read_all(b"\xEF\xBB\xBF{}\n", Position::default());
        assert_eq!(chunks[0].numbered_lines().next(), Some((1, &b"{}"[..])));
    }
}
