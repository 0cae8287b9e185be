//! The live page of node0: what it consists of, ready to be served.
//!
//! The page shows a service as it is now and as it was in the last hour. It is a document, a
//! style sheet and modules of JavaScript, which lie in the folder `ui`. What is made of them to be
//! served, the modules as one file without comments, lies in the folder `served` and is compiled into
//! the program. There is no framework, no library, and nothing from another origin.
//!
//! [`Page`] has the files, each with a compressed form. Their addresses contain a checksum of all
//! of them, so browsers may keep them forever. [`Page::document`] makes the document, which must
//! be asked for each time. It contains the addresses of the service's endpoints, all of them
//! relative, so that the page works behind a proxy that changes paths.
//!
//! ```
//! use node0_live_page::{Document, Page};
//!
//! let page = Page::shared();
//! let script = page.file("app.js").expect("it is one of the files");
//! assert_eq!(script.media_type, "text/javascript; charset=utf-8");
//! assert!(script.gzip.len() < script.body.len());
//!
//! let document = page.document(&Document { title: "orders", ..Document::default() });
//! assert!(document.contains("orders"));
//! assert!(document.contains(&format!("live-page/{}/app.js", page.version())));
//! ```
//!
//! The page reads `metrics/stream` and `metrics/history` of the service, its health and its
//! alerts. This crate knows nothing of them: it has no HTTP, and depends on no crate of node0.

mod document;
mod file;
mod page;

pub use document::Document;
pub use file::File;
pub use page::{CONTENT_SECURITY_POLICY, FOLDER, Page};
