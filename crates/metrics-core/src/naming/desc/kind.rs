//! The kinds of metrics, with the rules that each sets for names, units and formats.

use super::unit::Unit;

/// The kind of a metric, which decides the handle that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Goes up only: [`Counter`](crate::Counter).
    Counter,
    /// Holds the value last set: [`Gauge`](crate::Gauge).
    Gauge,
    /// Goes up only, is counted elsewhere and set as it is read: [`Gauge`](crate::Gauge).
    Total,
    /// A level that many threads raise and lower: [`UpDown`](crate::UpDown).
    UpDown,
    /// The highest level of the last minute: [`Peak`](crate::Peak).
    Peak,
    /// Durations: [`Latency`](crate::Latency).
    Latency,
    /// Values of any unit: [`Distribution`](crate::Distribution).
    Distribution,
}

/// Upper bounds of exported latency buckets in seconds, when a description names none.
pub const DEFAULT_LATENCY_BOUNDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The rules for all metrics of a kind.
pub(super) struct Rules {
    /// The Prometheus type.
    pub(super) metric_type: &'static str,
    /// The suffix that each name must have; empty where there is none.
    pub(super) suffix: &'static str,
    /// The unit, unless the description sets another.
    pub(super) unit: Unit,
    /// The exported bounds, unless the description sets others.
    pub(super) bounds: &'static [f64],
}

impl Kind {
    /// The rules for metrics of this kind.
    pub(super) const fn rules(self) -> Rules {
        const PLAIN: Rules = Rules { metric_type: "", suffix: "", unit: Unit::None, bounds: &[] };
        match self {
            Self::Counter | Self::Total => {
                Rules { metric_type: "counter", suffix: "_total", ..PLAIN }
            }
            Self::Gauge | Self::UpDown | Self::Peak => Rules { metric_type: "gauge", ..PLAIN },
            Self::Latency => Rules {
                metric_type: "histogram",
                suffix: "_seconds",
                unit: Unit::Seconds,
                bounds: DEFAULT_LATENCY_BOUNDS,
            },
            Self::Distribution => Rules { metric_type: "histogram", ..PLAIN },
        }
    }

    /// The Prometheus type: `counter`, `gauge` or `histogram`.
    pub const fn metric_type(self) -> &'static str {
        self.rules().metric_type
    }

    /// Returns `true` if a series of this kind counts values by buckets.
    pub(crate) const fn is_histogram(self) -> bool {
        matches!(self, Self::Latency | Self::Distribution)
    }
}
