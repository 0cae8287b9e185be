//! Names of watched instances: a pool, a cache tier, a circuit, a runtime.
//!
//! A name is used as a label value, a key in reports and a part of paths. It is validated once,
//! when this type is created, and needs no check afterwards.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::naming::labels::broken_name_rule;

/// The validated name of one watched instance.
///
/// It is not empty, has at most 256 bytes and no control character, and is not `_other`. Clones share
/// the text. It dereferences to `str`, so it can be passed as a label value.
///
/// ```
/// use node0_metrics_core::InstanceName;
///
/// let main = InstanceName::new("main")?;
/// assert_eq!((main.as_str(), main.len()), ("main", 4));
/// let refused = InstanceName::new("").expect_err("a label value cannot be empty");
/// assert_eq!(refused.to_string(), "name `` is not usable: it is empty");
/// # Ok::<(), node0_metrics_core::InvalidName>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceName(Arc<str>);

/// A refused name, and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name `{name}` is not usable: {rule}")]
#[non_exhaustive]
pub struct InvalidName {
    /// The refused name.
    pub name: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl InstanceName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidName`] with the rule that it breaks.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        match broken_name_rule(name) {
            None => Ok(Self(name.into())),
            Some(rule) => Err(InvalidName { name: name.to_owned(), rule }),
        }
    }

    /// Checks a further rule of a monitor's own; `broken` returns the rule that the name breaks.
    ///
    /// ```
    /// use node0_metrics_core::InstanceName;
    ///
    /// // A report that has tiers as its fields cannot have two fields of one name.
    /// let tier = |name: &str| {
    ///     let reserved = |name: &str| (name == "health").then_some("a report has that field");
    ///     InstanceName::new(name)?.unless(reserved)
    /// };
    /// assert!(tier("L1").is_ok());
    /// assert_eq!(tier("health").map_err(|refused| refused.rule), Err("a report has that field"));
    /// # Ok::<(), node0_metrics_core::InvalidName>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidName`] with that rule.
    pub fn unless(
        self,
        broken: impl FnOnce(&str) -> Option<&'static str>,
    ) -> Result<Self, InvalidName> {
        match broken(&self) {
            None => Ok(self),
            Some(rule) => Err(InvalidName { name: self.0.as_ref().to_owned(), rule }),
        }
    }

    /// Returns a path of two names: `L1` within `orders` is `orders/L1`.
    ///
    /// The path can be longer than the limit of a name. Use it as a key, and the two names as
    /// label values.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        Self(format!("{outer}/{self}").into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for InstanceName {
    type Error = InvalidName;

    fn try_from(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

impl Deref for InstanceName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Maps keyed by names are searched by plain text.
impl Borrow<str> for InstanceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<InstanceName> for String {
    fn from(name: InstanceName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for InstanceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
