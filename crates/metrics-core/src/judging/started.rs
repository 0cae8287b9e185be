//! Calls into guests that run on worker threads, and the waiting for them.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::judging::guarded_call::GuardedCall;
use crate::judging::guest::{GuestError, Panicked};
use crate::judging::workers::Running;

/// The time that a call has alone before the next one of its phase is started beside it.
pub(crate) const HEAD_START: Duration = Duration::from_millis(1);

/// A call that was started and is waited for.
#[derive(Debug)]
pub(crate) struct Started<'c, T> {
    call: &'c GuardedCall,
    progress: Progress<T>,
    /// Can be upgraded until the call returns.
    token: Weak<()>,
}

/// What a call on a worker returns.
#[derive(Debug)]
pub(crate) struct Returned<T> {
    pub(crate) result: Result<T, Panicked>,
    pub(crate) took: Duration,
    /// Held until the result is dropped, which may hang too if nobody waits for it any more.
    pub(crate) _running: Arc<()>,
    pub(crate) _place: Arc<()>,
}

#[derive(Debug)]
enum Progress<T> {
    Runs(Running<Returned<T>>),
    Has(Returned<T>),
}

impl<'c, T> Started<'c, T> {
    pub(crate) fn new(call: &'c GuardedCall, job: Running<Returned<T>>, token: Weak<()>) -> Self {
        Self { call, progress: Progress::Runs(job), token }
    }

    /// Waits for the call with its timeout, and counts how it ended.
    pub(crate) fn finish(self) -> Result<T, GuestError> {
        let timeout = self.call.timeout();
        self.finish_within(timeout)
    }

    /// Like [`Self::finish`]; a call that does not return in time is abandoned.
    fn finish_within(self, timeout: Duration) -> Result<T, GuestError> {
        match self.wait(timeout) {
            Self { call, progress: Progress::Has(returned), .. } => {
                call.note(returned.result, returned.took)
            }
            Self { call, token, .. } => {
                call.abandon(token);
                Err(GuestError::Hung)
            }
        }
    }

    fn wait(mut self, timeout: Duration) -> Self {
        self.progress = match self.progress {
            Progress::Runs(job) => match self.call.workers().wait(job, timeout) {
                Ok(returned) => Progress::Has(returned),
                Err(job) => Progress::Runs(job),
            },
            has => has,
        };
        self
    }
}

/// Makes the calls of one phase of a tick, and returns how each of them ended.
///
/// Each call is started when the iterator is asked for it. A call that returns at once is over
/// before the next one starts, so that one thread makes them all. A slower one goes on beside
/// the next ones; all that still run are waited for together. So a phase takes no longer than
/// the time of its calls up to [`HEAD_START`] each, and one timeout, however many of them hang.
pub(crate) fn finish_all<'c, T: 'c>(
    calls: impl Iterator<Item = Result<Started<'c, T>, GuestError>>,
) -> Vec<Result<T, GuestError>> {
    finish_all_within(Duration::MAX, calls)
}

/// As [`finish_all`], with a shorter timeout if `patience` is shorter than that of the calls.
pub(crate) fn finish_all_within<'c, T: 'c>(
    patience: Duration,
    calls: impl Iterator<Item = Result<Started<'c, T>, GuestError>>,
) -> Vec<Result<T, GuestError>> {
    let started: Vec<_> = calls.map(|started| started.map(|call| call.wait(HEAD_START))).collect();
    #[expect(clippy::disallowed_methods, reason = "timeouts are real time, on every clock")]
    let all_started = Instant::now();
    let finish = |started: Started<'c, T>| {
        let timeout = started.call.timeout().min(patience);
        started.finish_within(timeout.saturating_sub(all_started.elapsed()))
    };
    started.into_iter().map(|started| started.and_then(finish)).collect()
}
