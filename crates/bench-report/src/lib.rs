//! The results of a run of `cargo xtask bench`, and everything that shows them.
//!
//! The table on the terminal, the HTML report, `docs/performance.md` and the figures of the
//! README are made from one [`Run`] by one set of formats, so that they cannot differ. The
//! crate measures nothing and depends on nothing that is measured, so the checks of the
//! repository can verify the generated documents without building the benches.

mod change;
mod figures;
mod html;
mod losses;
mod overhead;
mod performance;
mod run;
pub mod stats;
mod table;

pub use change::{Change, Comparison, Word};
pub use html::report;
pub use overhead::picture;
pub use performance::{document, readme};
pub use run::{
    About, Against, Beside, Budget, Entry, Kind, Machine, Peer, Race, Run, Scope, Tail, Unit,
    Unrest,
};
pub use table::{change as change_line, race as race_table, summary as summary_table, words};
