//! The state of a connection, which decides its timeouts.
//!
//! hyper has one timer for a half-sent head and an idle connection, and none for
//! a client that stopped reading. Here each case has its own limit: by default a head
//! must arrive within 10 s, and a connection may be idle, or leave a response unread,
//! for 75 s. While the service answers a request neither the idle limit nor the limit
//! for heads applies, since the service decides how long an answer takes.
//!
//! The connection writes its state into one atomic word, and a timer reads it. A request
//! costs three clock readings, of which the request's metrics share two; the timer wakes a few
//! times a minute.
//!
//! A connection of HTTP/2 has many requests at a time. They are counted, and the connection is busy as
//! long as there is one. A client that grants its responses no bytes leaves them unread too: see the
//! module `paced`. Such a connection has no state [`Kind::Head`]: what arrives between requests may be a ping
//! as well, so that a half-sent head has the limit of an idle connection.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use node0_metrics_core::{Clock, Moment};
use tokio::time::sleep;

/// The low bits of the state's word, which hold the kind; the others hold the time since the
/// origin in milliseconds.
const KIND_BITS: u32 = 2;
const KINDS: u64 = (1 << KIND_BITS) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The connection waits for the next request.
    Idle = 0,
    /// The connection is new and has sent nothing. It has the short limit of a head.
    New = 1,
    /// The connection waits for the rest of a head.
    Head = 2,
    /// The service answers a request.
    Busy = 3,
}

/// The limit that a connection exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    Idle,
    Head,
    Stalled,
}

/// The time that a connection may stay in a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) header: Duration,
    pub(crate) idle: Duration,
}

#[derive(Debug)]
pub(crate) struct Activity {
    clock: Clock,
    origin: Moment,
    /// The kind of the state, and the time since which it lasts.
    state: AtomicU64,
    /// The time since which a write waits for the client to read, in milliseconds since the
    /// origin; zero if no write waits.
    stalled: AtomicU64,
    /// `true` if the connection is one of HTTP/2.
    is_http2: AtomicBool,
    /// The requests that a connection of HTTP/2 answers at the moment.
    streams: AtomicU32,
    /// The responses of such a connection whose next part waits until the client wants it.
    offered: AtomicU32,
    /// The time at which the last one was offered or wanted, in milliseconds since the origin.
    wanted: AtomicU64,
}

impl Activity {
    /// Makes the state of a new connection.
    pub(crate) fn new(clock: Clock) -> Self {
        let origin = clock.now();
        let (state, stalled) = (AtomicU64::new(Kind::New as u64), AtomicU64::new(0));
        let (is_http2, streams) = (AtomicBool::new(false), AtomicU32::new(0));
        let (offered, wanted) = (AtomicU32::new(0), AtomicU64::new(0));
        Self { clock, origin, state, stalled, is_http2, streams, offered, wanted }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    fn millis(&self, at: Moment) -> u64 {
        self.clock.nanos_between(self.origin, at) / 1_000_000
    }

    #[inline]
    fn enter(&self, kind: Kind, at: Moment) {
        self.state.store(self.millis(at) << KIND_BITS | kind as u64, Ordering::Relaxed);
    }

    /// Notes that the service begins to answer a request.
    #[inline]
    pub(crate) fn begin(&self, at: Moment) {
        if self.is_http2() {
            self.streams.fetch_add(1, Ordering::Relaxed);
        }
        self.enter(Kind::Busy, at);
    }

    /// Notes that a request has ended.
    #[inline]
    pub(crate) fn end(&self, at: Moment) {
        self.enter(Kind::Idle, at);
        if self.is_http2() {
            // After the line above, whose state counts only without streams; pairs with the load in
            // `word`. Requests end on several threads: each writes `Idle` after its own `Busy`, so
            // `Idle` is the last word.
            self.streams.fetch_sub(1, Ordering::Release);
        }
    }

    /// Notes that the connection is one of HTTP/2.
    pub(crate) fn speaks_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
        self.enter(Kind::Idle, self.now());
    }

