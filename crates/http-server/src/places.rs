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
use crate::shares::{Peer, Share, Shares};

/// The time in which a connection that gives way must have ended: it only drops its socket, but the
/// runtime may be busy.
const TO_GIVE_WAY: Duration = Duration::from_secs(1);

/// The places of a server.
pub(crate) struct Places {
    most: u32,
    free: Arc<Semaphore>,
    shares: Shares,
    /// The connections that are served; upgraded ones have a place too, but cannot be ended here.
    served: HashMap<Id, Served>,
}

struct Served {
    connection: Arc<Connection>,
    peer: Option<Peer>,
    task: AbortHandle,
}

/// A place of a connection, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    _share: Share,
}

impl Place {
    pub(crate) fn new(place: OwnedSemaphorePermit, share: Share) -> Self {
        Self { _place: place, _share: share }
    }
}

impl Places {
    /// Makes places for `most` connections, of which one client may have `most_per_peer`.
    pub(crate) fn new(most: u32, most_per_peer: usize) -> Self {
        let (free, shares) = (Arc::new(Semaphore::new(most as usize)), Shares::new(most_per_peer));
        Self { most, free, shares, served: HashMap::new() }
    }

    /// Takes a place for a client, if need be from the connection that has been idle for longest.
    ///
    /// A client that has its share gets one from a connection of its own. `None` if no such
    /// connection is idle.
    pub(crate) async fn take(&mut self, peer: Option<Peer>) -> Option<Place> {
        let share = match peer.map(|peer| self.shares.of(peer)) {
            Some(share) => Some(self.take_one(share, peer).await?),
            None => None,
        };
        let place = self.take_one(self.free.clone(), None).await?;
        Some(Place::new(place, share))
    }

    /// Takes one of these permits, if need be from the longest idle connection, of a client if one is
    /// named.
    async fn take_one(
        &mut self,
        permits: Arc<Semaphore>,
        of: Option<Peer>,
    ) -> Option<OwnedSemaphorePermit> {
        match permits.clone().try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) if self.end_longest_idle(of) => {
                timeout(TO_GIVE_WAY, permits.acquire_owned()).await.ok()?.ok()
            }
            Err(_) => None,
        }
    }

    /// Ends the connection that has been idle for longest, of a client if one is named; returns
    /// `false` if none is idle.
    pub(crate) fn end_longest_idle(&mut self, of: Option<Peer>) -> bool {
        let idle = self
            .served
            .values()
            .filter(|served| of.is_none() || served.peer == of)
            .filter_map(|served| Some((served.connection.activity.idle_for()?, served)));
        let longest = idle.max_by_key(|(idle, _)| *idle);
        // A request may have arrived meanwhile.
        let longest = longest.filter(|(_, served)| served.connection.activity.idle_for().is_some());
        longest.inspect(|(_, served)| served.task.abort()).is_some()
    }

    /// Notes the task that serves a connection.
    pub(crate) fn enter(
        &mut self,
        connection: Arc<Connection>,
        peer: Option<Peer>,
        task: AbortHandle,
    ) {
        self.served.insert(task.id(), Served { connection, peer, task });
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
