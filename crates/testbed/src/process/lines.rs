//! The lines that a child has printed, in the order in which its reader threads read them.
//!
//! Stdout and stderr share one list, so that an error shows them in the order of arrival;
//! each line keeps its stream, so that a test can read one of them alone.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Deadline;

/// The most lines that are kept per child; the oldest are dropped, so a server can run for hours.
const MAX_LINES: usize = 20_000;

/// The stream on which a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// The lines of both streams, and a condition that each new line notifies.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Mutex<Vec<(Stream, String)>>,
    more: Condvar,
}

impl Lines {
    fn push(&self, stream: Stream, line: String) {
        let mut kept = self.lock();
        if kept.len() >= MAX_LINES {
            kept.drain(..MAX_LINES / 2);
        }
        kept.push((stream, line));
        self.more.notify_all();
    }

    pub(super) fn find(&self, pattern: &str) -> Option<String> {
        self.lock().iter().map(|(_, line)| line).find(|line| line.contains(pattern)).cloned()
    }

    /// Waits for a new line, at most 20 ms, because the end of the child notifies nobody.
    pub(super) fn wait_for_more(&self, deadline: Deadline) {
        let moment = deadline.left().min(Duration::from_millis(20));
        // The caller searches the lines again in either case.
        let _ = self.more.wait_timeout(self.lock(), moment);
    }

    pub(super) fn text(&self, wanted: impl Fn(Stream) -> bool) -> String {
        let mut text = String::new();
        for (_, line) in self.lock().iter().filter(|(stream, _)| wanted(*stream)) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Stream, String)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a pipe to its end on a thread of its own.
pub(super) fn read_into(
    lines: &Arc<Lines>,
    stream: Stream,
    pipe: impl Read + Send + 'static,
) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let line = String::from_utf8_lossy(&bytes);
            lines.push(stream, line.trim_end_matches(['\r', '\n']).to_owned());
            bytes.clear();
        }
    })
}
