//! The rules file as data, to be changed and written again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A rules file of Prometheus.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesFile {
    pub(crate) groups: Vec<Group>,
}

/// A group of rules.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) rules: Vec<Rule>,
}

/// A recording rule or an alert.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rule {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) record: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) alert: String,
    pub(crate) expr: String,
    #[serde(rename = "for", skip_serializing_if = "String::is_empty")]
    pub(crate) lasting: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) keep_firing_for: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl RulesFile {
    /// Reads the rules file that is shipped.
    pub(crate) fn shipped() -> Self {
        let text = std::fs::read_to_string(path()).expect("it is there");
        serde_saphyr::from_str(&text).expect("it is a rules file")
    }

    /// Returns all rules.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }
}

impl Rule {
    /// Returns the name of the alert or of the recorded series.
    pub(crate) fn name(&self) -> &str {
        if self.alert.is_empty() { &self.record } else { &self.alert }
    }
}

/// Returns the path of the rules file that is shipped.
pub(crate) fn path() -> PathBuf {
    root().join("alerts/performance-alerts.yaml")
}

/// Returns the root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
