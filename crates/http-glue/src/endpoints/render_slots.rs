//! Concurrency limits for answers that take time: scrapes and reports.
//!
//! A report calls a monitor, and a scrape of ten thousand series takes a millisecond.
//! Neither may block a worker of the runtime that also answers probes, and requests must
//! not pile up. So this work runs on tokio's blocking threads, and each kind of work (a
//! page, the report of one topic) has a few slots there. A request waits for a slot for up
//! to a second and then gets a 503. Work that hangs keeps its slot, so a monitor that hangs
//! blocks only its own topic.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use node0_metrics_core::{Counter, discard};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::error::ApiError;

/// The time that a request waits for a slot.
const WAIT: Duration = Duration::from_secs(1);

/// The limits for work of one [`Surface`](crate::Surface).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderLimits {
    /// The maximum number of answers of one kind that are made at once; at least one.
    pub renders: usize,
    /// The time that making an answer may take, the wait for a slot not included.
    pub timeout: Duration,
}

/// The slots in which a surface makes answers that block or take time; clones share them.
///
/// ```
/// use node0_http_glue::{ApiError, RenderSlots};
///
/// async fn answer(slots: &RenderSlots) -> Result<String, ApiError> {
///     slots.run("primes", || "2, 3, 5".to_owned()).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RenderSlots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    by_kind: Mutex<BTreeMap<&'static str, Arc<Semaphore>>>,
    limits: RenderLimits,
    refused: Counter,
}

impl RenderSlots {
    pub(super) fn new(limits: RenderLimits, refused: Counter) -> Self {
        let limits = RenderLimits { renders: limits.renders.max(1), ..limits };
        Self { inner: Arc::new(Inner { by_kind: Mutex::default(), limits, refused }) }
    }

    /// Returns the limits of the surface.
    pub fn limits(&self) -> RenderLimits {
        self.inner.limits
    }

    fn of(&self, kind: &'static str) -> Arc<Semaphore> {
        let mut by_kind = self.inner.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = || Arc::new(Semaphore::new(self.inner.limits.renders));
        by_kind.entry(kind).or_insert_with(slots).clone()
    }

    /// Runs `work` on a blocking thread, in a slot of its `kind`.
    ///
    /// Work that exceeds its timeout goes on to its end, and keeps its slot until then.
    ///
    /// # Errors
    /// 503 `overloaded` when no slot gets free within a second or the work exceeds
    /// [`RenderLimits::timeout`], and 500 `internal` when it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        kind: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let Ok(Ok(slot)) = timeout(WAIT, self.of(kind).acquire_owned()).await else {
            return Err(self.refuse("too many answers of this kind are being made: retry"));
        };
        let working = spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        match timeout(self.inner.limits.timeout, working).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                discard(error);
                Err(ApiError::internal("the answer cannot be made: the code for it panicked"))
            }
            Err(_) => Err(self.refuse("the answer takes too long: retry")),
        }
    }

    fn refuse(&self, message: &str) -> ApiError {
        self.inner.refused.inc();
        ApiError::overloaded(message)
    }
}
