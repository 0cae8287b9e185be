//! All descriptions of a crate, in one list.

/// Declares the descriptions of a crate, and the list of them all.
///
/// The constants stand as they are. Beside them stands `DESCS`, with each of them in order,
/// for catalogues and for the checks that go through all metrics: so none can be left out.
///
/// ```
/// use metrics_core::{Desc, descs};
///
/// descs! {
///     /// Orders that were placed.
///     pub const ORDERS: Desc = Desc::counter("orders_total", "Orders that were placed.");
///
///     /// Orders that wait for their payment.
///     pub const UNPAID: Desc = Desc::gauge("orders_unpaid", "Orders without a payment.");
/// }
///
/// let names: Vec<_> = DESCS.iter().map(|desc| desc.name()).collect();
/// assert_eq!(names, ["orders_total", "orders_unpaid"]);
/// ```
#[macro_export]
macro_rules! descs {
    ($($(#[$meta:meta])* $vis:vis const $name:ident: Desc = $desc:expr;)+) => {
        $($(#[$meta])* $vis const $name: $crate::Desc = $desc;)+

        /// Every description of this crate, for catalogues.
        pub const DESCS: &[&$crate::Desc] = &[$(&$name),+];
    };
}
