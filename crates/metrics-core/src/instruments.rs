//! Instruments: the facts that a monitor records of one instance, each listed once.
//!
//! A fact of a monitor, such as the time that callers wait for a connection, has a
//! description, a handle, a line that registers it, a place in what is read, and a line that
//! reads it. [`instruments!`](crate::instruments!) takes the description and the kind of the
//! handle and makes the rest. What stays with the monitor is what only it knows: when to
//! record, how to judge, and which words the report has for it.

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
use crate::recording::families::RegisterError;
use crate::recording::gauge::Gauge;
use crate::recording::latency::Latency;
use crate::recording::peak::Peak;
use crate::recording::up_down::UpDown;
use crate::registry::Registry;

/// A handle, or one for each value of a label, with one description.
///
/// This trait is sealed: it is implemented for the handles, for [`Late`](crate::Late) ones, and
/// for [`ByLabel`] of both.
pub trait Instrument: sealed::Sealed + Sized {
    /// The value that a view shows of it.
    type Reading<'a>;

    /// Registers it with the values of the description's labels, see [`Registry::instrument`].
    ///
    /// # Errors
    /// As for [`Registry::counter`].
    fn register(registry: &Registry, desc: &Desc, values: &[&str]) -> Result<Self, RegisterError>;

    /// Reads it from a view, see [`View::read`].
    fn read<'a>(&self, view: &View<'a>) -> Self::Reading<'a>;

    /// Reads it from a view without a handle, by the values that it was registered with.
    ///
    /// For series that others record too, such as by name with a
    /// [`Labelled`](crate::Labelled). It is slower than [`Self::read`].
    fn find<'a>(view: &View<'a>, desc: &Desc, values: &[&str]) -> Self::Reading<'a>;
}

mod sealed {
    pub trait Sealed {}
}

impl Registry {
    /// Registers an instrument; its kind follows from the type that is asked for.
    ///
    /// A [`ByLabel`] takes the last label of the description for itself: `values` are those
    /// of the labels before it.
    ///
    /// ```
    /// use metrics_core::{ByLabel, Desc, Latency, Registry, label_set};
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
    /// # Ok::<(), metrics_core::RegisterError>(())
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
    /// Returns what the view shows of an instrument: a [`Count`], a histogram, a number, or an array of them.
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
    /// `None` while it is NaN, which says that the value is unknown.
    type Reading<'a> = Option<f64>;

    /// Takes the description of a gauge, or of a total that is counted elsewhere.
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

/// Declares what is recorded of one instance, with what registers and reads all of it.
///
/// Each line is a fact: the field's name, the [`Instrument`] that records
/// it, and the [`Desc`] that says what it means. All have the same first label
/// values, in the same order. Made are the struct itself, whose fields record; a method
/// `register(&Registry, &[&str])`; a method `read(&View)`, which returns a second struct
/// with the same fields, each of them what the view shows; and a function
/// `find(&View, &[&str])`, which reads the same without handles, by the label values.
///
/// ```
/// use metrics_core::{ByLabel, Counter, Desc, Latency, Registry, instruments, label_set};
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
/// # Ok::<(), metrics_core::RegisterError>(())
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

            /// Reads from a view what was registered with these values, without its handles.
            $vis fn find<'a>(view: &$crate::View<'a>, values: &[&str]) -> $reading<'a> {
                $reading {
                    $($field: <$kind as $crate::Instrument>::find(view, &$desc, values),)+
                }
            }
        }
    };
}
