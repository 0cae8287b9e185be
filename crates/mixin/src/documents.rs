//! The generated files, and what is wrong with their sources.

use std::fs;
use std::path::{Path, PathBuf};

use crate::boards::{self, DefinitionError};
use crate::catalogue::{Catalogue, CatalogueError};
use crate::lint::{self, Context};
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
    /// The panels of a crate cannot be used.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The list of metrics is not as expected.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Returns every generated file of the workspace at `root`.
///
/// # Errors
/// [`DocumentError`] if a source is missing or malformed; it names the file and the line.
pub fn documents(root: &Path) -> Result<Vec<Document>, DocumentError> {
    let boards = boards::boards(root)?;
    let mut documents: Vec<_> = boards.iter().map(board_document).collect();
    if let Some(main) = boards.first() {
        documents.push(boards::provisioned_alerts(main)?);
    }
    documents.extend(rules::documents()?);
    Ok(documents)
}

fn board_document(board: &boards::Board) -> Document {
    Document { path: board.path.clone(), text: lint::written(&board.to_json()) }
}

/// Returns what the lint finds in boards, rules and documents, each with its place.
///
/// `page` is the list of metrics in the form of `docs/metrics.md`, written from the code of today.
///
/// # Errors
/// As [`documents`].
pub fn findings(root: &Path, page: &str) -> Result<Vec<String>, DocumentError> {
    let context = Context::new(Catalogue::parse(page)?);
    let mut found = Vec::new();
    for board in boards::boards(root)? {
        let document = board_document(&board);
        found.extend(lint::board_findings(&document.path, &document.text, &context));
    }
    found.extend(rules::findings(root, &context.catalogue));
    for path in pages(root)? {
        let text = read(root, &path)?;
        found.extend(lint::page_findings(&path, &text, &context.catalogue));
    }
    Ok(found)
}

/// Returns the documents that people write, sorted; `docs/metrics.md` is the list itself, and the
/// changelog tells of metrics that are gone.
fn pages(root: &Path) -> Result<Vec<String>, DocumentError> {
    let mut found = Vec::new();
    for folder in ["", "docs/", "docs/runbooks/"] {
        let path = root.join(folder);
        if !path.exists() {
            continue;
        }
        let failed = |source| DocumentError::Read { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            let is_list = name == "metrics.md" || name == "CHANGELOG.md";
            if name.ends_with(".md") && !is_list {
                found.push(format!("{folder}{name}"));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(root: &Path, relative: &str) -> Result<String, DocumentError> {
    let path = root.join(relative);
    fs::read_to_string(&path).map_err(|source| DocumentError::Read { path, source })
}
