//! A child process that is signalled and awaited without races.
//!
//! A thread of its own spawns the child, waits for its end and reaps it. That thread
//! must live as long as the child: the kernel sends the parent-death signal when the
//! *thread* that spawned the child ends, and a runtime may end its worker much earlier.
//!
//! The kernel does not reuse the id of a process until it is reaped. The thread
//! therefore waits without reaping, and then reaps under the lock that
//! [`Process::signal`] holds. So a signal never reaches another process with the same id.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// A running or ended child process.
#[derive(Debug)]
pub(crate) struct Process {
    id: u32,
    end: Arc<End>,
}

/// The exit status of a process, which is set and announced when it ends.
#[derive(Debug, Default)]
struct End {
    status: Mutex<Option<ExitStatus>>,
    came: Condvar,
}

impl Process {
    /// Spawns the command on a new thread that waits for its end.
    pub(crate) fn spawn(mut command: Command) -> io::Result<Process> {
        let end = Arc::new(End::default());
        let (tx, rx) = mpsc::sync_channel(1);
        let watched = Arc::clone(&end);
        thread::Builder::new().name("postgres-keeper".into()).spawn(move || {
            match command.spawn() {
                Ok(child) => {
                    let _ = tx.send(Ok(child.id()));
                    watched.watch(child);
                }
                Err(error) => {
                    let _ = tx.send(Err(error));
                }
            }
        })?;
        let id = rx.recv().map_err(io::Error::other)??;
        Ok(Process { id, end })
    }

    /// Returns the process id, which another process may have after the end.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Returns `true` if the process has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        self.end.lock().is_none()
    }

    /// Sends a signal, or does nothing when the process has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let status = self.end.lock();
        if status.is_none()
            && let Some(pid) = pid(self.id)
        {
            // An error means that the process is ending anyway.
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for the end, at most for `limit`; `None` if the process still runs.
    pub(crate) fn wait_timeout(&self, limit: Duration) -> Option<ExitStatus> {
        let status = self.end.lock();
        let (status, _) = self
            .end
            .came
            .wait_timeout_while(status, limit, |status| status.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        *status
    }
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Option<ExitStatus>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, mut child: Child) {
        if let Some(pid) = pid(child.id()) {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), ended) {}
        }
        let mut status = self.lock();
        // Only this thread reaps, so no other can have taken the status.
        *status = Some(child.wait().unwrap_or_default());
        drop(status);
        self.came.notify_all();
    }
}

fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}
