//! The recorder that a host installs.

use std::collections::HashMap;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use node0_metrics_core::{RegisterError, Registry};

use crate::directory::Directory;
use crate::name::label_key;
use crate::thread;

/// Records the values of the `metrics` facade's macros into a registry; clones share everything.
///
/// A thread that has used a key before finds its handle without a lock. Recording then
/// costs as much as with the registry's own handles, plus a call that is not inlined.
/// Setting a counter (`absolute`) takes locks: it is for collectors that copy a count
/// now and then.
///
/// Its series live as long as the recorder, since the facade cannot end a metric. After
/// the last clone is dropped, each thread that recorded through it drops its handles when
/// it next requests one from any recorder, or ends.
///
/// ```
/// use node0_metrics_bridge::Recorder;
/// use node0_metrics_core::Registry;
///
/// let registry = Registry::new();
/// let recorder = Recorder::register(&registry)?;
/// metrics::with_local_recorder(&recorder, || {
///     metrics::counter!("mails.sent", "kind" => "welcome").increment(2);
/// });
/// let sample = registry.read();
/// let sent = sample.snapshot.value("mails_sent_total", &[("kind", "welcome")]);
/// assert_eq!(sent.map(|value| value.as_f64()), Some(2.0));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    directory: Arc<Directory>,
}

/// The process has a recorder already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the process has a metrics recorder already: combine them, for example in a `Fanout`, and install that"
)]
pub struct AlreadyInstalled;

impl Recorder {
    /// Creates a recorder with the default settings of [`RecorderBuilder`].
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder(registry).build()
    }

    /// Returns a builder with the default settings.
    pub fn builder(registry: &Registry) -> RecorderBuilder {
        RecorderBuilder { registry: registry.clone(), settings: Settings::default() }
    }

    /// Makes it the recorder of the process until the process ends.
    ///
    /// # Errors
    /// [`AlreadyInstalled`] if the process has a recorder.
    pub fn install(self) -> Result<(), AlreadyInstalled> {
        metrics::set_global_recorder(self).map_err(|_| AlreadyInstalled)
    }

    /// Returns `true` if a family of the registry was recorded through this recorder.
    pub(crate) fn has_made(&self, family: &str) -> bool {
        self.directory.has_made(family)
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        thread::describe(&self.directory, name, unit, text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        thread::describe(&self.directory, name, unit, text);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        thread::describe(&self.directory, name, unit, text);
    }

    #[inline]
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        thread::handle(&self.directory, key)
    }

    #[inline]
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        thread::handle(&self.directory, key)
    }

    #[inline]
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        thread::handle(&self.directory, key)
    }
}

/// The settings of a recorder.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) max_series: usize,
    pub(crate) max_series_per_name: usize,
    /// The bounds of histograms, by names in the facade.
    pub(crate) bounds: HashMap<String, Vec<f64>>,
    /// The label keys as on the page, by names in the facade.
    pub(crate) labels: HashMap<String, Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_series: 10_000,
            max_series_per_name: 1000,
            bounds: HashMap::new(),
            labels: HashMap::new(),
        }
    }
}

/// Settings for a [`Recorder`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to get a recorder"]
pub struct RecorderBuilder {
    registry: Registry,
    settings: Settings,
}

impl RecorderBuilder {
    /// Limits the number of series in all; 10 000 by default, like the registry.
    ///
    /// Further label sets of a name are recorded in one series whose label values are all
    /// `_other`. To have more series, raise the caps of the registry as well.
    pub fn max_series(mut self, series: usize) -> Self {
        self.settings.max_series = series;
        self
    }

    /// Limits the number of series of one name; 1000 by default.
    ///
    /// The registry has caps of its own: 1000 for a counter or gauge, 500 for a histogram.
    pub fn max_series_per_name(mut self, series: usize) -> Self {
        self.settings.max_series_per_name = series;
        self
    }

    /// Sets the bounds of a histogram's exported buckets, in the base unit; `name` is the facade's.
    ///
    /// By default a histogram has common bounds for its unit. Bounds are sorted; duplicates and
    /// bounds that are not finite are removed.
    pub fn bounds(mut self, name: &str, bounds: &[f64]) -> Self {
        let mut bounds: Vec<_> = bounds.iter().copied().filter(|bound| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        self.settings.bounds.insert(name.to_owned(), bounds);
        self
    }

    /// Declares the label keys of a metric whose records have different keys; `name` is the facade's.
    ///
    /// By default a name has the keys of its first record: a label that is missing later is
    /// empty, and a record with a new key is refused.
    pub fn labels(mut self, name: &str, keys: &[&str]) -> Self {
        let keys = keys.iter().filter_map(|key| label_key(key)).collect();
        self.settings.labels.insert(name.to_owned(), keys);
        self
    }

    /// Creates the recorder.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub fn build(self) -> Result<Recorder, RegisterError> {
        let directory = Directory::new(&self.registry, self.settings)?;
        Ok(Recorder { directory: Arc::new(directory) })
    }
}
