//! The naming schemes of a page.

use std::fmt;
use std::str::FromStr;

/// The names that a page shows; all are read from the same cells.
///
/// `classic` has no form in OpenMetrics: a page of [`Naming::Classic`] is
/// [`Format::Text`](crate::Format::Text) whatever the scraper accepts, and
/// [`Naming::Both`] in OpenMetrics is the standard half alone. So a server whose
/// default is `Both` answers a scraper of OpenMetrics with exemplars, and one
/// that is *asked* for a naming with classic names (see
/// [`Naming::has_classic`]) answers in text.
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

/// A word that is not the name of a naming scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown naming `{given}`: use `standard`, `classic` or `both`")]
pub struct UnknownNaming {
    /// The word.
    pub given: String,
}

impl Naming {
    /// The words that [`Naming::from_str`] takes.
    pub const WORDS: &[&'static str] = &["standard", "classic", "both"];

    /// The naming's word.
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

    /// Returns `true` if the page has classic names, which only the text format can carry.
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
