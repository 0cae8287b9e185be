//! Guards for one trip to the pool: first waiting for a connection, then holding it.
//!
//! Waiting and holding are two types, so a wait can never be counted as use. A
//! wait that is simply dropped was cancelled by its caller and is counted as
//! such. However a wait ends, its whole duration is recorded: percentiles
//! without the waits that were given up would lie exactly when they matter.

use std::panic::Location;
use std::sync::Arc;

use metrics_core::{Counter, Moment};

use crate::cells::Outcomes;
use crate::ledger::Key;
use crate::phases::{self, Ending};
use crate::tracked::Tracked;

/// A wait for a connection that has not ended yet.
#[derive(Debug)]
#[must_use = "dropping a wait records it as cancelled"]
pub(crate) struct Acquiring {
    /// Taken by the wait's end.
    tracked: Option<Arc<Tracked>>,
    since: Moment,
    caller: &'static Location<'static>,
    /// Its place in the ledger, once it turned out to be no immediate success.
    waiting: Option<Key>,
}

/// What a timed out wait was waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimedOut {
    Permit,
    Connect,
}

/// A connection in a caller's hands.
#[derive(Debug)]
#[must_use = "dropping a checkout ends the use of its connection"]
pub(crate) struct Checkout {
    tracked: Arc<Tracked>,
    since: Moment,
    key: Key,
}

impl Acquiring {
    pub(crate) fn start(
        tracked: Arc<Tracked>,
        since: Moment,
        caller: &'static Location<'static>,
    ) -> Self {
        Self { tracked: Some(tracked), since, caller, waiting: None }
    }

    /// Notes that there was no connection at once, and how many callers wait now.
    pub(crate) fn wait(&mut self, waiting: usize) {
        if let Some(tracked) = &self.tracked {
            tracked.waiting_peak.record(waiting as u64);
            self.waiting = Some(tracked.waits.enter(self.since, self.caller).0);
        }
    }

    /// Ends the wait with a connection and starts timing the hold.
    pub(crate) fn acquired(mut self) -> Option<Checkout> {
        let (tracked, now) = self.finish(Ending::Acquired, |outcomes| &outcomes.acquired)?;
        let (key, held) = tracked.holds.enter(now, self.caller);
        tracked.used_peak.record(held);
        Some(Checkout { tracked, since: now, key })
    }

    /// Ends the wait because one of the pool's deadlines passed.
    pub(crate) fn timed_out(mut self, waited_for: TimedOut) {
        let ending = match waited_for {
            TimedOut::Permit => Ending::PermitTimedOut,
            TimedOut::Connect => Ending::Failed,
        };
        let finished = self.finish(ending, |outcomes| &outcomes.timed_out);
        if let Some((tracked, _)) = finished {
            match waited_for {
                TimedOut::Permit => tracked.permit_timeouts.inc(),
                TimedOut::Connect => tracked.connect_timeouts.inc(),
            }
        }
    }

    /// Ends the wait without a connection.
    pub(crate) fn failed(mut self) {
        self.finish(Ending::Failed, |outcomes| &outcomes.failed);
    }

    /// Records the wait, the first time it is called.
    fn finish(
        &mut self,
        ending: Ending,
        outcome: impl FnOnce(&Outcomes) -> &Counter,
    ) -> Option<(Arc<Tracked>, Moment)> {
        let tracked = self.tracked.take()?;
        let now = tracked.clock.now();
        if let Some(key) = self.waiting.take() {
            tracked.waits.leave(key);
        }
        tracked.cells.waited(tracked.clock.between(self.since, now), outcome);
        if tracked.phases.is_some() {
            phases::end(ending, now);
        }
        Some((tracked, now))
    }
}

impl Drop for Acquiring {
    fn drop(&mut self) {
        self.finish(Ending::Cancelled, |outcomes| &outcomes.cancelled);
    }
}

impl Checkout {
    /// Ends the use because the connection leaves the pool for good.
    pub(crate) fn taken(self) {
        if let Some(phases) = &self.tracked.phases {
            phases.discarded.taken.inc();
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.tracked.holds.leave(self.key);
        self.tracked.cells.hold.record(self.tracked.clock.since(self.since));
    }
}
