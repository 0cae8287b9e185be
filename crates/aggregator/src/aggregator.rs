//! The thread that samples.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use metrics_core::{AlreadyTicking, Clock, Event, Registry};
use tokio::sync::broadcast;

use crate::events::Events;
use crate::sampler::Sampler;

/// The longest that stopping waits for a step that is under way.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Samples a registry once a tick, by the registry's own length of one, until it is dropped.
#[derive(Debug)]
pub struct Aggregator {
    events: broadcast::WeakSender<Event>,
    /// Dropped to stop the thread.
    stop: Option<Sender<()>>,
    /// Closed by the thread when it ends.
    ended: Receiver<()>,
}

/// A registry that could not be sampled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else ticks the registry.
    #[error(transparent)]
    AlreadyTicking(#[from] AlreadyTicking),
    /// The system gave no thread.
    #[error("the sampling thread could not be started")]
    Spawn(#[source] io::Error),
}

impl Aggregator {
    /// Samples the registry from now on.
    ///
    /// # Errors
    /// [`StartError`] when the registry is ticked already or there is no thread to be had.
    pub fn start(registry: &Registry) -> Result<Self, StartError> {
        Self::run(Sampler::new(registry)?, registry.clock().clone())
    }

    /// Runs a sampler that was set up before, by the registry's clock.
    ///
    /// # Errors
    /// [`StartError::Spawn`] when there is no thread to be had.
    pub fn run(sampler: Sampler, clock: Clock) -> Result<Self, StartError> {
        let events = sampler.sender();
        let (stop, stopped) = mpsc::channel();
        let (running, ended) = mpsc::channel();
        let work = move || {
            let _running: Sender<()> = running;
            sample(sampler, &clock, &stopped);
        };
        let thread = thread::Builder::new().name("node0-sampler".into());
        thread.spawn(work).map_err(StartError::Spawn)?;
        Ok(Self { events, stop: Some(stop), ended })
    }

    /// The events from now on; none once the aggregator is stopped.
    pub fn subscribe(&self) -> Events {
        let sender = self.events.upgrade();
        Events::new(sender.unwrap_or_else(|| broadcast::Sender::new(1)).subscribe())
    }

    /// How many listen.
    pub fn listener_count(&self) -> usize {
        self.events.upgrade().map_or(0, |events| events.receiver_count())
    }
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        self.stop = None;
        // Waits for the step under way, but not for ever: guests that hang one
        // after the other must not keep their host from stopping.
        let _ = self.ended.recv_timeout(STOP_PATIENCE);
    }
}

/// Steps once a tick until `stopped` is closed; a tick that was missed is skipped.
fn sample(mut sampler: Sampler, clock: &Clock, stopped: &Receiver<()>) {
    let period = sampler.period();
    let mut due = clock.uptime() + period;
    loop {
        let now = clock.uptime();
        match stopped.recv_timeout(due.saturating_sub(now)) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return,
        }
        sampler.step();
        let now = clock.uptime();
        while due <= now {
            due += period;
        }
    }
}
