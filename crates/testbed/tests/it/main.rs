//! The testbed against the real programs it finds or unpacks.

mod judges;
mod postgres;
mod process;
mod prometheus;
mod tools;
