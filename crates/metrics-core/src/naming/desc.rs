//! Descriptions of metrics: name, kind, unit, labels and help, as constant data.
//!
//! A [`Desc`] constant is checked at compile time, so a malformed name never reaches a scrape.
//! Names that are known only at run time become an [`OwnedDesc`], whose construction can fail.

mod classic;
mod error;
mod kind;
mod owned;
mod rules;
mod unit;

use rules::{broken_name, ends_with, equal, is_label};

pub use classic::{Classic, ClassicShape};
pub use error::DescError;
pub use kind::{DEFAULT_LATENCY_BOUNDS, Kind};
pub use owned::OwnedDesc;
pub use rules::{MAX_HELP_BYTES, MAX_LABEL_KEY_BYTES, MAX_LABELS, MAX_NAME_BYTES};
pub(crate) use rules::{check_labels, cut_help};
pub use unit::Unit;

/// The constant description of a metric.
///
/// ```
/// use node0_metrics_core::Desc;
///
/// const ORDERS: Desc = Desc::counter("orders_total", "Orders that were placed.")
///     .labels(&["channel"]);
/// assert_eq!(ORDERS.name(), "orders_total");
/// ```
///
/// A malformed name does not compile:
///
/// ```compile_fail
/// const BAD: node0_metrics_core::Desc = node0_metrics_core::Desc::counter("orders", "Lacks _total.");
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
    /// Describes a counter; its name ends in `_total`.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Counter)
    }

    /// Describes a gauge that is set or added to.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Gauge)
    }

    /// Describes a total that is counted elsewhere, such as by the kernel; its name ends in `_total`.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn total(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Total)
    }

    /// Describes a level that threads raise and lower.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn up_down(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::UpDown)
    }

    /// Describes the maximum of the last 60 seconds.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn peak(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Peak)
    }

    /// Describes durations; the name ends in `_seconds`.
    ///
    /// # Panics
    /// When the name is malformed; in a constant, the program does not compile.
    pub const fn latency(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Kind::Latency)
    }

    /// Describes values of any unit, with the upper bounds that are exported.
    ///
    /// # Panics
    /// When the name is malformed, does not end in the unit, or the bounds are not finite or do not rise; in
    /// a constant, the program does not compile.
    pub const fn distribution(
        name: &'static str,
        help: &'static str,
        unit: Unit,
        bounds: &'static [f64],
    ) -> Self {
        Self::new(name, help, Kind::Distribution).unit(unit).bounds(bounds)
    }

    const fn new(name: &'static str, help: &'static str, kind: Kind) -> Self {
        let rules = kind.rules();
        assert!(broken_name(name, kind).is_none(), "malformed metric name");
        assert!(
            ends_with(name, rules.suffix),
            "a counter's name ends in _total, a latency's in _seconds"
        );
        assert!(!help.is_empty(), "a metric has a help text");
        assert!(help.len() <= MAX_HELP_BYTES, "a help text has up to 512 bytes");
        let (unit, bounds) = (rules.unit, rules.bounds);
        Self { name, help, kind, unit, labels: &[], bounds, classic: None, classic_without: None }
    }

    /// Sets the unit, which must be part of the name; none by default.
    ///
    /// # Panics
    /// When the name does not end in the unit; in a constant, the program does not compile.
    pub const fn unit(mut self, unit: Unit) -> Self {
        assert!(unit.is_in(self.name), "the name ends in the unit");
        self.unit = unit;
        self
    }

    /// Sets the label keys, whose values follow in this order at registration; none by default.
    ///
    /// # Panics
    /// When a key is malformed, reserved, longer than 64 bytes or there twice, or there are more than
    /// 16; in a constant, the program does not compile.
    pub const fn labels(mut self, keys: &'static [&'static str]) -> Self {
        assert!(keys.len() <= MAX_LABELS, "a metric has up to 16 labels");
        let mut i = 0;
        while i < keys.len() {
            assert!(is_label(keys[i]), "malformed or reserved label key");
            let mut other = 0;
            while other < i {
                assert!(!equal(keys[i], keys[other]), "each label key stands once");
                other += 1;
            }
            i += 1;
        }
        self.labels = keys;
        self
    }

    /// Sets the upper bounds of the exported buckets, in ascending order.
    ///
    /// By default a latency has [`DEFAULT_LATENCY_BOUNDS`].
    ///
    /// # Panics
    /// When the bounds are not finite or do not rise; in a constant, the program does not compile.
    pub const fn bounds(mut self, bounds: &'static [f64]) -> Self {
        let mut i = 0;
        while i < bounds.len() {
            assert!(bounds[i].is_finite(), "bucket bounds are finite: the last bucket has none");
            assert!(i == 0 || bounds[i - 1] < bounds[i], "bucket bounds rise");
            i += 1;
        }
        self.bounds = bounds;
        self
    }

    /// Shows the metric in the `classic` scheme too; by default it is not.
    pub const fn classic(mut self, classic: Classic) -> Self {
        self.classic = Some(classic);
        self
    }

    /// Leaves a label out of the `classic` scheme if it has this value; by default none is left out.
    ///
    /// Use it if dashboards expect a classic name without this label: the series with the usual
    /// value has that name.
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

    /// The kind of the metric.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The label keys in the order of registration.
    pub const fn label_keys(&self) -> &'static [&'static str] {
        self.labels
    }

    /// The projection into the `classic` scheme.
    pub const fn classic_projection(&self) -> Option<&Classic> {
        self.classic.as_ref()
    }
}
