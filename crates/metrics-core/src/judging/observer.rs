//! Observers: the trait for code that needs every sample.

use std::sync::Arc;

use crate::judging::event::Event;
use crate::reading::sample::Sample;

/// Receives each published sample in order, for example to store or to alert on it.
///
/// Implement this trait for a history, an alert engine or a remote storage of your own, and
/// pass the observer to [`Registry::observe`](crate::Registry::observe). The registry calls it
/// once a tick on a worker thread, with a budget of 50 ms by default.
///
/// ```
/// use node0_metrics_core::{Event, ManualClock, Observer, Registry, Sample};
/// use std::sync::Arc;
/// use std::sync::mpsc::{Sender, channel};
/// use std::time::Duration;
///
/// /// Sends the number of each pass.
/// struct Passes(Sender<u64>);
///
/// impl Observer for Passes {
///     fn name(&self) -> &'static str {
///         "passes"
///     }
///
///     fn observe(&mut self, sample: &Arc<Sample>, _missed: u64) -> Vec<Event> {
///         let _ = self.0.send(sample.pass);
///         Vec::new()
///     }
/// }
///
/// let clock = ManualClock::new();
/// let registry = Registry::builder().clock(clock.clock()).build();
/// let (sender, passes) = channel();
/// registry.observe(Passes(sender))?;
/// let mut ticker = registry.ticker()?;
/// clock.advance(Duration::from_secs(1));
/// let tick = ticker.tick();
/// assert_eq!(passes.recv(), Ok(tick.sample.pass));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Send + 'static {
    /// Returns the observer's name, which is the label `guest` in metrics.
    fn name(&self) -> &'static str;

    /// Processes a sample, and returns events of the observer's own, if any.
    ///
    /// `missed` is the number of samples since the last call that were published and not passed
    /// to the observer, because an earlier call failed or had not returned. The returned events
    /// go to all listeners, after the events of the tick itself.
    /// Those of a call that took too long follow at the next tick after its return.
    fn observe(&mut self, sample: &Arc<Sample>, missed: u64) -> Vec<Event>;
}
