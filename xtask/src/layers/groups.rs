//! Groups of outside crates that whole roles must not reach.

pub(super) const RUNTIMES: &[&str] = &["async-std", "smol", "tokio"];
/// Crates that write a format; `serde` and `erased-serde` do not.
pub(super) const FORMATS: &[&str] = &[
    "bincode",
    "bytes",
    "ciborium",
    "postcard",
    "prometheus",
    "prost",
    "rmp-serde",
    "serde_json",
    "toml",
];
pub(super) const WEB: &[&str] = &["axum", "http", "http-body", "hyper"];
pub(super) const TOWER: &[&str] = &["tower-layer", "tower-service"];
