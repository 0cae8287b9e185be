//! The formats of a page.

/// A format in which a page can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format 0.0.4: what `curl` and every scraper reads.
    Text,
    /// OpenMetrics 1.0: the same with exemplars and units.
    OpenMetrics,
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Text, Self::OpenMetrics];

    /// The value of the `Content-Type` header; newer Prometheus refuses a page without the right one.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format's word, as it stands in the label `format` of [`SCRAPES`](crate::SCRAPES).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
        }
    }
}
