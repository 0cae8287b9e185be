//! A cache for the parts of a page that depend on names and labels only.
//!
//! To escape and format ten thousand label sets costs more than to write all numbers of
//! the page, and gives the same text at each scrape. So the text is kept until the set of
//! series changes.

use std::collections::HashSet;
use std::sync::Arc;

use node0_metrics_core::{Sample, SeriesSet, Snapshot};

use crate::classic::Classic;
use crate::exporter::Settings;
use crate::format::Format;
use crate::naming::Naming;
use crate::protobuf::Protobuf;
use crate::standard::Standard;

/// A page without its numbers.
pub(crate) struct Plan {
    format: Format,
    standard: Option<Standard>,
    classic: Option<Classic>,
    protobuf: Option<Protobuf>,
}

impl Plan {
    fn new(snapshot: &Snapshot, format: Format, naming: Naming, settings: &Settings) -> Self {
        let mut names = SampleNames::default();
        let Settings { decoration, converter, has_created } = settings;
        if format == Format::Protobuf {
            let page = Protobuf::new(snapshot, decoration, converter.clone(), &mut names);
            return Self { format, standard: None, classic: None, protobuf: Some(page) };
        }
        let has_created = *has_created && format == Format::OpenMetrics;
        let standard = naming
            .has_standard()
            .then(|| Standard::new(snapshot, format, has_created, decoration, &mut names));
        let classic = naming.has_classic().then(|| Classic::new(snapshot, decoration, &mut names));
        Self { format, standard, classic, protobuf: None }
    }

    pub(crate) fn render(&self, sample: &Sample, out: &mut Vec<u8>) {
        if let Some(standard) = &self.standard {
            standard.render(sample, out);
        }
        if let Some(classic) = &self.classic {
            classic.render(sample, out);
        }
        if let Some(protobuf) = &self.protobuf {
            protobuf.render(sample, out);
        }
        if self.format == Format::OpenMetrics {
            out.extend_from_slice(b"# EOF\n");
        }
    }

    pub(crate) fn skipped(&self) -> u64 {
        let standard = self.standard.as_ref().map_or(0, |standard| standard.skipped);
        let protobuf = self.protobuf.as_ref().map_or(0, |protobuf| protobuf.skipped);
        standard + protobuf + self.classic.as_ref().map_or(0, |classic| classic.skipped)
    }

    pub(crate) fn merged(&self) -> u64 {
        self.classic.as_ref().map_or(0, |classic| classic.merged)
    }
}

/// The sample names of a page; no two families may use the same one.
///
/// A reader assigns a sample to a family by its name: it would take the gauge `x_count`
/// for a part of the summary `x`.
#[derive(Default)]
pub(crate) struct SampleNames(HashSet<String>);

impl SampleNames {
    /// Claims the name with each of the suffixes; claims none if one of them is in use.
    pub(crate) fn claim(&mut self, name: &str, suffixes: &[&str]) -> bool {
        let names = || suffixes.iter().map(|suffix| format!("{name}{suffix}"));
        let free = names().all(|name| !self.0.contains(&name));
        if free {
            self.0.extend(names());
        }
        free
    }
}

/// The plans for the set of series that was rendered last, by format and naming.
#[derive(Default)]
pub(crate) struct Plans {
    series: Option<SeriesSet>,
    kept: Vec<((Format, Naming), Arc<Plan>)>,
}

impl Plans {
    /// Returns the plan for a snapshot's series, and builds it if there is none.
    pub(crate) fn get(
        &mut self,
        snapshot: &Snapshot,
        format: Format,
        naming: Naming,
        settings: &Settings,
    ) -> Arc<Plan> {
        let series = Some(snapshot.series_set());
        if self.series != series {
            self.kept.clear();
            self.series = series;
        }
        let key = (format, naming);
        if let Some((_, plan)) = self.kept.iter().find(|(kept, _)| *kept == key) {
            return plan.clone();
        }
        let plan = Arc::new(Plan::new(snapshot, format, naming, settings));
        self.kept.push((key, plan.clone()));
        plan
    }
}
