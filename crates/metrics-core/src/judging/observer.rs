//! The second narrow waist: whoever needs every sample.

use std::sync::Arc;

use crate::judging::event::Event;
use crate::reading::sample::Sample;

/// Sees each published sample in order: a history, an engine of alerts, a remote storage.
///
/// This trait is for hosts to implement. An observer is given to
/// [`Registry::observe`](crate::Registry::observe), which calls it once a tick, on a thread of
/// the registry's.
///
/// ```
/// use metrics_core::{Event, ManualClock, Observer, Registry, Sample};
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
    /// The observer's name, in metrics and log lines.
    fn name(&self) -> &'static str;

    /// Takes in a sample, and returns what happened in the observer's eyes.
    ///
    /// `missed` is the number of samples that were published since the last call and not
    /// shown, because a call panicked, took too long or had not returned. The events go to
    /// all who listen, after those of the tick itself; those of a call that took too long, with
    /// the next tick's after its return.
    fn observe(&mut self, sample: &Arc<Sample>, missed: u64) -> Vec<Event>;
}
