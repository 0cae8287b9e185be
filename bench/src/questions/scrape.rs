//! The question: the cost of a scrape, which reads all cells and renders the page of text.
//!
//! Workload: counters with three labels, and latencies with fourteen buckets and a thousand
//! samples each. Each contender reuses its buffer if its API allows it, and drops the data
//! that it read, as a handler does. Between scrapes each series gets one record, which is
//! not timed, so that no contender can return a cached page. The floor copies prepared lines
//! and writes the numbers with `itoa`. The last race has the same latencies in protobuf, which has
//! native histograms beside the buckets with bounds, against node0's own page of text.

use anyhow::Result;

use crate::floors;
use crate::peers::{measured, metrics, node0, prometheus, prometheus_client};
use crate::pool::Pool;
use crate::rounds::{Contender, Effort, Race, Scope, race};

const COUNTERS: [usize; 4] = [100, 1000, 10_000, 100_000];
const LATENCIES: usize = 1000;

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    rig::pin(0);
    let pool = Pool::new(1);
    let mut races = Vec::new();
    // A peer takes a quarter of a second for the largest page, and half a minute for all rounds.
    let sizes = COUNTERS.into_iter().filter(|size| effort.scope == Scope::Full || *size < 100_000);
    for series in sizes {
        let (id, title) =
            (format!("scrape/counters/{series}"), format!("Scrape {series} counters"));
        races.push(race(&id, &title, &pool, effort, counters(series))?);
    }
    let (id, title) = ("scrape/latencies/1000", "Scrape 1000 latencies of 14 buckets");
    races.push(race(id, title, &pool, effort, latencies())?);
    let (id, title) = ("scrape/native/1000", "Scrape 1000 native histograms");
    races.push(race(id, title, &pool, effort, node0::scrape_native(LATENCIES).into())?);
    Ok(races)
}

fn counters(series: usize) -> Vec<Contender> {
    let mut contenders = Vec::from(node0::scrape_counters(series));
    contenders.extend([floors::scrape_counters(series), measured::scrape_counters(series)]);
    contenders.extend(prometheus_client::scrape_counters(series));
    contenders.extend([prometheus::scrape_counters(series), metrics::scrape_counters(series)]);
    contenders
}

fn latencies() -> Vec<Contender> {
    let mut contenders = Vec::from(node0::scrape_latencies(LATENCIES));
    contenders.extend([floors::scrape_latencies(LATENCIES), measured::scrape_latencies(LATENCIES)]);
    contenders.extend(prometheus_client::scrape_latencies(LATENCIES));
    contenders
        .extend([prometheus::scrape_latencies(LATENCIES), metrics::scrape_latencies(LATENCIES)]);
    contenders
}
