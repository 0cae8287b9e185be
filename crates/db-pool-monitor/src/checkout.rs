//! Guards for one trip to a pool: first waiting for a connection, then holding it.
//!
//! Waiting and holding are two types, so a wait can never be counted as use. A wait that is
//! dropped was cancelled by its caller and is counted as such. The duration of each wait is
//! recorded, whatever its end: without cancelled waits, percentiles would be too low just when
//! the pool is overloaded.
//!
//! A guard owns its metric handles, so it can move to another task or thread together with the
//! connection.

use std::panic::Location;
use std::sync::Arc;

use node0_metrics_core::Moment;

use crate::cells::Outcome;
use crate::ledger::Key;
use crate::recorder::Recorder;

/// A wait for a connection that has not ended yet.
///
/// [`PoolHandle::acquire`](crate::PoolHandle::acquire) starts it, and one of its methods ends it.
/// Dropping it counts the wait as cancelled, which is what happens when the future that holds it
/// is dropped.
#[derive(Debug)]
#[must_use = "dropping a wait records it as cancelled"]
pub struct Acquiring(
    /// `None` after the wait's end, and while measuring is switched off.
    pub(crate) Option<Wait>,
);

/// A connection that a caller holds.
///
/// Keep it beside the connection: dropping it ends the use of the connection and records how long
/// that was. One that is never dropped becomes a leak in the report, with the line of code that
/// called [`PoolHandle::acquire`](crate::PoolHandle::acquire).
#[derive(Debug)]
#[must_use = "dropping a checkout ends the use of its connection"]
pub struct Checkout(
    /// `None` while measuring is switched off.
    pub(crate) Option<Use>,
);

/// A wait that has not ended.
#[derive(Debug)]
pub(crate) struct Wait {
    recorder: Arc<Recorder>,
    since: Moment,
    caller: &'static Location<'static>,
    /// Its place in the ledger of waits, if it is entered there.
    key: Option<Key>,
}

/// A use that has not ended.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) since: Moment,
    /// Its place in the ledger of holds.
    key: Key,
}

impl Acquiring {
    /// Starts a wait, which is in no ledger until [`Self::enter`] is called.
    pub(crate) fn start(
        recorder: Arc<Recorder>,
        since: Moment,
        caller: &'static Location<'static>,
    ) -> Self {
        Self(Some(Wait { recorder, since, caller, key: None }))
    }

    /// Enters the wait in the ledger, from which polls read the oldest.
    pub(crate) fn enter(&mut self) {
        if let Some(Wait { recorder, since, caller, key }) = &mut self.0 {
            *key = Some(recorder.waits.enter(*since, caller).0);
        }
    }

    /// Ends the wait with a connection and starts timing its use.
    pub fn acquired(mut self) -> Checkout {
        let Some(wait) = self.0.take() else { return Checkout(None) };
        let now = wait.end(Outcome::Acquired);
        let Wait { recorder, caller, .. } = wait;
        let (key, held) = recorder.holds.enter(now, caller);
        recorder.record_used(held);
        Checkout(Some(Use { recorder, since: now, key }))
    }

    /// Ends the wait because the pool's own deadline passed.
    pub fn timed_out(mut self) {
        self.end(Outcome::TimedOut);
    }

    /// Ends the wait because no connection could be opened, or because the pool is closed.
    pub fn failed(mut self) {
        self.end(Outcome::Failed);
    }

    /// Records the wait, the first time it is called.
    fn end(&mut self, outcome: Outcome) {
        if let Some(wait) = self.0.take() {
            wait.end(outcome);
        }
    }
}

impl Wait {
    /// Records the wait, and returns its end.
    // Each caller has one outcome: inlined, its counter is found at compile time.
    #[inline(always)]
    fn end(&self, outcome: Outcome) -> Moment {
        let Recorder { clock, waits, ends, .. } = &*self.recorder;
        let now = clock.now();
        if let Some(key) = self.key {
            waits.leave(key);
        }
        ends.waited(clock.between(self.since, now), outcome);
        now
    }
}

impl Drop for Acquiring {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Some(Use { recorder, since, key }) = &self.0 {
            recorder.holds.leave(*key);
            recorder.ends.hold.record(recorder.clock.since(*since));
        }
    }
}
