//! Two programs that measure in turn, round by round.
//!
//! A machine's speed changes within seconds, so two programs that are to be compared must be
//! measured within milliseconds of each other. Each says on its standard output when it is
//! ready for a round, and waits for a line on its standard input; the program that compares
//! them lets them go in turn.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::rounds::{Effort, Race, Scope};

/// The line by which a program says that it is ready for a round.
const READY: &str = "ready";

/// Waits for this program's turn, if it measures in turn with another.
pub fn wait(effort: Effort) {
    if effort.scope == Scope::Ours {
        println!("{READY}");
        let _ = io::stdout().flush();
        // Without another program there is no input, and no reason to wait.
        let _ = io::stdin().lock().read_line(&mut String::new());
    }
}

/// A program that measures a question round by round.
pub struct Partner {
    child: Child,
    orders: ChildStdin,
    output: BufReader<ChildStdout>,
    answer: Option<Vec<Race>>,
}

impl Partner {
    /// Starts a program and waits until it is ready for its first round.
    ///
    /// # Errors
    /// Fails when the program cannot be started or ends early.
    pub fn start(call: &mut Command) -> Result<Self> {
        let call = call.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = call.spawn().context("cannot start a program")?;
        let orders = child.stdin.take().context("it has an input")?;
        let output = BufReader::new(child.stdout.take().context("it has an output")?);
        let mut partner = Self { child, orders, output, answer: None };
        partner.listen()?;
        Ok(partner)
    }

    /// Lets the program make a round; returns `false` if it has made all.
    ///
    /// # Errors
    /// Fails when the program ends early.
    pub fn round(&mut self) -> Result<bool> {
        if self.answer.is_some() {
            return Ok(false);
        }
        writeln!(self.orders).context("a program ended early")?;
        self.listen()?;
        Ok(true)
    }

    /// Returns the answer of a program that has made all its rounds.
    ///
    /// # Errors
    /// Fails when the program has not ended well.
    pub fn answer(mut self) -> Result<Vec<Race>> {
        let status = self.child.wait().context("cannot wait for a program")?;
        ensure!(status.success(), "a program ended with {status}");
        self.answer.take().context("a program gave no answer")
    }

    fn listen(&mut self) -> Result<()> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).context("cannot read an answer")?;
        ensure!(read > 0, "a program ended early, or it is older than `--compare`");
        if line.trim_end() != READY {
            self.answer = Some(serde_json::from_str(&line).context("the answer is no JSON")?);
        }
        Ok(())
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // It has ended, unless the other one failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
