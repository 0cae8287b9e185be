//! Worker threads for calls into guests.
//!
//! A call runs on an idle thread or a new one, which becomes idle again if the call returns in
//! time. After a timeout the thread is abandoned and ends when its call does. So the number of
//! blocked threads is at most the number of calls that hang.

use std::sync::mpsc::{self, Receiver, Sender};
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

/// A job that was started, and the thread that it runs on.
///
/// If this is dropped before the job has returned, the thread ends after the job.
#[derive(Debug)]
pub(crate) struct Running<T> {
    worker: Sender<Job>,
    outcome: Receiver<T>,
}

/// The system could not start a thread.
#[derive(Debug)]
pub(crate) struct NoThread;

impl Workers {
    /// Starts a job on a worker thread.
    ///
    /// A job must not panic: a panic ends the thread, and the job never returns.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Running<T>, NoThread> {
        let (done, outcome) = mpsc::channel();
        let job: Job = Box::new(move || {
            // Sending fails only if the caller has stopped waiting.
            if let Err(unsent) = done.send(job()) {
                discard(unsent);
            }
        });
        let idle = lock(&self.idle).pop();
        let Some(worker) = idle.or_else(spawn) else {
            discard(job);
            return Err(NoThread);
        };
        match worker.send(job) {
            Ok(()) => Ok(Running { worker, outcome }),
            Err(unsent) => {
                discard(unsent);
                Err(NoThread)
            }
        }
    }

    /// Waits until a job returns, or hands it back if that takes longer than `timeout`.
    pub(crate) fn wait<T>(&self, job: Running<T>, timeout: Duration) -> Result<T, Running<T>> {
        let Ok(result) = job.outcome.recv_timeout(timeout) else { return Err(job) };
        let mut idle = lock(&self.idle);
        if idle.len() < MOST_IDLE {
            idle.push(job.worker);
        }
        Ok(result)
    }
}

fn spawn() -> Option<Sender<Job>> {
    let (jobs, next) = mpsc::channel::<Job>();
    let work = move || next.into_iter().for_each(|job| job());
    thread::Builder::new().name("node0-guest".into()).spawn(work).ok()?;
    Some(jobs)
}
