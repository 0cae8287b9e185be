//! The testbed against the real programs it finds or unpacks.

mod http;
mod judges;
mod postgres;
mod process;
mod prometheus;
mod redis;
mod require;
mod tools;
