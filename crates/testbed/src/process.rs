//! A program that a test started, ended by its guard.
//!
//! A test that panics must not leave a server behind, so the child ends when the guard
//! drops: SIGTERM first, because the programs under test must show that they clean up,
//! SIGKILL when they do not. Output is read by two threads from the start, so a chatty
//! child never blocks on a full pipe and a failure can show everything that was said.

mod lines;

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

pub use rustix::process::Signal;

use self::lines::{Lines, Stream, read_into};
use crate::Deadline;

/// How long a child may take to end after SIGTERM when its guard drops.
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
        /// Why the system refused.
        source: io::Error,
    },
    /// The child ended before it said the line.
    #[error("`{program}` ended ({status}) before it printed {pattern:?}; it said:\n{output}")]
    Ended {
        /// The program as it was called.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The text that was waited for.
        pattern: String,
        /// Everything it printed.
        output: String,
    },
    /// The child is still there but did not say the line in time.
    #[error("`{program}` did not print {pattern:?} in time; it said:\n{output}")]
    Silent {
        /// The program as it was called.
        program: String,
        /// The text that was waited for.
        pattern: String,
        /// Everything it printed.
        output: String,
    },
    /// The child did not end in time.
    #[error("`{program}` did not end in time; it said:\n{output}")]
    StillRunning {
        /// The program as it was called.
        program: String,
        /// Everything it printed.
        output: String,
    },
    /// The child could not be signalled or waited for.
    #[error("`{program}` cannot be signalled or waited for")]
    Control {
        /// The program as it was called.
        program: String,
        /// Why the system refused.
        source: io::Error,
    },
}

impl Process {
    /// Starts `command` with no input and captured output.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Spawn`] when the program cannot be started.
    pub fn spawn(mut command: Command) -> Result<Self, ProcessError> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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
    /// Lines that came before the call count too.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Ended`] or [`ProcessError::Silent`], both with the whole output.
    pub fn wait_for_line(
        &mut self,
        pattern: &str,
        deadline: Deadline,
    ) -> Result<String, ProcessError> {
        loop {
            // The status is asked first: what an ended child printed is all there then.
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

    /// Returns every line so far, in the order of arrival.
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
    /// [`ProcessError::Control`] when the system refuses, also when it has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .map_err(|errno| self.control(errno.into()))
    }

    /// Tells how the child ended, `None` while it runs.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Control`] when the system refuses.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| self.control(source))
    }

    /// Waits for the child to end by itself.
    ///
    /// # Errors
    ///
    /// [`ProcessError::StillRunning`] when the deadline passes first.
    pub fn wait(&mut self, deadline: Deadline) -> Result<ExitStatus, ProcessError> {
        let ended = deadline.poll(|| self.try_wait().transpose());
        let status = ended.unwrap_or_else(|| {
            Err(ProcessError::StillRunning { program: self.name.clone(), output: self.output() })
        })?;
        self.join_readers();
        Ok(status)
    }

    /// Asks the child to end by SIGTERM and waits for it.
    ///
    /// # Errors
    ///
    /// [`ProcessError::StillRunning`] when the deadline passes first.
    pub fn terminate(&mut self, deadline: Deadline) -> Result<ExitStatus, ProcessError> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        self.signal(Signal::TERM)?;
        self.wait(deadline)
    }

    /// Joins the readers, which end with the pipes.
    ///
    /// A grandchild may hold a pipe open for longer, so an unfinished reader is left
    /// to itself.
    fn join_readers(&mut self) {
        let deadline = Deadline::seconds(1);
        for reader in self.readers.drain(..) {
            if deadline.until(|| reader.is_finished()) {
                // A reader that panicked has left its lines behind all the same.
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
            // Nothing more can be done than to kill and reap; both fail only when the
            // child is gone.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
