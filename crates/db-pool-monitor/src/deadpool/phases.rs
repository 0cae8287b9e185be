//! Where a wait spends its time: for a permit, on a recycle, on a connect.
//!
//! A pool runs its hooks inside the future of the caller that asked, but tells
//! them nothing about that caller. A task-local bridges the gap: whoever asks
//! through a [`MonitoredPool`](super::MonitoredPool) carries a [`Trip`], and a
//! hook that finds one moves it on. A hook that finds none (somebody asked the
//! bare pool) still counts what the pool did.
//!
//! No hook runs before a connect. A manager that calls [`mark_connecting`] there
//! has its connects timed; with any other the time before a new connection is
//! known only as a whole, and no phase claims it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool::managed::{Hook, Manager, Object, PoolBuilder};
use metrics_core::{Clock, Latency, Moment, RegisterError, Registry};

use crate::descs::{
    CONNECTIONS_DISCARDED, CONNECTIONS_OPENED, CONNECTIONS_RECYCLED, WAIT_PHASE_DURATION,
};
use crate::hooks::{Discarded, HookCells};

tokio::task_local! {
    static TRIP: Trip;
}

/// What the hooks of one pool share.
#[derive(Debug)]
pub(super) struct Phases {
    clock: Clock,
    pub(super) cells: Arc<HookCells>,
    /// Whether the manager was seen to call [`mark_connecting`].
    marks: AtomicBool,
}

/// One caller's way through the pool.
///
/// One that is dropped before its end was cancelled.
#[derive(Debug)]
struct Trip {
    phases: Arc<Phases>,
    at: Cell<(Stage, Moment)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Permit,
    Recycle,
    Connect,
    Arrived,
}

/// How a wait ended, as far as its last phase is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Acquired,
    PermitTimedOut,
    Failed,
    Cancelled,
}

/// Marks the moment at which the current task's wait begins to open a connection.
///
/// A [`Manager`] of your own calls it first thing in `create`; the managers of
/// the module `postgres` do. Outside of a monitored wait it does nothing.
pub fn mark_connecting() {
    // Absent outside a monitored wait, which is fine.
    let _ = TRIP.try_with(Trip::connecting);
}

/// Runs a wait that begins at `since` with a trip of its own.
pub(super) fn scope<F: Future>(
    phases: Arc<Phases>,
    since: Moment,
    future: F,
) -> impl Future<Output = F::Output> {
    let at = Cell::new((Stage::Permit, since));
    TRIP.scope(Trip { phases, at }, future)
}

/// Ends the current trip.
pub(super) fn end(ending: Ending, now: Moment) {
    // A wait with phases runs inside its scope.
    let _ = TRIP.try_with(|trip| trip.end(ending, now));
}

impl Phases {
    pub(super) fn register(registry: &Registry, pool: &str) -> Result<Self, RegisterError> {
        let cells = Arc::new(HookCells::register(registry, pool)?);
        Ok(Self { clock: registry.clock().clone(), cells, marks: AtomicBool::new(false) })
    }

    /// Adds the hooks; they come last in each list, so what they count has passed all others.
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
                before.move_trip(Trip::recycling);
                Ok(())
            }))
            .post_recycle(Hook::sync_fn(move |_, _| {
                after.cells.recycled.inc();
                after.move_trip(Trip::recycled);
                Ok(())
            }))
    }

    /// Moves the task's trip on, if it is a trip to this pool.
    fn move_trip(&self, on: impl FnOnce(&Trip)) {
        let _ = TRIP.try_with(|trip| {
            if std::ptr::eq(&raw const *trip.phases, self) {
                on(trip);
            }
        });
    }

    fn latency(&self, stage: Stage) -> Option<&Latency> {
        match stage {
            Stage::Permit => Some(&self.cells.permit),
            Stage::Recycle => Some(&self.cells.recycle),
            Stage::Connect => Some(&self.cells.connect),
            Stage::Arrived => None,
        }
    }
}

impl HookCells {
    fn register(registry: &Registry, pool: &str) -> Result<Self, RegisterError> {
        let phase = |phase| registry.latency(&WAIT_PHASE_DURATION, &[pool, phase]);
        let discarded = |reason| registry.counter(&CONNECTIONS_DISCARDED, &[pool, reason]);
        Ok(Self {
            permit: phase("permit")?,
            recycle: phase("recycle")?,
            connect: phase("connect")?,
            opened: registry.counter(&CONNECTIONS_OPENED, &[pool])?,
            recycled: registry.counter(&CONNECTIONS_RECYCLED, &[pool])?,
            discarded: Discarded {
                recycle_failed: discarded("recycle_failed")?,
                cancelled: discarded("cancelled")?,
                taken: discarded("taken")?,
            },
        })
    }
}

impl Trip {
    /// An idle connection was found; it may be the second, when the first failed its check.
    fn recycling(&self) {
        self.advance(Stage::Recycle, self.phases.clock.now());
    }

    fn recycled(&self) {
        let now = self.phases.clock.now();
        self.record(now);
        self.at.set((Stage::Arrived, now));
    }

    fn connecting(&self) {
        self.phases.marks.store(true, Ordering::Relaxed);
        if self.at.get().0 != Stage::Connect {
            self.advance(Stage::Connect, self.phases.clock.now());
        }
    }

    fn created(&self) {
        let now = self.phases.clock.now();
        match self.at.get().0 {
            Stage::Connect => self.record(now),
            Stage::Recycle => self.phases.cells.discarded.recycle_failed.inc(),
            // Permit and connect cannot be told apart without a mark.
            Stage::Permit | Stage::Arrived => {}
        }
        self.at.set((Stage::Arrived, now));
    }

    fn end(&self, ending: Ending, now: Moment) {
        let stage = self.at.get().0;
        let lost = &self.phases.cells.discarded;
        match (stage, ending) {
            (Stage::Recycle, Ending::Cancelled) => lost.cancelled.inc(),
            (Stage::Recycle, _) => lost.recycle_failed.inc(),
            _ => {}
        }
        // Without marks the stage may be over: a connect followed that nobody told of.
        let is_certain = match stage {
            Stage::Permit => ending == Ending::PermitTimedOut || self.has_marks(),
            Stage::Recycle => self.has_marks(),
            Stage::Connect | Stage::Arrived => true,
        };
        if is_certain {
            self.record(now);
        }
        self.at.set((Stage::Arrived, now));
    }

    /// Ends the stage and begins the next.
    fn advance(&self, next: Stage, now: Moment) {
        if self.at.get().0 == Stage::Recycle {
            self.phases.cells.discarded.recycle_failed.inc();
        }
        self.record(now);
        self.at.set((next, now));
    }

    fn record(&self, now: Moment) {
        let (stage, since) = self.at.get();
        if let Some(latency) = self.phases.latency(stage) {
            latency.record(self.phases.clock.between(since, now));
        }
    }

    fn has_marks(&self) -> bool {
        self.phases.marks.load(Ordering::Relaxed)
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        if self.at.get().0 != Stage::Arrived {
            self.end(Ending::Cancelled, self.phases.clock.now());
        }
    }
}
