//! The generated files, and what is wrong with their sources.

use std::fs;
use std::path::{Path, PathBuf};

use crate::catalogue::{Catalogue, CatalogueError};
use crate::rules;

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The path, relative to the root of the workspace.
    pub path: String,
    /// The content.
    pub text: String,
}

/// A source of the generated files that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file cannot be written as YAML.
    #[error("cannot be written as YAML")]
    Yaml(#[from] serde_saphyr::SerializeError),
    /// The list of metrics is not as expected.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Returns every generated file of the workspace at `root`.
///
/// # Errors
/// [`DocumentError`] if a source is missing or malformed; it names the file and the line.
pub fn documents(root: &Path) -> Result<Vec<Document>, DocumentError> {
    let _catalogue = Catalogue::parse(&read(root, "docs/metrics.md")?)?;
    rules::documents()
}

/// Returns what the lint finds in boards, rules and documents, each with its place.
///
/// # Errors
/// As [`documents`].
pub fn findings(root: &Path) -> Result<Vec<String>, DocumentError> {
    let _catalogue = Catalogue::parse(&read(root, "docs/metrics.md")?)?;
    Ok(Vec::new())
}

fn read(root: &Path, relative: &str) -> Result<String, DocumentError> {
    let path = root.join(relative);
    fs::read_to_string(&path).map_err(|source| DocumentError::Read { path, source })
}
