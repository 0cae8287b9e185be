//! The exporter: settings, and pages made of samples.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use metrics_core::Sample;

use crate::decoration::{Decoration, SettingError};
use crate::format::Format;
use crate::naming::Naming;
use crate::plan::Plans;

/// Writes pages of samples.
///
/// One exporter serves any number of threads, and samples of any registry; it
/// is made once, because it keeps what it wrote of the names and labels.
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
    /// Puts a prefix before every name, classic ones too, joined by `_`; none by default.
    ///
    /// # Errors
    /// [`SettingError::Prefix`] when no name could begin with it.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, SettingError> {
        self.decoration.set_prefix(prefix)?;
        Ok(self)
    }

    /// Adds a label to every series whose metric has no label of that key itself; none by default.
    ///
    /// If a key is given twice, the last value counts. Labels that say where a process
    /// runs are the scraper's to add; this is for those that it cannot know.
    ///
    /// # Errors
    /// [`SettingError::ConstantLabel`] when the key is malformed or reserved.
    pub fn constant_label(mut self, key: &str, value: &str) -> Result<Self, SettingError> {
        self.decoration.set_constant(key, value)?;
        Ok(self)
    }

    /// Sets the naming for scrapes that ask for none; [`Naming::Standard`] by default.
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// Creates the exporter.
    pub fn build(self) -> Exporter {
        Exporter { decoration: self.decoration, naming: self.naming, plans: Mutex::default() }
    }
}

/// The outcome of rendering a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// The format that was written: not the wanted one where the naming has no form in that.
    pub format: Format,
    /// The size of the page.
    pub bytes: usize,
    /// Families that were left out, because they would have spoiled the page.
    pub skipped: u64,
    /// Series that share a classic name and its labels with an earlier one, and were merged into it.
    pub merged: u64,
}

impl Exporter {
    /// An exporter with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings for an exporter.
    pub fn builder() -> ExporterBuilder {
        ExporterBuilder::default()
    }

    /// The naming for scrapes that ask for none.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// Appends a page to `out`.
    ///
    /// Classic names exist in text only, so [`Naming::Classic`] is written as
    /// [`Format::Text`] whatever is `wanted`, and [`Naming::Both`] in OpenMetrics
    /// has the standard names alone. The content type is that of
    /// [`Rendered::format`].
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
            // A plan is added once it is complete, so the plans are whole even after a panic.
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