    /// Returns `true` if the connection is one of HTTP/2.
    #[inline]
    pub(crate) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// Returns the word of the state, in which a connection with streams is busy.
    fn word(&self) -> u64 {
        let streams = self.streams.load(Ordering::Acquire);
        let word = self.state.load(Ordering::Relaxed);
        if streams > 0 { word | Kind::Busy as u64 } else { word }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.word() & KINDS {
            0 => Kind::Idle,
            1 => Kind::New,
            2 => Kind::Head,
            _ => Kind::Busy,
        }
    }

    /// Returns how long the connection has been idle; `None` if it is not.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        let state = self.word();
        let since = state >> KIND_BITS;
        let idle = Duration::from_millis(self.millis(self.now()).saturating_sub(since));
        (state & KINDS == Kind::Idle as u64).then_some(idle)
    }

    /// Notes that bytes arrived, which begin a head unless they belong to a request.
    pub(crate) fn read(&self) {
        match self.kind() {
            Kind::Idle if !self.is_http2() => self.enter(Kind::Head, self.now()),
            // The limit of the first head is counted from the connection's beginning.
            Kind::New => self.enter(Kind::Head, self.origin),
            Kind::Idle | Kind::Head | Kind::Busy => {}
        }
    }

    /// Notes that a write succeeded, or has to wait until the client reads.
    pub(crate) fn wrote(&self, is_waiting: bool) {
        let stalled = self.stalled.load(Ordering::Relaxed);
        match (is_waiting, stalled) {
            // Zero means that no write waits.
            (true, 0) => self.stalled.store(self.millis(self.now()).max(1), Ordering::Relaxed),
            (false, 1..) => self.stalled.store(0, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Notes that a part of a response on HTTP/2 waits until the client wants it.
    pub(crate) fn offer(&self) {
        self.wanted.store(self.millis(self.now()), Ordering::Relaxed);
        // Pairs with the load in `deadlines`, which then sees the time as well.
        self.offered.fetch_add(1, Ordering::Release);
    }

    /// Notes that the client wants that part, or that the response has ended.
    pub(crate) fn wanted(&self) {
        self.wanted.store(self.millis(self.now()), Ordering::Relaxed);
        self.offered.fetch_sub(1, Ordering::Release);
    }

    /// Waits until a limit is exceeded.
    pub(crate) async fn expired(&self, limits: Limits) -> Expired {
        loop {
            let now = Duration::from_millis(self.millis(self.now()));
            // The wake-up is at most one limit away. So a head or a stall that begins after this
            // check is seen by the next one before its own deadline.
            let mut pause = limits.header.min(limits.idle);
            for (deadline, expired) in self.deadlines(limits).into_iter().flatten() {
                if deadline <= now {
                    return expired;
                }
                pause = pause.min(deadline - now);
            }
            sleep(pause).await;
        }
    }

    /// Returns the deadlines of the present state, since the origin.
    fn deadlines(&self, limits: Limits) -> [Option<(Duration, Expired)>; 3] {
        let after = |millis, limit: Duration, expired| {
            Some((Duration::from_millis(millis).checked_add(limit)?, expired))
        };
        let since = self.state.load(Ordering::Relaxed) >> KIND_BITS;
        let state = match self.kind() {
            Kind::Idle => after(since, limits.idle, Expired::Idle),
            Kind::New | Kind::Head => after(since, limits.header, Expired::Head),
            Kind::Busy => None,
        };
        let stalled = match self.stalled.load(Ordering::Relaxed) {
            0 => None,
            since => after(since, limits.idle, Expired::Stalled),
        };
        let unwanted = match self.offered.load(Ordering::Acquire) {
            0 => None,
            _ => after(self.wanted.load(Ordering::Relaxed), limits.idle, Expired::Stalled),
        };
        [state, stalled, unwanted]
    }
}
