//! The deadlines of a connection: the next ping, the answer to it, and the end of a stalled write.
//!
//! One timer has them all, since a timer costs memory. It is set when a ping is sent, and when a
//! write begins to wait, which is rare; a message that is written at once does not touch it.

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::socket::Rules;

/// The number of pings in a row that may be unanswered when the next one is due.
const MAX_UNANSWERED: u8 = 2;

#[derive(Debug)]
pub(crate) struct KeepAlive {
    timer: Pin<Box<Sleep>>,
    ping_at: Instant,
    unanswered: u8,
    /// The time since which a write waits for the client to read.
    stalled_since: Option<Instant>,
    rules: &'static Rules,
}

/// The deadline that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Ping,
    Unanswered,
    Stalled,
}

impl KeepAlive {
    /// Starts with the first ping between half an interval and a whole one from now, so that clients
    /// that came together do not answer together.
    pub(crate) fn new(rules: &'static Rules) -> Self {
        let (now, half) = (Instant::now(), rules.ping / 2);
        let ping_at = later(now, half + half.mul_f64(random()));
        let timer = Box::pin(sleep_until(ping_at));
        Self { timer, ping_at, unanswered: 0, stalled_since: None, rules }
    }

    pub(crate) fn pong(&mut self) {
        self.unanswered = 0;
    }

    /// Returns `true` if the next ping should go with a message that is sent now.
    ///
    /// A ping of its own wakes the task once more and is one more write. So one that is due soon goes
    /// with a message, if there is one.
    pub(crate) fn joins_message(&mut self) -> bool {
        if self.unanswered == MAX_UNANSWERED || self.stalled_since.is_some() {
            return false;
        }
        let now = Instant::now();
        let is_due = self.ping_at.saturating_duration_since(now) <= self.rules.ping / 8;
        if is_due {
            self.unanswered += 1;
            self.ping_at = later(now, self.rules.ping);
            self.set(self.ping_at);
        }
        is_due
    }

    /// Notes that a write waits for the client, and whether it wrote something before; returns `true`
    /// if the timer was set, so that it must be polled.
    pub(crate) fn waits(&mut self, has_progressed: bool) -> bool {
        let begins = self.stalled_since.is_none();
        if begins || has_progressed {
            let now = Instant::now();
            self.stalled_since = Some(now);
            if begins {
                self.set(self.ping_at.min(later(now, self.rules.write_timeout)));
            }
        }
        begins
    }

    /// Notes that no write waits.
    pub(crate) fn goes_on(&mut self) {
        // The timer, if it was set to the end of a stall, rings early once and is set anew.
        self.stalled_since = None;
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let stalls_at = self.stalled_since.map(|since| later(since, self.rules.write_timeout));
            if stalls_at.is_some_and(|at| at <= now) {
                return Poll::Ready(Due::Stalled);
            }
            let is_due = self.ping_at <= now;
            if is_due && self.unanswered == MAX_UNANSWERED {
                return Poll::Ready(Due::Unanswered);
            }
            if is_due {
                self.unanswered += 1;
                self.ping_at = later(now, self.rules.ping);
            }
            self.set(stalls_at.map_or(self.ping_at, |at| at.min(self.ping_at)));
            if is_due {
                return Poll::Ready(Due::Ping);
            }
        }
    }

    fn set(&mut self, at: Instant) {
        self.timer.as_mut().reset(at);
    }
}

fn later(at: Instant, by: Duration) -> Instant {
    // A time that cannot be represented is centuries away: so is this one, nearly.
    at.checked_add(by).unwrap_or_else(|| at + Duration::from_secs(1 << 30))
}

/// Returns a number from 0 to 1: the standard library's random seed, which needs no other crate.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(0) as u32;
    f64::from(bits) / f64::from(u32::MAX)
}
