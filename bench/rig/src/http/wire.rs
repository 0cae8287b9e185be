//! Requests and answers as bytes, for clients that cost as little as can be.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Context as _, Result, ensure};

/// Returns a request for a path.
pub fn get(path: &str) -> Vec<u8> {
    let mut request = Vec::new();
    write_get(&mut request, path);
    request
}

/// Replaces the buffer's content by a request for a path.
pub fn write_get(buffer: &mut Vec<u8>, path: &str) {
    buffer.clear();
    // A vector takes everything.
    let _ = write!(
        buffer,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench/1\r\naccept: */*\r\n\r\n"
    );
}

/// Reads one answer into the buffer, whose content it replaces, and returns the answer's body.
///
/// # Errors
/// Fails when the connection ends, or when the answer is no success or does not tell its length.
pub(crate) fn read<'a>(from: &mut impl Read, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
    const AT_ONCE: usize = 4096;
    buffer.clear();
    let mut body = None;
    loop {
        let filled = buffer.len();
        buffer.resize(filled + AT_ONCE, 0);
        let read = from.read(&mut buffer[filled..]);
        buffer.truncate(filled + read.as_ref().map_or(0, |more| *more));
        let more = match read {
            // Linux ends a read that has a time limit when the process was stopped and goes on.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.context("the server gives no answer")?,
        };
        ensure!(more > 0, "the server closed the connection");
        if body.is_none() {
            body = body_of(buffer)?;
        }
        if let Some((start, length)) = body
            && buffer.len() >= start + length
        {
            ensure!(buffer.len() == start + length, "the answer is longer than it says");
            return Ok(&buffer[start..]);
        }
    }
}

/// Returns the start and the length of the body; `None` until the head is whole.
fn body_of(answer: &[u8]) -> Result<Option<(usize, usize)>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.windows(END.len()).position(|four| four == END) else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end]).context("the head is no text")?;
    ensure!(head.starts_with("HTTP/1.1 2"), "the server answered {}", head.trim_end());
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.next().context("the answer does not tell its length")?;
    Ok(Some((end + END.len(), length.trim().parse()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expected: Result<&str, &str>) {
        let read = read(&mut answer.as_bytes(), &mut Vec::new()).map(<[u8]>::to_vec);
        match (read, expected) {
            (Ok(body), Ok(expected)) => assert_eq!(body, expected.as_bytes()),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (read, _) => panic!("{read:?}"),
        }
    }

    #[test]
    fn answer_ends_with_its_length() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Ok("hi"));
        check("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", Ok(""));
        check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi", Err("closed"));
        check("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nhi", Err("longer"));
        check("HTTP/1.1 200 OK\r\n\r\nhi", Err("length"));
        check("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", Err("503"));
    }
}
