//! The thread that samples a registry.
//!
//! It runs one step of the [`Sampler`] per tick, and takes samples between ticks for readers that
//! ask for them. The clock of the registry decides when one is due; what was missed is skipped and
//! not made up for.

use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{AlreadyTicking, Registry};

use crate::events::{Channel, Events};
use crate::sampler::Sampler;
use crate::schedule::{Due, Schedule, next_multiple};

/// The longest time that stopping waits for a step that is under way.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Samples a registry once per tick, until it is dropped.
#[derive(Debug)]
#[must_use = "sampling stops when it is dropped"]
pub struct Aggregator {
    events: Channel,
    schedule: Arc<Schedule>,
    /// A channel that is closed when the thread ends.
    ended: Receiver<()>,
}

/// A registry that could not be sampled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The registry's ticker is in use.
    #[error(transparent)]
    AlreadyTicking(#[from] AlreadyTicking),
    /// The operating system could not start a thread.
    #[error("the sampling thread could not be started")]
    Spawn(#[source] io::Error),
}

impl Aggregator {
    /// Starts a thread that samples the registry.
    ///
    /// # Errors
    /// Returns [`StartError`] when the registry is ticked already or no thread can be started.
    pub fn start(registry: &Registry) -> Result<Self, StartError> {
        Self::run(Sampler::new(registry)?)
    }

    /// Starts a thread that steps an existing sampler, by the registry's clock.
    ///
    /// # Errors
    /// Returns [`StartError::Spawn`] when no thread can be started.
    pub fn run(sampler: Sampler) -> Result<Self, StartError> {
        let (events, schedule) = (sampler.channel(), sampler.schedule().clone());
        let (running, ended) = mpsc::channel();
        let work = move || {
            let _running: Sender<()> = running;
            keep_sampling(sampler);
        };
        let thread = thread::Builder::new().name("node0-sampler".into());
        thread.spawn(work).map_err(StartError::Spawn)?;
        Ok(Self { events, schedule, ended })
    }

    /// Subscribes to the events from now on; there are none after the aggregator has stopped.
    pub fn subscribe(&self) -> Events {
        self.events.subscribe()
    }

    /// Returns the number of subscribers.
    pub fn listener_count(&self) -> usize {
        self.events.subscribers()
    }
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        self.schedule.stop();
        // Waits for the step under way, but not for ever: if one guest after the other hangs,
        // the host must still be able to stop.
        let _ = self.ended.recv_timeout(STOP_PATIENCE);
    }
}

/// Samples until it is stopped, also after a panic.
///
/// Guests are called in guards of the core. What remains is code of others in places such as the
/// waker of a subscriber.
fn keep_sampling(mut sampler: Sampler) {
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| sample(&mut sampler))) {
        // Its destructor is code of others, which may panic as well.
        mem::forget(payload);
        sampler.note_panic();
    }
}

/// Steps once per tick, and between ticks as readers ask, until it is stopped.
///
/// Ticks are due at multiples of their period since the registry was made, as all samples are.
fn sample(sampler: &mut Sampler) {
    let (period, clock) = (sampler.period(), sampler.clock().clone());
    let schedule = sampler.schedule().clone();
    // The first tick lasts for at least half a period.
    let mut tick = next_multiple(clock.uptime().saturating_add(period / 2), period);
    let mut last = Duration::ZERO;
    loop {
        // A moment that comes while a sample is being taken is due after it, so what follows is
        // reckoned from the time that the sample was taken at, and not from now.
        last = match schedule.wait(tick, last) {
            Due::Tick => {
                let taken = sampler.step().uptime;
                tick = next_multiple(taken, period);
                taken
            }
            Due::Between => sampler.step_between().uptime,
            Due::Stop => return,
        };
    }
}
