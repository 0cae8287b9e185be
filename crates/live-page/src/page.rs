//! All files of the page, and the version that names them.

use std::sync::OnceLock;

use flate2::Crc;

use crate::document::{Document, fill};
use crate::file::File;

/// The folder of the files' addresses: `live-page/{version}/app.js`.
pub const FOLDER: &str = "live-page";

/// The sources that the document may load and run, for the header `Content-Security-Policy`.
///
/// Scripts and styles come from the service itself, and from files only. No script may turn text
/// into elements, so a name from outside, such as that of a metric, can never become code.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'";

const TEMPLATE: &str = include_str!("../ui/index.html");

/// Script and style are made of the sources in `ui`, by the test `bundle`.
const FILES: &[(&str, &str)] = &[
    ("app.js", include_str!("../served/app.js")),
    ("icon.svg", include_str!("../ui/icon.svg")),
    ("style.css", include_str!("../served/style.css")),
];

/// The files of the page.
#[derive(Clone, Debug)]
pub struct Page {
    files: Vec<File>,
    version: String,
}

impl Page {
    /// Returns the page; the first call compresses its files, which takes a few milliseconds.
    pub fn shared() -> &'static Self {
        static PAGE: OnceLock<Page> = OnceLock::new();
        PAGE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let files: Vec<File> = FILES.iter().map(|(name, source)| File::new(name, source)).collect();
        let parts = files.iter().flat_map(|file| [file.name.as_bytes(), file.body]);
        let version = checksum(parts.chain([TEMPLATE.as_bytes()]));
        Self { files, version }
    }

    /// Returns the version of the files, which is another one if any of them changes.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns all files but the document.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Returns the file of this name.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Makes the document, which is HTML.
    pub fn document(&self, document: &Document<'_>) -> String {
        fill(TEMPLATE, &self.version, document)
    }

    /// Returns a checksum of a document, for the header `ETag`.
    pub fn checksum(document: &str) -> String {
        checksum([document.as_bytes()])
    }
}

fn checksum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut checksum = Crc::new();
    parts.into_iter().for_each(|part| checksum.update(part));
    format!("{:08x}{:x}", checksum.sum(), checksum.amount())
}
