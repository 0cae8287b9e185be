//! Settings for a registry, each with its default.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::judging::audience::Audience;
use crate::judging::board::Board;
use crate::judging::guarded_call::Guests;
use crate::judging::guest::{GuestCall, Limits as GuestLimits};
use crate::judging::health::Hysteresis;
use crate::reading::pass::Passes;
use crate::reading::window::Rule;
use crate::recording::context::{Context, TraceSource};
use crate::recording::exemplar::TraceContext;
use crate::recording::families::{Families, Limits, SetBounds};
use crate::recording::store::Store;
use crate::sync::atomic::{AtomicBool, AtomicU64};
use crate::sync::{self, Mutex};

/// The longest age of a tick in a window; a registry keeps the start of each tick up to it.
const LONGEST_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Settings for a [`Registry`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to get a registry"]
pub struct RegistryBuilder {
    clock: Option<Clock>,
    tick: Duration,
    rule: Rule,
    limits: Limits,
    set_bounds: SetBounds,
    recording_bytes: usize,
    hysteresis: Hysteresis,
    guests: GuestLimits,
    traces: Option<TraceSource>,
}

impl Default for RegistryBuilder {
    fn default() -> Self {
        Self {
            clock: None,
            tick: Duration::from_secs(1),
            rule: Rule { samples: 1000, max_age: Duration::from_secs(300) },
            limits: Limits {
                families: 1000,
                series: 10_000,
                scalars_per_family: 1000,
                histograms_per_family: 500,
            },
            set_bounds: SetBounds::new(),
            recording_bytes: 64 << 20,
            hysteresis: Hysteresis { ticks: 2, lasting: Duration::from_secs(1) },
            guests: GuestLimits::default(),
            traces: None,
        }
    }
}

impl RegistryBuilder {
    /// Sets the clock; [`Clock::tsc`] by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Changes the length of a tick, which is the sampling period; 1 s by default, 1 ms at least.
    ///
    /// The aggregator's thread uses it as its period. Without an aggregator or another ticker, a
    /// reader ends the tick once it has lasted this long.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick.max(Duration::from_millis(1));
        self
    }

    /// Sets the number of samples that a window holds at least, within `max_age`; 1000 by default.
    pub fn window_samples(mut self, samples: u64) -> Self {
        self.rule.samples = samples.max(1);
        self
    }

    /// Sets the age of the oldest tick that a window can include; 5 minutes by default, a day at
    /// most.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.rule.max_age = max_age.min(LONGEST_MAX_AGE);
        self
    }

    /// Limits the number of metric names; 1000 by default.
    pub fn max_families(mut self, families: usize) -> Self {
        self.limits.families = families;
        self
    }

    /// Limits the number of series in all; 10 000 by default. Each family may add one `_other`.
    pub fn max_series(mut self, series: usize) -> Self {
        self.limits.series = series;
        self
    }

    /// Limits the number of series of one counter or gauge; 1000 by default, and one `_other`.
    pub fn max_scalars_per_family(mut self, series: usize) -> Self {
        self.limits.scalars_per_family = series;
        self
    }

    /// Limits the number of series of one latency or distribution; 500 by default, and one `_other`.
    pub fn max_histograms_per_family(mut self, series: usize) -> Self {
        self.limits.histograms_per_family = series;
        self
    }

    /// Sets the upper bounds of the exported buckets of a latency or a distribution, by the name of the
    /// metric; by default its description has them.
    ///
    /// Bounds that are not finite and rising make the registration of the metric fail. Quantiles in
    /// reports do not depend on bounds.
    ///
    /// ```
    /// use node0_metrics_core::{Desc, Registry};
    ///
    /// const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.");
    /// let registry = Registry::builder().buckets("wait_seconds", &[0.1, 1.0]).build();
    /// let wait = registry.latency(&WAIT, &[])?;
    /// let sample = registry.read();
    /// let waits = sample.view().latency(&wait).expect("it is registered");
    /// assert_eq!(waits.cumulative().len(), 2);
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn buckets(mut self, metric: impl Into<String>, bounds: &[f64]) -> Self {
        self.set_bounds.insert(metric.into(), bounds.to_vec());
        self
    }

    /// Limits the memory of the cells and windows of the whole process; 64 MiB by default.
    ///
    /// Beyond it nothing is lost, and all counts and sums stay exact. Further threads record into
    /// cells that they share, which is slower. Latencies that get their first cells then, and all
    /// windows, keep an eighth of the buckets: their percentiles are off by up to
    /// [`Layout::THINNED_ERROR`](crate::Layout::THINNED_ERROR). [`THINNED_SERIES`](crate::THINNED_SERIES)
    /// counts them. 64 MiB suffice for 5000 latencies of eight threads, whatever their values.
    ///
    /// The exact totals of a latency are kept in any case: 10 KB if its values are of all octaves,
    /// and 5 KB if they are of three.
    pub fn recording_bytes(mut self, bytes: usize) -> Self {
        self.recording_bytes = bytes;
        self
    }

    /// Sets the number of ticks in a row that a topic must be worse than its published status, or
    /// better, before a change is published; 2 by default.
    pub fn hysteresis(mut self, ticks: u32) -> Self {
        self.hysteresis.ticks = ticks.max(1);
        self
    }

    /// Sets the time that a new status must last before it is published, counted from the tick that
    /// first had it; 1 s by default.
    ///
    /// It matters if ticks are shorter. A status must last both this time and the ticks of
    /// [`Self::hysteresis`].
    pub fn min_status_duration(mut self, lasting: Duration) -> Self {
        self.hysteresis.lasting = lasting;
        self
    }

    /// Changes the time budget of a call into a guest; after two overruns in a row the call is
    /// skipped for some ticks.
    ///
    /// By default a poll may take 1 ms, a judgement, a list of readiness checks and a listener
    /// 10 ms, an observer 50 ms, a report 500 ms and a readiness check 1 s. Overruns of reports,
    /// lists of checks and checks are only counted; these calls are not skipped.
    pub fn guest_budget(mut self, call: GuestCall, budget: Duration) -> Self {
        self.guests.budgets[call] = budget;
        self
    }

    /// Changes the timeout of calls into guests, except reports; 100 ms by default.
    ///
    /// A call that takes longer is abandoned on its thread, and is not made again until it has
    /// returned.
    pub fn guest_timeout(mut self, timeout: Duration) -> Self {
        self.guests.timeout = timeout;
        self
    }

    /// Changes the timeout of reports; 5 s by default.
    pub fn report_timeout(mut self, timeout: Duration) -> Self {
        self.guests.report_timeout = timeout;
        self
    }

    /// Changes the number of ticks for which a failed call is skipped; 10 by default.
    pub fn skip_ticks(mut self, ticks: u64) -> Self {
        self.guests.skip_ticks = ticks;
        self
    }

    /// Makes the current trace an exemplar of each [`Timer`](crate::Timer) that ends; by default
    /// timers have none.
    ///
    /// The function returns the trace that the calling thread works for, and `None` if there is
    /// none or if it is not sampled: nobody could look at that one. It is called for each timer
    /// where it ends, also while a thread ends or panics, and must neither block nor panic. Where it
    /// is not set, a timer makes one comparison more.
    ///
    /// ```
    /// use node0_metrics_core::{Desc, Registry, TraceContext, TraceId};
    /// use std::cell::Cell;
    ///
    /// thread_local!(static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) });
    /// const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.");
    ///
    /// let registry = Registry::builder().traces(|| CURRENT.get()).build();
    /// let wait = registry.latency(&WAIT, &[])?;
    /// CURRENT.set(Some(TraceId::new(7).into()));
    /// drop(wait.start());
    ///
    /// let sample = registry.read();
    /// let waits = sample.view().latency(&wait).expect("it is registered");
    /// assert_eq!(waits.exemplars()[0].trace, TraceId::new(7));
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn traces(
        mut self,
        current: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.traces = Some(TraceSource(Arc::new(current)));
        self
    }

    /// Makes the registry.
    pub fn build(self) -> Registry {
        let registry = self.build_silent();
        // Fails only if `max_families` is too small for the core's own metrics: then
        // they are missing, and everything else works.
        let _ = registry.engine.register_own();
        registry
    }

    /// Makes a registry without the core's own metrics.
    pub(crate) fn build_silent(self) -> Registry {
        let context = Context {
            clock: self.clock.unwrap_or_else(Clock::tsc),
            recording_bytes: self.recording_bytes,
            enabled: AtomicBool::new(true),
            traces: self.traces,
            tick: AtomicU64::new(0),
            clamped: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            set_all: Mutex::new(()),
        };
        let engine = Engine {
            tick_length: self.tick,
            passes: Passes::new(&context.clock, self.rule),
            guests: Arc::new(Guests::new(context.clock.clone(), self.guests)),
            board: Board::new(self.hysteresis),
            audience: Audience::default(),
            ticking: AtomicBool::new(false),
            store: Arc::new(Store {
                context: sync::Arc::new(context),
                families: Mutex::new(Families::new(self.limits, self.set_bounds, crate::DESCS)),
            }),
        };
        Registry { context: engine.store.context.clone(), engine: Arc::new(engine) }
    }
}
