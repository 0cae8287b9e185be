//! The state of one breaker, its duration, and the changes that led to it.
//!
//! # One state in three gauges
//!
//! In Prometheus a state is one-hot: there is a gauge for each state, and one of them is 1. If
//! two threads set the three gauges at the same time, two of them, or none, could end at 1. So
//! the state is one value under a lock, and only the holder of the lock sets the gauges.
//!
//! The gauges are set by [`Registry::set_all`], so a sample shows all of a change or nothing of
//! it. They are set at the change and not at the next poll, so a scrape right after it shows the
//! new state. The lock is only for changes of state, which are rare; calls do not take it.

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::Duration;

use node0_metrics_core::{
    ByLabel, Counter, Gauge, RegisterError, Registry, Timestamp, View, label_set, lock,
};
use serde::Serialize;

use crate::descs::{STATE, STATE_SECONDS, TRANSITIONS};

label_set! {
    /// The state of a breaker; in JSON `CLOSED`, `OPEN`, `HALF_OPEN`.
    #[derive(Serialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum State {
        /// The breaker lets all calls through.
        Closed = "closed",
        /// The breaker rejects all calls.
        Open = "open",
        /// The breaker lets a few calls through to test the service.
        HalfOpen = "half_open",
    }
}

/// A change of a breaker's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The reason, as it was reported.
    pub reason: Cow<'static, str>,
    /// The wall time of the report.
    pub at: Timestamp,
}

/// The state of one circuit, and the series that show it.
pub(crate) struct StateCells {
    registry: Registry,
    one_hot: ByLabel<State, Gauge>,
    /// The seconds in each state. They are added to and never set, so that circuits that share
    /// the series `_other` add up.
    seconds: ByLabel<State, Gauge>,
    /// The counters by the state before and the state after; that of no change is disabled.
    transitions: ByLabel<State, ByLabel<State, Counter>>,
    current: Mutex<Current>,
}

/// The current state, and the time up to which its duration is counted.
struct Current {
    state: State,
    /// The uptime up to which the time in states is counted.
    counted: Duration,
    last: Option<Transition>,
}

/// The number of changes from one state to another, if there were any.
#[derive(Serialize)]
pub(crate) struct TransitionCount {
    from: State,
    to: State,
    count: u64,
}

impl StateCells {
    /// Registers the series of a circuit that is closed.
    pub(crate) fn register(registry: &Registry, circuit: &str) -> Result<Self, RegisterError> {
        let transition = |from: State, to: State| match from == to {
            true => Ok(Counter::disabled()),
            false => registry.counter(&TRANSITIONS, &[circuit, from.label(), to.label()]),
        };
        let counted = registry.clock().uptime();
        let cells = Self {
            registry: registry.clone(),
            one_hot: registry.instrument(&STATE, &[circuit])?,
            seconds: registry.instrument(&STATE_SECONDS, &[circuit])?,
            transitions: ByLabel::try_from_fn(|from| {
                ByLabel::try_from_fn(|to| transition(from, to))
            })?,
            current: Mutex::new(Current { state: State::Closed, counted, last: None }),
        };
        cells.show(State::Closed);
        Ok(cells)
    }

    /// Changes the state; `from` is the current one unless the breaker says otherwise.
    pub(crate) fn change(&self, from: Option<State>, to: State, reason: Cow<'static, str>) {
        let mut current = lock(&self.current);
        let from = from.unwrap_or(current.state);
        if from == to {
            return;
        }
        self.count_time(&mut current);
        current.state = to;
        self.show(to);
        self.transitions[from][to].inc();
        current.last = Some(Transition { from, to, reason, at: self.registry.clock().wall() });
    }

    /// Counts the time since it was last counted, for a state that goes on.
    pub(crate) fn poll(&self) {
        self.count_time(&mut lock(&self.current));
    }

    pub(crate) fn current(&self) -> State {
        lock(&self.current).state
    }

    pub(crate) fn last_transition(&self) -> Option<Transition> {
        lock(&self.current).last.clone()
    }

    pub(crate) fn read(&self, view: &View<'_>) -> State {
        let one_hot = view.read(&self.one_hot);
        // Circuits that share the folded series may have several states: the worst is shown.
        let worst_first = [State::Open, State::HalfOpen];
        let current = worst_first.into_iter().find(|state| one_hot[*state] == Some(1.0));
        current.unwrap_or(State::Closed)
    }

    pub(crate) fn read_time(&self, view: &View<'_>) -> ByLabel<State, Duration> {
        view.read(&self.seconds).map(|seconds| {
            // A view from before the registration of the circuit has no state.
            Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default()
        })
    }

    pub(crate) fn read_transitions(&self, view: &View<'_>) -> Vec<TransitionCount> {
        let counts = view.read(&self.transitions);
        let all = counts.iter().flat_map(|(from, counts)| {
            counts.iter().map(move |(to, count)| TransitionCount { from, to, count: count.total })
        });
        all.filter(|transitions| transitions.count > 0).collect()
    }

    /// Sets the gauges; called only under the lock.
    fn show(&self, shown: State) {
        let value = |state| if state == shown { 1.0 } else { 0.0 };
        let values: Vec<_> =
            self.one_hot.iter().map(|(state, gauge)| (gauge, value(state))).collect();
        self.registry.set_all(&values);
    }

    fn count_time(&self, current: &mut Current) {
        let now = self.registry.clock().uptime().max(current.counted);
        self.seconds[current.state].add((now - current.counted).as_secs_f64());
        current.counted = now;
    }
}
