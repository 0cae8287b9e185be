//! Rules from a TOML file, so that operators change them without a new build.
//!
//! The file changes the rules of the code: it edits those that it names and adds others. It has
//! silences too, for operators who cannot call the code. A mistake is told with file, line, field and remedy, all mistakes at once, and nothing is taken
//! from a file that has one. The file is read by hand from the parsed values and not by `serde`,
//! whose errors do not know what a field would accept.

mod fields;
mod reader;
mod silences;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::rule::Rule;
use crate::silence::PlannedSilence;

/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The content of a rules file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RulesFile {
    /// All rules: those of the code as the file changes them, and those that it adds.
    pub rules: Vec<Rule>,
    /// The silences, in their order.
    pub silences: Vec<PlannedSilence>,
}

/// A rules file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RulesFileError {
    /// The file cannot be read.
    #[error("{}: the rules file cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file has mistakes.
    #[error("{}", listed(path, mistakes))]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// The mistakes, in the order of their lines.
        mistakes: Vec<Mistake>,
    },
}

/// One mistake in a rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// The line, from 1 on.
    pub line: usize,
    /// The field, such as `rules.HighP95Latency.for`; empty if the file is no TOML.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.problem),
            field => write!(f, "`{field}` {}", self.problem),
        }
    }
}

fn listed(path: &Path, mistakes: &[Mistake]) -> String {
    let path = path.display();
    let lines = mistakes.iter().map(|mistake| format!("{path}:{}: {mistake}", mistake.line));
    // One line, since that is what logs and terminals take a message for.
    lines.collect::<Vec<_>>().join("; ")
}

/// Reads a file, and applies it to the rules of the code.
pub(crate) fn load(base: &[Rule], path: &Path) -> Result<RulesFile, RulesFileError> {
    let read = |source| RulesFileError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(read)?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(read)?;
    let mistakes = if text.len() as u64 > MAX_BYTES {
        let problem = "the file is larger than 1 MiB: rules are shorter".to_owned();
        vec![Mistake { line: 1, field: String::new(), problem }]
    } else {
        match apply(base, &text) {
            Ok(file) => return Ok(file),
            Err(mistakes) => mistakes,
        }
    };
    Err(RulesFileError::Mistakes { path: path.to_owned(), mistakes })
}

/// Applies the text of a file to rules; returns the rules that then hold, and the silences.
///
/// ```
/// use node0_alerting::{apply_toml, built_in};
///
/// let file = apply_toml(
///     &built_in(),
///     r#"
///     [rules.HighP95Latency]
///     threshold = 0.5
///     for = "2m"
///
///     [rules.QueueTooLong]
///     metric = "queue_length"
///     by = ["queue"]
///     above = 100
///     summary = "{queue} holds {value} jobs"
///
///     [[silence]]
///     where = { alertname = "QueueTooLong", queue = "mails" }
///     until = "2027-01-04T08:00:00+01:00"
///     comment = "more workers come on Monday"
///     "#,
/// )
/// .expect("it has no mistakes");
/// assert_eq!((file.rules.len(), file.silences.len()), (built_in().len() + 1, 1));
///
/// let mistakes = apply_toml(&built_in(), "[rules.HighP95Latency]\nfor = 5").unwrap_err();
/// assert_eq!(
///     (mistakes[0].line, mistakes[0].to_string().as_str()),
///     (2, "`rules.HighP95Latency.for` is an integer: write a time as text, such as \"30s\", \"5m\" or \"1h\"")
/// );
/// ```
///
/// # Errors
/// All [mistakes](Mistake) in the text.
pub fn apply(base: &[Rule], text: &str) -> Result<RulesFile, Vec<Mistake>> {
    reader::read(base, text)
}
