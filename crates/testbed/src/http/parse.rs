//! Reads one HTTP/1 answer from a stream.
//!
//! It follows the specification strictly and repairs nothing, so that a test fails on an
//! answer that a lenient client would accept.

use std::io::{self, Read};

use super::{MAX_ANSWER, Response};

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 256 * 1024;

/// The reason that there is no answer.
#[derive(Debug)]
pub(super) enum Problem {
    Io(io::Error),
    Malformed(&'static str),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads an answer; `raw` gets the bytes that were read, to report a malformed one.
///
/// `to_head` is `true` if the request was HEAD: its answer has no body, even if its
/// headers announce one.
pub(super) fn response(
    stream: &mut impl Read,
    raw: &mut Vec<u8>,
    to_head: bool,
) -> Result<Response, Problem> {
    let end = read_head(stream, raw)?;
    let head = std::str::from_utf8(&raw[..end]).map_err(|_| Problem::Malformed("head"))?;
    let mut lines = head.split("\r\n");
    let status = status_of(lines.next().unwrap_or_default())?;
    let mut headers = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Problem::Malformed("header field"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    let body_start = raw[end..].to_vec();
    if to_head || matches!(status, 100..=199 | 204 | 304) {
        return Ok(response);
    }
    let mut rest = body_start.as_slice().chain(stream.take(MAX_ANSWER));
    response.body = read_body(&response, &mut rest)?;
    Ok(response)
}

/// Reads up to the empty line and returns the index at which the body begins.
fn read_head(stream: &mut impl Read, raw: &mut Vec<u8>) -> Result<usize, Problem> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(at) = raw.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(at + 4);
        }
        if raw.len() > MAX_HEAD {
            return Err(Problem::Malformed("head"));
        }
        match stream.read(&mut chunk)? {
            0 => return Err(Problem::Malformed("head")),
            read => raw.extend_from_slice(&chunk[..read]),
        }
    }
}

fn status_of(line: &str) -> Result<u16, Problem> {
    let malformed = Problem::Malformed("status line");
    let mut words = line.split(' ');
    if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
        return Err(malformed);
    }
    let code = words.next().and_then(|code| code.parse().ok());
    code.filter(|code| (100..1000).contains(code)).ok_or(malformed)
}

fn read_body(response: &Response, stream: &mut impl Read) -> Result<Vec<u8>, Problem> {
    let coding = response.header("Transfer-Encoding");
    if coding.is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return read_chunks(stream);
    }
    let mut body = Vec::new();
    let Some(length) = response.header("Content-Length") else {
        stream.read_to_end(&mut body)?;
        return Ok(body);
    };
    let length = length.parse().map_err(|_| Problem::Malformed("Content-Length"))?;
    stream.take(length).read_to_end(&mut body)?;
    if body.len() as u64 == length { Ok(body) } else { Err(Problem::Malformed("body: cut short")) }
}

fn read_chunks(stream: &mut impl Read) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| Problem::Malformed("chunk size"))?;
        if size == 0 {
            // Skips the trailer fields, which no test needs; an empty line ends them.
            while !read_line(stream)?.is_empty() {}
            return Ok(body);
        }
        let before = body.len() as u64;
        stream.take(size).read_to_end(&mut body)?;
        let is_whole = body.len() as u64 - before == size;
        if !is_whole || !read_line(stream)?.is_empty() {
            return Err(Problem::Malformed("chunk"));
        }
    }
}

fn read_line(stream: &mut impl Read) -> Result<String, Problem> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if stream.read(&mut byte)? == 0 || line.len() > 4096 {
            return Err(Problem::Malformed("chunk"));
        }
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).map_err(|_| Problem::Malformed("chunk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<Response, Problem> {
        response(&mut answer.as_bytes(), &mut Vec::new(), false)
    }

    #[track_caller]
    fn check_body(answer: &str, expected: &str) {
        assert_eq!(read(answer).expect("a well-formed answer").text(), expected);
    }

    #[test]
    fn body_ends_where_its_length_says() {
        check_body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokxx", "ok");
    }

    #[test]
    fn body_without_length_ends_with_the_connection() {
        check_body("HTTP/1.0 200 OK\r\n\r\nall of it", "all of it");
    }

    #[test]
    fn chunks_are_joined() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        check_body(&format!("{head}3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"), "abc0123456789");
    }

    #[test]
    fn answer_to_head_has_no_body() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
        let response = response(&mut answer.as_bytes(), &mut Vec::new(), true);
        assert!(response.expect("a well-formed answer").body.is_empty());
    }

    #[test]
    fn malformed_answers_are_refused() {
        for answer in [
            "",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        ] {
            assert!(matches!(read(answer), Err(Problem::Malformed(_))), "accepted {answer:?}");
        }
    }
}
