//! The prefix and the constant labels that a host adds to every name and series.

use metrics_core::Labels;

/// A setting of an [`Exporter`](crate::Exporter) that would spoil every line of a page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// The prefix cannot begin a metric's name.
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

#[derive(Clone, Debug, Default)]
pub(crate) struct Decoration {
    prefix: String,
    /// By rising key.
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

    /// A metric's name on the page.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The constant labels that stand beside a series' own, which win.
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
