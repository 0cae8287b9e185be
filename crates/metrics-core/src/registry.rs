//! The registry: creates series and reads them.
//!
//! Registering is cold: it takes a lock, may allocate and may fail. Recording
//! on the returned handle does none of that. Reading runs a pass over all
//! cells, and concurrent readers share its result.

mod builder;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::engine::Engine;
use crate::judging::event::Event;
use crate::judging::guarded_call::GuardedCall;
use crate::judging::guest::GuestCall;
use crate::judging::monitor::Monitor;
use crate::judging::observer::Observer;
use crate::judging::readiness::ReadinessCheck;
use crate::judging::topic::Topic;
use crate::naming::desc::{Desc, Kind, OwnedDesc};
use crate::reading::sample::Sample;
use crate::recording::context::Context;
use crate::recording::counter::Counter;
use crate::recording::distribution::Distribution;
use crate::recording::gauge::Gauge;
use crate::recording::hit_ratio::HitRatio;
use crate::recording::kinds::AnyMetric;
use crate::recording::labelled::{HandleKind, Labelled};
use crate::recording::latency::Latency;
use crate::recording::peak::Peak;
use crate::recording::register_error::RegisterError;
use crate::recording::up_down::UpDown;
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::sync::lock;
use crate::ticker::{AlreadyTicking, Ticker};

pub use builder::RegistryBuilder;

/// A set of metrics with one clock; clones share it.
///
/// A series lives as long as a handle to it. After the last one is dropped, the
/// series is sampled once more and removed at the next tick.
///
/// ```
/// use node0_metrics_core::{Desc, Registry};
///
/// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
/// let registry = Registry::new();
/// let mails = registry.counter(&JOBS, &["mail"])?;
/// mails.inc();
/// let sample = registry.read();
/// assert_eq!(sample.view().counter(&mails), 1);
/// let by_name = sample.snapshot.value("jobs_total", &[("queue", "mail")]);
/// assert_eq!(by_name.map(|value| value.as_f64()), Some(1.0));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) engine: Arc<Engine>,
    /// The context that the engine has too, here so that a measurement need not look there.
    pub(crate) context: sync::Arc<Context>,
}

