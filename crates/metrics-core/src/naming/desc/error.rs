//! The errors of a description.

/// A name, label or bound that Prometheus and OpenMetrics do not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescError {
    /// The name is malformed or reserved.
    #[error("metric name `{name}` is not usable: {rule}")]
    Name {
        /// The refused name, cut to 256 bytes.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A label key is malformed, reserved or too long.
    #[error(
        "label `{key}` is not usable: up to 64 letters, digits and `_`, not `le`, `quantile` or `__…`"
    )]
    Label {
        /// The refused key, cut to 256 bytes.
        key: String,
    },
    /// There are too many labels.
    #[error("metric `{name}` has {labels} labels: 16 are allowed")]
    Labels {
        /// The metric's name.
        name: String,
        /// The number of labels.
        labels: usize,
    },
    /// The help text is too long.
    #[error("the help text of `{name}` has {bytes} bytes: 512 are allowed")]
    Help {
        /// The metric's name.
        name: String,
        /// The length of the text.
        bytes: usize,
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
