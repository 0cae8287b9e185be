//! The signals that stop the demo, each of which counts, also those that come together.
//!
//! A runtime's own listener says that a signal came, and not how often: of two that come at once, the
//! second, which is to end the demo without a drain, would be lost. So each delivery is one byte in a
//! pipe. The kernel still merges signals of one kind that come before the first is delivered.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream as Pipe;

use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

/// The signals that stop the demo, from the moment on that this is made.
#[derive(Debug)]
pub struct StopSignals {
    pipe: UnixStream,
    /// The number of those that came and were not awaited yet.
    came: usize,
}

/// What SIGHUP asks for, which a terminal sends when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// The demo stops, unless it was started so that it ignores the signal, as by `nohup`.
    Stops,
    /// Something else, which is not the business of this module.
    IsOther,
}

impl StopSignals {
    /// Listens to SIGTERM, SIGINT and SIGQUIT, and to SIGHUP if that stops the demo.
    ///
    /// # Errors
    /// Fails when the system has no descriptor left, or refuses a signal.
    pub fn listen(hangup: Hangup) -> io::Result<Self> {
        let (read, write) = Pipe::pair()?;
        read.set_nonblocking(true)?;
        let hangup = (hangup == Hangup::Stops && !ignores_hangup()).then_some(Signal::HUP);
        for signal in [Signal::TERM, Signal::INT, Signal::QUIT].into_iter().chain(hangup) {
            signal_hook::low_level::pipe::register(signal.as_raw(), write.try_clone()?)?;
        }
        Ok(Self { pipe: UnixStream::from_std(read)?, came: 0 })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        if self.came == 0 {
            let mut bytes = [0; 64];
            // The other end lives as long as the process, so it cannot be closed.
            self.came = self.pipe.read(&mut bytes).await.unwrap_or(0);
            if self.came == 0 {
                std::future::pending::<()>().await;
            }
        }
        self.came -= 1;
    }
}

/// Returns `true` if the process was started so that it ignores SIGHUP.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is the signal with the number 1.
    ignored.is_some_and(|mask| mask & (1 << (Signal::HUP.as_raw() - 1)) != 0)
}
