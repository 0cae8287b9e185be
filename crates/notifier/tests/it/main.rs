//! Deliveries to receivers that a test scripts, and to a real Alertmanager.

mod addresses;
mod alertmanager;
mod failures;
mod payloads;
mod receiver;
mod source;
#[cfg(feature = "tls")]
mod tls;
