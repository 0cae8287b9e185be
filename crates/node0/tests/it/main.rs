//! Tests of the facade with all monitors, under a manual clock.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod advice;
#[cfg(feature = "prometheus-handle")]
mod bridge;
mod custom;
mod health;
mod http;
mod json_doc;
mod lookups;
mod native_histograms;
mod own_monitor;
#[cfg(feature = "redis")]
mod redis_pool;
mod requests;
#[cfg(feature = "tower-resilience")]
mod scrapes;
mod service;
mod settings;
mod streams;
mod topics;
#[cfg(feature = "tracing-opentelemetry")]
mod traces;
