//! Places for work that takes time: scrapes and reports.
//!
//! A report runs a monitor's code, and a scrape of ten thousand series takes a
//! millisecond. Neither belongs on a worker that also answers probes, and
//! neither may pile up: each kind of work has a few places on the blocking
//! threads, a request waits a moment for one, and is told to come back
//! otherwise. Work that never ends keeps its place, so a monitor that hangs
//! takes its own topic out and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics_core::Counter;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::error::ApiError;

/// How long a request waits for a place.
const WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct RenderSlots {
    by_kind: Mutex<BTreeMap<&'static str, Arc<Semaphore>>>,
    places: usize,
    patience: Duration,
    refused: Counter,
}

impl RenderSlots {
    /// As many `places` for each kind of work, which is waited for as long as `patience` lasts.
    pub(super) fn new(places: usize, patience: Duration, refused: Counter) -> Self {
        Self { by_kind: Mutex::default(), places, patience, refused }
    }

    fn of(&self, kind: &'static str) -> Arc<Semaphore> {
        let mut by_kind = self.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        by_kind.entry(kind).or_insert_with(|| Arc::new(Semaphore::new(self.places))).clone()
    }

    /// Does the work on a blocking thread, when there is a place.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        kind: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let Ok(Ok(place)) = timeout(WAIT, self.of(kind).acquire_owned()).await else {
            return Err(self.refuse("all places for this are taken: retry"));
        };
        let working = spawn_blocking(move || {
            let _place = place;
            work()
        });
        match timeout(self.patience, working).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => {
                Err(ApiError::internal("the answer could not be made: a monitor panicked"))
            }
            Err(_) => Err(self.refuse("the answer takes too long: retry")),
        }
    }

    fn refuse(&self, message: &str) -> ApiError {
        self.refused.inc();
        ApiError::overloaded(message)
    }
}
