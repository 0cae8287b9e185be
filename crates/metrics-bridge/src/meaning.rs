//! The meaning of a name of the facade: its description in the registry and the scale of values.

use metrics::Unit as FacadeUnit;
use node0_metrics_core::{DEFAULT_LATENCY_BOUNDS, Kind, OwnedDesc, Unit};

use crate::name;
use crate::series::Form;
use crate::unit::{Base, Scale};

/// The description that a program gives a metric by the facade's `describe_…` macros.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    pub(crate) unit: Option<FacadeUnit>,
    pub(crate) text: Box<str>,
}

/// The properties that all series of one name share.
#[derive(Clone, Debug)]
pub(crate) struct Meaning {
    pub(crate) desc: OwnedDesc,
    pub(crate) scale: Scale,
}

impl Meaning {
    /// Returns `None` if no character of the name is allowed in one.
    pub(crate) fn new(
        name: &str,
        form: Form,
        description: Option<&Description>,
        bounds: Option<&[f64]>,
    ) -> Option<Self> {
        let stem = name::stem(name, form)?;
        let base = match (description.and_then(|description| description.unit), form) {
            (None, _) => Base::of_name(&stem),
            (Some(unit), Form::Counter) => Base::of_counter(unit),
            (Some(unit), Form::Gauge | Form::Histogram) => Base::of(unit),
        };
        let kind = match form {
            Form::Counter => Kind::Counter,
            Form::Gauge => Kind::Gauge,
            Form::Histogram if base.unit == Unit::Seconds => Kind::Latency,
            Form::Histogram => Kind::Distribution,
        };
        let page = name::with_unit(stem, form, &base);
        let mut desc = OwnedDesc::new(kind, &page, &help(name, description)).ok()?;
        desc.unit = base.unit;
        if form == Form::Histogram {
            let bounds = bounds.unwrap_or(default_bounds(base.unit));
            desc = desc.with_bounds(bounds).ok()?;
        }
        Some(Self { desc, scale: base.scale })
    }

    /// Returns `true` if name, kind and scale are the same; help texts may differ.
    pub(crate) fn records_as(&self, other: &Self) -> bool {
        let (desc, theirs) = (&self.desc, &other.desc);
        self.scale == other.scale
            && (&desc.name, desc.kind, desc.unit) == (&theirs.name, theirs.kind, theirs.unit)
    }
}

fn help(name: &str, description: Option<&Description>) -> String {
    match description.map(|description| description.text.trim()) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => format!("Recorded as `{name}` through the metrics facade, without a description."),
    }
}

/// Returns the exported buckets of a histogram for which the host sets none.
fn default_bounds(unit: Unit) -> &'static [f64] {
    match unit {
        Unit::Seconds => DEFAULT_LATENCY_BOUNDS,
        Unit::Bytes => &[
            256.0,
            1024.0,
            4096.0,
            16384.0,
            65536.0,
            262_144.0,
            1_048_576.0,
            4_194_304.0,
            16_777_216.0,
            67_108_864.0,
            268_435_456.0,
            1_073_741_824.0,
        ],
        Unit::Ratio => &[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0],
        // The unit is unknown; in practice many of these are seconds.
        _ => &[
            0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0,
            10_000.0,
        ],
    }
}
