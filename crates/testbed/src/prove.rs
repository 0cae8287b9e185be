//! How a test learns that it runs as a long proof, and hands over its figures.
//!
//! A proof is an ordinary test with a larger bound: the same code runs for a second in
//! every test run and for minutes under `cargo xtask prove NAME`, so the long one cannot
//! rot. The command sets two variables; this module is the only reader of them.

use std::io;
use std::path::Path;

use serde_json::Value;

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

/// Hands the measured figures to the proof's JSON; does nothing in a short run.
///
/// # Errors
///
/// When the file that the command named cannot be written.
pub fn report(figures: &Value) -> io::Result<()> {
    match std::env::var_os("NODE0_PROVE_FIGURES") {
        Some(path) => std::fs::write(Path::new(&path), figures.to_string()),
        None => Ok(()),
    }
}
