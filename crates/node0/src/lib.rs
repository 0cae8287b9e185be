//! Performance monitoring that lives inside Rust services: the facade of node0.
