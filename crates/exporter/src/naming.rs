//! The naming schemes of a page.
//!
//! Dashboards for older systems expect names that Prometheus advises against. A page can
//! have both sets of names, so that a user can move dashboards one by one.

use std::fmt;
use std::str::FromStr;

/// The names that a page shows; all schemes show the same values.
///
/// Classic names exist in text only. A page of [`Naming::Classic`] is always
/// [`Format::Text`](crate::Format::Text), and a page of [`Naming::Both`] in
/// OpenMetrics has only the standard names. A server whose default is `Both`
/// therefore answers a scraper that accepts OpenMetrics with exemplars. If a
/// request asks for classic names explicitly (see [`Naming::has_classic`]), the
/// server should answer in text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Naming {
    /// Base units and labels, as Prometheus and OpenMetrics advise.
    #[default]
    Standard,
    /// Milliseconds and names made of label values, for dashboards that expect them.
    Classic,
    /// The standard names, then the classic ones.
    Both,
}

/// A word that does not name a naming scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown naming `{given}`: use `standard`, `classic` or `both`")]
pub struct UnknownNaming {
    /// The unknown word.
    pub given: String,
}

impl Naming {
    /// The words that [`Naming::from_str`] takes.
    pub const WORDS: &[&'static str] = &["standard", "classic", "both"];

    /// Returns the naming's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Classic => "classic",
            Self::Both => "both",
        }
    }

    /// Returns `true` if the page has standard names.
    pub const fn has_standard(self) -> bool {
        matches!(self, Self::Standard | Self::Both)
    }

    /// Returns `true` if the page has classic names, which exist in text only.
    pub const fn has_classic(self) -> bool {
        matches!(self, Self::Classic | Self::Both)
    }
}

impl FromStr for Naming {
    type Err = UnknownNaming;

    fn from_str(word: &str) -> Result<Self, UnknownNaming> {
        match word {
            "standard" => Ok(Self::Standard),
            "classic" => Ok(Self::Classic),
            "both" => Ok(Self::Both),
            _ => Err(UnknownNaming { given: word.to_owned() }),
        }
    }
}

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
