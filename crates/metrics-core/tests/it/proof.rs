//! The core against an oracle that keeps every sample.
//!
//! The oracle is told what the registry is told, and works out from the samples
//! themselves what a reader must see. It shares no code and no idea with what it
//! judges: no buckets, no differences, no running totals. So what these tests say
//! of windows, percentiles and totals is said of the whole way from a record to
//! the JSON of a topic.
//!
//! Every test runs small with the others and in full as the proof `core` (see
//! `testbed::prove`). All data comes from fixed seeds and all time from a manual
//! clock, so a failure is the same at each run; only how threads meet is left to chance.

mod data;
mod exactness;
mod life;
mod oracle;
mod percentiles;
mod readers;
mod verdict;
