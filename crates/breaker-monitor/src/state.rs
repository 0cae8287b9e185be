//! The states of a breaker.

use serde::Serialize;

/// What a breaker does with calls; in JSON `CLOSED`, `OPEN`, `HALF_OPEN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// It lets all calls through.
    Closed,
    /// It rejects all calls.
    Open,
    /// It lets a few calls through to see whether the service is back.
    HalfOpen,
}

impl State {
    pub(crate) const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The label value: `closed`, `open` or `half_open`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }

    /// Its place in [`Self::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}
