//! The state of a connection, which decides its timeouts.
//!
//! hyper has one timer for a half-sent head and an idle connection, and none for
//! a client that stopped reading. Here each has its limit: a head must arrive
//! within seconds, and a connection may idle, or leave an answer unread, for
//! about a minute. While a request is answered no time runs, since how long
//! that takes is the service's decision.
//!
//! The state is one atomic word, written by the connection and read by the
//! timer. It costs a request two clock readings; the timer wakes a few times a
//! minute.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The bits of a word that hold the kind; the rest is milliseconds since the origin.
const KIND_BITS: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Between requests.
    Idle = 0,
    /// A head is awaited; a part of it may have arrived.
    Head = 1,
    /// A request is being answered.
    Busy = 2,
}

/// The reason for which a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    Idle,
    Head,
    Stalled,
}

/// The time that a connection may stay in a state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) header: Duration,
    pub(super) idle: Duration,
}

#[derive(Debug)]
pub(super) struct Activity {
    origin: Instant,
    now_at: AtomicU64,
    /// The time since which a write waits for the reader, in milliseconds; zero if none does.
    stalled: AtomicU64,
}

impl Activity {
    /// Makes the state of a connection whose first head is awaited.
    pub(super) fn new() -> Self {
        // One millisecond before now, so that no reading is zero, which means that no write waits.
        let now = Instant::now();
        let origin = now.checked_sub(Duration::from_millis(1)).unwrap_or(now);
        let activity = Self { origin, now_at: AtomicU64::new(0), stalled: AtomicU64::new(0) };
        activity.enter(Kind::Head);
        activity
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX >> KIND_BITS)
    }

    pub(super) fn enter(&self, kind: Kind) {
        self.now_at.store(self.millis() << KIND_BITS | kind as u64, Ordering::Relaxed);
    }

    pub(super) fn kind(&self) -> Kind {
        match self.now_at.load(Ordering::Relaxed) & ((1 << KIND_BITS) - 1) {
            0 => Kind::Idle,
            1 => Kind::Head,
            _ => Kind::Busy,
        }
    }

    /// Notes that bytes arrived: an idle connection has begun a head.
    pub(super) fn read(&self) {
        if self.kind() == Kind::Idle {
            self.enter(Kind::Head);
        }
    }

    /// Notes that a write went through, or has to wait for the reader.
    pub(super) fn wrote(&self, is_waiting: bool) {
        let stalled = self.stalled.load(Ordering::Relaxed);
        match (is_waiting, stalled) {
            (true, 0) => self.stalled.store(self.millis(), Ordering::Relaxed),
            (false, 1..) => self.stalled.store(0, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Waits until a limit is passed.
    pub(super) async fn expired(&self, limits: Limits) -> Expired {
        loop {
            let now = Instant::now();
            // A head that begins after this look is seen by the next one, before its time is up.
            let mut wake = now + limits.header.min(limits.idle);
            for (deadline, expired) in self.deadlines(limits).into_iter().flatten() {
                if deadline <= now {
                    return expired;
                }
                wake = wake.min(deadline);
            }
            sleep_until(wake).await;
        }
    }

    fn deadlines(&self, limits: Limits) -> [Option<(Instant, Expired)>; 2] {
        let after = |millis, limit, expired| {
            let deadline = self.origin.checked_add(Duration::from_millis(millis) + limit)?;
            Some((deadline, expired))
        };
        let since = self.now_at.load(Ordering::Relaxed) >> KIND_BITS;
        let state = match self.kind() {
            Kind::Idle => after(since, limits.idle, Expired::Idle),
            Kind::Head => after(since, limits.header, Expired::Head),
            Kind::Busy => None,
        };
        let stalled = match self.stalled.load(Ordering::Relaxed) {
            0 => None,
            since => after(since, limits.idle, Expired::Stalled),
        };
        [state, stalled]
    }
}
