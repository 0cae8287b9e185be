//! The question: the share of node0 in the processor time of a request.
//!
//! Workload: a GET that axum answers with thirteen bytes, on a path without and with a parameter,
//! fully instrumented: route labels, duration, requests in flight, the operation, with the
//! sampling thread running. It is the smallest request there is, so no service has a larger share.
//!
//! Two ways to send it. *Loopback*: sixteen connections to a server on a core of its own, which is
//! what the budget is about; only the server's thread is counted. *In process*: through a
//! pipe, without a kernel, which shows differences of a few nanoseconds and has the peers. There
//! the client is counted too, so the figures are differences, not shares.
//!
//! Both forms of the service have one type in one binary, see [`rig::http`]. The row
//! *router alone again* is measured like the others and must not differ from the first.

use std::rc::Rc;

use anyhow::{Context as _, Result};
use axum::Router;
use node0::Monitoring;
use tokio::runtime::Runtime;

use crate::rounds::{Effort, Entry, Race};
use rig::http::{Duplex, Form, Loopback, RequestFloor, Server, Target, Toggled, hello};

/// The row that the others are compared with.
pub(crate) const ALONE: &str = "apart, router alone";
pub(crate) const FLOOR: &str = "floor, clocks and records";
const AGAIN: &str = "apart, router alone again";
pub(crate) const NODE0: &str = "node0";

/// The rows of the one service; it answers in four forms.
const FORMS: [(&str, Form); 5] = [
    (ALONE, Form::Alone),
    (AGAIN, Form::Alone),
    (NODE0, Form::Watched),
    ("floor, future around", Form::Wrapped),
    (FLOOR, Form::Recorded),
];

/// Each connection's requests in a batch over loopback.
const EACH: usize = 20;
/// The requests of a batch within the process.
const BATCH: usize = 200;

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let monitoring = Monitoring::builder().build()?;
    let floor = RequestFloor::new(monitoring.registry(), hello())?;
    let service = Toggled::new(hello(), monitoring.watch(hello()), floor);
    let mut races = Vec::new();
    // The servers start before this thread is pinned, since a thread inherits its cores.
    let servers = Server::ALL.into_iter().filter(|_| effort.has_loopback());
    let servers: Vec<_> =
        servers.map(|server| (server, Loopback::start(server, service.clone()))).collect();
    rig::pin(0);
    for (server, loopback) in servers {
        let mut loopback = loopback?;
        for target in Target::ALL {
            races.push(over_loopback(server, &mut loopback, target, 4000)?);
        }
    }
    let rounds = if effort.has_loopback() { 1500 } else { 400 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let runtime = Rc::new(runtime);
    let peers = {
        // One peer starts a task of its own.
        let _entered = runtime.enter();
        [("tower-http trace", traced()), ("axum-prometheus", exported())]
    };
    for target in Target::ALL {
        races.push(in_process(&runtime, &service, &peers, target, rounds)?);
    }
    Ok(races)
}

fn over_loopback(
    server: Server,
    loopback: &mut Loopback,
    target: Target,
    rounds: usize,
) -> Result<Race> {
    let mut sides = FORMS.map(|(name, _)| Entry::named(name));
    in_turn(&mut sides, rounds, |side| loopback.send(FORMS[side].1, target, EACH))?;
    let id = format!("request/{}/{target:?}", server.name()).to_lowercase();
    let title = format!("Request over loopback to {}'s server, {}", server.name(), target.name());
    Ok(Race::of_times(&id, &title, sides.into()))
}

fn in_process(
    runtime: &Rc<Runtime>,
    service: &Toggled,
    peers: &[(&'static str, Router)],
    target: Target,
    rounds: usize,
) -> Result<Race> {
    // The forms share a connection: two of them would differ by where their memory lies.
    let mut connections = vec![Duplex::to(runtime.clone(), service.clone(), target)];
    let mut sides = FORMS.map(|(name, form)| (name, form, 0)).to_vec();
    for (name, router) in peers {
        sides.push((name, Form::Alone, connections.len()));
        connections.push(Duplex::to(runtime.clone(), router.clone(), target));
    }
    let mut entries: Vec<Entry> = sides.iter().map(|(name, ..)| Entry::named(name)).collect();
    in_turn(&mut entries, rounds, |side| {
        let (_, form, connection) = sides[side];
        form.choose();
        let connection = &mut connections[connection];
        // Not timed: the caches hold what the side before has left.
        connection.send(BATCH / 4).context("within the process")?;
        let took = connection.send(BATCH).context("within the process")?;
        Ok(took.as_nanos() as f64 / BATCH as f64)
    })?;
    let id = format!("request/process/{target:?}").to_lowercase();
    let title = format!("Request within the process, {}", target.name());
    Ok(Race::of_times(&id, &title, entries))
}

/// A peer: a span per request that nobody subscribes to.
fn traced() -> Router {
    hello().layer(tower_http::trace::TraceLayer::new_for_http())
}

/// A peer: counts, durations and requests in flight by route.
fn exported() -> Router {
    let (layer, _) = axum_prometheus::PrometheusMetricLayer::pair();
    hello().layer(layer)
}

/// Measures the sides in turn, in an order that rotates from round to round.
fn in_turn(
    sides: &mut [Entry],
    rounds: usize,
    mut measure: impl FnMut(usize) -> Result<f64>,
) -> Result<()> {
    let count = sides.len();
    // The first batches teach routes and warm caches.
    for side in 0..count {
        measure(side)?;
    }
    for round in 0..rounds {
        for place in 0..count {
            let side = (round + place) % count;
            sides[side].rounds.push(measure(side)?);
        }
    }
    Ok(())
}
