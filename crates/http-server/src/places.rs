//! The places for connections, of which the longest idle one gives way.
//!
//! Clients keep connections open between their requests. If those took all places, nobody else
//! could connect although the server does nothing. So a server that is full closes the connection
//! that has been idle for longest, as it would do later anyway when its idle time is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, Id};
use tokio::time::timeout;

use crate::connection::Connection;

/// The time in which a connection that gives way must have ended: it only drops its socket, but the
/// runtime may be busy.
const TO_GIVE_WAY: Duration = Duration::from_secs(1);

/// The places of a server.
pub(crate) struct Places {
    most: u32,
    free: Arc<Semaphore>,
    /// The connections that are served; upgraded ones have a place too, but cannot be ended here.
    served: HashMap<Id, Served>,
}

struct Served {
    connection: Arc<Connection>,
    task: AbortHandle,
}

impl Places {
    pub(crate) fn new(most: u32) -> Self {
        let free = Arc::new(Semaphore::new(most as usize));
        Self { most, free, served: HashMap::new() }
    }

    /// Takes a place, if need be from the connection that has been idle for longest; `None` if no
    /// connection is idle.
    pub(crate) async fn take(&mut self) -> Option<OwnedSemaphorePermit> {
        let free = self.free.clone();
        match free.clone().try_acquire_owned() {
            Ok(place) => Some(place),
            Err(_) if self.end_longest_idle() => {
                timeout(TO_GIVE_WAY, free.acquire_owned()).await.ok()?.ok()
            }
            Err(_) => None,
        }
    }

    /// Ends the connection that has been idle for longest; returns `false` if none is idle.
    pub(crate) fn end_longest_idle(&mut self) -> bool {
        let idle = self
            .served
            .values()
            .filter_map(|served| Some((served.connection.activity.idle_for()?, served)));
        let longest = idle.max_by_key(|(idle, _)| *idle);
        // A request may have arrived meanwhile.
        let longest = longest.filter(|(_, served)| served.connection.activity.idle_for().is_some());
        longest.inspect(|(_, served)| served.task.abort()).is_some()
    }

    /// Notes the task that serves a connection.
    pub(crate) fn enter(&mut self, connection: Arc<Connection>, task: AbortHandle) {
        self.served.insert(task.id(), Served { connection, task });
    }

    /// Forgets a task that has ended.
    pub(crate) fn leave(&mut self, task: Id) {
        self.served.remove(&task);
    }

    /// Waits until all connections have ended.
    pub(crate) async fn all_free(&self) {
        // The semaphore is never closed.
        let _ = self.free.acquire_many(self.most).await;
    }
}

/// Returns the number of connections that leaves a quarter of the process's file descriptors
/// (`ulimit -n`) to everything else, such as databases and files: the default of
/// [`Serve::max_connections`](crate::Serve::max_connections).
pub fn max_connections_by_descriptors() -> usize {
    /// More than a process without a limit needs.
    const MOST: u64 = 1 << 20;
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = Some(1024); // as is usual elsewhere
    let limit = limit.unwrap_or(MOST).min(MOST);
    usize::try_from(limit - limit / 4).unwrap_or(usize::MAX).max(1)
}
