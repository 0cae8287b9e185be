//! Subscribers that panic or hang lose messages, and never hold the thread that logs.
//!
//! All messages of a process share one thread, so the tests take turns.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use node0_log_relay::{MOST_WAITING, flush, log, lost};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const PATIENCE: Duration = Duration::from_secs(30);

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A subscriber that calls a function for each message.
struct Calling<F>(F);

impl<S: Subscriber, F: Fn() + Send + Sync + 'static> Layer<S> for Calling<F> {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        (self.0)();
    }
}

fn subscribe(to_call: impl Fn() + Send + Sync + 'static) -> DefaultGuard {
    set_default(tracing_subscriber::registry().with(Calling(to_call)))
}

#[test]
fn messages_reach_the_subscriber_of_the_thread_that_sent_them() {
    let _turn = turn();
    let written = Arc::new(AtomicU64::new(0));
    let counted = written.clone();
    {
        let _subscriber = subscribe(move || {
            assert_eq!(thread::current().name(), Some("node0-log"));
            counted.fetch_add(1, Ordering::Relaxed);
        });
        log(|| tracing::info!("one"));
        log(|| tracing::info!("two"));
    }
    log(|| tracing::info!("of no subscriber"));
    assert!(flush(PATIENCE));
    assert_eq!(written.load(Ordering::Relaxed), 2);
}

#[test]
fn a_subscriber_that_panics_loses_its_messages_only() {
    let _turn = turn();
    let before = lost();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let _subscriber = subscribe(move || {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        assert!(call > 1, "the terminal is gone");
    });
    for _ in 0..4 {
        log(|| tracing::info!("a message"));
    }
    assert!(flush(PATIENCE));
    assert_eq!((calls.load(Ordering::Relaxed), lost() - before), (4, 2));
}

#[test]
fn a_subscriber_that_hangs_holds_nobody_and_what_is_too_much_is_counted() {
    let _turn = turn();
    let before = lost();
    let (entered, is_entered) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let is_released: Mutex<Receiver<()>> = Mutex::new(is_released);
    let entered: Mutex<Sender<()>> = Mutex::new(entered);
    let _subscriber = subscribe(move || {
        let _ = entered.lock().unwrap().send(());
        let _ = is_released.lock().unwrap().recv();
    });
    log(|| tracing::info!("the one that hangs"));
    is_entered.recv_timeout(PATIENCE).expect("the message is being written");
    for _ in 0..MOST_WAITING + 10 {
        log(|| tracing::info!("another"));
    }
    assert!(!flush(PATIENCE), "it does not wait for a full queue");
    assert_eq!(lost() - before, 10);
    drop(release);
    while !flush(PATIENCE) {
        thread::yield_now();
    }
    assert_eq!(lost() - before, 10);
}
