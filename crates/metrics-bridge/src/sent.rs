//! The values of a histogram that a recipient already has.

use std::borrow::Cow;

use node0_metrics_core::{Buckets, Delta, Histogram, Layout};

/// The values of one histogram that were sent, as a delta, which takes the least memory.
#[derive(Debug)]
pub(crate) struct Sent(Delta);

/// The relation of a sample to the one that was sent before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The samples belong to consecutive ticks, so the deltas of the second are all new values.
    NextTick,
    /// Ticks were missed, or one of the two is a fresh read between ticks.
    Other,
}

impl Sent {
    pub(crate) fn nothing(layout: Layout) -> Self {
        Self(Delta::new(layout))
    }

    /// Returns the values of `now` that were not sent yet, and notes them as sent.
    pub(crate) fn advance<'a>(&mut self, now: &'a Histogram, step: Step) -> Cow<'a, Delta> {
        let delta = now.delta();
        let new = if now.count() == self.0.count() {
            Cow::Owned(Delta::new(delta.layout()))
        } else if step == Step::NextTick && now.count() == self.0.count() + delta.count() {
            Cow::Borrowed(delta)
        } else {
            // The totals include the values of missed samples.
            Cow::Owned(now.total().since(&Buckets::from(&self.0)))
        };
        self.0.merge(&new);
        new
    }
}
