//! Instruments: the metrics that a monitor records for one instance, each listed once.
//!
//! A metric of a monitor, such as the time that callers wait for a connection, needs a
//! description, a handle, code that registers it, a field in the reading, and code that reads
//! it. [`instruments!`](crate::instruments!) generates all of that from the description and the
//! type of the handle. The monitor itself decides when to record, how to judge, and how to name
//! the value in its report.

pub(crate) mod late;
pub(crate) mod levels;

use crate::naming::by_label::ByLabel;
use crate::naming::desc::{Desc, Kind};
use crate::naming::label_set::LabelSet;
use crate::reading::histogram::Histogram;
use crate::reading::sample::View;
use crate::reading::snapshot::{Count, Value};
use crate::recording::counter::Counter;
use crate::recording::distribution::Distribution;
use crate::recording::gauge::Gauge;
use crate::recording::latency::Latency;
use crate::recording::peak::Peak;
use crate::recording::register_error::RegisterError;
use crate::recording::up_down::UpDown;
use crate::registry::Registry;

/// A handle, or an array with one handle for each value of a label.
///
/// This trait is sealed: it is implemented for the handles, for [`Late`](crate::Late) ones, and
/// for [`ByLabel`] of both.
pub trait Instrument: sealed::Sealed + Sized {
    /// The type of the instrument's value in a view.
    type Reading<'a>;

    /// Registers the instrument with values for the description's labels, see [`Registry::instrument`].
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    fn register(registry: &Registry, desc: &Desc, values: &[&str]) -> Result<Self, RegisterError>;

    /// Reads the instrument's value from a view, see [`View::read`].
    fn read<'a>(&self, view: &View<'a>) -> Self::Reading<'a>;

    /// Reads the value from a view by label values, without a handle.
    ///
    /// Use it for series that are also recorded elsewhere, such as by name with a
    /// [`Labelled`](crate::Labelled). It is slower than [`Self::read`].
    fn find<'a>(view: &View<'a>, desc: &Desc, values: &[&str]) -> Self::Reading<'a>;
}

mod sealed {
    pub trait Sealed {}
}

impl Registry {
    /// Registers an instrument; the type parameter decides its kind.
    ///
    /// A [`ByLabel`] sets the last label of the description itself: `values` has the values of
    /// the labels before it.
    ///
    /// ```
    /// use node0_metrics_core::{ByLabel, Desc, Latency, Registry, label_set};
    /// use std::time::Duration;
    ///
    /// label_set! {
    ///     /// Where a wait spends its time.
    ///     enum Phase { Queue = "queue", Connect = "connect" }
    /// }
    ///
    /// const WAIT: Desc = Desc::latency("wait_duration_seconds", "Time that callers wait.")
    ///     .labels(&["pool", "phase"]);
    ///
    /// let registry = Registry::new();
    /// let waits: ByLabel<Phase, Latency> = registry.instrument(&WAIT, &["main"])?;
    /// waits[Phase::Connect].record(Duration::from_millis(7));
    ///
    /// let sample = registry.read();
    /// let counts = sample.view().read(&waits).map(|wait| wait.map(|wait| wait.count()));
    /// assert_eq!((counts[Phase::Queue], counts[Phase::Connect]), (Some(0), Some(1)));
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    pub fn instrument<I: Instrument>(
        &self,
        desc: &Desc,
        values: &[&str],
    ) -> Result<I, RegisterError> {
        I::register(self, desc, values)
    }
}

impl<'a> View<'a> {
    /// Returns the value of an instrument: a [`Count`], a histogram, a number, or an array of them.
    pub fn read<I: Instrument>(&self, instrument: &I) -> I::Reading<'a> {
        instrument.read(self)
    }

    /// The value of a series by the values of the description's labels.
    fn value_of(&self, desc: &Desc, values: &[&str]) -> Option<&'a Value> {
        let family = self.snapshot.family(desc.name())?;
        family.value(desc.label_keys().iter().copied().zip(values.iter().copied()))
    }
}

/// The handles that are registered by one method of the registry and read by one of the view,
/// or made of a value that a view has.
macro_rules! handles {
    ($($handle:ty => $reading:ty: $register:ident, $read:ident, $value:pat => $made:expr;)*) => { $(
        impl sealed::Sealed for $handle {}

        impl Instrument for $handle {
            type Reading<'a> = $reading;

            fn register(
                registry: &Registry,
                desc: &Desc,
                values: &[&str],
            ) -> Result<Self, RegisterError> {
                registry.$register(desc, values)
            }

            fn read<'a>(&self, view: &View<'a>) -> Self::Reading<'a> {
                view.$read(self)
            }

            fn find<'a>(view: &View<'a>, desc: &Desc, values: &[&str]) -> Self::Reading<'a> {
                match view.value_of(desc, values) {
                    Some($value) => $made,
                    _ => Default::default(),
                }
            }
        }
    )* };
}

handles! {
    Counter => Count: counter, count, Value::Counter(count) => *count;
    UpDown => u64: up_down, level, Value::Gauge(level) => *level as u64;
    Peak => u64: peak, peak, Value::Gauge(peak) => *peak as u64;
    Latency => Option<&'a Histogram>: latency, latency, Value::Histogram(times) => Some(times);
    Distribution => Option<&'a Histogram>:
        distribution, distribution, Value::Histogram(sizes) => Some(sizes);
}

