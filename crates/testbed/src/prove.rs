//! How a test learns that it runs as a long proof, and hands over its figures.
//!
//! A proof is an ordinary test with a larger bound: the same code runs for a second in
//! every test run and for minutes under `cargo xtask prove NAME`, so the long one cannot
//! rot. The command sets two variables; this module is the only reader of them.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

/// Which of the two lengths a test runs at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Part of every test run: seconds.
    Short,
    /// Under `cargo xtask prove`: minutes.
    Long,
}

impl Length {
    /// Reads the length that this run was asked for (`NODE0_PROVE=long`).
    #[must_use]
    pub fn of_this_run() -> Self {
        match std::env::var("NODE0_PROVE") {
            Ok(word) if word == "long" => Self::Long,
            _ => Self::Short,
        }
    }

    /// Picks the bound that belongs to this length.
    #[must_use]
    pub fn pick<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// Adds measured figures to the proof's JSON; does nothing in a short run.
///
/// The tests of a proof run side by side in one process, and each brings an object with
/// keys of its own. A key that is there already gets the new value.
///
/// # Errors
///
/// When the file that the command named cannot be read or written, or holds no object.
pub fn report(figures: &Value) -> io::Result<()> {
    static SOLE: Mutex<()> = Mutex::new(());
    let Some(path) = std::env::var_os("NODE0_PROVE_FIGURES") else { return Ok(()) };
    // A test that failed meanwhile does not take the others' figures with it.
    let _sole = SOLE.lock().unwrap_or_else(PoisonError::into_inner);
    add(Path::new(&path), figures)
}

fn add(path: &Path, figures: &Value) -> io::Result<()> {
    let mut all: Map<String, Value> = match std::fs::read(path) {
        Ok(before) => serde_json::from_slice(&before)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(error),
    };
    let Value::Object(figures) = figures else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "figures are an object"));
    };
    all.extend(figures.clone());
    std::fs::write(path, Value::Object(all).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_of_several_tests_stand_side_by_side() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("figures.json");
        add(&path, &json!({"runs": 5, "seconds": 1})).expect("a new file");
        add(&path, &json!({"seconds": 2})).expect("the same file");
        let read: Value =
            serde_json::from_slice(&std::fs::read(&path).expect("it is there")).expect("an object");
        assert_eq!(read, json!({"runs": 5, "seconds": 2}));
        assert!(add(&path, &json!(7)).is_err());
    }
}
