//! The slowest traced value of a window.
//!
//! A tick's slowest value matters only until a later tick has a slower one. So the ticks that are
//! kept have falling values, and the first of them is the slowest of all: as ticks leave the
//! window, it is dropped, and the next one takes its place.

use std::collections::VecDeque;
use std::time::Duration;

use crate::recording::exemplar::Exemplar;

#[derive(Debug, Default)]
pub(super) struct Slowest {
    /// Of the running tick.
    running: Option<Exemplar>,
    /// Of closed ticks with their starts, the oldest first, by falling value.
    closed: VecDeque<(Duration, Exemplar)>,
}

impl Slowest {
    /// Takes in a value of the running tick.
    pub(super) fn raise(&mut self, exemplar: Exemplar) {
        if self.running.is_none_or(|held| held.value < exemplar.value) {
            self.running = Some(exemplar);
        }
    }

    /// Ends the tick that began at `start`.
    pub(super) fn close(&mut self, start: Duration) {
        let Some(exemplar) = self.running.take() else { return };
        while self.closed.pop_back_if(|(_, held)| held.value <= exemplar.value).is_some() {}
        self.closed.push_back((start, exemplar));
    }

    /// Drops closed ticks that began before `start`, and returns the slowest value of the rest.
    pub(super) fn since(&mut self, start: Duration) -> Option<Exemplar> {
        while self.closed.pop_front_if(|(began, _)| *began < start).is_some() {}
        let closed = self.closed.front().map(|(_, exemplar)| *exemplar);
        match (closed, self.running) {
            (Some(closed), Some(running)) if running.value <= closed.value => Some(closed),
            (closed, running) => running.or(closed),
        }
    }
}
