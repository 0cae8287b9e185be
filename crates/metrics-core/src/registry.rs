//! The registry: where series are made, and where they are read.
//!
//! Registering is cold: it takes a lock, may allocate and may fail. Recording
//! on the handle that it returns does none of that. Reading goes through one
//! pass over the cells at a time, whose result is shared by all who asked.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::context::Context;
use crate::counted_monitor::CountedMonitor;
use crate::counter::Counter;
use crate::desc::{Desc, Kind, OwnedDesc};
use crate::distribution::Distribution;
use crate::families::{Cells, Families, Limits, RegisterError, Registered};
use crate::gauge::Gauge;
use crate::health::Hysteresis;
use crate::health_board::{COMPONENT_HEALTH_SCORE, HealthBoard};
use crate::hit_ratio::HitRatio;
use crate::labelled::{Labelled, Stored as _};
use crate::labels::Labels;
use crate::latency::Latency;
use crate::monitor::Monitor;
use crate::pass::Passes;
use crate::peak::Peak;
use crate::sample::Sample;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{self, Mutex, lock};
use crate::ticker::{AlreadyTicking, Ticker};
use crate::up_down::UpDown;
use crate::window::Rule;

/// A set of metrics with one clock and one sampling; clones share it.
///
/// A series lasts as long as a handle to it: dropping the last one removes the
/// series at the next tick, after it was sampled once more.
///
/// ```
/// use metrics_core::{Desc, Registry};
///
/// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
/// let registry = Registry::new();
/// let mails = registry.counter(&JOBS, &["mail"])?;
/// mails.inc();
/// let sample = registry.read();
/// assert_eq!(sample.view().counter(&mails), 1);
/// let by_name = sample.snapshot.value("jobs_total", &[("queue", "mail")]);
/// assert_eq!(by_name.map(|value| value.as_f64()), Some(1.0));
/// # Ok::<(), metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) context: sync::Arc<Context>,
    pub(crate) families: Mutex<Families>,
    pub(crate) passes: Passes,
    pub(crate) board: HealthBoard,
    pub(crate) ticking: AtomicBool,
}

/// A handle of any kind, for metrics that are known at run time only.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "a series lasts as long as a handle to it"]
pub enum AnyMetric {
    /// Of [`Kind::Counter`].
    Counter(Counter),
    /// Of [`Kind::Gauge`] and [`Kind::Total`].
    Gauge(Gauge),
    /// Of [`Kind::UpDown`].
    UpDown(UpDown),
    /// Of [`Kind::Peak`].
    Peak(Peak),
    /// Of [`Kind::Latency`].
    Latency(Latency),
    /// Of [`Kind::Distribution`].
    Distribution(Distribution),
}

