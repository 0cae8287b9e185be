//! The node0 demo: a small orders service, watched.
//!
//! It is written as any service would be that uses `node0`: a pool that is
//! watched, a router that is watched, and everything else the service's own.
//! What is unusual is that it needs nothing: it finds or starts a database,
//! and sends itself a little traffic.

pub mod app;
pub mod cache;
pub mod chaos;
pub mod database;
pub mod flags;
pub mod index;
pub mod load;
pub mod orders;
pub mod payments;
pub mod service;
