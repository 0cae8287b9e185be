//! Descriptions of metrics: what a name means, once, as constant data.
//!
//! A [`Desc`] is checked while the program compiles, so a malformed name never
//! reaches a scrape. Names that are known only at run time (a custom metric, a
//! bridge) go through [`OwnedDesc`], which says the same things with an error.
//!
//! The rules are those of Prometheus and OpenMetrics: base units, `_total` on
//! counters, no reserved labels.

use std::borrow::Cow;

/// What a metric is, and with that which handle records it.
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

impl Kind {
    /// The Prometheus type: `counter`, `gauge` or `histogram`.
    pub const fn metric_type(self) -> &'static str {
        match self {
            Self::Counter | Self::Total => "counter",
            Self::Gauge | Self::UpDown | Self::Peak => "gauge",
            Self::Latency | Self::Distribution => "histogram",
        }
    }
}

/// The base unit of a metric; its suffix ends the name (before `_total`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// A count of things, which are no unit.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share between 0 and 1.
    Ratio,
}

impl Unit {
    /// The suffix that OpenMetrics demands, empty for [`Unit::None`].
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
        }
    }
}

/// How the `classic` naming scheme shows a metric.
///
/// `{key}` in `name` or `help` takes that label's value; labels without a
/// place in the name stay labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Classic {
    /// The shape of the projection.
    pub shape: ClassicShape,
    /// The name's template, such as `latency_ms_{operation}`.
    pub name: &'static str,
    /// The help's template.
    pub help: &'static str,
}

/// The shapes that the `classic` scheme knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassicShape {
    /// The value as it is.
    Gauge,
    /// A counter as it is.
    Counter,
    /// Quantiles over the window in milliseconds, with `_sum` and `_count`.
    Summary,
    /// Of two counters that differ in the label `result` (`hit`, `miss`): the share of hits in the window.
    Ratio,
}

/// Upper bounds of exported latency buckets in seconds, when a description names none.
pub const DEFAULT_LATENCY_BOUNDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The constant description of a metric.
///
/// ```
/// use metrics_core::Desc;
///
/// const ORDERS: Desc = Desc::counter("orders_total", "Orders that were placed.")
///     .labels(&["channel"]);
/// assert_eq!(ORDERS.name(), "orders_total");
/// ```
///
/// A malformed name does not compile:
///
/// ```compile_fail
/// const BAD: metrics_core::Desc = metrics_core::Desc::counter("orders", "Lacks _total.");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Desc {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static [&'static str],
    bounds: &'static [f64],
    classic: Option<Classic>,
    classic_without: Option<(&'static str, &'static str)>,
}

impl Desc {
    /// A counter; its name ends in `_total`.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        assert!(ends_with(name, "_total"), "a counter's name ends in _total");
        Self::new(name, help, Kind::Counter)
    }

    /// A gauge that is set or added to.
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Gauge)
    }

    /// A total that somebody else counts, such as the kernel, with fractions; its name ends in `_total`.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn total(name: &'static str, help: &'static str) -> Self {
        assert!(ends_with(name, "_total"), "a total's name ends in _total");
        Self::new(name, help, Kind::Total)
    }

    /// A level that threads raise and lower.
    pub const fn up_down(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::UpDown)
    }

    /// The maximum of the last 60 seconds.
    pub const fn peak(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Peak)
    }

    /// Durations; the name ends in `_seconds`.
    pub const fn latency(name: &'static str, help: &'static str) -> Self {
        let mut desc = Self::new(name, help, Kind::Latency).unit(Unit::Seconds);
        desc.bounds = DEFAULT_LATENCY_BOUNDS;
        desc
    }

    /// Values of any unit, with the upper bounds that are exported.
    pub const fn distribution(
        name: &'static str,
        help: &'static str,
        unit: Unit,
        bounds: &'static [f64],
    ) -> Self {
        Self::new(name, help, Kind::Distribution).unit(unit).bounds(bounds)
    }

    const fn new(name: &'static str, help: &'static str, kind: Kind) -> Self {
        assert!(check_name(name, kind).is_none(), "malformed metric name");
        assert!(!help.is_empty(), "a metric has a help text");
        Self {
            name,
            help,
            kind,
            unit: Unit::None,
            labels: &[],
            bounds: &[],
            classic: None,
            classic_without: None,
        }
    }

    /// The unit, which must stand in the name; none by default.
    ///
    /// # Panics
    /// When the name does not end in the unit; in a constant, the program does not compile.
    pub const fn unit(mut self, unit: Unit) -> Self {
        assert!(has_unit(self.name, unit), "the name ends in the unit");
        self.unit = unit;
        self
    }

    /// The label keys, whose values follow in this order at registration; none by default.
    ///
    /// # Panics
    /// When a key is malformed or reserved; in a constant, the program does not compile.
    pub const fn labels(mut self, keys: &'static [&'static str]) -> Self {
        let mut i = 0;
        while i < keys.len() {
            assert!(is_label(keys[i]), "malformed or reserved label key");
            i += 1;
        }
        self.labels = keys;
        self
    }

    /// The exported buckets' upper bounds, rising; [`DEFAULT_LATENCY_BOUNDS`] for a latency.
    ///
    /// # Panics
    /// When the bounds do not rise; in a constant, the program does not compile.
    pub const fn bounds(mut self, bounds: &'static [f64]) -> Self {
        let mut i = 1;
        while i < bounds.len() {
            assert!(bounds[i - 1] < bounds[i], "bucket bounds rise");
            i += 1;
        }
        self.bounds = bounds;
        self
    }

    /// How the `classic` scheme shows this metric; by default it does not.
    pub const fn classic(mut self, classic: Classic) -> Self {
        self.classic = Some(classic);
        self
    }

    /// The label that the `classic` scheme leaves out where it has this value; none by default.
    ///
    /// For classic names that are older than the label: a series without it has the usual value.
    pub const fn classic_without(mut self, key: &'static str, value: &'static str) -> Self {
        self.classic_without = Some((key, value));
        self
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The help text.
    pub const fn help(&self) -> &'static str {
        self.help
    }

    /// What the metric is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The label keys in the order of registration.
    pub const fn label_keys(&self) -> &'static [&'static str] {
        self.labels
    }

    /// How the `classic` scheme shows this metric.
    pub const fn classic_projection(&self) -> Option<&Classic> {
        self.classic.as_ref()
    }
}

