//! The callers' own counts of waits and uses, which those of an adapter must equal.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use node0_db_pool_monitor::PoolMetrics;
use tokio::time::Instant;

use crate::deadpool::cancellations::Random;

/// The end of a wait, as its caller sees it.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Acquired,
    TimedOut,
    Failed,
    Cancelled,
}

/// The callers' own counts, by the end of the wait; and the time that they waited and held.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    ends: [AtomicU64; 4],
    waited_micros: AtomicU64,
    held_micros: AtomicU64,
}

impl Ledger {
    fn end(&self, end: End) {
        self.ends[end as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, end: End) -> u64 {
        self.ends[end as usize].load(Ordering::Relaxed)
    }

    /// Waits for a connection, and counts how that ends.
    pub(crate) async fn get<T, E>(
        &self,
        get: impl Future<Output = Result<T, E>>,
        ended: fn(&E) -> End,
    ) -> Option<T> {
        let start = Instant::now();
        let got = get.await;
        self.waited_micros.fetch_add(start.elapsed().as_micros() as u64, Ordering::Relaxed);
        self.end(got.as_ref().map_or_else(ended, |_| End::Acquired));
        got.ok()
    }

    /// Waits for a connection as a caller that looks a few times and then may give up.
    pub(crate) async fn get_or_give_up<T, E>(
        &self,
        get: impl Future<Output = Result<T, E>>,
        ended: fn(&E) -> End,
        random: &mut Random,
    ) -> Option<T> {
        let mut looks = if random.below(4) == 0 { usize::MAX } else { 1 + random.below(30) };
        let mut get = pin!(get);
        let got = poll_fn(|cx| match get.as_mut().poll(cx) {
            Poll::Ready(got) => Poll::Ready(Some(got)),
            Poll::Pending if looks == 1 => Poll::Ready(None),
            Poll::Pending => {
                looks -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        let end = |got: &Result<T, E>| got.as_ref().map_or_else(ended, |_| End::Acquired);
        self.end(got.as_ref().map_or(End::Cancelled, end));
        got?.ok()
    }

    /// Counts a use that took from `since` until now.
    pub(crate) fn held(&self, since: Instant) {
        self.held_micros.fetch_add(since.elapsed().as_micros() as u64, Ordering::Relaxed);
    }

    /// Compares the adapter's counts, which must be the same.
    #[track_caller]
    pub(crate) fn check(&self, metrics: &PoolMetrics) {
        let counted =
            [metrics.acquired, metrics.timed_out, metrics.connection_errors, metrics.cancelled];
        let ends = [End::Acquired, End::TimedOut, End::Failed, End::Cancelled];
        assert_eq!(counted, ends.map(|end| self.count(end)));
        assert_eq!(metrics.active_connections, Some(0));
        let tracked = metrics.tracked.as_ref().unwrap();
        assert_eq!((tracked.oldest_wait, tracked.oldest_use), (None, None));
        let unknown = (metrics.waiting_clients, metrics.connecting_clients);
        assert_eq!(unknown, (None, None), "the pool does not report it");
        assert!(metrics.hooks.is_none());
    }

    /// Compares the durations of waits and uses, which have the cost of a task's wake-up in them.
    #[track_caller]
    pub(crate) fn check_times(&self, recorded: [Duration; 2]) {
        let own = [&self.waited_micros, &self.held_micros];
        for (recorded, own) in recorded.into_iter().zip(own) {
            let own = Duration::from_micros(own.load(Ordering::Relaxed));
            let ratio = recorded.as_secs_f64() / own.as_secs_f64();
            assert!((0.95..1.05).contains(&ratio), "recorded {recorded:?} of {own:?}");
        }
    }
}
