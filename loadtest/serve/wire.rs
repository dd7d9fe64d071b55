//! The least of HTTP/1.1 that a client needs: requests as bytes, replies of known length.
//!
//! A client library would do the same with two tasks for each connection; on a machine that the generator shares with the
//! service, what it takes is taken from the service.

use std::io::{self, ErrorKind, Write as _};

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Longest reply, bytes.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// Head of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Seconds until another attempt makes sense.
    pub(crate) retry_after: Option<u32>,
    /// Whether the other side closes the connection.
    pub(crate) is_last: bool,
    body_bytes: usize,
}

/// Appends a POST of JSON.
pub(crate) fn post_into(path: &str, body: &[u8], out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "POST {path} HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(body);
}

/// Reads one reply; `body` is its content afterwards.
///
/// # Errors
/// The connection broke, or what came is no reply of stated length.
pub(crate) async fn read_reply(
    stream: &mut (impl AsyncRead + Unpin),
    body: &mut Vec<u8>,
) -> io::Result<Head> {
    body.clear();
    let (head, head_bytes) = loop {
        if let Some(end) = memmem::find(body, b"\r\n\r\n") {
            break (parse_head(&body[..end + 2])?, end + 4);
        }
        more(stream, body).await?;
    };
    let whole = head_bytes + head.body_bytes;
    if whole > REPLY_BYTES_MAX {
        return Err(invalid("a reply that is too long"));
    }
    while body.len() < whole {
        more(stream, body).await?;
    }
    body.truncate(whole);
    body.drain(..head_bytes);
    Ok(head)
}

async fn more(stream: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(into).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

fn parse_head(head: &[u8]) -> io::Result<Head> {
    let head = std::str::from_utf8(head).map_err(|_| invalid("a head that is no text"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|line| line.get(..3));
    let status = status.and_then(|digits| digits.parse().ok()).ok_or_else(|| invalid("no status"))?;
    let mut found = Head { status, retry_after: None, is_last: false, body_bytes: 0 };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            found.body_bytes = value.parse().map_err(|_| invalid("content-length"))?;
        } else if name.eq_ignore_ascii_case("retry-after") {
            found.retry_after = value.parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            found.is_last = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(invalid("a reply in chunks"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_in_any_pieces_and_what_is_none_is_refused() {
        let reply = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nretry-after: 2\r\nConnection: close\r\n\r\nhello";
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for split in 0..reply.len() {
            let (first, second) = reply.split_at(split);
            let mut body = Vec::new();
            let read = runtime.block_on(read_reply(&mut first.chain(second), &mut body)).unwrap();
            assert_eq!(
                (read.status, read.retry_after, read.is_last, body.as_slice()),
                (503, Some(2), true, &b"hello"[..])
            );
        }
        for bad in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", b"nonsense\r\n\r\n"] {
            assert!(runtime.block_on(read_reply(&mut &bad[..], &mut Vec::new())).is_err());
        }
    }
}
