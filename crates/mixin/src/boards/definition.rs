//! The file `panels.toml` of a crate: the rows and panels that show its metrics.
//!
//! It says what is particular to a panel. What all panels have in common, such as the data
//! source, the variables and the matchers on them, is added when the board is written.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

/// The panels of a crate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// The small board for those who use this crate by itself.
    pub(crate) board: Option<SmallBoard>,
    /// The rows, which rows of other crates with the same title are joined to.
    pub(crate) rows: Vec<Row>,
}

/// The small board of a crate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmallBoard {
    pub(crate) title: String,
    pub(crate) description: String,
}

/// Panels below one heading.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) section: Section,
    /// The place among the rows of the section; rows with the same title are joined in this order.
    pub(crate) place: u32,
    pub(crate) panels: Vec<Panel>,
}

/// The parts of a board, in the order in which an operator reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Section {
    /// Is something wrong?
    Health,
    /// What callers see: rates, errors, durations.
    Traffic,
    /// What the service waits for.
    Resources,
    /// What is rarely read; its rows are collapsed.
    Internals,
}

/// A panel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Panel {
    pub(crate) title: Spanned<String>,
    /// What the panel shows.
    pub(crate) shows: String,
    /// Which values are good.
    pub(crate) good: String,
    /// What to do if they are not; for an alert by default the remedy of its rule.
    pub(crate) act: Option<String>,
    pub(crate) kind: Kind,
    /// A unit of Grafana, such as `s`, `bytes` or `percentunit`.
    pub(crate) unit: String,
    /// Columns of 24.
    pub(crate) width: u32,
    /// Units of about 38 pixels; 7 by default, for all panels of a line the highest.
    #[serde(default = "seven")]
    pub(crate) height: u32,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) decimals: Option<u32>,
    /// The text while there are no data.
    pub(crate) no_value: String,
    #[serde(default)]
    pub(crate) stacked: bool,
    /// The rule whose query and threshold the panel shows.
    pub(crate) alert: Option<AlertQuery>,
    /// Limits of the colours, for a panel without an alert.
    #[serde(default)]
    pub(crate) thresholds: Vec<Step>,
    /// Texts of values.
    #[serde(default)]
    pub(crate) states: Vec<State>,
    #[serde(default)]
    pub(crate) queries: Vec<Query>,
}

/// A rule that a panel shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertQuery {
    pub(crate) rule: Spanned<String>,
    pub(crate) legend: String,
}

/// The kinds of panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Timeseries,
    Stat,
    Bargauge,
    StateTimeline,
    Heatmap,
}

/// A colour from a value on; without a value from the lowest on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) color: String,
    pub(crate) value: Option<f64>,
}

/// The text and colour of a value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) value: i64,
    pub(crate) text: String,
    pub(crate) color: String,
}

/// A query of a panel, without the matchers on the board's variables.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    pub(crate) expr: Spanned<String>,
    pub(crate) legend: String,
    /// `true` to draw exemplars, which lead from a point to a trace.
    #[serde(default)]
    pub(crate) exemplars: bool,
}

/// The definition of a crate, with its place for messages.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The folder of the crate, such as `cache-monitor`.
    pub(crate) folder: String,
    pub(crate) definition: Definition,
    text: String,
}

/// A definition that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// A folder or file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The text is no definition: an unknown field, a missing one, or no TOML.
    #[error("{file}: {reason}")]
    Syntax {
        /// The file, relative to the root.
        file: String,
        /// The parser's reason, with line and column.
        reason: String,
    },
    /// A value cannot be used.
    #[error("{file}:{line}: {problem}")]
    Value {
        /// The file, relative to the root.
        file: String,
        /// The line, from 1 on.
        line: usize,
        /// What is wrong, and what to write.
        problem: String,
    },
}

impl Source {
    /// Reads the definitions of all crates, sorted by crate.
    pub(crate) fn read_all(root: &Path) -> Result<Vec<Self>, DefinitionError> {
        let crates = root.join("crates");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| DefinitionError::Read { path, source }
        };
        let mut folders = Vec::new();
        for entry in fs::read_dir(&crates).map_err(failed(&crates))? {
            let name = entry.map_err(failed(&crates))?.file_name();
            folders.push(name.to_string_lossy().into_owned());
        }
        folders.sort();
        let mut sources = Vec::new();
        for folder in folders {
            let path = crates.join(&folder).join("panels.toml");
            if path.exists() {
                let text = fs::read_to_string(&path).map_err(failed(&path))?;
                sources.push(Self::parse(folder, text)?);
            }
        }
        Ok(sources)
    }

    /// Reads a definition.
    pub(crate) fn parse(folder: String, text: String) -> Result<Self, DefinitionError> {
        match toml::from_str(&text) {
            Ok(definition) => Ok(Self { folder, definition, text }),
            Err(error) => {
                Err(DefinitionError::Syntax { file: file_of(&folder), reason: error.to_string() })
            }
        }
    }

    /// Returns the error for a value, with its line.
    pub(crate) fn refuse<T>(&self, value: &Spanned<T>, problem: String) -> DefinitionError {
        let before = self.text.get(..value.span().start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        DefinitionError::Value { file: file_of(&self.folder), line, problem }
    }
}

fn file_of(folder: &str) -> String {
    format!("crates/{folder}/panels.toml")
}

const fn seven() -> u32 {
    7
}
