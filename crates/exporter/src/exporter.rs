//! The exporter: settings, and the rendering of samples as pages.
//!
//! Rendering cannot fail. A family that cannot be shown is counted in [`Rendered`], which
//! the server of the page records, since the exporter does not know the registry.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use node0_metrics_core::Sample;

use crate::decoration::{Decoration, SettingError};
use crate::format::Format;
use crate::naming::Naming;
use crate::native::{Converter, NativeHistograms};
use crate::negotiate::{self, Accepted};
use crate::plan::Plans;

/// Renders samples as pages of metrics.
///
/// Create one exporter and keep it: it caches the text of names and labels from
/// one page to the next. Any number of threads can share it, and it renders
/// samples of any registry.
#[derive(Default)]
pub struct Exporter {
    settings: Settings,
    naming: Naming,
    plans: Mutex<Plans>,
}

/// The settings that all pages of an exporter share.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) decoration: Decoration,
    /// Makes native histograms, if they are offered.
    pub(crate) converter: Option<Arc<Converter>>,
    /// `true` if OpenMetrics has `_created` lines.
    pub(crate) has_created: bool,
}

/// Settings for an [`Exporter`].
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get an exporter"]
pub struct ExporterBuilder {
    decoration: Decoration,
    naming: Naming,
    native: Option<NativeHistograms>,
    has_created: bool,
}

impl ExporterBuilder {
    /// Puts the prefix and `_` before metric names, classic ones too; none by default.
    ///
    /// The standard names that begin with `process_` and `http_server_` stay as they are, since the
    /// dashboards of others look for them: see [`Self::prefix_standard_names`].
    ///
    /// # Errors
    /// Returns [`SettingError::Prefix`] when a metric's name cannot begin with it.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, SettingError> {
        self.decoration.set_prefix(prefix)?;
        Ok(self)
    }

    /// Puts the prefix before standard names too; by default they stay as they are.
    pub fn prefix_standard_names(mut self) -> Self {
        self.decoration.prefixes_standard = true;
        self
    }

    /// Adds a label to every series that has no label with this key; none by default.
    ///
    /// If a key is given twice, the last value is used. The scraper already adds labels
    /// for the place where a process runs; use this for labels that it cannot know.
    ///
    /// # Errors
    /// Returns [`SettingError::ConstantLabel`] when the key is malformed or reserved.
    pub fn constant_label(mut self, key: &str, value: &str) -> Result<Self, SettingError> {
        self.decoration.set_constant(key, value)?;
        Ok(self)
    }

    /// Chooses the names that a scrape gets if it asks for none; [`Naming::Standard`] by default.
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// Offers [`Format::Protobuf`], with native histograms beside the buckets with bounds; by
    /// default it is not offered.
    ///
    /// Prometheus 2.42 keeps only the native histograms of such a page, so dashboards that read
    /// `_bucket` series go blank. Newer ones can keep both: `scrape_classic_histograms` in 2.53,
    /// `always_scrape_classic_histograms` in 3.
    pub fn native_histograms(mut self, settings: NativeHistograms) -> Self {
        self.native = Some(settings);
        self
    }

    /// Shows in OpenMetrics the time at which each counter and histogram began, on a line of its
    /// own that ends in `_created`; by default it is not shown.
    ///
    /// Prometheus stores these lines as further series, unless its feature
    /// `created-timestamp-zero-ingestion` is on. Protobuf always has these times.
    pub fn created_lines(mut self) -> Self {
        self.has_created = true;
        self
    }

    /// Creates the exporter.
    pub fn build(self) -> Exporter {
        let converter = self.native.map(|settings| Arc::new(Converter::new(settings)));
        let Self { decoration, naming, has_created, .. } = self;
        let settings = Settings { decoration, converter, has_created };
        Exporter { settings, naming, plans: Mutex::default() }
    }
}

/// The outcome of the rendering of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// The format of the page: text if the naming does not exist in the wanted format.
    pub format: Format,
    /// The size of the page in bytes.
    pub bytes: usize,
    /// The number of families that were left out because they would make the page invalid.
    pub skipped: u64,
    /// The number of series that were merged into another with the same classic name and labels.
    pub merged: u64,
}

impl Exporter {
    /// Creates an exporter with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> ExporterBuilder {
        ExporterBuilder::default()
    }

    /// Returns the naming for scrapes that ask for none.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// Returns the format that an `Accept` header prefers, of those that this exporter offers, with
    /// its content type; text where it allows none.
    ///
    /// `accept` holds the values of all `Accept` headers. The most specific range that
    /// matches a format gives its quality; `q=0` excludes the format, and a malformed
    /// range is ignored. Between formats of equal quality, the one that a more specific
    /// range matches wins. If these are equal too, the one that can say more wins where
    /// both are named, and text where a wildcard matches both. Protobuf must be named.
    ///
    /// ```
    /// use node0_exporter::{Exporter, Format, NativeHistograms};
    ///
    /// let exporter = Exporter::new();
    /// assert_eq!(exporter.negotiate(None).format(), Format::Text);
    /// assert_eq!(exporter.negotiate(Some("*/*")).format(), Format::Text);
    /// let header = "application/vnd.google.protobuf;q=0.5,\
    ///     application/openmetrics-text;version=1.0.0;q=0.4,text/plain;q=0.3";
    /// assert_eq!(exporter.negotiate(Some(header)).format(), Format::OpenMetrics);
    ///
    /// let exporter = Exporter::builder().native_histograms(NativeHistograms::new()).build();
    /// assert_eq!(exporter.negotiate(Some(header)).format(), Format::Protobuf);
    /// ```
    pub fn negotiate<'a>(&self, accept: impl IntoIterator<Item = &'a str>) -> Accepted {
        negotiate::best(|format| self.offers(format), accept)
    }

    /// Returns `true` if [`Self::negotiate`] can return this format.
    pub fn offers(&self, format: Format) -> bool {
        format != Format::Protobuf || self.settings.converter.is_some()
    }

    /// Appends a page to `out`.
    ///
    /// Classic names exist in text only. So [`Naming::Classic`] is always written as
    /// [`Format::Text`], and [`Naming::Both`] in another format has only the standard
    /// names. Send the content type of [`Rendered::format`], not of `wanted`.
    pub fn render(
        &self,
        sample: &Sample,
        wanted: Format,
        naming: Naming,
        out: &mut Vec<u8>,
    ) -> Rendered {
        let (format, naming) = match (wanted, naming) {
            (_, Naming::Classic) => (Format::Text, Naming::Classic),
            (Format::Text, naming) => (Format::Text, naming),
            (format, _) => (format, Naming::Standard),
        };
        let plan = {
            // A plan is stored only when it is complete, so the lock's poison can be ignored.
            let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
            plans.get(&sample.snapshot, format, naming, &self.settings)
        };
        let start = out.len();
        plan.render(sample, out);
        Rendered {
            format,
            bytes: out.len() - start,
            skipped: plan.skipped(),
            merged: plan.merged(),
        }
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("decoration", &self.settings.decoration)
            .field("naming", &self.naming)
            .finish_non_exhaustive()
    }
}
