//! Prometheus text, OpenMetrics and JSON of a node0 snapshot.
//!
//! A scrape is read by programs that drop the whole page for one bad line, so
//! everything here serves one promise: whatever the names, labels and help
//! texts are, the page parses, has no series twice, and its histograms add up.
//! A family that cannot be shown is left out and counted.
//!
//! Rendering is infallible and cheap. What depends on names and labels is
//! written once and kept until a series comes or goes; a scrape copies it and
//! fills in the numbers.
//!
//! ```
//! use exporter::{Exporter, Format, Naming, negotiate};
//! use metrics_core::{Desc, Registry};
//!
//! const ORDERS: Desc = Desc::counter("orders_total", "Orders placed.").labels(&["channel"]);
//! let registry = Registry::new();
//! let orders = registry.counter(&ORDERS, &["web"])?;
//! orders.add(3);
//!
//! let exporter = Exporter::builder().prefix("shop")?.build();
//! let accept = Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
//! let mut page = Vec::new();
//! let rendered =
//!     exporter.render(&registry.read(), negotiate(accept), Naming::Standard, &mut page);
//!
//! assert_eq!(rendered.format, Format::OpenMetrics);
//! let page = String::from_utf8(page)?;
//! assert!(page.contains("# TYPE shop_orders counter\n"));
//! assert!(page.contains("shop_orders_total{channel=\"web\"} 3\n"));
//! assert!(page.ends_with("# EOF\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate knows formats and only [`Snapshot`](metrics_core::Snapshot) and
//! [`Sample`](metrics_core::Sample). It does not know where numbers come from,
//! nor HTTP: `negotiate` takes the text of an `Accept` header, a [`Format`]
//! names its content type. Protobuf is not among the formats yet.
//!
//! | metric | labels | what |
//! | --- | --- | --- |
//! | `node0_scrapes_total` | `format` | pages rendered |
//! | `node0_scrape_duration_seconds` | | time to read the cells and render |
//! | `node0_scrape_bytes` | | sizes of pages |
//! | `node0_scrape_families_skipped_total` | | families left out of pages |
//! | `node0_classic_names_merged_total` | | series that shared a classic name with another |

mod exporter;
mod format;
mod naming;
mod negotiate;

mod plan;
mod standard;

mod classic;

mod decoration;
mod number;
mod pieces;
mod text;

mod json;
mod scrape_metrics;

pub use decoration::SettingError;
pub use exporter::{Exporter, ExporterBuilder, Rendered};
pub use format::Format;
pub use json::Json;
pub use naming::{Naming, UnknownNaming};
pub use negotiate::negotiate;
pub use scrape_metrics::{
    CLASSIC_NAMES_MERGED, SCRAPE_BYTES, SCRAPE_DURATION, SCRAPE_FAMILIES_SKIPPED, SCRAPES,
    ScrapeMetrics,
};

/// Every metric that this crate records.
pub const DESCS: &[&metrics_core::Desc] =
    &[&SCRAPES, &SCRAPE_DURATION, &SCRAPE_BYTES, &SCRAPE_FAMILIES_SKIPPED, &CLASSIC_NAMES_MERGED];
