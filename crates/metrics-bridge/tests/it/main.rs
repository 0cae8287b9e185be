//! Both directions of the bridge through its public API, against the facade's own macros and exporter.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

#[cfg(feature = "prometheus-handle")]
mod appendix;
mod bench;
mod crates;
mod differential;
mod missed_samples;
mod names;
mod publisher;
mod refusals;
mod threads;
mod values;
