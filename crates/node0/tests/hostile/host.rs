//! The process of a case: a service with a guest that misbehaves, and innocent ones.

use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use node0::cache::Levels;
use node0::{
    Event, Judgement, Monitor, Monitoring, MonitoringBuilder, NotReady, Observer, PoolLevels,
    ReadinessCheck, Report, Sample, Topic, UnknownTarget, View,
};
use serde_json::{Value, json};
use testbed::deadline::Stopwatch;

use crate::guests::{Fault, Guest, Trap};

/// The beginning of the line that says where the host listens.
pub(crate) const LISTENS: &str = "listens on";

const VARIABLES: [&str; 2] = ["NODE0_HOSTILE_GUEST", "NODE0_HOSTILE_FAULT"];

static GUEST: Topic = Topic::new("guest", "guest");
static CALM: Topic = Topic::new("calm", "calm");

pub(crate) fn set_case(command: &mut Command, guest: Guest, fault: Fault) {
    command.env(VARIABLES[0], format!("{guest:?}")).env(VARIABLES[1], format!("{fault:?}"));
}

pub(crate) fn case_of_this_process() -> Option<(Guest, Fault)> {
    let [guest, fault] = VARIABLES.map(|name| std::env::var(name).ok());
    Some((Guest::named(&guest?)?, Fault::named(&fault?)?))
}

/// The guest of a case: it misbehaves in one kind of call.
#[derive(Clone)]
struct Hostile {
    guest: Guest,
    trap: Arc<Trap>,
}

impl Hostile {
    fn act(&self, called: Guest) {
        if called == self.guest {
            self.trap.spring();
        }
    }
}

impl Monitor for Hostile {
    fn topic(&self) -> &'static Topic {
        &GUEST
    }

    fn poll(&self) {
        self.act(Guest::Poll);
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        self.act(Guest::Judge);
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        self.act(Guest::Report);
        Ok(Report::new(()))
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        self.act(Guest::Readiness);
        Vec::new()
    }
}

impl Observer for Hostile {
    fn name(&self) -> &'static str {
        "guest"
    }

    fn observe(&mut self, sample: &Arc<Sample>, _: u64) -> Vec<Event> {
        self.act(Guest::Observe);
        // For the listener, which is called for events only.
        vec![Event::Sample(sample.clone())]
    }
}

/// An innocent monitor and observer, which counts its calls and the time between them.
#[derive(Clone)]
struct Witness {
    started: Stopwatch,
    polls: Arc<AtomicU64>,
    ticks: Arc<Mutex<Ticks>>,
}

#[derive(Clone, Copy, Default)]
struct Ticks {
    count: u64,
    last: Duration,
    longest_gap: Duration,
}

impl Monitor for Witness {
    fn topic(&self) -> &'static Topic {
        &CALM
    }

    fn poll(&self) {
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

impl Observer for Witness {
    fn name(&self) -> &'static str {
        "calm"
    }

    fn observe(&mut self, sample: &Arc<Sample>, _: u64) -> Vec<Event> {
        let now = self.started.elapsed();
        let mut ticks = crate::lock(&self.ticks);
        ticks.longest_gap = ticks.longest_gap.max(now - ticks.last);
        (ticks.count, ticks.last) = (ticks.count + 1, now);
        vec![Event::Sample(sample.clone())]
    }
}

impl Witness {
    fn says(&self, trap: &Trap) -> Value {
        let Ticks { count, last, longest_gap } = *crate::lock(&self.ticks);
        let since_last = self.started.elapsed().saturating_sub(last);
        json!({
            "ticks": count,
            "polls": self.polls.load(Ordering::Relaxed),
            "longestGap": longest_gap.as_millis() as u64,
            "sinceLast": since_last.as_millis() as u64,
            "sprung": trap.sprung.load(Ordering::Relaxed),
        })
    }
}

/// Runs the service of a case until SIGTERM.
pub(crate) fn run(guest: Guest, fault: Fault) {
    // A backtrace takes longer than any call may.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(serve(guest, fault));
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn serve(guest: Guest, fault: Fault) {
    let hostile = Hostile { guest, trap: Arc::new(Trap::new(fault)) };
    let monitoring = with_hostile(Monitoring::builder(), &hostile);
    let circuit = monitoring.breakers().circuit("bank", Default::default()).expect("a free name");
    *crate::lock(&hostile.trap.monitoring) = Some((monitoring.clone(), circuit));
    if fault == Fault::DropsMonitoring {
        // One is dropped by a guest of another, and one by its own guest.
        let own = Hostile { guest, trap: Arc::new(Trap::new(fault)) };
        *crate::lock(&own.trap.other) = Some(with_hostile(Monitoring::builder(), &own));
        own.trap.is_set.store(true, Ordering::Relaxed);
        *crate::lock(&hostile.trap.other) = Some(Monitoring::builder().build().expect("settings"));
    }
    let witness =
        Witness { started: Stopwatch::start(), polls: Arc::default(), ticks: Arc::default() };
    monitoring.registry().observe(witness.clone()).expect("a free name");
    monitoring.registry().monitor(Arc::new(witness.clone())).expect("a free topic");

    let trap = hostile.trap.clone();
    let says = get(async move || Json(witness.says(&trap)));
    let appendix = hostile.clone();
    let routes = monitoring
        .routes_with(|routes| routes.appendix(move |_| appendix.act(Guest::Appendix)))
        .expect("the registry has room");
    let router = Router::new().route("/witness", says).merge(routes);
    let listener = node0::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let _immediately = monitoring.shutdown().drain_delay(Duration::ZERO);
    hostile.trap.is_set.store(true, Ordering::Relaxed);
    // Not by `println!`, which the test's harness would take.
    writeln!(std::io::stdout(), "{LISTENS} {address}").expect("the test reads it");
    monitoring.serve(listener, router).await.expect("the registry has room");
}

/// Builds a monitoring with the guest in all its places.
fn with_hostile(settings: MonitoringBuilder, hostile: &Hostile) -> Monitoring {
    let act = |guest| {
        let hostile = hostile.clone();
        move || hostile.act(guest)
    };
    let (heap, check) = (act(Guest::HeapSource), act(Guest::Check));
    let heap = move || {
        heap();
        Some(1)
    };
    let check = move || {
        let check = check.clone();
        async move {
            check();
            Ok::<(), NotReady>(())
        }
    };
    let settings = settings.system(|system| system.heap(heap));
    let settings = settings.readiness(|readiness| readiness.check_fn("guest", check));
    let monitoring = settings.build().expect("the settings are good");
    let registry = monitoring.registry();
    registry.monitor(Arc::new(hostile.clone())).expect("a free topic");
    registry.observe(hostile.clone()).expect("a free name");
    let heard = act(Guest::Listen);
    registry.listen("guest", move |_| heard()).expect("a free name");

    let asked = act(Guest::CacheSource);
    let tier = monitoring.cache().tier("guest", "L1").expect("a free name");
    tier.poll(move || {
        asked();
        Some(Levels::default())
    });
    let asked = act(Guest::PoolSource);
    let levels = move || {
        asked();
        Some(PoolLevels::default())
    };
    let pool = monitoring.database().pool("guest", levels).expect("a free name");
    // They are watched as long as there are handles to them.
    std::mem::forget((tier, pool));
    monitoring
}
