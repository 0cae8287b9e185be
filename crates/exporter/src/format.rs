//! The formats of a page.
//!
//! JSON is not among them: it is for people and scripts, has an endpoint of its own, and is
//! never negotiated.

/// A format in which a page can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format 0.0.4, which every scraper reads.
    Text,
    /// OpenMetrics 1.0, which adds exemplars and units.
    OpenMetrics,
    /// Delimited protobuf, the only one that can carry native histograms.
    Protobuf,
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Text, Self::OpenMetrics, Self::Protobuf];

    /// Returns the value of the `Content-Type` header.
    ///
    /// Newer releases of Prometheus refuse a page with a wrong one.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }

    /// Returns the format's value of the label `format` of [`SCRAPES`](crate::SCRAPES).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
            Self::Protobuf => "protobuf",
        }
    }
}
