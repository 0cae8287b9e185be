//! The moments at which samples are taken: the ticks, and those between that readers ask for.
//!
//! All moments are multiples of an interval since the registry was made. So two readers that ask
//! for 500 ms share their samples, and a reader that asks for 2 s needs none of its own.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use node0_metrics_core::Clock;

/// The shortest time between two samples that a [`Pace`] can ask for.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Asks for samples between the ticks, until it is dropped.
///
/// Each sample polls all monitors and reads all series, as a tick does, on the sampling thread. All
/// paces of an aggregator share their samples: two that ask for 500 ms cost as much as one.
///
/// ```
/// use node0_aggregator::Aggregator;
/// use node0_metrics_core::{Event, Registry};
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let aggregator = Aggregator::start(&registry)?;
/// let mut events = aggregator.subscribe().with_samples_between();
/// let pace = events.pace();
/// pace.set([Duration::from_millis(200)]);
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let Some(Event::Sample(sample)) = events.recv().await.map(|received| received.event) else {
///     panic!("nothing is judged here, so there are only samples");
/// };
/// assert!(!sample.is_tick_end, "the tick lasts for a second");
/// # });
/// # Ok::<(), node0_aggregator::StartError>(())
/// ```
#[derive(Debug)]
#[must_use = "samples are asked for while it lives"]
pub struct Pace {
    schedule: Arc<Schedule>,
    number: u64,
}

impl Pace {
    /// Asks for a sample at each multiple of these intervals, instead of those that were set before.
    ///
    /// Those shorter than [`SHORTEST_INTERVAL`] are lengthened to it. A tick at the same moment is
    /// such a sample.
    pub fn set(&self, intervals: impl IntoIterator<Item = Duration>) {
        let since = self.schedule.clock.uptime();
        let mut state = self.schedule.lock();
        let (before, mut wishes): (Vec<_>, Vec<_>) =
            mem::take(&mut state.wishes).into_iter().partition(|wish| wish.pace == self.number);
        for interval in intervals {
            let interval = interval.max(SHORTEST_INTERVAL);
            let same = before.iter().find(|wish| wish.interval == interval);
            let since = same.map_or(since, |same| same.since);
            wishes.push(Wish { pace: self.number, interval, since });
        }
        state.wishes = wishes;
        drop(state);
        self.schedule.changed.notify_all();
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.set([]);
    }
}

/// The samples that are asked of the sampling thread.
#[derive(Debug)]
pub(crate) struct Schedule {
    clock: Clock,
    state: Mutex<State>,
    /// Wakes the sampling thread when the state has changed.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    wishes: Vec<Wish>,
    /// The number of paces that were made.
    paces: u64,
}

/// An interval of one pace.
#[derive(Clone, Copy, Debug)]
struct Wish {
    pace: u64,
    interval: Duration,
    /// The uptime at which it was asked for.
    since: Duration,
}

/// The next thing for the sampling thread to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Tick,
    Between,
    Stop,
}

impl Schedule {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn pace(self: &Arc<Self>) -> Pace {
        let mut state = self.lock();
        state.paces += 1;
        Pace { schedule: self.clone(), number: state.paces }
    }

    /// Ends the waiting of the sampling thread.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until the tick is due, or a sample that is asked for after `last`; the tick goes first.
    pub(crate) fn wait(&self, tick: Duration, last: Duration) -> Due {
        let mut state = self.lock();
        loop {
            let now = self.clock.uptime();
            let between = state.next_after(last).filter(|due| *due < tick);
            if state.stopped {
                return Due::Stop;
            } else if tick <= now {
                return Due::Tick;
            } else if between.is_some_and(|due| due <= now) {
                return Due::Between;
            }
            // The wait is by the system's clock, which may run faster than the registry's.
            let wait = between.unwrap_or(tick).saturating_sub(now);
            let woken = self.changed.wait_timeout(state, wait);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first moment after `last` at which a sample is asked for.
    fn next_after(&self, last: Duration) -> Option<Duration> {
        let next = |wish: &Wish| next_multiple(last.max(wish.since), wish.interval);
        self.wishes.iter().map(next).min()
    }
}

/// The first multiple of an interval after a moment; saturates.
pub(crate) fn next_multiple(after: Duration, interval: Duration) -> Duration {
    let (after, interval) = (after.as_nanos(), interval.as_nanos().max(1));
    let next = (after / interval + 1) * interval;
    u64::try_from(next).map_or(Duration::MAX, Duration::from_nanos)
}