impl sealed::Sealed for Gauge {}

impl Instrument for Gauge {
    /// `None` while the gauge is NaN, which stands for an unknown value.
    type Reading<'a> = Option<f64>;

    /// Accepts the description of a gauge, or of a total that is counted elsewhere.
    fn register(registry: &Registry, desc: &Desc, values: &[&str]) -> Result<Self, RegisterError> {
        match desc.kind() {
            Kind::Total => registry.total(desc, values),
            _ => registry.gauge(desc, values),
        }
    }

    fn read<'a>(&self, view: &View<'a>) -> Option<f64> {
        view.gauge(self).filter(|value| !value.is_nan())
    }

    fn find<'a>(view: &View<'a>, desc: &Desc, values: &[&str]) -> Option<f64> {
        match view.value_of(desc, values) {
            Some(Value::Gauge(value)) if !value.is_nan() => Some(*value),
            _ => None,
        }
    }
}

impl<K: LabelSet, I: Instrument> sealed::Sealed for ByLabel<K, I> {}

impl<K: LabelSet, I: Instrument> Instrument for ByLabel<K, I> {
    type Reading<'a> = ByLabel<K, I::Reading<'a>>;

    fn register(registry: &Registry, desc: &Desc, values: &[&str]) -> Result<Self, RegisterError> {
        Self::try_from_fn(|label| I::register(registry, desc, &[values, &[label.label()]].concat()))
    }

    fn read<'a>(&self, view: &View<'a>) -> Self::Reading<'a> {
        self.map(|instrument| instrument.read(view))
    }

    fn find<'a>(view: &View<'a>, desc: &Desc, values: &[&str]) -> Self::Reading<'a> {
        ByLabel::from_fn(|label: K| I::find(view, desc, &[values, &[label.label()]].concat()))
    }
}

/// Declares a struct with all metrics of one instance, and functions to register and read them.
///
/// Each line is a metric: the field's name, its [`Instrument`] and its [`Desc`]. All
/// descriptions begin with the same label keys, in the same order. The macro generates:
///
/// - the struct itself, whose fields are handles to record with;
/// - a method `register(&Registry, &[&str])`, which takes the values of these labels;
/// - a method `read(&View)`, which returns a second struct with the values of the same fields;
/// - a function `find(&View, &[&str])`, which reads the same by label values, without handles.
///
/// ```
/// use node0_metrics_core::{ByLabel, Counter, Desc, Latency, Registry, instruments, label_set};
/// use std::time::Duration;
///
/// label_set! {
///     /// How a job ended.
///     enum End { Done = "done", Failed = "failed" }
/// }
///
/// const JOBS: Desc = Desc::counter("queue_jobs_total", "Jobs by their end: done, failed.")
///     .labels(&["queue", "end"]);
/// const WAIT: Desc = Desc::latency("queue_wait_duration_seconds", "Time that jobs waited.")
///     .labels(&["queue"]);
///
/// instruments! {
///     /// What is recorded of one queue.
///     pub(crate) struct QueueCells, read as QueueReading {
///         /// Jobs by their end.
///         pub(crate) jobs: ByLabel<End, Counter> = JOBS,
///         /// How long they waited.
///         pub(crate) wait: Latency = WAIT,
///     }
/// }
///
/// let registry = Registry::new();
/// let mails = QueueCells::register(&registry, &["mails"])?;
/// mails.jobs[End::Failed].inc();
/// mails.wait.record(Duration::from_millis(5));
///
/// let sample = registry.read();
/// let reading = mails.read(&sample.view());
/// assert_eq!(reading.jobs[End::Failed].total, 1);
/// assert_eq!(reading.wait.map(|wait| wait.count()), Some(1));
///
/// let found = QueueCells::find(&sample.view(), &["mails"]);
/// assert_eq!(found.jobs, reading.jobs);
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[macro_export]
macro_rules! instruments {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident, read as $reading:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $kind:ty = $desc:expr),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $kind,)+
        }

        #[doc = concat!("What a view shows of [`", stringify!($name), "`].")]
        #[derive(Clone, Debug)]
        $vis struct $reading<'a> {
            $($(#[$field_meta])* $field_vis $field: <$kind as $crate::Instrument>::Reading<'a>,)+
        }

        impl $name {
            /// Registers each instrument with these values of its first labels.
            $vis fn register(
                registry: &$crate::Registry,
                values: &[&str],
            ) -> ::core::result::Result<Self, $crate::RegisterError> {
                Ok(Self { $($field: registry.instrument(&$desc, values)?,)+ })
            }

            /// Reads each instrument from a view.
            $vis fn read<'a>(&self, view: &$crate::View<'a>) -> $reading<'a> {
                $reading { $($field: view.read(&self.$field),)+ }
            }

            /// Reads the instruments with these label values from a view, without handles.
            $vis fn find<'a>(view: &$crate::View<'a>, values: &[&str]) -> $reading<'a> {
                $reading {
                    $($field: <$kind as $crate::Instrument>::find(view, &$desc, values),)+
                }
            }
        }
    };
}
