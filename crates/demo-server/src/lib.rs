//! The node0 demo: a small orders service that `node0` monitors.
//!
//! It uses `node0` as any service would: it wraps its pool, its caches, its circuit
//! breaker and its router, and has no other code for monitoring. Unlike most
//! services it needs no set-up: it finds or starts a database, and sends itself a
//! little traffic.

pub mod access;
pub mod app;
pub mod cache;
pub mod chaos;
pub mod database;
mod descriptors;
pub mod flags;
pub mod index;
pub mod load;
pub mod log;
pub mod orders;
pub mod payments;
pub mod service;
pub mod signals;
