//! The public API of the crate, by a manual clock.

mod house;
mod states;
