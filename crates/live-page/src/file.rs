//! One file of the page.

/// A file of the page, as it is served and compressed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct File {
    /// The name, which is the last segment of its address.
    pub name: &'static str,
    /// The media type, for `Content-Type`.
    pub media_type: &'static str,
    /// The content.
    pub body: &'static [u8],
    /// The content in the form of gzip.
    pub gzip: &'static [u8],
}
