//! The phases of a wait: for a permit, on a recycle, on a connect.
//!
//! A pool runs its hooks inside the future of the calling task, but without any reference to the
//! caller. So each wait of a [`MonitoredPool`](super::MonitoredPool) has a [`Trip`] in a
//! task-local, and the hooks advance it to the next phase. A hook that finds no trip, because
//! the call was made on the bare pool, still counts connections.
//!
//! No hook runs before a connect. The connects of a manager that calls [`mark_connecting`] are
//! timed. With any other manager the time before a new connection is known only as a whole, and
//! is recorded in no phase.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool::managed::{Hook, Manager, Object, PoolBuilder};
use node0_metrics_core::{Clock, Moment, RegisterError, Registry};

use crate::cells::{Discarded, HookCells, Outcome, WaitPhase};

tokio::task_local! {
    static TRIP: Trip;
}

/// The state that the hooks of one pool share.
#[derive(Debug)]
pub(super) struct Phases {
    clock: Clock,
    pub(super) cells: HookCells,
    /// `true` once the manager has called [`mark_connecting`].
    marks: AtomicBool,
}

/// The wait of one caller; one that is dropped before its end was cancelled.
#[derive(Debug)]
struct Trip {
    phases: Arc<Phases>,
    /// The current phase and its start; no phase once the wait is over.
    at: Cell<(Option<WaitPhase>, Moment)>,
}

/// Marks the moment at which the current task's wait begins to open a connection.
///
/// A [`Manager`] of your own calls it first thing in `create`; the managers of the module
/// `postgres` do. Outside of a monitored wait it does nothing.
pub fn mark_connecting() {
    // Fails outside a monitored wait, where there is nothing to mark.
    let _ = TRIP.try_with(Trip::connecting);
}

/// Runs a wait that begins at `since` with a trip of its own.
pub(super) fn scope<F: Future>(
    phases: Arc<Phases>,
    since: Moment,
    future: F,
) -> impl Future<Output = F::Output> {
    let at = Cell::new((Some(WaitPhase::Permit), since));
    TRIP.scope(Trip { phases, at }, future)
}

impl Phases {
    pub(super) fn register(registry: &Registry, pool: &str) -> Result<Self, RegisterError> {
        let cells = HookCells::register(registry, &[pool])?;
        Ok(Self { clock: registry.clock().clone(), cells, marks: AtomicBool::new(false) })
    }

    /// Adds the hooks; they run last, so connections that they count have passed all other hooks.
    pub(super) fn hook<M, W>(self: &Arc<Self>, builder: PoolBuilder<M, W>) -> PoolBuilder<M, W>
    where
        M: Manager,
        W: From<Object<M>>,
    {
        let (create, before, after) = (self.clone(), self.clone(), self.clone());
        builder
            .post_create(Hook::sync_fn(move |_, _| {
                create.cells.opened.inc();
                create.move_trip(Trip::created);
                Ok(())
            }))
            .pre_recycle(Hook::sync_fn(move |_, _| {
                // It may be a second one, if the first failed its check.
                before.move_trip(|trip| trip.advance(WaitPhase::Recycle));
                Ok(())
            }))
            .post_recycle(Hook::sync_fn(move |_, _| {
                after.cells.recycled.inc();
                after.move_trip(Trip::recycled);
                Ok(())
            }))
    }

    /// Ends the task's trip; only a wait for a permit ends as `TimedOut`.
    pub(super) fn end(&self, outcome: Outcome, now: Moment) {
        self.move_trip(|trip| trip.end(outcome, now));
    }

    /// Calls `on` with the task's trip, if it is a trip to this pool.
    fn move_trip(&self, on: impl FnOnce(&Trip)) {
        let _ = TRIP.try_with(|trip| {
            if std::ptr::eq(&raw const *trip.phases, self) {
                on(trip);
            }
        });
    }
}

impl Trip {
    fn recycled(&self) {
        let now = self.phases.clock.now();
        self.record(now);
        self.at.set((None, now));
    }

    fn connecting(&self) {
        self.phases.marks.store(true, Ordering::Relaxed);
        if self.phase() != Some(WaitPhase::Connect) {
            self.advance(WaitPhase::Connect);
        }
    }

    fn created(&self) {
        let now = self.phases.clock.now();
        self.discard(Discarded::RecycleFailed);
        // Without a mark, the time for a permit and that of the connect cannot be told apart.
        if self.phase() == Some(WaitPhase::Connect) {
            self.record(now);
        }
        self.at.set((None, now));
    }

    fn end(&self, outcome: Outcome, now: Moment) {
        let is_cancelled = outcome == Outcome::Cancelled;
        self.discard(if is_cancelled { Discarded::Cancelled } else { Discarded::RecycleFailed });
        // Without marks the phase may be over: an unmarked connect may have followed.
        let is_certain = self.phases.marks.load(Ordering::Relaxed)
            || self.phase() == Some(WaitPhase::Connect)
            || (self.phase() == Some(WaitPhase::Permit) && outcome == Outcome::TimedOut);
        if is_certain {
            self.record(now);
        }
        self.at.set((None, now));
    }

    /// Ends the phase and begins the next.
    fn advance(&self, next: WaitPhase) {
        let now = self.phases.clock.now();
        self.discard(Discarded::RecycleFailed);
        self.record(now);
        self.at.set((Some(next), now));
    }

    /// Counts the checked connection as discarded, if the current phase is its check.
    fn discard(&self, reason: Discarded) {
        if self.phase() == Some(WaitPhase::Recycle) {
            self.phases.cells.discarded[reason].inc();
        }
    }

    fn phase(&self) -> Option<WaitPhase> {
        self.at.get().0
    }

    /// Records the current phase, which ends at `now`.
    fn record(&self, now: Moment) {
        if let (Some(phase), since) = self.at.get() {
            self.phases.cells.phases[phase].record(self.phases.clock.between(since, now));
        }
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        if self.phase().is_some() {
            self.end(Outcome::Cancelled, self.phases.clock.now());
        }
    }
}
