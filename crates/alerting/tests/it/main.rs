//! The public API of the crate, by a manual clock.

mod built_in;
mod clock_jumps;
#[cfg(feature = "toml")]
mod file_silences;
mod findings;
mod guests;
mod house;
mod metrics;
mod missing;
mod noise;
mod quiet;
mod reload;
mod rules;
#[cfg(feature = "toml")]
mod rules_file;
mod states;
mod statistics;
