//! Boards for Grafana and rules for Prometheus, generated from one definition.
//!
//! Operators call such a set a *mixin*. Everything in `dashboards` and `alerts` is written by
//! this crate: `cargo xtask generate` runs its program, `cargo xtask check mixin` compares the
//! committed files with what the program would write and runs the lint.
//!
//! - The panels of a crate are defined in its file `panels.toml`, beside the metrics that they
//!   show. A crate that adds such a file gets its row in the main board.
//! - The alert rules come from [`node0_alerting::built_in`], so the service and Prometheus alert by the
//!   same numbers. A panel that names a rule draws the rule's query and its threshold.
//! - [`Catalogue`] has every metric with its kind and labels; no board, rule or document may name
//!   another one.
//!
//! The crate does not talk to Grafana or Prometheus. Its tests do.

mod boards;
mod catalogue;
mod documents;
pub mod lint;
mod promql;
pub mod rules;

pub use crate::boards::DefinitionError;
pub use crate::catalogue::{Catalogue, CatalogueError, Kind, Metric};
pub use crate::documents::{Document, DocumentError, documents, findings};
