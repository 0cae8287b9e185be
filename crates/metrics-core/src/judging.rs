//! Judging: monitors, what they find, and what is believed of it.

pub(crate) mod counted_monitor;
pub(crate) mod event;
pub(crate) mod health;
pub(crate) mod health_board;
pub(crate) mod monitor;
pub(crate) mod readiness;
