//! The question: the share of node0 in the requests of a whole service, the demo.
//!
//! Workload: `GET /orders/{id}` over loopback. A *hit* is found in the cache in memory. A *miss*
//! asks for another order each time: it is in no tier, so it is read from the database through the
//! pool and stored in the second tier. Both tiers, the pool and the operation are watched besides
//! the request. The database is the embedded one, so that any machine can repeat the race; it, the
//! payment service and the second tier's file work on threads of their own, which are not counted.
//! With a database in another process the service's own share is the same.
//!
//! *Router alone* is the demo's router with measuring switched off: the request enters nothing of
//! node0, and the pool and the tiers read no clock and record no time. What is left of node0 are the
//! pool's list of held connections and some counters, a few nanoseconds each.

use anyhow::{Context as _, Result};
use demo::flags::Flags;
use demo::service::Parts;
use node0::{Measuring, Monitoring};
use tokio::runtime::{Builder, Runtime};

use super::over_loopback::{Served, Side, Size};
use super::request::{AGAIN, ALONE, NODE0};
use crate::rounds::{Effort, Race};
use rig::http::{CONNECTIONS, Form, Server, Toggled, clock, write_get};

const SIDES: [Side; 3] = [
    Side::new(ALONE, Form::Alone, Measuring::Off),
    Side::new(AGAIN, Form::Again, Measuring::Off),
    Side::new(NODE0, Form::Watched, Measuring::On),
];

/// The requests of a batch: a multiple of the 64 reads or writes after which the cache in memory
/// puts its entries in order, so that every batch has the same share of that work.
const LAP: usize = 512;

const HITS: Size = Size { starts: 16, rounds: 75, each: LAP / CONNECTIONS };
const MISSES: Size = Size { starts: 4, rounds: 25, each: LAP / CONNECTIONS };

/// The orders in the database: more than the race of misses reads.
const ORDERS: usize = 180_000;

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    if !effort.has_loopback() {
        return Ok(Vec::new());
    }
    let others = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(|| rig::pin(0))
        .enable_all()
        .build()?;
    let monitoring = Monitoring::builder().build()?;
    let parts = assemble(&others, &monitoring)?;
    let router = parts.router.clone().merge(clock());
    let service = Toggled::new(&monitoring, router)?;
    let served = Served { monitoring: &monitoring, service: &service, server: Server::Node0 };
    rig::pin(0);

    let hits = served.measure(&SIDES, HITS, |request| write_get(request, &path(0)))?;
    let mut next = 0;
    let misses = served.measure(&SIDES, MISSES, |request| {
        next += 1;
        write_get(request, &path(next));
    })?;
    drop(service);
    others.block_on(parts.database.close());
    Ok(vec![
        Race::of_times("request/demo/hit", "Request to the demo, found in the cache", hits),
        Race::of_times("request/demo/miss", "Request to the demo, read from the database", misses),
    ])
}

/// Assembles the demo with its embedded database and cache, and fills the database.
fn assemble(others: &Runtime, monitoring: &Monitoring) -> Result<Parts> {
    let arguments = ["demo", "--database", "embedded", "--redis", "embedded", "--chaos", "off"];
    let flags = <Flags as clap::Parser>::try_parse_from(arguments)?;
    others.block_on(async {
        let parts = Parts::assemble(monitoring, &flags).await.context("the demo")?;
        let filled = format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ORDERS}) \
             INSERT INTO demo_orders (id, customer, items, total_cents, created_ms) \
             SELECT 'order-' || n, 'a customer', '[{{\"sku\":\"tea\",\"quantity\":2}}]', 998, 0 FROM numbers"
        );
        let client = parts.pool.get().await.context("the demo's pool")?;
        client.batch_execute(&filled).await.context("the orders")?;
        drop(client);
        // The server opens connections of its own, whose tasks then run on its thread.
        parts.pool.pool().retain(|_, _| false);
        Ok(parts)
    })
}

fn path(order: usize) -> String {
    format!("/orders/order-{order}")
}
