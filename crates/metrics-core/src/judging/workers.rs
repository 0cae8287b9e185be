//! Worker threads for calls into guests.
//!
//! A call runs on an idle thread or a new one, which becomes idle again if the call returns in
//! time. After a timeout the thread is abandoned and ends when its call does. So the number of
//! blocked threads is at most the number of calls that hang.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crate::judging::guest::{contain, discard};
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
    /// A job must not panic: it would never return. An idle thread that has ended is replaced, so
    /// that only the system can refuse a job.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Running<T>, NoThread> {
        let (done, outcome) = mpsc::channel();
        let mut job: Job = Box::new(move || {
            // Sending fails only if the caller has stopped waiting.
            if let Err(unsent) = done.send(job()) {
                discard(unsent);
            }
        });
        loop {
            let idle = lock(&self.idle).pop();
            let is_new = idle.is_none();
            let Some(worker) = idle.or_else(spawn) else { break };
            match worker.send(job) {
                Ok(()) => return Ok(Running { worker, outcome }),
                Err(unsent) => job = unsent.0,
            }
            if is_new {
                break;
            }
        }
        discard(job);
        Err(NoThread)
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
    // A thread that ended with a job would take the next one's place among the idle ones.
    let work = move || next.into_iter().for_each(|job| contain(job).unwrap_or_default());
    thread::Builder::new().name("node0-guest".into()).spawn(work).ok()?;
    Some(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// The channel of a thread that has ended.
    fn ended() -> Sender<Job> {
        mpsc::channel().0
    }

    #[test]
    fn idle_threads_that_have_ended_are_replaced() {
        let workers = Workers { idle: Mutex::new(vec![ended(), ended()]) };
        for number in 0..3 {
            let job = workers.start(move || number).expect("the system has threads");
            assert_eq!(workers.wait(job, LONG).ok(), Some(number));
        }
        assert_eq!(lock(&workers.idle).len(), 1, "one thread did all jobs");
    }

    #[test]
    fn a_job_that_panics_ends_no_thread() {
        let (sender, id) = mpsc::channel();
        let workers = Workers::default();
        for panics in [true, false] {
            let sender = sender.clone();
            let job = workers.start(move || {
                let _ = sender.send(thread::current().id());
                assert!(!panics, "told to");
            });
            let job = job.expect("the system has threads");
            match workers.wait(job, LONG) {
                Ok(()) => assert!(!panics),
                Err(job) => lock(&workers.idle).push(job.worker),
            }
        }
        assert_eq!(id.recv(), id.recv());
    }
}
