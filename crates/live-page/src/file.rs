//! One file of the page.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A file of the page, as it is served and compressed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct File {
    /// The name, which is the last segment of its address.
    pub name: &'static str,
    /// The media type, for `Content-Type`.
    pub media_type: &'static str,
    /// The content.
    pub body: &'static [u8],
    /// The content in the form of gzip.
    pub gzip: Vec<u8>,
}

impl File {
    pub(crate) fn new(name: &'static str, text: &'static str) -> Self {
        let body = text.as_bytes();
        Self { name, media_type: media_type(name), body, gzip: gzip(body) }
    }
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
