//! The node0 demo: a small orders service, watched.

pub mod database;
