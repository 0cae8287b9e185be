//! Descriptions that are known only at run time, such as those of custom metrics and bridges.

use std::borrow::Cow;

use super::rules::{MAX_HELP_BYTES, MAX_NAME_BYTES, broken_name, broken_own_name, cut_help};
use super::{Classic, Desc, DescError, Kind, Unit};
use crate::naming::labels::bounded;

/// A description made at run time, and the form in which a snapshot carries every description.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OwnedDesc {
    /// The name.
    pub name: Cow<'static, str>,
    /// The help text.
    pub help: Cow<'static, str>,
    /// The kind of the metric.
    pub kind: Kind,
    /// The unit that ends the name.
    pub unit: Unit,
    /// Upper bounds of the exported buckets, empty for anything but histograms.
    pub bounds: Cow<'static, [f64]>,
    /// The projection into the `classic` scheme.
    pub classic: Option<Classic>,
    /// The label that the `classic` scheme leaves out, and the value for which it does.
    pub classic_without: Option<(&'static str, &'static str)>,
}

impl OwnedDesc {
    /// Describes a metric whose name is known only now.
    ///
    /// If it is missing, the suffix `_total` is added to a counter's name, and `_seconds` to a
    /// latency's: OpenMetrics readers refuse such names without it. A help text is cut to
    /// [`MAX_HELP_BYTES`].
    ///
    /// # Errors
    /// [`DescError::Name`] for a name that is malformed, reserved, longer than
    /// [`MAX_NAME_BYTES`], or begins with `node0_`.
    pub fn new(kind: Kind, name: &str, help: &str) -> Result<Self, DescError> {
        let rules = kind.rules();
        let suffix = if name.ends_with(rules.suffix) { "" } else { rules.suffix };
        let name = format!("{}{suffix}", longer_than_any(name));
        if let Some(rule) = broken_own_name(&name, kind) {
            return Err(DescError::Name { name: bounded(&name).to_owned(), rule });
        }
        Ok(Self {
            name: name.into(),
            help: cut_help(help).to_owned().into(),
            kind,
            unit: rules.unit,
            bounds: rules.bounds.into(),
            classic: None,
            classic_without: None,
        })
    }

    /// Checks all rules again, since fields may have been changed.
    ///
    /// A format would leave the metric out otherwise. `has_label` answers if the series have a
    /// label of that key.
    pub(crate) fn check(&self, has_label: impl Fn(&str) -> bool) -> Result<(), DescError> {
        let name = || bounded(&self.name).to_owned();
        let has_suffix = self.name.ends_with(self.kind.rules().suffix);
        let suffix = "a counter's name ends in `_total`, a latency's in `_seconds`";
        let rule = (!has_suffix).then_some(suffix);
        let broken = if self.is_constant() { broken_name } else { broken_own_name };
        if let Some(rule) = rule.or_else(|| broken(&self.name, self.kind)) {
            return Err(DescError::Name { name: name(), rule });
        }
        if self.help.len() > MAX_HELP_BYTES {
            return Err(DescError::Help { name: name(), bytes: self.help.len() });
        }
        check_bounds(&self.name, &self.bounds)?;
        match self.classic.and_then(|classic| classic.broken_rule(self.kind, has_label)) {
            Some(rule) => Err(DescError::Classic { name: name(), rule }),
            None => Ok(()),
        }
    }

    /// Returns `true` for a description that was made of a constant one.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.name, Cow::Borrowed(_))
    }

    /// Sets the exported buckets' upper bounds.
    ///
    /// # Errors
    /// [`DescError::Bounds`] when they are not finite and rising.
    pub fn with_bounds(mut self, bounds: &[f64]) -> Result<Self, DescError> {
        check_bounds(&self.name, bounds)?;
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

/// Cuts a name to a length that is still too long, so that a long one is not copied whole.
fn longer_than_any(name: &str) -> &str {
    &name[..name.floor_char_boundary(2 * MAX_NAME_BYTES)]
}

fn check_bounds(name: &str, bounds: &[f64]) -> Result<(), DescError> {
    let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
    let finite = bounds.iter().all(|bound| bound.is_finite());
    if rising && finite { Ok(()) } else { Err(DescError::Bounds { name: name.to_owned() }) }
}