/// A description made at run time, and the form in which a snapshot carries every description.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OwnedDesc {
    /// The name.
    pub name: Cow<'static, str>,
    /// The help text.
    pub help: Cow<'static, str>,
    /// What the metric is.
    pub kind: Kind,
    /// The unit that ends the name.
    pub unit: Unit,
    /// Upper bounds of the exported buckets, empty for anything but histograms.
    pub bounds: Cow<'static, [f64]>,
    /// How the `classic` scheme shows the metric.
    pub classic: Option<Classic>,
    /// The label that the `classic` scheme leaves out, and the value with which it does.
    pub classic_without: Option<(&'static str, &'static str)>,
}

/// A name, label or bound that no Prometheus-compatible reader would take.
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
}

impl OwnedDesc {
    /// Describes a metric whose name is known only now.
    ///
    /// A counter's name gets `_total` where it lacks it, a latency's `_seconds`:
    /// OpenMetrics readers refuse them otherwise.
    ///
    /// # Errors
    /// [`DescError::Name`] for a malformed or reserved name.
    pub fn new(kind: Kind, name: &str, help: &str) -> Result<Self, DescError> {
        let name = match kind {
            Kind::Counter | Kind::Total if !name.ends_with("_total") => format!("{name}_total"),
            Kind::Latency if !name.ends_with("_seconds") => format!("{name}_seconds"),
            _ => name.to_owned(),
        };
        if let Some(rule) = check_name(&name, kind) {
            return Err(DescError::Name { name, rule });
        }
        let (unit, bounds) = match kind {
            Kind::Latency => (Unit::Seconds, DEFAULT_LATENCY_BOUNDS),
            Kind::Distribution => (Unit::None, &[][..]),
            _ => (Unit::None, &[][..]),
        };
        Ok(Self {
            name: name.into(),
            help: help.to_owned().into(),
            kind,
            unit,
            bounds: bounds.into(),
            classic: None,
            classic_without: None,
        })
    }

    /// Sets the exported buckets' upper bounds.
    ///
    /// # Errors
    /// [`DescError::Bounds`] when they are not finite and rising.
    pub fn with_bounds(mut self, bounds: &[f64]) -> Result<Self, DescError> {
        let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || bounds.iter().any(|bound| !bound.is_finite()) {
            return Err(DescError::Bounds { name: self.name.into_owned() });
        }
        self.bounds = bounds.to_vec().into();
        Ok(self)
    }
}

impl From<&Desc> for OwnedDesc {
    fn from(desc: &Desc) -> Self {
        Self {
            name: desc.name.into(),
            help: desc.help.into(),
            kind: desc.kind,
            unit: desc.unit,
            bounds: desc.bounds.into(),
            classic: desc.classic,
            classic_without: desc.classic_without,
        }
    }
}

pub(crate) fn check_label(key: &str) -> Result<(), DescError> {
    if is_label(key) { Ok(()) } else { Err(DescError::Label { key: key.to_owned() }) }
}

/// Suffixes by which readers tell the parts of counters, histograms and summaries.
const RESERVED_SUFFIXES: [&str; 5] = ["_total", "_count", "_sum", "_bucket", "_created"];

const fn check_name(name: &str, kind: Kind) -> Option<&'static str> {
    if !is_identifier(name) {
        return Some("letters, digits and `_`, not starting with a digit or `_`");
    }
    let mut i = 0;
    while i < RESERVED_SUFFIXES.len() {
        let own = matches!(kind, Kind::Counter | Kind::Total) && i == 0;
        if !own && ends_with(name, RESERVED_SUFFIXES[i]) {
            return Some(
                "`_total` ends counters only; `_count`, `_sum`, `_bucket`, `_created` are reserved",
            );
        }
        i += 1;
    }
    None
}

const fn has_unit(name: &str, unit: Unit) -> bool {
    match unit {
        Unit::None => true,
        Unit::Seconds => ends_with(name, "_seconds") || ends_with(name, "_seconds_total"),
        Unit::Bytes => ends_with(name, "_bytes") || ends_with(name, "_bytes_total"),
        Unit::Ratio => ends_with(name, "_ratio"),
    }
}

const fn is_label(key: &str) -> bool {
    is_identifier(key) && !equal(key, "le") && !equal(key, "quantile")
}

const fn is_identifier(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_alphabetic() {
        return false;
    }
    let mut i = 1;
    while i < bytes.len() {
        if !bytes[i].is_ascii_alphanumeric() && bytes[i] != b'_' {
            return false;
        }
        i += 1;
    }
    true
}

const fn ends_with(text: &str, suffix: &str) -> bool {
    let (text, suffix) = (text.as_bytes(), suffix.as_bytes());
    if text.len() < suffix.len() {
        return false;
    }
    let mut i = 0;
    while i < suffix.len() {
        if text[text.len() - suffix.len() + i] != suffix[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && ends_with(a, b)
}
