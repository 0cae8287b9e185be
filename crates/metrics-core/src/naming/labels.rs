//! Label sets: sorted by key, without duplicates, each value bounded.
//!
//! Values often come from outside, such as the name of a tenant, so registration truncates long
//! ones here.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The maximum length of a label value in bytes; longer ones are truncated at a character boundary.
pub const MAX_LABEL_VALUE_BYTES: usize = 256;

/// The value of all labels of the overflow series, into which a full family folds new label sets.
pub const OTHER: &str = "_other";

/// The labels of one series, sorted by key; cloning shares the storage.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Labels(Arc<[Label]>);

/// A key and its value.
type Label = (Cow<'static, str>, Box<str>);

impl Labels {
    /// Sorts and bounds the pairs; of two pairs with one key the last wins.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut sorted: Vec<Label> = Vec::new();
        for (key, value) in pairs {
            let value = bounded(value).into();
            match sorted.binary_search_by(|(have, _)| (**have).cmp(key)) {
                Ok(at) => sorted[at].1 = value,
                Err(at) => sorted.insert(at, (Cow::Owned(key.to_owned()), value)),
            }
        }
        Self(sorted.into())
    }

    /// As [`Self::new`], without copies of keys that are in order.
    pub(crate) fn with_keys(keys: &[&'static str], values: &[&str]) -> Self {
        let pairs = keys.iter().copied().zip(values.iter().copied());
        if !keys.is_sorted_by(|before, key| before < key) {
            return Self::new(pairs);
        }
        // Collected in one allocation, since the length is known.
        let label = |(key, value)| (Cow::Borrowed(key), bounded(value).into());
        Self(pairs.map(label).collect())
    }

    /// The pairs in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// The value of `key`, if the set has it.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(have, _)| (**have).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Returns `true` if there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same keys, each with the value [`OTHER`].
    pub(crate) fn folded(&self) -> Self {
        Self::new(self.iter().map(|(key, _)| (key, OTHER)))
    }
}

/// Orders by keys and values, pair by pair.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(&*other.0);
        let compare = |((key, value), (other_key, other_value)): (&Label, &Label)| {
            // The series of a family have the same keys, mostly of the same constants.
            let keys = if ptr::eq::<str>(&**key, &**other_key) {
                Ordering::Equal
            } else {
                key.cmp(other_key)
            };
            keys.then_with(|| value.cmp(other_value))
        };
        let first = pairs.map(compare).find(|order| order.is_ne());
        first.unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An object with a field for each label.
impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Truncates a value to the maximum length, at a character boundary.
pub(crate) fn bounded(value: &str) -> &str {
    &value[..value.floor_char_boundary(MAX_LABEL_VALUE_BYTES)]
}

/// Returns the rule that the name of a watched instance breaks; `None` for a good name.
///
/// A name must not be empty, be longer than 256 bytes, contain a control character or be [`OTHER`].
/// [`InstanceName`](crate::InstanceName) is a name that was checked.
pub(crate) fn broken_name_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > MAX_LABEL_VALUE_BYTES {
        Some("it is longer than 256 bytes")
    } else if name == OTHER {
        Some("`_other` is where label values beyond the cap are folded")
    } else if name.chars().any(char::is_control) {
        Some("it has control characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_the_last_duplicate_wins() {
        let labels = Labels::new([("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!(labels.get("b"), Some("3"));
        assert_eq!(labels.get("c"), None);
    }

    #[test]
    fn a_long_value_is_cut_inside_no_character() {
        let long = "é".repeat(200);
        let labels = Labels::new([("k", long.as_str())]);
        assert_eq!(labels.get("k").map(str::len), Some(256));
        let odd = format!("x{long}");
        assert_eq!(Labels::new([("k", odd.as_str())]).get("k").map(str::len), Some(255));
    }
}
