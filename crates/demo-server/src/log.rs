//! The demo's log: lines are written to stderr by a thread of their own, for which nobody waits.
//!
//! Stderr may be a pipe that is full, or whose reader is gone. Requests must not hang on it, nor must
//! the process panic. So lines that cannot be written are dropped and counted.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use node0::{Clock, Counter, Desc, Event, Observer, RegisterError, Registry, Sample};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// The most lines that wait to be written.
const MOST_WAITING: usize = 1024;

const LINES_LOST: Desc = Desc::counter(
    "log_lines_lost_total",
    "Lines of the log that were dropped because stderr did not take them in time.",
);

/// The log; dropping it writes the last lines, for a second at most.
#[derive(Debug)]
pub struct Log {
    lost: ErrorCounter,
    _writer: WorkerGuard,
}

impl Log {
    /// Writes the log of this process to stderr: INFO and above, or as `NODE0_LOG` says.
    pub fn to_stderr() -> Self {
        let (log, lines) = Self::to(io::stderr());
        let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into());
        tracing_subscriber::fmt()
            .with_env_filter(filter.with_env_var("NODE0_LOG").from_env_lossy())
            .with_ansi(io::stderr().is_terminal())
            .with_writer(lines)
            .init();
        log
    }

    fn to(writer: impl Write + Send + 'static) -> (Self, NonBlocking) {
        let builder = NonBlockingBuilder::default().thread_name("demo-log");
        let (lines, writer) = builder.lossy(true).buffered_lines_limit(MOST_WAITING).finish(writer);
        (Self { lost: lines.error_counter(), _writer: writer }, lines)
    }

    /// Makes the number of lost lines a metric.
    ///
    /// # Errors
    /// Returns [`RegisterError`] when the registry is full.
    pub fn count_lost(&self, registry: &Registry) -> Result<(), RegisterError> {
        let counter = registry.counter(&LINES_LOST, &[])?;
        registry.observe(LostLines { lost: self.lost.clone(), counter, known: 0 })
    }
}

/// Lets one line in ten seconds through, of those that would come with each request; clones share it.
#[derive(Clone, Debug)]
pub struct Seldom {
    clock: Clock,
    said: Arc<Mutex<Said>>,
}

/// The last line that came through, and the number of those that did not since.
#[derive(Debug, Default)]
struct Said {
    /// In time since the clock was made.
    last: Option<Duration>,
    held_back: u64,
}

/// The time between two lines.
const PAUSE: Duration = Duration::from_secs(10);

impl Seldom {
    /// Lets the first line through.
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), said: Arc::default() }
    }

    /// Returns the number of lines held back since the last one that came through, or `None` for a
    /// line that is held back too.
    pub fn try_line(&self) -> Option<u64> {
        let now = self.clock.uptime();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.last.is_some_and(|last| now.saturating_sub(last) < PAUSE) {
            said.held_back += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.held_back))
    }
}

/// Looks at the number of lost lines once a tick.
struct LostLines {
    lost: ErrorCounter,
    counter: Counter,
    known: u64,
}

impl Observer for LostLines {
    fn name(&self) -> &'static str {
        "log"
    }

    fn observe(&mut self, _: &Arc<Sample>, _missed: u64) -> Vec<Event> {
        let lost = self.lost.dropped_lines() as u64;
        self.counter.add(lost.saturating_sub(self.known));
        self.known = lost;
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Receiver};

    use super::*;

    /// A pipe that takes nothing before its sender is dropped.
    struct Full(Mutex<Receiver<()>>);

    impl Write for Full {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.lock().expect("no test panicked").recv();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_in_ten_seconds_comes_through_and_tells_of_the_others() {
        let clock = node0::ManualClock::new();
        let seldom = Seldom::new(&clock.clock());
        let lines = |count| (0..count).map(|_| seldom.try_line()).collect::<Vec<_>>();
        assert_eq!(lines(3), [Some(0), None, None]);
        clock.advance(PAUSE - Duration::from_millis(1));
        assert_eq!(lines(1), [None]);
        clock.advance(Duration::from_millis(1));
        assert_eq!(lines(2), [Some(3), None]);
    }

    #[test]
    fn what_a_full_pipe_does_not_take_is_dropped_and_counted() {
        let (release, held) = mpsc::channel();
        let (log, mut lines) = Log::to(Full(Mutex::new(held)));
        for _ in 0..MOST_WAITING + 10 {
            lines.write_all(b"a line\n").expect("it takes every line");
        }
        // The first line may be on its way to the pipe already.
        assert!([9, 10].contains(&log.lost.dropped_lines()));
        let registry = Registry::new();
        log.count_lost(&registry).expect("there is room");
        let mut ticker = registry.ticker().expect("nobody else ticks");
        ticker.tick();
        let sample = registry.read();
        let family = sample.snapshot.family("log_lines_lost_total").expect("it is registered");
        let counted: f64 = family.series().map(|(_, value)| value.as_f64()).sum();
        assert_eq!(counted, log.lost.dropped_lines() as f64);
        drop(release);
    }
}
