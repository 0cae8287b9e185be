//! The exporter: settings, and the rendering of samples as pages.
//!
//! Rendering cannot fail. A family that cannot be shown is counted in [`Rendered`], which
//! the server of the page records, since the exporter does not know the registry.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use metrics_core::Sample;

use crate::decoration::{Decoration, SettingError};
use crate::format::Format;
use crate::naming::Naming;
use crate::plan::Plans;

/// Renders samples as pages of metrics.
///
/// Create one exporter and keep it: it caches the text of names and labels from
/// one page to the next. Any number of threads can share it, and it renders
/// samples of any registry.
#[derive(Default)]
pub struct Exporter {
    decoration: Decoration,
    naming: Naming,
    plans: Mutex<Plans>,
}

/// Settings for an [`Exporter`].
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get an exporter"]
pub struct ExporterBuilder {
    decoration: Decoration,
    naming: Naming,
}

impl ExporterBuilder {
    /// Puts the prefix and `_` before every metric name, classic ones too; none by default.
    ///
    /// # Errors
    /// Returns [`SettingError::Prefix`] when a metric's name cannot begin with it.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, SettingError> {
        self.decoration.set_prefix(prefix)?;
        Ok(self)
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

    /// Creates the exporter.
    pub fn build(self) -> Exporter {
        Exporter { decoration: self.decoration, naming: self.naming, plans: Mutex::default() }
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

    /// Appends a page to `out`.
    ///
    /// Classic names exist in text only. So [`Naming::Classic`] is always written as
    /// [`Format::Text`], and [`Naming::Both`] in OpenMetrics has only the standard
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
            (Format::OpenMetrics, Naming::Both) => (Format::OpenMetrics, Naming::Standard),
            as_wanted => as_wanted,
        };
        let plan = {
            // A plan is stored only when it is complete, so the lock's poison can be ignored.
            let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
            plans.get(&sample.snapshot, format, naming, &self.decoration)
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
            .field("decoration", &self.decoration)
            .field("naming", &self.naming)
            .finish_non_exhaustive()
    }
}
