//! The registry: where series are made, and where they are read.
//!
//! Registering is cold: it takes a lock, may allocate and may fail. Recording
//! on the handle that it returns does none of that. Reading goes through one
//! pass over the cells at a time, whose result is shared by all who asked.

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
use crate::recording::counter::Counter;
use crate::recording::distribution::Distribution;
use crate::recording::families::RegisterError;
use crate::recording::gauge::Gauge;
use crate::recording::hit_ratio::HitRatio;
use crate::recording::kinds::AnyMetric;
use crate::recording::labelled::{HandleKind, Labelled};
use crate::recording::latency::Latency;
use crate::recording::peak::Peak;
use crate::recording::up_down::UpDown;
use crate::sync::atomic::Ordering;
use crate::sync::lock;
use crate::ticker::{AlreadyTicking, Ticker};

pub use builder::RegistryBuilder;

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
    pub(crate) engine: Arc<Engine>,
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
            self.engine.store.handle(desc, values)
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
            Labelled::new(&self.engine.store, desc)
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
        let registered = Gauge::register(&self.engine.store, desc, Kind::Total, values)?;
        Ok(registered.handle)
    }

    /// The two counters of a family whose last label key is `result`.
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    pub fn hit_ratio(&self, desc: &Desc, values: &[&str]) -> Result<HitRatio, RegisterError> {
        self.engine.store.handle(desc, values)
    }

    /// Handles like [`Registry::hit_ratio`]'s, by the values at each call; `result` is not among them.
    ///
    /// # Errors
    /// As for [`Registry::counters`].
    pub fn hit_ratios<const N: usize>(
        &self,
        desc: &Desc,
    ) -> Result<Labelled<HitRatio, N>, RegisterError> {
        Labelled::new(&self.engine.store, desc)
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
        self.engine.store.metric(desc, labels)
    }

    /// Gives a metric of [`Self::metric`] another help text; whether there is a metric of that name.
    ///
    /// For bridges, which may learn what a metric means after its first value.
    /// From then on the name is registered with the new text.
    pub fn describe(&self, name: &str, help: &str) -> bool {
        lock(&self.engine.store.families).describe(name, help)
    }

    /// Adds a monitor; its topic's health is published from the next tick on.
    ///
    /// The registry holds the monitor, so the monitor holds handles and not the registry.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the topic has one,
    /// [`RegisterError::DuplicateCheckKey`] when another topic has its check key, and
    /// [`RegisterError::TopicName`] for a name that breaks the rule of [`Topic::new`].
    pub fn monitor(&self, monitor: Arc<dyn Monitor>) -> Result<(), RegisterError> {
        self.engine.monitor(monitor)
    }

    /// Adds an observer, which sees each sample from the next tick on, as long as the registry lives.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateGuest`] when another observer has its name.
    pub fn observe(&self, observer: impl Observer) -> Result<(), RegisterError> {
        self.engine.observe(observer)
    }

    /// Calls a listener with each event but the samples, as long as the registry lives.
    ///
    /// It runs on a thread of the registry's, once a tick that has events. It must not hold the
    /// registry, which would then never be dropped. One that panics or takes too long is counted
    /// under its name and left out for some ticks, whose events it loses.
    ///
    /// ```
    /// use metrics_core::{Event, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.listen("pager", |event| {
    ///     if let Event::Finding(change) = event
    ///         && change.topic.name == "circuit-breaker"
    ///     {
    ///         eprintln!("{:?}: {}", change.state, change.finding.message);
    ///     }
    /// })?;
    /// # Ok::<(), metrics_core::RegisterError>(())
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

    /// Asks the monitors for the checks on which the service's readiness depends.
    ///
    /// It waits for each monitor with a limit, so call it where a thread may wait. Of a monitor
    /// that panics or does not return, these are the checks that it gave last.
    pub fn readiness_checks(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        let monitors = self.engine.board.monitors();
        monitors.iter().flat_map(|watched| watched.readiness()).collect()
    }

    /// Guards one kind of call into code of others that somebody else makes.
    ///
    /// Hold on to it: its series last as long.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry is out of names.
    pub fn guard(&self, guest: &str, call: GuestCall) -> Result<GuardedCall, RegisterError> {
        GuardedCall::register(&self.engine.store, &self.engine.guests, guest, call)
    }

    /// The length of a tick.
    pub fn tick_length(&self) -> Duration {
        self.engine.tick_length
    }

    /// The right to advance the windows; there is one per registry.
    ///
    /// # Errors
    /// [`AlreadyTicking`] while another ticker lives.
    pub fn ticker(&self) -> Result<Ticker, AlreadyTicking> {
        Ticker::new(self.engine.clone())
    }

    /// The sample that was published last: for streams, health, probes.
    pub fn latest(&self) -> Arc<Sample> {
        self.engine.passes.latest()
    }

    /// A fresh sample, the running tick included: for scrapes and reports.
    ///
    /// Callers that arrive together share one pass. While nobody ticks, this
    /// polls the monitors, and advances the windows when a tick's time has
    /// passed since it last did.
    pub fn read(&self) -> Arc<Sample> {
        self.engine.read()
    }

    /// Switches guards and layers (timers, request layers) off or on; counters and records always count.
    pub fn set_measuring(&self, measuring: Measuring) {
        self.engine.store.context.enabled.store(measuring == Measuring::On, Ordering::Relaxed);
    }

    /// Whether guards and layers measure.
    #[inline]
    pub fn is_measuring(&self) -> bool {
        self.engine.store.context.enabled.load(Ordering::Relaxed)
    }

    /// Sets several gauges of which no sample shows some as set and others as not yet.
    ///
    /// For what is one thing in several gauges, such as a state that is one-hot, and
    /// for rare changes: it waits while a pass reads the gauges, and for others that
    /// set some together. `set` does nothing but set gauges; a sample taken inside of
    /// it would wait for itself.
    pub fn together<R>(&self, set: impl FnOnce() -> R) -> R {
        let _together = lock(&self.engine.store.context.together);
        set()
    }

    /// The registry's clock.
    pub fn clock(&self) -> &Clock {
        &self.engine.store.context.clock
    }

    /// The time since `start` on the registry's clock.
    #[inline]
    pub fn since(&self, start: Moment) -> Duration {
        self.engine.store.context.clock.since(start)
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
