//! A script that runs in a page of a real Chromium.
//!
//! The browser is driven by Playwright, which a small program in JavaScript calls. It opens the
//! page, runs the script there, and prints the answer as JSON. Each call starts a browser of its
//! own, so tests share no cookies, caches or connections.

use std::io;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::Deadline;
use crate::process::{Process, ProcessError};
use crate::tools::{ChromiumTool, PlaywrightTool};

/// The program that opens the page.
const PROGRAM: &str = include_str!("../javascript/in_a_page.mjs");

/// The longest time for a browser to start and to end.
const PATIENCE_SECONDS: u64 = 30;

/// A Chromium and its driver.
#[derive(Debug, Clone)]
pub struct Browser {
    chromium: ChromiumTool,
    playwright: PlaywrightTool,
}

/// A script that gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The program that drives the browser could not run, or did not end in time.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The program could not be written to a file.
    #[error("the script could not be written")]
    Io(#[from] io::Error),
    /// The page could not be opened, or the script threw an exception.
    #[error("the script failed: {said}")]
    Failed {
        /// The exception.
        said: String,
    },
}

impl Browser {
    /// Combines a browser and its driver.
    #[must_use]
    pub fn new(chromium: ChromiumTool, playwright: PlaywrightTool) -> Self {
        Self { chromium, playwright }
    }

    /// Opens a page and returns the answer of a script that runs there.
    ///
    /// The script is the body of an asynchronous function with the parameter `argument`; the
    /// answer is what it returns. It may take `seconds`.
    ///
    /// # Errors
    ///
    /// Returns [`ScriptError`] when the page cannot be opened, or the script throws or takes longer.
    pub fn run_in_page(
        &self,
        url: &str,
        script: &str,
        argument: &Value,
        seconds: u64,
    ) -> Result<Value, ScriptError> {
        let order = json!({ "url": url, "script": script, "argument": argument });
        self.drive(PROGRAM, order, seconds)
    }

    /// Runs a program that drives the browser by Playwright, and returns the JSON that it prints.
    ///
    /// The program is a module for Node.js. `process.env.NODE0_PLAYWRIGHT` is the module of
    /// Playwright, and its argument a file with `order` as JSON, to which the path of the browser
    /// is added as `chromium`. It may take `seconds`.
    ///
    /// # Errors
    ///
    /// Returns [`ScriptError`] when the program fails, prints no JSON, or takes longer.
    pub fn drive(
        &self,
        program_text: &str,
        mut order: Value,
        seconds: u64,
    ) -> Result<Value, ScriptError> {
        // Two browsers side by side take longer than one after the other, and may be too late.
        static SOLE: Mutex<()> = Mutex::new(());
        let _sole = SOLE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::Builder::new().prefix("node0-chromium-").tempdir()?;
        let program = folder.path().join("program.mjs");
        std::fs::write(&program, program_text)?;
        order["chromium"] = json!(self.chromium.program());
        let order_path = folder.path().join("order.json");
        std::fs::write(&order_path, order.to_string())?;
        let mut command = self.playwright.command(&program);
        command.arg(&order_path).env("HOME", folder.path()).env("TMPDIR", folder.path());
        let mut process = Process::spawn(command)?;
        let status = process.wait(Deadline::seconds(seconds + PATIENCE_SECONDS))?;
        let answer = serde_json::from_str(&process.stdout());
        match answer {
            Ok(answer) if status.success() => Ok(answer),
            _ => Err(ScriptError::Failed { said: process.output() }),
        }
    }
}
