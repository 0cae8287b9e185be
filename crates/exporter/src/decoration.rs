//! The prefix and the constant labels that a host adds to every name and series.
//!
//! Each is validated when it is set. A malformed one would make every line of the page
//! unreadable, so it is an error at set-up and not a family that is left out.

use node0_metrics_core::Labels;

/// A setting of an [`Exporter`](crate::Exporter) that would make every line invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// A metric's name cannot begin with the prefix.
    #[error("prefix `{prefix}` is not usable: letters, digits and `_`, starting with a letter")]
    Prefix {
        /// The refused prefix.
        prefix: String,
    },
    /// The constant label's key is malformed or reserved.
    #[error(
        "constant label `{key}` is not usable: letters, digits and `_`, starting with a letter, \
         and neither `le` nor `quantile`"
    )]
    ConstantLabel {
        /// The refused key.
        key: String,
    },
}

/// The beginnings of the names of standard metrics, which dashboards of others look for: the process
/// as all client libraries of Prometheus have it, and requests as OpenTelemetry names them.
const STANDARD: [&str; 2] = ["process_", "http_server_"];

#[derive(Clone, Debug, Default)]
pub(crate) struct Decoration {
    prefix: String,
    /// `true` if standard names get the prefix too.
    pub(crate) prefixes_standard: bool,
    /// Keys and values, sorted by key.
    constants: Vec<(String, String)>,
}

impl Decoration {
    pub(crate) fn set_prefix(&mut self, prefix: &str) -> Result<(), SettingError> {
        if !prefix.is_empty() && !is_identifier(prefix) {
            return Err(SettingError::Prefix { prefix: prefix.to_owned() });
        }
        self.prefix = prefix.to_owned();
        if !prefix.is_empty() && !prefix.ends_with('_') {
            self.prefix.push('_');
        }
        Ok(())
    }

    pub(crate) fn set_constant(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        if !is_identifier(key) || ["le", "quantile"].contains(&key) {
            return Err(SettingError::ConstantLabel { key: key.to_owned() });
        }
        match self.constants.binary_search_by(|(have, _)| (**have).cmp(key)) {
            Ok(at) => self.constants[at].1 = value.to_owned(),
            Err(at) => self.constants.insert(at, (key.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// Returns a metric's name with the prefix.
    pub(crate) fn name(&self, name: &str) -> String {
        let is_standard = STANDARD.iter().any(|start| name.starts_with(start));
        let prefix = if is_standard && !self.prefixes_standard { "" } else { &self.prefix };
        format!("{prefix}{name}")
    }

    /// Returns the constant labels whose keys the series itself does not have.
    pub(crate) fn constants<'a>(
        &'a self,
        own: &'a Labels,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.constants.iter().map(|(key, value)| (&**key, &**value));
        all.filter(|(key, _)| own.get(key).is_none())
    }
}

fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
