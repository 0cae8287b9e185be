//! The notifier: a listener that fills the queues, and a thread that empties them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use node0_metrics_core::{Alert, Event, RegisterError, Registry};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::batch::Told;
use crate::client::Client;
use crate::metrics::{Metrics, Outcome};
use crate::target::{Kind, Target};
use crate::worker::{Settings, Worker};

/// Delivers the alerts of a registry until it is dropped.
///
/// What is in the queues then is not delivered any more.
#[must_use = "it stops delivering when it is dropped"]
pub struct Notifier {
    /// Ends the thread when it is dropped.
    _running: oneshot::Sender<()>,
    targets: usize,
}

/// Settings for a [`Notifier`].
#[derive(Clone, Debug)]
#[must_use = "call `start` to get a notifier"]
pub struct NotifierBuilder {
    targets: Vec<Target>,
    settings: Settings,
}

/// A notifier that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The registry refused the notifier's metrics, or has a notifier already.
    #[error("the notifier cannot be registered")]
    Register(#[from] RegisterError),
    /// A target needs TLS, and the system has no certificates to trust.
    #[error(
        "the system's certificates cannot be read: install them, such as by the package ca-certificates, or name the receiver's authority by `Target::trusting`"
    )]
    Certificates(#[source] io::Error),
    /// The system gave no thread or no event queue.
    #[error("the notifier's thread cannot be started")]
    Spawn(#[source] io::Error),
}

impl NotifierBuilder {
    /// Delivers to this target too; each target has its own queue and attempts.
    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// Gives up an attempt that has no answer after this time; 5 s by default.
    ///
    /// The body of an answer is read for as long again, but only the status counts.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Makes at most so many attempts for a request, at least one; 5 by default.
    ///
    /// What was not delivered then comes again when the alert is repeated.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.settings.attempts = attempts;
        self
    }

    /// Waits this long before the second attempt; 500 ms by default. Each further delay is twice
    /// as long, up to 30 s, and has jitter.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.settings.first_delay = delay;
        self
    }

    /// Gathers alerts for this long before they are sent together; 200 ms by default.
    pub fn gather(mut self, time: Duration) -> Self {
        self.settings.gather = time;
        self
    }

    /// Lets at most so many alerts wait for each target, at least one; 1000 by default. Further
    /// ones are dropped.
    pub fn queue(mut self, alerts: usize) -> Self {
        self.settings.queue = alerts.max(1);
        self
    }

    /// Sets the address that Alertmanager links as the source of alerts, such as that of
    /// `/alerts` of the service; none by default.
    pub fn source(mut self, address: impl Into<String>) -> Self {
        self.settings.source = address.into();
        self
    }

    /// Starts to deliver the alerts of a registry.
    ///
    /// Its listener stays in the registry, so a registry has at most one notifier in its life.
    ///
    /// # Errors
    /// [`StartError`] if the registry has a notifier already, or the system gives no thread.
    pub fn start(self, registry: &Registry) -> Result<Notifier, StartError> {
        let Self { targets, settings } = self;
        let count = targets.len();
        let (mut queues, mut workers) = (Vec::new(), Vec::new());
        let mut numbers = [0_usize; 2];
        for target in targets {
            let number = &mut numbers[usize::from(target.kind == Kind::Webhook)];
            *number += 1;
            let name = format!("{}-{number}", target.kind.name());
            let metrics = Metrics::register(registry, &name)?;
            let client =
                Client::new(&target, settings.timeout).map_err(StartError::Certificates)?;
            let (sender, queue) = mpsc::channel(settings.queue);
            queues.push(Queue { sender, metrics: metrics.clone() });
            workers.push(Worker {
                name,
                target,
                queue,
                client,
                metrics,
                clock: registry.clock().clone(),
                settings: settings.clone(),
                told: Told::default(),
            });
        }
        let (running, stopped) = oneshot::channel();
        run(workers, stopped).map_err(StartError::Spawn)?;
        registry.listen("notifier", move |event| {
            if let Event::Alert(change) = event {
                queues.iter().for_each(|queue| queue.push(&change.alert));
            }
        })?;
        Ok(Notifier { _running: running, targets: count })
    }
}

/// The sending end of a target's queue.
struct Queue {
    sender: Sender<Arc<Alert>>,
    metrics: Metrics,
}

impl Queue {
    /// Adds an alert, and never waits for a place.
    fn push(&self, alert: &Arc<Alert>) {
        if self.sender.try_send(alert.clone()).is_err() {
            self.metrics.count(Outcome::Dropped, 1);
        }
    }
}

/// Runs the workers on a thread of their own until `stopped` is closed.
fn run(workers: Vec<Worker>, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = thread::Builder::new().name("node0-notifier".into());
    thread.spawn(move || deliver(runtime, workers, stopped)).map(drop)
}

fn deliver(runtime: Runtime, workers: Vec<Worker>, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for worker in workers {
            running.spawn(worker.run());
        }
        // Ends with an error, as nothing is ever sent.
        let _ = stopped.await;
    });
    // Does not wait for a name that is still being looked up.
    runtime.shutdown_background();
}

impl Notifier {
    /// Returns a builder without targets and with the default settings.
    pub fn builder() -> NotifierBuilder {
        let settings = Settings {
            timeout: Duration::from_secs(5),
            attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            gather: Duration::from_millis(200),
            queue: 1000,
            source: String::new(),
        };
        NotifierBuilder { targets: Vec::new(), settings }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("targets", &self.targets).finish_non_exhaustive()
    }
}
