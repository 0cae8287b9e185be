//! Closed sets of label values, each an enum.
//!
//! Some labels have a fixed set of values: the outcomes of a call, the causes of an eviction,
//! the states of a breaker. [`label_set!`](crate::label_set) declares such a set as an enum.
//! Callers use its variants, metrics the text of the label, and a
//! [`ByLabel`](crate::ByLabel) has an element for each variant.

/// An enum whose values are all values of one label; made by [`label_set!`](crate::label_set).
pub trait LabelSet: Copy + Eq + Send + Sync + 'static {
    /// An array with one `V` for each value of the set.
    type Array<V>: AsRef<[V]> + AsMut<[V]>;

    /// All values in the order of their declaration.
    const ALL: &'static [Self];

    /// The text of the label.
    fn label(self) -> &'static str;

    /// The position in [`Self::ALL`].
    fn index(self) -> usize;

    /// Makes an array in the order of [`Self::ALL`].
    ///
    /// # Errors
    /// The first error of `of`, which is not called again.
    fn try_array<V, E>(of: impl FnMut(Self) -> Result<V, E>) -> Result<Self::Array<V>, E>;

    /// The value with this text.
    fn from_label(label: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.label() == label)
    }
}

/// Declares an enum whose values are all values of one label, each with its text.
///
/// The enum is [`LabelSet`], `Copy`, `Debug`, `Eq`, `Ord` and `Hash`. It has a constant
/// `ALL` and a constant method `label`. Your own attributes and derives are kept.
///
/// ```
/// use node0_metrics_core::{ByLabel, Counter, Desc, LabelSet, Registry, label_set};
///
/// label_set! {
///     /// How a call ended.
///     pub enum Outcome {
///         /// With a result.
///         Success = "success",
///         /// After its deadline.
///         TimedOut = "timed_out",
///     }
/// }
/// assert_eq!(Outcome::ALL, [Outcome::Success, Outcome::TimedOut]);
/// assert_eq!(Outcome::TimedOut.label(), "timed_out");
/// assert_eq!(Outcome::from_label("timed_out"), Some(Outcome::TimedOut));
///
/// const CALLS: Desc = Desc::counter("calls_total", "Calls by outcome.").labels(&["outcome"]);
/// let registry = Registry::new();
/// let calls: ByLabel<Outcome, Counter> = registry.instrument(&CALLS, &[])?;
/// calls[Outcome::TimedOut].inc();
/// let counts = registry.read().view().read(&calls);
/// assert_eq!((counts[Outcome::Success].total, counts[Outcome::TimedOut].total), (0, 1));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[macro_export]
macro_rules! label_set {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$value_meta:meta])* $value:ident = $label:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$value_meta])* $value,)+
        }

        impl $name {
            /// All values in the order of their declaration.
            $vis const ALL: [Self; [$($label),+].len()] = [$(Self::$value),+];

            /// The text of the label.
            $vis const fn label(self) -> &'static str {
                match self {
                    $(Self::$value => $label,)+
                }
            }
        }

        impl $crate::LabelSet for $name {
            type Array<V> = [V; [$($label),+].len()];

            const ALL: &'static [Self] = &Self::ALL;

            fn label(self) -> &'static str {
                self.label()
            }

            #[inline]
            fn index(self) -> usize {
                self as usize
            }

            fn try_array<V, E>(
                mut of: impl FnMut(Self) -> Result<V, E>,
            ) -> Result<Self::Array<V>, E> {
                Ok([$(of(Self::$value)?),+])
            }
        }
    };
}
