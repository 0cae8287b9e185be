//! Shows what is measured and the time that is left.
//!
//! On a terminal it is one line that is rewritten each second, elsewhere a line per question.
//! The expected durations are those of the last run on this machine; a question that was
//! never measured here has the duration that it took on ours. As questions end, the
//! remaining expectations are scaled by how much longer or shorter those took.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::results;
use rig::stopwatch;

/// The file with the durations of the last runs.
const FILE: &str = "durations";

/// The seconds of a question that no table has.
const UNKNOWN: f64 = 15.0;

/// The questions that are asked, with the time that they take.
pub(crate) struct Progress {
    /// Names of the steps and their expected seconds, in order.
    steps: Vec<(String, f64)>,
    done: usize,
    /// The seconds that the ended steps were expected to take, and those that they took.
    expected: f64,
    took: f64,
    /// The measured seconds of steps, of this run and of earlier ones.
    known: BTreeMap<String, f64>,
    is_terminal: bool,
}

impl Progress {
    /// Plans steps; each has a name, and the seconds that it took where it was first measured.
    pub(crate) fn new(steps: Vec<(String, Option<f64>)>) -> Self {
        let known: BTreeMap<String, f64> = results::path(FILE, "json")
            .ok()
            .and_then(|path| fs::read_to_string(path).ok())
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let steps = steps.into_iter().map(|(name, first)| {
            let seconds = known.get(&name).copied().or(first).unwrap_or(UNKNOWN);
            (name, seconds)
        });
        let is_terminal = io::stderr().is_terminal();
        Self { steps: steps.collect(), done: 0, expected: 0.0, took: 0.0, known, is_terminal }
    }

    /// Does the next step, and shows the time left while it lasts.
    pub(crate) fn step<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = stopwatch::now();
        self.show(Duration::ZERO);
        let (ended, is_ended) = channel::<()>();
        let this = &*self;
        let outcome = thread::scope(|scope| {
            scope.spawn(move || {
                let second = Duration::from_secs(1);
                while is_ended.recv_timeout(second) == Err(RecvTimeoutError::Timeout) {
                    this.refresh(started);
                }
            });
            let outcome = work();
            drop(ended);
            outcome
        });
        self.end(started.elapsed().as_secs_f64());
        outcome
    }

    /// Removes the line from the terminal, so that a table can be printed.
    pub(crate) fn clear(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }

    /// Returns the seconds that are left after some time in the present step.
    fn left(&self, elapsed: f64) -> f64 {
        let scale = if self.expected > 0.0 { self.took / self.expected } else { 1.0 };
        let (_, present) = &self.steps[self.done];
        let later: f64 = self.steps[self.done + 1..].iter().map(|step| step.1).sum();
        (present * scale - elapsed).max(0.0) + later * scale
    }

    fn line(&self, elapsed: Duration) -> String {
        let (name, _) = &self.steps[self.done];
        let left = self.left(elapsed.as_secs_f64());
        format!("[{}/{}] {name}, {} left", self.done + 1, self.steps.len(), time(left))
    }

    fn show(&self, elapsed: Duration) {
        let line = self.line(elapsed);
        match self.is_terminal {
            true => eprint!("\r\x1b[K{line}"),
            false => eprintln!("{line}"),
        }
        // A terminal that is gone shows nothing; the run goes on.
        let _ = io::stderr().flush();
    }

    fn refresh(&self, started: Instant) {
        if self.is_terminal {
            self.show(started.elapsed());
        }
    }

    fn end(&mut self, took: f64) {
        let (name, expected) = self.steps[self.done].clone();
        self.expected += expected;
        self.took += took;
        self.done += 1;
        self.known.insert(name, took);
        // Without the file the next run shows the durations that the questions have here.
        let _ = results::write(FILE, "json", &format!("{:#}\n", serde_json::json!(self.known)));
    }
}

/// Returns a time as minutes and seconds.
fn time(seconds: f64) -> String {
    let whole = seconds.ceil() as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(seconds: &[f64]) -> Progress {
        let steps = seconds.iter().map(|it| ("step".to_owned(), *it)).collect();
        let known = BTreeMap::new();
        Progress { steps, done: 0, expected: 0.0, took: 0.0, known, is_terminal: false }
    }

    #[test]
    fn rest_is_expected_to_deviate_as_the_ended_steps_did() {
        let mut progress = progress(&[10.0, 20.0, 30.0]);
        assert_eq!(progress.left(4.0), 56.0);
        // The first step took twice as long as was expected, so the others may too.
        (progress.expected, progress.took, progress.done) = (10.0, 20.0, 1);
        assert_eq!(progress.left(0.0), 100.0);
    }

    #[test]
    fn step_that_takes_longer_than_expected_has_no_time_left_of_its_own() {
        assert_eq!(progress(&[10.0, 20.0]).left(15.0), 20.0);
        assert_eq!(progress(&[10.0, 20.0]).line(Duration::from_secs(1)), "[1/2] step, 0:29 left");
    }
}
