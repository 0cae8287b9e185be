//! A registry with a manual clock, and running runtimes.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use node0_metrics_core::{Clock, GuestCall, ManualClock, Registry, Sample, Ticker, Value};
use node0_system_monitor::{SystemMonitor, SystemMonitorBuilder};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// A registry that ticks when told, with a monitor.
pub(crate) struct Bench {
    pub(crate) clock: ManualClock,
    pub(crate) registry: Registry,
    pub(crate) monitor: SystemMonitor,
    ticker: Ticker,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(SystemMonitor::builder())
    }

    /// A monitor of the process that the files under `root` tell of.
    pub(crate) fn on(root: &Path) -> Self {
        Self::with(SystemMonitor::builder().root(root))
    }

    pub(crate) fn with(builder: SystemMonitorBuilder) -> Self {
        let clock = ManualClock::new();
        let registry = patient(clock.clock());
        Self {
            monitor: builder.register(&registry).unwrap(),
            ticker: registry.ticker().unwrap(),
            clock,
            registry,
        }
    }

    /// Polls the monitors and ends a tick of one second.
    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.clock.advance(Duration::from_secs(1));
        self.tick_now()
    }

    /// Polls the monitors and ends the tick at once.
    pub(crate) fn tick_now(&mut self) -> Arc<Sample> {
        self.ticker.tick().sample
    }
}

/// A registry that leaves no monitor out when a busy machine holds it up.
fn patient(clock: Clock) -> Registry {
    let minute = Duration::from_secs(60);
    let calls = [GuestCall::Poll, GuestCall::Judge];
    let builder = Registry::builder().clock(clock).guest_timeout(minute);
    calls.into_iter().fold(builder, |builder, call| builder.guest_budget(call, minute)).build()
}

/// A monitor in real time, which polls when it is read.
pub(crate) fn real() -> (Registry, SystemMonitor) {
    let registry = patient(Clock::std());
    let monitor = SystemMonitor::register(&registry).unwrap();
    (registry, monitor)
}

/// A runtime on threads of its own, until it is dropped.
pub(crate) struct Driven {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Driven {
    pub(crate) fn current_thread() -> Self {
        Self::drive(Builder::new_current_thread().enable_time().build().unwrap())
    }

    pub(crate) fn two_workers() -> Self {
        Self::drive(Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap())
    }

    fn drive(runtime: Runtime) -> Self {
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || drop(runtime.block_on(stopped)));
        Self { handle, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Blocks a worker until the answer is dropped; returns when it is blocked.
    pub(crate) fn block(&self) -> Sender<()> {
        let (release, released): (_, Receiver<()>) = channel();
        let (begin, begun) = channel();
        self.handle.spawn(async move {
            begin.send(()).unwrap();
            // Dropping the other end is the only message.
            let _ = released.recv();
        });
        begun.recv().unwrap();
        release
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A series' number: a counter's total, a gauge, a histogram's count.
#[track_caller]
pub(crate) fn number(sample: &Sample, name: &str, labels: &[(&str, &str)]) -> f64 {
    let value = sample.snapshot.value(name, labels);
    value.unwrap_or_else(|| panic!("no {name}{labels:?}")).as_f64()
}

/// A histogram's sum, in milliseconds.
#[track_caller]
pub(crate) fn sum_millis(sample: &Sample, name: &str, labels: &[(&str, &str)]) -> f64 {
    match sample.snapshot.value(name, labels) {
        Some(Value::Histogram(histogram)) => histogram.total().sum() * 1e3,
        other => panic!("{name}{labels:?} is {other:?}"),
    }
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
