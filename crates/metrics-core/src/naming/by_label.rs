//! Arrays with one element for each value of a label.

use std::convert::Infallible;
use std::fmt;
use std::ops::{Index, IndexMut};

use serde::{Serialize, Serializer};

use crate::naming::label_set::LabelSet;

/// An array with one `V` for each value of the label `K`.
///
/// `V` is a handle for recording, a count for reading, or a number in a report, whose JSON is a
/// map from label to number.
///
/// ```
/// use node0_metrics_core::{ByLabel, label_set};
///
/// label_set! {
///     /// Why an entry left.
///     enum Cause {
///         /// There was no room.
///         Size = "size",
///         /// Its time was over.
///         Expired = "expired",
///     }
/// }
///
/// let mut evicted = ByLabel::<Cause, u64>::default();
/// evicted[Cause::Expired] += 3;
/// let percent = evicted.map(|n| n * 100 / 3);
/// assert_eq!((percent[Cause::Size], percent[Cause::Expired]), (0, 100));
/// assert_eq!(evicted.values().sum::<u64>(), 3);
/// assert_eq!(serde_json::to_string(&evicted)?, r#"{"size":0,"expired":3}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct ByLabel<K: LabelSet, V>(K::Array<V>);

impl<K: LabelSet, V> ByLabel<K, V> {
    /// Makes an element for each label.
    pub fn from_fn(mut of: impl FnMut(K) -> V) -> Self {
        let Ok(made) = Self::try_from_fn(|label| Ok::<_, Infallible>(of(label)));
        made
    }

    /// Makes an element for each label, until one fails.
    ///
    /// # Errors
    /// The first error of `of`.
    pub fn try_from_fn<E>(of: impl FnMut(K) -> Result<V, E>) -> Result<Self, E> {
        K::try_array(of).map(Self)
    }

    /// The elements with their labels, in the order of their declaration.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (K, &V)> {
        K::ALL.iter().copied().zip(self.0.as_ref())
    }

    /// The elements in the order of their labels' declaration.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.0.as_ref().iter()
    }

    /// Maps each element by `of`.
    pub fn map<W>(&self, mut of: impl FnMut(&V) -> W) -> ByLabel<K, W> {
        ByLabel::from_fn(|label| of(&self[label]))
    }
}

impl<K: LabelSet, V> Index<K> for ByLabel<K, V> {
    type Output = V;

    #[inline]
    fn index(&self, label: K) -> &V {
        &self.0.as_ref()[label.index()]
    }
}

impl<K: LabelSet, V> IndexMut<K> for ByLabel<K, V> {
    #[inline]
    fn index_mut(&mut self, label: K) -> &mut V {
        &mut self.0.as_mut()[label.index()]
    }
}

impl<K: LabelSet, V: Clone> Clone for ByLabel<K, V> {
    fn clone(&self) -> Self {
        self.map(V::clone)
    }
}

impl<K: LabelSet, V: Copy> Copy for ByLabel<K, V> where K::Array<V>: Copy {}

impl<K: LabelSet, V: Default> Default for ByLabel<K, V> {
    fn default() -> Self {
        Self::from_fn(|_| V::default())
    }
}

impl<K: LabelSet, V: PartialEq> PartialEq for ByLabel<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

impl<K: LabelSet, V: Eq> Eq for ByLabel<K, V> {}

impl<K: LabelSet, V: fmt::Debug> fmt::Debug for ByLabel<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(label, value)| (label.label(), value))).finish()
    }
}

impl<K: LabelSet, V: Serialize> Serialize for ByLabel<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(label, value)| (label.label(), value)))
    }
}
