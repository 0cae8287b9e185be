//! A child process that is signalled and awaited without races.
//!
//! A thread of its own spawns the child, waits for its end and reaps it. That thread
//! must live as long as the child: the kernel's parent-death signal is tied to the
//! *thread* that spawned, and a runtime's worker may retire long before the server.
//!
//! Between the end of a process and its reaping the kernel keeps its number. The
//! thread therefore waits without reaping first, and reaps under the lock that
//! [`Process::signal`] holds: a signal reaches this child or nobody.

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

/// The end of a process, once it has come.
#[derive(Debug, Default)]
struct End {
    status: Mutex<Option<ExitStatus>>,
    came: Condvar,
}

impl Process {
    /// Spawns the command, watched by a new thread.
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

    /// The process number, which may be somebody else's after the end.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Whether the process has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        self.end.lock().is_none()
    }

    /// Sends a signal, or does nothing when the process has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let status = self.end.lock();
        if status.is_none()
            && let Some(pid) = pid(self.id)
        {
            // The process may be ending: then there is nobody left to tell.
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for the end, at most for `limit`.
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
        // Only this thread reaps, so the status cannot have been taken by another.
        *status = Some(child.wait().unwrap_or_default());
        drop(status);
        self.came.notify_all();
    }
}

fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}
