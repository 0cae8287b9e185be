//! Guards for one trip to the pool: first waiting for a connection, then holding it.
//!
//! Waiting and holding are two types, so a wait can never be counted as use. A
//! wait that is simply dropped was cancelled by its caller and is counted as
//! such. However a wait ends, its whole duration is recorded: percentiles
//! without the waits that were given up would lie exactly when they matter.

use std::panic::Location;
use std::sync::Arc;

use metrics_core::Moment;

use crate::cells::{Levels, Outcomes, PoolCells};
use crate::ledger::Key;
use crate::phases::{self, Ending};

/// A wait for a connection that has not ended yet.
#[derive(Debug)]
#[must_use = "dropping a wait records it as cancelled"]
pub(crate) struct Acquiring {
    /// Taken by the wait's end.
    cells: Option<Arc<PoolCells>>,
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
    cells: Arc<PoolCells>,
    since: Moment,
    key: Key,
}

impl Acquiring {
    pub(crate) fn start(
        cells: Arc<PoolCells>,
        since: Moment,
        caller: &'static Location<'static>,
    ) -> Self {
        Self { cells: Some(cells), since, caller, waiting: None }
    }

    /// Notes that there was no connection at once.
    pub(crate) fn wait(&mut self, levels: Levels) {
        if let Some(cells) = &self.cells {
            cells.waiting_peak.record(levels.waiting);
            self.waiting = Some(cells.waits.enter(self.since, self.caller).0);
        }
    }

    /// Ends the wait with a connection and starts timing the hold.
    pub(crate) fn acquired(mut self) -> Option<Checkout> {
        let (cells, now) = self.finish(Ending::Acquired)?;
        cells.outcomes.acquired.inc();
        let (key, held) = cells.holds.enter(now, self.caller);
        cells.used_peak.record(held);
        Some(Checkout { cells, since: now, key })
    }

    /// Ends the wait because one of the pool's deadlines passed.
    pub(crate) fn timed_out(mut self, waited_for: TimedOut) {
        let ending = match waited_for {
            TimedOut::Permit => Ending::PermitTimedOut,
            TimedOut::Connect => Ending::Failed,
        };
        self.count(ending, |outcomes| {
            outcomes.timed_out.inc();
            match waited_for {
                TimedOut::Permit => outcomes.permit_timeouts.inc(),
                TimedOut::Connect => outcomes.connect_timeouts.inc(),
            }
        });
    }

    /// Ends the wait without a connection.
    pub(crate) fn failed(mut self) {
        self.count(Ending::Failed, |outcomes| outcomes.failed.inc());
    }

    fn count(&mut self, ending: Ending, count: impl FnOnce(&Outcomes)) {
        if let Some((cells, _)) = self.finish(ending) {
            count(&cells.outcomes);
        }
    }

    /// Records the wait, the first time it is called.
    fn finish(&mut self, ending: Ending) -> Option<(Arc<PoolCells>, Moment)> {
        let cells = self.cells.take()?;
        let now = cells.clock.now();
        if let Some(key) = self.waiting.take() {
            cells.waits.leave(key);
        }
        cells.wait.record(cells.clock.between(self.since, now));
        if cells.phases.is_some() {
            phases::end(ending, now);
        }
        Some((cells, now))
    }
}

impl Drop for Acquiring {
    fn drop(&mut self) {
        self.count(Ending::Cancelled, |outcomes| outcomes.cancelled.inc());
    }
}

impl Checkout {
    /// Ends the use because the connection leaves the pool for good.
    pub(crate) fn taken(self) {
        if let Some(phases) = &self.cells.phases {
            phases.discarded.taken.inc();
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.cells.holds.leave(self.key);
        self.cells.hold.record(self.cells.clock.since(self.since));
    }
}
