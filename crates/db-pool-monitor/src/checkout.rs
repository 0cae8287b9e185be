//! Guards for one trip to a pool: first waiting for a connection, then holding it.
//!
//! Waiting and holding are two types, so a wait can never be counted as use. A
//! wait that is simply dropped was cancelled by its caller and is counted as
//! such. However a wait ends, its whole duration is recorded: percentiles
//! without the waits that were given up would be wrong exactly when they matter.
//!
//! A guard owns what it records into, so it can move to another task or thread
//! together with its connection.

use std::panic::Location;
use std::sync::Arc;

use metrics_core::{Counter, Moment};

use crate::cells::Outcomes;
use crate::ledger::Key;
use crate::tracked::Tracked;

/// A wait for a connection that has not ended yet; see [`PoolHandle::acquire`](crate::PoolHandle::acquire).
///
/// One of its methods ends it. Dropping it counts the wait as cancelled, which is
/// what happens when the future that holds it is dropped.
#[derive(Debug)]
#[must_use = "dropping a wait records it as cancelled"]
pub struct Acquiring {
    /// Taken by the wait's end; absent while measuring is switched off.
    wait: Option<Wait>,
}

#[derive(Debug)]
struct Wait {
    tracked: Arc<Tracked>,
    since: Moment,
    caller: &'static Location<'static>,
    /// Its place in the ledger of waits, if it is entered there.
    key: Option<Key>,
}

/// A connection in a caller's hands.
///
/// Keep it beside the connection: dropping it ends the use of the connection and
/// records how long that was. One that is never dropped becomes a leak in the
/// report, with the line of code that called [`PoolHandle::acquire`](crate::PoolHandle::acquire).
#[derive(Debug)]
#[must_use = "dropping a checkout ends the use of its connection"]
pub struct Checkout {
    /// Absent while measuring is switched off.
    pub(crate) held: Option<Held>,
}

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) tracked: Arc<Tracked>,
    pub(crate) since: Moment,
    key: Key,
}

impl Acquiring {
    /// Starts a wait, which is in no ledger until [`Self::enter`] is called.
    pub(crate) fn start(
        tracked: Arc<Tracked>,
        since: Moment,
        caller: &'static Location<'static>,
    ) -> Self {
        Self { wait: Some(Wait { tracked, since, caller, key: None }) }
    }

    /// Returns a wait that records nothing.
    pub(crate) const fn unmeasured() -> Self {
        Self { wait: None }
    }

    /// Enters the wait in the ledger, from which polls read the oldest.
    pub(crate) fn enter(&mut self) {
        if let Some(Wait { tracked, since, caller, key }) = &mut self.wait {
            *key = Some(tracked.waits.enter(*since, caller).0);
        }
    }

    /// Ends the wait with a connection and starts timing its use.
    pub fn acquired(mut self) -> Checkout {
        let ended = self.end(|outcomes| &outcomes.acquired);
        let held = ended.map(|(Wait { tracked, caller, .. }, now)| {
            let (key, held) = tracked.holds.enter(now, caller);
            tracked.used_peak.record(held);
            Held { tracked, since: now, key }
        });
        Checkout { held }
    }

    /// Ends the wait because the pool's own deadline passed.
    pub fn timed_out(mut self) {
        self.end(|outcomes| &outcomes.timed_out);
    }

    /// Ends the wait because no connection could be opened, or because the pool is closed.
    pub fn failed(mut self) {
        self.end(|outcomes| &outcomes.failed);
    }

    /// Records the wait, the first time it is called.
    fn end(&mut self, outcome: impl FnOnce(&Outcomes) -> &Counter) -> Option<(Wait, Moment)> {
        let wait = self.wait.take()?;
        let Tracked { clock, waits, cells, .. } = &*wait.tracked;
        let now = clock.now();
        if let Some(key) = wait.key {
            waits.leave(key);
        }
        cells.waited(clock.between(wait.since, now), outcome);
        Some((wait, now))
    }
}

impl Drop for Acquiring {
    fn drop(&mut self) {
        self.end(|outcomes| &outcomes.cancelled);
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Some(Held { tracked, since, key }) = &self.held {
            tracked.holds.leave(*key);
            tracked.cells.hold.record(tracked.clock.since(*since));
        }
    }
}
