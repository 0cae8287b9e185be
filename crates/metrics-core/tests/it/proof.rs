//! The core against an oracle that keeps every sample.
//!
//! The oracle gets the same records as the registry, and computes from the samples
//! themselves what a reader must see. It shares neither code nor method with the core:
//! no buckets, no differences, no running totals. So these tests prove windows,
//! percentiles and totals on the whole way from a record to the JSON of a topic.
//!
//! Every test runs in a short version with the other tests, and in full as the proof
//! `core` (see `testbed::prove`). All data comes from fixed seeds and all time from a
//! manual clock, so a failure repeats in each run; only the order of threads is random.

mod data;
mod exactness;
mod life;
mod oracle;
mod percentiles;
mod readers;
mod verdict;
