//! Levels that are read from elsewhere and may be unknown: connections, entries, memory.
//!
//! An unknown level is not zero. A level that was never known has no series; one that was
//! known before and no longer is has the value NaN.

use crate::naming::desc::Desc;
use crate::reading::sample::View;
use crate::recording::gauge::Gauge;
use crate::recording::register_error::RegisterError;
use crate::registry::Registry;

/// A gauge whose series exists from the moment its level is first known.
///
/// ```
/// use node0_metrics_core::{Desc, LevelGauge, Registry};
///
/// const IDLE: Desc = Desc::gauge("connections_idle", "Connections that nobody uses.");
/// let registry = Registry::new();
/// let mut idle = LevelGauge::default();
/// idle.learn(&registry, &IDLE, &[], None)?;
/// assert!(registry.read().snapshot.family("connections_idle").is_none());
///
/// idle.learn(&registry, &IDLE, &[], Some(4.0))?;
/// assert_eq!(idle.read(&registry.read().view()), Some(4.0));
/// idle.set(None);
/// assert_eq!(idle.read(&registry.read().view()), None);
/// assert!(registry.read().snapshot.family("connections_idle").is_some());
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct LevelGauge(Option<Gauge>);

impl LevelGauge {
    /// Sets a level, and registers the series with the first known level.
    ///
    /// # Errors
    /// As for [`Registry::gauge`].
    pub fn learn(
        &mut self,
        registry: &Registry,
        desc: &Desc,
        values: &[&str],
        level: Option<f64>,
    ) -> Result<(), RegisterError> {
        if self.0.is_none() && level.is_some() {
            self.0 = Some(registry.instrument(desc, values)?);
        }
        self.set(level);
        Ok(())
    }

    /// Sets a level if the series exists; an unknown one to NaN.
    pub fn set(&self, level: Option<f64>) {
        if let Some(gauge) = &self.0 {
            gauge.set(level.unwrap_or(f64::NAN));
        }
    }

    /// Returns the level in a view; `None` if it is unknown.
    pub fn read(&self, view: &View<'_>) -> Option<f64> {
        view.read(self.0.as_ref()?)
    }
}

/// Declares levels that may be unknown, as a struct of plain data and a struct of gauges.
///
/// Each line is a level: the field's name, its [`Desc`], and in brackets the values of further
/// labels, after those that all levels share. The macro generates a struct of plain data, whose
/// fields are `Option`s of the number type and `None` by default, and a struct of
/// [`LevelGauge`]s with the methods `learn`, `set` and `read`, and the function `find`, which
/// reads by label values.
///
/// ```
/// use node0_metrics_core::{Desc, Registry, levels};
///
/// const CONNECTIONS: Desc = Desc::gauge("connections", "Open connections by state: used, idle.")
///     .labels(&["pool", "state"]);
/// const MAX: Desc = Desc::gauge("connections_max", "Connections that the pool allows.")
///     .labels(&["pool"]);
///
/// levels! {
///     /// How full a pool is.
///     pub struct PoolLevels of u64, shown by pub(crate) PoolGauges {
///         /// Connections that callers hold.
///         used = CONNECTIONS ["used"],
///         /// Connections that nobody holds.
///         idle = CONNECTIONS ["idle"],
///         /// Connections that the pool allows.
///         max = MAX,
///     }
/// }
///
/// let registry = Registry::new();
/// let mut gauges = PoolGauges::default();
/// let levels = PoolLevels { used: Some(3), max: Some(10), ..PoolLevels::default() };
/// gauges.learn(&registry, &["main"], &levels)?;
/// let sample = registry.read();
/// assert_eq!(gauges.read(&sample.view()), levels);
/// assert_eq!(PoolGauges::find(&sample.view(), &["main"]), levels);
/// let series = sample.snapshot.family("connections").map(|family| family.series().len());
/// assert_eq!(series, Some(1), "nobody said how many are idle");
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[macro_export]
macro_rules! levels {
    (
        $(#[$meta:meta])*
        $vis:vis struct $levels:ident of $number:ident, shown by $gauges_vis:vis $gauges:ident {
            $(
                $(#[$field_meta:meta])*
                $field:ident = $desc:ident $([$($value:expr),+ $(,)?])?
            ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        $vis struct $levels {
            $($(#[$field_meta])* pub $field: ::core::option::Option<$number>,)+
        }

        #[doc = concat!("Gauges of [`", stringify!($levels), "`].")]
        #[derive(Clone, Debug, Default)]
        $gauges_vis struct $gauges {
            $($field: $crate::LevelGauge,)+
        }

        impl $gauges {
            /// Sets all levels, and registers those that are known for the first time.
            $gauges_vis fn learn(
                &mut self,
                registry: &$crate::Registry,
                values: &[&str],
                levels: &$levels,
            ) -> ::core::result::Result<(), $crate::RegisterError> {
                $(
                    let values_of_it = [values, &[$($($value),+)?]].concat();
                    let level = levels.$field.map(|level| level as f64);
                    self.$field.learn(registry, &$desc, &values_of_it, level)?;
                )+
                Ok(())
            }

            /// Sets all levels; one that is no longer known becomes NaN, one that never was stays absent.
            $gauges_vis fn set(&self, levels: &$levels) {
                $(self.$field.set(levels.$field.map(|level| level as f64));)+
            }

            /// The levels in a view.
            $gauges_vis fn read(&self, view: &$crate::View<'_>) -> $levels {
                $levels { $($field: self.$field.read(view).map(|level| level as $number),)+ }
            }

            /// The levels in a view, by the values that they were registered with.
            $gauges_vis fn find(view: &$crate::View<'_>, values: &[&str]) -> $levels {
                let find = |desc: &$crate::Desc, values_of_it: &[&str]| {
                    let values = [values, values_of_it].concat();
                    <$crate::Gauge as $crate::Instrument>::find(view, desc, &values)
                };
                $levels {
                    $($field: find(&$desc, &[$($($value),+)?]).map(|level| level as $number),)+
                }
            }
        }
    };
}
