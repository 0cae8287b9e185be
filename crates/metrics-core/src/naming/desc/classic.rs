//! The `classic` naming scheme: the metric names that dashboards of older services use.

use super::kind::Kind;

/// The projection of a metric into the `classic` naming scheme.
///
/// `{key}` in the name or help takes that label's value; labels without a place in the
/// name stay labels.
///
/// ```
/// use node0_metrics_core::{Classic, Desc};
///
/// const WAIT: Desc = Desc::latency("wait_duration_seconds", "Time that callers wait.")
///     .labels(&["pool"])
///     .classic(Classic::summary("wait_ms_{pool}", "Wait in milliseconds for {pool}"));
/// assert_eq!(WAIT.classic_projection().map(|classic| classic.name), Some("wait_ms_{pool}"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Classic {
    /// The shape of the projection.
    pub shape: ClassicShape,
    /// The name's template, such as `latency_ms_{operation}`.
    pub name: &'static str,
    /// The help's template.
    pub help: &'static str,
}

/// The shapes of metrics in the `classic` scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassicShape {
    /// The value as it is.
    Gauge,
    /// A counter as it is.
    Counter,
    /// Quantiles over the window in milliseconds, with `_sum` and `_count`.
    Summary,
    /// The share of hits in the window, of two counters that differ in the label `result` (`hit`, `miss`).
    Ratio,
}

impl Classic {
    /// Shows a value as it is.
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { shape: ClassicShape::Gauge, name, help }
    }

    /// Shows a counter as it is.
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self { shape: ClassicShape::Counter, name, help }
    }

    /// Shows a latency as quantiles over its window in milliseconds.
    pub const fn summary(name: &'static str, help: &'static str) -> Self {
        Self { shape: ClassicShape::Summary, name, help }
    }

    /// Shows hits and misses as the share of hits in the window.
    pub const fn ratio(name: &'static str, help: &'static str) -> Self {
        Self { shape: ClassicShape::Ratio, name, help }
    }

    /// Returns the rule that the projection of a metric breaks, if it does.
    pub(super) fn broken_rule(
        &self,
        kind: Kind,
        has_label: impl Fn(&str) -> bool,
    ) -> Option<&'static str> {
        let places = self.name.split('{').skip(1).filter_map(|text| text.split_once('}'));
        if !self.shape.fits(kind) {
            Some("its shape does not fit the metric's kind")
        } else if self.name.is_empty() {
            Some("its name is empty")
        } else if places.map(|(place, _)| place).any(|place| !has_label(place)) {
            Some("its name has a place for a label that the metric lacks")
        } else {
            None
        }
    }
}

impl ClassicShape {
    /// Returns `true` if metrics of the kind can be shown in the shape.
    const fn fits(self, kind: Kind) -> bool {
        match self {
            Self::Gauge => !kind.is_histogram(),
            Self::Counter | Self::Ratio => matches!(kind, Kind::Counter),
            Self::Summary => matches!(kind, Kind::Latency),
        }
    }
}
