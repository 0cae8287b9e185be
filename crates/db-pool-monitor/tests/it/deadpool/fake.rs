//! A manager that does what it is told, and futures polled by hand.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use deadpool::managed::{
    Manager, Metrics, Object, Pool, PoolBuilder, PoolError, RecycleError, RecycleResult,
};
use node0_db_pool_monitor::deadpool::{MonitoredObject, MonitoredPool, mark_connecting};
use tokio::sync::Semaphore;

use crate::bench::{Bench, ms};

impl Bench {
    /// A watched pool with hooks, and the script of its manager.
    pub(crate) fn build(&self, name: &str, max_size: usize) -> (MonitoredPool<Fake>, Arc<Script>) {
        let (builder, script) = pool_of(max_size);
        (self.monitor.build(name, builder).unwrap(), script)
    }

    /// A connection for which the pool waits 30 ms until it is opened.
    pub(crate) fn get_opened(&self, pool: &MonitoredPool<Fake>, script: &Script) -> Held {
        script.hold_connects();
        let wait = waiting(pool);
        self.pass(ms(30));
        script.let_connect();
        now(wait).unwrap()
    }
}

/// A connection of a watched pool.
pub(crate) type Held = MonitoredObject<Object<Fake>>;
/// A wait for one.
pub(crate) type Wait<'p> = Pin<Box<dyn Future<Output = Result<Held, PoolError<Refused>>> + 'p>>;

/// A wait that began and is not over.
#[track_caller]
pub(crate) fn waiting(pool: &MonitoredPool<Fake>) -> Wait<'_> {
    let mut wait: Wait<'_> = Box::pin(pool.get());
    assert!(poll(wait.as_mut()).is_pending());
    wait
}

/// A fake connection.
#[derive(Debug)]
pub(crate) struct Connection;

/// A refusal of the fake database.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused;

/// Opens and recycles as its [`Script`] says.
#[derive(Debug)]
pub(crate) struct Fake(Arc<Script>);

/// The behaviour of the fake database.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) refuses: AtomicBool,
    pub(crate) breaks_recycles: AtomicUsize,
    pub(crate) marks: AtomicBool,
    connects: Semaphore,
    recycles: Semaphore,
}

impl Script {
    /// From now on connects wait for [`Self::let_connect`].
    pub(crate) fn hold_connects(&self) {
        hold(&self.connects);
    }

    pub(crate) fn let_connect(&self) {
        self.connects.add_permits(1);
    }

    /// From now on recycles wait for [`Self::let_recycle`].
    pub(crate) fn hold_recycles(&self) {
        hold(&self.recycles);
    }

    pub(crate) fn let_recycle(&self) {
        self.recycles.add_permits(1);
    }

    /// From now on nothing waits, fails or breaks.
    pub(crate) fn behave(&self) {
        self.refuses.store(false, Ordering::Relaxed);
        self.breaks_recycles.store(0, Ordering::Relaxed);
        for gate in [&self.connects, &self.recycles] {
            hold(gate);
            gate.add_permits(OPEN);
        }
    }
}

/// So many permits that a gate stays open.
const OPEN: usize = Semaphore::MAX_PERMITS / 2;

fn hold(gate: &Semaphore) {
    gate.forget_permits(Semaphore::MAX_PERMITS);
}

async fn pass(gate: &Semaphore) {
    gate.acquire().await.unwrap().forget();
}

pub(crate) fn pool_of(max_size: usize) -> (PoolBuilder<Fake>, Arc<Script>) {
    let open = || Semaphore::new(OPEN);
    let script = Arc::new(Script {
        refuses: AtomicBool::new(false),
        breaks_recycles: AtomicUsize::new(0),
        marks: AtomicBool::new(true),
        connects: open(),
        recycles: open(),
    });
    (Pool::builder(Fake(script.clone())).max_size(max_size), script)
}

impl Manager for Fake {
    type Type = Connection;
    type Error = Refused;

    async fn create(&self) -> Result<Connection, Refused> {
        if self.0.marks.load(Ordering::Relaxed) {
            mark_connecting();
        }
        pass(&self.0.connects).await;
        if self.0.refuses.load(Ordering::Relaxed) {
            return Err(Refused);
        }
        Ok(Connection)
    }

    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<Refused> {
        pass(&self.0.recycles).await;
        let broken = &self.0.breaks_recycles;
        let one_less = |left: usize| left.checked_sub(1);
        match broken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => Err(RecycleError::message("broken")),
            Err(_) => Ok(()),
        }
    }
}

/// Polls once, with nobody to wake.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that has no reason to wait.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
