//! Who wakes the readers, and what is said when their runtime is dropped.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Wake;
use std::thread;

use tracing::span;

use super::*;

/// A waker that notes that it was called.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A reader that waits, and its waker.
struct Waiting {
    next: Pin<Box<dyn Future<Output = Session>>>,
    flag: Arc<Flag>,
}

/// Waits for the next message.
fn next(mut session: Session) -> Pin<Box<dyn Future<Output = Session>>> {
    Box::pin(async move {
        session.next().await.expect("the stream is open");
        session
    })
}

impl Waiting {
    fn open(rig: &mut Rig) -> Self {
        let mut session = rig.open(&Wanted::topics(["alpha"]));
        rig.take(&mut session);
        let mut waiting = Self { next: next(session), flag: Arc::default() };
        assert_eq!(waiting.read(), 0);
        waiting
    }

    /// Reads what is there, and waits for more; returns the number of messages.
    fn read(&mut self) -> usize {
        let waker = Waker::from(self.flag.clone());
        let mut messages = 0;
        while let Poll::Ready(session) = self.next.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.next = next(session);
            messages += 1;
        }
        messages
    }

    /// Returns `true` once for each time that it was woken.
    fn is_woken(&self) -> bool {
        self.flag.0.swap(false, Ordering::Relaxed)
    }
}

fn step(run: &mut Pin<Box<impl Future>>) -> bool {
    run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn the_fan_out_wakes_the_readers_and_the_feed_does_if_it_is_late_or_gone() {
    let mut rig = Rig::new();
    let mut reader = Waiting::open(&mut rig);
    rig.tick();
    assert!(reader.is_woken() && reader.read() == 1, "without a fan-out");
    let fan_out = rig.streaming.fan_out().expect("the first one");
    assert!(rig.streaming.fan_out().is_none(), "there is only one");
    let mut run = Box::pin(fan_out.run());
    assert!(!step(&mut run));
    rig.tick();
    assert!(!reader.is_woken());
    assert!(!step(&mut run));
    assert!(reader.is_woken() && reader.read() == 1);
    // An alert wakes too. Its runtime is blocked for a pass, and the feed does not wait for it.
    rig.alert(AlertCause::Fired, "Fire");
    rig.tick();
    assert!(!reader.is_woken());
    rig.tick();
    assert!(reader.is_woken() && reader.read() > 0);
    // The reader catches up.
    rig.work();
    assert!(!step(&mut run) && reader.read() > 0);
    reader.is_woken();
    // It is dropped with its runtime, and was asked to wake somebody.
    rig.tick();
    assert!(!reader.is_woken());
    drop(run);
    assert!(reader.is_woken() && reader.read() == 1);
    rig.tick();
    assert!(reader.is_woken() && reader.read() == 1);
    assert!(rig.streaming.fan_out().is_some(), "another runtime may take its place");
}

#[test]
fn the_fan_out_ends_with_the_stream() {
    let rig = Rig::new();
    let mut run = Box::pin(rig.streaming.fan_out().expect("the first one").run());
    assert!(!step(&mut run));
    rig.streaming.close();
    assert!(step(&mut run));
}

/// Counts the lines of the log.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut is_ours = false;
        event.record(&mut |_: &tracing::field::Field, value: &dyn fmt::Debug| {
            is_ours |= format!("{value:?}").contains("runtime was dropped");
        });
        self.0.fetch_add(usize::from(is_ours), Ordering::Relaxed);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_runtime_that_is_dropped_under_its_readers_logs_one_line() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let mut rig = Rig::new();
    let fan_out = rig.streaming.fan_out().expect("the first one");
    let mut sessions: Vec<_> = (0..3).map(|_| rig.open(&Wanted::all())).collect();
    // A client of server-sent events seems to leave: the server drops its response.
    sessions.pop().expect("a session").end();
    rig.tick();
    let logged = || {
        assert!(node0_log_relay::flush(Duration::from_secs(30)), "the log is written");
        lines.0.load(Ordering::Relaxed)
    };
    assert_eq!(logged(), 0);
    drop((fan_out, sessions));
    rig.tick();
    rig.tick();
    assert_eq!(logged(), 1);
}

#[test]
fn no_alert_is_slept_through_while_another_thread_sends_them() {
    const ALERTS: usize = 2_000;
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    let fan_out = rig.streaming.fan_out().expect("the first one");
    let seen = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(fan_out.run());
            let mut seen = 0;
            // A session that slept through an alert would wait for ever for the last one.
            while seen < ALERTS as u64 {
                let message = session.next().await.expect("the stream is open");
                seen += u64::from(message.kind == Kind::Alert);
                seen += json_of(&message)["missedAlerts"].as_u64().unwrap_or_default();
            }
            seen
        })
    });
    for number in 0..ALERTS {
        rig.alert(AlertCause::Fired, &number.to_string());
        rig.tick();
    }
    // Snapshots that were asked for late are answered.
    while !seen.is_finished() {
        rig.work();
        thread::yield_now();
    }
    assert_eq!(seen.join().unwrap(), ALERTS as u64);
}
