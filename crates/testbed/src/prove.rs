//! Tells a test whether it runs as a long proof, and collects the figures of a proof.
//!
//! A proof is an ordinary test with a larger bound: the same code runs for a second in
//! every test run and for minutes under `cargo xtask prove NAME`, so the long version
//! cannot break unnoticed. The command sets two variables, which only this module reads.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

/// The length of a test run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Seconds, in every ordinary test run.
    Short,
    /// Minutes, under `cargo xtask prove`.
    Long,
}

impl Length {
    /// Returns the length of this run, which is long if `NODE0_PROVE` is `long`.
    #[must_use]
    pub fn of_this_run() -> Self {
        match std::env::var("NODE0_PROVE") {
            Ok(word) if word == "long" => Self::Long,
            _ => Self::Short,
        }
    }

    /// Returns the bound for this length.
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
/// The tests of a proof run side by side in one process, and each adds an object with its
/// own keys. The value of a key that exists is replaced.
///
/// # Errors
///
/// Fails when the file cannot be read or written, or does not hold a JSON object.
pub fn report(figures: &Value) -> io::Result<()> {
    static SOLE: Mutex<()> = Mutex::new(());
    let Some(path) = std::env::var_os("NODE0_PROVE_FIGURES") else { return Ok(()) };
    // Ignores poison, so that a test that panicked does not lose the others' figures.
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