/// Generates two methods for each kind of handle: for one series, and for all series by values.
macro_rules! register {
    ($($(#[$doc:meta])* $method:ident, $labelled:ident -> $handle:ident;)*) => { $(
        $(#[$doc])*
        ///
        /// The values are in the order of the description's label keys. The
        /// same description and values return a handle to the same series. When
        /// a cap is reached, new values share the family's series `_other`.
        ///
        /// # Errors
        /// [`RegisterError`] when the description is of another kind, does not
        /// match the values, or its name is taken by another description.
        pub fn $method(&self, desc: &Desc, values: &[&str]) -> Result<$handle, RegisterError> {
            self.engine.store.handle(desc, values)
        }

        #[doc = concat!("Returns handles like [`Registry::", stringify!($method), "`], which are found by the label values at each call.")]
        ///
        /// # Errors
        /// [`RegisterError`] when the description is of another kind or does not
        /// have `N` labels, or its name is taken by another description.
        pub fn $labelled<const N: usize>(
            &self,
            desc: &Desc,
        ) -> Result<Labelled<$handle, N>, RegisterError> {
            Labelled::new(&self.engine.store, desc)
        }
    )* };
}

impl Registry {
    /// Creates a registry with the default settings of [`RegistryBuilder`].
    #[expect(
        clippy::new_without_default,
        reason = "it calibrates a clock, which `default` should not"
    )]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    register! {
        /// Returns a handle to a counter.
        counter, counters -> Counter;
        /// Returns a handle to a gauge.
        gauge, gauges -> Gauge;
        /// Returns a handle to a level.
        up_down, up_downs -> UpDown;
        /// Returns a handle to a peak.
        peak, peaks -> Peak;
        /// Returns a handle to a latency.
        latency, latencies -> Latency;
        /// Returns a handle to a distribution.
        distribution, distributions -> Distribution;
    }

    /// Returns a handle to a total that is counted elsewhere, such as by the kernel, and set here.
    ///
    /// ```
    /// use node0_metrics_core::{Desc, Registry};
    ///
    /// const PAUSES: Desc = Desc::total("gc_pause_seconds_total", "Time that the interpreter paused.");
    /// let registry = Registry::new();
    /// let pauses = registry.total(&PAUSES, &[])?;
    /// pauses.set(1.5);
    /// assert_eq!(registry.read().view().gauge(&pauses), Some(1.5));
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    pub fn total(&self, desc: &Desc, values: &[&str]) -> Result<Gauge, RegisterError> {
        let registered = Gauge::register(&self.engine.store, desc, Kind::Total, values)?;
        Ok(registered.handle)
    }

    /// Returns the two counters, hits and misses, of a family whose last label key is `result`.
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    pub fn hit_ratio(&self, desc: &Desc, values: &[&str]) -> Result<HitRatio, RegisterError> {
        self.engine.store.handle(desc, values)
    }

    /// Returns handles like [`Registry::hit_ratio`], by the label values of each call but `result`.
    ///
    /// # Errors
    /// As for [`Registry::counters`].
    pub fn hit_ratios<const N: usize>(
        &self,
        desc: &Desc,
    ) -> Result<Labelled<HitRatio, N>, RegisterError> {
        Labelled::new(&self.engine.store, desc)
    }

    /// Returns a handle to a metric whose description is known only at run time.
    ///
    /// # Errors
    /// [`RegisterError`] when a label is malformed or the name is taken by another description.
    pub fn metric(
        &self,
        desc: &OwnedDesc,
        labels: &[(&str, &str)],
    ) -> Result<AnyMetric, RegisterError> {
        self.engine.store.metric(desc, labels)
    }

    /// Replaces the help text of a metric of [`Self::metric`]; returns `false` if there is none of
    /// that name.
    ///
    /// It leaves constant descriptions as they are, and returns `false` for them.
    ///
    /// Use it in a bridge that may get a description after the first value. Later registrations
    /// of the name must have the new text.
    pub fn describe(&self, name: &str, help: &str) -> bool {
        lock(&self.engine.store.families).describe(name, help)
    }

    /// Adds a monitor; its topic's health is published from the next tick on.
    ///
    /// The registry owns the monitor. A monitor should own handles but not the registry, since
    /// that cycle would never be freed.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the topic has one,
    /// [`RegisterError::DuplicateCheckKey`] when another topic has its check key, and
    /// [`RegisterError::TopicName`] for a name that breaks the rule of [`Topic::new`].
    pub fn monitor(&self, monitor: Arc<dyn Monitor>) -> Result<(), RegisterError> {
        self.engine.monitor(monitor)
    }

    /// Adds an observer, which receives each sample from the next tick on, while the registry lives.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateGuest`] when another observer has its name.
    pub fn observe(&self, observer: impl Observer) -> Result<(), RegisterError> {
        self.engine.observe(observer)
    }

    /// Calls a listener with each event except [`Event::Sample`], while the registry lives.
    ///
    /// It runs on a worker thread, once a tick that has events. It must not own the registry,
    /// which would then never be dropped. A listener that panics still gets the other events of
    /// the tick. If it panics or repeatedly takes too long, it is counted under its name and
    /// skipped for some ticks; how many events it missed is told by [`Event::Missed`] afterwards.
    ///
    /// ```
    /// use node0_metrics_core::{Event, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.listen("pager", |event| {
    ///     if let Event::Finding(change) = event
    ///         && change.topic.name == "circuit-breaker"
    ///     {
    ///         eprintln!("{:?}: {}", change.state, change.finding.message);
    ///     }
    /// })?;
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// [`RegisterError::DuplicateGuest`] when another listener has the name.
    pub fn listen(
        &self,
        name: &'static str,
        listener: impl FnMut(&Event) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.engine.listen(name, listener)
    }

    /// The topics of the monitors, in the order of their registration.
    pub fn topics(&self) -> Vec<&'static Topic> {
        self.engine.board.monitors().iter().map(|watched| watched.topic).collect()
    }

    /// Returns the readiness checks of all monitors.
    ///
    /// It blocks while it waits for the monitors, by default for up to 100 ms, so do not call it
    /// in async code. For a monitor that fails, the checks of its last successful call are
    /// returned; if there was none, a check that fails and has the topic's
    /// name.
    pub fn readiness_checks(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        self.engine.board.readiness_checks()
    }

    /// Returns a guard for one kind of call into a guest that the caller makes itself.
    ///
    /// Keep it as long as you make such calls: its metrics are removed when it is dropped.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub fn guard(&self, guest: &str, call: GuestCall) -> Result<GuardedCall, RegisterError> {
        GuardedCall::register(&self.engine.store, &self.engine.guests, guest, call)
    }

    /// The length of a tick.
    pub fn tick_length(&self) -> Duration {
        self.engine.tick_length
    }

    /// Returns the ticker, which ends ticks; a registry has at most one at a time.
    ///
    /// # Errors
    /// [`AlreadyTicking`] while another ticker lives.
    pub fn ticker(&self) -> Result<Ticker, AlreadyTicking> {
        Ticker::new(self.engine.clone())
    }

    /// Returns the sample that was published last, for streams, health and probes.
    ///
    /// Once it is [stale](Self::is_stale), its health is unknown, until the next tick.
    pub fn latest(&self) -> Arc<Sample> {
        self.engine.latest()
    }

    /// Returns `true` if the health in a sample counts no more: it was judged more than three
    /// ticks, and a second, ago.
    pub fn is_stale(&self, sample: &Sample) -> bool {
        self.engine.is_stale(sample)
    }

    /// Returns a fresh sample, which includes the running tick, for scrapes and reports.
    ///
    /// Callers that arrive together share one pass. While there is no ticker, the first call and
    /// each call after the running tick has lasted its time also end the tick: they poll the
    /// monitors, let them judge, and call observers and listeners. Such a call blocks while guests
    /// hang, for up to four timeouts of 100 ms, so do not make it in async code without a ticker.
    ///
    /// If there is a ticker that stands still, the numbers are fresh and the health is unknown.
    pub fn read(&self) -> Arc<Sample> {
        self.engine.read()
    }

    /// Switches guards and layers (timers, request layers) on or off; on by default.
    ///
    /// Counters and direct records always count.
    pub fn set_measuring(&self, measuring: Measuring) {
        self.context.enabled.store(measuring == Measuring::On, Ordering::Relaxed);
    }

    /// Returns `true` while guards and layers measure.
    #[inline]
    pub fn is_measuring(&self) -> bool {
        self.context.enabled.load(Ordering::Relaxed)
    }

    /// Sets several gauges at once: every sample shows all of the changes or none.
    ///
    /// Use it if several gauges show one fact, such as a one-hot state, and change rarely: the
    /// call waits while a pass reads the gauges, a few nanoseconds for each, and while other
    /// threads call it. Gauges of another registry are set, but not at once, and a sample may lack
    /// a gauge that was registered while its pass ran.
    ///
    /// ```
    /// use node0_metrics_core::{Desc, Registry};
    ///
    /// const ROLE: Desc = Desc::gauge("node_role", "1 for the node's role.").labels(&["role"]);
    /// let registry = Registry::new();
    /// let (leader, follower) = (registry.gauge(&ROLE, &["leader"])?, registry.gauge(&ROLE, &["follower"])?);
    /// registry.set_all(&[(&leader, 1.0), (&follower, 0.0)]);
    /// assert_eq!((leader.value(), follower.value()), (1.0, 0.0));
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn set_all(&self, values: &[(&Gauge, f64)]) {
        // No guest code runs under this lock, for which every pass waits.
        let _whole = lock(&self.context.set_all);
        values.iter().for_each(|(gauge, value)| gauge.set(*value));
    }

    /// The registry's clock.
    pub fn clock(&self) -> &Clock {
        &self.context.clock
    }

    /// The time since `start` on the registry's clock.
    #[inline]
    pub fn since(&self, start: Moment) -> Duration {
        self.context.clock.since(start)
    }
}

/// The switch for guards and layers, see [`Registry::set_measuring`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measuring {
    /// They measure; the default.
    On,
    /// They read no clock and record nothing.
    Off,
}
