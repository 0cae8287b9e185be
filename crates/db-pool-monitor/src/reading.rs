//! One pool's numbers, read from a view once for all who judge or show them.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{Count, Gauge, Histogram, Latency, View};

use crate::attached::Attached;
use crate::hooks::HookCells;
use crate::levels::PoolLevels;
use crate::thresholds::Thresholds;
use crate::tracked::{Ages, Suspect};

/// What a view knows of one pool.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    attached: Arc<Attached>,
    pub(crate) levels: PoolLevels,
    pub(crate) acquired: Count,
    pub(crate) timed_out: Count,
    pub(crate) failed: Count,
    pub(crate) cancelled: Count,
    pub(crate) waits: Option<&'a Histogram>,
    pub(crate) holds: Option<&'a Histogram>,
    pub(crate) tracked: Option<TrackedReading>,
    pub(crate) hooks: Option<HookReading<'a>>,
}

/// What is known only of a pool whose waits and holds are followed from their start.
#[derive(Debug)]
pub(crate) struct TrackedReading {
    pub(crate) used_peak: u64,
    pub(crate) waiting_peak: Option<u64>,
    pub(crate) oldest_use: Option<Duration>,
    pub(crate) oldest_wait: Option<Duration>,
    pub(crate) leaked: u64,
    pub(crate) leaks: u64,
    pub(crate) suspects: Vec<Suspect>,
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
    pub(crate) fn of(attached: Arc<Attached>, view: &View<'a>) -> Self {
        let Attached { cells, levels, ages, .. } = &*attached;
        let ages = ages.get();
        let hooks = ages.and_then(|ages| ages.tracked.hooks.as_deref());
        Self {
            levels: levels.read(view),
            acquired: view.count(&cells.outcomes.acquired),
            timed_out: view.count(&cells.outcomes.timed_out),
            failed: view.count(&cells.outcomes.failed),
            cancelled: view.count(&cells.outcomes.cancelled),
            waits: view.latency(&cells.wait),
            holds: view.latency(&cells.hold),
            tracked: ages.map(|ages| TrackedReading::of(ages, view)),
            hooks: hooks.map(|hooks| HookReading::of(hooks, view)),
            attached,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.attached.cells.name
    }

    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.attached.thresholds
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

impl TrackedReading {
    fn of(ages: &Ages, view: &View<'_>) -> Self {
        let age = |gauge: &Gauge| Duration::try_from_secs_f64(view.gauge(gauge)?).ok();
        Self {
            used_peak: view.peak(&ages.tracked.used_peak),
            waiting_peak: ages.tracked.waiting_peak.as_ref().map(|peak| view.peak(peak)),
            oldest_use: age(&ages.oldest_use),
            oldest_wait: age(&ages.oldest_wait),
            leaked: view.gauge(&ages.leaked).map_or(0, |leaked| leaked as u64),
            leaks: view.counter(&ages.leaks),
            suspects: ages.suspects(),
        }
    }
}

impl<'a> HookReading<'a> {
    fn of(hooks: &HookCells, view: &View<'a>) -> Self {
        let latency = |latency: &Latency| view.latency(latency);
        let lost = &hooks.discarded;
        let lost = [&lost.recycle_failed, &lost.cancelled, &lost.taken];
        Self {
            permit: latency(&hooks.permit),
            recycle: latency(&hooks.recycle),
            connect: latency(&hooks.connect),
            opened: view.counter(&hooks.opened),
            recycled: view.counter(&hooks.recycled),
            discarded: lost.iter().map(|counter| view.counter(counter)).sum(),
        }
    }
}
