//! The graceful shutdown, in three steps.
//!
//! A load balancer needs some time to notice that an instance stops. So first
//! readiness becomes `draining`, while all requests are still served for the drain
//! delay. Each answer announces meanwhile that its connection closes, so that clients send their
//! next request elsewhere. Then listeners close, and connections finish the requests that they are
//! answering. Connections that are still open after the grace period are cut.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::readiness::Readiness;

/// The graceful shutdown of one or more servers; clones share its state.
///
/// Give it to each server with [`Serve::shutdown`](crate::Serve::shutdown).
#[derive(Clone)]
pub struct Shutdown {
    stage: watch::Sender<Stage>,
    /// `true` once the stage is another than [`Stage::Serving`]; each answer of a server reads it.
    begun: Arc<AtomicBool>,
    readiness: Option<Readiness>,
    at_begin: Vec<AtBegin>,
    drain_delay: Duration,
    grace: Duration,
}

/// A function of the host that is called when the shutdown begins.
type AtBegin = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving,
    /// New connections are accepted until this moment.
    Draining(Instant),
    Aborted,
}

impl Shutdown {
    /// Makes a shutdown that has not begun, with a drain delay of 2 s and a grace period of 5 s.
    #[expect(clippy::new_without_default, reason = "a channel is not a value to default to")]
    pub fn new() -> Self {
        Self {
            stage: watch::Sender::new(Stage::Serving),
            begun: Arc::new(AtomicBool::new(false)),
            readiness: None,
            at_begin: Vec::new(),
            drain_delay: Duration::from_secs(2),
            grace: Duration::from_secs(5),
        }
    }

    /// Sets the readiness that becomes `Draining` when the shutdown begins; none by default.
    #[must_use]
    pub fn readiness(mut self, readiness: &Readiness) -> Self {
        self.readiness = Some(readiness.clone());
        self
    }

    /// Adds a function that is called when the shutdown begins or is aborted, after readiness has
    /// changed; none by default.
    ///
    /// It ends what would otherwise last until the end of the grace period, such as streams. It must
    /// not block. It may be called more than once.
    ///
    /// ```
    /// use node0_http_server::Shutdown;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let is_ending = Arc::new(AtomicBool::new(false));
    /// let flag = is_ending.clone();
    /// let shutdown = Shutdown::new().at_begin(move || flag.store(true, Ordering::Relaxed));
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # let _guard = runtime.enter();
    /// shutdown.begin();
    /// assert!(is_ending.load(Ordering::Relaxed));
    /// ```
    #[must_use]
    pub fn at_begin(mut self, call: impl Fn() + Send + Sync + 'static) -> Self {
        self.at_begin.push(Arc::new(call));
        self
    }

    /// Sets how long new connections are still accepted after the beginning; 2 s by default.
    #[must_use]
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Sets how long open connections may take to finish after the drain delay; 5 s by default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Begins the shutdown: readiness is [`Draining`](crate::ReadinessStatus::Draining) when this returns.
    ///
    /// A second call changes nothing.
    pub fn begin(&self) {
        if let Some(readiness) = &self.readiness {
            readiness.drain();
        }
        self.begun.store(true, Ordering::Relaxed);
        let now = Instant::now();
        let until = now.checked_add(self.drain_delay).unwrap_or(now);
        self.stage.send_if_modified(|stage| {
            let begins = *stage == Stage::Serving;
            if begins {
                *stage = Stage::Draining(until);
            }
            begins
        });
        self.call();
    }

    /// Ends the servers at once, and cuts all open connections.
    pub fn abort(&self) {
        self.begun.store(true, Ordering::Relaxed);
        self.stage.send_replace(Stage::Aborted);
        self.call();
    }

    fn call(&self) {
        for call in &self.at_begin {
            call();
        }
    }

    /// Returns `true` once the shutdown has begun.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn begun(&self) -> &Arc<AtomicBool> {
        &self.begun
    }

    /// Waits until the shutdown begins.
    pub(crate) async fn draining(&self) {
        // The sender is `self`, so this cannot fail.
        let _ = self.stage.subscribe().wait_for(|stage| *stage != Stage::Serving).await;
    }

    /// Waits until servers have to stop accepting, which is the drain delay after the beginning.
    ///
    /// Servers of this crate do so by themselves; for another one, such as `axum::serve`, this is the
    /// signal of its graceful shutdown.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use node0_http_server::{Shutdown, bind};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let shutdown = Shutdown::new();
    /// let (listener, app) = (bind("127.0.0.1:0").await?, Router::new().route("/", get(|| async {})));
    /// let signal = shutdown.clone();
    /// let server = axum::serve(listener, app);
    /// let server = server.with_graceful_shutdown(async move { signal.closing().await });
    /// # shutdown.abort();
    /// server.await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn closing(&self) {
        let mut stage = self.stage.subscribe();
        loop {
            let now = *stage.borrow_and_update();
            let drained = async {
                match now {
                    Stage::Serving => std::future::pending().await,
                    Stage::Draining(until) => sleep_until(until).await,
                    Stage::Aborted => {}
                }
            };
            tokio::select! {
                () = drained => return,
                // The sender is `self`, so this cannot fail.
                _ = stage.changed() => {}
            }
        }
    }

    /// Waits until the shutdown is aborted.
    pub(crate) async fn aborted(&self) {
        // The sender is `self`, so this cannot fail.
        let _ = self.stage.subscribe().wait_for(|stage| *stage == Stage::Aborted).await;
    }

    /// Waits until connections have to be cut; the grace period begins with this call.
    pub(crate) async fn cut(&self) {
        // The grace period is over or the shutdown was aborted: connections are cut either way.
        let _ = tokio::time::timeout(self.grace, self.aborted()).await;
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("stage", &*self.stage.borrow())
            .field("drain_delay", &self.drain_delay)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
