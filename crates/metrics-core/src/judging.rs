//! Judging: monitors and their findings, the published health, and the guests that follow it.
//!
//! Each tick calls every monitor's `judge`. The core folds the [findings](finding) of a
//! [judgement] into a score, applies [hysteresis](health), and sends changes as [events](event)
//! to [observers and listeners](audience). Every call into a guest goes through a
//! [guarded call](guarded_call).

pub(crate) mod alert;
pub(crate) mod assessment;
pub(crate) mod audience;
pub(crate) mod board;
pub(crate) mod contained;
pub(crate) mod drop_guarded;
pub(crate) mod event;
pub(crate) mod finding;
pub(crate) mod finding_series;
pub(crate) mod guarded_call;
pub(crate) mod guest;
pub(crate) mod health;
pub(crate) mod judgement;
pub(crate) mod monitor;
pub(crate) mod observer;
pub(crate) mod raised;
pub(crate) mod readiness;
pub(crate) mod report;
pub(crate) mod started;
pub(crate) mod status;
pub(crate) mod topic;
pub(crate) mod watched;
pub(crate) mod workers;
