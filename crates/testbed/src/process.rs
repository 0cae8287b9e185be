//! A program that a test starts and that ends with its guard.
//!
//! A test that panics must not leave a server behind, so dropping the guard ends the
//! child: with SIGTERM, because the programs under test must show that they clean up, and
//! with SIGKILL if that does not suffice. Two threads read the output from the start, so
//! the child never blocks on a full pipe and an error can show everything it printed.

mod lines;

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

pub use rustix::process::Signal;

use self::lines::{Lines, Stream, read_into};
use crate::Deadline;

/// The time that a child may take to end after SIGTERM when its guard is dropped.
const GRACE_SECONDS: u64 = 10;

/// A running child process with its captured output.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Arc<Lines>,
    readers: Vec<JoinHandle<()>>,
}

/// A child that did not do what the test waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The program could not be started.
    #[error("`{program}` could not be started")]
    Spawn {
        /// The program as it was called.
        program: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The child ended before it printed the line.
    #[error("`{program}` ended ({status}) before it printed {pattern:?}; it said:\n{output}")]
    Ended {
        /// The program as it was called.
        program: String,
        /// The exit status.
        status: ExitStatus,
        /// The text that was waited for.
        pattern: String,
        /// The whole output of the child.
        output: String,
    },
    /// The child still runs but did not print the line in time.
    #[error("`{program}` did not print {pattern:?} in time; it said:\n{output}")]
    Silent {
        /// The program as it was called.
        program: String,
        /// The text that was waited for.
        pattern: String,
        /// The whole output of the child.
        output: String,
    },
    /// The child did not end in time.
    #[error("`{program}` did not end in time; it said:\n{output}")]
    StillRunning {
        /// The program as it was called.
        program: String,
        /// The whole output of the child.
        output: String,
    },
    /// The child could not be signalled or waited for.
    #[error("`{program}` cannot be signalled or waited for")]
    Control {
        /// The program as it was called.
        program: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Process {
    /// Starts `command` with no input and captured output.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::Spawn`] when the program cannot be started.
    pub fn spawn(command: Command) -> Result<Self, ProcessError> {
        Self::spawn_with_input(command, Stdio::null())
    }

    /// Starts `command` with this input and captured output.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::Spawn`] when the program cannot be started.
    pub fn spawn_with_input(
        mut command: Command,
        input: impl Into<Stdio>,
    ) -> Result<Self, ProcessError> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(source) => {
                return Err(ProcessError::Spawn { program: name, source });
            }
        };
        let lines = Arc::new(Lines::default());
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            readers.push(read_into(&lines, Stream::Stdout, pipe));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.push(read_into(&lines, Stream::Stderr, pipe));
        }
        Ok(Self { name, child, lines, readers })
    }

    /// Returns the child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of stdout or stderr that contains `pattern` and returns it.
    ///
    /// It also finds lines that were printed before the call.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::Ended`] or [`ProcessError::Silent`], both with the whole output.
    pub fn wait_for_line(
        &mut self,
        pattern: &str,
        deadline: Deadline,
    ) -> Result<String, ProcessError> {
        loop {
            // The status is read before the search: if the child has ended, the search covers
            // everything that it printed.
            let status = self.try_wait()?;
            if status.is_some() {
                self.join_readers();
            }
            if let Some(line) = self.lines.find(pattern) {
                return Ok(line);
            }
            let (program, pattern) = (self.name.clone(), pattern.to_owned());
            if let Some(status) = status {
                let output = self.output();
                return Err(ProcessError::Ended { program, status, pattern, output });
            }
            if deadline.has_passed() {
                return Err(ProcessError::Silent { program, pattern, output: self.output() });
            }
            self.lines.wait_for_more(deadline);
        }
    }

    /// Returns all lines so far, in the order of arrival.
    #[must_use]
    pub fn output(&self) -> String {
        self.lines.text(|_| true)
    }

    /// Returns the lines of stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.lines.text(|stream| stream == Stream::Stdout)
    }

    /// Returns the lines of stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.lines.text(|stream| stream == Stream::Stderr)
    }

    /// Sends a signal to the child.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::Control`] when the system refuses or the child has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .map_err(|errno| self.control(errno.into()))
    }

    /// Returns the child's exit status, `None` while it runs.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::Control`] when the system refuses.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| self.control(source))
    }

    /// Waits for the child to end by itself.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::StillRunning`] when the deadline passes first.
    pub fn wait(&mut self, deadline: Deadline) -> Result<ExitStatus, ProcessError> {
        let ended = deadline.poll(|| self.try_wait().transpose());
        let status = ended.unwrap_or_else(|| {
            Err(ProcessError::StillRunning { program: self.name.clone(), output: self.output() })
        })?;
        self.join_readers();
        Ok(status)
    }

    /// Sends SIGTERM to the child and waits for its end.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::StillRunning`] when the deadline passes first.
    pub fn terminate(&mut self, deadline: Deadline) -> Result<ExitStatus, ProcessError> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        self.signal(Signal::TERM)?;
        self.wait(deadline)
    }

    /// Waits for the reader threads, which end when the pipes are closed.
    ///
    /// A grandchild may hold a pipe open for longer, so a reader that has not ended after a
    /// second is detached.
    fn join_readers(&mut self) {
        let deadline = Deadline::seconds(1);
        for reader in self.readers.drain(..) {
            if deadline.until(|| reader.is_finished()) {
                // The lines of a reader that panicked are kept, so its panic is ignored.
                let _ = reader.join();
            }
        }
    }

    fn control(&self, source: io::Error) -> ProcessError {
        ProcessError::Control { program: self.name.clone(), source }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.terminate(Deadline::seconds(GRACE_SECONDS)).is_err() {
            // Both calls fail only if the child is gone already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
