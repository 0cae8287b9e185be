//! All descriptions of a crate, in one list.

/// Declares the descriptions of a crate, and the list of them all.
///
/// The macro defines the constants as written, and documents each by the metric's name and help,
/// so that a comment need not repeat them. It adds a constant `DESCS` that lists all of them in
/// order. Catalogues and checks iterate over it, so no metric can be forgotten.
///
/// ```
/// use node0_metrics_core::{Desc, descs};
///
/// descs! {
///     pub const ORDERS: Desc = Desc::counter("orders_total", "Orders that were placed.");
///
///     pub const UNPAID: Desc = Desc::gauge("orders_unpaid", "Orders without a payment.");
/// }
///
/// let names: Vec<_> = DESCS.iter().map(|desc| desc.name()).collect();
/// assert_eq!(names, ["orders_total", "orders_unpaid"]);
/// ```
///
/// A constant may also be one that another crate describes; then it needs a comment of its own.
#[macro_export]
macro_rules! descs {
    ($(
        $(#[$meta:meta])*
        $vis:vis const $name:ident: Desc = $first:ident $(
            :: $kind:ident ($metric:literal, $help:literal $(, $more:expr)* $(,)?)
            $(. $setter:ident ($($argument:tt)*))*
        )?;
    )+) => {
        $(
            $(#[$meta])*
            $(#[doc = concat!("`", $metric, "`: ", $help)])?
            $vis const $name: $crate::Desc = $first
                $(::$kind($metric, $help $(, $more)*) $(.$setter($($argument)*))*)?;
        )+

        /// Every description of this crate, for catalogues.
        pub const DESCS: &[&$crate::Desc] = &[$(&$name),+];
    };
}
