//! All descriptions of a crate, in one list.

/// Declares the descriptions of a crate, and the list of them all.
///
/// The macro defines the constants as written, and adds a constant `DESCS` that lists all of
/// them in order. Catalogues and checks iterate over it, so no metric can be forgotten.
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