impl AnyMetric {
    /// Does with a number what the kind does: counts it, sets it, moves to it or records it.
    ///
    /// Of what the kind cannot take, such as a negative count, it takes the
    /// nearest that it can; a duration that is no number is dropped and counted in
    /// [`VALUES_DROPPED`](crate::VALUES_DROPPED).
    pub fn apply(&self, value: f64) {
        match self {
            // Casts saturate, and NaN becomes zero.
            Self::Counter(counter) => counter.add(value as u64),
            Self::Gauge(gauge) => gauge.set(value),
            Self::UpDown(level) => level.add(value as i64),
            Self::Peak(peak) => peak.record(value as u64),
            Self::Latency(latency) => {
                let bounded = value.clamp(0.0, f64::from(u32::MAX));
                if let Ok(duration) = Duration::try_from_secs_f64(bounded) {
                    latency.record(duration);
                } else if let Some(context) = latency.context() {
                    context.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            Self::Distribution(distribution) => distribution.record(value),
        }
    }
}

impl From<Cells> for AnyMetric {
    fn from(cells: Cells) -> Self {
        match cells {
            Cells::Counter(core) => Self::Counter(Counter::new(core)),
            Cells::Gauge(core) => Self::Gauge(Gauge::new(core)),
            Cells::UpDown(core) => Self::UpDown(UpDown::new(core)),
            Cells::Peak(core) => Self::Peak(Peak::new(core)),
            Cells::Latency(core) => Self::Latency(Latency::new(core)),
            Cells::Distribution(core) => Self::Distribution(Distribution::new(core)),
        }
    }
}

/// The methods of registration for each kind of handle: of one series, and of all by their values.
macro_rules! register {
    ($($(#[$doc:meta])* $method:ident, $labelled:ident -> $handle:ident;)*) => { $(
        $(#[$doc])*
        ///
        /// The values follow the order of the description's label keys. The
        /// same description and labels give a handle to the same series; past
        /// a cap, to the family's `_other`.
        ///
        /// # Errors
        /// [`RegisterError`] when the description is of another kind, does not
        /// match the values, or its name is taken by another description.
        pub fn $method(&self, desc: &Desc, values: &[&str]) -> Result<$handle, RegisterError> {
            $handle::find(self, desc, values).map(|found| found.handle)
        }

        #[doc = concat!("Handles like [`Registry::", stringify!($method), "`]'s, by the values at each call.")]
        ///
        /// # Errors
        /// [`RegisterError`] when the description is of another kind or has not
        /// `N` labels, or its name is taken by another description.
        pub fn $labelled<const N: usize>(
            &self,
            desc: &Desc,
        ) -> Result<Labelled<$handle, N>, RegisterError> {
            Labelled::new(self, desc)
        }
    )* };
}

impl Registry {
    /// A registry with the default settings of [`RegistryBuilder`].
    #[expect(
        clippy::new_without_default,
        reason = "it calibrates a clock, which `default` should not"
    )]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Settings for a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    register! {
        /// A handle to a counter.
        counter, counters -> Counter;
        /// A handle to a gauge.
        gauge, gauges -> Gauge;
        /// A handle to a level.
        up_down, up_downs -> UpDown;
        /// A handle to a peak.
        peak, peaks -> Peak;
        /// A handle to a latency.
        latency, latencies -> Latency;
        /// A handle to a distribution.
        distribution, distributions -> Distribution;
    }

    /// A handle by which a total that is counted elsewhere is set as it is read.
    ///
    /// ```
    /// use metrics_core::{Desc, Registry};
    ///
    /// const PAUSES: Desc = Desc::total("gc_pause_seconds_total", "Time that the interpreter paused.");
    /// let registry = Registry::new();
    /// let pauses = registry.total(&PAUSES, &[])?;
    /// pauses.set(1.5);
    /// assert_eq!(registry.read().view().gauge(&pauses), Some(1.5));
    /// # Ok::<(), metrics_core::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    pub fn total(&self, desc: &Desc, values: &[&str]) -> Result<Gauge, RegisterError> {
        match self.series(desc, Kind::Total, values)?.cells {
            Cells::Gauge(core) => Ok(Gauge::new(core)),
            _ => Err(RegisterError::Kind {
                name: desc.name().into(),
                is: desc.kind(),
                wanted: Kind::Total,
            }),
        }
    }

    /// The two counters of a family whose last label key is `result`.
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    pub fn hit_ratio(&self, desc: &Desc, values: &[&str]) -> Result<HitRatio, RegisterError> {
        HitRatio::find(self, desc, values).map(|found| found.handle)
    }

    /// Handles like [`Registry::hit_ratio`]'s, by the values at each call; `result` is not among them.
    ///
    /// # Errors
    /// As for [`Registry::counters`].
    pub fn hit_ratios<const N: usize>(
        &self,
        desc: &Desc,
    ) -> Result<Labelled<HitRatio, N>, RegisterError> {
        Labelled::new(self, desc)
    }

    /// A handle to a metric whose description is known at run time only.
    ///
    /// # Errors
    /// [`RegisterError`] when a label is malformed or the name is taken by another description.
    pub fn metric(
        &self,
        desc: &OwnedDesc,
        labels: &[(&str, &str)],
    ) -> Result<AnyMetric, RegisterError> {
        let labels = Labels::new(labels.iter().copied());
        let mut families = lock(&self.inner.families);
        Ok(families.get_or_insert(desc, labels, &self.inner.context)?.cells.into())
    }

    pub(crate) fn series(
        &self,
        desc: &Desc,
        kind: Kind,
        values: &[&str],
    ) -> Result<Registered, RegisterError> {
        check_shape(desc, kind, values.len())?;
        let labels = Labels::new(desc.label_keys().iter().copied().zip(values.iter().copied()));
        let mut families = lock(&self.inner.families);
        families.get_or_insert(&desc.into(), labels, &self.inner.context)
    }

    /// Gives a metric of [`Self::metric`] another help text; whether there is a metric of that name.
    ///
    /// For bridges, which may learn what a metric means after its first value.
    /// From then on the name is registered with the new text.
    pub fn describe(&self, name: &str, help: &str) -> bool {
        lock(&self.inner.families).describe(name, help)
    }

    /// Refuses what [`Self::series`] would refuse for any values.
    pub(crate) fn check(
        &self,
        desc: &Desc,
        kind: Kind,
        values: usize,
    ) -> Result<(), RegisterError> {
        check_shape(desc, kind, values)?;
        let labels = Labels::new(desc.label_keys().iter().map(|key| (*key, "")));
        lock(&self.inner.families).check(&desc.into(), &labels)
    }

    /// Adds a monitor; its topic's health is published from the next tick on.
    ///
    /// The registry holds the monitor, so the monitor holds handles and not the registry.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the topic has one.
    pub fn monitor(&self, monitor: Arc<dyn Monitor>) -> Result<(), RegisterError> {
        let monitor = CountedMonitor::register(self, monitor)?;
        let score = self.gauge(&COMPONENT_HEALTH_SCORE, &[monitor.topic().check_key])?;
        self.inner.board.add(Arc::new(monitor), score)
    }

    /// The monitors in the order of their registration.
    pub fn monitors(&self) -> Arc<[Arc<dyn Monitor>]> {
        self.inner.board.monitors()
    }

    /// The right to advance the windows; there is one per registry.
    ///
    /// # Errors
    /// [`AlreadyTicking`] while another ticker lives.
    pub fn ticker(&self) -> Result<Ticker, AlreadyTicking> {
        Ticker::new(self.inner.clone())
    }

    /// The sample that was published last: for streams, health, probes.
    pub fn latest(&self) -> Arc<Sample> {
        self.inner.passes.latest()
    }

    /// A fresh sample, the running tick included: for scrapes and reports.
    ///
    /// Callers that arrive together share one pass. While nobody ticks, this
    /// polls the monitors, and advances the windows when a tick's time has
    /// passed since it last did.
    pub fn read(&self) -> Arc<Sample> {
        self.inner.read()
    }

    /// Switches guards and layers (timers, request layers) off or on; counters and records always count.
    pub fn set_measuring(&self, measuring: Measuring) {
        self.inner.context.enabled.store(measuring == Measuring::On, Ordering::Relaxed);
    }

    /// Whether guards and layers measure.
    #[inline]
    pub fn is_measuring(&self) -> bool {
        self.inner.context.enabled.load(Ordering::Relaxed)
    }

    /// Sets several gauges of which no sample shows some as set and others as not yet.
    ///
    /// For what is one thing in several gauges, such as a state that is one-hot, and
    /// for rare changes: it waits while a pass reads the gauges, and for others that
    /// set some together. `set` does nothing but set gauges; a sample taken inside of
    /// it would wait for itself.
    pub fn together<R>(&self, set: impl FnOnce() -> R) -> R {
        let _together = lock(&self.inner.context.together);
        set()
    }

    /// The registry's clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.context.clock
    }

