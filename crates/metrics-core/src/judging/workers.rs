//! Worker threads for calls into guests.
//!
//! A call runs on an idle thread or a new one, which becomes idle again if the call returns in
//! time. After a timeout the thread is abandoned and ends when its call does. So the number of
//! blocked threads is at most the number of calls that hang.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::judging::guest::discard;
use crate::sync::{Mutex, lock};

/// The maximum of idle threads; a thread beyond it ends after its call.
const MOST_IDLE: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// The idle threads, which end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    idle: Mutex<Vec<Sender<Job>>>,
}

/// The system could not start a thread.
#[derive(Debug)]
pub(crate) struct NoThread;

impl Workers {
    /// Runs a job on a worker thread; returns `None` if it takes longer than `patience`.
    ///
    /// A job must not panic: a panic ends the thread.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, NoThread> {
        let (done, outcome) = mpsc::channel();
        let job: Job = Box::new(move || {
            // Sending fails only if the caller has stopped waiting.
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
            // The worker's channel is dropped here, so its thread ends after the job.
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
