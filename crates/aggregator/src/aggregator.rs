//! The thread that samples a registry.
//!
//! It runs one step of the [`Sampler`] per tick. The clock of the registry decides when a
//! tick is due; a tick that was missed is skipped and not made up for.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use metrics_core::{AlreadyTicking, Registry};

use crate::events::{Channel, Events};
use crate::sampler::Sampler;

/// The longest time that stopping waits for a step that is under way.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Samples a registry once per tick, until it is dropped.
#[derive(Debug)]
#[must_use = "sampling stops when it is dropped"]
pub struct Aggregator {
    events: Channel,
    /// Stops the thread when it is dropped.
    stop: Option<Sender<()>>,
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
        let events = sampler.channel();
        let (stop, stopped) = mpsc::channel();
        let (running, ended) = mpsc::channel();
        let work = move || {
            let _running: Sender<()> = running;
            sample(sampler, &stopped);
        };
        let thread = thread::Builder::new().name("node0-sampler".into());
        thread.spawn(work).map_err(StartError::Spawn)?;
        Ok(Self { events, stop: Some(stop), ended })
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
        self.stop = None;
        // Waits for the step under way, but not for ever: if one guest after the other hangs,
        // the host must still be able to stop.
        let _ = self.ended.recv_timeout(STOP_PATIENCE);
    }
}

/// Steps once per tick until `stopped` is closed; a tick that was missed is skipped.
fn sample(mut sampler: Sampler, stopped: &Receiver<()>) {
    let (period, clock) = (sampler.period(), sampler.clock().clone());
    // Saturates: with the longest possible tick, the first step is never due.
    let mut due = clock.uptime().saturating_add(period);
    loop {
        let now = clock.uptime();
        match stopped.recv_timeout(due.saturating_sub(now)) {
            // The wait is by the system's clock, which may run faster than the registry's.
            Err(RecvTimeoutError::Timeout) if clock.uptime() < due => continue,
            Err(RecvTimeoutError::Timeout) => {}
            _ => return,
        }
        sampler.step();
        let now = clock.uptime();
        while due <= now {
            due = due.saturating_add(period);
        }
    }
}
