//! The boards on real servers: each query of each panel gives what is true.
//!
//! The committed JSON is read and filled in as Grafana does, so a fault in any part of the way from
//! a cell to a panel is found: the metric, the page, the scrape, the query, the unit, the legend.

mod answers;
mod backfill;
#[path = "../service/demo.rs"]
#[expect(dead_code, reason = "the tests of the service use more of it")]
mod demo;
mod faults;
mod grafana;
mod ledger;
mod stage;
mod states;
