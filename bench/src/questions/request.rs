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
//! All forms of the service have one type in one binary, see [`rig::http`]; for node0's server,
//! which records requests itself, all servers do. The row
//! *router alone again* is measured like the first and must not differ from it. *Switched off* is
//! a request that enters node0 while measuring is off. Over loopback, a last row adds the
//! sampling and a scrape a second, see [`over_loopback`](super::over_loopback). In process, two rows leave that type: the
//! router served by itself, *layer absent*, and the watched router served by itself, *layer
//! present*; they also differ by where the compiler placed their code.

use std::rc::Rc;

use anyhow::{Context as _, Result};
use node0::{Measuring, Monitoring, Registry};
use tokio::runtime::Runtime;
use tower_layer::Layer as _;

use super::over_loopback::{Served, Side, Size, in_turn};
use crate::peers::layers::{self, Recorder};
use crate::rounds::{Effort, Entry, Race, Scope};
use crate::turn;
use rig::http::{Duplex, Form, Server, Target, Toggled, hello, write_get};
use rig::stopwatch;

/// The row that the others are compared with.
pub(crate) const ALONE: &str = "apart, router alone";
pub(crate) const FLOOR: &str = "floor, clocks and records";
pub(crate) const AGAIN: &str = "apart, router alone again";
pub(crate) const OFF: &str = "node0, switched off";
pub(crate) const NODE0: &str = "node0";

/// The rows of the one service.
const SIDES: [Side; 6] = [
    Side::new(ALONE, Form::Alone, Measuring::On),
    Side::new(AGAIN, Form::Again, Measuring::On),
    Side::new(OFF, Form::Watched, Measuring::Off),
    Side::new(NODE0, Form::Watched, Measuring::On),
    Side::new("floor, future and body around", Form::Wrapped, Measuring::On),
    Side::new(FLOOR, Form::Recorded, Measuring::On),
];

const LOOPBACK: Size = Size { starts: 16, rounds: 250, each: 20 };
/// The requests of a batch within the process.
const BATCH: usize = 200;

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build()?);
    let (monitoring, router) = {
        // The endpoints need a runtime, for the checks of readiness.
        let _entered = runtime.enter();
        let monitoring = Monitoring::builder().build()?;
        let router = hello().merge(monitoring.routes()?);
        (monitoring, router)
    };
    let service = Toggled::new(&monitoring, router)?;
    let _recorder = Recorder::install()?;
    rig::pin(0);
    let mut races = Vec::new();
    for server in Server::ALL.into_iter().filter(|_| effort.has_loopback()) {
        let served = Served { monitoring: &monitoring, service: &service, server };
        for target in Target::ALL {
            let write = |request: &mut Vec<u8>| write_get(request, target.path());
            let entries = served.measure_scraped(sides(server), LOOPBACK, write)?;
            let id = format!("request/{}/{target:?}", server.name()).to_lowercase();
            let title =
                format!("Request over loopback to {}'s server, {}", server.name(), target.name());
            races.push(Race::of_times(&id, &title, entries));
        }
    }
    let rounds = match effort.scope {
        Scope::Full => 1500,
        Scope::Quick => 400,
        Scope::Ours => 100,
    };
    for target in Target::ALL {
        let connections = Connections::open(&runtime, &service, &monitoring, target)?;
        let id = format!("request/process/{target:?}").to_lowercase();
        let title = format!("Request within the process, {}", target.name());
        let entries = connections.measure(monitoring.registry(), effort, rounds)?;
        races.push(Race::of_times(&id, &title, entries));
    }
    Ok(races)
}

/// Returns the rows of a server; the floors are those of a layer, which node0's server has none of.
fn sides(server: Server) -> &'static [Side] {
    match server {
        Server::Node0 => &SIDES[..4],
        Server::Axum => &SIDES,
    }
}

/// The rows within the process, each with the connection that it uses.
struct Connections {
    connections: Vec<Duplex>,
    rows: Vec<(Side, usize)>,
}

impl Connections {
    fn open(
        runtime: &Rc<Runtime>,
        service: &Toggled,
        monitoring: &Monitoring,
        target: Target,
    ) -> Result<Self> {
        // The forms share a connection: two of them would differ by where their memory lies.
        let connections = vec![Duplex::to(runtime.clone(), service.clone(), target)];
        let mut all = Self { connections, rows: SIDES.map(|side| (side, 0)).to_vec() };
        let router = hello().merge(monitoring.routes()?);
        // Of a monitoring of its own: a request that may pass two places of one is marked, which costs
        // an allocation.
        let apart = Monitoring::builder().build()?;
        let layered = apart.layer().layer(router.clone());
        let watched = monitoring.watch(router.clone());
        all.add("apart, layer absent", Duplex::to(runtime.clone(), router, target));
        all.add("node0, layer present", Duplex::to(runtime.clone(), watched, target));
        all.add("node0, tower layer", Duplex::to(runtime.clone(), layered, target));
        for (name, peer) in layers::all(hello)? {
            all.add(name, Duplex::to(runtime.clone(), peer, target));
        }
        Ok(all)
    }

    fn add(&mut self, name: &'static str, connection: Duplex) {
        self.rows.push((Side::new(name, Form::Alone, Measuring::On), self.connections.len()));
        self.connections.push(connection);
    }

    fn measure(mut self, registry: &Registry, effort: Effort, rounds: usize) -> Result<Vec<Entry>> {
        self.rows.retain(|(side, _)| effort.takes(side.name));
        let mut entries: Vec<_> =
            self.rows.iter().map(|(side, _)| Entry::named(side.name)).collect();
        in_turn(&mut entries, rounds, |row| {
            let (side, connection) = self.rows[row];
            turn::wait(effort);
            side.choose(registry);
            let connection = &mut self.connections[connection];
            // Not timed: the caches hold what the side before has left.
            connection.send(BATCH / 4).context("within the process")?;
            let took = connection.send(BATCH).context("within the process")?;
            let took = took + stopwatch::burn(took.mul_f64(effort.burn_of(side.name)));
            Ok(took.as_nanos() as f64 / BATCH as f64)
        })?;
        Ok(entries)
    }
}
