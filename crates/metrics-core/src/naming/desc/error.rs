//! The errors of a description.

/// A name, label or bound that Prometheus and OpenMetrics do not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescError {
    /// The name is malformed or reserved.
    #[error("metric name `{name}` is not usable: {rule}")]
    Name {
        /// The refused name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A label key is malformed or reserved.
    #[error("label `{key}` is not usable: letters, digits and `_`, not `le`, `quantile` or `__…`")]
    Label {
        /// The refused key.
        key: String,
    },
    /// The bounds are not finite and rising.
    #[error("bucket bounds of `{name}` must be finite and rising")]
    Bounds {
        /// The metric's name.
        name: String,
    },
    /// The `classic` scheme could not show the metric.
    #[error("metric `{name}` has no place in the classic scheme: {rule}")]
    Classic {
        /// The metric's name.
        name: String,
        /// The rule that the projection breaks.
        rule: &'static str,
    },
}
