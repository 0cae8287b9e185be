//! A shutdown in an order that loses no request.
//!
//! A load balancer needs a moment to notice that an instance stops. So readiness
//! is withdrawn first, and everything is still served for the drain delay. Only
//! then are listeners closed and connections asked to finish their requests.
//! Connections that are still open after the grace are cut.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::readiness::Readiness;

/// The shutdown of one or more servers; clones share it.
#[derive(Clone)]
pub struct Shutdown {
    stage: watch::Sender<Stage>,
    readiness: Option<Readiness>,
    drain_delay: Duration,
    grace: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving,
    /// Connections are served until this moment.
    Draining(Instant),
    Aborted,
}

impl Shutdown {
    /// Makes a shutdown that has not begun, with a drain delay of 2 s and a grace of 5 s.
    #[expect(clippy::new_without_default, reason = "a channel is not a value to default to")]
    pub fn new() -> Self {
        Self {
            stage: watch::Sender::new(Stage::Serving),
            readiness: None,
            drain_delay: Duration::from_secs(2),
            grace: Duration::from_secs(5),
        }
    }

    /// Withdraws this readiness first; none by default.
    #[must_use]
    pub fn readiness(mut self, readiness: &Readiness) -> Self {
        self.readiness = Some(readiness.clone());
        self
    }

    /// Serves new connections for this long after the beginning; 2 s by default.
    #[must_use]
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Gives open connections this long to finish after the drain; 5 s by default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Begins the shutdown: readiness is [`Draining`](crate::ReadinessStatus::Draining) when this returns.
    ///
    /// Beginning again changes nothing.
    pub fn begin(&self) {
        if let Some(readiness) = &self.readiness {
            readiness.drain();
        }
        let now = Instant::now();
        let until = now.checked_add(self.drain_delay).unwrap_or(now);
        self.stage.send_if_modified(|stage| {
            let begins = *stage == Stage::Serving;
            if begins {
                *stage = Stage::Draining(until);
            }
            begins
        });
    }

    /// Ends at once, and cuts all connections.
    pub fn abort(&self) {
        self.stage.send_replace(Stage::Aborted);
    }

    /// Returns true once the shutdown has begun.
    pub fn has_begun(&self) -> bool {
        *self.stage.borrow() != Stage::Serving
    }

    /// Waits until the server has to stop accepting.
    pub(super) async fn closing(&self) {
        let mut stage = self.stage.subscribe();
        loop {
            let now = *stage.borrow_and_update();
            let drained = async {
                match now {
                    Stage::Serving => std::future::pending().await,
                    Stage::Draining(until) => sleep_until(until).await,
                    Stage::Aborted => {}
                }
            };
            tokio::select! {
                () = drained => return,
                // The sender is `self`, so this cannot fail.
                _ = stage.changed() => {}
            }
        }
    }

    /// Waits until connections have to be cut; the grace begins now.
    pub(super) async fn cut(&self) {
        let mut stage = self.stage.subscribe();
        let aborted = stage.wait_for(|stage| *stage == Stage::Aborted);
        // The grace is over or the shutdown was aborted: connections are cut either way.
        let _ = tokio::time::timeout(self.grace, aborted).await;
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("stage", &*self.stage.borrow())
            .field("drain_delay", &self.drain_delay)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
