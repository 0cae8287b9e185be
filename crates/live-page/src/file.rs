//! One file of the page.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A file of the page, as it is served and compressed.
///
/// Comments and indents stay in the source: a served line begins with code.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct File {
    /// The name, which is the last segment of its address.
    pub name: &'static str,
    /// The media type, for `Content-Type`.
    pub media_type: &'static str,
    /// The content.
    pub body: Vec<u8>,
    /// The content in the form of gzip.
    pub gzip: Vec<u8>,
}

impl File {
    pub(crate) fn new(name: &'static str, source: &str) -> Self {
        let body = without_comments(source);
        Self { name, media_type: media_type(name), gzip: gzip(&body), body }
    }
}

/// Leaves out indents, empty lines, and lines that are comments.
///
/// The sources have no comment after code and no text of several lines, which a test checks.
fn without_comments(source: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(source.len());
    let mut is_comment = false;
    for line in source.lines().map(str::trim) {
        is_comment |= line.starts_with("/*");
        if !is_comment && !line.is_empty() && !line.starts_with("//") {
            body.extend_from_slice(line.as_bytes());
            body.push(b'\n');
        }
        is_comment &= !line.ends_with("*/");
    }
    body
}

/// Returns the media type of a file by the end of its name.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
