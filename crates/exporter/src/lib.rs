//! Renders node0's samples as Prometheus text, OpenMetrics, protobuf and JSON.
//!
//! A scraper rejects the whole page for one bad line. So this crate guarantees,
//! for any names, labels and help texts, that the page parses, that no series
//! appears twice, and that the buckets of a histogram add up to its count. A
//! family that cannot be shown is left out and counted.
//!
//! Rendering is infallible and cheap. The text that depends on names and labels is
//! written once and cached until a series is added or removed; a scrape copies it
//! and fills in the numbers.
//!
//! ```
//! use node0_exporter::{Exporter, Format, Naming};
//! use node0_metrics_core::{Desc, Registry};
//!
//! const ORDERS: Desc = Desc::counter("orders_total", "Orders placed.").labels(&["channel"]);
//! let registry = Registry::new();
//! let orders = registry.counter(&ORDERS, &["web"])?;
//! orders.add(3);
//!
//! let exporter = Exporter::builder().prefix("shop")?.build();
//! let accept = Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
//! let accepted = exporter.negotiate(accept);
//! let mut page = Vec::new();
//! let rendered =
//!     exporter.render(&registry.read(), accepted.format(), Naming::Standard, &mut page);
//!
//! assert_eq!(rendered.format, Format::OpenMetrics);
//! let page = String::from_utf8(page)?;
//! assert!(page.contains("# TYPE shop_orders counter\n"));
//! assert!(page.contains("shop_orders_total{channel=\"web\"} 3\n"));
//! assert!(page.ends_with("# EOF\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate knows the formats, and of the core only [`Snapshot`](node0_metrics_core::Snapshot)
//! and [`Sample`](node0_metrics_core::Sample). It does not know any monitor, nor HTTP:
//! [`Exporter::negotiate`] takes the text of an `Accept` header, and a [`Format`] returns its
//! content type.
//!
//! | metric | labels | what |
//! | --- | --- | --- |
//! | `node0_scrapes_total` | `format` | rendered pages |
//! | `node0_scrape_duration_seconds` | | time to read the cells and render a page |
//! | `node0_scrape_bytes` | | sizes of pages |
//! | `node0_scrape_families_skipped_total` | | families left out of pages |
//! | `node0_classic_names_merged_total` | | series merged into another with the same classic name |

mod exporter;
mod format;
mod naming;
mod negotiate;

mod plan;
mod standard;

mod native;
mod protobuf;

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
pub use native::NativeHistograms;
pub use negotiate::Accepted;
pub use scrape_metrics::{
    CLASSIC_NAMES_MERGED, SCRAPE_BYTES, SCRAPE_DURATION, SCRAPE_FAMILIES_SKIPPED, SCRAPES,
    ScrapeMetrics,
};

/// Every metric that this crate records.
pub const DESCS: &[&node0_metrics_core::Desc] =
    &[&SCRAPES, &SCRAPE_DURATION, &SCRAPE_BYTES, &SCRAPE_FAMILIES_SKIPPED, &CLASSIC_NAMES_MERGED];

/// The guide's exporters, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/write-an-exporter.md")]
struct Guide;
