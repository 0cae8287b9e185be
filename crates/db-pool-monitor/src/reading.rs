//! One pool's numbers, read from a view once for all who judge or show them.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{Count, Gauge, Histogram, Latency, View};

use crate::cells::{PoolCells, Suspect};
use crate::thresholds::Thresholds;

/// What a view knows of one pool.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) cells: Arc<PoolCells>,
    pub(crate) used: u64,
    pub(crate) idle: u64,
    pub(crate) max: u64,
    pub(crate) waiting: u64,
    pub(crate) connecting: u64,
    pub(crate) used_peak: u64,
    pub(crate) waiting_peak: u64,
    pub(crate) acquired: Count,
    pub(crate) timed_out: Count,
    pub(crate) failed: Count,
    pub(crate) cancelled: Count,
    pub(crate) waits: Option<&'a Histogram>,
    pub(crate) holds: Option<&'a Histogram>,
    pub(crate) oldest_use: Option<Duration>,
    pub(crate) oldest_wait: Option<Duration>,
    pub(crate) leaked: u64,
    pub(crate) leaks: u64,
    pub(crate) hooks: Option<HookReading<'a>>,
}

/// What is known of a pool with hooks only.
#[derive(Debug)]
pub(crate) struct HookReading<'a> {
    pub(crate) permit: Option<&'a Histogram>,
    pub(crate) recycle: Option<&'a Histogram>,
    pub(crate) connect: Option<&'a Histogram>,
    pub(crate) opened: u64,
    pub(crate) recycled: u64,
    pub(crate) discarded: u64,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(cells: Arc<PoolCells>, view: &View<'a>) -> Self {
        let whole = |gauge: &Gauge| view.gauge(gauge).map_or(0, |value| value as u64);
        let age = |gauge: &Gauge| Duration::try_from_secs_f64(view.gauge(gauge)?).ok();
        let PoolCells { levels, outcomes, ages, .. } = &*cells;
        Self {
            used: whole(&levels.used),
            idle: whole(&levels.idle),
            max: whole(&levels.max),
            waiting: whole(&levels.waiting),
            connecting: whole(&levels.connecting),
            used_peak: view.peak(&cells.used_peak),
            waiting_peak: view.peak(&cells.waiting_peak),
            acquired: view.count(&outcomes.acquired),
            timed_out: view.count(&outcomes.timed_out),
            failed: view.count(&outcomes.failed),
            cancelled: view.count(&outcomes.cancelled),
            waits: view.latency(&cells.wait),
            holds: view.latency(&cells.hold),
            oldest_use: age(&ages.oldest_use),
            oldest_wait: age(&ages.oldest_wait),
            leaked: whole(&ages.leaked),
            leaks: view.counter(&ages.leaks),
            hooks: HookReading::of(&cells, view),
            cells,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.cells.name
    }

    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.cells.thresholds
    }

    pub(crate) fn suspects(&self) -> Vec<Suspect> {
        self.cells.suspects()
    }

    /// Open connections.
    pub(crate) fn size(&self) -> u64 {
        self.used + self.idle
    }

    /// Waits that ended lately.
    pub(crate) fn recent_attempts(&self) -> u64 {
        let outcomes = [self.acquired, self.timed_out, self.failed, self.cancelled];
        outcomes.iter().map(|count| count.recent).sum()
    }

    /// Waits that lately ended without a connection, through no wish of the caller.
    pub(crate) fn recent_errors(&self) -> u64 {
        self.failed.recent + self.timed_out.recent
    }
}

impl<'a> HookReading<'a> {
    fn of(cells: &PoolCells, view: &View<'a>) -> Option<Self> {
        let phases = cells.phases.as_ref()?;
        let latency = |latency: &Latency| view.latency(latency);
        let lost = &phases.discarded;
        let lost = [&lost.recycle_failed, &lost.cancelled, &lost.taken];
        Some(Self {
            permit: latency(&phases.permit),
            recycle: latency(&phases.recycle),
            connect: latency(&phases.connect),
            opened: view.counter(&phases.opened),
            recycled: view.counter(&phases.recycled),
            discarded: lost.iter().map(|counter| view.counter(counter)).sum(),
        })
    }
}
