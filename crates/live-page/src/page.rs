//! All files of the page, and the version that names them.

use std::sync::OnceLock;

use crc32fast::Hasher;

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

/// The test `bundle` makes `served` of the sources in `ui`.
macro_rules! served {
    ($name:literal, $media_type:literal) => {
        File {
            name: $name,
            media_type: $media_type,
            body: include_bytes!(concat!("../served/", $name)),
            gzip: include_bytes!(concat!("../served/", $name, ".gz")),
        }
    };
}

const FILES: &[File] = &[
    served!("app.js", "text/javascript; charset=utf-8"),
    served!("icon.svg", "image/svg+xml"),
    served!("style.css", "text/css; charset=utf-8"),
];

/// The files of the page.
#[derive(Clone, Debug)]
pub struct Page {
    version: String,
}

impl Page {
    /// Returns the page; the first call computes its version, which takes a few microseconds.
    pub fn shared() -> &'static Self {
        static PAGE: OnceLock<Page> = OnceLock::new();
        PAGE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let parts = FILES.iter().flat_map(|file| [file.name.as_bytes(), file.body]);
        Self { version: checksum(parts.chain([TEMPLATE.as_bytes()])) }
    }

    /// Returns the version of the files, which is another one if any of them changes.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns all files but the document.
    pub fn files(&self) -> &'static [File] {
        FILES
    }

    /// Returns the file of this name.
    pub fn file(&self, name: &str) -> Option<&'static File> {
        FILES.iter().find(|file| file.name == name)
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
    let mut hasher = Hasher::new();
    let mut length = 0;
    for part in parts {
        hasher.update(part);
        length += part.len();
    }
    format!("{:08x}{length:x}", hasher.finalize())
}