    /// The time since `start` on the registry's clock.
    #[inline]
    pub fn since(&self, start: Moment) -> Duration {
        self.inner.context.clock.since(start)
    }
}

/// Whether guards and layers measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measuring {
    /// They do, as by default.
    On,
    /// They read no clock and record nothing.
    Off,
}

fn check_shape(desc: &Desc, wanted: Kind, values: usize) -> Result<(), RegisterError> {
    if desc.kind() != wanted {
        return Err(RegisterError::Kind { name: desc.name().into(), is: desc.kind(), wanted });
    }
    let expected = desc.label_keys().len();
    if expected != values {
        return Err(RegisterError::LabelCount { name: desc.name().into(), expected, got: values });
    }
    Ok(())
}

/// Settings for a [`Registry`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to get a registry"]
pub struct RegistryBuilder {
    clock: Option<Clock>,
    tick: Duration,
    rule: Rule,
    limits: Limits,
    lease_bytes: usize,
    hysteresis: Hysteresis,
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
            lease_bytes: 64 << 20,
            hysteresis: Hysteresis { ticks: 2, lasting: Duration::from_secs(1) },
        }
    }
}

impl RegistryBuilder {
    /// The clock; [`Clock::tsc`] by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The length of a tick; 1 s by default, 1 ms at least.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick.max(Duration::from_millis(1));
        self
    }

    /// The samples that a window holds at least, if it can; 1000 by default.
    pub fn window_samples(mut self, samples: u64) -> Self {
        self.rule.samples = samples.max(1);
        self
    }

    /// The age that a window never reaches beyond; 5 minutes by default.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.rule.max_age = max_age;
        self
    }

    /// The most metric names; 1000 by default.
    pub fn max_families(mut self, families: usize) -> Self {
        self.limits.families = families;
        self
    }

    /// The most series in all; 10 000 by default. Each family may add one `_other`.
    pub fn max_series(mut self, series: usize) -> Self {
        self.limits.series = series;
        self
    }

    /// The most series of one counter or gauge; 1000 by default, and `_other`.
    pub fn max_scalars_per_family(mut self, series: usize) -> Self {
        self.limits.scalars_per_family = series;
        self
    }

    /// The most series of one latency or distribution; 500 by default, and `_other`.
    pub fn max_histograms_per_family(mut self, series: usize) -> Self {
        self.limits.histograms_per_family = series;
        self
    }

    /// The bytes that threads' own cells may take in the whole process; 64 MiB by default.
    ///
    /// Beyond it records go to shared cells: slower, not lost.
    pub fn lease_bytes(mut self, bytes: usize) -> Self {
        self.lease_bytes = bytes;
        self
    }

    /// How many ticks in a row a topic's new status must last to be published; 2 by default.
    pub fn hysteresis(mut self, ticks: u32) -> Self {
        self.hysteresis.ticks = ticks.max(1);
        self
    }

    /// How long a topic's new status must last to be published, from the tick that first saw it; 1 s by default.
    ///
    /// It counts where ticks are shorter than that. Both this and
    /// [`Self::hysteresis`] must be over.
    pub fn min_status_duration(mut self, lasting: Duration) -> Self {
        self.hysteresis.lasting = lasting;
        self
    }

    /// Makes the registry.
    pub fn build(self) -> Registry {
        let registry = self.build_silent();
        // Refused only where `max_families` is next to nothing: then the core
        // says nothing of itself, and everything else works.
        let _ = registry.inner.passes.register_own(&registry);
        registry
    }

    /// Makes a registry that says nothing of itself.
    pub(crate) fn build_silent(self) -> Registry {
        let context = sync::Arc::new(Context {
            clock: self.clock.unwrap_or_else(Clock::tsc),
            lease_bytes: self.lease_bytes,
            enabled: AtomicBool::new(true),
            tick: AtomicU64::new(0),
            clamped: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            together: Mutex::new(()),
        });
        let inner = Inner {
            families: Mutex::new(Families::new(self.limits)),
            passes: Passes::new(&context.clock, self.tick, self.rule),
            board: HealthBoard::new(self.hysteresis),
            ticking: AtomicBool::new(false),
            context,
        };
        Registry { inner: Arc::new(inner) }
    }
}
