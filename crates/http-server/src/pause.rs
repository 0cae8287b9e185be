//! The pause after a connection could not be accepted.
//!
//! Mostly the process has no free file descriptor then. To try again at once would only burn a core.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::listener::Listener;

/// The first pause after a failed `accept`, such as for lack of file descriptors.
///
/// It doubles with each failure in a row, up to `LONGEST_PAUSE`.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The pause after `accept` has failed.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    length: Duration,
    end: Option<Instant>,
}

impl Pause {
    /// Waits for the end of the pause and then for a connection; `None` if that failed, which
    /// begins a longer pause.
    ///
    /// No connection is lost if the future is dropped.
    pub(crate) async fn accept<L: Listener>(&mut self, listener: &mut L) -> Option<L::Io> {
        if let Some(end) = self.end {
            sleep_until(end).await;
        }
        let accepted = loop {
            match listener.accept().await {
                // The client went away before it was accepted.
                Err(error) if is_of_client(&error) => {}
                accepted => break accepted,
            }
        };
        match accepted {
            Ok(io) => {
                *self = Self::default();
                Some(io)
            }
            // Most likely the process has no free file descriptor.
            Err(error) => {
                self.length = (self.length * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                let pause_ms = self.length.as_millis();
                node0_log_relay::log(
                    move || tracing::warn!(%error, pause_ms, "cannot accept: pausing"),
                );
                self.end = Some(Instant::now() + self.length);
                None
            }
        }
    }
}

fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
