//! The state of one breaker, how long it lasts, and how it came about.
//!
//! # How one state becomes three gauges
//!
//! Three gauges that are written one by one are two or none for a moment, and
//! two threads that write them at once could leave them so. Therefore the state
//! is one value behind one lock, and only whoever holds the lock writes the
//! gauges: after a change they are one-hot, whatever else happened meanwhile.
//! They are written right there and not in the monitor's poll, so that a scrape
//! after a change shows it.
//!
//! They are written together ([`Registry::together`]), so no pass reads some of
//! them before a change and some after: each sample has one state.
//!
//! The lock is for changes of state only, which are rare: calls do not take it.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics_core::{Clock, Counter, Gauge, RegisterError, Registry, Timestamp, View};
use serde::Serialize;

use crate::descs::{STATE, STATE_SECONDS, TRANSITIONS};
use crate::state::State;

/// A change of a breaker's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// Why, in the words of whoever reported it.
    pub reason: Cow<'static, str>,
    /// When it was reported.
    pub at: Timestamp,
}

/// The state of one circuit in the registry's cells.
pub(crate) struct StateCells {
    registry: Registry,
    clock: Clock,
    one_hot: [Gauge; 3],
    /// Added to, so that circuits beyond the registry's cap share a right sum.
    seconds: [Gauge; 3],
    /// By the state before and after; of no state to itself.
    transitions: [[Counter; 3]; 3],
    current: Mutex<Current>,
}

/// What the next change needs to know.
struct Current {
    state: State,
    /// The uptime up to which time in states is counted.
    counted: Duration,
    last: Option<Transition>,
}

impl StateCells {
    /// A circuit that is closed.
    pub(crate) fn register(registry: &Registry, circuit: &str) -> Result<Self, RegisterError> {
        let mut one_hot = [const { Gauge::disabled() }; 3];
        let mut seconds = [const { Gauge::disabled() }; 3];
        let mut transitions = [const { [const { Counter::disabled() }; 3] }; 3];
        for state in State::ALL {
            let at = state.index();
            one_hot[at] = registry.gauge(&STATE, &[circuit, state.label()])?;
            seconds[at] = registry.total(&STATE_SECONDS, &[circuit, state.label()])?;
            for to in State::ALL.into_iter().filter(|to| *to != state) {
                let labels = [circuit, state.label(), to.label()];
                transitions[at][to.index()] = registry.counter(&TRANSITIONS, &labels)?;
            }
        }
        let clock = registry.clock().clone();
        let current = Current { state: State::Closed, counted: clock.uptime(), last: None };
        let current = Mutex::new(current);
        let registry = registry.clone();
        let cells = Self { registry, clock, one_hot, seconds, transitions, current };
        cells.show(State::Closed);
        Ok(cells)
    }

    /// Changes the state; `from` is the current one unless the breaker says otherwise.
    pub(crate) fn change(&self, from: Option<State>, to: State, reason: Cow<'static, str>) {
        let mut current = self.lock();
        let from = from.unwrap_or(current.state);
        if from == to {
            return;
        }
        self.count_time(&mut current);
        current.state = to;
        self.show(to);
        self.transitions[from.index()][to.index()].inc();
        current.last = Some(Transition { from, to, reason, at: self.clock.wall() });
    }

    /// Counts the time since it was last counted, for a state that goes on.
    pub(crate) fn observe(&self) {
        self.count_time(&mut self.lock());
    }

    pub(crate) fn current(&self) -> State {
        self.lock().state
    }

    pub(crate) fn last_transition(&self) -> Option<Transition> {
        self.lock().last.clone()
    }

    /// The state in a view.
    pub(crate) fn read(&self, view: &View<'_>) -> State {
        let is_on = |state: &State| view.gauge(&self.one_hot[state.index()]) == Some(1.0);
        let worst_first = [State::Open, State::HalfOpen];
        worst_first.into_iter().find(is_on).unwrap_or(State::Closed)
    }

    /// The time spent in each state, in the order of [`State::ALL`].
    pub(crate) fn read_time(&self, view: &View<'_>) -> [Duration; 3] {
        self.seconds.each_ref().map(|seconds| {
            // A view from before the circuit has none.
            let seconds = view.gauge(seconds).unwrap_or(0.0);
            Duration::try_from_secs_f64(seconds).unwrap_or_default()
        })
    }

    /// How often the state changed, by the state before and after.
    pub(crate) fn read_transitions(&self, view: &View<'_>) -> [[u64; 3]; 3] {
        self.transitions.each_ref().map(|to| to.each_ref().map(|count| view.counter(count)))
    }

    /// Under the lock only.
    fn show(&self, shown: State) {
        self.registry.together(|| {
            for state in State::ALL {
                let value = if state == shown { 1.0 } else { 0.0 };
                self.one_hot[state.index()].set(value);
            }
        });
    }

    fn count_time(&self, current: &mut Current) {
        let now = self.clock.uptime().max(current.counted);
        self.seconds[current.state.index()].add((now - current.counted).as_secs_f64());
        current.counted = now;
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
