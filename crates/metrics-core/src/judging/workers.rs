//! Threads on which code of others runs.
//!
//! A call takes an idle thread or a new one, and gives it back when it returned in time. A
//! thread whose call did not return is left to it, and ends when the call does: there are at
//! most as many lost threads as calls that hang.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::judging::guest::discard;
use crate::sync::{Mutex, lock};

/// The threads that wait for the next call; more are ended.
const MOST_IDLE: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// Idle threads; they end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    idle: Mutex<Vec<Sender<Job>>>,
}

/// The system gave no thread.
#[derive(Debug)]
pub(crate) struct NoThread;

impl Workers {
    /// Runs a job on a thread of its own; `None` when it did not return within `patience`.
    ///
    /// A job must not panic: its thread would be lost.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, NoThread> {
        let (done, outcome) = mpsc::channel();
        let job: Job = Box::new(move || {
            // An error says that the caller has given up, and dropped its end.
            if let Err(unsent) = done.send(job()) {
                discard(unsent);
            }
        });
        let idle = lock(&self.idle).pop();
        let worker = match idle {
            Some(worker) => worker,
            None => spawn()?,
        };
        worker.send(job).map_err(|_| NoThread)?;
        match outcome.recv_timeout(patience) {
            Ok(result) => {
                let mut idle = lock(&self.idle);
                if idle.len() < MOST_IDLE {
                    idle.push(worker);
                }
                Ok(Some(result))
            }
            // The worker's channel drops here, so the thread ends after the job.
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(NoThread),
        }
    }
}

fn spawn() -> Result<Sender<Job>, NoThread> {
    let (jobs, next) = mpsc::channel::<Job>();
    let work = move || next.into_iter().for_each(|job| job());
    let thread = thread::Builder::new().name("node0-guest".into());
    thread.spawn(work).map_err(|_| NoThread)?;
    Ok(jobs)
}
