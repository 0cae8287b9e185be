//! Tests that a panic under any lock of the crate does no harm.
//!
//! In tests [`lock`](super::lock) can be made to panic right after it locked. A scenario that
//! uses all of a registry runs again and again, and panics at its first lock, then at its
//! second and so on, until it runs to its end. So no list of locks is needed, and none can be
//! missed. After each panic another thread runs the same scenario in the same registry, which
//! must succeed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::clock::ManualClock;
use crate::judging::judgement::Judgement;
use crate::judging::monitor::Monitor;
use crate::judging::report::{Report, UnknownTarget};
use crate::judging::topic::Topic;
use crate::naming::desc::{Desc, Unit};
use crate::reading::sample::View;
use crate::recording::counter::Counter;
use crate::recording::exemplar::TraceId;
use crate::recording::labelled::Labelled;
use crate::recording::latency::Latency;
use crate::registry::Registry;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["n"]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1e3]).labels(&["n"]);

/// Expires idle waits whenever it is polled.
struct Waits(Labelled<Latency, 1>);

impl Monitor for Waits {
    fn topic(&self) -> &'static Topic {
        static TOPIC: Topic = Topic::new("waits", "waits");
        &TOPIC
    }

    fn poll(&self) {
        self.0.expire_idle(Duration::from_secs(600));
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(BTreeMap::<String, u64>::new()))
    }
}

thread_local! {
    /// The number of locks that this thread takes before it panics while it holds one.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Panics if the lock that was just taken is the one at which this thread has to panic.
pub(super) fn panic_if_due() {
    match LEFT.get() {
        Some(0) => {
            LEFT.set(None);
            panic!("told to, with a lock held");
        }
        left => LEFT.set(left.map(|left| left - 1)),
    }
}

/// The registry and handles that outlive each panic.
struct World {
    clock: ManualClock,
    registry: Registry,
    jobs: Counter,
    wait: Latency,
    waits: Labelled<Latency, 1>,
    /// A counter whose values nobody checks.
    spare: Counter,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let jobs = registry.counter(&JOBS, &["all"]).expect("the description is right");
        let wait = registry.latency(&WAIT, &["all"]).expect("the description is right");
        let waits: Labelled<Latency, 1> =
            registry.latencies(&WAIT).expect("the description is right");
        registry.monitor(Arc::new(Waits(waits.clone()))).expect("the topic is free");
        let spare = registry.counter(&JOBS, &["spare"]).expect("the description is right");
        Self { clock, registry, jobs, wait, waits, spare }
    }

    /// Registers, records, reads, ticks and drops handles, in every way there is.
    fn live(&self) {
        let Self { clock, registry, jobs, wait, waits, .. } = self;
        // A tick of its own, apart from that of a run that panicked.
        clock.advance(Duration::from_secs(1));
        let before = registry.read();
        let view = before.view();
        let (jobs_before, pass_before) = (view.counter(jobs), before.pass);
        let waits_before = view.latency(wait).map_or(0, |it| it.total().count());

        let own = registry.latency(&WAIT, &["own"]).expect("the description is right");
        let size = registry.distribution(&SIZE, &["own"]).expect("the description is right");
        own.record(Duration::from_millis(1));
        size.record(7.0);
        jobs.inc();
        let trace = TraceId::new(pass_before.into());
        wait.record_traced(Duration::from_millis(1), trace);
        waits.record(["by value"], Duration::from_millis(1));
        let by_value = [("n", "by value")];
        assert!(registry.read().snapshot.value(WAIT.name(), &by_value).is_some());
        let again = registry.monitor(Arc::new(Waits(waits.clone())));
        assert!(again.is_err(), "the topic is taken");

        // Far enough for the reader to tick, for exemplars to be taken anew, and for
        // idle names to be looked for.
        clock.advance(Duration::from_secs(40));
        let after = registry.read();
        let view = after.view();
        assert_eq!(registry.latest().pass, after.pass, "the reader ticked");
        assert!(after.pass > pass_before);
        assert_eq!(view.counter(jobs), jobs_before + 1);
        let waits = view.latency(wait).expect("it is registered");
        assert_eq!(waits.total().count(), waits_before + 1);
        assert_eq!(waits.exemplars().iter().map(|it| it.trace).collect::<Vec<_>>(), [trace]);
        assert_eq!(view.latency(&own).map(|it| it.total().count()), Some(1));
        assert_eq!(after.topics.len(), 1);
        assert!(after.report("waits", None).is_ok());

        drop((own, size));
        let mut ticker = registry.ticker().expect("nobody else ticks");
        (0..2).for_each(|_| drop(ticker.tick()));
        assert!(registry.latest().snapshot.value(WAIT.name(), &[("n", "own")]).is_none());
    }
}

#[test]
fn whichever_lock_a_panic_poisoned_all_else_goes_on() {
    let world = World::new();
    for nth in 0..2000 {
        let dying = || {
            // The thread takes its lease first. A panic while it does would lose the lane, but
            // the shipped code cannot panic there, and readers take the same locks anyway.
            world.spare.inc();
            LEFT.set(Some(nth));
            // The run may also succeed, since panics of monitors are contained.
            let _ = catch_unwind(AssertUnwindSafe(|| world.live()));
            // The locks at the thread's end must not panic.
            LEFT.take().is_some()
        };
        let there_are_fewer = thread::scope(|scope| scope.spawn(dying).join());
        let next = thread::scope(|scope| scope.spawn(|| world.live()).join());
        assert!(next.is_ok(), "after a panic with lock {nth} in hand");
        if there_are_fewer.expect("the panic is caught") {
            assert!(nth > 50, "it took {nth} locks only");
            return;
        }
    }
    panic!("a life takes ever more locks: lanes are lost");
}

#[test]
fn every_lock_is_taken_through_this_module() {
    fn look(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                look(&path, found);
            } else {
                let text = fs::read_to_string(&path).expect("sources are text");
                let locks = |line: &&str| line.contains(".lock()") || line.contains(".try_lock()");
                let lines = text.lines().filter(locks);
                found.extend(lines.map(|line| format!("{}: {}", path.display(), line.trim())));
            }
        }
    }
    let mut found = Vec::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    // Those of the loom models are not part of the product.
    found.retain(|line| !line.contains("/src/sync") && !line.contains("/static_ref/twin.rs"));
    assert!(found.is_empty(), "these locks stop at a panic of others: {found:#?}");
}
