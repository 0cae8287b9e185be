//! The question: the time and the memory until a service is measured and can be scraped.
//!
//! Two workloads. *Registering*: a thousand counters and two hundred latencies with three labels,
//! with the registry that holds them; a library that knows a series from its first record on gets
//! that record. *A service*: in a new process each time, all that node0 has is built, a router of a
//! hundred routes is watched, one request is answered, and the page is scraped once. The peer is
//! axum-prometheus, which does the same piece of work, though without pools, caches, windows,
//! health and a sampling thread. *Without metrics* answers the request and an empty page.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use axum::routing::get;
use axum_prometheus::PrometheusMetricLayer;
use http::Request;
use node0::Monitoring;
use tokio::runtime::Runtime;
use tower_service::Service;

use crate::held::{HOLDERS, Held};
use crate::pool::Pool;
use crate::rounds::{Contender, Effort, Race, Unit, race};
use crate::specimen::{self, Specimen};
use rig::memory::Memory;
use rig::stopwatch;

const SERVICE: &str = "startup/service";
const ROUTES: usize = 100;

const NODE0: &str = "node0";
const AXUM_PROMETHEUS: &str = "axum-prometheus";
const UNMEASURED: &str = "apart, without metrics";

pub(crate) const SPECIMENS: &[Specimen] = &[Specimen { race: SERVICE, measure: service }];

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let pool = Pool::new(1);
    rig::pin(0);
    let comparable = || HOLDERS.iter().filter_map(|it| Some((it.name, it.counters?, it.latencies)));
    let counters = comparable().map(|(name, counters, _)| registering(name, counters, 1000));
    let latencies = comparable().map(|(name, _, latencies)| registering(name, latencies, 200));
    let (counters, latencies) = (counters.collect(), latencies.collect());
    let title = "Register 1000 counters";
    let mut races = vec![race("startup/counters/1000", title, &pool, effort, counters)?];
    let title = "Register 200 latencies";
    races.push(race("startup/latencies/200", title, &pool, effort, latencies)?);

    let figures = specimen::in_rounds(SERVICE, &[NODE0, AXUM_PROMETHEUS, UNMEASURED], effort)?;
    for (entries, (name, title)) in figures.into_iter().zip(FIGURES) {
        let unit = if name == MEMORY { Unit::Bytes } else { Unit::Nanoseconds };
        let title = format!("A service of {ROUTES} routes: {title}");
        races.push(Race { id: format!("{SERVICE}/{name}"), title, unit, entries });
    }
    Ok(races)
}

fn registering(name: &'static str, register: fn(usize) -> Held, count: usize) -> Contender {
    let held = Rc::new(RefCell::new(None));
    let dropped = held.clone();
    Contender::acting(
        name,
        move || {
            dropped.borrow_mut().take();
            0
        },
        move || *held.borrow_mut() = Some(register(count)),
        || 0,
    )
}

const MEMORY: &str = "memory";

/// What is measured of a service, in this order.
const FIGURES: [(&str, &str); 5] = [
    ("build", "built"),
    ("wrap", "its router wrapped"),
    ("request", "its first request"),
    ("scrape", "its first scrape"),
    (MEMORY, "memory after all"),
];

fn service(contender: &str) -> Result<Vec<f64>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    let router = (0..ROUTES).fold(Router::new(), |router, number| {
        router.route(&format!("/items{number}/{{id}}"), get(async || "an item"))
    });
    let mut steps = Steps { before: Memory::now(), nanos: Vec::new() };
    match contender {
        NODE0 => {
            let monitoring = steps.take(|| Monitoring::builder().build())?;
            let wrap = || {
                let router = router.merge(monitoring.routes()?);
                anyhow::Ok(monitoring.watch(router).into_axum_service())
            };
            let app = steps.take(wrap)?;
            steps.serve(&runtime, app)
        }
        AXUM_PROMETHEUS => {
            let (layer, handle) = steps.take(PrometheusMetricLayer::pair);
            let page = get(async move || handle.render());
            let app = steps.take(|| router.route(PAGE, page).layer(layer));
            steps.serve(&runtime, app)
        }
        UNMEASURED => {
            steps.take(|| ());
            let app = steps.take(|| router.route(PAGE, get(async || "")));
            steps.serve(&runtime, app)
        }
        _ => bail!("nobody is called `{contender}`"),
    }
}

const PAGE: &str = "/metrics";

/// The steps so far, in wall time: some of the work is a thread's that is started.
struct Steps {
    before: Option<Memory>,
    nanos: Vec<f64>,
}

impl Steps {
    fn take<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let mut made = None;
        let took = stopwatch::time(|| made = Some(step()));
        self.nanos.push(took.as_nanos() as f64);
        made.expect("the step was taken")
    }

    /// Takes the first request and the first scrape, and returns the figures of all steps.
    fn serve<S>(mut self, runtime: &Runtime, mut app: S) -> Result<Vec<f64>>
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible>,
    {
        for path in ["/items7/42", PAGE] {
            let answer = self.take(|| {
                runtime.block_on(async {
                    let request = Request::get(path).body(Body::empty())?;
                    let response = app.call(request).await?;
                    ensure!(response.status().is_success(), "{path}: {}", response.status());
                    Ok(to_bytes(response.into_body(), usize::MAX).await?)
                })
            });
            answer.with_context(|| format!("no answer to {path}"))?;
        }
        let grown = self.before.zip(Memory::now()).map(|(before, after)| after.since(before));
        self.nanos.extend(grown.map(|grown| grown.resident));
        Ok(self.nanos)
    }
}
